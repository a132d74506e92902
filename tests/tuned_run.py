"""Runs of a sweep of radii and rates, made without training.

In a test::

    tuned_run("adam", 1e-3, [0.9, 0.92])     # finished, two seeds
    tuned_run("sgd", 1.0, state="diverged")
"""

from collections.abc import Sequence

from ddlab.experiment import Experiment
from ddlab.runs import RunFolder
from ddlab.runs.processes import identity
from ddlab.sweeps.sensitivity import vary
from tests.made_run import made_experiment

KEPT = 0.01  # what the kept epoch is better than the last


def tuned_base(**settings) -> Experiment:
    """What a sweep of made runs begins with."""
    return made_experiment(model={"name": "mlp"}, **settings)


def tuned_run(
    strategy: str,
    value: float,
    accuracies: Sequence[float] = (),
    state: str = "finished",
    base: Experiment | None = None,
) -> RunFolder:
    """A run of one strategy and value in ``state``, which may be ``diverged``, with an accuracy a seed that is done."""
    run = RunFolder.create(vary(base or tuned_base(), strategy, value), command="ddlab sensitivity")
    for seed, accuracy in enumerate(accuracies):
        result = {"stage": strategy, "seed": seed, "seconds": 1.0, "flops_by_rank": [1.0], "networks": []}
        result |= {"last_validation_accuracy": accuracy, "validation_accuracy": accuracy + KEPT}
        run.stage(strategy, seed).write_result(result)
    run.update_status(state="running", started=0.0, **identity())
    if state == "diverged":
        run.write_failure({"sentence": "The loss became infinite.", "error": "Diverged"})
        run.end("failed", "The loss became infinite.")
    elif state != "running":
        run.end(state)
    return run
