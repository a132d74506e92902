"""Fingerprints of experiments that train the same: short texts made of the settings that decide a result, no others.

Seeds are left out, so that runs of several seeds repeat one experiment. So are names, the place of work,
and the settings of strategies that are not asked for. What is off (None, False, 0, empty, the first of several choices)
counts as not there: an experiment that was written before there was such a setting keeps its fingerprint. A new setting
that is on by default changes it, as it should: what was trained before did not have it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel

from ddlab.experiment import PLACE, Experiment
from ddlab.registry.strategies import parts_of_strategies, used_parts
from ddlab.runs import RunFolder

DECIDES_NOTHING = ("name", "sweep", *PLACE, "seeds")
DIGITS = 16


def fingerprint(asked: Mapping[str, Any]) -> str:
    """The fingerprint of an experiment.

    Parameters
    ----------
    asked
        The experiment as a tree of plain values, as :meth:`ddlab.runs.RunFolder.asked` gives it: it need not be valid.
    """
    return hashlib.sha256(json.dumps(decisive(asked), sort_keys=True).encode()).hexdigest()[:DIGITS]


def decisive(asked: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that decide what an experiment comes to, without those that are off."""
    strategies = set(map(str, asked.get("strategies") or ()))
    unused = parts_of_strategies() - used_parts(strategies)
    kept = {key: value for key, value in asked.items() if key not in DECIDES_NOTHING and key not in unused}
    return _used({**kept, "strategies": sorted(strategies)}, Experiment)


def _used(tree: Mapping[str, Any], settings: type[BaseModel] | None) -> dict[str, Any]:
    """A part without what is off; ``settings`` knows the choices of its fields, None those of no field."""
    found = {}
    for key, value in tree.items():
        field = settings.model_fields.get(key) if settings else None
        kind = field.annotation if field else None
        if isinstance(value, Mapping):
            value = _used(value, kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None)
        if value and not (get_origin(kind) is Literal and value == get_args(kind)[0]):
            found[key] = value
    return found


def repeats(runs: Iterable[RunFolder], asked: Mapping[str, Any]) -> list[RunFolder]:
    """The runs of an experiment's settings and seeds that train its strategies, maybe among others, in their order."""
    wanted, seeds, strategies = fingerprint(asked), sorted(asked["seeds"]), asked["strategies"]
    found = []
    for run in runs:
        theirs = run.asked()
        if sorted(_seeds(theirs)) == seeds and {*strategies} <= {*theirs.get("strategies", ())}:
            if fingerprint({**theirs, "strategies": strategies}) == wanted:
                found.append(run)
    return found


def _seeds(asked: Mapping[str, Any]) -> list[int]:
    return [seed for seed in asked.get("seeds") or () if isinstance(seed, int)]
