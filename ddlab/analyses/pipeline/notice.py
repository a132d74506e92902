"""Sentences worth noticing about the plan of a pipeline, from its own numbers."""

from ddlab.analyses.pipeline.plan import PipelinePlan
from ddlab.written import percent

CLEAR = 0.1  # of the work of the slowest machine: less is balanced


def of_plan(plan: PipelinePlan) -> str:
    """Say what the machines gain, and whether uneven modules or waiting for the first micro-batch costs more."""
    found, number = plan.simulation, plan.machines.number
    if number < 2:
        return ""
    gain = f"{number} machines are {found.speed_up:.2f} times as fast as one, not {number} times"
    busy = found.busy
    uneven, bubble = max(busy) / (sum(busy) / number) - 1, found.bubble
    if uneven > max(CLEAR, bubble / 2):
        slowest = busy.index(max(busy))
        return (
            f"{gain}: machine {slowest} has {percent(uneven, 0)} more to do than the mean, and the others wait for it."
        )
    return (
        f"{gain}: they are idle for {percent(bubble, 0)} of the time, while the batch fills the pipeline and leaves "
        "it. Of a batch in more micro-batches that is a smaller part."
    )
