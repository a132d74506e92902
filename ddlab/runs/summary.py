"""A run as one row of a list; of runs that have ended, kept in memory until something in their folder changes."""

import time
from pathlib import Path
from typing import Any

from ddlab.runs.health import stuck_networks
from ddlab.runs.reader import RunReader
from ddlab.runs.state import derive

SETTLED = 2_000_000_000  # nanoseconds; of a folder that changed just now, the next change may have the same time
_kept: dict[Path, tuple[int, dict[str, Any]]] = {}  # time of the folder and row, of runs that have ended


def summarize(run: RunReader) -> dict[str, Any]:
    """Plain values from few and small files, so that a thousand runs take less than a second.

    All that a row says is in files that are replaced whole, which changes the time of the folder: rows of ended runs
    are read once, and then cost one look at the folder each. Of a run that lives, its processes are checked every time.
    """
    try:
        changed = run.path.stat().st_mtime_ns
    except OSError:
        changed = 0
    kept = _kept.get(run.path)
    if kept and kept[0] == changed:
        return dict(kept[1])
    row = _row(run)
    if row["state"] not in ("queued", "running") and time.time_ns() - changed > SETTLED:
        _kept[run.path] = changed, row
    return dict(row)


def _row(run: RunReader) -> dict[str, Any]:
    asked, status, written = run.asked(), run.status(), run.written()
    state = derive(run, status)
    return {
        "id": run.id,
        "name": run.given_name or str(asked.get("name") or run.id),
        "state": state.state,
        "message": state.message,
        "dataset": _field(asked, "dataset", "name"),
        "model": _field(asked, "model", "name"),
        "grid": _grid(asked),
        "strategies": _several(asked.get("strategies")),
        "num_seeds": len(_several(asked.get("seeds"))),
        "accuracies": status.get("accuracies") or {},
        "stuck": status.get("stuck") or [],
        "started": state.started,
        "seconds": state.seconds,
        "devices": list(state.devices),
        "restarts": len(state.restarts),
        "note": written.get("note", ""),
        "tags": written.get("tags", []),
    }


def _grid(asked: dict[str, Any]) -> str:
    boxes = _several(_field(asked, "decomposition", "boxes"))
    return f"{len(boxes)} boxes" if boxes else "×".join(map(str, _several(_field(asked, "decomposition", "grid"))))


def _several(value: Any) -> list[Any]:
    """Return a list of the experiment; empty if it is not one, as a newer ddlab or a hand may have written."""
    return value if isinstance(value, list) else []


def _field(asked: dict[str, Any], part: str, field: str) -> Any:
    settings = asked.get(part)
    return settings.get(field, "") if isinstance(settings, dict) else ""


def digest(run: RunReader) -> dict[str, Any]:
    """Summarise a finished run for lists: accuracies, and sentences on networks that say the same for every image."""
    return {"accuracies": mean_accuracies(run), "stuck": [network.sentence for network in stuck_networks(run)]}


def mean_accuracies(run: RunReader) -> dict[str, float]:
    """Mean validation accuracy over the seeds, of every strategy that has a result."""
    by_strategy: dict[str, list[float]] = {name: [] for name in _several(run.asked().get("strategies"))}
    for result in run.results():
        accuracy = result.get("validation_accuracy")
        if result["stage"] in by_strategy and accuracy is not None:
            by_strategy[result["stage"]].append(accuracy)
    return {name: sum(values) / len(values) for name, values in by_strategy.items() if values}
