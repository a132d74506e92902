"""The choice where a run works: this machine, several or SLURM; the kind of devices, and how many workers."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, cast, get_args

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from ddlab.engine.choosing import place_here
from ddlab.engine.devices import KINDS, slots
from ddlab.engine.occupancy import free_in_words
from ddlab.problem import Problem
from ddlab.slurm import available
from ddlab.slurm.commands import partitions
from pages.ui.literal import literal
from pages.ui.making.slot import Slot

MEETING = "rendezvous"  # the field by which machines without SLURM meet
FIELDS = ("engine", "machines", MEETING, "devices", "workers")
BECAUSE = "placement, because"  # the place of the sentence among the form's messages
HERE, SEVERAL, SLURM = "here", "several", "slurm"
TITLES = {HERE: "This machine", SEVERAL: "Several machines", SLURM: "SLURM, a cluster's queue"}
FRESH = 60.0  # seconds that the partitions of a cluster are remembered
NAMES = {"cpu": "Processor cores", "cuda": "NVIDIA GPUs", "mps": "Apple GPU"}
JOIN = (
    "Train starts the run on this machine, where it waits for the others: on each of them, `ddlab join RUN`, with the "
    "run's id, in a home (`DDLAB_HOME`) that all machines see."
)


def pick(slots_of: Mapping[str, Slot], draw: Callable[[Slot], Any]) -> dict[str, Any]:
    """Draw the choice of the place, and what it asks for; return the settings that it comes to.

    Parameters
    ----------
    slots_of
        The fields of ``FIELDS``.
    draw
        Draws a field and gives its value.
    """
    chosen = _place(slots_of)
    values: dict[str, Any] = {"engine": "slurm" if chosen == SLURM else "local", "machines": 1, MEETING: ""}
    left, right = st.columns(2)
    if chosen != HERE:
        with left:
            values["machines"] = draw(_machines(slots_of["machines"], chosen))
    if chosen == SEVERAL:
        with right:
            values[MEETING] = draw(slots_of[MEETING])
    with left:
        values["devices"] = draw(slots_of["devices"])
    with right:
        values["workers"] = draw(slots_of["workers"])
    if chosen == SEVERAL:
        st.caption(JOIN)
    return values


def tell(place: DeltaGenerator | None, problem: Problem | None) -> None:
    """Say which devices and how many workers the settings come to, why, and whether they are free; if they fit.

    Parameters
    ----------
    place
        Where it is said; None where no form is drawn.
    """
    if problem is None or place is None:
        return
    chosen = place_here(problem)
    asked = problem.experiment.placement
    now = free_in_words(chosen.kind, chosen.slots) if asked.engine == "local" else ""
    place.caption(literal(f"{chosen.because} {now}".strip()))


def _place(slots_of: Mapping[str, Slot]) -> str:
    """Draw the choice among the places that there are: SLURM where it is here, or is asked for."""
    engine, machines = slots_of["engine"], slots_of["machines"]
    meets = slots_of[MEETING].value
    asked = SLURM if engine.value == "slurm" else SEVERAL if machines.value > 1 or meets else HERE
    choices = [name for name in TITLES if name != SLURM or available() or asked == SLURM]
    settings = {**engine.shared, "key": f"{engine.source}/place", "horizontal": True}
    return st.radio("Where", choices, choices.index(asked), format_func=TITLES.get, **settings)


def _machines(slot: Slot, chosen: str) -> Slot:
    """The field of the number of machines; of several ones it begins with two."""
    return replace(slot, value=max(2, slot.value)) if chosen == SEVERAL else slot


def _devices(slot: Slot) -> str:
    """Draw the kinds of devices; of those that can only be here, the ones that are."""
    counts = {kind: len(slots(kind)) for kind in KINDS}
    kinds = [kind for kind in get_args(slot.info.annotation) if counts.get(kind, 1) or kind in ("cuda", slot.value)]

    def title(kind: str) -> str:
        return f"{NAMES[kind]} ({counts[kind] or 'none'} here)" if kind in NAMES else "Automatic"

    return cast(str, st.selectbox(slot.label, kinds, kinds.index(slot.value), format_func=title, **slot.shared))


def _partition(slot: Slot) -> str:
    """Draw the partition: a choice of those that the cluster tells, or a field where it tells none."""
    known = _partitions()
    if not known:
        typed: str = st.text_input(slot.label, slot.value, **slot.shared)
        return typed
    choices = list(dict.fromkeys([*known, *filter(None, [slot.value])]))
    place = choices.index(slot.value) if slot.value else None
    settings = {**slot.shared, "placeholder": "the cluster's default", "accept_new_options": True}
    chosen: str | None = st.selectbox(slot.label, choices, place, **settings)
    return chosen or ""


@st.cache_data(ttl=FRESH, max_entries=1, show_spinner=False)
def _partitions() -> list[str]:
    return partitions() if available() else []


WIDGETS: dict[str, Callable[[Slot], Any]] = {"placement.devices": _devices, "slurm.partition": _partition}
