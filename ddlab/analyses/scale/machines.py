"""The machines and links to choose from: this one as it was measured, and others by published figures."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ddlab.analyses.scale.cluster import Cluster
from ddlab.analyses.scale.table import cluster_of
from ddlab.machine import kept
from ddlab.machine.links import LINKS, NCCL, Link
from ddlab.machine.rates import DATA_SHEETS, Machine
from ddlab.problem import Problem

HERE = "here"
LINK_OF = {"v100": "nvlink2", "a100": "nvlink3", "a100_tf32": "nvlink3"}
FIRST = "a100_tf32"  # where this machine was not measured
# Of a GPU: what CUDA and torch take to start an operation however small it is, 5 to 10 µs as is usual; a graph of
# operations takes less. It is what narrow networks on small subimages wait for.
GPU_START = 7e-6
UNKNOWN_LINK = "ethernet10"


def machines() -> dict[str, Machine]:
    """Machines by name, this one first if it was measured."""
    here = kept.this_machine()
    return ({HERE: here} if here else {}) | DATA_SHEETS


def links() -> dict[str, Link]:
    """Links by name, that between processes of this machine first if it was measured."""
    here = kept.this_machine()
    return ({HERE: here.link} if here and here.link else {}) | LINKS


def usual_machine() -> str:
    """The machine that is shown first."""
    return next(iter(machines())) if kept.this_machine() else FIRST


def usual_link(machine: str) -> str:
    """The link that a machine comes with."""
    return LINK_OF.get(machine) or next(name for name in (HERE, UNKNOWN_LINK) if name in links())


def usual_start(machine: str) -> float:
    """Seconds that an operation of a machine takes at least; of a measured one they are in its rates."""
    return GPU_START if machine in LINK_OF else 0.0


def cluster_asked(problem: Problem, machine: str, link: str, given: Mapping[str, float]) -> Cluster:
    """Ranks on machines and a link of these names; empty ones take the usual.

    Parameters
    ----------
    given
        ``latency``, ``bandwidth`` and ``start`` in place of what is known.

    Raises
    ------
    ValueError
        If a number cannot be.
    """
    machine = machine or usual_machine()
    link = link or usual_link(machine)
    chosen = links()[link]
    if machine in LINK_OF:
        chosen = replace(chosen, library=NCCL)
    changed: dict[str, Any] = {name: given[name] for name in ("latency", "bandwidth") if name in given}
    if any(changed[name] != getattr(chosen, name) for name in changed):
        chosen = replace(chosen, name=f"{chosen.name}, changed", **changed)
    cluster = cluster_of(problem, machines()[machine], chosen)
    return replace(cluster, start=given.get("start", usual_start(machine)))
