"""Networks of a run that say the same for every image: which they are, since when, and which layer died."""

from collections.abc import Iterator
from dataclasses import dataclass

from ddlab.registry.strategies import STRATEGIES
from ddlab.runs.reader import RunReader
from ddlab.runs.records import EpochRecord, NetworkResult
from ddlab.written import percent

ONE_ANSWER = 0.99  # of the validation images are given one class: for this network they are all alike

CLEARLY = 0.1  # more accurate on training images than one answer for all would be


@dataclass(frozen=True)
class Stuck:
    """A network that says the same for every image in the epoch that is kept of it, or in its last one so far.

    Parameters
    ----------
    subdomain
        From 0; None for a network that sees the whole image.
    since
        Epoch from which on it has said the same.
    layer
        The layer of which no unit answers to any image, if there is one.
    learned
        Share of its training images that it was right about in that epoch, where that is clearly more than of the
        validation images: it distinguishes them while it is trained.
    """

    stage: str
    seed: int
    subdomain: int | None
    since: int
    layer: str | None
    learned: float | None = None

    @property
    def sentence(self) -> str:
        """A sentence on what is wrong, since when, and what to try."""
        title = STRATEGIES[self.stage].title if self.stage in STRATEGIES else self.stage
        who = title if self.subdomain is None else f"Local network {self.subdomain + 1}"
        says = f"{who} (seed {self.seed}) says the same for every image"
        if self.layer is not None:
            died = f"its layer {self.layer} died in epoch {self.since}"
            return f"{says}: {died}; try more steps of warm-up, or a lower rate."
        if self.learned is None:
            return f"{says} since epoch {self.since}: it has found nothing that tells the classes apart."
        return (
            f"{says} since epoch {self.since}, but is right about {percent(self.learned, 0)} of the training images: "
            "the averages of its batch normalisation lag behind its weights (try more epochs, or a lower rate), or it "
            "knows them by heart."
        )


def stuck_networks(run: RunReader) -> list[Stuck]:
    """The networks that say the same for every validation image, stage by stage in the order of their records.

    Runs of an older ddlab did not record it; nothing is said of them, nor of out-of-fold networks.
    """
    histories: dict[tuple[str, int, int | None], dict[int, EpochRecord]] = {}
    for record in run.metrics():
        if record.get("fold") is None and record.get("one_class") is not None:
            key = record["stage"], record["seed"], record.get("subdomain")
            histories.setdefault(key, {})[record["epoch"]] = record
    kept = dict(_kept_epochs(run))
    found = (_stuck(key, history, kept.get(key) or max(history)) for key, history in histories.items())
    stages = list(dict.fromkeys(stage for stage, _, _ in histories))
    return sorted(
        (network for network in found if network),
        key=lambda network: (stages.index(network.stage), network.seed, network.subdomain or 0),
    )


def says_the_same(share: float | None) -> bool:
    """Whether that share of images which are given one class is practically all of them; not where it is unknown."""
    return share is not None and share >= ONE_ANSWER


def dead_layer(record: EpochRecord) -> str | None:
    """The layer of which no unit answered to any image in the record's epoch, if there is one."""
    return record.get("worst_layer") if record.get("worst_layer_dead") == 1 else None


def learned(record: EpochRecord) -> float | None:
    """Training accuracy where it is clearly above the validation accuracy, which one answer for all has in full."""
    told, judged = record.get("accuracy"), record.get("validation_accuracy")
    return told if told is not None and judged is not None and told > judged + CLEARLY else None


def _stuck(key: tuple[str, int, int | None], history: dict[int, EpochRecord], judged: int) -> Stuck | None:
    since = judged
    if judged not in history or not says_the_same(history[judged]["one_class"]):
        return None
    while since - 1 in history and says_the_same(history[since - 1]["one_class"]):
        since -= 1
    return Stuck(*key, since, dead_layer(history[judged]), learned(history[judged]))


def _kept_epochs(run: RunReader) -> Iterator[tuple[tuple[str, int, int | None], int]]:
    """The epoch whose weights are kept, of every network of stages that are done; the last one where all are."""
    training = run.asked().get("training")
    if not isinstance(training, dict) or training.get("keep") == "last":
        return
    for result in run.results():
        rows: list[NetworkResult] = result.get("networks") or [{"best_epoch": result.get("best_epoch")}]
        for row in rows:
            if best := row.get("best_epoch"):
                yield (result["stage"], result["seed"], row.get("subdomain")), best
