"""An experiment as a form, made from its schema: one function a kind of field.

The labels, help texts, units and limits are those of :mod:`ddlab.experiment`; a new field there appears here by itself.
"""

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import floor, log10
from types import NoneType
from typing import Any, Literal, TypeVar, cast, get_args, get_origin

import streamlit as st
from annotated_types import Ge, Le
from pydantic.fields import FieldInfo
from streamlit.delta_generator import DeltaGenerator

from ddlab.data.cache import describe
from ddlab.data.offered import refuse_elsewhere
from ddlab.experiment import DatasetSettings, Experiment, PlacementSettings
from ddlab.experiment.base import Settings
from ddlab.experiment.tree import own_settings
from ddlab.plain import LONGEST
from ddlab.registry import Entry
from ddlab.registry.datasets import DATASETS
from ddlab.registry.models import MODELS
from ddlab.registry.strategies import STRATEGIES
from pages.ui import held
from pages.ui.literal import literal
from pages.ui.making import judges, own, own_path, where
from pages.ui.making.lists import read_list, written
from pages.ui.making.relevance import matters
from pages.ui.making.slot import Slot, extra
from pages.ui.making.source import FORM

REGISTRIES: Mapping[str, Mapping[str, Entry]] = {
    "dataset.name": DATASETS,
    "model.name": MODELS,
    "strategies": STRATEGIES,
}
DATASET_FIELD, JUDGES_FIELD, PATH_FIELD = "dataset.name", "dataset.test", "dataset.path"
# Their choices are long, or say which of the others matter: each has a row of its own.
WIDE = (*REGISTRIES, JUDGES_FIELD, PATH_FIELD)
COLUMNS = 3
SHORT = 12  # characters that a narrow field shows; the help says all
Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class Form:
    """The experiment as it stands in the form: its tree, and a place for a message below every field."""

    tree: dict[str, Any]
    messages: dict[str, DeltaGenerator]

    def report(self, faults: str) -> list[str]:
        """Write every fault (one a line, ``field: rule``) below the field that it names; return those of no field."""
        left = []
        for fault in faults.splitlines():
            field = fault.split(":")[0]
            named = [path for path in self.messages if field == path or field.startswith(f"{path}.")]
            if named:
                self.messages[max(named, key=len)].error(literal(fault), icon=":material/front_hand:")
            else:
                left.append(fault)
        return left


def show(tree: dict[str, Any], source: str, advanced: bool) -> Form:
    """Draw the form of an experiment and return what it says.

    Parameters
    ----------
    tree
        The experiment to begin with, plain; it need not be valid.
    source
        Where it came from. What was typed is kept a source, also while other pages are open.
    advanced
        Whether to draw the fields that are marked so; their values count in either case.
    """
    if held.value(FORM) is not None:
        held.show_text("All settings", FORM, "as the link has them; the plan says what they come to")
        return Form(copy.deepcopy(tree), {})
    drafts = st.session_state.setdefault("drafts", {})
    form = Form(copy.deepcopy(drafts.get(source, tree)), {})
    drafts[source] = form.tree
    single = {name: info for name, info in Experiment.model_fields.items() if not _is_section(info)}
    _section(form, "", single, (tree, source), advanced)
    sections = {name: info for name, info in Experiment.model_fields.items() if _is_section(info)}
    for name, info in {**sections, **_brought(form.tree)}.items():
        if matters(name, form.tree):
            begin = (
                _fitted(tree, source, _num_axes(form.tree["dataset"])) if name == "decomposition" else (tree, source)
            )
            with st.container(border=True):
                title = STRATEGIES[name].title if name in STRATEGIES else name.capitalize()
                st.markdown(f"**{title}** · {info.description}")
                form.messages[name] = st.empty()
                if name == "placement":
                    _place(form, begin)
                _section(form, f"{name}.", cast(type[Settings], info.annotation).model_fields, begin, advanced)
    return form


def _brought(tree: dict[str, Any]) -> dict[str, FieldInfo]:
    """Describe the settings that the chosen strategies bring themselves; the tree gets their defaults."""
    found = {}
    try:
        brought = own_settings(tree["strategies"])
    except ValueError:  # the plan beside the form tells why
        return {}
    for name, kind in sorted(brought.items()):
        tree.setdefault(name, kind().model_dump(mode="json"))
        found[name] = FieldInfo(annotation=kind, description=(kind.__doc__ or "").split("\n")[0])
    return found


def _fitted(tree: dict[str, Any], source: str, axes: int | None) -> tuple[dict[str, Any], str]:
    """The experiment to begin with, its grid and overlap with as many axes as the images have; new axes are not cut.

    Another source is named with it, so that what was typed for images and for volumes is kept apart.
    """
    cut = tree["decomposition"]
    if axes in (None, len(cut["grid"])):
        return tree, source
    lists = {name: cut[name] for name in ("grid", "overlap") if isinstance(cut[name], list)}
    uncut = {"grid": 1, "overlap": 0}
    fitted = {name: (value + [uncut[name]] * axes)[:axes] for name, value in lists.items()}
    return {**tree, "decomposition": {**cut, **fitted}}, f"{source} {axes} axes"


def _num_axes(dataset: dict[str, Any]) -> int | None:
    try:
        asked = DatasetSettings.model_validate(dataset)
        refuse_elsewhere(asked)
        return len(describe(asked).shape)
    except ValueError:  # the page tells why, elsewhere
        return None


def _section(
    form: Form, prefix: str, fields: Mapping[str, FieldInfo], begin: tuple[dict[str, Any], str], advanced: bool
) -> None:
    """Draw the fields of one part of the experiment, in columns, and put their values into the form's tree."""
    tree, source = begin
    part = prefix.removesuffix(".")
    target = form.tree[part] if part else form.tree
    branch = tree.get(part, target) if part else tree
    shown = [name for name, info in fields.items() if advanced or not extra(info).get("advanced")]
    shown = [name for name in shown if prefix != "placement." or name not in where.FIELDS]
    for row in _rows(prefix, shown, form.tree):
        for name, column in zip(row, st.columns(COLUMNS if prefix + row[0] not in WIDE else 1), strict=False):
            with column:
                if prefix + name == DATASET_FIELD:
                    target.update(_dataset(Slot(DATASET_FIELD, fields[name], own.choice_of(branch), source), target))
                elif prefix + name == PATH_FIELD:
                    slot = Slot(PATH_FIELD, fields[name], branch[name], source)
                    target[name] = own_path.pick(slot.label, slot.value, target["name"], slot.shared)
                else:
                    target[name] = _widget(Slot(prefix + name, fields[name], branch[name], source))
                form.messages[prefix + name] = st.empty()


def _place(form: Form, begin: tuple[dict[str, Any], str]) -> None:
    """Draw where the run works, and leave room for the sentence on what that comes to."""
    tree, source = begin
    fields, branch = PlacementSettings.model_fields, tree["placement"]
    slots = {name: Slot(f"placement.{name}", fields[name], branch[name], source) for name in where.FIELDS}

    def draw(slot: Slot) -> Any:
        value = _widget(slot)
        form.messages[slot.path] = st.empty()
        return value

    form.tree["placement"].update(where.pick(slots, draw))
    form.messages[where.BECAUSE] = st.empty()


def _rows(prefix: str, names: Sequence[str], tree: Mapping[str, Any]) -> Iterator[list[str]]:
    """Yield the fields that matter row by row: the wide ones alone, first; by these, which of the others do."""
    yield from ([name] for name in names if prefix + name in WIDE and matters(prefix + name, tree))
    narrow = [name for name in names if prefix + name not in WIDE and matters(prefix + name, tree)]
    yield from (narrow[start : start + COLUMNS] for start in range(0, len(narrow), COLUMNS))


def _widget(slot: Slot) -> Any:
    """Draw a field with the widget of its kind."""
    kinds = [kind for kind in get_args(slot.info.annotation) if kind is not NoneType]
    kind = kinds[0] if NoneType in get_args(slot.info.annotation) and len(kinds) == 1 else slot.info.annotation
    if slot.path in REGISTRIES:
        return (_entries if get_origin(kind) is tuple else _entry)(slot)
    if slot.path in where.WIDGETS:
        return where.WIDGETS[slot.path](slot)
    if slot.path == JUDGES_FIELD:
        return judges.pick(slot.value, slot.shared)
    if get_origin(kind) is Literal:
        return st.selectbox(slot.label, list(get_args(kind)), list(get_args(kind)).index(slot.value), **slot.shared)
    if kind is bool:
        return st.toggle(slot.label, slot.value, **slot.shared)
    if kind is int:
        return _number(slot, int)
    if kind is float:
        return _number(slot, float)
    return _text(slot) if kind is str else _list(slot)


def _dataset(slot: Slot, before: Mapping[str, Any]) -> dict[str, Any]:
    """Draw the choice of the data set, with those of one's own, and return the settings that it comes to."""
    wanted = f"{slot.key} wanted"
    titles = own.titles()
    place = list(titles).index(slot.value)
    if (choice := st.session_state.pop(wanted, None)) in titles:
        st.session_state[slot.key], place = choice, 0
    chosen: str = st.selectbox("Data set", list(titles), place, **{**slot.shared, "format_func": titles.get})
    own.below(chosen, partial(st.session_state.__setitem__, wanted), slot.key)
    return own.settings_of(chosen, before)


def _entry(slot: Slot) -> str:
    registry = REGISTRIES[slot.path]
    names = list(registry)
    title, place = (lambda name: registry[name].title), names.index(slot.value)
    return cast(str, st.selectbox(slot.label, names, place, format_func=title, **slot.shared))


def _entries(slot: Slot) -> list[str]:
    registry = REGISTRIES[slot.path]
    return st.multiselect(
        slot.label, list(registry), list(slot.value), format_func=lambda name: registry[name].title, **slot.shared
    )


def _number(slot: Slot, kind: type[Number]) -> Number | None:
    least = next((kind(cast(float, limit.ge)) for limit in slot.info.metadata if isinstance(limit, Ge)), None)
    most = next((kind(cast(float, limit.le)) for limit in slot.info.metadata if isinstance(limit, Le)), None)
    form: dict[str, Any] = (
        {"step": 1} if kind is int else {"step": _step(slot.value or slot.info.default), "format": "%g"}
    )
    value = None if slot.value is None else kind(slot.value)
    empty = re.search(r"empty: ([^.;]+)", slot.info.description or "")
    placeholder = empty.group(1) if empty and len(empty.group(1)) <= SHORT else "automatic" if empty else None
    number = st.number_input(slot.label, least, most, value, placeholder=placeholder, **form, **slot.shared)
    return cast("Number | None", number)  # its kind is that of its value and step


def _step(value: float | None) -> float:
    return 10.0 ** floor(log10(value)) / 2 if value else 0.05


def _text(slot: Slot) -> str | None:
    text = st.text_input(slot.label, slot.value or "", LONGEST, **slot.shared)
    return text if text or slot.info.default is not None else None


def _list(slot: Slot) -> Any:
    text = st.text_input(slot.label, written(slot.path, slot.value), LONGEST, **slot.shared).strip()
    if not text:
        return None if slot.info.default is None else []
    return read_list(slot.path, text)


def _is_section(info: FieldInfo) -> bool:
    return isinstance(info.annotation, type) and issubclass(info.annotation, Settings)
