"""Settings of single strategies: a part of an experiment for each that needs one."""

from typing import Literal, Self

from pydantic import field_validator, model_validator

from ddlab.experiment.base import RatePlan, Settings, setting
from ddlab.pipeline.partition import GROUPINGS
from ddlab.pipeline.schedules import SCHEDULES
from ddlab.registry import choose


class AggregatorSettings(Settings):
    """The DNN that turns the N·K local probabilities into a decision."""

    hidden: tuple[int, ...] = setting((128, 64, 32, 16), "Units of its hidden layers.", min_length=1, max_length=8)
    dropout: float = setting(0.0, "Dropout after every hidden layer.", advanced=True, ge=0, lt=1)
    epochs: int = setting(50, "Passes over the local probabilities, at most.", unit="epochs", ge=1, le=10_000)
    batch_size: int = setting(128, "Samples a step.", unit="images", advanced=True, ge=1)
    learning_rate: float = setting(1e-3, "Learning rate at the start.", advanced=True, gt=0, le=10)
    early_stopping: int = setting(15, "Epochs without progress before it stops; 0: never.", unit="epochs", ge=0)
    folds: int = setting(
        1, "1: the local networks' training-set probabilities, as the paper; k > 1: out-of-fold ones.", ge=1, le=20
    )

    @field_validator("hidden")
    @classmethod
    def _units(cls, hidden: tuple[int, ...]) -> tuple[int, ...]:
        if min(hidden) < 1:
            raise ValueError("every hidden layer needs at least 1 unit")
        return hidden


class CoherentSettings(Settings):
    """The CNN-DNN as one model: what its local networks hand to its DNN."""

    outputs: Literal["probabilities", "logits"] = setting(
        "probabilities", "What the DNN gets of every local network: probabilities, as the paper, or logits."
    )


class TransferSettings(Settings):
    """The coherent model that starts from local networks that were trained on their own."""

    start: int | None = setting(
        None, "Epoch of the local networks from which it starts; empty: the one that they keep.", unit="epochs", ge=1
    )
    epochs: int = setting(50, "Passes over the training images from there on, at most.", unit="epochs", ge=1, le=10_000)
    learning_rate: float | None = setting(
        None, "Learning rate at its start; empty: that of the training.", advanced=True, gt=0, le=10
    )
    dnn: Literal["new", "trained"] = setting(
        "new", "The DNN's first weights: new, or those that CNN-DNN trained.", advanced=True
    )


class ComposedSettings(Settings):
    """The global network that is put together from the local networks, and how it is trained on."""

    epochs: int = setting(
        20, "Passes over the training images after composing, at most.", unit="epochs", ge=1, le=10_000
    )
    learning_rate: float | None = setting(
        None, "Learning rate after composing; empty: a tenth of that of the training.", gt=0, le=10
    )
    rate_steps: RatePlan = setting((), "Its plan of rates after composing, as training.rate_steps.", advanced=True)
    random_steps: RatePlan = setting(
        (), "Plan of rates of the random start; empty: the training's, then the composed network's.", advanced=True
    )
    cross_rate: float = setting(
        1.0, "Factor on every step of the new weights between the local networks' blocks.", advanced=True, ge=0, le=1
    )
    warm_up: int = setting(
        0, "Epochs in which that factor rises evenly from near 0; 0: at once.", unit="epochs", advanced=True, ge=0
    )
    recalibrate: bool = setting(
        False, "Re-estimate the batch normalisation's statistics on the composed network.", advanced=True
    )
    logits: Literal["sum", "mean"] = setting(
        "sum",
        "What the local networks' logits become: their sum, as the paper, or their mean (temperature N).",
        advanced=True,
    )


class TrustRegionSettings(Settings):
    """The ball that every step stays in, for ``trust_region``, ``apts`` and ``sapts``."""

    order: Literal[1, 2] = setting(2, "1: the gradient alone; 2: with curvature from secant pairs (L-SR1).")
    radius: float = setting(0.01, "Radius Δ of the first ball.", gt=0)
    min_radius: float = setting(0.001, "Least radius.", advanced=True, gt=0)
    max_radius: float = setting(4.0, "Largest radius.", advanced=True, gt=0)
    lower: float = setting(0.25, "η1: a step of a smaller ratio ρ is rejected.", advanced=True, ge=0, lt=1)
    upper: float = setting(0.75, "η2: a larger ratio lets the radius grow.", advanced=True, gt=0, lt=1)
    decrease: float = setting(0.5, "α: factor on the radius after a rejected step.", advanced=True, gt=0, lt=1)
    increase: float = setting(2.0, "β: factor on the radius after a good step.", advanced=True, gt=1, le=100)
    history: int = setting(5, "Secant pairs of the second order.", unit="pairs", advanced=True, ge=1, le=100)
    norm: Literal["2", "1", "inf"] = setting("2", "Norm of the ball; for order 2, 2 alone.", advanced=True)
    trials: int = setting(11, "Steps tried in one iteration, at most.", advanced=True, ge=1, le=100)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if not self.min_radius <= self.radius <= self.max_radius:
            bounds = f"from min_radius = {self.min_radius:g} to max_radius = {self.max_radius:g}"
            raise ValueError(f"trust_region.radius: must be {bounds}, got {self.radius:g}")
        if not self.lower < self.upper:
            raise ValueError(f"trust_region.lower: must be below upper = {self.upper:g}, got {self.lower:g}")
        if self.order > 1 and self.norm != "2":
            raise ValueError(f"trust_region.norm: order 2 needs '2', got {self.norm!r}")
        return self


class AptsSettings(Settings):
    """The local trainings on subdomains of the data whose steps ``apts`` and ``sapts`` add."""

    subdomains: int = setting(2, "N, local trainings whose steps are added.", ge=1, le=1024)
    data: Literal["split", "shared"] = setting(
        "split",
        "What the N trainings see: each its own part of a step's data; or all of them all of it, as in the published "
        "runs: then they are N times the same one, which is computed once.",
    )
    local_steps: int = setting(5, "ν, local steps between two exchanges, at most.", ge=1, le=100)
    overlap: float = setting(0.05, "Share of a minibatch that it has in common with another one.", ge=0, le=0.5)
    overlap_of: Literal["next", "all"] = setting(
        "next",
        "What a minibatch's overlap is of: the next one's first samples; or random ones of all but the next one, its "
        "own included, so many of each, as in the released code.",
        advanced=True,
    )
    mode: Literal["paper", "released"] = setting(
        "paper",
        "The steps as the paper has them, or as the authors' code of 2023 has them; with shared data, that code made "
        "the published figures.",
    )
    consistency: bool = setting(True, "Every local gradient begins as the global one.", advanced=True)
    global_pass: bool = setting(True, "A trust-region iteration on all data after every sum of steps.", advanced=True)
    global_trials: int | None = setting(
        None, "Steps tried in it, at most; 1: as Algorithm 1; empty: trust_region.trials.", advanced=True, ge=1, le=100
    )


class DescentSettings(Settings):
    """Learning rates of ``adam`` and ``sgd``, which stay as they are."""

    adam_rate: float = setting(1e-3, "Learning rate of adam.", gt=0, le=10)
    sgd_rate: float = setting(1e-2, "Learning rate of sgd, which has momentum 0.9.", gt=0, le=10)


class PipelineSettings(Settings):
    """The modules of consecutive layers that the global network is cut in, for strategies that cut layers."""

    modules: int = setting(2, "Modules of consecutive layers; where ranks are fewer, a rank has several.", ge=1, le=64)
    grouping: str = setting(
        "balanced", "How layers are grouped: by equal cost, exactly, or in equal counts, as the paper.", advanced=True
    )

    @field_validator("grouping")
    @classmethod
    def _known(cls, grouping: str) -> str:
        choose(GROUPINGS, grouping, "pipeline.grouping")
        return grouping


class LayerwiseSettings(Settings):
    """The pipeline of ``layerwise``: who works on which part of a batch when."""

    schedule: str = setting("1f1b", "In which order every rank works on its modules and micro-batches.")
    micro_batches: int = setting(
        4, "m, equal parts that a batch is cut in; batch normalisation sees each by itself.", ge=1, le=1024
    )

    @field_validator("schedule")
    @classmethod
    def _known(cls, schedule: str) -> str:
        choose(SCHEDULES, schedule, "layerwise.schedule")
        return schedule


class DelayedSettings(Settings):
    """The old gradients of ``ddg``, ``fdg`` and ``dsp``."""

    beta: float = setting(1.0, "Factor on the error at every hop back, for fdg.", gt=0, le=1)
    staleness: tuple[int, ...] = setting(
        (), "Delay of every module in steps, for dsp; empty: 2(K-1-k), the least there can be.", advanced=True
    )


class GabraSettings(Settings):
    """Replicas of the network, and the genetic search for the device of every module, of ``gabra``."""

    replicas: int = setting(
        1,
        "Replicas of the network, each on its part of the ranks and of every batch; where ranks are fewer, a divisor.",
        ge=1,
        le=64,
    )
    micro_batches: int = setting(4, "m, equal parts that a replica's part of a batch is cut in.", ge=1, le=1024)
    operations_a_byte: float = setting(
        10.0, "Operations that a device does while it sends a byte: what a transfer costs.", advanced=True, ge=0, le=1e6
    )
    population: int = setting(50, "Assignments of a generation.", advanced=True, ge=2, le=1000)
    generations: int = setting(100, "Generations of the search.", advanced=True, ge=0, le=1000)
