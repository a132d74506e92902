"""The paper's Tables 1 and 2, and which of their cells a run repeats, how closely, and with what set-up.

References
----------
Klawonn, Lanser, Weber, "Model Parallel Training and Transfer Learning for Convolutional Neural Networks via Domain
Decomposition", Tables 1 and 2.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd

from ddlab.analyses.comparison.accuracy import strategy_table
from ddlab.analyses.comparison.setup import setup_table
from ddlab.experiment import Experiment
from ddlab.registry.strategies import COMPARED_BY_KLAWONN
from ddlab.runs import RunFolder
from ddlab.written import percent

CIFAR10, FLOWERS, CT = "CIFAR-10", "TF-Flowers", "Chest CT scans"
STAND_INS = {"ct_phantom": CT}  # drawn data: of the kind of the paper's, but not its
SETS = {"cifar10": CIFAR10, "flowers": FLOWERS, "mosmed": CT, **STAND_INS}


class Cell(NamedTuple):
    """A row of the paper's tables: what its strategies were trained on."""

    dataset: str
    model: str
    grid: str


# The strategies, and the validation and training accuracy of each, as printed.
_Table = tuple[tuple[str, ...], dict[Cell, tuple[tuple[float, float], ...]]]
_TABLE_1: _Table = (
    ("average", "majority", "cnn_dnn"),
    {
        Cell(CIFAR10, "vgg9", "2×2"): ((0.6745, 0.7081), (0.6237, 0.6546), (0.7669, 0.8071)),
        Cell(FLOWERS, "vgg9", "2×2"): ((0.6162, 0.6498), (0.5974, 0.6026), (0.6938, 0.7552)),
        Cell(FLOWERS, "vgg9", "4×4"): ((0.7565, 0.7745), (0.7022, 0.7238), (0.8471, 0.8593)),
        Cell(CT, "vgg9", "2×2×1"): ((0.8038, 0.8279), (0.7761, 0.7997), (0.9143, 0.9357)),
        Cell(CT, "vgg9", "4×4×2"): ((0.8024, 0.8409), (0.7453, 0.7999), (0.8988, 0.9493)),
    },
)
_TABLE_2: _Table = (
    ("global", "cnn_dnn", "coherent", "transfer"),
    {
        Cell(CIFAR10, "vgg9", "2×2"): ((0.7585, 0.8487), (0.7999, 0.8663), (0.7515, 0.7902), (0.8462, 0.8889)),
        Cell(CIFAR10, "resnet20", "2×2"): ((0.8622, 0.9343), (0.8784, 0.9467), (0.8998, 0.9558), (0.9117, 0.9664)),
        Cell(FLOWERS, "vgg9", "2×2"): ((0.7887, 0.9321), (0.8154, 0.8827), (0.7808, 0.8667), (0.8378, 0.8999)),
        Cell(FLOWERS, "vgg9", "4×4"): ((0.7887, 0.9321), (0.8589, 0.8872), (0.7676, 0.7995), (0.8608, 0.8806)),
        Cell(FLOWERS, "resnet20", "2×2"): ((0.8227, 0.9178), (0.8475, 0.9454), (0.8776, 0.9603), (0.8997, 0.9702)),
        Cell(FLOWERS, "resnet20", "4×4"): ((0.8227, 0.9178), (0.8068, 0.8892), (0.8406, 0.9002), (0.8654, 0.9244)),
        Cell(CT, "vgg9", "2×2×1"): ((0.7667, 0.8214), (0.9143, 0.9357), (0.8889, 0.9097), (0.9304, 0.9577)),
        Cell(CT, "vgg9", "4×4×2"): ((0.7667, 0.8214), (0.8988, 0.9493), (0.8774, 0.9305), (0.9025, 0.9488)),
    },
)


def paper_table() -> pd.DataFrame:
    """Both tables in full, a row a number.

    Returns
    -------
    pandas.DataFrame
        ``table`` (1 or 2), ``dataset``, ``model``, ``grid``, ``strategy``, ``validation`` and ``train`` as shares of 1.
    """
    rows = [
        (number, *cell, strategy, *accuracies)
        for number, (strategies, cells) in enumerate((_TABLE_1, _TABLE_2), 1)
        for cell, row in cells.items()
        for strategy, accuracies in zip(strategies, row, strict=True)
    ]
    return pd.DataFrame(rows, columns=["table", *Cell._fields, "strategy", "validation", "train"])


def compared_table() -> pd.DataFrame:
    """The rows of :func:`paper_table` that we compare with: one a cell and strategy, of Table 2 where both have one."""
    cells = list(_TABLE_2[1])
    table = paper_table().sort_values("table", ascending=False).drop_duplicates([*Cell._fields, "strategy"])
    place = table[list(Cell._fields)].apply(tuple, axis=1).map(cells.index)
    order = table.assign(cell=place, strategy=pd.Categorical(table["strategy"], COMPARED_BY_KLAWONN)).sort_values(
        ["cell", "strategy"]
    )
    return table.loc[order.index].reset_index(drop=True)


# ---- what repeats what


def cell_of(asked: Mapping[str, Any]) -> Cell | None:
    """The cell that an experiment repeats, or None.

    Parameters
    ----------
    asked
        The experiment as a tree, as :meth:`ddlab.runs.RunFolder.asked` gives it: it need not be valid.
    """
    dataset, model, cut = (_part(asked, part) for part in ("dataset", "model", "decomposition"))
    name = SETS.get(str(dataset.get("name")))
    if dataset.get("name") == "folder" and "flower" in str(dataset.get("path") or "").lower():
        name = FLOWERS
    grid = cut.get("grid")
    grid = "×".join(map(str, grid)) if isinstance(grid, list | tuple) else ""
    cell = Cell(name or "", str(model.get("name")), grid)
    return cell if cell in _TABLE_2[1] and not cut.get("boxes") else None


def _part(asked: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = asked.get(name)
    return part if isinstance(part, Mapping) else {}


def paper_rows(experiment: Experiment) -> pd.DataFrame:
    """The rows of :func:`compared_table` that this experiment repeats; empty for every other experiment."""
    table, cell = compared_table(), cell_of(experiment.model_dump(mode="json"))
    return table[_of_cell(table, cell)]


def _of_cell(table: pd.DataFrame, cell: Cell | None) -> pd.Series:
    wanted = cell or Cell("", "", "")
    return (table["dataset"] == wanted.dataset) & (table["model"] == wanted.model) & (table["grid"] == wanted.grid)


# ---- theirs beside ours


def paper_comparison(run: RunFolder) -> pd.DataFrame:
    """The cell that a run repeats, strategy by strategy; empty if it repeats none.

    Returns
    -------
    pandas.DataFrame
        ``table`` to ``strategy`` as :func:`paper_table`; ``paper`` and ``paper_train``; of this run ``run_id``,
        ``run``, ``title``, ``seeds``, ``validation``, ``validation_sd``, ``train`` and ``train_sd``, NaN where it has
        no result yet; ``difference`` and ``train_difference`` (ours less theirs). Shares of 1.
    """
    return _beside(paper_rows(run.experiment), strategy_table([run]))


_OURS = ("run_id", "run", "title", "seeds", "validation", "validation_sd", "train", "train_sd")


def _beside(theirs: pd.DataFrame, ours: pd.DataFrame) -> pd.DataFrame:
    renamed = theirs.rename(columns={"validation": "paper", "train": "paper_train"})
    both = renamed.merge(ours.reindex(columns=["strategy", *_OURS]), on="strategy", how="left")
    difference = both["validation"].astype(float) - both["paper"]
    return both.assign(difference=difference, train_difference=both["train"].astype(float) - both["paper_train"])


def repeating_runs(runs: Iterable[RunFolder]) -> dict[Cell, list[RunFolder]]:
    """The finished runs that repeat a cell, in the order in which they are given; nothing is validated."""
    found: dict[Cell, list[RunFolder]] = {}
    for run in runs:
        cell = cell_of(run.asked())
        if cell is not None and run.status().get("state") == "finished":
            found.setdefault(cell, []).append(run)
    return found


def paper_overview(runs: Iterable[RunFolder]) -> pd.DataFrame:
    """All cells, each beside the newest finished run that repeats it.

    Parameters
    ----------
    runs
        Newest first, as :func:`ddlab.runs.list_runs` gives them.

    Returns
    -------
    pandas.DataFrame
        As :func:`paper_comparison`, and ``runs``: the names of all finished runs that repeat the cell.
    """
    found, table = repeating_runs(runs), compared_table()
    parts = []
    for cell in _TABLE_2[1]:
        repeats = found.get(cell, [])
        part = _beside(table[_of_cell(table, cell)], strategy_table(repeats[:1]))
        names = [run.name for run in repeats]
        parts.append(part.assign(runs=pd.Series([names] * len(part), dtype=object)))
    return pd.concat(parts, ignore_index=True)


# ---- what to know when reading it


def contradictions(experiment: Experiment) -> list[str]:
    """List, a sentence each, what the paper leaves open or contradicts in the cell that an experiment repeats."""
    cell = cell_of(experiment.model_dump(mode="json"))
    if cell is None:
        return []
    sentences = [_drawn(experiment), _twice(cell), _overfit(cell), _few_volumes(cell)]
    return [sentence for sentence in sentences if sentence]


def _drawn(experiment: Experiment) -> str:
    if experiment.dataset.name not in STAND_INS:
        return ""
    return (
        "These volumes are drawn by ddlab and only stand in for the paper's scans: the numbers cannot be compared, at "
        "most the order of the strategies."
    )


def _twice(cell: Cell) -> str:
    """The two tables on CNN-DNN: they agree for the CT scans only."""
    if cell not in _TABLE_1[1]:
        return "With ResNet20 the paper has no average and no majority vote."
    (average, _), _, (first, _) = _TABLE_1[1][cell]
    second = _TABLE_2[1][cell][1][0]
    if first == second:
        return ""
    return (
        f"The paper gives CNN-DNN twice: {percent(first)} in Table 1, {percent(second)} in Table 2, and does not say "
        "why. We compare with Table 2. Average and majority vote are in Table 1 only, where CNN-DNN is "
        f"{100 * (first - average):.1f} points above the average, not {100 * (second - average):.1f}."
    )


def _overfit(cell: Cell) -> str:
    if (cell.dataset, cell.model) != (FLOWERS, "vgg9"):
        return ""
    validation, train = _TABLE_2[1][cell][0]
    return (
        f"The paper's global VGG9 is right on {percent(train)} of its training images and on {percent(validation)} of "
        "the validation images: it over-fits, which explains most of what CNN-DNN gains on it."
    )


def _few_volumes(cell: Cell) -> str:
    if cell.dataset != CT:
        return ""
    return (
        "The paper seems to validate on 60 volumes, so that one of them is 1.7 points: its 76.7% is 46 of 60. Its "
        "other numbers are not sixtieths and may be means of several trainings; it does not say."
    )


def paper_differences(experiment: Experiment) -> pd.DataFrame:
    """List what differs in the set-up: ``setting``, ``here`` and ``there``; empty if the experiment repeats no cell."""
    cell = cell_of(experiment.model_dump(mode="json"))
    rows: Sequence[tuple[str, str, str]] = [] if cell is None else setup_table(experiment, cell.dataset)
    return pd.DataFrame([row for row in rows if row[1] != row[2]], columns=["setting", "here", "there"])
