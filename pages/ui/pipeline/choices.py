"""The controls of the Pipeline page: images and network, machines and links, schedule and batch; all in the URL."""

import math
from dataclasses import dataclass
from typing import Any

import streamlit as st

from ddlab.analyses.pipeline.assumed import assumed
from ddlab.analyses.pipeline.plan import Machines, PipelinePlan, bandwidth_of_ratio, schedule_memory, time_unit
from ddlab.models.architecture import Shape
from ddlab.pipeline.partition import GROUPINGS, partition
from ddlab.pipeline.schedules import SCHEDULES
from ddlab.written import percent, si
from pages.ui import held, selection, shell
from pages.ui.making import cut, dataset
from pages.ui.words import explained

IMAGES = {"usual": "32×32 px, colour", "dataset": "A data set's"}
USUAL: tuple[Shape, int] = ((3, 32, 32), 10)  # as CIFAR-10
FIRST: dict[str, Any] = {"model": "resnet18", "ranks": 4, "schedule": "1f1b", "micro_batches": 8, "batch": 64}
RANKS = (*range(1, 9), 12, 16)
CHUNKS = (2, 3, 4)
MICRO_BATCHES = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32, 48, 64)
BATCHES = (8, 12, 16, 24, 32, 48, 60, 64, 84, 96, 120, 128, 192, 256, 512)
RATES = {  # operations a second that are reached, not those that a maker promises
    "8G": (8e9, "one core of a processor"),
    "100G": (1e11, "a whole processor"),
    "1T": (1e12, "a small GPU"),
    "5T": (5e12, "a GPU in float32"),
    "20T": (2e13, "a large GPU in float32"),
    "100T": (1e14, "a large GPU in half precision"),
}
BANDWIDTHS = {
    "12.5M": (1.25e7, "100 Mbit Ethernet"),
    "125M": (1.25e8, "gigabit Ethernet"),
    "1.25G": (1.25e9, "10 Gbit Ethernet"),
    "5G": (5e9, "processes of one machine"),
    "25G": (2.5e10, "PCIe, 200 Gbit InfiniBand"),
    "150G": (1.5e11, "NVLink"),
    "inf": (math.inf, "no transfer takes time"),
}
LINKS = {"bandwidth": "Bandwidth", "ratio": "Ratio T_C/T_F"}
RATIOS = (0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)


@dataclass(frozen=True)
class Asked:
    """The pipeline that the controls ask for.

    Parameters
    ----------
    model
        Name and width of the network, as in the part ``model`` of an experiment.
    """

    model: dict[str, Any]
    plan: PipelinePlan


def pick() -> Asked:
    """All controls; stops the page with a sentence where they do not fit together."""
    left, middle, right = st.columns(3)
    with left:
        held.heading("Network", anchor=False)
        sample, num_classes = _pick_images()
        model = cut.pick_network(FIRST["model"])
    with middle:
        held.heading("Machines", anchor=False)
        number = _slide("Machines n", RANKS, "ranks", help=explained("rank", also="One a machine, counted from 0."))
        rate, bandwidth, ratio = _pick_speed()
    with right:
        held.heading("Schedule", anchor=False)
        schedule, chunks, parts, batch, grouping = _pick_schedule()
    try:
        network = assumed({"model": model}, sample, num_classes).global_network
        if ratio is not None:
            bandwidth = bandwidth_of_ratio(partition(network, number * chunks, grouping), rate, ratio)
        machines = Machines(number, rate, bandwidth)
        return Asked(model, PipelinePlan(network, machines, schedule, parts, batch, chunks, grouping))
    except ValueError as error:
        shell.refuse(error)
        held.stop()


def _slide(label: str, options: tuple[int, ...] | range, name: str, **settings: Any) -> int:
    return selection.pick(label, options, name, FIRST.get(name), st.select_slider, **settings)


def _pick_images() -> tuple[Shape, int]:
    """Shape of an image with its channels, and the number of classes."""
    if selection.pick_one_of(IMAGES, "Images", "images") == "usual":
        held.note("With 10 classes, as CIFAR-10 has them.")
        return USUAL
    about = dataset.described(cut.pick_dataset())
    if about is None:
        held.stop()
    return (about.channels, *about.shape), about.num_classes


def _pick_speed() -> tuple[float, float, float | None]:
    """Operations a second, and bytes a second or the ratio that they are to come to."""
    text = selection.pick("Speed of a machine", list(RATES), "speed", "5T", format_func=_rate)
    if selection.pick_one_of(LINKS, "Links by", "links") == "bandwidth":
        found = selection.pick("Bandwidth of a link", list(BANDWIDTHS), "bandwidth", "25G", format_func=_bandwidth)
        return RATES[text][0], BANDWIDTHS[found][0], None
    about = "Mean time of a transfer over the mean time of a forward pass, of a micro-batch."
    ratio = selection.pick("Ratio T_C/T_F", RATIOS, "ratio", 0.1, st.select_slider, help=about)
    return RATES[text][0], math.inf, ratio


def _rate(text: str) -> str:
    rate, example = RATES[text]
    return f"{si(rate, 'FLOP/s')}: {example}"


def _bandwidth(text: str) -> str:
    bandwidth, example = BANDWIDTHS[text]
    return f"{si(bandwidth, 'B/s')}: {example}" if math.isfinite(bandwidth) else f"infinite: {example}"


def _pick_schedule() -> tuple[str, int, int, int, str]:
    """The schedule, modules a machine, micro-batches, images a batch, and the grouping."""
    titles = {name: entry.title for name, entry in SCHEDULES.items()}
    schedule = selection.pick("Schedule", list(titles), "schedule", FIRST["schedule"], format_func=titles.get)
    held.note(SCHEDULES[schedule].description)
    chunks = 1
    if SCHEDULES[schedule].least_chunks > 1:
        chunks = selection.pick("Modules a machine v", CHUNKS, "chunks", widget=st.segmented_control, required=True)
    parts = _slide("Micro-batches m", MICRO_BATCHES, "micro_batches")
    batch = _slide("Images a batch", BATCHES, "batch")
    groupings = {name: entry.title for name, entry in GROUPINGS.items()}
    grouping = selection.pick_one_of(groupings, "Layers are grouped", "grouping")
    return schedule, chunks, parts, batch, grouping


def summary(plan: PipelinePlan) -> None:
    """The numbers of the choice: time, speed-up, idle time and memory."""
    found, number = plan.simulation, plan.machines.number
    unit, factor = time_unit(found.makespan)
    cells = st.columns(4)
    cells[0].metric("Time a batch", f"{found.makespan * factor:.3g} {unit}", help="Without the update of the weights.")
    about = f"Over one machine that does everything; {number} at most."
    cells[1].metric("Speed-up", f"{found.speed_up:.2f}×", help=about)
    cells[2].metric("Bubble", percent(found.bubble), help=explained("bubble"))
    most = schedule_memory(plan)["total"].max()
    cells[3].metric(
        "Memory, at most", si(most, "B"), help="Of the fullest machine: weights, gradients, Adam, kept activations."
    )
