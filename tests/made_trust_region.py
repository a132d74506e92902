"""Runs of methods without a learning rate, made without training; every number follows from a few that a test gives.

In a test::

    run = made_trust_region_run()                                # finished: apts, trust_region, adam; two seeds
    run = made_trust_region_run(steps=[step(0.1), step(0.1, accepted=False)])  # what apts does in each of its epochs
"""

from ddlab.runs import RunFolder
from tests.made_run import made_experiment

EPOCHS, PARAMETERS, NUMBER = 3, 1000, 4
STRATEGIES = ("apts", "trust_region", "adam")
SWEEPS = {"apts": 7.0, "trust_region": 1.5, "adam": 1.0}  # an epoch
VECTORS = {"apts": 3, "trust_region": 1, "adam": 1}  # a step
NEVER = ("global_loss", "global_trial", "global_ratio", "global_radius", "global_accepted", "global_trials")


def step(radius=0.1, accepted=True, ratio=0.9, after=None, **changes) -> dict:
    """One step of two subdomains as a record tells it; the loss falls by ``ratio`` times 0.3, then by 0.1."""
    actual = 0.3 * ratio
    after = after if after is not None else (radius if accepted else radius / 2)
    begins = 2.0 - actual if accepted else 2.0
    own = {"loss": 2.0, "trial": 2.0 - actual, "predicted": 0.3, "ratio": ratio, "radius": radius}
    own |= {"next_radius": after, "accepted": accepted, "trials": 1, "smallest": None, "length": radius}
    own |= {"decreases": [0.1, 0.2], "lengths": [radius / 2, radius / 2]}
    globally = {"global_loss": begins, "global_trial": begins - 0.1, "global_ratio": 0.8, "global_radius": after}
    globally |= {"global_accepted": True, "global_trials": 1, "global_smallest": None}
    return own | globally | changes


def alone(taken: dict) -> dict:
    """The same as a step of the trust-region method, which has no subdomains and nothing after it."""
    return taken | dict.fromkeys((*NEVER, "global_smallest")) | {"decreases": [], "lengths": []}


def made_trust_region_run(state="finished", steps=None, last_radius=0.1, seeds=(0, 1), **settings) -> RunFolder:
    """Make a run folder in ``state`` with the records of ``EPOCHS`` epochs, each of them of the same steps."""
    steps = steps if steps is not None else [step(), step()]
    settings = {"strategies": list(STRATEGIES), "model": {"name": "mlp"}, **settings}
    run = RunFolder.create(made_experiment(seeds=list(seeds), **settings))
    for strategy in run.experiment.strategies:
        for seed in seeds:
            for epoch in range(1, EPOCHS + 1):
                run.append_metrics(0, _record(strategy, seed, epoch, steps, last_radius))
    if state != "queued":
        run.end(state)
    return run


def _record(strategy: str, seed: int, epoch: int, steps: list[dict], last_radius: float) -> dict:
    share = 1 - 0.5**epoch - 0.02 * seed  # of images decided rightly
    record = {"time": float(epoch), "rank": 0, "stage": strategy, "seed": seed, "subdomain": None, "epoch": epoch}
    record |= {"epochs": EPOCHS, "loss": 2 / epoch, "accuracy": share, "validation_loss": 2.1 / epoch, "rate": None}
    record |= {"validation_accuracy": share, "seconds": 2.0}
    if strategy in SWEEPS:
        record |= {"data_passes": SWEEPS[strategy] * epoch, "vectors": VECTORS[strategy] * len(steps) * epoch}
        record |= {"parameters": PARAMETERS, "bytes_each": NUMBER}
    if strategy in ("apts", "sapts", "trust_region"):
        shown = steps if strategy != "trust_region" else list(map(alone, steps))
        record |= {"radius": last_radius, "steps": {name: [s[name] for s in shown] for name in shown[0]}}
    return record
