"""From how many local epochs on does a composed network beat a random start? The difference in validation accuracy.

Run: ``python -m benchmarks.local_epochs [mnist] [cifar10] [--seeds 0 1 2]``; on one idle core half an hour for
``mnist`` and 40 minutes for ``cifar10``. What is done is read from ``benchmarks/results/local_epochs.json`` and not
trained again; ``--table`` prints it and trains nothing. Needs MNIST and CIFAR-10 in ``DDLAB_DATA``.

Four local networks (2×2, reduction 1/N) train for L epochs at the rate 0.001, the composed network for 40 more
(CIFAR-10: 20) at 0.0003. The random start has as many epochs as both at the same rates (equal epochs), or as many as
cost what all that costs (equal work). Few images and many epochs: 1,000 of MNIST as they are, which any network learns
by heart, with local networks that see 18×18 of 28×28 px; or 1,000 of CIFAR-10, flipped and shifted, and subimages of
16×16 px. Best epochs are those of the highest accuracy on the validation images, as the paper's.

References
----------
Gu, Zhang, Liu, Cai, ETNA 56, 2022, Section 3.1.1, Table 3.3.
"""

import argparse
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks import stored
from benchmarks.recipes import train
from ddlab.registry.strategies import COMPARED_BY_GU
from ddlab.runs import RunFolder

RESULTS = stored.RESULTS / "local_epochs.json"
LOCAL_EPOCHS = (2, 5, 10, 20, 40, 80)
COMMON: dict[str, Any] = {
    "model__name": "cnn",
    "dataset__train_images": 1000,
    "dataset__validation_images": 2000,
    "training__monitor": "accuracy",
    "training__warm_up": 0,
    "training__plateau_patience": 1000,  # the rate stays
    "composed__epochs": 20,
    "composed__learning_rate": 3e-4,
    "strategies": list(COMPARED_BY_GU),
    "placement__workers": 1,
}
PROBLEMS: dict[str, dict[str, Any]] = {
    "mnist": {
        **COMMON,
        "dataset__name": "mnist",
        "decomposition__overlap": 4,
        "composed__epochs": 40,
        "training__batch_size": 32,
        "model__width": 1.0,
        "training__flip": False,
        "training__shift": 0.0,
    },
    "cifar10": {**COMMON, "model__width": 2.0},
}


def measure(problem: str, epochs: int, seed: int) -> dict[str, Any]:
    """Train all strategies once; accuracies of the best and of the last epoch, and those of the local networks."""
    run = train("gu_cifar10_resnet20_small", training__epochs=epochs, seeds=[seed], **PROBLEMS[problem])
    results = {result["stage"]: result for result in RunFolder(Path(run["path"])).results()}
    local = [network["validation_accuracy"] for network in results["local"]["networks"]]
    reached = {
        name: {"best": results[name]["validation_accuracy"], "last": results[name]["last_validation_accuracy"]}
        for name in COMPARED_BY_GU
    }
    (whole,) = results["random_work"]["networks"]
    return {"epochs": epochs, "seed": seed, "local": local, "work_epochs": whole["epochs"], **reached}


def read(problem: str) -> list[dict[str, Any]]:
    """What has been measured with our settings."""
    kept = stored.read(RESULTS).get(problem, {})
    return list(kept["results"]) if kept.get("settings") == PROBLEMS[problem] else []


def write(problem: str, rows: Sequence[dict[str, Any]]) -> None:
    """Keep it, ordered by seeds and epochs, with the settings that it is of."""
    ordered = sorted(rows, key=lambda row: (row["seed"], row["epochs"]))
    kept = stored.read(RESULTS) | {problem: {"settings": PROBLEMS[problem], "results": ordered}}
    stored.write(RESULTS, kept)


def told(values: Sequence[float], sign: str = "") -> str:
    """Mean ± standard deviation over the seeds."""
    spread = f" ± {statistics.stdev(values):.3f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):{sign}.3f}{spread}"


def less(strategy: str, epoch: str) -> Callable[[dict[str, Any]], float]:
    """The composed network's accuracy less a random start's, of one seed."""
    return lambda row: row["composed"][epoch] - row[strategy][epoch]


def table(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Lines of Markdown: a row a number of local epochs, mean ± standard deviation over its seeds."""
    columns: dict[str, tuple[Callable[[dict[str, Any]], float], str]] = {
        "local networks": (lambda row: statistics.mean(row["local"]), ""),
        "composed, untrained": (lambda row: row["composed_untrained"]["best"], ""),
        "composed": (lambda row: row["composed"]["best"], ""),
        "random, equal epochs": (lambda row: row["random"]["best"], ""),
        "difference, best epochs": (less("random", "best"), "+"),
        "last epochs": (less("random", "last"), "+"),
        "equal work, best epochs": (less("random_work", "best"), "+"),
        "equal work, last epochs": (less("random_work", "last"), "+"),
    }
    lines = [f"| local epochs | seeds | {' | '.join(columns)} |", f"|---|---|{'---|' * len(columns)}"]
    for epochs in sorted({row["epochs"] for row in rows}):
        of_these = [row for row in rows if row["epochs"] == epochs]
        cells = [told([value(row) for row in of_these], sign) for value, sign in columns.values()]
        lines.append(f"| {epochs} | {len(of_these)} | {' | '.join(cells)} |")
    return lines


def main() -> None:
    """Train what has not been trained, and print a table a problem."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("problems", nargs="*", default=list(PROBLEMS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, nargs="+", default=LOCAL_EPOCHS)
    parser.add_argument("--table", action="store_true", help="print what there is")
    arguments = parser.parse_args()
    asked = [] if arguments.table else [(epochs, seed) for seed in arguments.seeds for epochs in arguments.epochs]
    for problem in arguments.problems:
        rows = read(problem)
        done = {(row["epochs"], row["seed"]) for row in rows}
        for epochs, seed in asked:
            if (epochs, seed) not in done:
                rows.append(measure(problem, epochs, seed))
                write(problem, rows)
        print(f"\n{problem}\n\n" + "\n".join(table(rows)), flush=True)


if __name__ == "__main__":
    main()
