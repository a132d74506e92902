"""Runs with a traced step of a pipeline, made without training: every action takes 2 ms."""

from ddlab.pipeline.placement import place
from ddlab.pipeline.trace import Step, trace_record
from ddlab.problem import pose
from ddlab.registry.strategies import CUT_LAYERS
from ddlab.strategies.layers import modules_of
from tests.made_run import made_experiment, made_run


def traced_run(stretched=1.0, **changes):
    """A finished run whose pipeline was traced: every action takes 2 ms, and all times are stretched."""
    experiment = made_experiment(strategies=["global", *CUT_LAYERS], pipeline={"modules": 3}, **changes)
    run = made_run(experiment=experiment)
    for name in CUT_LAYERS:
        run.stage(name, 0).write_result({**run.stage("global", 0).result(), "stage": name})
    placement = place(modules_of(pose(experiment)), "1f1b", 2, 4)
    step, times = Step(), {}
    for number, action in enumerate(placement.schedule.orders[0]):
        times[action] = 2e-3 * number
    for number, action in enumerate(placement.schedule.orders[1]):
        times[action] = 2e-3 * (number + 1)
    step.starts = {action: stretched * start for action, start in times.items()}
    step.ends = {action: stretched * start + 2e-3 for action, start in times.items()}
    run.stage("layerwise", 0).write_trace(trace_record(placement, [step], 1, 32, 4))
    return run
