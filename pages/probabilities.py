"""Probabilities: what every local network believes of an image, and how each strategy decides from it."""

import streamlit as st

from ddlab.analyses.decisions import notice
from ddlab.analyses.decisions import probabilities as analysis
from ddlab.analyses.decisions.telling import telling_image
from ddlab.figures import images as pictures
from ddlab.figures.comparison.accuracy import confusion_matrix
from ddlab.registry.strategies import STRATEGIES
from pages.ui import pinned, results, selection, shell
from pages.ui.decisions import attributions, seen, table
from pages.ui.decisions import probabilities as decisions
from pages.ui.literal import literal
from pages.ui.runs import live

shell.title("How does each strategy come to its decision?")
st.markdown(
    "Every local network sees one subimage and gives each class a probability. The strategies turn these N·K numbers "
    "into one decision, each in its own way: pick an image and follow them."
)
run = results.require_run("Here an image is followed from its subimages to the decisions.", decisions.why_not)
limits = st.container()  # what is told there is told of the image on screen
live.health([run])
seed = selection.pick_seed(run)
outcomes = results.outcomes(run, seed)
if not outcomes.decisions:
    st.info("No strategy has decided yet: the decisions appear here as soon as a strategy's last stage is done.")
    st.stop()
shell.notice(notice.of_outcomes(outcomes))

# ---- which image

choice, matrix = st.columns([2, 3])
with choice:
    strategy = selection.pick(
        "Strategy", list(outcomes.decisions), "strategy", "cnn_dnn", format_func=lambda name: STRATEGIES[name].title
    )
    filter = selection.pick("Show", list(analysis.FILTERS), "filter", format_func=analysis.FILTERS.get)
    classes = [decisions.ANY, *outcomes.classes]
    truth = selection.pick("True class", classes, "class")
    decided = selection.pick("Class that the strategy decides for", classes, "decided")
    wanted = [None if name == decisions.ANY else outcomes.classes.index(name) for name in (truth, decided)]
    found = analysis.find_images(outcomes, filter, strategy, *wanted)
    st.markdown(f"**{len(found)}** of {len(outcomes.labels)} validation images.")
    if len(found):
        index, other = selection.pick_image(found, telling_image(outcomes, found)), None
        if outcomes.any_local is not None:
            anywhere = {"filter": "all", "class": decisions.ANY, "decided": decisions.ANY}
            other = pinned.pick(index, len(outcomes.labels), found, anywhere)
with matrix:
    counts = analysis.confusion(outcomes, strategy)
    title = f"{STRATEGIES[strategy].title}: which class is taken for which? Click a cell to see its images"
    figure = confusion_matrix(counts, outcomes.classes, title)
    decisions.show_confusion(figure, counts, outcomes.classes, run.id)
explanation = analysis.explain(outcomes, index) if len(found) and outcomes.any_local is not None else None
with limits:
    decisions.tell_limits(run.experiment.dataset.name, explanation)
if not len(found):
    st.info("No image passes this filter. Choose another one, or set the classes to “any”.")
    st.stop()

table.show(run, seed, outcomes, found, strategy, index)

# ---- what the local networks see and believe

data, decomposition = results.images(run)
image, mask = data.validation.image(index)
if explanation is None:
    truth_name = outcomes.classes[outcomes.labels[index]]
    st.image(pictures.enlarged(image, 200), caption=literal(truth_name), width=200, alt=truth_name)
    st.info("This run has no local networks to look into.")
    st.stop()
beside = {} if other is None else {other: analysis.explain(outcomes, other)}
explanations = beside | {index: explanation}
subdomain = selection.pick_subdomain(len(decomposition))
seen.show(explanations, data, decomposition, subdomain)
decisions.show_local(explanations, subdomain)
selection.link("What do the layers of these networks make of it on the way?", "pages/layers.py")
selection.link("Change this image", "pages/what_if.py", image=index, **selection.seed_of(run, seed))

# ---- how each strategy decides

st.header("How do they decide?")
decisions.show_strategies(explanations)
if other is not None:
    st.caption(f"From here on: image {index}, the one that is chosen.")
if explanation.attributions:
    attributions.show(run.experiment, outcomes, explanation, index)

# ---- all images together

st.header("What can every subdomain see at all?")
everywhere, here = st.columns(2)
with everywhere:
    decisions.show_subdomains(outcomes, decomposition, image, run.id, (truth, subdomain))
if mask is not None:
    with here:
        decisions.show_sight(explanation, decomposition, mask, index)
