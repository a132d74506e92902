"""Mode "released" against the published losses of APTS: MNIST, all digits in every step, first order.

``python -m benchmarks.published_apts``: 10 iterations of N = 2, 4 and 6, one seed, 10 minutes on two cores;
``--seeds 3`` for the mean of more. Needs MNIST in ``DDLAB_DATA``.

References
----------
Cruz Alegría, Trotti, Kopaničáková, Krause, Fig. 1: means of ten trials, from the tables in their repository.
"""

import argparse
import os
import tempfile

import numpy as np

from ddlab.experiment import Experiment
from ddlab.recipes import RECIPES
from ddlab.runs import RunFolder

PUBLISHED = {  # the loss after iteration 1, 2, ...; None where it is not known to us
    2: (2.2519, 1.9615, 1.6934, 1.6539, 1.6325, 1.6189, None, None, None, 1.584),
    4: (2.2532, 1.9822, 1.9592, 1.9379, 1.9179, 1.8989, 1.7660, None, None, 1.626),
    6: (2.2537, 1.9896, 1.9662, 1.9445, 1.9241, 1.9047, 1.8863, 1.8687, 1.8521, 1.6965),
}


def trajectory(num_subdomains: int, seed: int, **settings: object) -> list[float]:
    """Loss on the training images after every iteration of the recipe ``apts_mnist_full``."""
    from ddlab.engine.ranks import Ranks
    from ddlab.strategies.execute import execute

    asked: Experiment = RECIPES["apts_mnist_full"]().with_settings(
        {
            "strategies": ["apts"],
            "apts.subdomains": num_subdomains,
            "training.epochs": len(PUBLISHED[num_subdomains]),
            "seeds": [seed],
            **settings,
        }
    )
    records: list[dict] = []
    execute(RunFolder.create(asked), Ranks(), records.append, lambda: None)
    return [record["loss"] for record in records]


def main() -> None:
    """Print a row an iteration: ours, theirs, and the deviation."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=1)
    seeds = parser.parse_args().seeds
    for num_subdomains, published in PUBLISHED.items():
        with tempfile.TemporaryDirectory() as home:
            os.environ["DDLAB_HOME"] = home
            ours = np.mean([trajectory(num_subdomains, seed) for seed in range(seeds)], axis=0)
        for iteration, (mine, theirs) in enumerate(zip(ours, published, strict=True), 1):
            deviation = "" if theirs is None else f"{theirs:.4f}  {100 * (mine / theirs - 1):+.2f} %"
            print(f"N = {num_subdomains}  {iteration:2}  {mine:.4f}  {deviation}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
