"""The parts of an experiment that every strategy shares: data, decomposition, networks, training.

Every field carries its description, unit and range; the form, the command line's help and the documentation are made
from them. Fields marked ``advanced`` are hidden in the form's basic view.
"""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, field_validator

from ddlab.experiment.base import RatePlan, Settings, setting
from ddlab.registry import choose
from ddlab.registry.datasets import DATASETS
from ddlab.registry.models import MODELS

MOST_AXES = 3  # of images
AUGMENTATIONS = ("flip", "shift", "zoom", "rotate")  # fields of the training that change its images
LARGEST_SHARE = 0.5


def _known_judges(value: Any) -> str | float:
    if value in ("validation", "official"):
        return str(value)
    try:
        share = float(value) if isinstance(value, str | int | float) and not isinstance(value, bool) else 0.0
    except ValueError:
        share = 0.0
    if not 0 < share <= LARGEST_SHARE:
        raise ValueError(f"needs 'validation', 'official' or a share above 0 and at most {LARGEST_SHARE:g}")
    return share


Judges = Annotated[Literal["validation", "official"] | float, BeforeValidator(_known_judges)]
"""Which images judge: those that chose the epoch, the source's held-out ones, or a share of the training images."""


class DatasetSettings(Settings):
    """The data set and the images used of it."""

    name: str = setting("shapes_local", "The data set.")
    size: int | None = setting(None, "Side of the square images; empty: the data set's own.", unit="px", ge=8, le=512)
    volume: tuple[int, int, int] | None = setting(
        None, "Voxels of volumes along the three axes; empty: the data set's own.", unit="voxels"
    )
    window: tuple[float, float] | None = setting(
        None, "Values of volumes that become black and white, such as HU; empty: the data set's own.", advanced=True
    )
    train_images: int | None = setting(
        None, "The source's training images used, the first of a fixed order; empty: all.", ge=1
    )
    validation_images: int | None = setting(None, "The source's held-out images used; empty: all.", ge=1)
    test: Judges = setting(
        "validation",
        "Images that judge. validation: those that choose the best epoch, as in the papers; official: the source's "
        "held-out ones, and the last fifth of the training images chooses; a share: so much of the training images.",
    )
    path: str | None = setting(None, "Your own images or volumes: a folder, archive, npz; absolute or in DDLAB_DATA.")
    seed: int = setting(0, "Seed of drawn images and of the split of your own.", advanced=True, ge=0)

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        choose(DATASETS, name, "dataset.name")
        return name


class DecompositionSettings(Settings):
    """The decomposition of the image into subdomains."""

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
    constants: Literal["torch", "keras"] = setting(
        "torch",
        "Batch normalisation's momentum and ε and the first weights: torch's and ours; or Keras': 0.99, 0.001, normal.",
        advanced=True,
    )

    @field_validator("name")
    @classmethod
    def _known(cls, name: str) -> str:
        choose(MODELS, name, "model.name")
        return name


class TrainingSettings(Settings):
    """The training of the networks: the paper's Adam with a rate that is halved on plateaus."""

    epochs: int = setting(20, "Passes over the training images, at most.", unit="epochs", ge=1, le=10_000)
    batch_size: int = setting(128, "Images a step, over all workers.", unit="images", ge=1, le=65_536)
    optimizer: Literal["adam", "sgd"] = setting("adam", "Optimizer (sgd has momentum 0.9).", advanced=True)
    learning_rate: float = setting(1e-3, "Learning rate at the start.", gt=0, le=10)
    warm_up: int = setting(
        50, "Steps in which the learning rate rises evenly from 0; 0: it is there at once.", unit="steps", ge=0
    )
    weight_decay: float = setting(0.0, "L2 penalty on all weights.", advanced=True, ge=0, le=1)
    rate_steps: RatePlan = setting(
        (), "Rates of a fixed plan, [epochs done, rate] each; empty: the rate is lowered on plateaus.", advanced=True
    )
    decayed: Literal["all", "convolutions"] = setting("all", "Weights that the L2 penalty applies to.", advanced=True)
    plateau_factor: float = setting(0.5, "Factor on the rate when progress stops.", advanced=True, gt=0, lt=1)
    plateau_patience: int = setting(20, "Epochs without progress before that.", unit="epochs", advanced=True, ge=1)
    plateau_least: float = setting(0.0, "Least rate that plateaus lower it to.", advanced=True, ge=0, le=10)
    plateau: Literal["without plan", "with plan"] = setting(
        "without plan",
        "Whether plateaus lower the rates of a plan too: the plan's rate times a factor that stays.",
        advanced=True,
    )
    early_stopping: int = setting(0, "Epochs without progress before training stops; 0: never.", unit="epochs", ge=0)
    monitor: Literal["loss", "accuracy"] = setting(
        "loss", "Validation measure of progress and of the best epoch.", advanced=True
    )
    keep: Literal["best", "last"] = setting(
        "best", "Epoch whose network is evaluated and passed on; both are kept.", advanced=True
    )
    flip: bool = setting(False, "Flip training images left to right at random.")
    shift: float = setting(0.0, "Shift training images at random, at most by this share of the side.", ge=0, le=0.5)
    zoom: float = setting(
        0.0, "Stretch or shrink training images at random along every axis, at most by this share.", ge=0, le=0.5
    )
    rotate: float = setting(
        0.0, "Turn training images in plane at random, by this angle, a half or a quarter of it.", unit="°", ge=0, le=90
    )
    turns: Literal["steps", "any"] = setting(
        "steps", "Angles of the turns: that one, a half and a quarter of it; or any up to it.", advanced=True
    )
    subtract: Literal["channel", "image", "set"] = setting(
        "channel",
        "Subtracted from pixels: their channel's mean (divided by its deviation); the mean image, as Gu et al.; or one "
        "mean (and deviation) of their split, training or validation, over all channels, as Cruz Alegría et al.",
        advanced=True,
    )
    clip_norm: float = setting(
        0.0,
        "Largest norm of a network's gradient, against exploding ones: a longer one is scaled down; 0: no limit.",
        advanced=True,
        ge=0,
    )
    out_of_memory: Literal["stop", "halve"] = setting(
        "stop",
        "What a GPU without enough memory leads to: the run stops, or goes on once with half the batch.",
        advanced=True,
    )
    compile: bool = setting(
        False,
        "Compile local and global networks before they are trained (torch.compile): the first steps take a minute or "
        "more, and need a C++ compiler or, on a GPU, Triton. Not for coherent models, pipelines and trust regions.",
        advanced=True,
    )
    precision: Literal["float32", "bfloat16", "float64"] = setting(
        "float32", "Arithmetic; bfloat16 is mixed precision.", advanced=True
    )
