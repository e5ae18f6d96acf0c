"""Every command without the packages of extras: it works, or says what to install."""

import re
import shlex
from pathlib import Path

import pytest

import nasdsl
from tests.cli_options import lines_of_every_option
from tests.cli_run import TINY
from tests.commands_without import cases_without, outcomes_without
from tests.searches import write_store
from tests.test_install_hint import EXTRAS

#: Packages that no extra-less installation has.
EVERY = (
    *("torch", "torchvision", "safetensors", "h5py", "accelerate", "filelock", "tomli_w", "numpy"),
    *("PIL", "matplotlib", "tensorboard", "sklearn", "scipy", "optuna", "pyarrow", "ray"),
    *("threadpoolctl", "onnx", "onnxscript", "onnxruntime", "openvino", "IPython", "hypothesis"),
    *("pygls", "lsprotocol", "timm", "huggingface_hub"),
)
#: Those that a training can do without.
OPTIONAL = (
    *("matplotlib", "tensorboard", "sklearn", "scipy", "h5py", "optuna", "pyarrow", "ray"),
    *("threadpoolctl", "onnx", "onnxscript", "onnxruntime", "openvino", "IPython", "hypothesis"),
    *("pygls", "lsprotocol", "timm", "huggingface_hub"),
)
SIZE = "--N 1 --cell-filters 4 --stem cifar --image-size 8"
#: What each command comes to: `0`, or the code of what it says, where no extra is installed.
WITHOUT_ALL = f"""
    0        check tiny.cell
    0        fmt tiny.cell --check
    0        cost tiny.cell
    0        count nasnet_space
    0        sample nasnet_space -n 2 --seed 0
    0        hash nasnet_a
    0        list
    0        show nasnet_a
    0        show nasnet_a --graph {SIZE}
    0        explain NAS201
    0        completion bash
    0        convert darts_v2 --to darts
    0        plot sizes --json
    0        render tiny.cell -o x.dot
    0        compile tiny.cell {SIZE} --backend source -o x.py
    0        cost tiny.cell --detector paper
    0        render tiny.cell -o y.dot --names --title --legend
    0        render nasnet_a_cifar --network -o z.dot
    0        render nasnet_space -o s.dot
    0        diff nasnet_a nasnet_a
    0        enumerate nasbench201_space --limit 2
    0        list --plugins
    0        convert --schema
    NAS701   compile tiny.cell {SIZE} --passes merge
    NAS701   compile tiny.cell {SIZE} --print-after dead
    NAS701   compile tiny.cell {SIZE} -o x.pt2 --dynamic-size
    NAS701   compile tiny.cell {SIZE}
    NAS701   compile tiny.cell {SIZE} --device meta
    NAS701   compile tiny.cell {SIZE} --optimize
    NAS701   compile tiny.cell {SIZE} -o x.onnx
    NAS701   compile tiny.cell {SIZE} -o x.safetensors
    NAS701   bench tiny.cell {SIZE}
    NAS701   bench tiny.cell {SIZE} --runtimes inductor,openvino
    NAS701   train tiny.cell --out new
    NAS701   train tiny.cell --out new --log wandb
    NAS701   train tiny.cell --out new --seeds 2
    NAS701   train --resume run
    NAS701   train tiny.cell --out new --task detection --data coco:run
    NAS701   eval run
    NAS701   eval tiny.cell --runtime openvino
    NAS701   publish x.safetensors -o published
    NAS701   predict tiny.cell tiny.cell
    NAS843   compare run
    NAS701   plot sizes tiny.cell -o x.svg
    NAS701   search nasnet_space
    NAS701   search nasnet_space --evaluator proxy:naswot
    NAS701   search nasnet_space --evaluator latency
    NAS701   search nasnet_space --algorithm ppo
    NAS701   search nasnet_space --algorithm surrogate
    NAS701   search nasnet_space --algorithm optuna
    NAS701   search nasbench201_space --algorithm darts --out od
    NAS701   search nasbench201_space --evaluator supernet:run
    NAS701   search nasbench201_space --objective accuracy --objective latency:min
    NAS701   search nasbench201_space --evaluator proxy:naswot --max-latency 20ms
    NAS701   search finish s.db
    NAS701   lsp
"""
#: The same with what a training needs, and nothing more.
WITHOUT_OPTIONAL = f"""
    0        search nasbench201_space --trials 1 --store a.db --evaluator proxy:synflow --quiet
    0        search status a.db
    0        search top a.db -o best
    0        search export a.db a.csv
    NAS701   search export a.db a.parquet
    NAS701   search export a.db x.db
    NAS701   search plot a.db -o p.svg
    NAS701   search nasnet_space --evaluator proxy:synflow --algorithm optuna
    NAS701   search nasnet_space --evaluator proxy:synflow --algorithm surrogate
    NAS701   search nasnet_space --evaluator proxy:synflow --engine ray
    0        train tiny.cell --out new {SIZE} --data fake:3 --set epochs=1 --set warmup=0 --quiet
    NAS701   train tiny.cell --out other --data fake:3 --log tensorboard
    NAS701   train tiny.cell --out other
    0        compare new
    NAS701   compare new -o c.svg
    0        eval new
    NAS701   compile tiny.cell {SIZE} -o x.onnx
    NAS701   bench tiny.cell {SIZE} --runtimes eager,onnxruntime
"""

SEARCH = "search nasbench201_space --evaluator python:builtins:len --trials 1"
#: Each extra by itself: the packages that only it brings, and what cannot work without them.
EACH = {
    "torch": (
        ("torch", "torchvision", "safetensors", "h5py"),
        f"compile tiny.cell {SIZE}; compile tiny.cell {SIZE} --optimize -o x.onnx",
    ),
    "train": (
        ("accelerate", "filelock", "sklearn", "tensorboard", "tomli_w"),
        "train tiny.cell --out new; train tiny.cell --out new --log tensorboard; eval run;"
        "train --resume run; predict run tiny.cell; search nasbench201_space; search finish s.db",
    ),
    "plot": (("matplotlib",), "plot sizes -o x.svg; plot sizes tiny.cell -o x.png"),
    "hub": (("huggingface_hub", "timm"), "publish x.safetensors -o published"),
    "detection": (
        ("faster_coco_eval",),
        "train tiny.cell --out new --task detection --data coco:run",
    ),
    "ray": (("ray",), f"{SEARCH} --engine ray"),
    "search": (
        ("optuna", "pyarrow", "scipy", "threadpoolctl"),
        f"{SEARCH} --algorithm optuna; {SEARCH} --algorithm surrogate",
    ),
    "lsp": (("lsprotocol", "pygls"), "lsp"),
    "onnx": (
        ("onnx", "onnxscript", "onnxruntime"),
        f"compile tiny.cell {SIZE} -o x.onnx; bench tiny.cell {SIZE} --runtimes onnxruntime;"
        f"compile tiny.cell {SIZE} -o x.onnx --dynamic-size",
    ),
    "openvino": (("openvino",), f"bench tiny.cell {SIZE} --runtimes eager,openvino"),
}
#: Extras that no command needs.
FOR_PYTHON = {"strategies", "notebook", "all"}


def test_each_extra_is_tried() -> None:
    """The table has every extra there is."""
    assert {*EACH, *FOR_PYTHON} == set(EXTRAS)


@pytest.mark.parametrize("extra", EACH)
def test_each_extra_by_itself(extra: str, tmp_path: Path) -> None:
    """What needs it says so and names it, where everything else is installed."""
    if extra != "torch":
        pytest.importorskip("torch")
    (tmp_path / "tiny.cell").write_text(TINY)
    (tmp_path / "x.safetensors").touch()
    (tmp_path / "run").mkdir()
    packages, lines = EACH[extra]
    table = "\n".join(f"{extra} {line.strip()}" for line in lines.split(";"))
    for case in cases_without("missing", packages, table, tmp_path):
        assert (case.code, "error[NAS701]" in case.said) == (2, True), case
        assert f'install ".[{extra}]"' in case.said.partition("help:")[2], case
    assert {path.name for path in tmp_path.iterdir()} == {"tiny.cell", "x.safetensors", "run"}


#: Lines of every option that end otherwise: what they need is not at hand, whatever is installed.
OTHERWISE = {
    "play ": "NAS001",
    "compare run": "NAS843",
    "render nosuch.cell ": "NAS001",
    f"compile tiny.cell {SIZE} --classes ": "NAS802",
    "predict ": "NAS802",
    "search s.db ": "NAS604",
    "search --resume s.db ": "NAS604",
    "search plot s.db -o p.svg --regret": "NAS886",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What lines of every option name."""
    (tmp_path / "tiny.cell").write_text(TINY)
    (tmp_path / "tidy.cell").write_text(nasdsl.genotype_text(nasdsl.loads(TINY)))
    (tmp_path / "small.cell").write_text(TINY.replace("max_pool_3x3", "?"))
    (tmp_path / "names.txt").write_text("a\n")
    (tmp_path / "x.safetensors").touch()
    for name in ("run", "full"):
        (tmp_path / name).mkdir()
    write_store(tmp_path / "s.db")
    return tmp_path


def test_every_option_without_extras(folder: Path) -> None:
    """It works, or says what to install; a new command or option is tried without being named."""
    lines = lines_of_every_option()
    outcomes = outcomes_without("missing", EVERY, list(map(shlex.split, lines)), folder)
    wrong = []
    for line, (code, said, _) in zip(lines, outcomes, strict=True):
        known = [each for beginning, each in OTHERWISE.items() if line.startswith(beginning)]
        installs = re.search(r'install "\.\[(\w+)\]"', said.partition("help:")[2])
        is_told = code == 2 and "NAS701" in said and installs and installs[1] in EXTRAS
        if not (code == 0 or is_told or (known and known[0] in said)):
            wrong.append((line, code, said))
    assert wrong == []


@pytest.mark.parametrize(
    ("cases", "packages", "needs"),
    [(WITHOUT_ALL, EVERY, ()), (WITHOUT_OPTIONAL, OPTIONAL, ("torch", "accelerate"))],
    ids=["every extra", "what training can do without"],
)
def test_what_is_missing_is_named(
    cases: str, packages: tuple[str, ...], needs: tuple[str, ...], tmp_path: Path
) -> None:
    """NAS701 names the package and how to install it; nothing ends as an internal error."""
    for package in needs:
        pytest.importorskip(package)
    (tmp_path / "tiny.cell").write_text(TINY)
    (tmp_path / "x.safetensors").touch()
    (tmp_path / "run").mkdir()
    wrong = [
        case
        for case in cases_without("missing", packages, cases, tmp_path)
        if (
            case.code != 0 if case.wanted == "0" else case.code != 2 or case.wanted not in case.said
        )
        or (case.wanted == "NAS701" and "install" not in case.said.partition("help:")[2])
    ]
    assert wrong == []
