"""Scores of class activation maps, for one image or over a sample."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import streamlit as st

from ddlab.analyses.maps.scores import STEPS
from ddlab.analyses.maps.stored import RANDOM, SCORES, Scored
from ddlab.figures.maps import overlays as figures
from ddlab.runs import RunFolder
from ddlab.words import duration
from pages.ui import charts, results, selection
from pages.ui.maps import choices as maps

EXTENTS = {"no": "Not now", "image": "This image", "sample": "A sample"}
SAMPLE = 64  # images, fewer if there are fewer
PASSES = 3 + 2 * STEPS  # forward passes an image: maps, maps with random weights, insertion and deletion


@st.cache_resource(max_entries=results.KEPT, show_spinner=False)
def _read(path: str) -> Scored:
    return Scored.read(Path(path))


def pick_extent(is_own: bool) -> str:
    """Let the images to score be chosen, if any; of one's own image the sample is not offered."""
    titles = {name: title for name, title in EXTENTS.items() if not (is_own and name == "sample")}
    return selection.pick_one_of(titles, "Score", "score")


def read(run: RunFolder, seed: int, images: str, layer: str, of: str, about: float) -> Scored:
    """Return the scores, computed at the first call; stop the page with a sentence where that fails."""
    with st.spinner(f"Scores the maps: about {duration(about)} …"):
        asked = ("--seed", str(seed), "--images", images, "--layer", layer, "--score", of)
        return _read(str(maps.ask(run, *asked)))


def show(scored: Scored, viewers: Sequence[str], name: str) -> None:
    """Draw the table of all viewers and the curves of those that are chosen, and say what the numbers mean."""
    table = scored.table()
    count, known = scored.counts()
    st.dataframe(_written(table, alone=count == 1), hide_index=True, key="scores")
    _explain(table, count, known)
    over = f"mean over {count} images" if count > 1 else "this image"
    curves = {viewer: scored.curves(viewer) for viewer in viewers}
    title = (
        f"Probability of the class as pixels come (full) and go (dotted), those of the largest numbers first; {over}"
    )
    charts.show(figures.curves_figure(curves, scored.viewers, title), table, "curves", name)


def _written(table: pd.DataFrame, alone: bool) -> pd.DataFrame:
    """Scores as mean ± standard error."""
    written = table[["viewer"]].copy()
    for score in [column for column in table if column in SCORES.values()]:
        errors = table.get(f"± {score}", pd.Series(float("nan"), table.index))
        written[score] = [
            "–" if mean != mean else f"{mean:.2f}" + ("" if alone or error != error else f" ± {error:.2f}")
            for mean, error in zip(table[score], errors, strict=True)
        ]
    return written


def _explain(table: pd.DataFrame, count: int, known: int) -> None:
    over = f" (of {known} images with evidence)" if known < count else ""
    lines = []
    if SCORES["pointing"] in table:
        lines.append(
            f"**Pointing game**{over}: how often the map's highest number lies in the evidence, and **energy**: which "
            f"share of its positive part does. {RANDOM} reaches the evidence's share of the image."
        )
    else:
        lines.append("Where the evidence lies is not known here: drawn data sets say so, and data with masks.")
    lines.append(
        "**Insertion** and **deletion**: the area below the curves. A good map brings the class back early and takes "
        "it away early: the first is large, the second small. Missing pixels have the mean of the training images; the "
        "local networks together are judged by the mean of their probabilities."
    )
    lines.append(
        "**Rank correlation** of the map with that of the same networks with random weights: near 1 would mean that "
        "the map does not depend on what was learned."
    )
    st.caption("  \n".join(lines))
