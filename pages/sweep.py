"""Sweep: one experiment in many decompositions, and which of them is the best."""

import streamlit as st

from ddlab.analyses.sweeps.decompositions import sweep_in_words
from ddlab.layouts import LAYOUTS
from pages.ui import held, selection, shell
from pages.ui.sweeps import decompositions as sweeping
from pages.ui.sweeps import many_runs


@held.fragment
def what_next() -> None:
    """Let a sweep be asked for, and say what it will take."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.header("What should be tried?", anchor=False)
        wish = sweeping.pick()
    with right:
        st.header("What will happen", anchor=False)
        sweeping.offer(wish)
        with st.expander("What the layouts are"):
            st.markdown("\n".join(f"- **{entry.title}**: {entry.description}" for entry in LAYOUTS.values()))
            st.caption(
                "Every box grows by the overlap to both sides of the axes that the grid cuts; at the image's border it "
                "is clipped or shifted inwards, as the experiment says. The global network is trained once."
            )


shell.title("Which decomposition is best?")
st.write(
    "The papers cut images into plain grids. Does it help when the pieces overlap, when the grid is moved so that its "
    "borders lie elsewhere, or when one piece more looks at the middle? One click trains them all."
)
st.header("What came of it", anchor=False)
sweeps = many_runs.known()
if sweeps:
    told = {name: f"{name} · {sweep_in_words(runs)}" for name, runs in sweeps.items()}
    name = selection.pick("Sweep", list(sweeps), "sweep", format_func=told.get)
    sweeping.show(sweeps[name], name)
else:
    st.info(
        "No sweep has been made yet. Its runs appear here as a heat map, a row a layout and a column an overlap, that "
        "fills while they train.",
        icon=":material/apps:",
    )

what_next()
