"""A network cut across its layers, before anything is trained: tables and figures of the page Pipeline."""

from functools import cached_property
from typing import Any, TypedDict, Unpack

import pandas as pd
import plotly.graph_objects as go

from ddlab.analyses.pipeline import plan as analysis
from ddlab.analyses.pipeline.assumed import assumed
from ddlab.analyses.pipeline.equations import Equations, equation_table
from ddlab.analyses.pipeline.methods import method_table, micro_batch_counts
from ddlab.analyses.pipeline.methods import speed_ups as speed_up_table
from ddlab.analyses.pipeline.paper import training_table
from ddlab.analyses.pipeline.ways import machine_numbers, ways_table
from ddlab.face import listed
from ddlab.face.shown import Shown
from ddlab.figures.pipeline import plan as figures
from ddlab.figures.pipeline.schedule import gantt
from ddlab.figures.pipeline.speed_up import PAPER_TITLE, paper_lines, speed_up_lines, speed_up_title
from ddlab.figures.pipeline.ways import ways_panels, ways_title
from ddlab.registry import unknown


class PipelineSettings(TypedDict, total=False):
    """Settings of a pipeline besides its network, machines and schedule: see :func:`pipeline_plan`."""

    sample: tuple[int, ...]
    num_classes: int
    width: float
    reduction: str
    num_micro_batches: int
    batch_size: int
    num_chunks: int
    grouping: str
    rate: float
    bandwidth: float


FIRST: PipelineSettings = {
    "sample": (3, 32, 32),
    "num_classes": 10,
    "width": 1.0,
    "reduction": "1/sqrt(N)",
    "rate": 5e12,
    "bandwidth": 25e9,
}
OF_NETWORK = (*FIRST,)


class Pipeline(Shown):
    """A network in modules over machines, with a schedule. Made by :func:`ddlab.pipeline_plan`.

    Parameters
    ----------
    plan
        The pipeline.
    model
        Settings of the network, as the part ``model`` of an experiment.
    """

    _tables = listed.PIPELINE_TABLES
    _figures = listed.PIPELINE_FIGURES

    def __init__(self, plan: analysis.PipelinePlan, model: dict[str, Any]) -> None:
        self.plan, self.model = plan, model

    def __repr__(self) -> str:
        return f"Pipeline({self.model['name']!r}, {self.plan.machines.number}, {self.plan.schedule!r})"

    @property
    def seconds(self) -> float:
        """Time of a batch."""
        return self.plan.simulation.makespan

    @property
    def bubble(self) -> float:
        """Share of that time in which machines are idle."""
        return self.plan.simulation.bubble

    @cached_property
    def speed_ups(self) -> pd.DataFrame:
        """The speed-up of every schedule against the number of micro-batches."""
        return speed_up_table(self.plan, micro_batch_counts(self.plan.machines.number, self.plan.num_micro_batches))

    @cached_property
    def ways(self) -> pd.DataFrame:
        """A step of every way to use machines."""
        return ways_table(self.model, self.plan, machine_numbers(self.plan.machines.number))


def pipeline_plan(
    model: str = "resnet18", machines: int = 4, schedule: str = "1f1b", **settings: Unpack[PipelineSettings]
) -> Pipeline:
    """Cut a network across its layers, and see what that takes: as on the page Pipeline, nothing is trained.

    Parameters
    ----------
    model
        One of ``MODELS``.
    machines
        How many there are, a rank each.
    schedule
        ``sequential``, ``gpipe``, ``1f1b``, ``interleaved`` or ``zero_bubble``.
    **settings
        ``sample``, the shape of an image (channels first), ``num_classes``, ``width`` of the network, ``reduction`` of
        local networks; ``num_micro_batches``, ``batch_size``, ``num_chunks`` (modules a machine), ``grouping``
        (``balanced``, ``equal``); ``rate`` in operations a second, and ``bandwidth`` of a link in bytes a second.

    Raises
    ------
    ValueError
        If there is no such setting or no such pipeline; names the field, the rule, the value and the choices.

    Examples
    --------
    >>> import ddlab
    >>> pipeline = ddlab.pipeline_plan("resnet18", 4, num_micro_batches=16, bandwidth=float("inf"))
    >>> round(pipeline.bubble, 2)
    0.2
    >>> list(pipeline.table("modules")["sub_layers"])
    [3, 2, 2, 3]
    """
    for name in settings:
        if name not in PipelineSettings.__annotations__:
            raise ValueError(unknown("setting of a pipeline", name, PipelineSettings.__annotations__))
    asked: dict[str, Any] = {**FIRST, **settings}
    sample, classes, width, reduction, rate, bandwidth = (asked.pop(name) for name in OF_NETWORK)
    part = {"name": model, "width": width, "reduction": reduction}
    network = assumed({"model": part}, tuple(sample), classes).global_network
    return Pipeline(
        analysis.PipelinePlan(network, analysis.Machines(machines, rate, bandwidth), schedule, **asked), part
    )


# ---- tables


def modules(of: Pipeline) -> pd.DataFrame:
    """The modules with their ranks, work, parameters and what they send."""
    return analysis.module_table(of.plan)


def sub_layers(of: Pipeline) -> pd.DataFrame:
    """The sub-layers in order, with their work and modules."""
    return analysis.sub_layer_table(of.plan)


def actions(of: Pipeline) -> pd.DataFrame:
    """Every action of the schedule with its rank, module and micro-batch, and when it begins and ends (s)."""
    return of.plan.simulation.action_table()


def memory(of: Pipeline) -> pd.DataFrame:
    """Bytes of every rank by what they are for: with the schedule, and with old gradients."""
    return analysis.memory_table(of.plan)


def methods(of: Pipeline) -> pd.DataFrame:
    """All schedules and methods with old gradients: time (s), idle share, memory, staleness, and what each trades."""
    return method_table(of.plan)


def speed_ups(of: Pipeline) -> pd.DataFrame:
    """The speed-up of every schedule against the number of micro-batches."""
    return of.speed_ups


def equations(of: Pipeline) -> pd.DataFrame:
    """Akintoye et al.'s equations (11) to (13) beside the simulation; times in seconds."""
    return equation_table(Equations.of(of.plan))


def ways(of: Pipeline) -> pd.DataFrame:
    """Time (s), bytes and memory of a step: images, data or layers cut, by the number of machines."""
    return of.ways


def paper(of: Pipeline) -> pd.DataFrame:
    """Akintoye et al.'s Tables 3 to 5, and what their own model allows."""
    return training_table()


# ---- figures


def partition_figure(of: Pipeline) -> go.Figure:
    """The sub-layers with their work, and the cuts between modules."""
    rows = modules(of)
    return figures.partition_bars(sub_layers(of), rows, figures.partition_title(len(rows)))


def schedule_figure(of: Pipeline, *, until: int | None = None) -> go.Figure:
    """Every action of the schedule over time, or the first ones alone."""
    unit, a_second = analysis.time_unit(of.seconds)
    return gantt(of.plan.simulated_in(a_second), until, unit)


def memory_figure(of: Pipeline) -> go.Figure:
    """Bytes of every rank, stacked by what they are for."""
    return figures.memory_bars(memory(of), figures.memory_title(of.plan.batch_size))


def speed_up_figure(of: Pipeline) -> go.Figure:
    """The speed-up of every schedule against the number of micro-batches, with the paper's point."""
    number = of.plan.machines.number
    return speed_up_lines(of.speed_ups, number, of.plan.num_micro_batches, speed_up_title(number))


def ways_figure(of: Pipeline) -> go.Figure:
    """Time, bytes and memory of a step by the number of machines: images, data or layers cut."""
    title = ways_title(of.plan.batch_size, of.plan.machines.bandwidth)
    return ways_panels(of.ways, of.plan.machines.number, title)


def paper_figure(of: Pipeline) -> go.Figure:
    """Akintoye et al.'s speed-ups, and the most that their model allows."""
    return paper_lines(training_table(), PAPER_TITLE)
