"""What the recipes reached when they were last trained: ``results/recipes.json``, from which docstrings take it.

An entry of a recipe::

    fingerprint       of the experiment (:mod:`ddlab.fingerprint`): a recipe that changed since has another one
    settings          what was changed of the recipe; null: nothing
    seeds, seconds, cores, busy, machine, note, commit
    strategies        {name: {"validation": {"mean", "sd", "values"}, "test": ..., "balanced": ...}}
    measured_before   what has changed in ddlab since, so that the numbers are no longer those of the recipe

``values`` are those of the seeds, in their order; ``interval`` is that of 95 % of the accuracy on the images that judge
(:mod:`ddlab.analyses.comparison.intervals`); ``same_answer`` tells with how many of them a strategy says the same
for every image, because its network has died or learned nothing. ``local`` is the mean of the local networks. Balanced
accuracy (mean recall over the classes) is there where classes are of unequal size, unless what is possible is known.
"""

import inspect
import platform
import re
import statistics
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks import stored
from ddlab.analyses.comparison.accuracy import has_unequal_classes, strategy_table
from ddlab.data.shapes import BAYES_ACCURACY
from ddlab.engine.devices import slots
from ddlab.experiment import Experiment
from ddlab.fingerprint import fingerprint
from ddlab.recipes import RECIPES
from ddlab.runs import RunFolder
from ddlab.runs.health import says_the_same
from ddlab.words import duration, mark

FILE = stored.RESULTS / "recipes.json"
BEGINS = "Measured"  # the paragraph of a docstring that is written from the file
INDENT, WIDTH = 4, 120
LOCAL, SAME, INTERVAL = "local", "same_answer", "interval"
MEASURES = {  # of a result, by what an entry calls them
    "validation": "validation_accuracy",
    "test": "test_accuracy",
    "balanced": "balanced_accuracy",
    "test_balanced": "test_balanced_accuracy",
}
NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
HARD = "\u00a0"  # a space at which no line is broken

Entry = dict[str, Any]


def read() -> dict[str, Entry]:
    """All entries, in the order of the recipes."""
    tree = stored.read(FILE)
    return {name: tree[name] for name in RECIPES if name in tree} | tree


def store(recipe: str, entry: Entry) -> None:
    """Put an entry in the place of the recipe's last one; what another process stored meanwhile stays."""
    tree = read() | {recipe: entry}
    stored.write(FILE, {name: tree[name] for name in RECIPES if name in tree})


def asked(recipe: str, settings: Mapping[str, Any], seeds: Sequence[int]) -> Experiment:
    """The recipe as it was or would be measured."""
    return RECIPES[recipe]().with_settings({**settings, "seeds": list(seeds)})


def is_current(recipe: str, entry: Mapping[str, Any]) -> bool:
    """Whether the recipe, and what it stands on, is still what was measured."""
    experiment = asked(recipe, entry.get("settings") or {}, entry["seeds"])
    return not entry.get("measured_before") and entry.get("fingerprint") == fingerprint(
        experiment.model_dump(mode="json")
    )


# ---- an entry of a run


def entry_of(run: RunFolder, settings: Mapping[str, Any], *, busy: bool, note: str = "") -> Entry:
    """What a finished run came to.

    Parameters
    ----------
    settings
        What was changed of its recipe.
    busy
        Whether the machine did other work, so that the time says little.
    note
        What the reader must know, such as how the images came to be.
    """
    environment = run.environment()
    results, seeds = run.results(), list(run.experiment.seeds)
    return {
        "fingerprint": fingerprint(run.asked()),
        "settings": dict(settings) or None,
        "seeds": seeds,
        "seconds": round(max(run.state().seconds or 0.0, sum(result.get("seconds") or 0.0 for result in results)), 1),
        "cores": environment.get("cores") or len(slots("cpu")),
        "busy": busy,
        "machine": _machine(environment),
        "note": note,
        "commit": environment.get("commit"),
        "strategies": _strategies(run, results, seeds),
    }


def _strategies(run: RunFolder, results: list[dict[str, Any]], seeds: list[int]) -> dict[str, Any]:
    experiment = run.experiment
    known = experiment.dataset.name in BAYES_ACCURACY  # what is possible, in plain accuracy
    unequal = has_unequal_classes(experiment.dataset) and not known
    measures = {name: key for name, key in MEASURES.items() if unequal or "balanced" not in name}
    intervals = strategy_table([run]).set_index("strategy")[["low", "high"]]
    found: dict[str, Any] = {}
    if "composed_untrained" in experiment.strategies:
        by_seed = {result["seed"]: result.get("networks") or [] for result in results if result["stage"] == LOCAL}
        told = {name: [_mean(by_seed[seed], MEASURES[name]) for seed in seeds] for name in ("validation", "test")}
        found[LOCAL] = {name: _summary(values) for name, values in told.items() if None not in values}
    for strategy in experiment.strategies:
        of_seeds = {result["seed"]: result for result in results if result["stage"] == strategy}
        rows = [of_seeds[seed] for seed in seeds]
        told = {name: [row.get(key) for row in rows] for name, key in measures.items()}
        found[strategy] = {name: _summary(values) for name, values in told.items() if None not in values}
        if not (interval := intervals.loc[strategy]).isna().any():
            found[strategy][INTERVAL] = interval.tolist()
        if same := sum(says_the_same(row.get("one_class")) for row in rows):
            found[strategy][SAME] = same
    return found


def _mean(networks: Sequence[Mapping[str, Any]], key: str) -> float | None:
    values = [network[key] for network in networks if network.get(key) is not None]
    return statistics.fmean(values) if values else None


def _summary(values: Sequence[float]) -> dict[str, Any]:
    spread = statistics.stdev(values) if len(values) > 1 else None
    return {"mean": statistics.fmean(values), "sd": spread, "values": list(values)}


def _machine(environment: Mapping[str, Any]) -> str:
    """Processor and GPUs in words."""
    name = environment.get("processor") or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        name = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{name}, {', '.join(environment.get('gpus') or ()) or 'no GPU'}"


# ---- in words


def shown(summary: Mapping[str, Any]) -> str:
    """A mean with its standard deviation over the seeds."""
    spread = "" if summary.get("sd") is None else f" ± {summary['sd']:.3f}"
    return f"{summary['mean']:.3f}{spread}"


def measure(entry: Mapping[str, Any]) -> str:
    """Which measure judges: on test images where there are any, balanced where classes are unequal."""
    common = set.intersection(*({*row} for name, row in entry["strategies"].items() if name != LOCAL))
    return next(name for name in ("test_balanced", "balanced", "test", "validation") if name in common)


def sentence(entry: Mapping[str, Any]) -> str:
    """The paragraph of a docstring, unwrapped; spaces at which no line may end are :data:`HARD`."""
    judged = measure(entry)
    words = {"validation": "", "test": " on test images", "balanced": " by balanced accuracy"}
    words["test_balanced"] = " by balanced accuracy on test images"
    head = BEGINS + (f" before the {entry['measured_before']}" if entry.get("measured_before") else "") + words[judged]
    changes = [f"``{path}={value}``" for path, value in (entry.get("settings") or {}).items()]
    head += f" with {' and '.join(changes)}" if changes else ""
    cells = [
        f"{'local networks' if name == LOCAL else f'``{name}``'} {shown(row.get(judged) or row['validation'])}"
        + mark("", row.get(SAME, 0), len(entry["seeds"]))
        for name, row in entry["strategies"].items()
    ]
    return f"{head} ({circumstances(entry)}): " + ", ".join(cell.replace(" ", HARD) for cell in cells) + "."


def circumstances(entry: Mapping[str, Any]) -> str:
    """Seeds, time, cores and what else to know, between brackets."""
    seeds = len(entry["seeds"])
    parts = ["one seed" if seeds == 1 else f"{seeds} seeds"]
    if entry.get("seconds"):
        cores = entry["cores"]
        number = NUMBERS[cores] if cores < len(NUMBERS) else str(cores)
        busy = "busy " if entry.get("busy") else ""
        parts.append(f"{duration(entry['seconds'])} on {number} {busy}core{'' if cores == 1 else 's'}")
    return ", ".join([*parts, *filter(None, [entry.get("note")])])


def paragraph(entry: Mapping[str, Any]) -> str:
    """The paragraph, wrapped as it stands in a docstring, without its indent."""
    width = WIDTH - INDENT
    return textwrap.fill(sentence(entry), width, break_long_words=False, break_on_hyphens=False).replace(HARD, " ")


# ---- in docstrings


def paragraphs(recipe: Callable[..., Any]) -> list[str]:
    """The paragraphs of a docstring, without their indent."""
    return re.split(r"\n\s*\n", inspect.cleandoc(recipe.__doc__ or ""))


def documented(recipe: Callable[..., Any], entry: Mapping[str, Any] | None) -> list[str]:
    """The paragraphs that a docstring should have: its own, and last what was measured."""
    own = [text for text in paragraphs(recipe) if not text.startswith(BEGINS)]
    return own + ([paragraph(entry)] if entry else [])


def write_docstring(recipe: Callable[..., Any], entry: Mapping[str, Any] | None) -> bool:
    """Write what was measured into the source of a recipe; tells whether anything changed."""
    before, after = paragraphs(recipe), documented(recipe, entry)
    if before == after:
        return False
    path = Path(inspect.getsourcefile(recipe) or "")
    source = path.read_text(encoding="utf-8")
    start = re.search(rf"^def {recipe.__name__}\(", source, re.M)
    assert start, f"{path.name} defines no {recipe.__name__}"
    opened = source.index('"""', start.end()) + 3
    closed = source.index('"""', opened)
    text = "\n\n".join(after) + ("\n" if len(after) > 1 else "")
    text = textwrap.indent(text, " " * INDENT).lstrip() + (" " * INDENT if len(after) > 1 else "")
    path.write_text(source[:opened] + text + source[closed:], encoding="utf-8")
    return True
