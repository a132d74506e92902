"""The Start page: an example that moves, a button that trains it for real, and what to do next."""

import streamlit as st

from ddlab.recipes import RECIPES
from ddlab.runs import RunFolder, open_run
from ddlab.words import duration
from pages.ui import selection, shell
from pages.ui.comparison import curves
from pages.ui.decisions import replay
from pages.ui.making import plan
from pages.ui.runs import live

TRAINED = "trained"  # in the URL: the run that the button started

CARDS = (
    (
        ":material/grid_on: Cut an image",
        "pages/decompose.py",
        "Choose images and a grid, and see what each small network would get.",
    ),
    (
        ":material/model_training: Train your own",
        "pages/train.py",
        "Change anything: data, grid, overlap, networks, strategies, seeds.",
    ),
    (
        ":material/ballot: Look inside",
        "pages/probabilities.py",
        "Pick an image, see every local network's opinion and who decided.",
    ),
)


def train() -> None:
    """Start the demonstration in the background and keep its id in the URL."""
    if run := live.start(RECIPES["demo"](), "ddlab train demo"):
        st.query_params.update({TRAINED: run.id, selection.RUN: run.id})  # at once: one step back
        st.rerun()


def trained(run: RunFolder) -> None:
    """The run that the button started: live, with Cancel; then where to look at it."""
    with st.container(border=True):
        st.header("Your own training", anchor=False)
        live.follow(run, live.status)
        live.actions(run)
        live.follow(run, lambda run: curves.learning(run, run.experiment.seeds[0], "accuracy"))
        if run.state().state == "finished":
            with st.container(horizontal=True):
                selection.link(":material/bar_chart: Compare the strategies", "pages/compare.py", run=run.id)
                selection.link(":material/ballot: See how they decide", "pages/probabilities.py", run=run.id)


shell.title("Can networks that see only a piece decide about the whole?")
st.write(
    "Every image is cut into pieces, a small network is trained on each piece alone, and something has to combine what "
    "they say. Below, a recorded training plays again: watch who learns, and how well each way of combining decides."
)
if TRAINED in st.query_params:
    try:  # above the example, where the screen shows it
        trained(open_run(st.query_params[TRAINED]))
    except ValueError as error:
        shell.cannot_follow(error)
recorded, shown = replay.example(), RECIPES["demo"]().strategies  # what the button trains
picture, words = st.columns([5, 2], gap="large", vertical_alignment="center")
with picture:
    if recorded:
        replay.curves(recorded, recorded.experiment.seeds[0], shown)
        shell.notice(replay.notice(recorded, shown))
    else:
        st.info(
            "The recorded example is not part of this installation. Train it for real instead.", icon=":material/movie:"
        )
with words:
    st.markdown(
        "**Grey**: four small networks, each sees one quarter of the image. An object lies in one quarter only, so "
        "each is often blind.\n\n**Majority** lets them vote and loses to the blind. The **average** and the "
        "**CNN-DNN** also ask how sure they are. The **global** network sees everything and works the most."
    )
    if shell.button("Train it for real", "train it", icon=":material/play_arrow:", type="primary", width="stretch"):
        train()
    promised = plan.promised(RECIPES["demo"]())
    st.caption(f"Takes {duration(promised.seconds)} in the background; you can't break anything. {promised.because}")

if recorded:
    st.header("Who saw what?", anchor=False)
    st.write(
        "On the left the image, on the right what the four networks made of their quarters: how probable they find the "
        "true class, green where they name it and orange where they do not. Below, what each way of combining decides."
    )
    replay.maps(recorded, recorded.experiment.seeds[0], shown)

st.header("What next?", anchor=False)
for column, (label, page, text) in zip(st.columns(3), CARDS, strict=True):
    with column.container(border=True, height="stretch"):
        selection.link(label, page)
        st.caption(text)
