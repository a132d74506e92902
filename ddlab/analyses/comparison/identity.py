"""Labels of runs: a run is its id, and its label says what differs from the runs that it stands beside."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

import numpy as np
import pandas as pd

from ddlab.experiment import Experiment
from ddlab.runs import RunFolder

MOST_SETTINGS = 3  # of a label
OWN = ("name", "sweep")  # of a run: they are no settings
ALONE = ("strategies", "seeds")  # settings that a table shows in columns of their own
GENERIC = ("name", "lower", "upper", "order", "start", "epochs")  # mean something only with the part they belong to


def differing_settings(runs: Sequence[RunFolder]) -> pd.DataFrame:
    """The settings in which runs differ, a column each, named by dotted paths; a row a run, indexed by its id.

    Names, strategies and seeds are left out: they are shown on their own. What an older ddlab did not know of is at its
    default.
    """
    settings = [_settings(run) for run in runs]
    paths = [path for path in _differing(settings) if path not in ALONE]
    rows = [{path: tree.get(path, np.nan) for path in paths} for tree in settings]
    return pd.DataFrame(rows, index=[run.id for run in runs], columns=paths, dtype=object)


def run_labels(runs: Sequence[RunFolder]) -> dict[str, str]:
    """Label every run by its id, so that no two labels are alike.

    A run of a name of its own is called so. Of runs that share a name the settings in which they differ follow, then,
    where these are alike too, when they were made. A name that all of them share is left out.
    """
    names = {run.id: run.summary()["name"] for run in runs}
    apart = what_distinguishes(runs)
    if len(names) > 1 and len(set(names.values())) == 1:
        return {id: apart[id] or name for id, name in names.items()}
    labels = {id: " · ".join(filter(None, (name, apart[id]))) for id, name in names.items()}
    counts = Counter(labels.values())
    return {id: label if counts[label] == 1 else f"{label} ({id})" for id, label in labels.items()}


def what_distinguishes(runs: Sequence[RunFolder]) -> dict[str, str]:
    """Say of every run, by its id, what distinguishes it from the others of its name; empty where there is no other."""
    by_name: dict[str, list[RunFolder]] = {}
    for run in {run.id: run for run in runs}.values():
        by_name.setdefault(run.summary()["name"], []).append(run)
    told: dict[str, str] = {}
    for same in by_name.values():
        told |= _apart(same) if len(same) > 1 else {same[0].id: ""}
    return told


def made(id: str, seconds: bool = False) -> str:
    """Return when a run was made, read off its id: day, month, hour, minute; empty where the id does not say."""
    day, time = id[:8], id[9:15]
    if not (day + time).isdigit() or len(day + time) != 14:
        return ""
    return f"{day[6:8]}.{day[4:6]}. {time[:2]}:{time[2:4]}" + (f":{time[4:6]}" if seconds else "")


def written(path: str, value: Any) -> str:
    """A setting in words: ``learning rate 0.01``; the part it belongs to is named where the field alone says little."""
    *part, field = path.split(".")
    name = " ".join([*part[-1:], *([] if field == "name" else [field])]) if field in GENERIC else field
    text = str(value).replace("×", ", ") if path == "seeds" else "–" if value is None else value
    return f"{name.replace('_', ' ')} {text}"


# ---- its parts


def _apart(runs: Sequence[RunFolder]) -> dict[str, str]:
    """Tell every run from the others: by settings that few have, else by the time it was made, else by its id."""
    settings = {run.id: _settings(run) for run in runs}
    rare: dict[str, list[str]] = {id: [] for id in settings}
    for path in _differing(list(settings.values())):
        values = {id: str(tree.get(path, "")) for id, tree in settings.items()}
        counts = Counter(values.values())
        for id, value in values.items():
            if path != "strategies" and 2 * counts[value] <= len(values):  # what most have distinguishes none of them
                rare[id].append(written(path, settings[id].get(path)))
    words = {id: ", ".join(told[:MOST_SETTINGS]) for id, told in rare.items()}
    told = dict(words)
    for say in (made, partial(made, seconds=True), str):
        counts = Counter(told.values())
        for id in [id for id, text in told.items() if counts[text] > 1 or not text]:
            told[id] = " · ".join(filter(None, (words[id], say(id))))
    return told


def _differing(settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """Paths of the settings that are not the same in all trees, in their order."""
    paths = dict.fromkeys(path for tree in settings for path in tree if path not in OWN)
    first = settings[0] if settings else {}
    return [path for path in paths if any(tree.get(path, ...) != first.get(path, ...) for tree in settings)]


def _settings(run: RunFolder) -> dict[str, Any]:
    """All settings of a run by their dotted paths, defaults included; empty if its folder is damaged."""
    try:
        changed = (run.path / "experiment.json").stat().st_mtime_ns
    except OSError:
        return {}
    return _read(str(run.path), changed)


@lru_cache(maxsize=1024)
def _read(path: str, changed: int) -> dict[str, Any]:
    asked = flatten(RunFolder(path).asked())
    return asked and {**_usual(), **asked}


@lru_cache(maxsize=1)
def _usual() -> dict[str, Any]:
    return flatten(Experiment().model_dump(mode="json"))


def flatten(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """A tree of settings by their dotted paths; lists as text."""
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        if isinstance(value, dict):
            flat |= flatten(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            flat[prefix + key] = "×".join(map(str, value))
        else:
            flat[prefix + key] = value
    return flat
