"""Do networks die in their first steps? The share of dead hidden units with a warm-up of the rate and without.

Global networks, whose hidden layers see the most features, on every data set at hand; ten seeds each. A network is dead
if no unit of some layer answers to any validation image. One that says the same for all of them may be alive: the
averages of batch normalisation lag behind its weights while they move fast.

Run: ``python -m benchmarks.dying [CASE ...]``, a few minutes of one core a case; what it measures stays in
``benchmarks/results/dying.json``, is not measured again, and ``--table`` prints that alone. Other cures:
``--warm-ups 100 200 --rates 0.0003``. Data that are not in ``DDLAB_DATA`` are left out.
"""

import argparse
import os
import tempfile
from itertools import product
from typing import Any

import numpy as np

from benchmarks import stored
from ddlab.data.source import DataMissing
from ddlab.experiment import ExperimentError, parse_experiment
from ddlab.problem import pose
from ddlab.ranks import Ranks
from ddlab.runs import RunFolder
from ddlab.runs.health import says_the_same
from ddlab.strategies.execute import execute

RESULTS = stored.RESULTS / "dying.json"
WARM_UPS = (0, 50)
RATE = 1e-3
SEEDS = 10


def case(dataset: dict[str, Any], model: str, width: float, batch_size: int, epochs: int = 1) -> dict[str, Any]:
    """An experiment that trains the global network alone, as a plain tree."""
    return {
        "dataset": dataset,
        "model": {"name": model, "width": width},
        "strategies": ["global"],
        "training": {"batch_size": batch_size, "epochs": epochs, "keep": "last"},
        "decomposition": {"grid": [1] * len(dataset.get("volume", (1, 1)))},
    }


def drawn(name: str, train: int, **more: Any) -> dict[str, Any]:
    """A data set with so many training images, and few to look at after every epoch."""
    return {"name": name, "train_images": train, "validation_images": 100, **more}


CASES: dict[str, dict[str, Any]] = {
    "shapes_local, 32 px, vgg3": case(drawn("shapes_local", 4800), "vgg3", 0.5, 64),
    "digits, 8 px, cnn": case({"name": "digits"}, "cnn", 1.0, 16),
    "MNIST, 28 px, vgg3": case(drawn("mnist", 4800), "vgg3", 0.5, 64),
    "CIFAR-10, 32 px, vgg9": case(drawn("cifar10", 4800), "vgg9", 0.5, 64),
    "flowers, 64 px, vgg3": case(drawn("flowers", 2900, size=64), "vgg3", 0.5, 32),
    "flowers, 96 px, vgg9": case(drawn("flowers", 2900, size=96), "vgg9", 0.25, 32),
    "ct_phantom, 32×32×16, vgg9": case(drawn("ct_phantom", 300, volume=[32, 32, 16]), "vgg9", 0.25, 16, epochs=5),
    "adrenal, 24×24×24, vgg9": case(drawn("adrenalmnist3d", 700, volume=[24, 24, 24]), "vgg9", 0.25, 16, epochs=2),
}


def measure(experiment: dict[str, Any], warm_up: int, rate: float, seeds: int) -> dict[str, Any]:
    """Train with every seed; what the last epochs' records tell."""
    training = {**experiment["training"], "warm_up": warm_up, "learning_rate": rate}
    asked = {**experiment, "training": training, "seeds": list(range(seeds))}
    records: list[dict[str, Any]] = []
    execute(RunFolder.create(parse_experiment(asked)), Ranks(), records.append, lambda: None)
    last = [record for record in records if record["epoch"] == experiment["training"]["epochs"]]
    return {
        "warm_up": warm_up,
        "rate": rate,
        "worst_dead": [record["worst_layer_dead"] for record in last],
        "worst_layer": [record["worst_layer"] for record in last],
        "same_answer": [says_the_same(record["one_class"]) for record in last],
        "first_loss": [record["loss"] for record in records if record["epoch"] == 1],
        "validation": [record["validation_accuracy"] for record in last],
    }


def table(measured: dict[str, list[dict[str, Any]]]) -> str:
    """As Markdown: a row a case and warm-up."""
    head = (
        "network",
        "warm-up",
        "dead",
        "same answer for all",
        "dead units of the worst layer",
        "loss of epoch 1 (largest)",
        "accuracy",
    )
    lines = [" | ".join(head), "|".join(["---"] * len(head))]
    for name, rows in measured.items():
        for row in rows:
            dead, loss, seeds = row["worst_dead"], row["first_loss"], len(row["worst_dead"])
            told = (
                name,
                (f"{row['warm_up']} steps" if row["warm_up"] else "none")
                + (f", rate {row['rate']:g}" if row["rate"] != RATE else ""),
                f"{sum(share == 1 for share in dead)} of {seeds}",
                f"{sum(row['same_answer'])} of {seeds}",
                f"{np.mean(dead):.0%} ({min(dead):.0%} to {max(dead):.0%})",
                f"{np.mean(loss):.2f} ({max(loss):.2f})",
                f"{np.mean(row['validation']):.3f} ± {np.std(row['validation'], ddof=1):.3f}",
            )
            lines.append(" | ".join(told))
    return "\n".join(f"|{line}|" if "---" in line else f"| {line} |" for line in lines)


def main() -> None:
    """Measure the cases that are asked for, keep the results, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*", default=list(CASES), help=f"some of: {'; '.join(CASES)}")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--warm-ups", type=int, nargs="+", default=WARM_UPS, help="steps; 0: none")
    parser.add_argument("--rates", type=float, nargs="+", default=[RATE])
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    measured = stored.read(RESULTS)
    for name in () if arguments.table else arguments.cases:
        try:
            pose(parse_experiment(CASES[name]))
        except (ExperimentError, DataMissing) as error:
            print(f"{name}: left out: {error}", flush=True)
            continue
        rows = measured.setdefault(name, [])
        known = {(row["warm_up"], row["rate"], len(row["worst_dead"])) for row in rows}
        for warm_up, rate in product(arguments.warm_ups, arguments.rates):
            if (warm_up, rate, arguments.seeds) in known:
                continue
            with tempfile.TemporaryDirectory() as home:
                os.environ["DDLAB_HOME"] = home
                rows.append(measure(CASES[name], warm_up, rate, arguments.seeds))
            stored.write(RESULTS, {case: measured[case] for case in CASES if case in measured})
        print(table({name: rows}), flush=True)
    print(table(measured))


if __name__ == "__main__":
    main()
