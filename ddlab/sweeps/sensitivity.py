"""Sensitivity: one training with many first radii or learning rates over decades, a run each.

A radius of the trust-region methods and a rate of Adam or SGD are different quantities; what can be compared is over
how many decades of its own number a method stays good.

Every run trains one strategy with one number. A run ends where a training diverges, and large rates do diverge: so no
strategy waits for another. The price is a start of a few seconds a run. That it diverged is an answer, too; it is not
trained again.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from ddlab.experiment import PLACE, Experiment, ExperimentError
from ddlab.problem import pose
from ddlab.registry import unknown
from ddlab.registry.strategies import STRATEGIES, TUNED
from ddlab.runs import RunFolder, list_runs
from ddlab.strategies.stage import plan
from ddlab.sweeps.decompositions import NAME, PlannedRun, by_sweep, refuse_another

RADIUS, RATE = "initial radius", "learning rate"
DEFAULT = "trust_region_demo"  # a recipe whose sweep a lecture has time for
DECADES = 5
IN_A_DECADE: dict[int, tuple[float, ...]] = {1: (1,), 2: (1, 3), 3: (1, 2, 5)}  # by how many: the numbers from 1 to 10
PAPER = "paper"  # asks for its grid
# Cruz Alegría et al. tune Adam over 13 rates and name only the best, 0.0025 and 0.001: the even grid of 13 with both.
PAPER_RATES = (*(float(f"{digits}e{power}") for power in (-4, -3, -2) for digits in (1, 2.5, 5, 7.5)), 0.1)
SUFFIX = " sensitivity"


# ---- what is asked


def log_grid(decades: int = DECADES, in_a_decade: int = 2) -> tuple[float, ...]:
    """Numbers up to 1, nearly even in their logarithm: of five decades 0.00001, 0.00003, 0.0001, ..., 1.

    Raises
    ------
    ValueError
        If the number of decades, or of values in each, is not allowed.
    """
    if not 1 <= decades <= 12:
        raise ValueError(f"decades: must be from 1 to 12, got {decades}")
    if in_a_decade not in IN_A_DECADE:
        raise ValueError(f"values in a decade: must be one of {', '.join(map(str, IN_A_DECADE))}, got {in_a_decade}")
    powers = range(-decades, 0)
    return (*(float(f"{digits}e{power}") for power in powers for digits in IN_A_DECADE[in_a_decade]), 1.0)


def sweep_name(base: Experiment) -> str:
    """Return the name of an experiment's sweep."""
    return base.name[: NAME - len(SUFFIX)].rstrip() + SUFFIX


def tunable() -> dict[str, str]:
    """Map every strategy whose sensitivity can be studied to the setting varied; those of a plain sweep first."""
    found = {name: entry.tunes for name, entry in STRATEGIES.items() if entry.tunes}
    return {name: found[name] for name in sorted(found, key=lambda name: [*TUNED, *found].index(name))}


def quantity(strategy: str) -> str:
    """Name what of a strategy is varied, as people call it."""
    return RADIUS if STRATEGIES[strategy].tunes.endswith("radius") else RATE


def plan_sensitivity(
    base: Experiment, strategies: Sequence[str] = TUNED, values: Iterable[float] | None = None
) -> tuple[Experiment, ...]:
    """The experiments of a sweep, value by value, so that its lines grow together.

    Parameters
    ----------
    values
        First radii and learning rates; :func:`log_grid` if None.

    Raises
    ------
    ExperimentError
        If there is no such strategy, a value is not allowed for its setting, or the base fits no data.
    """
    strategies = list(dict.fromkeys(strategies))
    for name in strategies:
        if name not in tunable():
            raise ExperimentError(unknown("strategies", name, tunable()))
    numbers = sorted({*(log_grid() if values is None else values)})
    if not numbers or not strategies:
        raise ExperimentError("sensitivity: needs a value and a strategy")
    for value in numbers:
        if not (math.isfinite(value) and value > 0):
            raise ExperimentError(f"values: every one must be a number above 0, got {value:g}")
    found = tuple(vary(base, name, value) for value in numbers for name in strategies)
    for experiment in found[: len(strategies)]:  # of every strategy, what no value changes
        plan(pose(experiment))
    return found


def vary(base: Experiment, strategy: str, value: float) -> Experiment:
    """An experiment with one strategy alone and its number; the bounds of radii make room for a first one beyond them.

    Raises
    ------
    ExperimentError
        If the setting cannot have the value.
    """
    own, title = base.trust_region, STRATEGIES[strategy].title
    changes: dict[str, Any] = {"name": f"{base.name} {title} {value:g}"[:80], "sweep": sweep_name(base)}
    changes |= {"strategies": [strategy], "placement.workers": base.placement.workers or 1}
    changes[STRATEGIES[strategy].tunes] = value
    if quantity(strategy) == RADIUS:
        bounds = {"min_radius": min(own.min_radius, value), "max_radius": max(own.max_radius, value)}
        changes |= {f"trust_region.{name}": bound for name, bound in bounds.items()}
    return base.with_settings(changes)


def varied(experiment: Experiment) -> tuple[str, float]:
    """The strategy of a sweep's run, and its number."""
    (strategy,) = experiment.strategies
    part, field = STRATEGIES[strategy].tunes.split(".")
    return strategy, getattr(getattr(experiment, part), field)


# ---- what there is


def planned_runs(base: Experiment, experiments: Iterable[Experiment], runs: Iterable[RunFolder]) -> list[PlannedRun]:
    """Match the experiments with the runs of the sweep, so that nothing is trained twice.

    Parameters
    ----------
    runs
        Those that carry the sweep's name.

    Raises
    ------
    ExperimentError
        If one of them is of another experiment; names the first setting that differs.
    """
    there: dict[tuple[str, float], RunFolder] = {}
    for run in runs:
        strategy, value = varied(run.experiment)
        mine, theirs = vary(base, strategy, value).model_dump(mode="json"), run.experiment.model_dump(mode="json")
        refuse_another(sweep_name(base), mine, theirs, ("name", *PLACE))
        before = there.get((strategy, value))
        if before is None or before.state().can_resume:
            there[strategy, value] = run
    return [PlannedRun(experiment, there.get(varied(experiment))) for experiment in experiments]


def plan_runs(
    base: Experiment, strategies: Sequence[str] = TUNED, values: Iterable[float] | None = None
) -> list[PlannedRun]:
    """Plan a sweep and match it with the runs of it that there are; raises as :func:`plan_sensitivity`."""
    experiments = plan_sensitivity(base, strategies, values)
    return planned_runs(base, experiments, by_sweep(list_runs(), tuned=True).get(sweep_name(base), []))
