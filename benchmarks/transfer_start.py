"""Where transfer fails and what cures it: the recipe ``memorised`` and its variants, validation accuracy.

Run: ``python -m benchmarks.transfer_start [--seeds 0 1 2]``; two minutes a seed on two cores. ``shapes_relation`` gives
the local networks nothing to learn but their images by heart; the longer they do, the less can be made of them.
"""

import argparse
from typing import Any

from benchmarks.recipes import reached, train

VARIANTS: dict[str, dict[str, Any]] = {
    "as it is: local networks of epoch 20": {},
    "logits in place of probabilities": {"coherent__outputs": "logits"},
    "four times the rate": {"transfer__learning_rate": 0.004},
    "three times the epochs": {"transfer__epochs": 30},
    "local networks of epoch 5": {"transfer__start": 5},
    "local networks of epoch 2": {"transfer__start": 2},
    "local networks of epoch 1": {"transfer__start": 1},
    "early stopping: local networks of the best epoch": {"training__keep": "best"},
}


def main() -> None:
    """Train every variant and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    seeds = parser.parse_args().seeds
    print("| transfer on `shapes_relation`, 10 epochs | validation | time |")
    print("|---|---|---|")
    for title, settings in VARIANTS.items():
        run = train("memorised", strategies=["transfer"], seeds=seeds, **settings)
        print(f"| {title} | {reached(run['strategies']['transfer'])} | {run['seconds']:.0f} s |", flush=True)


if __name__ == "__main__":
    main()
