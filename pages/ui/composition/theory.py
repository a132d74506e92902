"""The theorems and what was computed of a run: the first half of the Composition page."""

from pathlib import Path
from typing import Any

import streamlit as st

from ddlab.analyses.command_results import command_result
from ddlab.analyses.composition import reading
from ddlab.analyses.composition.logits import bound_table, logit_table
from ddlab.analyses.composition.premises import Premise, premises, why_not
from ddlab.analyses.composition.stored import FORMAT, Verified
from ddlab.figures.composition import theory as figures
from ddlab.problem import Problem, problem_of
from ddlab.runs import RunFolder
from ddlab.written import percent
from pages.ui import charts, examples, held, selection, shell
from pages.ui.literal import literal

KEPT = 4  # answers in memory, of all sessions together
PRECISIONS = {"float32": "float32, as trained", "float64": "float64, to tell rounding from differences"}


def how_to(why: str) -> None:
    """Say why there is nothing to compose, and which experiments have something."""
    st.info(f"{literal(why)} Nothing is composed in this run.")
    st.markdown(
        "Train one whose local networks can be composed: the recipe **theorem** meets every premise of the theorems, "
        "**composed** shows what further training is for. In the form that is *Reduction 1/N* and the strategy "
        "*Composed network*; from the shell `ddlab train theorem`."
    )
    examples.offer(fails)
    selection.link("Train it", "pages/train.py", recipe="theorem")


def fails(run: RunFolder) -> str:
    """Name the first premise of the theorems that a run does not meet; empty if it meets all."""
    return why_not(run) or next((one.why for one in premises(problem_of(run)) if not one.holds), "")


def show_premises(found: list[Premise]) -> None:
    """List what the theorems take for granted, with whether the run is so, and why."""
    marks = {True: ":green[✓]", False: ":orange[✗]"}
    lines = [f"- {marks[one.holds]} **{one.premise}**, for {one.needed}: {literal(one.why)}." for one in found]
    st.markdown("\n".join(lines))


def verified(run: RunFolder, problem: Problem, seed: int, precision: str) -> Verified:
    """Return what ``ddlab verify`` says of a run, computed at the first call; stop the page where it fails."""
    images = reading.affordable_images(problem)
    double = ["--float64"] if precision == "float64" else []
    arguments = [run.id, "--seed", str(seed), "--images", str(images), *double]
    try:
        with st.spinner("Composing the network and comparing it layer by layer ..."):
            path = command_result("verify", *arguments, stamp=(FORMAT, run.results_stamp()))
        return _read(str(path))
    except ValueError as error:
        shell.refuse(error)
        held.stop()


@st.cache_data(max_entries=KEPT, show_spinner=False)
def _read(path: str) -> Verified:
    return Verified.read(Path(path))


def verdict(about: dict[str, Any]) -> None:
    """Say in a sentence whether everything holds that must."""
    if told := reading.verdict(about):
        st.success(literal(told))
        return
    shell.refuse("\n".join(["Something does not hold that must:", *about["faults"]]))


# ---- layer by layer


@held.fragment
def show_layers(found: Verified) -> None:
    """Draw the differences of all layers, the share of positions that are equal, and where one layer is."""
    table = found.layers()
    left, right = st.columns(2)
    with left:
        title = "Largest difference between the composed network's and the local networks' output, by layer"
        figure = figures.layer_differences(table, found.about["tolerance"], title)
        charts.show(figure, table.astype({"map": str}), "layers", f"{found.about['run']}-layers")
    with right:
        title = "Where must they be equal, and where are they? Share of all positions, by layer"
        shares = table[["layer", "radius", "equal", "promised"]]
        charts.show(figures.equal_shares(table, title), shares, "shares", f"{found.about['run']}-shares")
    st.caption(
        "A position must be equal if the composed network sees nothing there beyond the local network's subdomain. "
        "Layers inside residual blocks are left out; what every block puts out is compared."
    )
    if not found.named("difference"):
        st.caption("This network has no maps: its first layer is fully connected.")
        return
    choice, drawn = st.columns([2, 3])
    with choice:
        layer = selection.pick("Layer", found.named("difference"), "theory_layer", reading.telling_layer(found))
        row = table.set_index("layer").to_dict("index")[layer]
        st.metric("Equal positions", percent(row["equal"]), help="To rounding, over all images and channels.")
        st.metric("Must be equal", percent(row["promised"]))
        st.caption(f"A position of this layer sees {row['radius']:g} px to either side.")
    with drawn:
        title = f"{layer}: blue where the composed network equals its local networks, over all images and channels"
        picture = found.arrays[f"difference:{layer}"]
        title += "; the largest over the depth" if picture.ndim == 3 else ""
        charts.show(figures.difference_map(picture, found.about["tolerance"], title), None, "where", f"where-{layer}")


# ---- logits and costs


def show_logits(found: Verified) -> None:
    """Draw the sum of the logits and the bound of the cost."""
    logits, numbers = found.logits(), found.about["statements"]
    scale = f"largest logit {numbers['scale']:.3g}"
    left, right = st.columns(2)
    with left:
        title = "Are the composed network's logits the sum of the local networks'?"
        figure = figures.sum_scatter(logits.total, logits.composed_MK, logits.masked_MK, title)
        charts.show(figure, logit_table(logits), "sum", f"{found.about['run']}-sum")
        st.caption(
            f"Eq. (2.16): they differ by at most {numbers['sum']:.2g} ({scale}), with means over the activation fields "
            f"by {numbers['sum_masked']:.2g}. Probabilities (2.17) differ by at most {numbers['softmax']:.2g}."
        )
    with right:
        table = bound_table(logits)
        title = "What an image costs the composed network, and the bound by its local networks"
        figure = figures.bound_scatter(table, logits.local_MNK.shape[1], title)
        charts.show(figure, table, "bound", f"{found.about['run']}-bound")
        st.caption(
            f"Theorem 2.2, (2.19): {percent(numbers['obey'])} of the images cost at most the least cost of the local "
            "networks that are right plus the costs of those that are wrong; with the plain sum of the logits "
            f"{percent(numbers['obey_of_sum'])}. All local networks are right in {numbers['all_right']} images, the "
            f"composed network in {numbers['all_right_and_composed']} of these."
        )
