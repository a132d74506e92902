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


def train(recipe: str, **settings: Any) -> dict[str, Any]:
    """Train a recipe as a user would, with ``path__to__field=value`` set, and give what the command says of it."""
    command = [sys.executable, "-m", "ddlab", "train", recipe, "--json"]
    for path, value in settings.items():
        command += ["--set", f"{path.replace('__', '.')}={json.dumps(value)}"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def reached(entry: dict[str, Any]) -> str:
    """Validation accuracy, mean ± standard deviation over the seeds."""
    spread = "" if entry["validation_sd"] is None else f" ± {entry['validation_sd']:.3f}"
    return f"{entry['validation']:.3f}{spread}"


def row(recipe: str, run: dict[str, Any]) -> str:
    """One line of the table; in brackets what is possible at best, where that is known."""
    bounds = BAYES_ACCURACY.get(RECIPES[recipe]().dataset.name, {})
    cells = []
    for name in STRATEGIES:
        bound = f" ({bounds[name]:.2f})" if name in bounds else ""
        cells.append(reached(run["strategies"][name]) + bound if name in run["strategies"] else "–")
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
        print(row(recipe, train(recipe, seeds=arguments.seeds)), flush=True)


if __name__ == "__main__":
    main()
