"""Mistakes on a command line are told before anything is imported that takes seconds."""

from pathlib import Path

import pytest

import nasdsl
from nasdsl.train import recipe
from nasdsl.train.execution import Execution
from nasdsl.train.run_folder import Job, RunFolder
from tests.commands_without import cases_without, outcomes_without
from tests.searches import write_store

#: What takes long to import. NumPy, networkx and rich do not.
HEAVY = (
    *("torch", "torchvision", "accelerate", "sklearn", "scipy", "pandas", "matplotlib", "PIL"),
    *("ray", "optuna", "onnx", "onnxruntime", "pyarrow", "h5py"),
)

TINY = """\
genotype tiny
ops nasnet
cell normal { b0 = (h[i], h[i-1], sep_conv_3x3, identity, add) }
cell reduction { b0 = (h[i], h[i-1], max_pool_3x3, sep_conv_3x3, add) }
"""

#: A mistake in each kind of argument and flag, and what is said of it. The files are those of
#: `folder`; no file has `nosuch` in its name.
CASES = """
    Error:   compile tiny --dtype nosuch
    Error:   compile tiny --layout nosuch
    Error:   compile tiny --N 0
    NAS001   compile nosuch
    NAS001   compile nosuch.safetensors
    NAS001   compile tiny.cell --weights nosuch.pt
    NAS006   compile tiny.cell -o nosuch/x.onnx
    NAS007   compile tiny.cell -o x.nosuch
    NAS208   compile tiny.cell --ops nosuch
    NAS213   compile nasnet_a --preset nosuch
    NAS313   compile bad.cell
    NAS503   compile tiny.cell --filters 7
    NAS504   compile tiny.cell --image-size 1
    NAS702   compile tiny.cell --backend nosuch
    NAS720   compile tiny.cell --passes nosuch
    NAS720   compile tiny.cell --optimize --passes nosuch
    NAS720   compile tiny.cell --print-after nosuch
    NAS802   compile tiny.cell --weights tiny.cell

    Error:   train tiny.cell
    Error:   train tiny.cell --out new --precision nosuch
    Error:   train tiny.cell --out new --seeds x
    Error:   train tiny.cell --out new --skeleton nosuch
    Error:   train tiny.cell --out new --seeds 1,4 --seed 3
    Error:   train tiny.cell --out new --layout slim
    Error:   train --resume run --seed 3
    NAS001   train nosuch --out new
    NAS001   train tiny.cell --out new --weights nosuch.pt
    NAS006   train tiny.cell --out tiny.cell
    NAS006   train tiny.cell --out tiny.cell/run
    NAS208   train tiny.cell --out new --ops nosuch
    NAS313   train bad.cell --out new
    NAS503   train tiny.cell --out new --filters 7
    NAS505   train tiny.cell --out new --layers 3 --N 2
    NAS707   train tiny.cell --out new --precision fp16 --device cpu
    NAS707   train tiny.cell --out new --cuda-graph --device cpu
    NAS802   train tiny.cell --out new --weights tiny.cell
    NAS820   train tiny.cell --out new --recipe nosuch
    NAS821   train tiny.cell --out new --set epocs=1
    NAS822   train tiny.cell --out new --set epochs=none
    NAS823   train tiny.cell --out new --data imagefolder:nosuch
    NAS823   train tiny.cell --out new --data imagenet:nosuch
    NAS823   train tiny.cell --out new --data cifar100:nosuch
    NAS823   train tiny.cell --out new --data fashion-mnist:nosuch
    NAS825   train tiny.cell --out new --data nosuch
    NAS825   train tiny.cell --out new --data imagefolder
    NAS825   train tiny.cell --out new --data digits:here
    NAS825   train tiny.cell --out new --data fake:x
    NAS841   train tiny.cell --out full
    NAS843   train --resume nosuch
    NAS843   train --resume full
    NAS843   train --resume tiny.cell
    NAS846   train tiny.cell --out new --recipe nosuch.toml

    Error:   eval run --split nosuch
    NAS001   eval nosuch
    NAS001   eval nosuch.safetensors
    NAS001   eval nosuch.pt --network tiny.cell
    NAS801   eval run --network tiny.cell
    NAS802   eval tiny.cell
    NAS820   eval run --recipe nosuch
    NAS823   eval run --data imagefolder:nosuch
    NAS825   eval run --data nosuch
    NAS843   eval full

    Error:   predict run full --csv --json
    NAS001   predict nosuch full
    NAS001   predict run nosuch.png
    NAS001   predict run full --names nosuch
    NAS802   predict tiny.cell full
    Error:   predict run full --recipe quick
    NAS801   predict run full --network tiny.cell
    NAS843   predict full full

    NAS712   compare run -o x.nosuch
    NAS006   compare run -o nosuch/x.svg
    NAS843   compare nosuch
    NAS843   compare run full

    Error:   publish run
    Error:   publish run -o new --repository me/new
    Error:   publish run -o new --private
    NAS001   publish nosuch -o new
    NAS842   publish run -o new
    NAS802   publish tiny.cell -o new
    NAS843   publish full -o new

    Error:   search nasnet_space --engine nosuch
    Error:   search nasnet_space --address here
    Error:   search nasnet_space --per-gpu 2
    Error:   search nasnet_space --retry-failed
    Error:   search nasnet_space --trials 0
    NAS001   search nosuch
    NAS001   search --resume nosuch.db
    NAS001   search --resume nosuch
    NAS313   search bad.cell
    NAS604   search tiny.cell
    NAS823   search nasnet_space --data imagefolder:nosuch
    NAS825   search nasnet_space --data nosuch
    NAS820   search nasnet_space --evaluator train?recipe=nosuch
    NAS821   search nasnet_space --evaluator train?nosuch=1
    NAS865   search nasnet_space --store full
    NAS865   search nasnet_space --store tiny.cell
    NAS880   search nasnet_space --algorithm nosuch
    NAS881   search nasnet_space --option nosuch=1
    NAS881   search nasnet_space --algorithm evolution --option population=x
    NAS882   search nasnet_space --evaluator nosuch
    NAS882   search nasnet_space --evaluator proxy:nosuch
    NAS882   search nasnet_space --evaluator python:nosuch:score
    NAS883   search nasnet_space --evaluator table:nosuch.csv
    Error:   search nasnet_space --fidelity asha --reduction 1
    NAS887   search nasnet_space --fidelity nosuch
    NAS887   search nasnet_space --max-epochs 9
    NAS887   search nasnet_space --fidelity asha --min-epochs 9 --max-epochs 3

    NAS001   search status nosuch.db
    NAS001   search top nosuch.db
    NAS006   search top s.db -o tiny.cell
    NAS001   search plot nosuch.db -o x.svg
    NAS006   search plot s.db -o nosuch/x.svg
    NAS712   search plot s.db -o x.nosuch
    Error:   search export s.db
    Error:   search export s.db t.csv -o u.csv
    NAS006   search export s.db nosuch/x.db
    NAS007   search export s.db x.nosuch
    Error:   search finish s.db --engine nosuch
    NAS001   search finish nosuch.db
    NAS503   search finish s.db --data digits --recipe quick --filters 7
    NAS820   search finish s.db --recipe nosuch
    NAS821   search finish s.db --set epocs=1
    NAS823   search finish s.db --data imagefolder:nosuch
    NAS825   search finish s.db --data nosuch
    NAS865   search finish tiny.cell

    NAS006   plot sizes tiny.cell -o nosuch/x.svg
    NAS712   plot sizes tiny.cell -o x.nosuch
    NAS001   plot sizes nosuch -o x.svg
    Error:   plot sizes tiny.cell --accuracy nan -o x.svg
    Error:   bench tiny.cell --accuracy nan
    Error:   detect nosuch x.png --threshold nan
    Error:   search nasnet_space --deadline nan
    Error:   search nasnet_space --memory inf
    Error:   train tiny.cell --out new --save-minutes nan
    NAS712   render tiny.cell -o x.nosuch
    Error:   convert tiny.cell --to nosuch
    Error:   count nasnet_space --limit 3
    Error:   render tiny.cell --port 8000
    NAS001   convert nosuch
    NAS001   cost nosuch
    NAS001   show nosuch --graph
    NAS001   count nosuch
    NAS001   sample nosuch
    NAS001   enumerate nosuch
    NAS001   hash nosuch
    NAS001   diff nosuch tiny.cell
    NAS001   check nosuch
    NAS001   fmt nosuch
    NAS213   explain NAS999
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A cell, a text with a mistake, a run without a checkpoint, a store, and a full folder."""
    (tmp_path / "tiny.cell").write_text(TINY)
    (tmp_path / "bad.cell").write_text("genotype bad")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "note").write_text("mine")
    text = nasdsl.genotype_text(nasdsl.loads(TINY))
    job = Job(text, "digits", recipe("quick"), 0, Execution())
    RunFolder(tmp_path / "run").create(job, [])
    write_store(tmp_path / "s.db", text)
    return tmp_path


def test_nothing_heavy_is_imported_before_a_mistake_is_told(folder: Path) -> None:
    """Each command says what is wrong, writes nothing, and imports none of these packages."""
    before = {path.relative_to(folder) for path in folder.rglob("*")}
    wrong = [
        case
        for case in cases_without("refused", HEAVY, CASES, folder)
        if case.imported or case.code not in (1, 2) or case.wanted not in case.said
    ]
    assert wrong == []
    written = {path.relative_to(folder) for path in folder.rglob("*")} - before
    # A store that is being read has these beside it.
    assert {path for path in written if path.suffix not in (".db-wal", ".db-shm")} == set()


@pytest.mark.parametrize("name", ["x" * 300, "genotype a\nops nasnet\n" + 300 * "\n"])
def test_names_that_no_file_can_have(name: str, folder: Path) -> None:
    """One that is too long, and a whole text, are told with a code like any other mistake."""
    lines = [line.split()[1:] for line in CASES.splitlines() if "nosuch" in line]
    commands = [[word.replace("nosuch", name) for word in line] for line in lines]
    outcomes = outcomes_without("refused", HEAVY, commands, folder)
    wrong = [
        (line, outcome)
        for line, outcome in zip(lines, outcomes, strict=True)
        if outcome[0] not in (1, 2) or not any(code in outcome[1] for code in ("[NAS", "Error:"))
    ]
    assert wrong == []
