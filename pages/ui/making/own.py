"""Data sets of one's own beside those of the registry: chosen by name, added by an upload, deleted."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import streamlit as st

from ddlab.data import own
from ddlab.data.own.words import THINGS
from ddlab.experiment import Experiment, parse_experiment
from ddlab.home import data_path
from ddlab.registry.datasets import DATASETS
from pages.ui import held, selection, shell
from pages.ui.literal import literal
from pages.ui.making import own_report, own_upload

AS_IT_IS = "-"  # no name of a data set
PREFIX = "own/"  # begins the choice of a data set that is kept
YOURS = "Use your own images or volumes"
READERS = ("folder", "nifti")  # data sets of the registry that read one's own files
Choose = Callable[[str], None]
"""Makes a data set the chosen one, at the next rerun."""


def titles() -> dict[str, str]:
    """All data sets that can be chosen: those that are kept, then those of the registry."""
    mine = {f"{PREFIX}{entry.name}": f"{entry.name} · your own" for entry in own.kept()}
    return mine | {name: DATASETS[name].title for name in DATASETS}


def choice_of(dataset: Mapping[str, Any]) -> str:
    """The choice that a data set's settings are: a kept one's where they lead to it, else the registry's name."""
    entry = _entry_of(dataset)
    return str(dataset["name"]) if entry is None else f"{PREFIX}{entry.name}"


def is_kept(dataset: Mapping[str, Any]) -> bool:
    """Whether a data set's settings lead to one that is kept: it is chosen by name, its path is no question."""
    return _entry_of(dataset) is not None


def awaits(dataset: Mapping[str, Any]) -> bool:
    """Whether one's own files are chosen and none are named yet: nothing is wrong, there is something to do."""
    return dataset["name"] in READERS and not dataset.get("path")


def settings_of(choice: str, before: Mapping[str, Any]) -> dict[str, Any]:
    """Settings that a choice comes to; a path that led to a kept data set does not outlive it.

    Raises
    ------
    ValueError
        If it has been deleted.
    """
    if choice.startswith(PREFIX):
        return dict(own.find(choice.removeprefix(PREFIX)).settings)
    return {"name": choice, "path": None if is_kept(before) else before.get("path")}


def _entry_of(dataset: Mapping[str, Any]) -> own.OwnSet | None:
    if dataset["name"] not in READERS or not dataset.get("path"):
        return None
    try:
        path = data_path(str(dataset["path"]))
    except ValueError:
        return None
    same = (entry for entry in own.kept() if entry.source == dataset["name"] and entry.content == path)
    return next(same, None)


def instead(base: Experiment, name: str) -> Experiment:
    """Let the images of an experiment be replaced by those of a data set that is kept, where there is one.

    Parameters
    ----------
    name
        Of the choice in the URL.

    Raises
    ------
    ValueError
        If they do not fit the rest of the experiment.
    """
    mine = {title: f"{title} · your own" for title in (entry.name for entry in own.kept())}
    titles = {AS_IT_IS: f"Those of the experiment: {DATASETS[base.dataset.name].title}"} | mine
    choice = selection.pick("Images", list(titles), name, AS_IT_IS, format_func=titles.get)
    with st.expander(YOURS, icon=":material/upload:"):
        own_upload.show(partial(selection.choose, name), f"{name} own")
    if choice == AS_IT_IS:
        return base
    dataset = {**own.find(choice).settings, "test": base.dataset.test}
    return parse_experiment({**base.model_dump(mode="json"), "dataset": dataset, "name": f"{choice} {base.name}"[:80]})


def below(choice: str, choose: Choose, key: str) -> None:
    """Draw what a choice needs: the way to send files, or what is known of a data set that is kept."""
    if choice.startswith(PREFIX):
        try:
            entry = own.find(choice.removeprefix(PREFIX))
        except ValueError as error:  # another visitor has deleted it just now
            shell.refuse(error)
            held.stop()
        _about(entry, choose, key)
    elif choice in READERS:
        own_upload.show(lambda name: choose(f"{PREFIX}{name}"), key)
    else:
        st.caption(DATASETS[choice].description)
        st.button(YOURS, icon=":material/upload:", type="tertiary", on_click=choose, args=("folder",), key=f"{key} add")


def _about(entry: own.OwnSet, choose: Choose, key: str) -> None:
    """Say what a kept data set holds, and offer to delete it."""
    report, when = entry.report, entry.added[:10]
    left_out = f"; {report.num_unreadable:,} that could not be read left out" if report.num_unreadable else ""
    what = f"{report.num_usable:,} {THINGS[report.kind]} of {len(report.classes)} classes"
    st.caption(literal(f"Your own: {what}, kept on {when}{left_out}."))
    with st.container(horizontal=True):
        with st.popover("What was in it", icon=":material/fact_check:"):
            own_report.show(report, f"{key} {entry.name}")
        with st.popover("Delete", icon=":material/delete:"):
            st.write("It is deleted from this server. Runs keep their results, but their images cannot be shown again.")
            if st.button("Delete it", type="primary", key=f"{key} delete {entry.name}"):
                _delete(entry.name, choose)


def _delete(name: str, choose: Choose) -> None:
    try:
        own.delete(name)
    except (OSError, ValueError) as error:  # another visitor may have done so
        shell.refuse(error)
        return
    choose("folder")
    st.toast(literal(f"“{name}” is deleted."))
    st.rerun()
