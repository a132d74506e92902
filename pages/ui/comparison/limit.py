"""The speed-up that a machine allows at most, and which layers hold it back; for pages that know an experiment."""

import socket

import streamlit as st

from ddlab.analyses.comparison import published_times
from ddlab.analyses.comparison import roofline as analysis
from ddlab.analyses.comparison.cost import work_ratio
from ddlab.figures.comparison import roofline as figures
from ddlab.machine import kept
from ddlab.machine.rates import DATA_SHEETS, Machine
from ddlab.problem import Problem, problem_of
from ddlab.runs import RunFolder
from ddlab.strategies.stage import LOCAL, plan
from ddlab.subcommand import run_subcommand
from pages.ui import charts, held, selection, shell
from pages.ui.columns import Columns
from pages.ui.literal import literal

HERE = "here"
MEASURE = "ddlab machine --measure"
TITLE = "How much faster can it be at most?"


def of_run(run: RunFolder) -> None:
    """Draw the limit for a run, and its measured times beside it; nothing where it trains no local networks."""
    try:
        problem = problem_of(run)
    except ValueError as error:
        st.caption(f"How much faster it can be cannot be told: {literal(error)}")
        return
    if any(stage.name == LOCAL for stage in plan(problem)):
        show(problem, run.id, run)


@held.fragment
def show(problem: Problem, name: str, run: RunFolder | None = None) -> None:
    """Draw the limit of this machine or of another one; before this one is measured, say how to.

    Parameters
    ----------
    name
        Of the files that are saved, without ending.
    run
        Whose measured times stand beside the limit, if it has any.
    """
    st.header(TITLE)
    where, what = st.columns(2)
    with where:
        titles = {HERE: f"This one: {kept.machine_name()}"} | {
            key: f"{sheet.name} (data sheet)" for key, sheet in DATA_SHEETS.items()
        }
        chosen = selection.pick("Machine", list(titles), "limit_machine", HERE, format_func=titles.get)
    machine = kept.this_machine() if chosen == HERE else DATA_SHEETS[chosen]
    if machine is None:
        _measure_first(problem)
        _why_less()
        return
    with what:
        by = selection.pick_one_of({key: f"By {words}" for key, words in analysis.GROUPS.items()}, "Bars", "limit_bars")
    _draw(problem, machine, by, name)
    if run is not None and (ratio := analysis.measured_ratio(run)) is not None:
        is_here = chosen == HERE and run.environment().get("host") == socket.gethostname()
        found = analysis.limit(problem, machine)
        st.markdown(literal(analysis.measured_in_words(ratio, found, is_here=is_here)))
    if told := kept.beware(machine):
        st.caption(literal(f"{told} {MEASURE}"))
    if chosen == HERE:
        _measure("Measure this machine again")
    _why_less()


def _draw(problem: Problem, machine: Machine, by: str, name: str) -> None:
    found, kinds = analysis.limit(problem, machine), analysis.roofline_table(problem, machine, by="kind")
    rows = kinds if by == "kind" else analysis.roofline_table(problem, machine, by=by)
    st.markdown(literal(analysis.limit_in_words(found, kinds, machine)))
    bars, times = st.columns(2)
    with bars:
        title = figures.bars_title(found.allowed, found.counted, machine.name)
        charts.show(figures.ratio_bars(rows, title), rows, f"limit {by}", f"{name}-limit")
    with times:
        charts.show(figures.time_bars(kinds, figures.time_title(kinds)), kinds, "limit time", f"{name}-least-time")
        rates = machine.all_threads
        fastest = rates.bandwidth[0][1]
        caches = f"(up to {fastest / 1e9:,.0f}·10⁹ in caches)" if fastest > rates.memory else "(caches left out)"
        st.caption(
            "The roofline: forward, backward and in the optimizer, a layer takes at least the larger of its operations "
            f"at {rates.operations / 1e9:,.0f}·10⁹ a second and its bytes at {rates.memory / 1e9:,.0f}·10⁹ a second "
            f"{caches}. {problem.experiment.training.batch_size} images a batch. {literal(machine.source)}."
        )


def _measure_first(problem: Problem) -> None:
    """Say that nothing is known of this machine but the count of operations, and offer to measure it."""
    ratio = work_ratio(problem).total
    st.info(
        literal(
            f"By the count of operations, all local networks together are {ratio:.1f} times less work than the global "
            f"one. {kept.not_here()} From it follows what memory leaves of that: press the button, or {MEASURE}."
        ),
        icon=":material/speed:",
    )
    _measure("Measure this machine")


def _measure(label: str) -> None:
    """Offer to measure, in a process of its own, for this page imports no torch."""
    if not shell.button(
        label, "measure machine", icon=":material/speed:", help="10 to 30 s, best while nothing works."
    ):
        return
    try:
        with st.spinner("Multiplying matrices, moving memory ..."):
            run_subcommand(MEASURE.split()[1:])
    except ValueError as error:
        shell.refuse(error)
        return
    st.rerun()


def _why_less() -> None:
    """Explain the ratios that the paper measured on GPUs."""
    with st.expander("Why do the papers measure 2.3 to 2.9 on GPUs, where 15.9 are counted?"):
        costs = published_times.published_costs()
        st.markdown(literal(published_times.costs_in_words(costs)))
        table = published_times.costs_table(costs)
        number = st.column_config.NumberColumn
        columns: Columns = {
            "what": "ResNet32, Table 3.2: what costs time",
            "global": number("Global network (ms)", format="%.3g"),
            "local": number("Four local networks (ms)", format="%.3g"),
            "ratio": number("Ratio", format="%.1f"),
        }
        st.dataframe(table, hide_index=True, column_config=columns, key="published costs")
