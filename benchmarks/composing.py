"""What our options do to a composed network: the recipe ``theorem`` and its variants, validation accuracy.

Run: ``python -m benchmarks.composing [--seeds 0 1 2]``; five minutes on two cores. All variants have the same local
networks and two epochs of further training. The paper sums logits, keeps statistics, and trains all weights alike at a
tenth of the rate.
"""

import argparse
from typing import Any

from benchmarks.recipes import reached, train

FULL_RATE = 3e-3
VARIANTS: dict[str, dict[str, Any]] = {
    "as the paper: a tenth of the rate": {},
    "the full rate": {"composed__learning_rate": FULL_RATE},
    "the full rate, a tenth of it between the blocks": {
        "composed__learning_rate": FULL_RATE,
        "composed__cross_rate": 0.1,
    },
    "the full rate, warmed up between the blocks": {"composed__learning_rate": FULL_RATE, "composed__warm_up": 1},
    "nothing between the blocks": {"composed__cross_rate": 0.0},
    "statistics taken anew": {"composed__recalibrate": True},
    "mean of the logits in place of their sum": {"composed__logits": "mean"},
}


def main() -> None:
    """Train every variant and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    seeds = parser.parse_args().seeds
    print("| composed network of `theorem` | untrained | after 2 epochs |")
    print("|---|---|---|")
    for title, settings in VARIANTS.items():
        run = train("theorem", strategies=["composed_untrained", "composed"], seeds=seeds, **settings)
        told = [reached(run["strategies"][name]) for name in ("composed_untrained", "composed")]
        print(f"| {title} | {' | '.join(told)} |", flush=True)


if __name__ == "__main__":
    main()
