"""What is asked: the experiment, one frozen tree that is validated before any process starts.

Every field carries its description, unit and range; the form, the command line's help and the documentation are made
from them. Fields marked ``advanced`` are hidden in the form's basic view.
"""

import re
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import Field, ValidationError, field_validator, model_validator

from ddlab.data import DATASETS
from ddlab.home import LONGEST_NAME
from ddlab.models import MODELS
from ddlab.plain import LONGEST, read_plain
from ddlab.registry import MOST_SHOWN, choose, shortened, unknown
from ddlab.settings import RatePlan, Settings, setting
from ddlab.strategies import STRATEGIES
from ddlab.strategies.settings import (
    AggregatorSettings,
    AptsSettings,
    CoherentSettings,
    ComposedSettings,
    DescentSettings,
    TransferSettings,
    TrustRegionSettings,
)

SCHEMA = 1  # of experiment.json; a run folder with a larger number comes from a newer ddlab
MOST_FAULTS = 10  # told at once
MOST_AXES = 3  # of images


class ExperimentError(ValueError):
    """An experiment that cannot be run: one line a fault, each naming the field, the rule and the value."""


class DatasetSettings(Settings):
    """Which images."""

    name: str = setting("shapes_local", "The data set.")
    size: int | None = setting(None, "Side of the square images; empty: the data set's own.", unit="px", ge=8, le=512)
    volume: tuple[int, int, int] | None = setting(
        None, "Voxels of volumes along the three axes; empty: the data set's own.", unit="voxels"
    )
    window: tuple[float, float] | None = setting(
        None, "Values of volumes that become black and white, such as HU; empty: the data set's own.", advanced=True
    )
    train_images: int | None = setting(None, "Training images used, the first of a fixed order; empty: all.", ge=1)
    validation_images: int | None = setting(None, "Validation images used; empty: all.", ge=1)
    path: str | None = setting(None, "Your own images or volumes: a folder, archive, npz; absolute or in DDLAB_DATA.")
    seed: int = setting(0, "Seed of drawn images and of the split of your own.", advanced=True, ge=0)

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        choose(DATASETS, name, "dataset.name")
        return name


class DecompositionSettings(Settings):
    """How the image is cut into subdomains."""

    grid: tuple[int, ...] = setting(
        (2, 2), "Subdomains along every axis: rows × columns.", min_length=1, max_length=MOST_AXES
    )
    overlap: int | tuple[int, ...] = setting(0, "Overlap δ: every cell grows by δ beyond its inner sides.", unit="px")
    border: Literal["clip", "shift"] = setting(
        "clip", "Border subdomains: clipped (sizes differ) or shifted inwards (equal sizes).", advanced=True
    )
    boxes: tuple[tuple[tuple[int, int], ...], ...] | None = setting(
        None,
        "Free boxes in place of the grid: [[start, stop], ...] for every axis, one list a subdomain.",
        advanced=True,
    )

    @field_validator("overlap")
    @classmethod
    def _axes(cls, overlap: int | tuple[int, ...]) -> int | tuple[int, ...]:
        if not isinstance(overlap, int) and not 1 <= len(overlap) <= MOST_AXES:
            raise ValueError(f"needs one number, or one for each of 1 to {MOST_AXES} axes")
        return overlap

    @field_validator("grid")
    @classmethod
    def _positive(cls, grid: tuple[int, ...]) -> tuple[int, ...]:
        if min(grid) < 1:
            raise ValueError("every axis needs at least 1 subdomain")
        return grid


class ModelSettings(Settings):
    """The global network and how much smaller the local ones are."""

    name: str = setting("cnn", "The network; the local networks are smaller ones of the same kind.")
    width: float = setting(1.0, "Factor on all channels and hidden units.", gt=0, le=8)
    reduction: Literal["1/N", "1/sqrt(N)", "1"] = setting(
        "1/sqrt(N)", "Channels of a local network relative to the global one, for N subdomains."
    )
    padding: Literal["same", "valid"] = setting("same", "Padding of the convolutions.", advanced=True)
    batch_norm: bool = setting(True, "Batch normalisation after every convolution.", advanced=True)
    dropout: float = setting(0.0, "Dropout before the classifier.", advanced=True, ge=0, lt=1)

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        choose(MODELS, name, "model.name")
        return name


class TrainingSettings(Settings):
    """How networks are trained: the paper's Adam with a rate that is halved on plateaus."""

    epochs: int = setting(20, "Passes over the training images, at most.", unit="epochs", ge=1, le=10_000)
    batch_size: int = setting(128, "Images a step, over all workers.", unit="images", ge=1, le=65_536)
    optimizer: Literal["adam", "sgd"] = setting("adam", "Optimizer (sgd has momentum 0.9).", advanced=True)
    learning_rate: float = setting(1e-3, "Learning rate at the start.", gt=0, le=10)
    weight_decay: float = setting(0.0, "L2 penalty on all weights.", advanced=True, ge=0, le=1)
    rate_steps: RatePlan = setting(
        (), "Rates of a fixed plan, [epochs done, rate] each; empty: the rate is lowered on plateaus.", advanced=True
    )
    decayed: Literal["all", "convolutions"] = setting("all", "Weights that the L2 penalty is of.", advanced=True)
    plateau_factor: float = setting(0.5, "Factor on the rate when progress stops.", advanced=True, gt=0, lt=1)
    plateau_patience: int = setting(20, "Epochs without progress before that.", unit="epochs", advanced=True, ge=1)
    early_stopping: int = setting(0, "Epochs without progress before training stops; 0: never.", unit="epochs", ge=0)
    monitor: Literal["loss", "accuracy"] = setting(
        "loss", "Validation measure that tells progress and the best epoch.", advanced=True
    )
    keep: Literal["best", "last"] = setting(
        "best", "Epoch whose network is evaluated and passed on; both are kept.", advanced=True
    )
    flip: bool = setting(False, "Flip training images left to right at random.")
    shift: float = setting(0.0, "Shift training images at random, at most by this share of the side.", ge=0, le=0.5)
    rotate: float = setting(
        0.0, "Turn training images in plane at random, by this angle, a half or a quarter of it.", unit="°", ge=0, le=90
    )
    subtract: Literal["channel", "image"] = setting(
        "channel",
        "What pixels are less of: their channel's mean (divided by its deviation), or the mean image, as Gu et al.",
        advanced=True,
    )
    precision: Literal["float32", "bfloat16", "float64"] = setting(
        "float32", "Arithmetic; bfloat16 is mixed precision.", advanced=True
    )


class PlacementSettings(Settings):
    """Where the run works."""

    workers: int | None = setting(None, "Processes; empty: one a GPU, or one a core.", ge=1, le=4096)
    devices: Literal["auto", "cpu", "cuda"] = setting("auto", "Kind of device; auto takes GPUs where there are any.")


class Experiment(Settings):
    """What is asked: data, decomposition, networks, strategies, training, where, and with which seeds."""

    name: str = setting("experiment", "A name for people.", max_length=80)
    sweep: str = setting("", "Name of the sweep it belongs to; empty: none.", advanced=True, max_length=60)
    dataset: DatasetSettings = Field(default=DatasetSettings(), description="Which images.")
    decomposition: DecompositionSettings = Field(default=DecompositionSettings(), description="How the image is cut.")
    model: ModelSettings = Field(default=ModelSettings(), description="The networks.")
    strategies: tuple[str, ...] = setting(
        ("global", "average", "majority", "cnn_dnn"), "Ways to get a classifier; they share their stages.", min_length=1
    )
    training: TrainingSettings = Field(default=TrainingSettings(), description="How the networks are trained.")
    aggregator: AggregatorSettings = Field(default=AggregatorSettings(), description="The DNN of CNN-DNN.")
    coherent: CoherentSettings = Field(default=CoherentSettings(), description="The CNN-DNN as one model.")
    transfer: TransferSettings = Field(default=TransferSettings(), description="One model from trained parts.")
    composed: ComposedSettings = Field(default=ComposedSettings(), description="One network put together.")
    trust_region: TrustRegionSettings = Field(default=TrustRegionSettings(), description="The ball of every step.")
    apts: AptsSettings = Field(default=AptsSettings(), description="Local trainings on parts of the data.")
    descent: DescentSettings = Field(default=DescentSettings(), description="Rates of Adam and SGD.")
    placement: PlacementSettings = Field(default=PlacementSettings(), description="Where the run works.")
    seeds: tuple[int, ...] = setting(
        (0,), "Seeds; several give mean ± standard deviation.", min_length=1, max_length=50
    )

    @field_validator("strategies")
    @classmethod
    def _known(cls, strategies: tuple[str, ...]) -> tuple[str, ...]:
        for name in strategies:
            choose(STRATEGIES, name, "strategies")
        return tuple(dict.fromkeys(strategies))

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) < len(seeds) or min(seeds) < 0:
            raise ValueError("needs different numbers of at least 0")
        return seeds

    @model_validator(mode="after")
    def _transferable(self) -> Self:
        if "transfer" in self.strategies:
            if (self.transfer.start or 0) > self.training.epochs:
                most = self.training.epochs
                raise ValueError(f"transfer.start: must be at most training.epochs = {most}, got {self.transfer.start}")
            if self.transfer.dnn == "trained" and self.coherent.outputs == "logits":
                raise ValueError(
                    "transfer.dnn: 'trained' needs coherent.outputs = 'probabilities', which the DNN of CNN-DNN was "
                    "trained on, got 'logits'"
                )
        return self

    def with_settings(self, settings: dict[str, Any]) -> Self:
        """A copy with some fields replaced, named by dotted paths such as ``training.epochs``.

        Raises
        ------
        ExperimentError
            If a path or a value is wrong.
        """
        tree = self.model_dump(mode="json")
        for path, value in settings.items():
            *parents, key = path.split(".")
            branch, field = tree, f"--set {path[:MOST_SHOWN]}"
            for parent in parents:
                if not isinstance(branch.get(parent), dict):
                    parts = [name for name, part in branch.items() if isinstance(part, dict)]
                    raise ExperimentError(unknown(field, parent, parts))
                branch = branch[parent]
            if key not in branch:
                raise ExperimentError(unknown(field, key, branch))
            branch[key] = value
        return parse_experiment(tree)  # type: ignore[return-value]

    def to_yaml(self, *, full: bool = False) -> str:
        """As YAML; only what differs from the defaults, unless ``full``."""
        tree = self.model_dump(mode="json", exclude_defaults=not full)
        return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, default_flow_style=None)


def parse_experiment(tree: Any) -> Experiment:
    """Validate a plain tree (of JSON, YAML or a form).

    Raises
    ------
    ExperimentError
        With one line a fault: the field, the rule, the value and the choices.
    """
    if not isinstance(tree, dict):
        raise ExperimentError(f"an experiment is a mapping of settings, got {type(tree).__name__}")
    try:
        return Experiment.model_validate(tree)
    except ValidationError as error:
        faults = [_fault(fault) for fault in error.errors()]
        more = [f"and {len(faults) - MOST_FAULTS:,} more faults"] if len(faults) > MOST_FAULTS else []
        raise ExperimentError("\n".join(faults[:MOST_FAULTS] + more)) from None


def load_experiment(path: Path) -> Experiment:
    """Read an experiment from a YAML or JSON file.

    Raises
    ------
    ExperimentError
        If the file is not there, not readable as YAML, or not a valid experiment.
    """
    name = str(path)[:LONGEST_NAME]
    try:
        with path.open(encoding="utf-8") as file:
            text = file.read(LONGEST + 1)
    except OSError as error:
        raise ExperimentError(f"{name}: cannot be read ({error.strerror})") from None
    except ValueError:  # also where the name is none that a file can have
        raise ExperimentError(f"{name}: is not YAML or JSON, which are text in UTF-8") from None
    try:
        tree = read_plain(text)
    except ValueError as error:
        raise ExperimentError(f"{name}: {error}") from None
    return parse_experiment(tree)


def _fault(fault: Any) -> str:
    field = ".".join(str(part) for part in fault["loc"])
    message = fault["msg"].removeprefix("Value error, ")
    if message.startswith(("key: ", "strategies: ", "dataset.", "model.", "transfer.", "trust_region.")):
        return f"{field}: {message}" if message.startswith("key: ") and field else message
    message = re.sub(r"^\w+ should ", "must ", message)  # not "Tuple should", which is pydantic's word for a list
    return f"{field}: {message[0].lower()}{message[1:]}, got {shortened(fault.get('input'))}"
