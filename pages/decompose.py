"""Decompose: cut the images of a data set and see what every local network gets, and what it will cost."""

import streamlit as st

from ddlab.analyses.comparison.cost import cost_table, work_ratio
from ddlab.analyses.decisions import notice
from ddlab.analyses.decisions.visibility import evidence_share, subdomains_title
from ddlab.figures.comparison import cost as costs
from ddlab.figures.volumes import Scene
from ddlab.models.counting import WAYS, Counting
from ddlab.problem import Problem
from ddlab.written import percent
from pages.ui import charts, held, picture, selection, shell
from pages.ui.comparison import limit
from pages.ui.making import counting_conventions as ways
from pages.ui.making import cut, dataset, handles


@held.fragment
def compare_networks(problem: Problem) -> None:
    """Draw what the networks cost, counted in one of several ways."""
    what, how = st.columns(2)
    with what:
        quantity = selection.pick_one_of(costs.QUANTITIES, "Compare the networks by", "quantity")
    with how:
        known = WAYS[quantity]
        way = selection.pick("Counted", list(known), f"counted_{quantity}", format_func=lambda name: known[name].title)
        st.caption(known[way].description)
    table = cost_table(problem, counting=Counting.of(quantity, way))
    network, memory = st.columns(2)
    with network:
        figure = costs.cost_bars(table, quantity, costs.cost_title(quantity, way))
        charts.show(figure, table, "cost", f"cost-{quantity}")
    with memory:
        training = problem.experiment.training
        title = costs.memory_title(training.optimizer, training.batch_size)
        charts.show(costs.memory_bars(table, title), table, "memory", "cost-memory")
    ways.show(problem)


shell.title("What does every subdomain see?")
st.markdown(
    "Cut the images into subimages: each gets a small network of its own, and all of them can be trained at the same "
    "time. Watch what a subimage still shows, and how much work is saved."
)

# ---- controls

top = st.container(key="cut")  # shell.css: on a phone the image comes between its choice and the grid
with top:
    left, middle, right = st.columns(3)
with left, st.container(key="cut-images"):
    st.header("Images")
    asked = cut.pick_dataset()
    description = dataset.described(asked)
    if description is None:
        st.stop()
    data = dataset.loaded(asked)
    index = dataset.pick_image(data)
with middle, st.container(key="cut-grid"):
    st.header("Grid")
    decomposition_settings = cut.pick_decomposition(description.shape)
with right, st.container(key="cut-networks"):
    st.header("Networks")
    model = cut.pick_model()
    send = st.container()
problem = cut.posed(dataset=asked, decomposition=decomposition_settings, model=model)
if problem is None:
    st.stop()
with send:
    cut.train_button(problem.experiment)
decomposition = problem.decomposition

# ---- one image

image, mask = data.validation.image(index)
ratio = work_ratio(problem)
evidence = None if mask is None else evidence_share(decomposition, mask)
with top:
    shell.notice(notice.of_cut(evidence, 1 / ratio.total, ratio.workers))
    whole, parts = picture.containers(image)
with parts:
    subdomain = selection.pick_subdomain(len(decomposition))
with whole, st.container(key="cut-whole"):
    title = subdomains_title(data, index, decomposition)
    scene = Scene(image, description, decomposition, mask, chosen=subdomain)
    handles.show(scene, problem.experiment.decomposition, title, f"{asked['name']}-{index}-subdomains")
with parts:
    picture.show_subimages(scene, f"{asked['name']}-{index}-subimages")

# ---- what it costs

st.header("What will it cost?")
columns = st.columns(3)
counted = "By the count of operations; the measured gain is smaller, since small networks use a machine less well."
together = "Those of all local networks together."
columns[0].metric(
    "Local work, of the global", percent(1 / ratio.total, 0), help=f"All local networks together. {counted}"
)
columns[1].metric(f"Speed-up with a worker each ({ratio.workers})", f"{ratio.longest:.1f}×", help=counted)
columns[2].metric("Local parameters, of the global", percent(1 / ratio.parameters, 0), help=together)
compare_networks(problem)
limit.show(problem, asked["name"])

# ---- the data set

st.header(f"The data set: {asked['name']}")
dataset.show(data, asked)
