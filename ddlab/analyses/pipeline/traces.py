"""Traced steps: training steps of a run's pipelines as they ran, beside what the simulation makes of their modules."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from ddlab.pipeline.methods import METHODS
from ddlab.pipeline.placement import ALONE
from ddlab.pipeline.records import TraceRecord
from ddlab.pipeline.simulation import Simulation
from ddlab.pipeline.trace import predicted_step, recorded_step
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder
from ddlab.written import percent

NOTICED = 0.1  # of a step that ranks waited more than they had to


def why_not(run: RunFolder) -> str:
    """Say why a run has no traced step; empty if it has one."""
    if any(True for _ in traces(run)):
        return ""
    cut = [name for name, entry in STRATEGIES.items() if "pipeline" in entry.settings and name not in METHODS]
    asked = [name for name in run.asked().get("strategies") or () if name in cut]
    if asked:
        return f"No step was traced yet: {STRATEGIES[asked[0]].title} traces steps at the end of every epoch."
    titles = " and ".join(STRATEGIES[name].title for name in cut)
    return f"This run has no pipeline whose steps are traced: {titles} have."


def traces(run: RunFolder) -> Iterator[tuple[str, int, TraceRecord]]:
    """Yield strategy, seed and record of every traced step of a run, in the order of its strategies."""
    for strategy in run.asked().get("strategies") or ():
        for seed in run.asked().get("seeds") or (0,):
            if record := run.stage(strategy, seed).trace():
                yield strategy, seed, record


def trace_of(run: RunFolder, strategy: str, seed: int) -> TraceRecord:
    """Read the traced step of a strategy.

    Raises
    ------
    ValueError
        If there is none.
    """
    record = run.stage(strategy, seed).trace()
    if not record:
        raise ValueError(f"strategy: {strategy!r} with seed {seed} has no traced step; it must be a pipeline's")
    return record


def trace_table(run: RunFolder) -> pd.DataFrame:
    """Every traced step of a run beside its simulation from the measured times of its modules, a row each.

    Returns
    -------
    pandas.DataFrame
        ``strategy``, ``title``, ``seed``, ``schedule`` (its title), ``ranks``, ``micro_batches``, ``batch`` (images);
        ``seconds`` of the step that is drawn, the median of those traced, and ``predicted``; ``over``, the share by
        which it took longer; ``bubble`` (idle share of all ranks) and ``predicted_bubble``; ``balance`` (mean over
        largest working time of the ranks); ``waited``, the mean seconds that a rank was idle; ``sent_bytes`` of the
        step; ``one_rank``, seconds that the measured passes take one after the other; and ``speed_up`` over that.
    """
    rows = []
    for strategy, seed, record in traces(run):
        ran, predicted = recorded_step(record), predicted_step(record)
        one_rank = record["num_micro_batches"] * predicted.costs.work
        rows.append(
            {
                "strategy": strategy,
                "title": STRATEGIES[strategy].title if strategy in STRATEGIES else strategy,
                "seed": seed,
                "schedule": ran.schedule.title,
                "ranks": record["num_ranks"],
                "micro_batches": record["num_micro_batches"],
                "batch": record["batch"],
                "seconds": ran.makespan,
                "predicted": predicted.makespan,
                "over": ran.makespan / predicted.makespan - 1,
                "bubble": ran.bubble,
                "predicted_bubble": predicted.bubble,
                "balance": balance(ran),
                "waited": ran.bubble * ran.makespan,
                "sent_bytes": ran.sent_bytes,
                "one_rank": one_rank,
                "speed_up": one_rank / ran.makespan,
            }
        )
    return pd.DataFrame(rows)


def notice(row: "pd.Series[Any]") -> str:
    """Say of a row of :func:`trace_table` how long the step took beside its simulation, and what that points to."""
    over, waited = row["over"], row["bubble"] - row["predicted_bubble"]
    told = (
        f"The step took {percent(abs(over), 0)} {'longer' if over > 0 else 'less'} than the simulation makes of "
        f"the modules' measured times, and ranks waited {percent(row['bubble'])} of it."
    )
    if waited > NOTICED:
        told += (
            " In the simulation all ranks work whenever they can; here they did not, as where fewer cores are free "
            "than there are ranks, transfers take long, or micro-batches are so small that handling them does."
        )
    return told


def balance(simulation: Simulation) -> float:
    """Mean over largest time that the ranks work: 1 if all work equally long."""
    return sum(simulation.busy) / (len(simulation.busy) * max(simulation.busy))


def module_table(record: TraceRecord) -> pd.DataFrame:
    """The modules of a traced step: what was counted of each, and what a micro-batch was measured to take.

    Returns
    -------
    pandas.DataFrame
        ``module`` (counted from 0), ``rank``, ``layers`` (names of those that compute), ``flops`` (share of the
        counted operations), ``forward``, ``backward`` (all of it) and ``weight`` (its part that is an action of its
        own), in seconds, ``time`` (share of the measured time), ``transfer`` (seconds to the next module, as it was
        seen; NaN behind the last one).
    """
    schedule, flops = recorded_step(record).schedule, sum(record["flops"]) or 1
    work = [forward + backward for forward, backward in zip(record["forward"], record["backward"], strict=True)]
    return pd.DataFrame(
        {
            "module": range(len(work)),
            "rank": [schedule.rank_of(module) for module in range(len(work))],
            "layers": [", ".join(filter(None, names)) for names in record["modules"]],
            "flops": [share / flops for share in record["flops"]],
            "forward": record["forward"],
            "backward": record["backward"],
            "weight": record["weight"],
            "time": [share / sum(work) for share in work],
            "transfer": [*record["transfer"], float("nan")],
        }
    )


def is_alone(record: TraceRecord) -> bool:
    """Whether one rank had all modules: then nothing overlaps, whatever schedule was asked for."""
    return record["num_ranks"] == 1 and record["schedule"] == ALONE
