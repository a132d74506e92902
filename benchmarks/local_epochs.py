"""From how many local epochs on does a composed network beat a random start? The difference in validation accuracy.

Run: ``python -m benchmarks.local_epochs [--seeds 0 1 2]``; forty minutes on one idle core. What is done is read from
``benchmarks/results/local_epochs.json`` and not trained again; ``--table`` prints it and trains nothing. Needs CIFAR-10
in ``DDLAB_DATA``.

Few images and many epochs, so that networks over-fit as in the paper's 200 epochs: 1,000 images of CIFAR-10 with flips
and shifts, a small CNN of 32, 64 and 128 channels, four local networks of 16×16 px (reduction 1/N), L epochs at the
rate 0.001; then 20 epochs of the composed network at 0.0003. The random start has L + 20 epochs at the same rates
(equal epochs), or as many as cost what all that costs (equal work). Best epochs are those of the highest accuracy on
the validation images, as the paper's.

References
----------
Gu, Zhang, Liu, Cai, ETNA 56, 2022, Section 3.1.1, Table 3.3.
"""

import argparse
import json
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.recipes import train
from ddlab.runs import RunFolder

RESULTS = Path(__file__).parent / "results" / "local_epochs.json"
LOCAL_EPOCHS = (2, 5, 10, 20, 40, 80)
STRATEGIES = ("composed_untrained", "composed", "random", "random_work")
SETTINGS: dict[str, Any] = {
    "model__name": "cnn",
    "model__width": 2.0,
    "dataset__train_images": 1000,
    "dataset__validation_images": 2000,
    "training__monitor": "accuracy",
    "training__warm_up": 0,
    "training__plateau_patience": 1000,  # the rate stays
    "composed__epochs": 20,
    "composed__learning_rate": 3e-4,
    "strategies": list(STRATEGIES),
    "placement__workers": 1,
}


def measure(epochs: int, seed: int) -> dict[str, Any]:
    """Train all strategies once; accuracies of the best and of the last epoch, and those of the local networks."""
    run = train("gu_cifar10_resnet20_small", training__epochs=epochs, seeds=[seed], **SETTINGS)
    results = {result["stage"]: result for result in RunFolder(Path(run["path"])).results()}
    local = [network["validation_accuracy"] for network in results["local"]["networks"]]
    reached = {
        name: {"best": results[name]["validation_accuracy"], "last": results[name]["last_validation_accuracy"]}
        for name in STRATEGIES
    }
    (whole,) = results["random_work"]["networks"]
    return {"epochs": epochs, "seed": seed, "local": local, "work_epochs": whole["epochs"], **reached}


def read() -> list[dict[str, Any]]:
    """What has been measured with our settings."""
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    return list(kept["results"]) if kept.get("settings") == SETTINGS else []


def write(rows: Sequence[dict[str, Any]]) -> None:
    """Keep it, ordered by seeds and epochs."""
    ordered = sorted(rows, key=lambda row: (row["seed"], row["epochs"]))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({"settings": SETTINGS, "results": ordered}, indent=1) + "\n", encoding="utf-8")


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
    """Train what has not been trained, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, nargs="+", default=LOCAL_EPOCHS)
    parser.add_argument("--table", action="store_true", help="print what there is")
    arguments = parser.parse_args()
    rows = read()
    done = {(row["epochs"], row["seed"]) for row in rows}
    asked = [(epochs, seed) for seed in arguments.seeds for epochs in arguments.epochs]
    for epochs, seed in [] if arguments.table else asked:
        if (epochs, seed) not in done:
            rows.append(measure(epochs, seed))
            write(rows)
    print("\n".join(table(rows)))


if __name__ == "__main__":
    main()
