"""Traced steps of a run beside their simulation, and accuracy against the age of gradients."""

from typing import Any

import pandas as pd
import streamlit as st

from ddlab.analyses.pipeline import traces
from ddlab.analyses.pipeline.measured_ways import measured_ways
from ddlab.analyses.pipeline.plan import time_unit
from ddlab.analyses.pipeline.staleness import notice, staleness_table
from ddlab.analyses.pipeline.staleness import why_not as why_no_ages
from ddlab.figures.pipeline.schedule import gantt
from ddlab.figures.pipeline.staleness import accuracy_against_age
from ddlab.pipeline.simulation import Simulation
from ddlab.pipeline.trace import predicted_step, recorded_step
from ddlab.runs import RunFolder
from ddlab.written import percent, si
from pages.ui import charts, examples, selection, shell
from pages.ui.literal import literal

COMMAND = "ddlab train pipeline_demo"


def show(run: RunFolder) -> None:
    """Show what of this there is in a run."""
    st.header("Which step really ran?")
    if reason := traces.why_not(run):
        _ask_for_a_run(reason, traces.why_not)
    else:
        show_trace(run)
    st.header("Three ways, measured")
    show_ways(run)
    st.header("What do old gradients cost?")
    if reason := why_no_ages(run):
        _ask_for_a_run(reason, why_no_ages)
    else:
        show_ages([run, *selection.pick_others(run)])


def _ask_for_a_run(reason: str, why_not: examples.WhyNot) -> None:
    st.info(
        f"{literal(reason)} The recipe pipeline_demo makes such a run in a minute.", icon=":material/conveyor_belt:"
    )
    examples.offer(why_not)
    st.code(COMMAND, language="bash")
    selection.link("Train it", "pages/train.py", recipe="pipeline_demo")


# ---- three ways


def show_ways(run: RunFolder) -> None:
    """Draw the table of the run's strategies by what they cut."""
    table = measured_ways(run)
    if table.empty:
        st.caption("Strategies appear here when they are done.")
        return
    shown = table.drop(columns="strategy")
    shown["bytes"] = [si(value, "B") if pd.notna(value) else "" for value in table["bytes"]]
    shown["accuracy"] = table["accuracy"].map(percent)
    config: dict[str, Any] = {
        "way": "Way",
        "title": "Strategy",
        "ranks": "Ranks",
        "epoch_seconds": st.column_config.NumberColumn("Time an epoch", format="%.3g s"),
        "bytes": "Sent a step",
        "accuracy": "Accuracy",
    }
    st.dataframe(shown, hide_index=True, column_config=config, key="measured ways", height="content")
    st.caption(
        "As this run measured them, on its ranks; view *Plan* counts the same for any number of machines. Time: of the "
        "stage that decides; local networks and combinations of them are trained before it, or have no epochs."
    )


# ---- the traced step


def show_trace(run: RunFolder) -> None:
    """Draw a traced step and the same step as it is simulated, on one scale of time."""
    table = traces.trace_table(run)
    choices = {f"{row.strategy}-{row.seed}": f"{row.title}, seed {row.seed}" for row in table.itertuples()}
    chosen = selection.pick_one_of(choices, "Whose step", "traced")
    row = table.iloc[list(choices).index(chosen)]
    record = traces.trace_of(run, str(row["strategy"]), int(row["seed"]))
    ran, predicted = recorded_step(record), predicted_step(record)
    unit, a_second = time_unit(min(ran.makespan, predicted.makespan))
    _measures(row)
    if traces.is_alone(record):
        st.info("One rank had all modules here: nothing overlaps. Two workers or more make it a pipeline.")
    ranks, parts = row["ranks"], row["micro_batches"]
    st.markdown(f"**{row['schedule']}** on {ranks} ranks, {row['batch']} images in {parts} micro-batches.")
    longest = max(ran.makespan, predicted.makespan) * a_second
    for name, simulation, said in (("ran", ran, "As it ran"), ("predicted", predicted, "As it is simulated")):
        _draw(simulation.scaled(a_second), (name, said), unit, longest)
    shell.notice(traces.notice(row))
    with st.expander("Modules: counted and measured"):
        modules = traces.module_table(record)
        shares = {name: modules[name].map(percent) for name in ("flops", "time")}
        st.dataframe(modules.assign(**shares), hide_index=True, key="modules")
    with st.expander("All traced steps of this run"):
        st.dataframe(table, hide_index=True, key="traces")


def _draw(simulation: Simulation, names: tuple[str, str], unit: str, longest: float) -> None:
    name, said = names
    figure = gantt(simulation, None, unit)
    figure.update_layout(title={"text": f"{said}: bubble {percent(simulation.bubble)}"})
    figure.update_xaxes(range=[0, longest])
    charts.show(figure, simulation.action_table(), f"{name} step", f"step-{name}")


def _measures(row: pd.Series) -> None:
    unit, a_second = time_unit(row["seconds"])
    seconds, predicted = (f"{row[name] * a_second:.3g} {unit}" for name in ("seconds", "predicted"))
    shown = {
        "Time a step": (seconds, f"{predicted} simulated"),
        "Bubble": (percent(row["bubble"]), f"{percent(row['predicted_bubble'])} simulated"),
        "Balance": (f"{row['balance']:.2f}", "1: all ranks work alike"),
        "Speed-up": (f"{row['speed_up']:.2f}×", f"{si(row['sent_bytes'] or 0, 'B')} sent"),
    }
    for column, (label, (value, beside)) in zip(st.columns(4), shown.items(), strict=True):
        column.metric(label, value, beside, delta_color="off", delta_arrow="off")


# ---- old gradients


def show_ages(runs: list[RunFolder]) -> None:
    """Draw accuracies against the age of gradients."""
    table = staleness_table(runs)
    if not len(table):
        st.caption("Accuracies appear when a strategy is done.")
        return
    figure = accuracy_against_age(table, "Accuracy against the age of gradients")
    charts.show(figure, table, "ages", "accuracy-against-age")
    shell.notice(notice(table))
    st.caption(
        "Age: updates between the weights of which a gradient is and those that it changes, as a mean "
        "over the modules; bars are standard deviations over the seeds."
    )
