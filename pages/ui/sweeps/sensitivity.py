"""Sensitivity to the first radius or the learning rate: a sweep over decades, drawn while it trains, or started."""

from collections.abc import Sequence
from functools import partial

import pandas as pd
import streamlit as st

from ddlab.analyses.comparison.cost import machine_rate
from ddlab.analyses.sweeps import sensitivity as analysis
from ddlab.analyses.sweeps.decompositions import runs_at_once, wall_seconds
from ddlab.analyses.sweeps.notice import of_sensitivity
from ddlab.experiment import Experiment
from ddlab.figures.sweeps.sensitivity import sensitivity_lines
from ddlab.registry.strategies import STRATEGIES, TUNED
from ddlab.runs import RunFolder, list_runs
from ddlab.sweeps.decompositions import NAME
from ddlab.sweeps.sensitivity import (
    DEFAULT,
    IN_A_DECADE,
    PAPER,
    PAPER_RATES,
    SUFFIX,
    log_grid,
    plan_runs,
    sweep_name,
    tunable,
)
from ddlab.words import duration
from pages.ui import charts, results, selection, several, shell
from pages.ui.literal import literal
from pages.ui.making import plan
from pages.ui.sweeps import many_runs

SHOWN = "sensitivity"  # of the URL: which sweep
GRIDS = {
    **{str(len(log_grid(in_a_decade=number))): log_grid(in_a_decade=number) for number in IN_A_DECADE},
    PAPER: PAPER_RATES,
}
SEEDS = (1, 3, 5)


def show() -> None:
    """Draw a sweep of radii and rates, filling in while its runs work, and let another one be started."""
    st.header("What if the first radius, or the learning rate, is a bad guess?", anchor=False)
    st.markdown(
        "Adam and SGD keep the learning rate that they are given. A trust-region method corrects its radius at every "
        "step, so that it should hardly matter where it began: flat is good."
    )
    sweeps = many_runs.known(tuned=True)
    if sweeps:
        left, right = st.columns([3, 2])
        with left:
            name = selection.pick("Sweep of radii and rates", list(sweeps), SHOWN)
        with right:
            epoch = pick_epoch()
        show_sweep(sweeps[name], name, epoch)
    else:
        st.info(
            "No such sweep has been made yet. Its runs appear here as a line a strategy, which grow while they train.",
            icon=":material/tune:",
        )
    with st.expander("Train another sweep" if sweeps else "Train a sweep", expanded=not sweeps):
        _form()


# ---- what came of it


def pick_epoch() -> str:
    """Let the epoch be chosen whose accuracy is drawn."""
    epochs = {epoch: title.capitalize() for epoch, title in analysis.EPOCHS.items()}
    return selection.pick_one_of(epochs, "Accuracy of the", "sensitivity_epoch")


def show_sweep(runs: list[RunFolder], name: str, epoch: str) -> None:
    """Draw the lines of one sweep, and what can be done with its runs."""
    many_runs.actions(runs, SHOWN)
    many_runs.follow(runs, partial(_draw, runs, name, epoch))
    st.caption(
        "A radius and a learning rate are different quantities that share an axis: compare how wide the lines are flat "
        "(pale and broad: within one point of the line's best), not where. All train for equally many epochs; an epoch "
        "of APTS or SAPTS is more work, which the comparison of runs counts. A cross is a training that diverged. "
        "Press a point to open its run."
    )


def _draw(runs: list[RunFolder], name: str, epoch: str) -> None:
    states = tuple(run.state().state for run in runs)
    table = _table(tuple(str(run.path) for run in runs), tuple(map(RunFolder.results_stamp, runs)), states)
    if table.empty:
        st.error("None of its runs can be read.")
        return
    many_runs.badges(table["state"])
    widths = analysis.plateaus(table, epoch)
    if widths.empty:
        st.markdown("No run is done yet: the lines grow by themselves.")
        return
    if not {"queued", "running"} & set(states):  # half a line has no width
        st.markdown(literal(analysis.in_words(widths)))
        shell.notice(of_sensitivity(widths))
    figure = sensitivity_lines(table, widths, epoch, results.baseline(runs[:1], "validation"))
    charts.show(figure, table, "sensitivity lines", name.replace(" ", "-"), **many_runs.clickable("sensitivity lines"))
    many_runs.open_clicked()


@st.cache_data(max_entries=8, show_spinner=False)
def _table(paths: tuple[str, ...], changed: tuple[int, ...], states: tuple[str, ...]) -> pd.DataFrame:
    return analysis.sensitivity_table([RunFolder(path) for path in paths])


# ---- another one


def _form() -> None:
    try:
        source, base = many_runs.pick_base("sensitivity_base", DEFAULT)
    except ValueError as error:
        shell.refuse(error)
        return
    strategies = several.pick_several(
        "Strategies", list(tunable()), "sensitivity_of", TUNED, format_func=lambda name: STRATEGIES[name].title
    )
    left, right = st.columns(2)
    with left:
        about = f"From {min(log_grid()):g} to 1, evenly in their logarithm; or the paper's rates of Adam."
        grid = selection.pick(
            "Values",
            list(GRIDS),
            "sensitivity_values",
            str(len(log_grid())),
            st.segmented_control,
            required=True,
            format_func=_grid_title,
            help=about,
        )
    with right:
        seeds = selection.pick("Seeds", SEEDS, "sensitivity_seeds", widget=st.segmented_control, required=True)
    base = base.model_copy(update={"seeds": tuple(range(seeds)), "name": base.name.removesuffix(SUFFIX)})
    name = base.name if seeds == 1 else f"{base.name} {seeds} seeds"
    name = st.text_input("Name", name, max_chars=NAME - len(SUFFIX), key=f"name of the sensitivity of {name}").strip()
    base = base.model_copy(update={"name": name or base.name})
    _offer(base, strategies, grid, _command(base, source, strategies, grid))


def _grid_title(grid: str) -> str:
    return f"The paper's {len(PAPER_RATES)}" if grid == PAPER else grid


def _command(base: Experiment, source: str, strategies: Sequence[str], grid: str) -> str:
    """The command that does the same."""
    train = plan.command_line(base, source).split(" ", 2)[2]
    values = grid if grid == PAPER else ",".join(f"{value:g}" for value in GRIDS[grid])
    return f"ddlab sensitivity {train} --strategies {','.join(strategies)} --values {values}"


def _offer(base: Experiment, strategies: Sequence[str], grid: str, command: str) -> None:
    """Say how many runs it takes and about how long, and start them at one click."""
    try:
        todo = plan_runs(base, strategies, GRIDS[grid])
        at_once = runs_at_once(todo[0].experiment)
    except ValueError as error:
        shell.refuse(error)
        return
    table = analysis.plan_of_sensitivity(todo, machine_rate(list_runs()))
    left, done = int(table["open"].sum()), int((~table["open"]).sum())
    seconds = wall_seconds(table.loc[table["open"], "seconds"], at_once)
    st.markdown(
        f"**{left} run{'s' * (left != 1)}**, {at_once} at a time, in about **{duration(seconds)}**."
        + (f" {done} of this sweep {'are' if done > 1 else 'is'} there already." if done else "")
    )
    nothing = "All of its runs are there: choose more values or strategies, or another name."
    many_runs.start_button(todo, command, (SHOWN, sweep_name(base)), nothing)
    st.code(command, language="bash", wrap_lines=True)
