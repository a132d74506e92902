"""The papers' tables, to be made again: which number of which training stands in which cell.

A target is a frozen entry of :data:`TARGETS`; what it names is a function that gives its cells. Their trainings are
recipes with settings: ``full`` as in the paper, ``small`` what two cores can carry: something else, which says so.
"""

from dataclasses import dataclass
from typing import Literal

from ddlab.registry import Entry

__all__ = ["BUDGETS", "TARGETS", "Budget"]

Budget = Literal["small", "full"]


@dataclass(frozen=True)
class BudgetEntry:
    """A budget of trainings; ``description`` stands above the table."""

    title: str
    description: str


BUDGETS: dict[Budget, BudgetEntry] = {
    "small": BudgetEntry(
        "small budget",
        "Ours are of a small budget that two cores can carry: NOT the paper's settings, so that at most the order of "
        "the numbers compares, not their size.",
    ),
    "full": BudgetEntry("full size", "Ours are at the paper's settings, as far as it states them."),
}

TARGETS: dict[str, Entry] = {
    "apts-fig1": Entry(
        "APTS on MNIST",
        "Validation accuracy in percent, and loss, after so many epochs; the paper's are means of ten trials. The "
        "published runs had the same data on every rank. Adam has the paper's best rate, 0.0025.",
        "ddlab.reproductions.apts:figure_1",
        "Cruz Alegría, Trotti, Kopaničáková, Krause, Fig. 1, from the tables in their repository",
    ),
    "apts-fig2": Entry(
        "APTS on CIFAR-10",
        "Validation accuracy in percent, and loss, after so many epochs; the paper's are means of ten trials. The "
        "published runs had the same data on every rank. Adam has the paper's best rate, 0.001.",
        "ddlab.reproductions.apts:figure_2",
        "Cruz Alegría, Trotti, Kopaničáková, Krause, Fig. 2, from the tables in their repository",
    ),
    "klawonn-table1": Entry(
        "Combined local networks",
        "Validation accuracy in percent, in the epoch of the least validation loss. Channels, batches and the widths "
        "of the DNN are not published and are ours.",
        "ddlab.reproductions.klawonn:table_1",
        "Klawonn, Lanser, Weber, Table 1",
    ),
    "klawonn-table2": Entry(
        "CNN-DNN, coherent and transfer",
        "Validation accuracy in percent, in the epoch of the least validation loss. Channels, batches and the widths "
        "of the DNN are not published and are ours.",
        "ddlab.reproductions.klawonn:table_2",
        "Klawonn, Lanser, Weber, Table 2",
    ),
    "gu-table33": Entry(
        "Composed ResNets on CIFAR",
        "Validation accuracy in percent. SNet: the local networks; GNet-T: composed of them, and trained on; GNet-R: "
        "from new weights.",
        "ddlab.reproductions.gu:table_33",
        "Gu, Zhang, Liu, Cai, Table 3.3",
    ),
    "gu-table35": Entry(
        "Composed ResNets on Food-101",
        "Validation accuracy in percent: the first class, and one of the first five. 4, 8 and 16: partitions; GNet-T: "
        "composed of the local networks, and trained on; GNet-R: from new weights.",
        "ddlab.reproductions.gu:table_35",
        "Gu, Zhang, Liu, Cai, Table 3.5",
    ),
}
