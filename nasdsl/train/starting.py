"""`StartingWeights`: what a training starts from, in place of weights that are drawn.

The file is read where a run is planned, so that weights that do not fit are refused before
anything is written, and again where the run takes its first step.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nasdsl.api.compile import build
from nasdsl.api.trained import WeightsFile
from nasdsl.network.graph import NetworkGraph
from nasdsl.weights.files import require_weights


@dataclass(frozen=True, slots=True)
class StartingWeights:
    """A file of weights, and how much of it is taken.

    Attributes:
        path: the file, absolute.
        layout: whose names the tensors have; see `nasdsl.weights.load`.
        drop_background: whether its first class is left out.
        reset_classifier: whether the last layer, and that of the auxiliary classifier, stay as
            they were drawn: the file may be of a network with other classes.
    """

    path: str
    layout: str = "auto"
    drop_background: bool = False
    reset_classifier: bool = False

    def require_file(self) -> None:
        """Refuse a path that has no file of weights. Raises as `load_into` does."""
        require_weights(Path(self.path))

    def require_fit(self, graph: NetworkGraph) -> None:
        """Refuse weights that do not fit a network. Raises as `load_into` does."""
        self.load_into(build(graph, device="meta"))

    def load_into(self, net: Any) -> None:
        """Give a network the weights.

        Args:
            net: what `nasdsl.compile` returned; it keeps its classes.

        Raises:
            CellError: as `nasdsl.weights.load` does. The network may have lost its classifier.
        """
        file = WeightsFile(self.path, self.layout, self.drop_background)
        if not self.reset_classifier:
            file.load_into(net)
            return
        drawn = {name: tensor.clone() for name, tensor in net.state_dict().items()}
        classes = net.num_classes
        net.reset_classifier(0)
        file.load_into(net)
        others = net.state_dict().keys()
        net.reset_classifier(classes)
        last = {name: tensor for name, tensor in drawn.items() if name not in others}
        # On the meta device nothing was drawn.
        values = {name: tensor for name, tensor in last.items() if not tensor.is_meta}
        net.load_state_dict(values, strict=False)
