"""What reports of several seeds have in common, of classifiers and of detectors."""

from collections.abc import Sequence

from nasdsl.errors import Diagnostic
from nasdsl.report.visible import visible
from nasdsl.train.results import Mean
from nasdsl.train.run_folder import REPORT


def run_cell(seed: int, failure: Diagnostic | None) -> str:
    """The report of a seed's run, or why there is none."""
    if failure is not None:
        return f"{failure.code}: {visible(failure.message)}"
    return f"[seed-{seed}](seed-{seed}/{REPORT})"


def mean_cell(found: Mean | None) -> str:
    """A mean of shares and its deviation; empty without one."""
    return "" if found is None else f"**{found.mean:.2%}** ± {100 * found.deviation:.2f}"


def means_note(failures: Sequence[Diagnostic | None]) -> str:
    """Of which seeds the means are, given why each failed or that it did not."""
    failed = sum(failure is not None for failure in failures)
    end = f" that did not fail; {failed} did." if failed else "."
    return f"Mean and standard deviation (of a sample) over the seeds{end}"
