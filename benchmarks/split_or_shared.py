"""What does decomposing the data cost and give? APTS with split and with shared data, at equal N, work and seeds.

``python -m benchmarks.split_or_shared`` makes what ``benchmarks/results/split_or_shared.json`` lacks, prints all of it
and writes the means to ``ddlab/analyses/trust_region/recorded``, which the page Trust region shows; ``--show`` trains
nothing. Digits, and 12,000 digits of MNIST in minibatches of 2,000, ten epochs: about 12 minutes on a core. Needs MNIST
in ``DDLAB_DATA``.
"""

import argparse
import itertools
import os
import tempfile
from collections.abc import Iterator
from typing import Any

import pandas as pd

from benchmarks import stored
from ddlab.analyses.trust_region.split_or_shared import RECORDED, differences, in_words, summarize
from ddlab.experiment import Experiment
from ddlab.runs import RunFolder

RESULTS = stored.RESULTS / "split_or_shared.json"
COMMAND = "python -m benchmarks.split_or_shared"
KEY = ("dataset", "mode", "order", "subdomains", "data", "seed")
DATASETS: dict[str, dict[str, Any]] = {
    "digits": {"dataset.name": "digits", "training.batch_size": 256},
    "mnist": {
        "dataset.name": "mnist",
        "dataset.train_images": 12_000,
        "dataset.validation_images": 5_000,
        "training.batch_size": 2000,
    },
}
ASKED = (  # data set, mode, order, seeds: ten where the variance over seeds is asked for
    ("digits", "released", 1, 10),
    ("digits", "paper", 2, 3),
    ("mnist", "released", 1, 3),
    ("digits", "released", 2, 10),
    ("digits", "paper", 1, 3),
    ("mnist", "paper", 2, 3),
)
SETTINGS = {"strategies": ["sapts"], "model.name": "mlp_sigmoid", "model.width": 0.25, "training.epochs": 10}


def cases() -> Iterator[tuple[Any, ...]]:
    """Values of ``KEY``, the most telling ones first."""
    for dataset, mode, order, seeds in ASKED:
        for seed, count, data in itertools.product(range(seeds), (2, 4, 6), ("split", "shared")):
            yield dataset, mode, order, count, data, seed


def train(dataset: str, mode: str, order: int, subdomains: int, data: str, seed: int) -> dict[str, Any]:
    """One training, epoch by epoch."""
    from ddlab.ranks import Ranks
    from ddlab.strategies.execute import execute

    own = {"apts.mode": mode, "trust_region.order": order, "apts.subdomains": subdomains, "apts.data": data}
    asked = Experiment().with_settings({**SETTINGS, **DATASETS[dataset], **own, "seeds": [seed]})
    records: list[dict[str, Any]] = []
    execute(RunFolder.create(asked), Ranks(), records.append, lambda: None)
    accepted = [each for record in records for each in record["steps"]["accepted"]]
    told = {
        "accuracy": [round(record["validation_accuracy"], 5) for record in records],
        "loss": [round(record["loss"], 5) for record in records],
        "data_passes": [round(record["data_passes"], 3) for record in records],
        "seconds": round(sum(record["seconds"] for record in records), 2),
        "rejected": round(1 - sum(accepted) / len(accepted), 4),
    }
    return dict(zip(KEY, (dataset, mode, order, subdomains, data, seed), strict=True)) | told


def saved() -> list[dict[str, Any]]:
    """What was measured so far."""
    return stored.read(RESULTS).get("runs", [])


def record(runs: list[dict[str, Any]]) -> None:
    """Put their means into the package."""
    rows = summarize(runs).astype(object)
    rows = rows.where(rows.notna(), None).to_dict("records")
    kept = [{k: round(v, 5) if isinstance(v, float) else v for k, v in row.items()} for row in rows]
    told = {"command": COMMAND, "words": in_words(differences(runs)), "rows": kept}
    stored.write(RECORDED, told)


def main() -> None:
    """Measure what is missing, and print means and paired differences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--show", action="store_true", help="print what is there")
    if not parser.parse_args().show:
        for case in cases():
            if any(tuple(run[name] for name in KEY) == case for run in saved()):
                continue
            with tempfile.TemporaryDirectory() as home:
                os.environ["DDLAB_HOME"] = home
                stored.write_runs(RESULTS, COMMAND, [*saved(), train(*case)])
    record(saved())
    with pd.option_context("display.width", 200, "display.max_columns", 30, "display.max_rows", 200):
        print(summarize(saved()).round(4).to_string(index=False))
    print("\nValidation accuracy, split less shared, 95 % confidence:", *in_words(differences(saved())), sep="\n")


if __name__ == "__main__":
    main()
