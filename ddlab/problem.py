"""An experiment with its data described: the decomposition, the networks, and whether all of it fits together."""

from dataclasses import dataclass
from functools import lru_cache

from ddlab.data.cache import describe
from ddlab.data.source import Description
from ddlab.decomposition import Decomposition, Subdomain
from ddlab.experiment import DecompositionSettings, Experiment, ExperimentError
from ddlab.models.architecture import Network
from ddlab.models.constants import with_constants
from ddlab.models.spec import NetworkSpec
from ddlab.registry.models import MODELS
from ddlab.runs.reader import RunReader


@dataclass(frozen=True)
class Problem:
    """An experiment with its data described; no image is decoded and no network built yet.

    Parameters
    ----------
    global_network
        The network on the whole image.
    local_networks
        One network a subdomain, in the order of the decomposition.
    """

    experiment: Experiment
    description: Description
    decomposition: Decomposition
    global_network: Network
    local_networks: tuple[Network, ...]

    @property
    def whole_image(self) -> Subdomain:
        """The box that a network on the whole image sees."""
        shape = self.description.shape
        return Subdomain((0,) * len(shape), shape)

    @property
    def number_bytes(self) -> int:
        """Bytes of a number of the arithmetic that the networks train in."""
        return 8 if self.experiment.training.precision == "float64" else 4


def pose(experiment: Experiment) -> Problem:
    """Look at the data and build the decomposition and the networks' descriptions.

    Raises
    ------
    ExperimentError
        If the parts do not fit together; names the field, the rule and the value.
    """
    try:
        description = describe(experiment.dataset)
    except ValueError as error:
        raise ExperimentError(f"dataset: {error}") from None
    return assemble(experiment, description)


def problem_of(run: RunReader) -> Problem:
    """Pose the problem of a run; raises as :func:`pose`, and a ValueError where the run's folder is damaged."""
    halved = run.halved
    return pose(run.experiment.with_settings({"training.batch_size": halved}) if halved else run.experiment)


@lru_cache(maxsize=64)
def assemble(experiment: Experiment, description: Description) -> Problem:
    """Build the decomposition and the networks' descriptions for data that are described already.

    Raises
    ------
    ExperimentError
        If the parts do not fit together; names the field, the rule and the value.
    """
    try:
        decomposition = decompose(description.shape, experiment.decomposition)
    except ValueError as error:
        raise ExperimentError(f"decomposition: {error}") from None
    if experiment.aggregator.folds > description.num_train:
        raise ExperimentError(
            f"aggregator.folds: each fold needs an image; there are {description.num_train} for training, "
            f"got {experiment.aggregator.folds}"
        )
    if experiment.training.rotate and len(description.shape) == 1:
        raise ExperimentError(
            f"training.rotate: a signal of one axis cannot be turned; needs 0, got {experiment.training.rotate:g}"
        )
    model = experiment.model
    spec = NetworkSpec(
        (description.channels, *description.shape),
        description.num_classes,
        model.width,
        model.padding,
        model.batch_norm,
        model.dropout,
    )
    build = MODELS[model.name].load()
    specs = [spec, *(spec.for_subimage(box.shape, len(decomposition), model.reduction) for box in decomposition)]
    try:
        global_network, *local_networks = (with_constants(build(each), model.constants) for each in specs)
    except ValueError as error:
        raise ExperimentError(str(error)) from None
    return Problem(experiment, description, decomposition, global_network, tuple(local_networks))


def decompose(shape: tuple[int, ...], settings: DecompositionSettings) -> Decomposition:
    """The decomposition that the settings ask for, of an image of ``shape``.

    Raises
    ------
    ValueError
        If the grid, the overlap or a box does not fit.
    """
    if settings.boxes is not None:
        return Decomposition.from_boxes(shape, settings.boxes)
    return Decomposition.from_grid(shape, settings.grid, settings.overlap, settings.border)
