"""Sources of the experiment in the form: a recipe, the Decompose page, or another run."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import streamlit as st

from ddlab.data.cache import describe
from ddlab.data.offered import refuse_elsewhere
from ddlab.experiment import Experiment
from ddlab.layouts import lay_out
from ddlab.plain import read_plain
from ddlab.recipes import RECIPES, title
from ddlab.registry import shortened
from ddlab.runs import open_run
from pages.ui import held, selection, shell, shown
from pages.ui.making import own

FROM_RUN = "from"
FORM = "settings"  # what the form changes of its source, in the address
GIVEN, EDITION = "form given", "form edition"  # what a link changes, and how often the form began anew
LAYOUT = "layout"  # no setting: boxes are made of it
DECOMPOSED = {  # what a link from the Decompose page carries
    "dataset": "dataset.name",
    "size": "dataset.size",
    "volume": "dataset.volume",
    "path": "dataset.path",
    "grid": "decomposition.grid",
    "overlap": "decomposition.overlap",
    "border": "decomposition.border",
    "layout": LAYOUT,
    "model": "model.name",
    "width": "model.width",
    "reduction": "model.reduction",
}
LISTS = ("volume", "grid", "overlap")  # may be written as 2x2x1


@dataclass(frozen=True)
class Source:
    """An experiment to begin with; ``name`` is a recipe's, or says where a link took it from."""

    name: str
    title: str
    experiment: Experiment


def pick() -> Source:
    """Let a recipe be picked, or take what a link to this page asks for."""
    linked = _linked()
    choices = {name: f"{name} · {title(name)}" for name in RECIPES}
    if linked is not None:
        choices = {linked.name: linked.title} | choices
        if st.session_state.get("linked source") != linked.name:  # a new link wins over what was picked before
            st.session_state["linked source"] = linked.name
            selection.choose("recipe", linked.name)
    name = selection.pick(
        "Start from",
        list(choices),
        "recipe",
        format_func=lambda name: choices[name],
        help="Every field can be changed.",
    )
    if linked is not None and name == linked.name:
        return linked
    return Source(name, choices[name], RECIPES[name]())


def _linked() -> Source | None:
    """Return the source that the URL asks for; a link that cannot be followed is reported and ignored."""
    asked = st.query_params
    try:
        if FROM_RUN in asked:
            run = open_run(asked[FROM_RUN])
            copy = run.experiment.with_settings({"name": run.name, "sweep": ""})
            return Source(f"run {run.id}", f"The run “{run.name}”", copy)
        given = {path: _value(name, asked[name]) for name, path in DECOMPOSED.items() if asked.get(name)}
        if (choice := given.get("dataset.name", "")).startswith(own.PREFIX):
            given |= {f"dataset.{key}": value for key, value in own.settings_of(choice, given).items()}
        if given:
            words = " ".join(asked[name] for name in DECOMPOSED if asked.get(name))
            return Source(f"link {words}", "Your decomposition", decomposed(given))
    except ValueError as error:
        shell.cannot_follow(error)
    return None


def decomposed(given: dict[str, Any]) -> Experiment:
    """The default experiment with what the Decompose page was set to.

    Raises
    ------
    ValueError
        If a value does not fit its field, or the layout not the images, or those are not offered here.
    """
    dataset = given.get("dataset.name", Experiment().dataset.name)
    fields = {path: value for path, value in given.items() if path != LAYOUT}
    experiment = Experiment().with_settings({**fields, "name": f"{dataset} decomposed"[:80]})
    if LAYOUT not in given:
        return experiment
    refuse_elsewhere(experiment.dataset)
    asked = experiment.decomposition
    overlap = asked.overlap if isinstance(asked.overlap, int) else max(asked.overlap)
    made = lay_out(given[LAYOUT], describe(experiment.dataset).shape, asked.grid, overlap, asked.border)
    return experiment.model_copy(update={"decomposition": made})


def _value(name: str, text: str) -> Any:
    numbers = text.replace("×", "x").split("x")
    is_list = name == "grid" or len(numbers) > 1  # one number is an overlap along all axes, but a grid of one axis
    if name in LISTS and is_list and all(number.isdigit() for number in numbers):
        return [int(number) for number in numbers]
    return text


def begin(source: Source) -> tuple[dict[str, Any], str]:
    """Return the tree to begin the form with, changed as a link asks, and a name for this beginning."""
    asked, is_news = shown.news(FORM)
    if (settled := held.value(FORM)) is not None:
        asked, is_news = settled, st.session_state.get(GIVEN) != (source.name, settled)
    if is_news:
        st.session_state[GIVEN] = (source.name, asked or "{}")
        start_over()
    edition, (name, text) = st.session_state.get(EDITION, 0), st.session_state.get(GIVEN, ("", "{}"))
    experiment = source.experiment
    if name == source.name:
        try:
            experiment = experiment.with_settings(_read(text))
        except ValueError as error:
            shell.cannot_follow(error)
    return experiment.model_dump(mode="json"), f"{source.name} #{edition}"


def start_over() -> None:
    """Let the form begin anew."""
    st.session_state[EDITION] = st.session_state.get(EDITION, 0) + 1


def forget() -> None:
    """Begin the form anew with nothing changed of its source."""
    st.session_state.pop(GIVEN, None)
    start_over()


def remember(source: Source, tree: dict[str, Any]) -> None:
    """Let the address name what the form changes of its source."""
    if held.value(FORM) is not None:
        return
    shown.call(FORM, "All settings")
    changes = dict(_differences(source.experiment.model_dump(mode="json"), tree))
    if changes or FORM in st.query_params or FORM in shown.view():
        shown.note(FORM, json.dumps(changes, separators=(",", ":")))


def _read(text: str) -> dict[str, Any]:
    changes = read_plain(text)
    if not isinstance(changes, dict) or not all(isinstance(path, str) for path in changes):
        raise ValueError(f"{FORM}: must name fields and their values, got {shortened(text)}")
    return changes


def nearest(experiment: Experiment) -> str | None:
    """Return the recipe of which an experiment changes least; None where no recipe can be changed into it."""
    tree = experiment.model_dump(mode="json")
    for recipe in sorted(RECIPES, key=lambda recipe: len(_differences(_plain(recipe), tree))):
        try:
            if RECIPES[recipe]().with_settings(dict(_differences(_plain(recipe), tree))) == experiment:
                return recipe
        except ValueError:  # it has parts that the experiment may not have
            continue
    return None


@cache
def _plain(recipe: str) -> dict[str, Any]:
    return RECIPES[recipe]().model_dump(mode="json")


def overrides(experiment: Experiment, recipe: str) -> dict[str, Any]:
    """Return what an experiment changes of a recipe, by dotted paths: what ``--set`` takes."""
    return dict(_differences(RECIPES[recipe]().model_dump(mode="json"), experiment.model_dump(mode="json")))


def _differences(old: dict[str, Any], new: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in new.items():
        if isinstance(value, dict):
            found += _differences(old.get(key, {}), value, f"{prefix}{key}.")
        elif key not in old or value != old[key]:
            found.append((prefix + key, value))
    return found
