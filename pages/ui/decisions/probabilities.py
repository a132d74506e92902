"""The parts of the Probabilities page: each draws one figure with its table and says what to look for."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from ddlab.analyses.decisions import probabilities as analysis
from ddlab.analyses.decisions import visibility as sight
from ddlab.analyses.decisions.probabilities import Outcomes
from ddlab.analyses.decisions.reasons import reason
from ddlab.decomposition import Decomposition
from ddlab.figures import images as pictures
from ddlab.figures.colors import class_color
from ddlab.figures.decisions import probabilities as figures
from ddlab.registry.strategies import STRATEGIES
from ddlab.strategies.explanation import Explanation
from pages.ui import charts, selection
from pages.ui.literal import literal

LIMITS = {
    "shapes_local": "**Why the vote fails here.** The one object lies inside one random subdomain, so most local "
    "networks look at an empty background and can only name the most frequent class. In a majority vote they outnumber "
    "the one network that knows. The average and CNN-DNN also hear how *sure* each is, and a guess is not sure.",
    "shapes_pairs": "**Why the vote fails here.** The class is the pair of a left and a right object, so each local "
    "network knows only half of it and must guess the other half. Their votes are worth little; their probabilities, "
    "taken together, hold the whole answer.",
    "shapes_relation": "**The honest limit of the method.** The class is a relation between objects in different "
    "subdomains. Each object alone appears equally often in both classes, so the local networks have nothing to learn "
    "and their probabilities carry no information. No strategy that trains them on their own can decide, CNN-DNN "
    "included; only networks that are trained as one can: the global one, and the coherent model.",
}
MOST_BARS = 16  # subdomains; more small charts would not fit a page


def tell_limits(dataset: str) -> None:
    """Say what a drawn data set was made to show, where it was made to show something."""
    if dataset in LIMITS:
        st.info(LIMITS[dataset])


def named(explanation: Explanation) -> tuple[list[str], list[str]]:
    """Return what each local network names, as labels, and the colours of the classes."""
    labels = [
        f"{number}: {explanation.classes[index]} {explanation.local_NK[number - 1, index]:.0%}"
        for number, index in enumerate(explanation.named, 1)
    ]
    return labels, [class_color(index) for index in explanation.named]


def show_confusion(figure: go.Figure, counts: np.ndarray, classes: Sequence[str], run_id: str) -> None:
    """Draw a confusion matrix; a click on a cell chooses its two classes."""
    table = pd.DataFrame(counts, columns=list(classes))
    table.insert(0, "true class", list(classes))

    def choose(point: dict[str, Any]) -> None:
        row, column, _ = point["customdata"]
        selection.choose("truth", classes[int(row)])
        selection.choose("decided", classes[int(column)])
        selection.choose("filter", "all")

    charts.show(figure, table, "confusion", f"{run_id}-confusion", **charts.on_click("confusion", choose))


def show_local(explanation: Explanation, index: int) -> None:
    """Draw all local probabilities of an image, as a heat map and as bars."""
    table = analysis.local_table(explanation)
    heat, bars = st.tabs(["Heat map", "Bars"])
    arguments = (explanation.local_NK, explanation.classes, explanation.truth)
    with heat:
        title = "Local probabilities of all classes; what each local network names is framed"
        charts.show(figures.local_heat_map(*arguments, title), table, "heat", f"probabilities-{index}")
    with bars:
        if len(explanation.local_NK) > MOST_BARS:
            st.caption(f"More than {MOST_BARS} subdomains: the heat map shows them better.")
        else:
            title = "Local probabilities, a row a subdomain"
            charts.show(figures.local_bars(*arguments, title), table, "local bars", f"probabilities-bars-{index}")


def show_strategies(explanation: Explanation, index: int) -> None:
    """Say and draw how each strategy decides: votes, mean, DNN, global network."""
    places = [column for _ in range(0, len(explanation.decisions), 2) for column in st.columns(2)]
    for place, (strategy, decided) in zip(places, explanation.decisions.items(), strict=False):
        with place, st.container(border=True, height="stretch"):
            verdict = ":green[✓ right]" if decided == explanation.truth else ":red[✗ wrong]"
            st.markdown(f"**{STRATEGIES[strategy].title}: {literal(explanation.classes[decided])}** {verdict}")
            st.markdown(literal(reason(explanation, strategy)))
            values, unit = _weighed(explanation, strategy)
            title = f"{STRATEGIES[strategy].title}: {unit}"
            figure = figures.decision_bars(values, explanation.classes, decided, explanation.truth, title, unit)
            table = pd.DataFrame({"class": explanation.classes, unit: values})
            charts.show(figure, table, f"decision {strategy}", f"{strategy}-{index}")


def _weighed(explanation: Explanation, strategy: str) -> tuple[np.ndarray, str]:
    if strategy == "majority":
        return explanation.vote.votes_MK[0], "votes"
    if strategy == "average":
        return explanation.mean_K, "mean probability"
    return explanation.scores[strategy], "probability"


def show_subdomains(outcomes: Outcomes, decomposition: Decomposition, image: np.ndarray, run_id: str) -> None:
    """Draw how often every local network alone is right, over all validation images or those of one class."""
    table = sight.subdomain_accuracy(outcomes)
    shown = selection.pick("Images of the class", ["all", *outcomes.classes], "seen")
    values = table["accuracy" if shown == "all" else shown].to_numpy()
    over = "all validation images" if shown == "all" else f"validation images of {shown}"
    title = f"Accuracy of every local network alone, over {over}"
    title += "; layers side by side, the lowest first" if image.ndim == 4 else ""
    figure = pictures.subdomain_map(decomposition, values, title, image)
    charts.show(figure, table, "subdomains", f"{run_id}-subdomains")
    st.caption(f"Guessing is right for 1 of {len(outcomes.classes)} images: {1 / len(outcomes.classes):.0%}.")


def show_sight(explanation: Explanation, decomposition: Decomposition, mask: np.ndarray, index: int) -> None:
    """Draw how much every subdomain saw of the evidence, beside how sure its network is."""
    table = sight.sight_table(explanation, decomposition, mask)
    title = f"Image {index}: who saw the evidence, and who is sure?"
    figure = figures.sight_bars(table["evidence"].to_numpy(), table["confidence"].to_numpy(), title)
    charts.show(figure, table, "sight", f"sight-{index}")
