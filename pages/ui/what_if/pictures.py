"""An image before and after its edits, side by side; a press on a subdomain edits it there. Drawn in the browser."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import streamlit as st

from ddlab.analyses.decisions.probabilities import explain, named_labels
from ddlab.analyses.what_if.stored import AFTER, BEFORE, Answers
from ddlab.decomposition import Decomposition
from ddlab.figures import images as pictures
from ddlab.figures.colors import EVIDENCE, SUBDOMAIN, class_color
from ddlab.figures.signals import drawn, flat, flat_mask
from ddlab.figures.volumes import montage

_HERE = Path(__file__).parent
_KEY = "what-if"
_pictures = st.components.v2.component(
    "ddlab_what_if",
    html='<div class="pictures"></div>',
    css=(_HERE / "pictures.css").read_text(encoding="utf-8"),
    js=(_HERE / "pictures.js").read_text(encoding="utf-8"),
)


def show(
    answers: Answers, decomposition: Decomposition, titles: Sequence[str], action: str, act: Callable[[int], None]
) -> None:
    """Draw both images.

    Parameters
    ----------
    titles
        Of the image before and after.
    action
        What a press on a subdomain does, in a word or two.
    act
        Called with the number of the subdomain, from 1, that was pressed.
    """

    def pressed() -> None:
        asked = st.session_state[_KEY].get("place")
        place = asked.get("place") if isinstance(asked, dict) else None
        if type(place) is int and 1 <= place <= len(decomposition):
            act(place)

    flattened = [_flattened(image, decomposition) for image in answers.images]
    cut = flattened[AFTER][0]
    mask = answers.mask if len(decomposition.shape) < 3 else None
    if mask is not None and mask.ndim == 1:
        mask = flat_mask(mask)
    data = {
        "shape": cut.shape,
        "boxes": [list(zip(box.start, box.stop, strict=True)) for box in cut],
        "pictures": [
            _picture(answers, when, flattened[when][1]) | {"title": titles[when], "when": ("before", "after")[when]}
            for when in (BEFORE, AFTER)
        ],
        "evidence": "" if mask is None else pictures.outline_path(mask),
        "action": action,
        "crowded": pictures.CROWDED,
        "line": SUBDOMAIN,
        "pink": EVIDENCE,
    }
    _pictures(data=data, key=_KEY, on_place_change=pressed)


def _flattened(image: np.ndarray, decomposition: Decomposition) -> tuple[Decomposition, np.ndarray]:
    """Return an image ``(C, H, W)`` and its boxes: of a signal its line, of a volume the layers side by side."""
    if image.ndim == 2:
        return flat(decomposition), drawn(image)
    return montage(decomposition, image) if image.ndim == 4 else (decomposition, image)


def _picture(answers: Answers, when: int, image: np.ndarray) -> dict[str, Any]:
    outcomes = answers.outcomes
    told = None if outcomes.any_local is None else explain(outcomes, when)
    return {
        "source": pictures.image_source(image),
        "colors": [] if told is None else [class_color(index) for index in told.named],
        "labels": [] if told is None else named_labels(told),
        "changed": answers.about["changed"] if when == AFTER else [],
    }
