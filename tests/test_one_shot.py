"""One-shot searches: what algorithms learn, and runs that are interrupted, resumed and read."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch

import nasdsl
from nasdsl.errors import CellError
from nasdsl.oneshot.enas import Controller, Enas, EnasOptions
from nasdsl.oneshot.gdas import Gdas
from nasdsl.oneshot.method import METHODS, Steps
from nasdsl.oneshot.mixing import skips
from nasdsl.oneshot.planning import plan_one_shot
from nasdsl.oneshot.training import OneShotSearch
from nasdsl.oneshot.watching import SearchEpoch, SearchWatcher
from nasdsl.search import oneshot
from nasdsl.search.evaluators import evaluator
from nasdsl.search.oneshot import begin_one_shot, recorded_one_shot, run_one_shot
from nasdsl.search.store import Reader
from nasdsl.space import decisions
from nasdsl.train.checkpoint import Checkpoints
from nasdsl.train.results import Interrupted
from nasdsl.train.run_folder import RunFolder
from tests.cli_run import Run, runner
from tests.edited_runs import refusal

SPACE = "nasbench201_space"
TINY = """
genotype tiny
ops darts
cell normal {
    b0 = (h[i], h[i-1], skip_connect, skip_connect, add)
    output concat(b0)
}
cell reduction {
    b0 = (?, ?, {OPS}, {OPS}, add)
    b1 = (?, ?, {OPS}, {OPS}, add)
    output concat(b0, b1)
}
network {
    skeleton = darts
    stem     = cifar
}
""".replace("OPS", "none | skip_connect | avg_pool_3x3 | dil_conv_3x3")
# A network of one layer has a reduction alone.
SMALL = {"layers": 1, "cell_filters": 4, "epochs": 2, "batch": 256}
#: Fewer steps of what has a loop of its own.
LESS = {
    "enas": {"controller_steps": 2, "aggregate": 2, "samples": 2},
    "single_path": {"shown": 2, "samples": 4},
    "pc_darts": {"alpha_after": 1},
}
pytestmark = pytest.mark.usefixtures("one_thread")


def _plan(algorithm: str, seed: int = 3, **more: object):
    options = {**SMALL, **LESS.get(algorithm, {}), **more}
    return plan_one_shot(nasdsl.loads_space(TINY), algorithm, options=options, seed=seed)


class _StopsAt(SearchWatcher):
    """Asks to stop after a step."""

    def __init__(self, step: int) -> None:
        self.at, self.step = step, 0

    def stepped(self, step: int, loss: float) -> None:
        self.step = step

    def __call__(self) -> bool:
        return self.step == self.at


def _plain(search: OneShotSearch) -> list[dict[str, object]]:
    members = [epoch.as_members() for epoch in search.history]
    return [{key: value for key, value in each.items() if key != "seconds"} for each in members]


@pytest.mark.parametrize("algorithm", METHODS.names())
def test_a_search_that_is_interrupted_within_an_epoch_ends_as_if_it_had_not_been(
    algorithm, tmp_path: Path
) -> None:
    plan = _plan(algorithm)
    whole = OneShotSearch(plan, Checkpoints(tmp_path / "whole"))
    whole.run()
    each = whole.steps.each
    assert each > 1
    assert [epoch.step for epoch in whole.history] == [each, 2 * each]
    stop = _StopsAt(each + 1)
    folder = Checkpoints(tmp_path / "parts")
    with pytest.raises(Interrupted):
        OneShotSearch(plan, folder, (stop,), stop).run()
    resumed = OneShotSearch(plan, folder)
    resumed.run()
    assert _plain(resumed) == _plain(whole)
    first, second = (search.net.state_dict() for search in (whole, resumed))
    assert all(torch.equal(first[name], second[name]) for name in first)
    other = OneShotSearch(_plan(algorithm, seed=4, epochs=1))
    other.run()
    assert _plain(other)[0]["loss"] != _plain(whole)[0]["loss"]


def test_a_killed_search_goes_on(tmp_path: Path) -> None:
    """SIGKILL after the first checkpoint; the result is that of a search left alone."""
    (tmp_path / "tiny.cell").write_text(TINY)
    words = ["search", "tiny.cell", "--algorithm", "gdas", "--seed", "3"]
    words += [word for k, v in {**SMALL, "epochs": 4}.items() for word in ("--option", f"{k}={v}")]

    def start(*more: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, "-m", "nasdsl", *more]
        return subprocess.Popen(
            command,
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    killed = start(*words, "--out", "run")
    while killed.poll() is None and not list((tmp_path / "run").glob("checkpoints/step-*.pt")):
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert not (tmp_path / "run" / "derived.cell").exists()
    assert start("search", "--resume", "run").wait(120) == 0
    whole = tmp_path / "whole"
    plan = _plan("gdas", epochs=4)
    run_one_shot(begin_one_shot(whole / "run", plan), plan)
    names = ("derived.cell", "space.cell")
    for name in names:
        assert (whole / "run" / name).read_bytes() == (tmp_path / "run" / name).read_bytes()
    states = [
        Checkpoints(root / "run" / "checkpoints").newest().state for root in (whole, tmp_path)
    ]
    for name, tensor in states[0]["net"].items():
        assert torch.equal(tensor, states[1]["net"][name]), name


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a single-path run that has ended."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    folder = tmp_path_factory.mktemp("runs") / "paths"
    plan = _plan("single_path", epochs=1)
    run_one_shot(begin_one_shot(folder, plan), plan)
    torch.set_num_threads(threads)
    return folder


def test_validation_images_that_steps_do_not_look_at_change_nothing() -> None:
    """Those that the controller learns from are the same, though steps are given none."""
    plan = _plan("enas")
    assert not plan.method.steps_validate
    histories = []
    for looks in (False, True):
        search = OneShotSearch(replace(plan, method=replace(plan.method, steps_validate=looks)))
        search.run()
        histories.append(_plain(search))
    assert histories[0] == histories[1]


def test_images_that_are_kept_are_those_that_are_made_anew(monkeypatch) -> None:
    plan = _plan("darts", epochs=1)
    histories = []
    for most in (2**29, 0):
        monkeypatch.setattr("nasdsl.oneshot.kept_images._MEMORY", most)
        search = OneShotSearch(plan)
        assert (search.training is plan.splits.train) == (most == 0)
        search.run()
        histories.append(_plain(search))
    assert histories[0] == histories[1]
    augmented = _plan("darts", epochs=1, augmentation="crop")
    monkeypatch.undo()
    assert OneShotSearch(augmented).training is augmented.splits.train


def test_the_folder_of_a_run(paths: Path) -> None:
    with Reader(paths / "search.db") as store:
        trials = list(store.trials())
        best = store.best()[0]
    lines = [json.loads(line) for line in (paths / "metrics.jsonl").read_text().splitlines()]
    assert [len(line["candidates"]) for line in lines] == [len(trials)] == [4]
    derived = nasdsl.load(paths / "derived.cell")
    assert nasdsl.canonical_hash(derived) == best.hash
    assert best.reward == lines[-1]["candidates"][0]["accuracy"]
    text = (paths / "derived.cell").read_text()
    for said in ("single_path", "`tiny`", "digits", "seed 3", best.hash):
        assert said in text
    # It is not bound to the small super-network.
    assert derived.settings == nasdsl.loads_space(TINY).settings
    assert nasdsl.cost(derived, N=5).params > nasdsl.cost(derived, N=1).params


def test_the_folder_of_a_run_is_no_store(run: Run, paths: Path) -> None:
    """What asks for a store says which file of the folder it is."""
    ran = run("search", "status", str(paths))
    assert ran.code == 2
    assert "error[NAS865]" in ran.err
    assert f"its store is {paths / 'search.db'}" in ran.err
    ran = run("search", "status", str(paths.parent))
    assert "is a folder, not the store of a search" in ran.err


def test_a_derived_member_says_nothing_of_the_machine(paths: Path) -> None:
    """It is published; the path of the data is the business of one machine."""
    plan = recorded_one_shot(paths)
    named = replace(plan, splits=replace(plan.splits, name="imagefolder:/home/somebody/images"))
    line = json.loads((paths / "metrics.jsonl").read_text().splitlines()[-1])
    ended = SearchEpoch.from_members(line)
    text = oneshot._derived(RunFolder(paths), named, ended, 3).text
    assert ("# data imagefolder, seed 3" in text, "somebody" in text) == (True, False)


def test_a_run_as_an_evaluator(paths: Path) -> None:
    """It gives each member the reward that the run itself measured."""
    found = evaluator(f"supernet:{paths}?images=0")
    with Reader(paths / "search.db") as store:
        for trial in store.trials():
            score = found.evaluate(trial.text, 0, lambda value: None)
            assert score.reward == trial.reward
    member = nasdsl.loads(trial.text)
    small = {"layers": 1, "cell_filters": 4, "image_size": 8, "input_channels": 1}
    assert score.params == nasdsl.cost(member, **small).params
    with pytest.raises(CellError) as raised:
        found.evaluate(nasdsl.genotype_text(nasdsl.load("nasnet_a")), 0, lambda value: None)
    assert raised.value.diagnostics[0].code == "NAS602"
    with pytest.raises(CellError) as raised:
        found.require_space(nasdsl.load_space("darts_space"))
    assert raised.value.diagnostics[0].code == "NAS602"
    for spec, code in (
        ("supernet", "NAS882"),
        (f"supernet:{paths}?images=many", "NAS882"),
        (f"supernet:{paths}?pictures=3", "NAS882"),
        ("supernet:nowhere", "NAS843"),
    ):
        with pytest.raises(CellError) as raised:
            evaluator(spec)
        assert raised.value.diagnostics[0].code == code


@pytest.mark.parametrize(
    ("data", "options", "augmented", "said"),
    [
        # Tiny images are seen whole, and few of them in more steps.
        ("digits", {}, ("none", "padded"), {"augmentation", "batch", "lr"}),
        ("digits", {"lr": 0.01, "batch": 8}, ("none", "padded"), {"augmentation"}),
        ("digits", {"augmentation": "crop"}, ("crop", "padded"), {"batch", "lr"}),
        ("fake:3", {"image_size": 16}, ("none", "padded"), {"augmentation"}),
        ("fake:3", {"image_size": 17}, ("crop_flip", "padded"), set()),
    ],
)
def test_what_tiny_and_few_images_change(data, options, augmented, said, monkeypatch) -> None:
    monkeypatch.setattr("nasdsl.train.data.fake._TRAIN", 24_000)
    plan = plan_one_shot(nasdsl.load_space(SPACE), "darts", data=data, options=options)
    assert (plan.options.augmentation, plan.options.crop) == augmented
    crops = [type(step).__name__ for step in plan.splits.train.transform.transforms]
    assert ("RandomCrop" in crops) == (augmented[0] != "none")
    found = " ".join(plan.remarks)
    assert {
        word for word in ("augmentation", "batch", "lr", "epochs") if f"`{word} =" in found
    } == (said)


@pytest.mark.parametrize(("epochs", "said"), [(14, True), (15, True), (16, False)])
def test_an_architecture_that_is_never_trained(epochs: int, said: bool) -> None:
    """PC-DARTS leaves 15 epochs to the weights."""
    plan = plan_one_shot(nasdsl.load_space(SPACE), "pc_darts", options={"epochs": epochs})
    assert any("is not trained" in remark for remark in plan.remarks) == said


def test_a_run_from_before_augmentation_was_an_option(paths: Path, tmp_path: Path) -> None:
    """It goes on with the images that it began with."""
    about = json.loads((paths / "oneshot.json").read_text())
    assert (about["options"].pop("augmentation"), about["options"].pop("crop")) == (
        "none",
        "padded",
    )
    (tmp_path / "oneshot.json").write_text(json.dumps(about))
    (tmp_path / "space.cell").write_bytes((paths / "space.cell").read_bytes())
    plan = recorded_one_shot(tmp_path)
    assert (plan.options.augmentation, plan.options.crop) == ("crop_flip", "upsampled")
    resized = plan.splits.train.transform.transforms[0]
    assert resized.size == [10]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("oneshot.json", "{"),
        ("oneshot.json", '{"version": 7}'),
        ("oneshot.json", '{"version": 1, "algorithm": "darts", "options": 3}'),
        ("checkpoints/step-000000001.pt", "no checkpoint"),
    ],
)
def test_a_run_that_somebody_changed(paths: Path, tmp_path: Path, name, content) -> None:
    folder = tmp_path / "run"
    (folder / "checkpoints").mkdir(parents=True)
    for each in ("oneshot.json", "space.cell"):
        (folder / each).write_bytes((paths / each).read_bytes())
    (folder / name).write_text(content)
    with pytest.raises(CellError) as raised:
        evaluator(f"supernet:{folder}")
    assert raised.value.diagnostics[0].code in ("NAS843", "NAS842")
    if name == "oneshot.json":
        with pytest.raises(CellError) as raised:
            recorded_one_shot(folder)
        assert raised.value.diagnostics[0].code == "NAS843"


@pytest.mark.parametrize(
    ("name", "before", "after", "said"),
    [
        ("oneshot.json", '"seed": 3', '"seed": 4', "another seed"),
        ("oneshot.json", '"batch": 256', '"batch": 128', "another batch"),
        ("space.cell", "avg_pool_3x3", "max_pool_3x3", "another space"),
        ("oneshot.json", '"seed": 3', '"seed": -1', "cannot be read"),
        ("oneshot.json", '"device": null', '"device": 7', "cannot be read"),
        ("oneshot.json", '"skeleton": "darts"', '"N": "x"', "cannot be read"),
    ],
)
def test_an_edited_run_is_not_resumed(
    paths: Path, tmp_path: Path, name: str, before: str, after: str, said: str
) -> None:
    """What its checkpoint was made with must be what its files say."""

    def resume(path: Path) -> object:
        return run_one_shot(RunFolder(path), recorded_one_shot(path))

    assert said in refusal(paths, tmp_path / "run", (name, before, after), resume)


class _Collapsing(SearchWatcher):
    """Makes skips the strongest options after the first epoch."""

    def __init__(self) -> None:
        self.codes: list[str] = []

    def started(self, search: OneShotSearch) -> None:
        self.net = search.net

    def epoch_ended(self, epoch: object) -> None:
        with torch.no_grad():
            for name, alpha in self.net.alphas.items():
                alpha[:, self.net.mixtures[name].options.index("skip_connect")] = 9

    def warned(self, finding: nasdsl.Diagnostic) -> None:
        self.codes.append(finding.code)


@pytest.mark.parametrize("stop", ["never", "collapse"])
def test_a_collapse_to_skips(stop) -> None:
    """It is said once; with `stop=collapse` the search ends with the genotype before."""
    watcher = _Collapsing()
    search = OneShotSearch(_plan("darts", epochs=3, stop=stop), watchers=(watcher,))
    ended = search.run()
    assert watcher.codes == ["NAS892"]
    assert [epoch.skips for epoch in search.history][1:] == [4] * (1 if stop == "collapse" else 2)
    assert ended.epoch == (1 if stop == "collapse" else 3)


def test_only_open_ops_of_blocks_that_are_used_count_as_skips() -> None:
    text = """
genotype some
ops darts
cell normal {
    a = (h[i], h[i-1], {skip_connect | sep_conv_3x3}, skip_connect, add)
    b = (h[i], h[i-1], {skip_connect | sep_conv_3x3}, {skip_connect | max_pool_3x3}, add)
    output concat(b)
}
cell reduction {
    a = (h[i], h[i-1], skip_connect, skip_connect, add)
    output concat(a)
}
"""
    space = nasdsl.loads_space(text)
    counts = [skips(space, each) for each in nasdsl.enumerate_genotypes(space)]
    # `a` reaches no output.
    assert sorted(counts) == [(n, 2) for n in (0, 0, 1, 1, 1, 1, 2, 2)]


# -- GDAS ---------------------------------------------------------------------------------


def _net(relaxation: str, space: str = SPACE, **more: object):
    settings = {"N": 1, "cell_filters": 4, "image_size": 8, "seed": 0, **more}
    return nasdsl.supernet(space, relaxation=relaxation, **settings)


def test_the_temperature_of_gdas() -> None:
    """From 10 to 0.1 in equal steps, as `exps/NAS-Bench-201-algos/GDAS.py` has it."""
    net = _net("gumbel")
    gdas = Gdas(net, Steps(epochs=12, each=1, seed=0))
    seen = []
    for epoch in range(12):
        gdas.begin_epoch(epoch)
        seen.append(net.temperature)
    assert seen[0] == 10
    assert seen[-1] == pytest.approx(0.1)
    assert all(a - b == pytest.approx(0.9) for a, b in pairwise(seen))


# -- ENAS ---------------------------------------------------------------------------------


def test_the_controller_of_enas() -> None:
    """The shapes and the first biases of `micro_controller.py`; the fixed bias is in one cell."""
    torch.manual_seed(0)
    space = nasdsl.load_space("enas_space")
    controller = Controller(space, EnasOptions())
    assert controller.ops[:2] == ["sep_conv_3x3", "sep_conv_5x5"]
    shapes = {name: tuple(each.shape) for name, each in controller.named_parameters()}
    assert shapes == {
        "lstm": (128, 256),
        "first": (1, 64),
        "op_embedding": (5, 64),
        "op_logits": (64, 5),
        "combine_logits": (64, 1),
        "attention_before": (64, 64),
        "attention_now": (64, 64),
        "attention": (64, 1),
        "bias": (5,),
    }
    assert controller.bias.tolist() == [10, 10, 0, 0, 0]
    assert controller.fixed_bias.tolist() == [0.25, 0.25, -0.25, -0.25, -0.25]
    with torch.no_grad():
        for parameter in controller.parameters():
            parameter.zero_()
        sampled = [controller.sample() for _ in range(3)]
    # Without weights every choice is uniform, but for the fixed bias in the normal cell.
    inputs = sum(2 * torch.log(torch.tensor(float(n))) for n in range(2, 7))
    odds = torch.tensor([0.25, 0.25, -0.25, -0.25, -0.25]).softmax(0)
    biased = -(odds * odds.log()).sum()
    entropy = float(2 * inputs + 10 * biased + 10 * torch.log(torch.tensor(5.0)))
    for each in sampled:
        assert each.entropy == pytest.approx(entropy, rel=1e-5)
        assert nasdsl.contains(space, _member(space, each.taken))


def _member(space: nasdsl.Space, taken: tuple[int, ...]) -> nasdsl.Genotype:
    from nasdsl.space import genotype_from_choices

    return genotype_from_choices(space, taken)


def test_the_controller_learns_what_is_rewarded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a reward is the share of one op among those chosen, that op is sampled more often."""
    options = EnasOptions(controller_lr=0.01, tanh_constant=4.0, op_tanh_reduce=1.0, baseline=0.9)
    net = _net("path")
    enas = Enas(net, Steps(1, 1, 0), options)
    ops = [options for options in decisions(net.graph.space) if len(options) == 5]
    wanted = ops[0].index("nor_conv_3x3")
    open_ops = [at for at, each in enumerate(decisions(net.graph.space)) if len(each) == 5]

    def reward(taken: tuple[int, ...], batch: object = None) -> float:
        return sum(taken[at] == wanted for at in open_ops) / len(open_ops)

    monkeypatch.setattr(enas, "_accuracy", reward)
    torch.manual_seed(0)
    first = sum(enas.controller_step([None] * 10) for _ in range(5)) / 5
    for _ in range(50):
        last = enas.controller_step([None] * 10)
    assert first < 0.3
    assert last > 0.6
    assert 0.3 < enas.baseline < 1
    # What the picture shows: how often each op was sampled.
    strengths = enas.strengths()["normal_b0_left"][0]
    assert sum(strengths) == pytest.approx(1)
    assert max(strengths) == strengths[wanted]


# -- PC-DARTS -----------------------------------------------------------------------------


def test_an_edge_of_partial_channels() -> None:
    """Half of the channels go through ops, the rest past them; then they are shuffled."""
    text = """
genotype one
ops darts
cell normal {
    b0 = (h[i], h[i-1], {skip_connect | avg_pool_3x3}, skip_connect, add)
    output concat(b0)
}
cell reduction {
    b0 = (h[i], h[i-1], skip_connect, skip_connect, add)
    output concat(b0)
}
"""
    space = nasdsl.loads_space(text)
    more = {"layers": 3, "skeleton": "darts", "stem": "cifar", "dtype": torch.float64}
    settings = {"image_size": 8, "cell_filters": 4, "seed": 0, **more}
    net = nasdsl.supernet(space, relaxation="partial", k=2, **settings).eval()
    (alpha,) = net.alphas.values()
    assert not net.betas
    with torch.no_grad():
        alpha.copy_(torch.tensor([[0.3, -0.2]]))
    given, made = {}, []
    cell = net.get_submodule("cells.0")
    for name, layer in cell.named_modules():
        if name in ("input0.2", "input1.2"):
            layer.register_forward_hook(lambda _, __, out, name=name: given.update({name: out}))
    after = net.get_submodule("cells.1").get_submodule("input0.1")
    after.register_forward_pre_hook(lambda _, args: made.append(args[0]))
    images = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    net(images)
    newest, before = given["input0.2"], given["input1.2"]
    skip, pool = alpha.softmax(-1)[0].tolist()
    part = newest[:, :2]
    ones = torch.ones_like(part)

    def summed(x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.avg_pool2d(x, 3, 1, 1, divisor_override=1)

    mixed = skip * part + pool * summed(part) / summed(ones)
    edge = torch.stack([mixed[:, 0], newest[:, 2], mixed[:, 1], newest[:, 3]], 1)
    # The next cell prepares what it is given, beginning with a ReLU.
    assert torch.allclose(made[0], (edge + before).relu(), rtol=1e-12)


def test_partial_channels() -> None:
    """Every alpha and every beta gets a gradient, and inputs are weighted in what is derived."""
    net = _net("partial", "darts_space", k=2, layers=3, N=None)
    torch.nn.functional.cross_entropy(net(torch.randn(2, 3, 8, 8)), torch.arange(2)).backward()
    assert len(net.alphas) == len(net.betas) == 8
    for parameter in net.architecture():
        assert parameter.grad.abs().sum() > 0
    with torch.no_grad():
        for name, beta in net.betas.items():
            beta.zero_()[-2:] = 5
            net.alphas[name].zero_()[:, net.mixtures[name].options.index("dil_conv_3x3")] = 1
    derived = net.derived()
    for cell in derived.cells:
        for number, block in enumerate(cell.blocks):
            options = net.graph.space.cells[0].blocks[number].inputs[0]
            assert {str(state) for state in block.inputs} == {str(state) for state in options[-2:]}
            assert block.ops == ("dil_conv_3x3", "dil_conv_3x3")
    net.choose(derived)
    assert net.logits(torch.randn(2, 3, 8, 8)).shape == (2, 10)
    with pytest.raises(CellError) as raised:
        net.member(derived)
    assert raised.value.diagnostics[0].code == "NAS891"


@pytest.mark.parametrize("k", [3, 1, "two"])
def test_channels_that_cannot_be_parted(k) -> None:
    with pytest.raises(CellError) as raised:
        _net("partial", k=k)
    assert raised.value.diagnostics[0].code == "NAS891"


# -- bad input ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("space", "algorithm", "options", "code"),
    [
        ("nasnet_a", "darts", {}, "NAS604"),
        ("nasnet_space", "darts", {}, "NAS890"),
        ("nasnet_space", "pc_darts", {"cell_filters": "4"}, "NAS890"),
        (SPACE, "pc_darts", {"k": "3"}, "NAS891"),
        (SPACE, "darts", {"epochs": "0"}, "NAS881"),
        (SPACE, "darts", {"epoch": "1"}, "NAS881"),
        (SPACE, "darts", ["epochs"], "NAS881"),
        (SPACE, "darts", {"N": "none"}, "NAS502"),
        (SPACE, "darts", {"classes": "3"}, "NAS844"),
        (SPACE, "darts", {"cell_filters": "100000"}, "NAS707"),
        (SPACE, "dart", {}, "NAS880"),
    ],
)
def test_what_cannot_be_searched(space, algorithm, options, code) -> None:
    with pytest.raises(CellError) as raised:
        plan_one_shot(nasdsl.load_space(space), algorithm, options=options).require_possible()
    assert [found.code for found in raised.value.diagnostics] == [code]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.cell").write_text(TINY)
    return runner(capfd, monkeypatch)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("nasnet_a --algorithm darts", "NAS604"),
        ("nasnet_space --algorithm darts --option N=1", "NAS890"),
        (f"{SPACE} --algorithm pc_darts --option k=3", "NAS891"),
        (f"{SPACE} --algorithm darts --option epoch=1", "NAS881"),
        (f"{SPACE} --algorithm darts --data digitz", "NAS825"),
        (f"{SPACE} --algorithm darts --option device=nowhere", "NAS707"),
        (f"{SPACE} --evaluator supernet:{{paths}}?device=nowhere --store s.db", "NAS707"),
        (f"{SPACE} --algorithm dart", "NAS880"),
        (f"{SPACE} --algorithm dartz --data digits --out r", "NAS880"),
        (f"{SPACE} --algorithm darts --out tiny.cell", "NAS006"),
        (f"{SPACE} --evaluator supernet:nowhere --store s.db", "NAS843"),
        (f"{SPACE} --evaluator supernet:{{paths}} --store s.db", "NAS602"),
        ("--resume nowhere.db", "NAS001"),
    ],
)
def test_mistakes_on_the_command_line(run: Run, paths: Path, tmp_path: Path, words, code) -> None:
    """One diagnostic each, and nothing is written."""
    ended = run("search", *words.format(paths=paths).split())
    assert ended.code == 2
    assert ended.err.count("error[NAS") == 1
    assert f"error[{code}" in ended.err
    assert not ended.out
    assert {path.name for path in tmp_path.iterdir()} == {"tiny.cell"}


def test_a_misspelt_algorithm(run: Run) -> None:
    """The nearest name, whichever kind of algorithm has it."""
    for word, nearest in {"dartz": "darts", "evolutoin": "evolution"}.items():
        ended = run("search", SPACE, "--algorithm", word, "--out", "r")
        assert f"help: did you mean `{nearest}`?" in ended.err


@pytest.mark.parametrize(
    "words",
    [
        f"{SPACE} --algorithm darts --trials 3",
        f"{SPACE} --algorithm darts --evaluator train",
        f"{SPACE} --algorithm random --out x",
        "--resume {paths} --seed 3",
    ],
)
def test_flags_that_would_have_no_effect(run: Run, paths: Path, words) -> None:
    ended = run("search", *words.format(paths=paths).split())
    assert ended.code == 2
    assert "Error: --" in ended.err


def test_a_search_on_the_command_line(run: Run, tmp_path: Path) -> None:
    """What it says at the start and in each epoch; the cell, which other commands take."""
    small = [word for k, v in SMALL.items() for word in ("--option", f"{k}={v}")]
    ended = run("search", "tiny.cell", "--algorithm", "darts", *small)
    assert ended.code == 0
    assert ended.out == (tmp_path / "tiny-darts-0" / "derived.cell").read_text()
    for said in ("darts on tiny: a super-network of", "2 epochs of 2 steps, 256 images each"):
        assert said in ended.err
    for line in ("epoch 1/2  loss", "epoch 2/2  loss", "└── Reduction cell"):
        assert line in ended.err
    picture = (tmp_path / "tiny-darts-0" / "alphas.svg").read_text()
    assert picture.startswith("<?xml")
    # Choices have the names of the text.
    for title in ("reduction b0 from h[i]", "reduction b1 from h[i-1]", "reduction b1 from b0"):
        assert f"<!-- {title} -->" in picture
    again = run("search", "--resume", "tiny-darts-0", "--json")
    assert again.code == 0
    assert json.loads(again.out)["text"] == ended.out
    for command in ("check", "hash", "cost"):
        assert run(command, "tiny-darts-0/derived.cell").code == 0
    top = run("search", "top", "tiny-darts-0/search.db")
    assert top.code == 0
    refused = run("search", "tiny.cell", "--algorithm", "darts")
    assert refused.code == 2
    assert "NAS841" in refused.err
