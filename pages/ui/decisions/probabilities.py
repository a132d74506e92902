"""The parts of the Probabilities page: each draws one figure with its table and says what to look for."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from ddlab.analyses.comparison.baseline import most_frequent
from ddlab.analyses.decisions import probabilities as analysis
from ddlab.analyses.decisions import visibility as sight
from ddlab.analyses.decisions.limits import limit_of
from ddlab.analyses.decisions.probabilities import Outcomes
from ddlab.analyses.decisions.reasons import reason
from ddlab.decomposition import Decomposition
from ddlab.figures import images as pictures
from ddlab.figures.decisions import probabilities as figures
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder
from ddlab.strategies.explanation import Explanation
from ddlab.strategies.stage import LOCAL
from pages.ui import charts, held, selection, several
from pages.ui.literal import literal

ANY = "any"
MOST_BARS = 16  # subdomains; more small charts would not fit a page


def why_not(run: RunFolder) -> str:
    """Say why there are no local probabilities of a run; empty if there are some."""
    done = any(result["stage"] == LOCAL for result in run.results())
    return "" if done else "This run has no local networks to look into."


def tell_limits(dataset: str, explanation: Explanation | None) -> None:
    """Say what a drawn data set was made to show, of the image on screen where there is one."""
    if limit := limit_of(dataset, explanation):
        st.info(limit)


def show_confusion(figure: go.Figure, counts: np.ndarray, classes: Sequence[str], run_id: str) -> None:
    """Draw a confusion matrix; a click on a cell chooses its two classes."""
    table = analysis.confusion_table(counts, classes)

    def choose(point: dict[str, Any]) -> None:
        row, column, _ = point["customdata"]
        selection.choose("class", classes[int(row)])
        selection.choose("decided", classes[int(column)])
        selection.choose("filter", "all")

    charts.show(figure, table, "confusion", f"{run_id}-confusion", **charts.on_click("confusion", choose))


def keys_of(explanations: Mapping[int, Explanation]) -> dict[int, str]:
    """End the keys of charts of the same kind: nothing of the image that is chosen, the last one."""
    return {index: "" if place == len(explanations) else " pinned" for place, index in enumerate(explanations, 1)}


def title_of(title: str, index: int, explanations: Mapping[int, Explanation]) -> str:
    """Name the image in a title where there are two."""
    return title if len(explanations) == 1 else f"Image {index}: {title[0].lower()}{title[1:]}"


@held.fragment
def show_local(explanations: Mapping[int, Explanation], subdomain: int | None) -> None:
    """Draw all local probabilities of an image, or of two side by side, as a heat map or as bars.

    Parameters
    ----------
    subdomain
        Index of the chosen one, which is marked; or None.
    """
    heat, bars = st.tabs(["Heat map", "Bars"], on_change="rerun", key="local tabs")
    draw, keys = partial(_heat_map if heat.open else _bars, subdomain), keys_of(explanations)
    title = "Local probabilities, a row a subdomain"
    if heat.open:  # as many lines for both of two, so that their rows stand beside each other
        alone = "Local probabilities of all classes; what each local network names is framed"
        title = alone if len(explanations) == 1 else "Local probabilities; the class that is named is framed"
    with heat if heat.open else bars:
        places = st.columns(2) if len(explanations) == 2 else [st.container()]
        for place, (index, explanation) in zip(places, explanations.items(), strict=True):
            with place:
                draw(explanation, index, title_of(title, index, explanations), keys[index])


def _heat_map(subdomain: int | None, explanation: Explanation, index: int, title: str, key: str) -> None:
    figure = figures.local_heat_map(explanation.local_NK, explanation.classes, explanation.truth, title, subdomain)
    charts.show(figure, analysis.local_table(explanation), f"heat{key}", f"probabilities-{index}")


def _bars(subdomain: int | None, explanation: Explanation, index: int, title: str, key: str) -> None:
    if len(explanation.local_NK) > MOST_BARS:
        st.caption(f"More than {MOST_BARS} subdomains: the heat map shows them better.")
        return
    figure = figures.local_bars(explanation.local_NK, explanation.classes, explanation.truth, title, subdomain)
    charts.show(figure, analysis.local_table(explanation), f"local bars{key}", f"probabilities-bars-{index}")


@held.fragment
def show_strategies(explanations: Mapping[int, Explanation]) -> None:
    """Say and draw how each strategy decides about an image, or about two side by side."""
    keys, decided = keys_of(explanations), list(next(iter(explanations.values())).decisions)
    titles = {name: STRATEGIES[name].title for name in decided}
    strategies = several.pick_several(
        "Strategies", decided, "deciding", decided, ",".join(decided), format_func=titles.get
    )
    cards = [(strategy, index) for strategy in strategies for index in explanations]
    places = [column for _ in range(0, len(cards), 2) for column in st.columns(2)]
    for place, (strategy, index) in zip(places, cards, strict=False):
        with place, st.container(border=True, height="stretch"):
            _decision(explanations, strategy, index, f"decision {strategy}{keys[index]}")


def _decision(explanations: Mapping[int, Explanation], strategy: str, index: int, key: str) -> None:
    explanation, name = explanations[index], STRATEGIES[strategy].title
    decided, classes = explanation.decisions[strategy], explanation.classes
    verdict = ":green[✓ right]" if decided == explanation.truth else ":red[✗ wrong]"
    which = "" if len(explanations) == 1 else f"Image {index} · "
    st.markdown(f"**{which}{name}: {literal(classes[decided])}** {verdict}")
    st.markdown(literal(reason(explanation, strategy)))
    values, unit = analysis.weighed(explanation, strategy)
    figure = figures.decision_bars(values, classes, decided, explanation.truth, f"{which}{name}: {unit}", unit)
    charts.show(figure, pd.DataFrame({"class": classes, unit: values}), key, f"{strategy}-{index}")


def show_subdomains(
    outcomes: Outcomes, decomposition: Decomposition, image: np.ndarray, run_id: str, among: tuple[str, int | None]
) -> None:
    """Draw how often every local network alone is right, over all validation images or those of one class.

    Parameters
    ----------
    among
        The class, or ``ANY`` of them, and the index of the chosen subdomain, which is marked; or None.
    """
    table = sight.subdomain_accuracy(outcomes)
    shown, subdomain = among
    values = table["accuracy" if shown == ANY else shown].to_numpy()
    over = "all validation images" if shown == ANY else f"validation images of {shown}"
    title = f"Accuracy of every local network alone, over {over}"
    title += "; layers side by side, the lowest first" if image.ndim == 4 else ""
    figure = pictures.subdomain_map(decomposition, values, title, image, chosen=subdomain)
    charts.show(figure, table, "subdomains", f"{run_id}-subdomains")
    baseline = most_frequent(outcomes.labels, outcomes.classes)
    if shown == ANY and baseline is not None:
        st.caption(literal(f"{baseline.sentence} A network that sees nothing that helps ends there."))


def show_sight(explanation: Explanation, decomposition: Decomposition, mask: np.ndarray, index: int) -> None:
    """Draw how much every subdomain saw of the evidence, beside how sure its network is."""
    table = sight.sight_table(explanation, decomposition, mask)
    title = f"Image {index}: who saw the evidence, and who is sure?"
    figure = figures.sight_bars(table["evidence"].to_numpy(), table["confidence"].to_numpy(), title)
    charts.show(figure, table, "sight", f"sight-{index}")
