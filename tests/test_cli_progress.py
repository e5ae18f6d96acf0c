"""How a training shows itself: lines where there is no terminal, bars where there is one."""

import io

import pytest

pytest.importorskip("torch", reason="training needs it")
pytest.importorskip("accelerate", reason="training needs it")

from rich.console import Console

from nasdsl.cli.train_progress import (
    Bars,
    TrainingLines,
    Warnings,
    epoch_line,
    watchers_for_terminal,
)
from nasdsl.train import Epoch, Evaluation, Fitted, TrainingPlan
from nasdsl.train.report import curves

EPOCH = Epoch(
    *(3, 30, 0.5, 0.875, Evaluation(0.25, 0.9375, 1.0, 16, 0.1), 0.01, 0.8, 2.0, 1234.5),
)
PLAN = TrainingPlan(10, 10, 64, 20, (), "cpu", 1, "tiny, 1 @ 8", 1234, 5_600_000)


def test_lines(capsys: pytest.CaptureFixture[str]) -> None:
    """An opening line and a line an epoch, all to standard error."""
    (lines,) = watchers_for_terminal(quiet=False)
    assert isinstance(lines, TrainingLines)
    lines.started(PLAN)
    lines.measured(25, 0.6, 0.8)
    lines.epoch_ended(EPOCH)
    found = capsys.readouterr()
    assert found.out == ""
    assert found.err.splitlines() == [
        "tiny, 1 @ 8: 1,234 parameters, 5,600,000 mult-adds per image",
        "training on cpu: 10 epochs of 10 steps, 100 in all, 64 images each, "
        "continuing after step 20",
        "epoch  3/10  loss 0.5000  accuracy 87.50%  held out 93.75%  lr 1.00e-02  "
        "path keep probability 0.800  1,234 images/s  2.0 s",
    ]
    (warnings,) = watchers_for_terminal(quiet=True)
    assert isinstance(warnings, Warnings)


def test_the_rest_is_estimated_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the first steps, from what those of this process took; not where all is short."""
    now = [100.0]
    monkeypatch.setattr("nasdsl.cli.train_progress.perf_counter", lambda: now[0])
    lines = TrainingLines()
    lines.started(PLAN)
    capsys.readouterr()
    for now[0], step in ((103.0, 21), (106.0, 22), (112.0, 24)):
        lines.measured(step, 0.6, 0.8)
    assert capsys.readouterr().err == ""
    now[0] = 120.0
    lines.measured(28, 0.6, 0.8)
    # 8 steps took 20 seconds, 72 are left.
    assert capsys.readouterr().err == "about 3:00 for the remaining 72 steps\n"
    now[0] = 121.0
    lines.epoch_ended(EPOCH)
    assert "about" not in capsys.readouterr().err
    short = TrainingLines()
    short.started(PLAN)
    now[0] = 122.0
    short.epoch_ended(EPOCH)
    assert "about" not in capsys.readouterr().err


def test_long_epochs_are_told_about(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a minute there is a line within an epoch."""
    now = [0.0]
    monkeypatch.setattr("nasdsl.cli.train_progress.perf_counter", lambda: now[0])
    lines = TrainingLines()
    lines.started(PLAN)
    lines.has_estimated = True
    for now[0] in (30.0, 61.0, 90.0, 130.0):
        lines.measured(int(now[0]), 0.6, 0.8)
    assert [line.split()[1] for line in capsys.readouterr().err.splitlines()[2:]] == [
        *("61/100", "130/100"),
    ]


def test_bars() -> None:
    """The bar has the figures and the time left; an epoch leaves a line; it closes twice."""
    bars = Bars()
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=140, color_system=None)
    bars.console = bars.progress.live.console = console
    bars.started(PLAN)
    bars.stepped(21, 0.01)
    bars.measured(21, 0.6, 0.8)
    bars.progress.refresh()
    bars.epoch_ended(EPOCH)
    bars.ended(Fitted(None, None, (), 0, 0.0))
    bars.close()
    shown = screen.getvalue()
    assert "epoch 3/10" in shown
    assert "loss 0.6000  accuracy 80.00%  lr 1.00e-02" in shown
    assert " left" in shown
    assert epoch_line(EPOCH, 10) in shown


def test_curves_repeat_themselves() -> None:
    """The same history draws the same bytes, which are SVG."""
    pytest.importorskip("matplotlib")
    drawn = curves([[EPOCH], [EPOCH]])
    assert drawn == curves([[EPOCH], [EPOCH]])
    assert b"<svg" in drawn
