"""Answers about an edited image on a page: asked of a process of their own, and drawn beside those about the image."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import streamlit as st

from ddlab.analyses.command_results import command_result
from ddlab.analyses.decisions.probabilities import explain, local_table
from ddlab.analyses.maps.asking import TRUTH
from ddlab.analyses.what_if.edits import Edit
from ddlab.analyses.what_if.stored import AFTER, BEFORE, FORMAT, Answers
from ddlab.data.source import Dataset
from ddlab.decomposition import Decomposition
from ddlab.figures.maps import overlays
from ddlab.figures.volumes import Scene
from ddlab.figures.what_if import changes as figures
from ddlab.registry.analyses import ANALYSES
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder
from ddlab.strategies.stage import LOCAL
from pages.ui import charts, picture, results, selection, several, shell
from pages.ui.literal import literal

SHOWN = {"no": "not shown", "yes": "before and after"}
MOST_MAPS = 2  # networks whose maps are shown at first: with the image, a row on a screen
TIMES = {BEFORE: "Before", AFTER: "After"}


def pick_maps(run: RunFolder) -> bool:
    """Let class activation maps be asked for, too, where the networks have some."""
    if ANALYSES["maps"].why_not(run):
        return False
    return selection.pick_one_of(SHOWN, "Class activation maps", "with_maps") == "yes"


@st.cache_resource(max_entries=2 * results.KEPT, show_spinner=False)
def _read(path: str) -> Answers:
    return Answers.read(Path(path))


def ask(run: RunFolder, seed: int, image: int, edits: str, with_maps: bool) -> Answers | None:
    """Return the answers about an image before and after edits; None, with a sentence, where there are none."""
    asked = ["--seed", str(seed), "--image", str(image), "--edits", edits, *["--maps"] * with_maps]
    stamp = (FORMAT, str(run.path), run.results_stamp())
    try:
        with st.spinner("Asks all networks and strategies …", show_time=False):
            return _read(str(command_result("ask", run.id, *asked, stamp=stamp)))
    except ValueError as error:
        shell.refuse(str(error).removeprefix("ddlab: "))
        return None


def titles(answers: Answers, edits: Sequence[Edit]) -> tuple[str, str]:
    """Title the image before and after its edits."""
    label, count = answers.about["label"], len(edits)
    before = f"Image {answers.about['image']} shows {answers.about['classes'][label]}"
    return before, f"After {count} edit{'s' * (count != 1)}" if edits else "The same, not edited yet"


def show_decisions(answers: Answers, name: str) -> None:
    """Draw every strategy's decision before and after."""
    outcomes = answers.outcomes
    decisions = np.array([outcomes.decisions[strategy] for strategy in outcomes.decisions])
    scores = [outcomes.scores[strategy][[BEFORE, AFTER], decided] for strategy, decided in outcomes.decisions.items()]
    titles = [STRATEGIES[strategy].title for strategy in outcomes.decisions]
    title = "What every strategy decides, and how surely: pale before, full after; ↻ has turned"
    figure = figures.decisions_figure(titles, outcomes.classes, decisions, np.array(scores), title)
    charts.show(figure, answers.table, "what-if decisions", f"{name}-decisions")
    if answers.about["silent"]:
        silent = ", ".join(STRATEGIES[strategy].title for strategy in answers.about["silent"])
        st.caption(literal(f"No answer: {silent}. What they leave cannot be asked about another image."))


def show_local(answers: Answers, name: str) -> None:
    """Draw the probabilities of all local networks before and after."""
    outcomes = answers.outcomes
    owners = [*([LOCAL] if outcomes.local is not None else []), *outcomes.own_local]
    if not owners:
        return
    words = {LOCAL: "trained on their own"} | {owner: STRATEGIES[owner].title for owner in outcomes.own_local}
    owner = owners[0]
    if len(owners) > 1:
        owner = selection.pick("Local networks", owners, "heard", format_func=words.get)
    local = outcomes.local if owner == LOCAL else outcomes.own_local[owner]
    assert local is not None
    of = "" if owner == LOCAL else f" of {words[owner]}"
    for when, column in zip(TIMES, st.columns(2), strict=True):
        changed = answers.about["changed"] if when == AFTER else []
        mark = "; ↻ got another subimage" if when == AFTER else "; the framed class is named"
        title = f"{TIMES[when]}: probabilities of the local networks{of}{mark}"
        table = local_table(replace(explain(outcomes, when), local_NK=local[when].astype(float)))
        figure = figures.local_figure(local[when], outcomes.classes, int(outcomes.labels[when]), changed, title)
        with column:
            charts.show(figure, table, f"what-if local {when}", f"{name}-local-{TIMES[when].lower()}")


# ---- maps


def show_maps(answers: Answers, data: Dataset, decomposition: Decomposition, name: str) -> None:
    """Draw the class activation maps of the chosen networks before and after, each network's on one scale."""
    viewers, classes = answers.viewers, answers.about["classes"]
    st.header("Where do they look?")
    left, right = st.columns(2)
    with left:
        words = {TRUTH: "the true class"}
        of = selection.pick("Map of the class", [TRUTH, *classes], "of", format_func=lambda name: words.get(name, name))
    with right:
        chosen = several.pick_several(
            "Networks", list(viewers), "networks", list(viewers)[:MOST_MAPS], format_func=viewers.get
        )
    if not chosen:
        st.info("Choose at least one network.")
        return
    index = answers.about["label"] if of == TRUTH else classes.index(of)
    maps = {viewer: answers.maps(viewer)[:, index] for viewer in chosen}
    limits = {viewer: overlays.limit_of([values]) for viewer, values in maps.items()}
    for when, word in TIMES.items():
        panels = {_panel(answers, viewer, limits): values[when] for viewer, values in maps.items()}
        scene = Scene(answers.images[when], data.description, decomposition, answers.mask)
        title = f"{word}: blue speaks for {classes[index]}, red against it"
        figure = overlays.maps_figure(scene, panels, [limits[viewer] for viewer in chosen], title)
        charts.show(figure, None, f"what-if maps {when}", f"{name}-maps-{word.lower()}")
    st.caption("Each network's two maps have one scale; its ends stand above the map, in the unit of the logit.")


def _panel(answers: Answers, viewer: str, limits: Mapping[str, float]) -> str:
    return f"{answers.viewers[viewer]}<br>±{limits[viewer]:.3g}"


def show_volume(answers: Answers, data: Dataset, decomposition: Decomposition) -> None:
    """Draw the edited volume in the viewer, once somebody asks for it."""
    viewer = st.expander("The edited volume, slice by slice", key="what-if viewer", on_change="rerun")
    if viewer.open:
        with viewer:
            scene = Scene(answers.images[AFTER], data.description, decomposition, answers.mask)
            picture.show(scene, "The edited volume", "edited")


def show_command(run: RunFolder, seed: int, answers: Answers) -> None:
    """Show the command that gives the same numbers."""
    of_seed = f" --seed {seed}" if len(run.experiment.seeds) > 1 else ""
    asked = f"--image {answers.about['image']} --edits '{answers.about['edits']}'"
    with st.expander("The command behind it"):
        st.code(f"ddlab ask {run.id}{of_seed} {asked}", language="sh")
