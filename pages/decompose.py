"""Decompose: cut the images of a data set and see what every local network gets, and what it will cost."""

import math

import streamlit as st

from ddlab.analyses.comparison.cost import cost_table, work_ratio
from ddlab.analyses.decisions.visibility import evidence_share, subdomain_table
from ddlab.decomposition import times
from ddlab.figures import images as pictures
from ddlab.figures.comparison import cost as costs
from ddlab.figures.volumes import Scene
from ddlab.models.counting import FLOPS, PARAMETERS, Counting
from ddlab.words import extents
from pages.ui import charts, picture, selection, shell
from pages.ui.making import counting_conventions as ways
from pages.ui.making import cut, dataset

shell.title("What does every subdomain see?")
st.markdown(
    "Cut the images into subimages: each gets a small network of its own, and all of them can be trained at the same "
    "time. Watch what a subimage still shows, and how much work is saved."
)

# ---- controls

left, middle, right = st.columns(3)
with left:
    st.subheader("Images")
    asked = cut.pick_dataset()
    description = dataset.described(asked)
    if description is None:
        st.stop()
    data = dataset.loaded(asked)
    index = dataset.pick_image(data)
with middle:
    st.subheader("Grid")
    decomposition_settings = cut.pick_decomposition(description.shape)
with right:
    st.subheader("Networks")
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
whole, parts = picture.containers(image)
with whole:
    cells = f"{len(decomposition)} subdomain{'s' * (len(decomposition) > 1)}"
    shown = f"Image {index} ({description.classes[data.validation.labels[index]]}): {cells}"
    shared = len(description.shape) == 2 and decomposition.multiplicity.max() > 1
    shown += "; what lies in several is lighter" if shared else ""
    picture.show(Scene(image, description, decomposition, mask), shown, f"{asked['name']}-{index}-subdomains")
with parts:
    seen = None if mask is None else evidence_share(decomposition, mask)
    sees = [""] * len(decomposition) if seen is None else [f" · sees {share:.0%}" for share in seen]
    names = [f"{number}{share}" for number, share in enumerate(sees, 1)]
    sizes = sorted({box.shape for box in decomposition}, key=math.prod)
    smallest = f"{times(sizes[0])} to " if len(sizes) > 1 else ""
    title = f"Its subimages, {smallest}{extents(sizes[-1])}"
    title += "" if mask is None else ", and their share of the evidence (pink)"
    title += "; of each an axial slice, the lowest layer first" if len(description.shape) == 3 else ""
    figure = pictures.subimages_figure(image, decomposition, title, names, mask=mask)
    charts.show(figure, subdomain_table(decomposition, mask), "parts", f"{asked['name']}-{index}-subimages")

# ---- what it costs

st.subheader("What will it cost?")
ratio = work_ratio(problem)
columns = st.columns(3)
counted = "By the count of operations; the measured gain is smaller, since small networks use a machine less well."
columns[0].metric("Local work, of the global", f"{1 / ratio.total:.0%}", help=f"All local networks together. {counted}")
columns[1].metric(f"Speed-up with a worker each ({ratio.workers})", f"{ratio.longest:.1f}×", help=counted)
together = "Those of all local networks together."
columns[2].metric("Local parameters, of the global", f"{1 / ratio.parameters:.0%}", help=together)
what, how = st.columns(2)
with what:
    quantity = selection.pick_one_of(costs.QUANTITIES, "Compare the networks by", "quantity")
with how:
    known = {"parameters": PARAMETERS, "flops": FLOPS}[quantity]
    way = selection.pick("Counted", list(known), f"counted_{quantity}", format_func=lambda name: known[name].title)
    st.caption(known[way].description)
table = cost_table(problem, counting=Counting(**{f"by_{quantity}": way}))
network, memory = st.columns(2)
with network:
    title = f"{costs.QUANTITIES[quantity].capitalize()}, counted {known[way].title}"
    charts.show(costs.cost_bars(table, quantity, title), table, "cost", f"cost-{quantity}")
with memory:
    batch = problem.experiment.training.batch_size
    title = f"Memory that training holds, with Adam and {batch} images a batch"
    charts.show(costs.memory_bars(table, title), table, "memory", "cost-memory")
ways.show(problem)

# ---- the data set

st.subheader(f"The data set: {asked['name']}")
dataset.show(data)
