"""Runs in every state, made without training: the predictions are drawn, everything else is as a real run writes it.

In a test::

    run = made_run()                        # finished, shapes_local, 2×2, four strategies
    run = made_run("running", seeds=(0, 1))
    run = made_run(experiment=made_experiment(strategies=list(COMPARED_BY_KLAWONN)))  # all of them
"""

import time
from dataclasses import dataclass

import numpy as np

from ddlab.aggregators import average, majority
from ddlab.data.cache import load
from ddlab.experiment import Experiment, parse_experiment
from ddlab.problem import Problem, pose
from ddlab.runs import RunFolder
from ddlab.runs.processes import identity
from ddlab.strategies.results import balanced_accuracy

SMALL = {"name": "shapes_local", "train_images": 96, "validation_images": 64}
LASTED = 40.0  # seconds of a made run
EPOCHS = 6


def made_experiment(dataset=None, **settings) -> Experiment:
    """A small experiment; keywords replace whole parts of it."""
    return parse_experiment(
        {"name": "made", "dataset": {**SMALL, **(dataset or {})}, "training": {"epochs": EPOCHS}, **settings}
    )


def made_run(state: str = "finished", experiment: Experiment | None = None, seeds=(0,)) -> RunFolder:
    """Make a run folder in ``state``: queued, running, finished, failed, cancelled or lost.

    A finished run holds all results; a queued one none; the others stopped while the last seed's CNN-DNN was trained.
    """
    experiment = experiment or made_experiment(seeds=list(seeds))
    run = RunFolder.create(experiment, command="ddlab train made.yaml")
    if state == "queued":
        return run
    problem, dataset = pose(experiment), load(experiment.dataset)
    whole = state == "finished"
    for seed in experiment.seeds:
        last = seed == experiment.seeds[-1]
        parts = {"local"} if set(experiment.strategies) - {"global", "coherent"} else set()
        wanted = [stage for stage in _MAKERS if stage in parts | set(experiment.strategies)]
        _seed(run, problem, _Draw.of(problem, dataset, seed), seed, wanted if whole or not last else wanted[:-1])
    started = time.time() - LASTED
    alive = identity()
    who = alive if state == "running" else {**alive, "pid": 2**22 + 7}
    run.update_status(state="running", started=started, workers=1, devices=["cpu 0"], ranks=[{"rank": 0, **who}], **who)
    run.write_progress(
        {"stage": "cnn_dnn", "title": "Train the DNN", "seed": experiment.seeds[-1], "done": 1.0 if whole else 0.7}
        | {"remaining": 0 if whole else 12.0, "epoch": 3, "epochs": EPOCHS, "time": started + LASTED}
    )
    if state == "failed":
        sentence = "Training diverged: the loss is not a number at stage cnn_dnn, epoch 3."
        run.write_failure(
            {"sentence": sentence, "traceback": "Traceback ...", "stage": "cnn_dnn", "epoch": 3, "rank": 0}
        )
        run.end("failed", sentence)
    elif state in ("finished", "cancelled"):
        run.end(state, "" if whole else "Cancelled.")
    return run


@dataclass
class _Draw:
    """Local probabilities of both splits, drawn: right where the evidence is, vague where there is none."""

    labels: dict
    local: dict
    rng: np.random.Generator

    @classmethod
    def of(cls, problem: Problem, dataset, seed: int) -> "_Draw":
        rng = np.random.default_rng(seed)
        labels, local = {}, {}
        for name in dataset.splits:
            split = dataset.split(name)
            labels[name] = np.asarray(split.labels)
            sees = _sees(problem, split, rng)
            num_classes = problem.description.num_classes
            prior = np.bincount(labels[name], minlength=num_classes) + 1.0
            logits = np.log(prior / prior.sum()) + rng.normal(0, 0.2, (*sees.shape, num_classes))
            right = np.eye(num_classes)[labels[name]][:, None, :] * rng.normal(4, 1.5, sees.shape)[..., None]
            weights = np.exp(logits + right * sees[..., None])
            local[name] = (weights / weights.sum(-1, keepdims=True)).astype(np.float32)
        return cls(labels, local, rng)


def _sees(problem: Problem, split, rng) -> np.ndarray:
    """Which subdomain sees the evidence ``(M, N)``: by the masks, or one at random where there are none."""
    num = len(problem.decomposition)
    if split.masks is None:
        return rng.integers(num, size=(len(split), 1)) == np.arange(num)
    masks = np.asarray(split.masks, dtype=float)
    parts = [masks[box.slices].reshape(len(masks), -1).sum(1) for box in problem.decomposition]
    return np.stack(parts, 1) >= 0.5 * np.maximum(masks.reshape(len(masks), -1).sum(1, keepdims=True), 1)


def _seed(run: RunFolder, problem: Problem, draw: _Draw, seed: int, stages: list[str]) -> None:
    for name in stages:
        networks, arrays = _MAKERS[name](run, problem, draw, seed)
        seconds = {"global": 20.0, "local": 6.0, "cnn_dnn": 3.0, "coherent": 12.0, "transfer": 8.0}.get(name, 0.1)
        flops = sum(network["flops"] for network in networks) * 1000.0
        networks = [] if name in ("coherent", "transfer") else networks  # one model, of which each rank holds a part
        result = {"stage": name, "seed": seed, "kind": "single", "seconds": seconds, "flops_by_rank": [flops]}
        result |= {"bytes_sent": 0, "networks": networks}
        if name != "local":
            scores = {split: _accuracy(arrays[f"{split}_decisions"], draw.labels[split]) for split in draw.labels}
            result |= {f"{split}_accuracy": score for split, score in scores.items()}
            result |= {f"last_{split}_accuracy": score for split, score in scores.items() if split != "train"}
            balanced = balanced_accuracy(arrays["validation_decisions"], draw.labels["validation"])
            result |= {"best_epoch": 4, "epochs": EPOCHS, "balanced_accuracy": balanced}
            own = [problem.global_network] if name == "global" else problem.local_networks
            result |= {"parameters": sum(n.parameters() for n in own), "flops": sum(n.flops() for n in own)}
        folder = run.stage(name, seed)
        folder.write_predictions(**arrays)
        folder.write_result(result)


def _accuracy(decisions, labels) -> float:
    return float((decisions == labels).mean())


def _decided(scores: dict) -> dict:
    return {**scores, **{f"{split}_decisions": values.argmax(-1) for split, values in scores.items()}}


def _global(run, problem, draw, seed):
    scores = {}
    for split, labels in draw.labels.items():
        weights = np.exp(draw.rng.normal(0, 1, (len(labels), problem.description.num_classes)))
        weights[np.arange(len(labels)), labels] += 25
        scores[split] = (weights / weights.sum(1, keepdims=True)).astype(np.float32)
    arrays = _decided(scores)
    accuracy = _accuracy(arrays["validation_decisions"], draw.labels["validation"])
    return [_network(run, problem.global_network, "global", seed, (None, accuracy))], arrays


def _local(run, problem, draw, seed):
    right = (draw.local["validation"].argmax(2) == draw.labels["validation"][:, None]).mean(0)
    networks = [
        _network(run, network, "local", seed, (index, float(right[index])))
        for index, network in enumerate(problem.local_networks)
    ]
    return networks, dict(draw.local)


def _average(run, problem, draw, seed):
    return [], _decided({split: average(values) for split, values in draw.local.items()})


def _majority(run, problem, draw, seed):
    votes = {split: majority(values) for split, values in draw.local.items()}
    decisions = {f"{split}_decisions": vote.decisions_M for split, vote in votes.items()}
    return [], {split: vote.shares_MK.astype(np.float32) for split, vote in votes.items()} | decisions


def _cnn_dnn(run, problem, draw, seed):
    """Decide as the most certain local network does, and give it all attribution."""
    scores = {}
    for split, local in draw.local.items():
        certain = local.max(2).argmax(1)
        scores[split] = local[np.arange(len(local)), certain]
    local = draw.local["validation"]
    leads = local.max(2).argmax(1)[:, None] == np.arange(local.shape[1])
    attributions = np.where(leads[..., None], 3.0, 0.2) * (local - 1 / local.shape[2])
    arrays = _decided(scores) | {"validation_attributions": attributions.astype(np.float32)}
    accuracy = _accuracy(arrays["validation_decisions"], draw.labels["validation"])
    return [_network(run, problem.local_networks[0], "cnn_dnn", seed, (None, accuracy))], arrays


def _coherent(run, problem, draw, seed, stage="coherent"):
    """Decide as an average of local networks that are surer of what they would name on their own."""
    sure = {split: local**3 / (local**3).sum(2, keepdims=True) for split, local in draw.local.items()}
    arrays = _decided({split: average(local) for split, local in sure.items()})
    arrays |= {
        "validation_local": sure["validation"],
        "validation_attributions": sure["validation"] - 1 / sure["validation"].shape[2],
    }
    accuracy = _accuracy(arrays["validation_decisions"], draw.labels["validation"])
    whole = [_network(run, problem.local_networks[0], stage, seed, (None, accuracy))]
    return whole * len(problem.local_networks), arrays


def _transfer(run, problem, draw, seed):
    return _coherent(run, problem, draw, seed, "transfer")


_MAKERS = {
    "global": _global,
    "local": _local,
    "average": _average,
    "majority": _majority,
    "cnn_dnn": _cnn_dnn,
    "coherent": _coherent,
    "transfer": _transfer,
}


def _network(run, network, stage: str, seed: int, outcome) -> dict:
    subdomain, accuracy = outcome
    for epoch in range(1, EPOCHS + 1):
        grown = accuracy * (1 - 0.6 ** (epoch + 1))
        run.append_metrics(
            0,
            {"time": time.time() - LASTED + epoch, "rank": 0, "stage": stage, "seed": seed, "subdomain": subdomain}
            | {"epoch": epoch, "epochs": EPOCHS, "loss": 2.0 * 0.7**epoch, "accuracy": min(1.0, grown + 0.03)}
            | {"validation_loss": 2.0 * 0.75**epoch + 0.1, "validation_accuracy": grown, "rate": 1e-3, "seconds": 1.0},
        )
    return {"subdomain": subdomain, "parameters": network.parameters(), "flops": network.flops(), "epochs": EPOCHS} | {
        "best_epoch": 4,
        "train_accuracy": min(1.0, accuracy + 0.03),
        "validation_accuracy": accuracy,
        "last_validation_accuracy": accuracy,
    }
