"""Fields of an experiment that mean something in it; the others only distract."""

from collections.abc import Mapping
from typing import Any

from ddlab.registry.datasets import DATASETS
from ddlab.registry.strategies import parts_of_strategies, used_parts
from pages.ui.making import own


def matters(path: str, tree: Mapping[str, Any]) -> bool:
    """Whether a field, or a part of an experiment, means anything in this one on this machine."""
    if path in parts_of_strategies():
        return path in used_parts(tree["strategies"])
    if path == "dataset.path" and own.is_kept(tree["dataset"]):
        return False
    if path.startswith("dataset.") and path not in ("dataset.name", "dataset.test"):
        return path.removeprefix("dataset.") in DATASETS[tree["dataset"]["name"]].load().relevant
    if path in ("decomposition.grid", "decomposition.overlap", "decomposition.border"):
        return not tree["decomposition"]["boxes"]
    return path != "slurm" or tree["placement"]["engine"] == "slurm"
