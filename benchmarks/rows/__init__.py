"""The rows of the table of ``make bench``: what each asks, and the module of this package that measures it.

A module ``benchmarks.rows.NAME`` has ``prepared(quick)``, a context that gives a function; every call of it measures a
round and returns a :class:`~benchmarks.table.Sample` for each of the bench's rows, by their names.
"""

import importlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass

from benchmarks.table import Question, Sample

Measure = Callable[[], Mapping[str, Sample]]
MANY = 100  # rounds: as many as there are


@dataclass(frozen=True)
class Bench:
    """Rows that one process measures together.

    Parameters
    ----------
    module
        Of this package.
    group
        Benches of a group take turns; groups follow each other, so that not all has to fit into memory at once.
    rounds
        The most that it needs: what takes long, or repeats by itself, needs few.
    """

    module: str
    group: str
    questions: tuple[Question, ...]
    rounds: int = MANY

    def load(self) -> Callable[[bool], AbstractContextManager[Measure]]:
        """Import its module; gives what prepares it."""
        prepared: Callable[[bool], AbstractContextManager[Measure]]
        prepared = importlib.import_module(f"benchmarks.rows.{self.module}").prepared
        return prepared


TRAININGS, RUNS, PAGES = "trainings", "runs", "pages"
CORES = "what two processes that have nothing to do with each other do at the same time (memory, clock of the cores)"
BARE = "forward, loss, backward and step on a batch that is there already"
CALLS = "a bank saves calls: as many as it has networks less one, of what a step on one image takes"
CLOSURES = "the losses and gradients that the method asks for"
BYTES = "bytes that must be read and written once, at the bandwidth of memory"

BENCHES: dict[str, Bench] = {
    "local_phase": Bench(
        "local_phase",
        TRAININGS,
        (
            Question(
                "local_phase",
                "local phase: how many times less than global training (VGG 64/128/256, 2×2, channels / N)",
                "×",
                "the roofline: operations and bytes of every layer at this machine's best rates",
                wanted_of_limit=0.85,
            ),
            Question(
                "local_phase_torch",
                "the same, against PyTorch's own operations",
                "×",
                "PyTorch's convolutions, norms, rectifiers and pooling at their best, by channels and bytes",
            ),
        ),
    ),
    "bank": Bench(
        "bank",
        TRAININGS,
        (
            Question("bank_vgg3", "four local networks: a bank over one after the other, VGG, one core", "×", CALLS),
            Question("bank_cnn", "the same, cnn", "×", CALLS),
        ),
    ),
    "workers": Bench(
        "workers",
        TRAININGS,
        (
            Question("workers_sharded", "two workers over one: local networks (sharded)", "×", CORES, wanted=1.8),
            Question("workers_data_parallel", "two workers over one: global network (data parallel)", "×", CORES),
        ),
    ),
    "textbook": Bench(
        "textbook",
        TRAININGS,
        (
            Question("textbook_cnn", "our loop over a textbook's, cnn, both cores", "×", BARE, wanted=1.4),
            Question("textbook_vgg3", "the same, vgg3", "×", BARE, wanted=1.4),
            Question("textbook_resnet20", "the same, resnet20 of half the width", "×", BARE, wanted=1.4),
        ),
    ),
    "feeding": Bench(
        "feeding",
        TRAININGS,
        (
            Question(
                "feeding_local_cnn",
                "reading and augmenting: share of a step of four local cnn, one core",
                "%",
                BYTES,
                better="less",
            ),
            Question("feeding_global_vgg3", "the same of a global vgg3", "%", BYTES, better="less"),
        ),
    ),
    "over_gradients": Bench(
        "over_gradients",
        TRAININGS,
        tuple(
            Question(
                f"{kind.lower()}_{order}",
                f"{kind}, {'first' if order == 1 else 'second'} order: a step over its gradients",
                "×",
                CLOSURES,
                better="less",
            )
            for kind in ("APTS", "SAPTS")
            for order in (1, 2)
        ),
        rounds=4,
    ),
    "maps": Bench(
        "maps",
        TRAININGS,
        tuple(
            Question(f"maps_{way}_{network}", title.format(network), "×", bound)
            for network in ("resnet20", "vgg3")
            for way, title, bound in (
                (
                    "one",
                    "maps of one class, {}: captum in batches over ours",
                    "captum over the convolutions of a forward pass",
                ),
                (
                    "all",
                    "maps of ten classes, {}: captum in batches over ours",
                    "captum over a forward pass: all classes from one",
                ),
                (
                    "other",
                    "maps of ten classes, {}: pytorch-grad-cam in batches over ours",
                    "pytorch-grad-cam over a forward pass",
                ),
            )
        ),
        rounds=3,
    ),
    "sending": Bench(
        "sending",
        RUNS,
        (
            Question(
                "sending_coherent",
                "bytes a step: data parallel global network over coherent model, as sent (VGG9, 2×2, batch 128)",
                "×",
                "the count: gradient of every parameter over N·K outputs of an image",
            ),
        ),
        rounds=1,
    ),
    "run": Bench(
        "run",
        RUNS,
        (
            Question(
                "start_1",
                "start of a run to its first record, one rank",
                "s",
                "an interpreter that imports torch, and the first epoch",
                wanted=5,
                better="less",
            ),
            Question(
                "start_2",
                "the same, two ranks",
                "s",
                "two interpreters that import torch and meet, and the first epoch",
                wanted=5,
                better="less",
            ),
            Question(
                "workers_of_a_run",
                "two workers over one: the sharded stage of a run, with all that it is",
                "×",
                "two workers",
                wanted=1.8,
            ),
            Question(
                "checkpoints",
                "checkpoints: share of the time of a run",
                "%",
                "the setting placement.checkpoint_overhead",
                wanted=3,
                better="less",
                is_allowance=True,
            ),
        ),
        rounds=3,
    ),
    "memory": Bench(
        "memory",
        RUNS,
        (
            Question(
                "memory",
                "own memory of a training: data of three times the memory limit over data of once",
                "×",
                "nothing of the data stays in memory: 1",
                wanted=1.1,
                better="less",
            ),
        ),
        rounds=1,
    ),
    "listing": Bench(
        "listing",
        PAGES,
        (
            Question(
                "listing_cold",
                "list of 10,000 runs, the first time",
                "s",
                "reading and parsing two files of each",
                better="less",
            ),
            Question("listing_warm", "the same again", "s", "a look at each folder", better="less"),
            Question(
                "listing_page", "the page Runs beside 10,000 runs", "s", "the same page beside 50 runs", better="less"
            ),
        ),
        rounds=3,
    ),
    "serving": Bench(
        "serving",
        PAGES,
        (
            Question(
                "page_start", "the page Start while a run trains", "s", "the page while nothing does", better="less"
            ),
            *(
                Question(
                    f"rerun_{sessions}",
                    f"a click, {sessions} session{'s' * (sessions > 1)} while a run trains",
                    "s",
                    bound,
                    better="less",
                )
                for sessions, bound in (
                    (1, "the click while nothing trains"),
                    (10, "as many clicks as one process does: sessions / rate less the time to think"),
                    (40, "the same"),
                )
            ),
        ),
        rounds=2,
    ),
}
