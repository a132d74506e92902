"""Sweeps: one experiment in many decompositions, a run each, found again by the name that their experiments carry.

:mod:`ddlab.sweeps.sensitivity` makes sweeps of another kind, and finds, continues and starts them as here.

The runs differ in their decomposition only. Each works on one device, so that as many work at once as there are
devices; and the global network, which no decomposition changes, is trained in the first of them alone.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from ddlab.data.cache import describe
from ddlab.data.source import Description
from ddlab.decomposition import grid_presets
from ddlab.engine.control import resume
from ddlab.engine.launch import launch
from ddlab.experiment import PLACE, Experiment, ExperimentError
from ddlab.layouts import LAYOUTS, layout_settings, title
from ddlab.problem import Problem, assemble
from ddlab.registry import choose
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder, has_diverged

OVERLAPS = (0, 2, 4, 8)
DEFAULT = "demo"  # a recipe whose sweep a lecture has time for
DEFAULT_GRIDS = 2  # the experiment's grid and the next finer ones, so many in all
GLOBAL = "global"
NAME = 60  # characters of a sweep's name
OWN = ("name", "sweep", "strategies", "decomposition", *PLACE)  # what runs of one sweep need not share


@dataclass(frozen=True)
class Variant:
    """One decomposition of a sweep.

    Parameters
    ----------
    problem
        The experiment with its networks described; None where the decomposition does not fit.
    reason
        Why it does not; empty where it does.
    """

    layout: str
    grid: tuple[int, ...]
    overlap: int
    problem: Problem | None
    reason: str = ""

    @property
    def title(self) -> str:
        """Layout and grid as people read them."""
        return title(self.layout, self.grid)


# ---- what is asked


def default_grids(base: Experiment) -> list[tuple[int, ...]]:
    """The experiment's grid and the next finer one that cuts the same axes.

    Raises
    ------
    ValueError
        If there are no such data.
    """
    shape, grid = describe(base.dataset).shape, base.decomposition.grid
    finer = [
        other
        for other in grid_presets(shape)
        if len(grid) == len(other) and all(b > a if a > 1 else b == 1 for a, b in zip(grid, other, strict=True))
    ]
    return [grid, *finer[: DEFAULT_GRIDS - 1]]


def sweep_name(base: Experiment) -> str:
    """Return the name of an experiment's sweep."""
    return base.name[:NAME]


def plan_sweep(
    base: Experiment,
    grids: Sequence[Sequence[int]],
    layouts: Sequence[str] = tuple(LAYOUTS),
    overlaps: Sequence[int] = OVERLAPS,
) -> tuple[Variant, ...]:
    """All decompositions of a sweep, those that do not fit with the reason; grid by grid, layout by layout.

    Raises
    ------
    ExperimentError
        If there are no such data or layouts, no strategy depends on the decomposition, or nothing fits.
    """
    if not any(STRATEGIES[name].decomposes for name in base.strategies):
        given = ", ".join(base.strategies)
        raise ExperimentError(f"strategies: a sweep needs one that asks local networks, got only {given}")
    try:
        for layout in layouts:
            choose(LAYOUTS, layout, "layouts")
        description = describe(base.dataset)
    except ValueError as error:
        raise ExperimentError(str(error)) from None
    base = base.with_settings({"sweep": sweep_name(base), "placement.workers": base.placement.workers or 1})
    variants: list[Variant] = []
    for grid, layout, overlap in [(g, layout, o) for g in grids for layout in layouts for o in overlaps]:
        first = all(variant.problem is None for variant in variants)
        variants.append(vary(base, description, layout, tuple(grid), overlap, first=first))
    if all(variant.problem is None for variant in variants):
        raise ExperimentError(variants[0].reason if variants else "sweep: needs a grid, a layout and an overlap")
    return tuple(variants)


def vary(
    base: Experiment,
    description: Description,
    layout: str,
    grid: tuple[int, ...],
    overlap: int,
    *,
    first: bool = False,
) -> Variant:
    """One decomposition of an experiment, without the global network unless it is the ``first``."""
    try:
        settings = layout_settings(layout, description.shape, grid, overlap, base.decomposition.border)
        tree: dict[str, Any] = {"decomposition": settings.model_dump(mode="json")}
        tree["name"] = f"{base.sweep or base.name} {title(layout, grid)} δ {overlap}"[:80]
        tree["strategies"] = [name for name in base.strategies if first or name != GLOBAL]
        problem = assemble(base.with_settings(tree), description)
    except ValueError as error:
        return Variant(layout, grid, overlap, None, str(error).removeprefix("decomposition: "))
    return Variant(layout, grid, overlap, problem)


# ---- what there is


def by_sweep(runs: Iterable[RunFolder], *, tuned: bool = False) -> dict[str, list[RunFolder]]:
    """The runs of every sweep, by its name, in the order of ``runs``; runs of no sweep are left out.

    Parameters
    ----------
    tuned
        Sweeps of radii and rates, whose strategies know no decomposition, in place of sweeps of decompositions.
    """
    found: dict[str, list[RunFolder]] = {}
    for run in runs:
        asked = run.asked()
        name = asked.get("sweep")
        if isinstance(name, str) and name and tuned == all(map(_is_tuned, asked.get("strategies") or ())):
            found.setdefault(name, []).append(run)
    return found


def _is_tuned(strategy: Any) -> bool:
    return strategy in STRATEGIES and bool(STRATEGIES[strategy].tunes)


@dataclass(frozen=True)
class PlannedRun:
    """A step of a sweep, with what is left to do: nothing, to resume its run, or to make one.

    Parameters
    ----------
    run
        That which there is already, or None.
    """

    experiment: Experiment
    run: RunFolder | None

    @property
    def is_open(self) -> bool:
        """Whether there is something to do."""
        return self.run is None or is_open(self.run)


def is_open(run: RunFolder) -> bool:
    """Whether a run ended too early and may come further."""
    return run.state().can_resume and not has_diverged(run)


def planned_runs(variants: Iterable[Variant], runs: Sequence[RunFolder]) -> list[PlannedRun]:
    """Match the decompositions that fit with the runs of the sweep, so that nothing is trained twice.

    Parameters
    ----------
    runs
        Those that carry the sweep's name.

    Raises
    ------
    ExperimentError
        If one of them is of another experiment; names the first setting that differs.
    """
    experiments = [variant.problem.experiment for variant in variants if variant.problem]
    for run in runs[:1]:
        _check_same(experiments[0], run)
    has_global = any(GLOBAL in (run.asked().get("strategies") or ()) for run in runs)
    found = []
    for experiment in experiments:
        same = [run for run in runs if run.experiment.decomposition == experiment.decomposition]
        best = min(same, key=lambda run: (run.state().can_resume, run.state().is_live), default=None)
        if best is None and has_global and GLOBAL in experiment.strategies:
            experiment = experiment.with_settings({"strategies": [s for s in experiment.strategies if s != GLOBAL]})
        found.append(PlannedRun(experiment, best))
    return found


def _check_same(experiment: Experiment, run: RunFolder) -> None:
    mine, theirs = experiment.model_dump(mode="json"), run.experiment.model_dump(mode="json")
    mine["local strategies"], theirs["local strategies"] = (
        sorted({*tree["strategies"]} - {GLOBAL}) for tree in (mine, theirs)
    )
    refuse_another(experiment.sweep, mine, theirs, OWN)


def refuse_another(sweep: str, mine: dict[str, Any], theirs: dict[str, Any], own: Collection[str]) -> None:
    """Compare two experiments of a sweep, as trees, but for what they have of their ``own``.

    Raises
    ------
    ExperimentError
        If they differ; names the first setting that does.
    """
    for key in mine:
        if key not in own and mine[key] != theirs[key]:
            field, here, there = _difference(key, mine[key], theirs[key])
            raise ExperimentError(
                f"sweep: {sweep!r} is there already, with {field} {there} in place of {here}; "
                "give this one another name"
            )


def _difference(path: str, mine: Any, theirs: Any) -> tuple[str, Any, Any]:
    if isinstance(mine, dict):
        for key, value in mine.items():
            if value != theirs[key]:
                return _difference(f"{path}.{key}", value, theirs[key])
    return path, mine, theirs


# ---- doing it


def start(todo: Iterable[PlannedRun], command: str = "") -> list[RunFolder]:
    """Put everything that is left to do in the queue; runs that are finished or work already stay as they are.

    All folders are made before the first process is started: who is interrupted in between finds them as lost runs,
    and starting again goes on from there.

    Returns
    -------
    list of RunFolder
        All runs, in order.

    Raises
    ------
    ValueError
        If this machine has no such devices.
    RuntimeError
        If a process does not start.
    """
    planned = [(each, each.run or RunFolder.create(each.experiment, command), each.is_open) for each in todo]
    for step, run, is_open in planned:
        if is_open:
            launch(run) if step.run is None else resume(run)
    return [run for _, run, _ in planned]
