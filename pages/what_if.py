"""The page What if: an image is edited, and all networks and strategies of a run are asked again."""

from functools import partial

import streamlit as st

from ddlab.analyses.what_if import notice
from ddlab.analyses.what_if.asking import recorded_answers
from ddlab.analyses.what_if.edits import KINDS, written
from ddlab.registry.analyses import ANALYSES
from pages.ui import examples, held, results, selection, shell
from pages.ui.literal import literal
from pages.ui.making import dataset
from pages.ui.maps.choices import first_image
from pages.ui.what_if import answers as parts
from pages.ui.what_if import choices, pictures

shell.title("What would they say if the image were another?")
st.markdown(
    "Occlude, brighten or move a part of an image, or put a part of another image there: every local probability, "
    "every decision and every map is computed anew."
)
why_not = ANALYSES["what_if"].why_not
run = results.require_run("Here an image is edited, and a run's networks are asked again.", why_not)
seed = selection.pick_seed(run)
if why := why_not(run):
    st.info(literal(why))
    examples.offer(why_not)
    st.stop()
data, decomposition = results.images(run)
first = first_image(run, seed)


@held.fragment
def look() -> None:
    """Draw the choices, and below or beside them the image and all answers before and after its edits."""
    left, right = st.columns([2, 5])
    with left:
        index = dataset.pick_image(data, first)
        tool = choices.tool(data, decomposition, index)
        edits = choices.current(decomposition, len(data.validation))
        act = partial(choices.apply, edits, decomposition=decomposition, num_images=len(data.validation))
        st.button("Apply", on_click=act, args=(tool,), type="primary", icon=":material/edit:", width="stretch")
        with_maps = parts.pick_maps(run)
    with right:
        choices.show_done(edits)
        if edits or with_maps:
            answers = parts.ask(run, seed, index, written(edits), with_maps)
        else:
            answers = recorded_answers(results.outcomes(run, seed), data, decomposition, index)
        if answers is None:
            return
        shell.notice(notice.of_answers(answers, edits))
        titles = parts.titles(answers, edits)
        pictures.show(answers, decomposition, titles, KINDS[tool.kind].title, lambda place: act(tool.at(place)))
        st.caption(literal(notice.of_reach(answers)) if edits else choices.HINT)
        name = f"{run.id}-image-{index}-edited"
        parts.show_decisions(answers, name)
    parts.show_local(answers, name)
    if with_maps:
        parts.show_maps(answers, data, decomposition, name)
    if len(decomposition.shape) == 3:
        parts.show_volume(answers, data, decomposition)
    parts.show_command(run, seed, answers)
    selection.link("How each strategy decides of the image as it is", "pages/probabilities.py", image=index)


look()
