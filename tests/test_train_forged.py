"""Run folders that were made or changed by hand: diagnostics, and no report of what never was."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="trains networks")
pytest.importorskip("accelerate", reason="training needs it")

import torch
from hypothesis import given
from hypothesis import strategies as st

from nasdsl.errors import CellError
from nasdsl.network.self_contained import network_text
from nasdsl.train import Execution, fit
from nasdsl.train.checkpoint import Checkpoints
from nasdsl.train.run_folder import RECIPE, RUN, Job, RunFolder
from tests.train_cases import network, short, splits


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """The folder of a run that has not begun."""
    made = RunFolder(tmp_path_factory.mktemp("runs") / "run")
    made.create(Job(network_text(network().graph), "digits", short(), 0, Execution("cpu")), ["x"])
    return made


VALUES: tuple[Any, ...] = (
    *(None, True, 0, 1, -1, 1.5, 10**9, 2**63, 10**300, float("nan"), float("inf")),
    *("", "x", "\0", "\x1b[2J", "../..", [], [1], {}, {"a": {"b": []}}, [[[[[]]]]]),
)


def _read(folder: RunFolder) -> list[str]:
    """The codes of what is said about a run; empty where it is accepted."""
    try:
        folder.job()
    except CellError as error:
        return [finding.code for finding in error.diagnostics]
    return []


CRAFTED: dict[str, Callable[[dict[str, Any]], object]] = {
    "a seed in words": lambda about: about.update(seed="x"),
    "a true seed": lambda about: about.update(seed=True),
    "a large seed": lambda about: about.update(seed=2**63),
    "no accumulation": lambda about: about["execution"].update(accumulation=0),
    "many workers": lambda about: about["execution"].update(workers=10**9),
    "another execution": lambda about: about["execution"].update(speed=1),
    "execution that is a list": lambda about: about.update(execution=[]),
    "data that are a number": lambda about: about.update(data=3),
    "weights without a path": lambda about: about.update(weights={"layout": "auto"}),
    "no data": lambda about: about.pop("data"),
    "another version": lambda about: about.update(version=[1]),
}


@pytest.mark.parametrize("case", CRAFTED)
def test_crafted_runs(case: str, folder: RunFolder) -> None:
    """What no training writes is NAS843."""
    path = folder / RUN
    before = path.read_text()
    about = json.loads(before)
    CRAFTED[case](about)
    try:
        path.write_text(json.dumps(about))
        assert _read(folder) == ["NAS843"]
    finally:
        path.write_text(before)
    assert _read(folder) == []


@given(st.data())
def test_any_value_in_a_run(folder: RunFolder, data: st.DataObject) -> None:
    """Each member of `run.json` and of the recipe as any value: accepted, or a diagnostic."""
    name = data.draw(st.sampled_from([RUN, RECIPE]))
    path = folder / name
    before = path.read_text()
    try:
        if name == RUN:
            about = json.loads(before)
            inside = data.draw(st.sampled_from([about, about["execution"], about["versions"]]))
            inside[data.draw(st.sampled_from(sorted(inside)))] = data.draw(st.sampled_from(VALUES))
            path.write_text(json.dumps(about))
        else:
            lines = before.splitlines()
            number = data.draw(st.integers(0, len(lines) - 1))
            key = lines[number].partition("=")[0]
            values = (
                "0",
                "-1",
                "1e999",
                '"x"',
                "[]",
                "{a = {b = 1}}",
                "nan",
                "99999999999999999999",
            )
            lines[number] = f"{key}= {data.draw(st.sampled_from(values))}"
            path.write_text("\n".join(lines))
        assert set(_read(folder)) <= {"NAS843", "NAS846", "NAS820", "NAS821", "NAS822"}
    finally:
        path.write_text(before)


# -- checkpoints ---------------------------------------------------------------------------

State = dict[str, Any]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> State:
    """The state after the first of two epochs."""
    checkpoints = Checkpoints(tmp_path_factory.mktemp("sound"))
    fit(network(), splits(), short(epochs=2), execution=Execution("cpu"), checkpoints=checkpoints)
    checkpoints.paths()[0].unlink()
    loaded = checkpoints.newest()
    assert loaded is not None
    return loaded.state


FORGED: dict[str, Callable[[State], object]] = {
    "no network": lambda state: state.pop("net"),
    "no optimizer": lambda state: state.pop("optimizer"),
    "no history": lambda state: state.pop("history"),
    "a step too far": lambda state: state.update(step=10**9),
    "a step back": lambda state: state.update(step=-1),
    "a step in words": lambda state: state.update(step="5"),
    "a step of truth": lambda state: state.update(step=True),
    "another epoch's step": lambda state: state.update(step=10),
    "an epoch more": lambda state: state["history"].append(state["history"][0]),
    "an epoch with a word": lambda state: state["history"][0].update(loss="x"),
    "an epoch with more": lambda state: state["history"][0].update(more=1),
    "an epoch that is a list": lambda state: state["history"].__setitem__(0, [1]),
    "a network of another": lambda state: state["net"].popitem(),
    "a network of numbers": lambda state: state.update(net=dict.fromkeys(state["net"], 1)),
    "sums of another shape": lambda state: state.update(sums=torch.zeros(7)),
    "sums that are a number": lambda state: state.update(sums=3),
    "seconds in words": lambda state: state["seconds"].update(all="x"),
    "no parameters": lambda state: state["optimizer"].update(param_groups=[]),
    "another weight decay": lambda state: state["optimizer"]["param_groups"][0].update(
        weight_decay=0.5
    ),
    "moments of another shape": lambda state: state["optimizer"]["state"][0].update(
        exp_avg=torch.zeros(3, 5)
    ),
    "no moments": lambda state: state["optimizer"]["state"][0].pop("exp_avg"),
    "moments that are a number": lambda state: state["optimizer"]["state"][0].update(exp_avg=3),
    "parameters that are not there": lambda state: state["optimizer"]["state"].update(
        {9999: state["optimizer"]["state"][0]}
    ),
}


def _resumed(folder: Path, state: State) -> Any:
    checkpoints = Checkpoints(folder)
    checkpoints.save(5, {name: value for name, value in state.items() if name != "format"})
    return fit(
        network(), splits(), short(epochs=2), execution=Execution("cpu"), checkpoints=checkpoints
    )


@pytest.mark.parametrize("case", FORGED)
def test_crafted_checkpoints(case: str, saved: State, tmp_path: Path) -> None:
    """A state that this training would not have saved is NAS842."""
    state = copy.deepcopy(saved)
    FORGED[case](state)
    step = state["step"]
    with pytest.raises(CellError) as caught:
        _resumed(tmp_path, state | {"step": step})
    assert [finding.code for finding in caught.value.diagnostics] == ["NAS842"]


def test_the_checkpoint_as_it_was(saved: State, tmp_path: Path) -> None:
    """What is refused above is refused for what was changed."""
    assert len(_resumed(tmp_path, saved).history) == 2
