"""A run as one row of a list."""

from typing import TYPE_CHECKING, Any

from ddlab.runs.state import derive

if TYPE_CHECKING:
    from ddlab.runs.folder import RunFolder


def summarize(run: "RunFolder") -> dict[str, Any]:
    """Plain values from few and small files; nothing is validated, so that a thousand runs take less than a second."""
    asked, status = run.asked(), run.status()
    state = derive(run, status)
    return {
        "id": run.id,
        "name": run.given_name or asked.get("name") or run.id,
        "state": state.state,
        "message": state.message,
        "dataset": _field(asked, "dataset", "name"),
        "model": _field(asked, "model", "name"),
        "grid": "×".join(map(str, _field(asked, "decomposition", "grid") or ())),
        "strategies": list(asked.get("strategies") or ()),
        "num_seeds": len(asked.get("seeds") or ()),
        "accuracies": status.get("accuracies") or {},
        "started": state.started,
        "seconds": state.seconds,
        "devices": list(state.devices),
    }


def _field(asked: dict[str, Any], part: str, field: str) -> Any:
    settings = asked.get(part)
    return settings.get(field, "") if isinstance(settings, dict) else ""


def mean_accuracies(run: "RunFolder") -> dict[str, float]:
    """Mean validation accuracy over the seeds, of every strategy that has a result."""
    by_strategy: dict[str, list[float]] = {name: [] for name in run.asked().get("strategies") or ()}
    for result in run.results():
        if result.get("stage") in by_strategy and result.get("validation_accuracy") is not None:
            by_strategy[result["stage"]].append(result["validation_accuracy"])
    return {name: sum(values) / len(values) for name, values in by_strategy.items() if values}
