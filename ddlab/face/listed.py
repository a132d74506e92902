"""Every table and every figure that can be had of a run: a line each, imported when it is first asked for."""

import inspect
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from ddlab.face.material import Material
from ddlab.registry import unknown
from ddlab.registry.analyses import ANALYSES

__all__ = ["FIGURES", "TABLES", "described", "figures", "make", "tables"]

TABLES = {
    "accuracies": "comparison:accuracies",
    "curves": "comparison:curves",
    "effort": "comparison:effort",
    "communication": "comparison:communication",
    "cost": "comparison:cost",
    "paper": "comparison:paper",
    "passes": "comparison:passes",
    "subdomains": "comparison:subdomains",
    "confusion": "decisions:confusion",
    "local_probabilities": "decisions:local_probabilities",
    "subdomain_accuracies": "decisions:subdomain_accuracies",
    "sight": "decisions:sight",
    "change": "decisions:change",
    "premises": "composition:premises",
    "layers": "composition:layers",
    "bound": "composition:bound",
    "block_energy": "composition:block_energy",
    "maps": "maps:maps",
    "map_scores": "maps:map_scores",
    "steps": "trust_region:steps",
    "step_epochs": "trust_region:step_epochs",
    "sweep": "sweeps:sweep",
    "sensitivity": "sweeps:sensitivity",
}
FIGURES = {
    "accuracy": "comparison:accuracy_figure",
    "accuracy_against_cost": "comparison:accuracy_against_cost_figure",
    "curves": "comparison:curves_figure",
    "learning": "comparison:learning_figure",
    "effort": "comparison:effort_figure",
    "target": "comparison:target_figure",
    "communication": "comparison:communication_figure",
    "cost": "comparison:cost_figure",
    "memory": "comparison:memory_figure",
    "passes": "comparison:passes_figure",
    "subdomains": "comparison:subdomains_figure",
    "subimages": "comparison:subimages_figure",
    "confusion": "decisions:confusion_figure",
    "local_probabilities": "decisions:local_probabilities_figure",
    "decision": "decisions:decision_figure",
    "attributions": "decisions:attributions_figure",
    "subdomain_accuracies": "decisions:subdomain_accuracies_figure",
    "sight": "decisions:sight_figure",
    "change": "decisions:change_figure",
    "layers": "composition:layers_figure",
    "equal_positions": "composition:equal_positions_figure",
    "difference": "composition:difference_figure",
    "logits": "composition:logits_figure",
    "bound": "composition:bound_figure",
    "blocks": "composition:blocks_figure",
    "block_energy": "composition:block_energy_figure",
    "feature_map": "composition:feature_map_figure",
    "maps": "maps:maps_figure",
    "map_scores": "maps:map_scores_figure",
    "steps": "trust_region:steps_figure",
    "sweep": "sweeps:sweep_figure",
    "sweep_work": "sweeps:sweep_work_figure",
    "sensitivity": "sweeps:sensitivity_figure",
}

Maker = Callable[..., Any]


def tables() -> dict[str, Maker]:
    """Map the names of all tables to their makers: ours, and those of other packages (the group ``ddlab.analyses``).

    One of another package is given the run's folder (:class:`ddlab.runs.RunFolder`) and keywords.
    """
    others = {name: entry for name, entry in ANALYSES.added.items() if name not in TABLES}
    return _loaded(TABLES) | {name: _of_folder(entry.load()) for name, entry in others.items()}


def figures() -> dict[str, Maker]:
    """Map the names of all figures to their makers."""
    return _loaded(FIGURES)


def described(makers: Mapping[str, Maker]) -> dict[str, str]:
    """Describe every maker in a sentence, with its settings."""
    return {name: _sentence(maker) for name, maker in makers.items()}


def make(kind: str, makers: Mapping[str, Maker], name: str, of: Material, settings: Mapping[str, Any]) -> Any:
    """Make a table or a figure.

    Parameters
    ----------
    kind
        What it is called in messages: ``table`` or ``figure``.

    Raises
    ------
    ValueError
        If there is none of that name or no such setting, or the run has not what it needs; names the choices.
    """
    if name not in makers:
        raise ValueError(unknown(kind, name, makers))
    known = _settings(makers[name])
    for setting in settings:
        if known is not None and setting not in known:
            choices = (*known, "seed", "beside")
            raise ValueError(unknown(f"setting of {kind} {name!r}", setting, choices))
    return makers[name](of, **settings)


# ---- its parts


def _loaded(targets: Mapping[str, str]) -> dict[str, Maker]:
    parts = {name: target.split(":") for name, target in targets.items()}
    return {name: getattr(import_module(f"ddlab.face.{module}"), made) for name, (module, made) in parts.items()}


def _of_folder(analysis: Maker) -> Maker:
    def made(of: Material, **settings: Any) -> Any:
        return analysis(of.run, **settings)

    made.__doc__ = analysis.__doc__
    made.__signature__ = inspect.signature(analysis)  # type: ignore[attr-defined]  # tells its settings
    return made


def _settings(maker: Maker) -> list[str] | None:
    """Names of the settings after the material; None where any is taken."""
    _, *parameters = inspect.signature(maker).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return None
    return [parameter.name for parameter in parameters]


def _sentence(maker: Maker) -> str:
    first = (inspect.getdoc(maker) or "").partition("\n")[0]
    names = _settings(maker)
    return f"{first} Settings: {', '.join(names)}." if names else first
