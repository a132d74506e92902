"""What the recipes reach: mean ± standard deviation of the validation accuracy a strategy, and the time, as a table.

Run: ``python -m benchmarks.recipes [RECIPE ...]``; the runs stay in ``DDLAB_HOME``. Without names: the classroom's
recipes with three seeds each, about four minutes on two cores.
"""

import argparse
import json
import subprocess
import sys
from typing import Any

from ddlab.data.shapes import BAYES_ACCURACY
from ddlab.recipes import RECIPES
from ddlab.strategies import STRATEGIES

CLASSROOM = ("classroom", "pairs", "relation", "digits")


def train(recipe: str, seeds: list[int]) -> dict[str, Any]:
    """Train a recipe as a user would, and give what the command says of it."""
    command = [sys.executable, "-m", "ddlab", "train", recipe, "--set", f"seeds={json.dumps(seeds)}", "--json"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def row(recipe: str, run: dict[str, Any]) -> str:
    """One line of the table; in brackets what is possible at best, where that is known."""
    bounds = BAYES_ACCURACY.get(RECIPES[recipe]().dataset.name, {})
    cells = []
    for name, entry in run["strategies"].items():
        spread = "" if entry["validation_sd"] is None else f" ± {entry['validation_sd']:.3f}"
        bound = f" ({bounds[name]:.2f})" if name in bounds else ""
        cells.append(f"{entry['validation']:.3f}{spread}{bound}")
    return f"| `{recipe}` | {' | '.join(cells)} | {run['seconds']:.0f} s |"


def main() -> None:
    """Train the recipes one after the other and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("recipes", nargs="*", default=CLASSROOM)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments = parser.parse_args()
    print(f"| recipe | {' | '.join(entry.title for entry in STRATEGIES.values())} | time |")
    print(f"|---|{'---|' * (len(STRATEGIES) + 1)}")
    for recipe in arguments.recipes:
        print(row(recipe, train(recipe, arguments.seeds)), flush=True)


if __name__ == "__main__":
    main()
