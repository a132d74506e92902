"""Time, bytes and memory of every strategy on many numbers of ranks, and where each of them stops gaining.

Strong scaling: the same training on more ranks. Weak scaling: a rank keeps its part of a step, so that a step of R
ranks has R times as many images, and an epoch as much fewer steps; what a training with such batches learns is
another matter.

References
----------
Amdahl 1967 and Gustafson 1988, for the two kinds of scaling.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import pandas as pd

from ddlab.analyses.comparison.cost import STATES
from ddlab.analyses.scale.cluster import Cluster
from ddlab.analyses.scale.memory import MEMORY, stage_memory
from ddlab.analyses.scale.step import PARTS, Time, stage_time, step_time
from ddlab.experiment import ExperimentError
from ddlab.machine.links import Link
from ddlab.machine.rates import Machine
from ddlab.problem import Problem
from ddlab.registry.strategies import STRATEGIES
from ddlab.strategies.growth import Growth
from ddlab.strategies.stage import Stage, strategy_stages

MOST = 1024  # ranks
GAIN = 1.1  # times as fast: what more ranks must bring to count as a gain
NUMBERS = ("seconds", "least_seconds", "step_seconds", "least_step", "sent", "sent_by_all", "memory", "busy")


def rank_numbers(most: int = MOST) -> list[int]:
    """Powers of two up to ``most``, and ``most`` itself."""
    return sorted({*(2**power for power in range(most.bit_length())), most})


def cluster_of(problem: Problem, machine: Machine, link: Link) -> Cluster:
    """Ranks on such machines that train this experiment."""
    return Cluster(machine, link, problem.number_bytes, STATES[problem.experiment.training.optimizer])


@dataclass(frozen=True)
class Grown:
    """A strategy on one number of ranks.

    Parameters
    ----------
    stages
        Those that train or predict, with their growth on these ranks, and on one.
    """

    problem: Problem
    cluster: Cluster
    ranks: int
    stages: tuple[tuple[Stage, Growth, Growth], ...]

    @cached_property
    def time(self) -> Time:
        """The whole training: all stages, one after the other."""
        return sum((self._of(stage_time, *each) for each in self.stages), Time())

    @cached_property
    def longest(self) -> tuple[Stage, Growth, Growth]:
        """The stage that takes longest, with its growth on these ranks, and on one."""
        return max(self.stages, key=lambda each: self._of(stage_time, *each).seconds)

    @cached_property
    def step(self) -> Time:
        """A step of the stage that takes longest."""
        return self._of(step_time, *self.longest)

    @property
    def steps_seconds(self) -> float:
        """Seconds of all training steps, without evaluations and predictions."""
        return sum(
            self._of(step_time, stage, growth, one).seconds * growth.steps * growth.epochs
            for stage, growth, one in self.stages
        )

    @cached_property
    def memory(self) -> dict[str, float]:
        """Bytes of the fullest rank in the stage where it is fullest."""
        found = [stage_memory(self.problem, growth, self.cluster, self.ranks) for _, growth, _ in self.stages]
        return max(found, key=lambda parts: sum(parts.values()))

    @property
    def sent(self) -> tuple[float, float]:
        """Bytes that the busiest rank sends in the whole training, and all ranks together."""
        steps = [(self._of(step_time, *each), each[1].steps * each[1].epochs) for each in self.stages]
        return sum(each.sent * count for each, count in steps), sum(each.sent_by_all * count for each, count in steps)

    @property
    def busy(self) -> int:
        """Ranks that have something to do in the stage that takes longest."""
        return self.longest[1].busy

    def _of(
        self, time: Callable[[Growth, Growth, Cluster, int], Time], stage: Stage, growth: Growth, one: Growth
    ) -> Time:
        found = time(growth, one, self.cluster, self.ranks)
        return found.by_one if stage.kind == "single" and self.ranks > 1 else found


def why_not_known(problem: Problem, strategy: str) -> str:
    """Say which stage of a strategy tells nothing of its growth, or why there is no such strategy; else nothing."""
    try:
        stages = list(strategy_stages(problem, strategy))
    except ExperimentError as error:
        return f"not possible: {error}"
    silent = [stage.title for stage in stages if not stage.growth and not _is_free(stage)]
    return f"not known: {', '.join(silent)} says nothing of how it grows" if silent else ""


def _is_free(stage: Stage) -> bool:
    """Whether one rank does something at once, without training."""
    return stage.kind == "single" and not stage.tasks


def grown(problem: Problem, strategy: str, cluster: Cluster, ranks: int, weak: bool = False) -> Grown:
    """Put a strategy on so many ranks.

    Raises
    ------
    ValueError
        If it is not known how it grows.
    """
    if reason := why_not_known(problem, strategy):
        raise ValueError(f"strategy {strategy!r}: {reason}")
    images = problem.experiment.training.batch_size
    together = images * (ranks if weak else 1)  # of a step; one rank alone would do all of it
    found = [
        (stage, stage.growth(ranks, together), stage.growth(1, together))
        for stage in strategy_stages(problem, strategy)
        if stage.growth is not None
    ]
    return Grown(problem, cluster, ranks, tuple(found))


def scale_table(
    problem: Problem, cluster: Cluster, numbers: Sequence[int], *, strategies: Iterable[str] = (), weak: bool = False
) -> pd.DataFrame:
    """Every strategy on every number of ranks, a row each.

    Parameters
    ----------
    numbers
        Of ranks.
    strategies
        Keys of ``STRATEGIES``; none: those of the experiment.
    weak
        Whether the images a step grow with the ranks.

    Returns
    -------
    pandas.DataFrame
        ``strategy``, ``title``, ``ranks``; ``seconds`` of the whole training and ``step_seconds`` of a step of its
        longest stage at the best of torch's operations, ``least_seconds`` and ``least_step`` at the roofline; ``sent``
        and ``sent_by_all``, bytes of the busiest rank and of all in the whole training; ``memory`` in bytes of the
        fullest rank; ``busy`` ranks; ``speed_up`` of the whole training over one rank (weak: of images a second in a
        step), ``efficiency``, that over the ranks; ``bound``, the part that takes most of the time; a column a part of
        ``PARTS`` (seconds of the whole training) and of ``MEMORY`` (bytes, with ``memory_`` before it); ``reason`` why
        nothing is known, with NaN for all numbers.
    """
    rows: list[dict[str, object]] = []
    for strategy in strategies or problem.experiment.strategies:
        head = {"strategy": strategy, "title": STRATEGIES[strategy].title}
        reason = why_not_known(problem, strategy)
        if reason:
            rows += [{**head, "ranks": ranks, "reason": reason} for ranks in numbers]
            continue
        one = grown(problem, strategy, cluster, 1)
        for ranks in numbers:
            rows.append({**head, "ranks": ranks, "reason": "", **_numbers(problem, strategy, cluster, ranks, weak)})
            rows[-1] |= _gain(rows[-1], one, weak)
    told = ("strategy", "title", "ranks", *NUMBERS, "speed_up", "efficiency", "bound", *PARTS)
    return pd.DataFrame(rows, columns=[*told, *(f"memory_{part}" for part in MEMORY), "reason"])


def _numbers(problem: Problem, strategy: str, cluster: Cluster, ranks: int, weak: bool) -> dict[str, object]:
    best = grown(problem, strategy, cluster, ranks, weak)
    least = replace(best, cluster=replace(cluster, least=True))
    sent, sent_by_all = best.sent
    return {
        "seconds": best.time.seconds,
        "least_seconds": least.time.seconds,
        "step_seconds": best.step.seconds,
        "least_step": least.step.seconds,
        "sent": sent,
        "sent_by_all": sent_by_all,
        "memory": sum(best.memory.values()),
        "busy": best.busy,
        "bound": best.time.bound,
        **best.time.parts,
        **{f"memory_{part}": size for part, size in best.memory.items()},
    }


def _gain(row: dict[str, object], one: Grown, weak: bool) -> dict[str, float]:
    ranks, step, seconds = (float(row[name]) for name in ("ranks", "step_seconds", "seconds"))  # type: ignore[arg-type]
    speed_up = ranks * one.step.seconds / step if weak else one.time.seconds / seconds
    return {"speed_up": speed_up, "efficiency": speed_up / ranks}


def stops(table: pd.DataFrame, column: str = "seconds") -> dict[str, int]:
    """Number of ranks from which on no larger one of the table is faster by ``GAIN``, by strategy."""
    return {str(strategy): stop for strategy, stop in _stops(table[table["reason"] == ""], column)}


def _stops(table: pd.DataFrame, column: str) -> Iterator[tuple[object, int]]:
    for strategy, rows in table.groupby("strategy", sort=False):
        times = rows.sort_values("ranks").set_index("ranks")[column]
        gaining = [ranks for ranks in times.index if times.loc[ranks] <= GAIN * times.loc[ranks:].min()]
        yield strategy, int(gaining[0])
