"""Plans of targets: their trainings, the runs that there are of them, and what is left to do."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from ddlab.analyses.comparison.cost import machine_rate, plan_table
from ddlab.engine.choosing import place_here
from ddlab.experiment import Experiment
from ddlab.fingerprint import fingerprint, repeats
from ddlab.home import home
from ddlab.problem import pose
from ddlab.recipes import RECIPES
from ddlab.registry import choose, shortened
from ddlab.reproductions import BUDGETS, TARGETS, Budget
from ddlab.reproductions.cells import Cell, Training
from ddlab.runs import RunFolder, has_diverged, list_runs

MISSING, OPEN = "data missing", "to train"


@dataclass(frozen=True)
class Work:
    """One experiment of a target, of which one cell or more are.

    Parameters
    ----------
    run
        That which there is already, or None.
    missing
        Why it cannot be trained here, such as data that are not there; empty where it can.
    flops, seconds
        What all of it would take; None where that is not known.
    """

    training: Training
    experiment: Experiment
    cells: tuple[Cell, ...]
    run: RunFolder | None
    missing: str = ""
    flops: float | None = None
    seconds: float | None = None

    @property
    def state(self) -> str:
        """The state of its run, or ``to train`` or ``data missing``."""
        if self.run is None:
            return MISSING if self.missing else OPEN
        return "diverged" if has_diverged(self.run) else self.run.state().state

    @property
    def is_left(self) -> bool:
        """Whether there is something to train or to wait for."""
        return not self.missing and self.state not in ("finished", "diverged")


@dataclass(frozen=True)
class Reproduction:
    """A target at a budget: its cells, and the trainings that they need."""

    name: str
    budget: Budget
    cells: tuple[Cell, ...]
    works: tuple[Work, ...]

    @property
    def folder(self) -> Path:
        """The folder of the target's tables."""
        return folder(self.name, self.budget)

    def work_of(self, cell: Cell) -> Work | None:
        """The training of a cell; None where the budget has none."""
        return next((work for work in self.works if cell in work.cells), None)

    def updated(self) -> "Reproduction":
        """Return the reproduction with the runs as they are now."""
        runs = list_runs()
        return replace(self, works=tuple(replace(work, run=_best(runs, work.experiment)) for work in self.works))


def folder(target: str, budget: str) -> Path:
    """Return the folder of a target's tables."""
    return home() / "reproductions" / f"{target}-{budget}"


def reproduce(target: str, budget: str, only: str = "") -> Reproduction:
    """Plan a target.

    Parameters
    ----------
    only
        Rows whose name has this text; empty: all.

    Raises
    ------
    ValueError
        If there is no such target, budget or row; names the choices.
    """
    cells = choose(TARGETS, target, "target").load()()
    if budget not in BUDGETS:
        raise ValueError(f"--budget: unknown {shortened(budget)}; choices: {', '.join(BUDGETS)}")
    chosen: Budget = "full" if budget == "full" else "small"
    cells = _rows(cells, only)
    return Reproduction(target, chosen, cells, _works(cells, chosen))


def _rows(cells: tuple[Cell, ...], only: str) -> tuple[Cell, ...]:
    found = tuple(cell for cell in cells if _plain(only) in _plain(cell.row))
    if not found:
        rows = "; ".join(dict.fromkeys(cell.row for cell in cells))
        raise ValueError(f"--only: no row's name has {shortened(only)}; rows: {rows}")
    return found


def _plain(name: str) -> str:
    return "".join(letter for letter in name.lower().replace("×", "x") if letter.isalnum())


def _works(cells: Iterable[Cell], budget: Budget) -> tuple[Work, ...]:
    """The distinct experiments, in the order of the cells."""
    members: dict[tuple[str, tuple[int, ...]], list[Cell]] = {}
    trainings: dict[tuple[str, tuple[int, ...]], Training] = {}
    for cell in cells:
        training = cell.training(budget)
        if training is not None:
            experiment = training.experiment
            key = fingerprint(experiment.model_dump(mode="json")), experiment.seeds
            trainings.setdefault(key, training)
            members.setdefault(key, []).append(cell)
    runs = list_runs()
    rate = machine_rate(runs)
    return tuple(_work(training, tuple(members[key]), runs, rate) for key, training in trainings.items())


def _work(training: Training, cells: tuple[Cell, ...], runs: list[RunFolder], rate: float) -> Work:
    experiment = training.experiment
    work = Work(training, experiment, cells, _best(runs, experiment))
    try:
        problem = pose(experiment)
        table = plan_table(problem, place_here(problem).workers, rate)
    except ValueError as error:
        return replace(work, missing=f"{error}{_needs(training)}")
    return replace(work, flops=float(table["flops"].sum()), seconds=float(table["seconds"].sum()))


def _needs(training: Training) -> str:
    """Return what the recipe of a training says about the data it needs; empty if nothing."""
    text = " ".join((RECIPES[training.recipe].__doc__ or "").split())
    said = [part for part in text.split(". ") if part.startswith("Needs ") and "dataset.name" not in training.settings]
    return f" ({said[0].rstrip('.').replace('``', '')})" if said else ""


def _best(runs: Iterable[RunFolder], experiment: Experiment) -> RunFolder | None:
    """The run to use: one that is finished, else one that works, else the newest to go on with."""
    same = repeats(runs, experiment.model_dump(mode="json"))
    return min(same, key=lambda run: (run.state().can_resume, run.state().is_live), default=None)
