"""`predicted:FILE`: latencies on a device on which only a few networks were measured.

For example `predicted:phone.csv?key=arch&value=ms&devices=others.csv.gz`. FILE is a CSV file with a
row for each network that was measured: ten make a useful order of all. Options say what its
columns are: `key` has canonical hashes or strings of a format, as in a `table`, and `value`
(`latency`) milliseconds.

`devices` is a second table with the same `key`, whose other columns are latencies of many networks
on other devices, in any unit; those that are no numbers above zero throughout are left out. What it
does not have cannot be predicted. Without it, latency is a sum of what the primitives of a network
cost, whose settings are given by name as for `latency` (`skeleton=nasbench201`); keys have to be
strings then.

The reward is the negative latency. It goes with `--objective latency:min=predicted:...`.
"""

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nasdsl.errors import cell_error, listed, plural
from nasdsl.loading import cells_of_text
from nasdsl.search.child import Child, child_from_options
from nasdsl.search.evaluators.table import TableEvaluator, read_table
from nasdsl.search.protocol import Report, Score
from nasdsl.search.table_rows import number_columns

if TYPE_CHECKING:
    from nasdsl.search.latency_model import CostModel, Floats

#: Fewer measurements than this say nothing of an order.
_MIN_MEASURED = 2


class PredictedLatencyEvaluator:
    """Predicts the latency of each genotype.

    Args:
        measured: the table of the new device.
        devices: that of other devices, whose `reports` are their columns; None for costs.
        child: the network whose costs are counted.
    """

    def __init__(
        self, measured: TableEvaluator, devices: TableEvaluator | None, child: Child
    ) -> None:
        self.measured, self.devices, self.child = measured, devices, child
        if devices is None and measured.format is None:
            raise cell_error(
                "NAS883",
                f"{measured.name} has hashes for keys, and no costs can be counted of a hash",
                "strings such as those of `nasdsl convert --to` name networks",
                "or `devices=FILE` predicts from other devices",
            )
        if len(measured.scores) < _MIN_MEASURED:
            raise cell_error(
                "NAS883",
                f"{measured.name} has {plural(len(measured.scores), 'measurement')}; two are the "
                "fewest, and ten make a useful order",
            )

    @property
    def about(self) -> str:
        """From what it predicts, and how well the measured networks are ordered by the others."""
        count = plural(len(self.measured.scores), "measurement")
        if self.devices is None:
            source = "the costs of primitives"
        else:
            source = f"{plural(len(self.devices.reports or {}), 'device')} of {self.devices.name}"
        return (
            f"latencies are predicted from {count} in {self.measured.name} and {source}; each "
            f"predicted from the others, their rank correlation is {self.order:.2f}"
        )

    def evaluate(self, text: str, seed: int, report: Report) -> Score:
        """The negative latency, whatever the seed.

        Raises:
            CellError: the devices' table does not have the genotype (NAS884).
        """
        if self.devices is None:
            latency = self._costs.latency(self._features(text))
        else:
            latency = self._latencies[self.devices.key(text)]
        return Score(-latency, (), None, None, {"latency": latency})

    def check(self) -> None:
        """Look at every network that was measured.

        Raises:
            CellError: NAS884, the devices' table lacks one; what a network is refused for.
        """
        if self.devices is None:
            assert len(self._measured_features)
        else:
            assert self._rows

    @cached_property
    def order(self) -> float:
        """The rank correlation of the measurements with what the others predict of each."""
        import numpy

        from nasdsl.search.latency_model import CostModel, device_latencies, rank_correlation

        values = self._values
        predicted = []
        for at in range(len(values)):
            rest = [other for other in range(len(values)) if other != at]
            some = [values[other] for other in rest]
            if self.devices is None:
                model = CostModel(self._measured_features[rest], some)
                predicted.append(model.latency(self._measured_features[at]))
            else:
                rows = self._rows
                everything = device_latencies(self._others, [rows[other] for other in rest], some)
                predicted.append(float(everything[rows[at]]))
        return rank_correlation(numpy.array(predicted), numpy.array(values))

    # -- from other devices ---------------------------------------------------------------

    @property
    def _values(self) -> list[float]:
        return [score.reward for score in self.measured.scores.values()]

    @cached_property
    def _keys(self) -> list[str]:
        assert self.devices is not None
        return list(self.devices.scores)

    @cached_property
    def _others(self) -> "Floats":
        import numpy

        assert self.devices is not None
        columns = (self.devices.reports or {}).values()
        return numpy.array([[column[key] for column in columns] for key in self._keys])

    @cached_property
    def _rows(self) -> list[int]:
        """The row of each measured network in the devices' table."""
        assert self.devices is not None
        places = {key: at for at, key in enumerate(self._keys)}
        found = []
        for key in self.measured.scores:
            place = places.get(key)
            if place is None and self.measured.format is not None:
                place = places[self.devices.key(self.measured.text_of(key))]
            if place is None:
                text = f"{self.devices.name} has no row for {key:.100}, which was measured"
                raise cell_error("NAS884", text)
            found.append(place)
        return found

    @cached_property
    def _latencies(self) -> dict[str, float]:
        from nasdsl.search.latency_model import device_latencies

        found = device_latencies(self._others, self._rows, self._values)
        return dict(zip(self._keys, map(float, found), strict=True))

    # -- from costs -----------------------------------------------------------------------

    def _features(self, text: str) -> "Floats":
        from nasdsl.search.latency_model import cost_features

        return cost_features(self.child.graph(cells_of_text(text)))

    @cached_property
    def _measured_features(self) -> "Floats":
        import numpy

        texts = [self.measured.text_of(key) for key in self.measured.scores]
        return numpy.stack([self._features(text) for text in texts])

    @cached_property
    def _costs(self) -> "CostModel":
        from nasdsl.search.latency_model import CostModel

        return CostModel(self._measured_features, self._values)


def predicted_latency_evaluator(what: str, options: dict[str, Any]) -> PredictedLatencyEvaluator:
    """The evaluator of `predicted:FILE?...`.

    Raises:
        CellError: NAS882 for options that it does not have, NAS883 where a table cannot be used,
            NAS884 where the devices' table lacks a network that was measured.
    """
    if not what:
        raise cell_error("NAS882", "`predicted` needs a file of measurements: predicted:FILE")
    key, value = options.pop("key", "hash"), options.pop("value", "latency")
    other = options.pop("devices", None)
    child = child_from_options(options)
    if options:
        takes = "`key`, `value`, `devices` and settings of the network"
        raise cell_error(
            "NAS882", f"the evaluator `predicted` takes {takes}, and has {listed(options)}"
        )
    measured = read_table(Path(what), value, key, unit="raw")
    _require_above_zero(measured)
    devices = None
    if other is not None:
        columns = number_columns(Path(other), key)
        if not columns:
            raise cell_error("NAS883", f"{other} has no column of latencies, numbers above zero")
        devices = read_table(Path(other), columns[0], key, columns, unit="raw")
    evaluator = PredictedLatencyEvaluator(measured, devices, child)
    evaluator.check()
    return evaluator


def _require_above_zero(table: TableEvaluator) -> None:
    for key, score in table.scores.items():
        if score.reward <= 0:
            text = (
                f"{table.name} has a latency of {score.reward:g} for {key:.100}; it is above zero"
            )
            raise cell_error("NAS883", text)
