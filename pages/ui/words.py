"""The words that a page uses, explained from the glossary: beside its title, and in the help of controls and tables."""

from collections.abc import Iterable

import streamlit as st

from ddlab.glossary import meaning
from pages.ui.literal import literal

CUT = ("subdomain", "subimage", "local network", "global network")
COMBINED = ("aggregator", "majority vote", "average probability", "CNN-DNN", "coherent network", "composed network")
LAYERS = (
    "sub-layer",
    "module",
    "pipeline",
    "schedule",
    "micro-batch",
    "bubble",
    "rank",
    "replica",
    "staleness",
    "trace",
)
PAGES = {
    "": (*CUT, *COMBINED[:4], "run"),
    "room": ("room", "seat", "run", "prediction"),
    "lessons": ("lesson", "view", "prediction", "trial", "check", *CUT, *COMBINED, "evidence"),
    "decompose": (*CUT, "grid", "overlap", "reduction", "evidence", "roofline"),
    "pipeline": LAYERS,
    "train": (
        "experiment", "recipe", "strategy", "stage", "plan", "subdomain", "local network", "global network", *COMBINED,
        "hidden layer", "folds", "reduction", "overlap", "epoch", "seed",
    ),
    "sweep": ("sweep", "run", "strategy", "grid", "overlap", "reduction", "seed"),
    "runs": ("run", "recipe", "strategy", "stage", "epoch", "baseline", "seed", "rank", "trace"),
    "probabilities": ("prediction", "margin", *CUT, *COMBINED[1:4], "evidence"),
    "compare": (*COMBINED, "baseline", "epoch", "test images", "seed", "rank", "payload", "roofline"),
    "cam": ("class activation map", "evidence", "pointing game", "log-odds", *CUT, "CNN-DNN", "composed network"),
    "layers": ("channel", "activation", "rectifier", "dead channel", "subdomain", "subimage", "local network"),
    "what_if": ("edit", "prediction", *CUT, "overlap", *COMBINED[1:], "class activation map"),
    "composition": ("composed network", "activation field", "local network", "global network"),
    "trust_region": ("trust region", "radius", "step", "trial", "epoch", "rank", "baseline", "seed"),
    "scale": ("rank", "strategy", "strong scaling", "weak scaling", "latency", "all-reduce", "straggler", "roofline"),
}  # fmt: skip
"""By the page's name in the address: in the order in which a reader needs them."""

FIELDS = {
    "hidden": "hidden layer", "folds": "folds", "reduction": "reduction", "overlap": "overlap", "grid": "grid",
    "seeds": "seed", "micro_batches": "micro-batch",
}  # fmt: skip
"""Words of the glossary that fields of an experiment stand for, by the field's own name."""


def explained(*words: str, also: str = "") -> str:
    """Explain words, as the ``help`` of a control, a metric or a column; ``also`` is added as it is."""
    return "\n\n".join([*_written(words), *filter(None, [also])])


def explained_field(path: str, description: str) -> str:
    """The ``help`` of a field of an experiment: its description, and its word where it stands for one."""
    word = FIELDS.get(path.rsplit(".", 1)[-1])
    return "\n\n".join([description, *_written([word] if word else [])])


def menu(page: str) -> None:
    """Draw the button that opens the words of a page."""
    if words := PAGES.get(page):
        with st.popover("Words", icon=":material/menu_book:", type="tertiary", key="words"):
            st.markdown(explained(*words))


def _written(words: Iterable[str]) -> list[str]:
    return [f"**{word}**: {literal(meaning(word))}" for word in words]
