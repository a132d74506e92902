"""Edits of an image on a page: the kind in the hand with its numbers, and the list of those that are done."""

from collections.abc import Sequence
from functools import partial

import numpy as np
import streamlit as st

from ddlab.analyses.decisions.visibility import evidence_share
from ddlab.analyses.what_if.edits import FILLS, KINDS, WHOLE, Edit, ranges_of, read_edits, written
from ddlab.data.source import Dataset
from ddlab.decomposition import Decomposition
from ddlab.figures import images as pictures
from pages.ui import held, selection, shell, shown
from pages.ui.literal import literal

EDITS = "edits"  # their name in the address
REFUSED = "edit refused"  # why the last press changed nothing
PERCENTS = {"brighten": range(-100, 101, 5), "multiply": range(0, 401, 25)}
FIRST_PERCENT = {"brighten": 30, "multiply": 150}
FILLED = {"mean": "training mean", "zero": "zeros"}
ONCE = ("occlude", "swap")  # twice is once: pressed again, they are taken back
HINT = (
    "Press a subdomain in a picture to edit it there, or choose it and press **Apply**. Edits act on the data set's "
    "own values, in 256 steps, before they are normalised."
)
FARTHEST = 24  # pixels of a shift; a longer one is two
THUMBNAIL = 88  # screen pixels


def current(decomposition: Decomposition, num_images: int) -> tuple[Edit, ...]:
    """Return the edits that are done: what was pressed last, what a link asks for, or what stood here before."""
    before = st.session_state.get(f"{EDITS} shown", "")
    asked, is_news = shown.news(EDITS)
    wanted = st.session_state.get(f"{EDITS} wanted")
    text = wanted if wanted is not None else ((asked or "") if is_news else before)
    kept = (held.value(EDITS) or "") if held.is_held(EDITS) else None
    try:
        edits = read_edits(text if kept is None else kept, decomposition, num_images)
    except ValueError as error:
        shell.cannot_follow(error)
        edits = ()
    if kept is not None:
        return edits
    shown.call(EDITS, "Edits")
    shown.show(EDITS, written(edits), wanted is not None and before != written(edits))
    return edits


def tool(data: Dataset, decomposition: Decomposition, index: int) -> Edit:
    """Let a kind of edit, its numbers and its place be chosen.

    Parameters
    ----------
    index
        Of the image on screen: another one is offered to take subimages from.
    """
    kind = selection.pick("Edit", list(KINDS), "tool", format_func=lambda name: KINDS[name].title)
    st.caption(KINDS[kind].description)
    numbers = tuple(_number(kind, name, data, decomposition, index) for name in _smallest(kind, decomposition, data))
    fill = selection.pick_one_of(FILLED, "Filled with", "fill") if KINDS[kind].fills else FILLS[0]
    places = [WHOLE, *map(str, range(1, len(decomposition) + 1))]
    named = {WHOLE: "the whole image"} | {place: f"subdomain {place}" for place in places[1:]}
    places = places[1:] if kind == "exchange" else places
    first = _telling_place(data, decomposition, index)
    place = selection.pick("Where", places, "place", first, format_func=named.get, help="Or press in a picture.")
    return Edit(kind, 0 if place == WHOLE else int(place), numbers, fill)


def apply(edits: Sequence[Edit], edit: Edit, *, decomposition: Decomposition, num_images: int) -> None:
    """Add an edit to those that are done, or take it back where doing it twice is the same as once."""
    st.session_state.pop(REFUSED, None)
    again = edit.kind in ONCE and edit in edits
    done = [other for other in edits if other != edit] if again else [*edits, edit]
    try:
        read_edits(written(done), decomposition, num_images)
    except ValueError as error:
        st.session_state[REFUSED] = str(error)
        return
    selection.choose(EDITS, written(done))


def show_done(edits: Sequence[Edit]) -> None:
    """Draw the edits that are done, each with a button that takes it back."""
    if refused := st.session_state.pop(REFUSED, None):
        shell.refuse(refused)
    if not edits:
        return
    with st.container(horizontal=True):
        for number, edit in enumerate(edits):
            left = [other for place, other in enumerate(edits) if place != number]
            told = literal(edit.told())
            choose = partial(selection.choose, EDITS, written(left))
            st.button(told, on_click=choose, icon=":material/close:", key=f"take back {number}", help="Take it back")
        if len(edits) > 1:
            clear = partial(selection.choose, EDITS, "")
            st.button("Take all back", on_click=clear, icon=":material/undo:", key="take all back", type="tertiary")


# ---- the place and the numbers of one


def _telling_place(data: Dataset, decomposition: Decomposition, index: int) -> str:
    """Return the subdomain with most of the evidence, or the first one where none is known."""
    mask = data.validation.image(index)[1]
    return "1" if mask is None else str(int(evidence_share(decomposition, mask).argmax()) + 1)


def _smallest(kind: str, decomposition: Decomposition, data: Dataset) -> dict[str, tuple[int, int]]:
    """Return the numbers that a kind needs, with limits that hold at every place."""
    num_images = len(data.validation)
    every = [ranges_of(kind, place, decomposition, num_images) for place in range(len(decomposition) + 1)]
    return {name: (max(each[name][0] for each in every), min(each[name][1] for each in every)) for name in every[0]}


def _number(kind: str, name: str, data: Dataset, decomposition: Decomposition, index: int) -> int:
    low, high = _smallest(kind, decomposition, data)[name]
    if name == "percent":
        options, first = PERCENTS[kind], FIRST_PERCENT[kind]
        return selection.pick(
            "Percent", options, f"percent_{kind}", first, widget=st.select_slider, format_func="{} %".format
        )
    if name == "image":
        return _other_image(data, index)
    if name == "subdomain":
        return selection.pick("With subdomain", range(low, high + 1), "with_subdomain", high)
    options = range(max(low, -FARTHEST), min(high, FARTHEST) + 1)
    if len(options) == 1:
        return 0
    return selection.pick(f"By {name}", options, f"by_{name}", min(2, high), widget=st.select_slider)


def _other_image(data: Dataset, index: int) -> int:
    """Let the image be chosen that a subimage is taken from; at first one of another class."""
    labels = np.asarray(data.validation.labels)
    first = int((labels != labels[index]).argmax())
    other = selection.pick_image(range(len(labels)), first, "From image", "other")
    name = data.description.classes[labels[other]]
    picture = pictures.enlarged(data.validation.image(other)[0], THUMBNAIL)
    st.image(picture, caption=literal(name), width=THUMBNAIL, alt=f"Image {other}: {literal(name)}")
    return other
