"""The records that run folders and the queue hold as JSON: what each must be."""

from typing import Annotated, Any, Literal, NotRequired, Required

from pydantic import ConfigDict, Field
from typing_extensions import TypedDict  # pydantic wants it before Python 3.12

from ddlab.records import Kind

Number = Annotated[float, Field(allow_inf_nan=False)]
Time = Annotated[float, Field(ge=0, le=1e11)]  # seconds since 1970
Count = Annotated[int, Field(ge=0, le=2**62)]
Share = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[str, Field(max_length=100_000)]
_LOOSE = ConfigDict(extra="allow", strict=True)  # a newer ddlab may know more


class Process(TypedDict, total=False):
    """A process, and which rank it is."""

    __pydantic_config__ = _LOOSE  # type: ignore[misc]
    pid: Annotated[int, Field(ge=1, le=2**31)]
    birth: Number
    boot: Text
    created: Number
    host: Text | None
    rank: Count


class Status(Process, total=False):
    """``status.json``: where a run stands; the process at the top level is that of the training program."""

    __pydantic_config__ = _LOOSE  # type: ignore[misc]
    state: Required[Literal["queued", "running", "finished", "failed", "cancelled"]]
    message: Text | None
    time: Time
    launcher: Process | None
    started: Time | None
    ended: Time | None
    ranks: list[Process] | None
    devices: list[Text] | None
    workers: Annotated[int, Field(ge=0, le=65_536)] | None
    accuracies: dict[str, Number] | None
    stuck: list[Text] | None


class Asked(TypedDict):
    """``experiment.json``: the experiment is validated where it is used."""

    __pydantic_config__ = _LOOSE  # type: ignore[misc]
    schema: Annotated[int, Field(ge=0)]
    experiment: dict[str, Any]
    command: NotRequired[Text | None]


class Progress(TypedDict):
    """``progress.json``: how far the run is; ``done`` is its share of the operations, ``remaining`` in seconds."""

    __pydantic_config__ = _LOOSE  # type: ignore[misc]
    stage: Text
    title: Text
    seed: int
    done: Share
    remaining: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None
    epoch: Count
    epochs: Count
    time: Time
    stuck: NotRequired[list[Text]]


class Failure(TypedDict):
    """``failure.json``: why the run ended, in a sentence, and where."""

    __pydantic_config__ = _LOOSE  # type: ignore[misc]
    sentence: Annotated[str, Field(min_length=1, max_length=100_000)]
    error: NotRequired[Text]
    traceback: NotRequired[Text | None]
    stage: NotRequired[Text | None]
    epoch: NotRequired[Count | None]
    rank: NotRequired[Count]


class Ticket(TypedDict):
    """A file of the queue: which process of which run wants how many slots, and which it was given."""

    __pydantic_config__ = _LOOSE  # type: ignore[misc]
    run: Annotated[str, Field(pattern=r"^[^/\\\x00]+$", max_length=255)]
    kind: Literal["cpu", "cuda"]
    wanted: Annotated[int, Field(ge=1, le=65_536)]
    slots: list[Text]
    process: Process


class NetworkResult(TypedDict, total=False):
    """One network in the result of a stage."""

    __pydantic_config__ = _LOOSE  # type: ignore[misc]
    subdomain: Count | None
    parameters: Count
    flops: Number
    epochs: Count
    best_epoch: Count | None
    train_accuracy: Share
    validation_accuracy: Share
    test_accuracy: Share
    last_validation_accuracy: Share
    last_test_accuracy: Share


class Result(TypedDict):
    """``result.json``: the numbers that a stage came to."""

    __pydantic_config__ = _LOOSE  # type: ignore[misc]
    stage: Text
    seed: int
    kind: NotRequired[Text]
    seconds: NotRequired[Number]
    flops_by_rank: NotRequired[list[Number]]
    bytes_sent: NotRequired[Number]
    networks: NotRequired[list[NetworkResult]]
    train_accuracy: NotRequired[Share | None]
    validation_accuracy: NotRequired[Share | None]
    test_accuracy: NotRequired[Share | None]
    last_validation_accuracy: NotRequired[Share | None]
    last_test_accuracy: NotRequired[Share | None]
    balanced_accuracy: NotRequired[Share | None]
    one_class: NotRequired[Share | None]
    test_balanced_accuracy: NotRequired[Share | None]
    validation_top5_accuracy: NotRequired[Share | None]
    test_top5_accuracy: NotRequired[Share | None]
    epochs: NotRequired[Count]
    best_epoch: NotRequired[Count | None]
    parameters: NotRequired[Count]
    flops: NotRequired[Number]


class Metrics(TypedDict):
    """A line of ``metrics-<rank>.jsonl``: one epoch of one network. A loss may be NaN."""

    __pydantic_config__ = _LOOSE  # type: ignore[misc]
    stage: Text
    seed: int
    epoch: Count
    epochs: NotRequired[Count]
    subdomain: NotRequired[Count | None]
    fold: NotRequired[Count | None]
    time: NotRequired[Time]
    loss: NotRequired[float | None]
    accuracy: NotRequired[float | None]
    validation_loss: NotRequired[float | None]
    validation_accuracy: NotRequired[float | None]
    rate: NotRequired[float | None]
    seconds: NotRequired[Number]
    dead_units: NotRequired[Share]
    worst_layer: NotRequired[Text]
    worst_layer_dead: NotRequired[Share]
    one_class: NotRequired[Share]


STATUS, ASKED, PROGRESS, FAILURE = Kind(Status), Kind(Asked), Kind(Progress), Kind(Failure)
RESULT, METRICS, TICKET = Kind(Result), Kind(Metrics), Kind(Ticket)

_OUTLINE: dict[str, type] = {"name": str, "sweep": str, "strategies": list, "seeds": list}
_SECTIONS = ("dataset", "decomposition", "model", "training", "placement")


def outlined(experiment: dict[str, Any]) -> dict[str, Any]:
    """Leave out of an experiment what is not of its kind, as a newer ddlab or a hand may have written it."""
    kinds = _OUTLINE | dict.fromkeys(_SECTIONS, dict)
    kept: dict[str, Any] = {
        name: part for name, part in experiment.items() if isinstance(part, kinds.get(name, object))
    }
    names = [name for name in kept.get("strategies", ()) if isinstance(name, str)]
    return {**kept, "strategies": names} if "strategies" in kept else kept
