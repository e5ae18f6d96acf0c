"""`Configuration`: settings with every choice made.

Purpose: what the network graph, the backends, layouts of weights and exports read about a
network as a whole.
Non-goals: how the choices come about; `nasdsl.network.complete` makes them, once.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Configuration:
    """Every choice about the network around the cells.

    Attributes:
        name: the skeleton's.
        stem: one of the skeleton's.
        N: normal cells between reductions; None where `layers` says how many cells there are.
        filters: channels of the penultimate layer.
        cell_filters: F, the filters of the first cell; it doubles at each reduction.
        image_size: height and width of the input, in pixels.
        classes: width of the last layer.
        input_channels: channels of the image.
        stem_filters: channels of the stem's first convolution.
        skip_reduction_input: whether the cell after a reduction takes as `h[i-1]` the cell
            two before that reduction.
        auxiliary: whether there is an auxiliary classifier.
        drop_path: probability of dropping a path at depth 1, at the end of training.
        dropout: probability of dropping a feature before the last layer.
        batch_norm_epsilon: added to the variance, in every normalisation.
        batch_norm_momentum: weight of the newest batch in the moving statistics.
        layers: all cells but those of the stem, where they are not described by N.
    """

    name: str
    stem: str
    N: int | None
    filters: int
    cell_filters: int
    image_size: int
    classes: int
    input_channels: int
    stem_filters: int
    skip_reduction_input: bool
    auxiliary: bool
    drop_path: float
    dropout: float
    batch_norm_epsilon: float
    batch_norm_momentum: float
    layers: int | None = None

    @property
    def size(self) -> str:
        """The size as papers write it: `6 @ 4032`, or `9 layers @ 576`."""
        if self.N is not None:
            return f"{self.N} @ {self.filters}"
        return f"{self.layers} {'layer' if self.layers == 1 else 'layers'} @ {self.filters}"
