"""Is the paper's order there: coherent < CNN-DNN < transfer? Paired differences with intervals, trained to the end.

Digits of MNIST, 2×2 subimages, the classroom's network. As in the paper the local networks are trained for long, and
``transfer`` goes on with them as one model for a third of that (150 and 50 epochs there); ``coherent`` is trained as
one model from new weights, for as long as the local networks, and for as long as ``transfer`` in all. The best epochs
are chosen on validation images that are taken from the training images; MNIST's own test images judge.

Run: ``python -m benchmarks.order``; five seeds take about 20 minutes of a core. What it measures stays in
``benchmarks/results/order.json``; ``--table`` prints that alone. Needs MNIST in ``DDLAB_DATA``.
"""

import argparse
from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks import stored
from ddlab.analyses.comparison.intervals import accuracy_interval, paired_difference
from ddlab.data.cache import load
from ddlab.experiment import Experiment, parse_experiment
from ddlab.ranks import Ranks
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder
from ddlab.strategies.execute import execute

RESULTS = stored.RESULTS / "order.json"
EPOCHS, FURTHER, PATIENCE = 60, 20, 8
LONGER = "coherent, longer"
ORDER = ("global", "average", "majority", "cnn_dnn", "coherent", LONGER, "transfer")
PAIRS = (
    ("cnn_dnn", "coherent"),
    ("transfer", "cnn_dnn"),
    ("transfer", "coherent"),
    ("transfer", LONGER),
    ("cnn_dnn", "average"),
    ("cnn_dnn", "global"),
)


def experiment(seeds: int, strategies: tuple[str, ...], epochs: int) -> Experiment:
    """The experiment; rates are halved on plateaus of 8 epochs, in the paper of 20 where there are 150."""
    return parse_experiment(
        {
            "name": "order",
            "dataset": {"name": "mnist", "train_images": 5000, "test": "official"},
            "model": {"name": "cnn"},
            "strategies": strategies,
            "training": {"epochs": epochs, "batch_size": 64, "plateau_patience": PATIENCE},
            "aggregator": {"epochs": EPOCHS},
            "transfer": {"epochs": FURTHER},
            "seeds": tuple(range(seeds)),
        }
    )


def decisions(asked: Experiment) -> Iterator[tuple[str, np.ndarray]]:
    """Train; whether every strategy decided rightly about each test image, ``(S, M)``."""
    run = RunFolder.create(asked)
    execute(run, Ranks(), lambda record: None, lambda: None)
    data = load(asked.dataset)
    assert data.test is not None, "the experiment asks for test images"
    labels = np.asarray(data.test.labels)
    for strategy in asked.strategies:
        by_seed = [run.stage(strategy, seed).predictions()["test_decisions"] == labels for seed in asked.seeds]
        yield strategy, np.stack(by_seed)


def measure(seeds: int) -> dict[str, Any]:
    """All strategies, and the coherent model for as many epochs as transfer has in all."""
    right = dict(decisions(experiment(seeds, tuple(name for name in ORDER if name in STRATEGIES), EPOCHS)))
    right[LONGER] = dict(decisions(experiment(seeds, ("coherent",), EPOCHS + FURTHER)))["coherent"]
    accuracies = {
        name: {"seeds": right[name].mean(1).tolist(), **accuracy_interval(right[name])._asdict()} for name in ORDER
    }
    differences = [{"a": a, "b": b, **paired_difference(right[a], right[b])._asdict()} for a, b in PAIRS]
    return {"seeds": seeds, "images": right["average"].shape[1], "accuracies": accuracies, "differences": differences}


def title(name: str) -> str:
    """What a strategy is called in the table."""
    return (
        STRATEGIES[name].title if name in STRATEGIES else f"{STRATEGIES['coherent'].title}, {EPOCHS + FURTHER} epochs"
    )


def table(found: dict[str, Any]) -> str:
    """Accuracies and differences as Markdown."""
    lines = [f"| {found['images']:,} test images, {found['seeds']} seeds | accuracy | 95 % |", "|---|---|---|"]
    for name, row in found["accuracies"].items():
        lines.append(f"| {title(name)} | {row['value']:.4f} | {row['low']:.4f} to {row['high']:.4f} |")
    lines += ["", "| difference, in points | mean | 95 % | seeds | |", "|---|---|---|---|---|"]
    for row in found["differences"]:
        decided = row["low"] > 0 or row["high"] < 0
        lines.append(
            f"| {title(row['a'])} − {title(row['b'])} | {100 * row['value']:+.2f} | "
            f"{100 * row['low']:+.2f} to {100 * row['high']:+.2f} | {row['seeds_better']} of {row['seeds']} | "
            f"{'decided' if decided else 'undecided'} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure unless the table alone is wanted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    if not arguments.table:
        stored.write(RESULTS, measure(arguments.seeds))
    print(table(stored.read(RESULTS)))


if __name__ == "__main__":
    main()
