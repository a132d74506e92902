"""Our curves of APTS against the published ones, epoch by epoch: accuracy, loss, and whether they are in their range.

``python -m benchmarks.published_apts`` makes what ``benchmarks/results/published_apts.json`` lacks, one seed, and
prints all of it; ``--only "mnist mini N=2 order 1"`` one case, ``--epochs 25`` more of it, ``--seeds 3`` more seeds,
``--show`` prints alone. An epoch of MNIST in minibatches takes 10 s on a core of its own, all cases about half an hour.
Needs MNIST and CIFAR-10 in ``DDLAB_DATA``.

References
----------
Cruz Alegría, Trotti, Kopaničáková, Krause, Figs. 1 and 2: ``published_apts.csv`` has the mean, least and largest of
their ten trials (CIFAR-10: five), from the tables that they published with their program.
"""

import argparse
import csv
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import stored
from ddlab.experiment import Experiment
from ddlab.recipes import RECIPES
from ddlab.runs import RunFolder

HERE = Path(__file__).parent
RESULTS = stored.RESULTS / "published_apts.json"
EPOCHS = 10
PRINTED = (1, 5, 10, 25)
TRIALS = {"mnist": 10, "cifar10": 5}  # of theirs
MEASURES = ("accuracy", "loss")


class Case(NamedTuple):
    """A curve of their figures."""

    dataset: str
    batches: str
    subdomains: int
    order: int

    def __str__(self) -> str:
        return f"{self.dataset} {self.batches} N={self.subdomains} order {self.order}"

    @property
    def strategy(self) -> str:
        """Full batches are APTS's, minibatches SAPTS's."""
        return "apts" if self.batches == "full" else "sapts"


def published() -> dict[Case, dict[int, dict[str, float]]]:
    """Mean, minimum and maximum of both measures, a case and epoch; accuracies in percent."""
    found: dict[Case, dict[int, dict[str, float]]] = {}
    with (HERE / "published_apts.csv").open() as file:
        for row in csv.DictReader(file):
            case = Case(row["dataset"], row["batches"], int(row["subdomains"]), int(row["order"]))
            numbers = {name: float(row[name]) for name in row if name.startswith(MEASURES)}
            found.setdefault(case, {})[int(row["epoch"])] = numbers
    return found


def curve(
    case: Case,
    seed: int,
    epochs: int,
    tell: Callable[[dict[str, float]], None] = lambda point: None,
    **settings: object,
) -> list[dict[str, float]]:
    """Accuracy on the validation images in percent and loss of the steps after every epoch, by the figure's recipe."""
    from ddlab.ranks import Ranks
    from ddlab.strategies.execute import execute

    asked: Experiment = RECIPES[f"apts_{case.dataset}_{case.batches}"]().with_settings(
        {
            "strategies": [case.strategy],
            "apts.subdomains": case.subdomains,
            "trust_region.order": case.order,
            "training.epochs": epochs,
            "seeds": [seed],
            **settings,
        }
    )
    points: list[dict[str, float]] = []

    def report(record: dict[str, Any]) -> None:
        accuracy = round(100 * record["validation_accuracy"], 2)
        points.append({"epoch": record["epoch"], "accuracy": accuracy, "loss": round(record["step_loss"], 5)})
        tell(points[-1])

    with tempfile.TemporaryDirectory() as home:
        before = os.environ.get("DDLAB_HOME")
        os.environ["DDLAB_HOME"] = home
        try:
            execute(RunFolder.create(asked), Ranks(), report, lambda: None)
        finally:
            os.environ.pop("DDLAB_HOME") if before is None else os.environ.update(DDLAB_HOME=before)
    return points


def compared(ours: dict[str, float], theirs: dict[str, float]) -> dict[str, Any]:
    """An epoch of ours beside theirs, and whether it is within the range of their trials."""
    inside = {f"{name}_inside": theirs[f"{name}_min"] <= ours[name] <= theirs[f"{name}_max"] for name in MEASURES}
    return {**ours, **{f"published_{name}": value for name, value in theirs.items()}, **inside}


def saved() -> dict[str, Any]:
    """What was measured so far."""
    return {"command": "python -m benchmarks.published_apts", "curves": stored.read(RESULTS).get("curves", {})}


def measure(case: Case, seed: int, epochs: int) -> None:
    """Make a curve, unless it is there, and write it epoch by epoch."""
    name = f"{case}, seed {seed}"
    known = saved()["curves"].get(name, {"epochs": []})
    if len(known["epochs"]) >= epochs:
        return
    made: list[dict[str, Any]] = []

    def tell(ours: dict[str, float]) -> None:
        theirs = published()[case].get(int(ours["epoch"]))
        made.append(compared(ours, theirs) if theirs else ours)
        if len(made) > len(known["epochs"]):
            results = saved()  # another process may have written another curve
            results["curves"][name] = {**case._asdict(), "seed": seed, "epochs": made}
            stored.write(RESULTS, results)

    curve(case, seed, epochs, tell)


def in_words() -> str:
    """Count the numbers within the range of the published trials, and those that chance would have there.

    The largest and the least of n trials and one more, all alike, are the new one's in 2 of n + 1 cases.
    """
    points = [
        (TRIALS[found["dataset"]], point[f"{name}_inside"])
        for found in saved()["curves"].values()
        for point in found["epochs"]
        if "published_loss" in point
        for name in MEASURES
    ]
    inside, expected = sum(is_inside for _, is_inside in points), sum(1 - 2 / (trials + 1) for trials, _ in points)
    return (
        f"{inside} of {len(points)} numbers are within the range of the published trials; one trial more of "
        f"theirs would have {expected:.0f} there."
    )


def table() -> str:
    """What was measured, in Markdown: a row a curve and printed epoch."""
    lines = [
        "| | epoch | accuracy % | published | within | loss | published | within |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, found in saved()["curves"].items():
        for point in found["epochs"]:
            if "published_loss" not in point or point["epoch"] not in PRINTED:
                continue
            cells = [name, str(point["epoch"])]
            for measure_name, digits in (("accuracy", 2), ("loss", 4)):
                mean, low, high = (point[f"published_{measure_name}{end}"] for end in ("", "_min", "_max"))
                range_of = f"{mean:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"
                inside = "yes" if point[f"{measure_name}_inside"] else "no"
                cells += [f"{point[measure_name]:.{digits}f}", range_of, inside]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--show", action="store_true", help="print what is there")
    asked = parser.parse_args()
    for case in published():
        for seed in range(asked.seeds):
            if asked.only in str(case) and not asked.show:
                measure(case, seed, asked.epochs)
    print(table())
    print(f"\n{in_words()}")


if __name__ == "__main__":
    main()
