"""Schedules told action by action: a sentence on each."""

from ddlab.pipeline.schedules import KINDS, Action
from ddlab.pipeline.simulation import Simulation


def tell(found: Simulation, done: int, unit: str = "") -> str:
    """Tell the last of the first ``done`` actions, in the order in which they begin, and which ranks wait meanwhile.

    Parameters
    ----------
    unit
        Of the times, such as "ms".
    """
    table = found.action_table()
    if not done:
        return "Nothing has begun: all ranks wait for the first micro-batch."
    row = table.iloc[done - 1]
    action = Action(row["kind"], int(row["module"]), int(row["micro_batch"]))
    start, end = row["start"], row["end"]
    said = [
        f"Action {done} of {len(table)}: rank {row['rank']} computes the {_pass(action)} of micro-batch "
        f"{action.micro_batch} in module {action.module}, from {start:.3g} to {end:.3g} {unit}".rstrip()
        + "."
    ]
    busy = table[(table["start"] <= start) & (table["end"] > start)]["rank"]
    waiting = [str(rank) for rank in range(found.schedule.num_ranks) if rank not in set(busy)]
    if waiting:
        said.append(f"{'Rank' if len(waiting) == 1 else 'Ranks'} {', '.join(waiting)} wait{'s' * (len(waiting) == 1)}.")
    return " ".join(said)


def _pass(action: Action) -> str:
    return KINDS[action.kind] if action.kind == "W" else f"{KINDS[action.kind]} pass"
