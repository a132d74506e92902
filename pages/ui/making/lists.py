"""Lists as people write them into a field: ``2×2``; ``128, 64``; ``--mem=4G --exclusive``."""

import re
import shlex
from typing import Any

import yaml

from ddlab.decomposition import times
from ddlab.plain import read_plain

SHAPES = ("decomposition.grid", "decomposition.overlap", "dataset.volume")  # written with ×, other lists with commas
WORDS = "slurm.directives"  # written as in a shell


def read_list(path: str, text: str) -> Any:
    """Read numbers as people write them, the rest as YAML; the unreadable is left to the check of the field."""
    if path == WORDS:
        try:
            return shlex.split(text)
        except ValueError:  # a quote that does not end
            return text
    numbers = [part for part in re.split(r"[\s,;×x]+", text) if part]
    try:
        if all(re.fullmatch(r"-?\d+(\.\d+)?", part) for part in numbers):
            values = [float(part) if "." in part else int(part) for part in numbers]
            return values[0] if len(values) == 1 and path == "decomposition.overlap" else values
        return read_plain(text)
    except ValueError:
        return text


def written(path: str, value: Any) -> str:
    """A list of numbers the way people write it."""
    if value is None:
        return ""
    if path == WORDS:
        return shlex.join(value)
    if isinstance(value, int):
        return str(value)
    if any(not isinstance(part, int | float) for part in value):
        return yaml.safe_dump(value, default_flow_style=True).strip()
    return times(value) if path in SHAPES else ", ".join(f"{part:g}" for part in value)
