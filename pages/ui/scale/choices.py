"""The controls of the Scale page: what is trained, on which machines, over which links; all in the URL."""

import math
from dataclasses import dataclass
from typing import Any

import streamlit as st

from ddlab.analyses.scale import machines
from ddlab.analyses.scale.cluster import Cluster
from ddlab.analyses.scale.planned import planned
from ddlab.analyses.scale.table import MOST, rank_numbers
from ddlab.machine import kept
from ddlab.problem import Problem
from ddlab.registry.strategies import GROWN, STRATEGIES
from ddlab.written import si
from pages.ui import results, selection, several, shell
from pages.ui.literal import literal
from pages.ui.making import cut
from pages.ui.words import explained

WHAT = {"plan": "A plan", "run": "The run above"}
FIRST: dict[str, Any] = {"model": "resnet18", "local_networks": 16, "step_images": 512, "growth_ranks": 64}
NETWORKS = (1, 2, 4, 8, 16, 32, 64)
BATCHES = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
PARTS = (2, 3, 4, 6, 8)
SUBDOMAINS = (1, 2, 4, 8, 16, 32, 64)
EPOCHS = 10
OWN = "own"  # the link's own number
LATENCIES = (OWN, "0", "1", "3.4", "5", "14", "30", "60", "100", "300", "1000")  # µs
BANDWIDTHS = (OWN, "0.125", "1.25", "2.5", "5", "12.5", "25", "50", "150", "300", "inf")  # 10⁹ bytes a second
STARTS = (OWN, "0", "2", "5", "7", "10", "20", "50")  # µs
SCALING = {"strong": "The same training", "weak": "A batch that grows with the ranks"}


@dataclass(frozen=True)
class Asked:
    """The training and the machines that the controls ask for.

    Parameters
    ----------
    ranks
        The number that is looked at closely.
    """

    problem: Problem
    cluster: Cluster
    strategies: tuple[str, ...]
    ranks: int
    weak: bool


def pick() -> Asked:
    """All controls; stops the page with a sentence where they do not fit together."""
    left, middle, right = st.columns(3)
    with left:
        st.header("Training", anchor=False)
        problem, offered = _pick_training()
    with middle:
        st.header("Machines", anchor=False)
        cluster = _pick_machines(problem)
    with right:
        st.header("Growth", anchor=False)
        about = "Weak scaling keeps the images of a rank: a step of R ranks has R times as many."
        weak = selection.pick("What grows", list(SCALING), "scaling", format_func=SCALING.get, help=about) == "weak"
        ranks = selection.pick(
            "Ranks to look at",
            rank_numbers(MOST),
            "growth_ranks",
            FIRST["growth_ranks"],
            st.select_slider,
            help=explained("rank"),
        )
    titles = {name: STRATEGIES[name].title for name in offered}
    first = [name for name in GROWN if name in offered] or list(offered)
    chosen = several.pick_several("Strategies", list(offered), "growing", first, format_func=titles.get)
    if not chosen:
        st.info("Choose a strategy, and its growth appears here.")
        st.stop()
    return Asked(problem, cluster, tuple(chosen), ranks, weak)


def _pick_training() -> tuple[Problem, tuple[str, ...]]:
    """The problem, and the strategies that can be looked at."""
    if selection.pick_one_of(WHAT, "What is trained", "what") == "run":
        problem = results.posed(results.require_run("Here a run's training is put on more ranks."))
        return problem, problem.experiment.strategies
    networks = selection.pick("Local networks N", NETWORKS, "local_networks", FIRST["local_networks"], st.select_slider)
    batch = selection.pick("Images a step", BATCHES, "step_images", FIRST["step_images"], st.select_slider)
    model = cut.pick_network(FIRST["model"]) | {"reduction": cut.pick_reduction()}
    with st.expander("Layers and data, cut"):
        modules = selection.pick("Modules of layers", PARTS, "modules", 4, st.select_slider)
        parts = selection.pick("Subdomains of the data (APTS)", SUBDOMAINS, "data_subdomains", 16, st.select_slider)
    asked: dict[str, Any] = {"model": model, "pipeline": {"modules": modules}, "apts": {"subdomains": parts}}
    asked |= {"training": {"batch_size": batch, "epochs": EPOCHS}, "strategies": list(STRATEGIES)}
    try:
        return planned(asked, networks), tuple(STRATEGIES)
    except ValueError as error:
        shell.refuse(error)
        st.stop()


def _pick_machines(problem: Problem) -> Cluster:
    known, kinds = machines.machines(), machines.links()
    name = selection.pick(
        "Machine", list(known), "machine", machines.usual_machine(), format_func=lambda key: _machine(key)
    )
    link = selection.pick(
        "Link", list(kinds), "link", machines.usual_link(name), format_func=lambda key: kinds[key].name
    )
    own = kinds[link]
    given = {}
    latency = _number("Latency (µs)", LATENCIES, "latency", f"{own.latency * 1e6:.3g}, the link's")
    bandwidth = _number("Bandwidth (10⁹ B/s)", BANDWIDTHS, "link_bandwidth", f"{own.bandwidth / 1e9:.3g}, the link's")
    usual = machines.usual_start(name) * 1e6
    start = _number("Start of an operation (µs)", STARTS, "operation", f"{usual:.3g}, the machine's")
    for key, value, unit in (("latency", latency, 1e-6), ("bandwidth", bandwidth, 1e9), ("start", start, 1e-6)):
        if value is not None:
            given[key] = value * unit
    cluster = machines.cluster_asked(problem, name, link, given)
    rates = cluster.machine.rank_rates(1)
    st.caption(
        literal(
            f"A rank: {si(rates.operations, 'FLOP/s')}, {si(rates.memory, 'B/s')} of memory. {known[name].source}. "
            f"Link: {own.source}."
        )
    )
    if machines.HERE not in known:
        st.caption(literal(f"{kept.not_here()} Measure it: ddlab machine --measure."))
    return cluster


def _machine(name: str) -> str:
    found = machines.machines()[name]
    return f"This one: {found.name}" if name == machines.HERE else f"{found.name} (data sheet)"


def _number(label: str, options: tuple[str, ...], name: str, own: str) -> float | None:
    """A number, or None for what is known."""
    chosen = selection.pick(label, options, name, OWN, format_func=lambda text: own if text == OWN else _written(text))
    return None if chosen == OWN else float(chosen)


def _written(text: str) -> str:
    return "infinite" if math.isinf(float(text)) else text
