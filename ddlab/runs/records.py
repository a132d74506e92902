"""The records that run folders and the queue hold as JSON: what each must be."""

from typing import Annotated, Any, Literal, NotRequired, Required

from pydantic import Field, SkipValidation, with_config
from typing_extensions import TypedDict  # pydantic wants it before Python 3.12

from ddlab.records import LOOSE, Kind

Number = Annotated[float, Field(allow_inf_nan=False)]
Time = Annotated[float, Field(ge=0, le=1e11)]  # seconds since 1970
Count = Annotated[int, Field(ge=0, le=2**62)]
Share = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[str, Field(max_length=100_000)]


@with_config(LOOSE)
class Process(TypedDict, total=False):
    """A process, and which rank it is."""

    pid: Annotated[int, Field(ge=1, le=2**31)]
    birth: Number
    boot: Text
    created: Number
    host: Text | None
    rank: Count


@with_config(LOOSE)
class Job(TypedDict):
    """The job of SLURM that a run is; ``fruitless`` counts its starts that added nothing, since one that did."""

    id: Annotated[str, Field(pattern=r"^\d+$", max_length=20)]
    starts: NotRequired[Count]
    fruitless: NotRequired[Count]
    stamp: NotRequired[int]


@with_config(LOOSE)
class Gathering(TypedDict):
    """Facts that the machines of a run without SLURM must know of each other: where they meet, and ranks on each."""

    at: Text
    machines: Annotated[int, Field(ge=2, le=4096)]
    workers: Annotated[int, Field(ge=1, le=4096)]
    kind: Text


@with_config(LOOSE)
class Restart(TypedDict):
    """A restart of a run after the loss of a rank: when, and a sentence on the loss."""

    time: Time
    sentence: Text


@with_config(LOOSE)
class Place(TypedDict):
    """The place of a run: kind and number of devices, number of workers, and why, as a sentence."""

    kind: Literal["cpu", "cuda", "mps"]
    workers: Annotated[int, Field(ge=1, le=65_536)]
    slots: Annotated[int, Field(ge=1, le=65_536)]
    because: Text


@with_config(LOOSE)
class Status(Process, total=False):
    """``status.json``: where a run stands; the process at the top level is that of the training program."""

    state: Required[Literal["queued", "running", "finished", "failed", "cancelled"]]
    message: Text | None
    time: Time
    launcher: Process | None
    started: Time | None
    ended: Time | None
    ranks: list[Process] | None
    job: Job | None
    gathering: Gathering | None
    restarts: list[Restart] | None
    devices: list[Text] | None
    workers: Annotated[int, Field(ge=0, le=65_536)] | None
    place: Place | None
    accuracies: dict[str, Number] | None
    stuck: list[Text] | None


@with_config(LOOSE)
class Asked(TypedDict):
    """``experiment.json``: the experiment is validated where it is used."""

    schema: Annotated[int, Field(ge=0)]
    experiment: dict[str, Any]
    command: NotRequired[Text | None]


@with_config(LOOSE)
class Progress(TypedDict):
    """``progress.json``: how far the run is; ``done`` is its share of the operations, ``remaining`` in seconds."""

    stage: Text
    title: Text
    seed: int
    done: Share
    remaining: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None
    epoch: Count
    epochs: Count
    time: Time
    stuck: NotRequired[list[Text]]


@with_config(LOOSE)
class Heartbeat(TypedDict):
    """``heartbeat.json`` of who waits, ``heartbeat-<rank>.json``: which machine works on the run, and when."""

    host: Text
    time: Time


@with_config(LOOSE)
class Begun(TypedDict):
    """``begun.json`` of a stage: on how many ranks its training began."""

    workers: Annotated[int, Field(ge=1, le=65_536)]


@with_config(LOOSE)
class Placed(TypedDict, total=False):
    """``placement.json``: where a run was resumed, if it was elsewhere than its experiment says."""

    workers: Annotated[int, Field(ge=1, le=65_536)]
    devices: Text


@with_config(LOOSE)
class Halved(TypedDict):
    """``halved.json``: images a step, after a GPU had not the memory for twice as many."""

    batch_size: Annotated[int, Field(ge=1, le=65_536)]


@with_config(LOOSE)
class Failure(TypedDict):
    """``failure.json``: why the run ended, in a sentence, and where."""

    sentence: Annotated[str, Field(min_length=1, max_length=100_000)]
    error: NotRequired[Text]
    traceback: NotRequired[Text | None]
    stage: NotRequired[Text | None]
    epoch: NotRequired[Count | None]
    rank: NotRequired[Count]
    batch_size: NotRequired[Count]


@with_config(LOOSE)
class Ticket(TypedDict):
    """A file of the queue: which process of which run wants how many slots, and which it was given."""

    run: Annotated[str, Field(pattern=r"^[^/\\\x00]+$", max_length=255)]
    kind: Literal["cpu", "cuda", "mps"]
    wanted: Annotated[int, Field(ge=1, le=65_536)]
    slots: list[Text]
    process: Process
    owner: NotRequired[Text]


@with_config(LOOSE)
class NetworkResult(TypedDict, total=False):
    """One network in the result of a stage."""

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


class Size(TypedDict):
    """Size of a network: its parameters, and its operations for one image."""

    parameters: Count
    flops: Number


class Accuracies(TypedDict, total=False):
    """Accuracies of the decisions of a stage on the splits."""

    train_accuracy: Share | None
    validation_accuracy: Share | None
    test_accuracy: Share | None
    last_validation_accuracy: Share | None
    last_test_accuracy: Share | None
    balanced_accuracy: Share | None
    one_class: Share | None
    test_balanced_accuracy: Share | None
    validation_top5_accuracy: Share | None
    test_top5_accuracy: Share | None


class Decided(Accuracies, total=False):
    """Further results of a stage: of the last one of a strategy, its accuracies and its costs."""

    bytes_sent: Number
    epochs: Count
    best_epoch: Count | None
    parameters: Count
    flops: Number


@with_config(LOOSE)
class StageResult(Decided):
    """``result.json``: the numbers that a stage came to."""

    stage: Text
    seed: int
    kind: NotRequired[Text]
    seconds: NotRequired[Number]
    flops_by_rank: NotRequired[list[Number]]
    networks: NotRequired[list[NetworkResult]]


class Health(TypedDict, total=False):
    """Health of a network after an epoch: its dead units, and how alike its answers are."""

    dead_units: Share
    worst_layer: Text
    worst_layer_dead: Share
    one_class: Share


class Notes(TypedDict, total=False):
    """Notes that only some strategies add to an epoch; they are read as they were written."""

    data_passes: SkipValidation[float]
    vectors: SkipValidation[int]
    parameters: SkipValidation[int]
    bytes_each: SkipValidation[int]
    radius: SkipValidation[float]
    steps: SkipValidation[dict[str, list[Any]]]
    still: SkipValidation[bool]
    step_loss: SkipValidation[float | None]
    cross_energy: SkipValidation[dict[str, float]]


@with_config(LOOSE)
class EpochRecord(Health, Notes):
    """A line of ``metrics-<rank>.jsonl``: one epoch of one network. A loss may be NaN."""

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
    checkpoint_seconds: NotRequired[Number]
    batch_size: NotRequired[Count]
    rank: NotRequired[SkipValidation[int]]
    folds: NotRequired[SkipValidation[int]]


@with_config(LOOSE)
class Written(TypedDict, total=False):
    """``notes.json``: what people wrote about a run."""

    note: Text
    tags: list[Annotated[str, Field(max_length=100)]]


STATUS, ASKED, PROGRESS, FAILURE = Kind(Status), Kind(Asked), Kind(Progress), Kind(Failure)
WRITTEN, HEARTBEAT = Kind(Written), Kind(Heartbeat)
BEGUN, PLACED, HALVED = Kind(Begun), Kind(Placed), Kind(Halved)
RESULT, METRICS, TICKET = Kind(StageResult), Kind(EpochRecord), Kind(Ticket)

_OUTLINE: dict[str, type] = {"name": str, "sweep": str, "strategies": list, "seeds": list}
_SECTIONS = ("dataset", "decomposition", "model", "training", "placement", "slurm")


def outlined(experiment: dict[str, Any]) -> dict[str, Any]:
    """Leave out of an experiment what is not of its kind, as a newer ddlab or a hand may have written it."""
    kinds = _OUTLINE | dict.fromkeys(_SECTIONS, dict)
    kept: dict[str, Any] = {
        name: part for name, part in experiment.items() if isinstance(part, kinds.get(name, object))
    }
    names = [name for name in kept.get("strategies", ()) if isinstance(name, str)]
    return {**kept, "strategies": names} if "strategies" in kept else kept
