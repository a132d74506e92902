"""Every table and every figure, of a run and without one: a line each, imported when it is first asked for."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

from ddlab.face.material import Material
from ddlab.registry import unknown
from ddlab.registry.analyses import ANALYSES

POSED_TABLES = {  # of an experiment, trained or not
    "subdomains": "posed:subdomains",
    "classes": "posed:classes",
    "cost": "posed:cost",
    "counting": "posed:counting",
    "premises": "composition:premises",
}
POSED_FIGURES = {
    "subdomains": "posed:subdomains_figure",
    "subimages": "posed:subimages_figure",
    "classes": "posed:classes_figure",
    "cost": "posed:cost_figure",
    "memory": "posed:memory_figure",
}
TABLES = {  # of a run
    **POSED_TABLES,
    "accuracies": "comparison:accuracies",
    "curves": "comparison:curves",
    "effort": "comparison:effort",
    "communication": "comparison:communication",
    "paper": "comparison:paper",
    "passes": "comparison:passes",
    "confusion": "decisions:confusion",
    "local_probabilities": "decisions:local_probabilities",
    "subdomain_accuracies": "decisions:subdomain_accuracies",
    "sight": "decisions:sight",
    "change": "decisions:change",
    "layers": "composition:layers",
    "bound": "composition:bound",
    "block_energy": "composition:block_energy",
    "maps": "maps:maps",
    "map_scores": "maps:map_scores",
    "steps": "trust_region:steps",
    "step_epochs": "trust_region:step_epochs",
    "split_or_shared": "trust_region:split_or_shared",
    "traces": "layers:traces",
    "modules": "layers:modules",
    "staleness": "layers:staleness",
    "sweep": "sweeps:sweep",
    "sensitivity": "sweeps:sensitivity",
}
FIGURES = {
    **POSED_FIGURES,
    "accuracy": "comparison:accuracy_figure",
    "accuracy_against_cost": "comparison:accuracy_against_cost_figure",
    "curves": "comparison:curves_figure",
    "learning": "comparison:learning_figure",
    "effort": "comparison:effort_figure",
    "target": "comparison:target_figure",
    "communication": "comparison:communication_figure",
    "passes": "comparison:passes_figure",
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
    "split_or_shared": "trust_region:split_or_shared_figure",
    "trace": "layers:trace_figure",
    "predicted_step": "layers:predicted_figure",
    "staleness": "layers:staleness_figure",
    "sweep": "sweeps:sweep_figure",
    "sweep_work": "sweeps:sweep_work_figure",
    "sensitivity": "sweeps:sensitivity_figure",
}
PLANNED_TABLES = {  # of an experiment before it is trained
    **POSED_TABLES,
    "plan": "planned:plan",
    "work": "planned:work",
    "communication": "planned:communication",
    "sweep": "planned:sweep",
    "sensitivity": "planned:sensitivity",
}
PLANNED_FIGURES = {**POSED_FIGURES, "communication": "planned:communication_figure"}
WALK_TABLES = {"steps": "playground:steps", "step": "playground:step"}
WALK_FIGURES = {
    "path": "playground:path_figure",
    "step": "playground:step_figure",
    "timeline": "playground:timeline_figure",
}
PIPELINE_TABLES = {
    "modules": "pipeline:modules",
    "sub_layers": "pipeline:sub_layers",
    "actions": "pipeline:actions",
    "memory": "pipeline:memory",
    "methods": "pipeline:methods",
    "speed_ups": "pipeline:speed_ups",
    "equations": "pipeline:equations",
    "ways": "pipeline:ways",
    "paper": "pipeline:paper",
}
PIPELINE_FIGURES = {
    "partition": "pipeline:partition_figure",
    "schedule": "pipeline:schedule_figure",
    "memory": "pipeline:memory_figure",
    "speed_ups": "pipeline:speed_up_figure",
    "ways": "pipeline:ways_figure",
    "paper": "pipeline:paper_figure",
}
RECORDED_TABLES = {"split_or_shared": "recorded:split_or_shared"}
RECORDED_FIGURES = {"split_or_shared": "recorded:split_or_shared_figure"}

Maker = Callable[..., Any]


def tables() -> dict[str, Maker]:
    """Map the names of all tables of a run to their makers: ours, and those of other packages.

    One of another package (the group ``ddlab.analyses``) is given the run's folder (:class:`ddlab.runs.RunFolder`) and
    keywords.
    """
    others = {name: entry for name, entry in ANALYSES.added.items() if name not in TABLES}
    return loaded(TABLES) | {name: _of_folder(entry.load()) for name, entry in others.items()}


def figures() -> dict[str, Maker]:
    """Map the names of all figures of a run to their makers."""
    return loaded(FIGURES)


def loaded(targets: Mapping[str, str]) -> dict[str, Maker]:
    """Import the makers that a list names."""
    parts = {name: target.split(":") for name, target in targets.items()}
    return {name: getattr(import_module(f"ddlab.face.{module}"), made) for name, (module, made) in parts.items()}


def described(makers: Mapping[str, Maker]) -> dict[str, str]:
    """Describe every maker in a sentence, with its settings."""
    return {name: _sentence(maker) for name, maker in makers.items()}


def make(
    kind: str, makers: Mapping[str, Maker], name: str, of: Any, settings: Mapping[str, Any], also: Sequence[str] = ()
) -> Any:
    """Make a table or a figure.

    Parameters
    ----------
    kind
        What it is called in messages: ``table`` or ``figure``.
    of
        What it is made of: the maker's first argument.
    also
        Settings that are choices, too, and went into ``of``.

    Raises
    ------
    ValueError
        If there is none of that name or no such setting, or ``of`` has not what it needs; names the choices.
    """
    if name not in makers:
        raise ValueError(unknown(kind, name, makers))
    known = _settings(makers[name])
    for setting in settings:
        if known is not None and setting not in known:
            raise ValueError(unknown(f"setting of {kind} {name!r}", setting, (*known, *also)))
    return makers[name](of, **settings)


# ---- its parts


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
