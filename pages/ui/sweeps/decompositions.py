"""The Sweep page's parts: what a sweep is made of, what it will take, and what its runs came to."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import pandas as pd
import streamlit as st

from ddlab.analyses.comparison.cost import machine_rate
from ddlab.analyses.sweeps.decompositions import best_in_words, plan_of_sweep, runs_at_once, sweep_table, wall_seconds
from ddlab.analyses.sweeps.notice import of_decompositions
from ddlab.data.cache import describe
from ddlab.decomposition import grid_presets
from ddlab.experiment import Experiment
from ddlab.figures.sweeps import decompositions as figures
from ddlab.layouts import LAYOUTS
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder, list_runs
from ddlab.sweeps.decompositions import (
    DEFAULT,
    GLOBAL,
    NAME,
    OVERLAPS,
    Variant,
    by_sweep,
    default_grids,
    plan_sweep,
    planned_runs,
    sweep_name,
)
from ddlab.words import duration
from pages.ui import charts, held, selection, several, shell
from pages.ui.columns import Columns
from pages.ui.making import plan
from pages.ui.sweeps import many_runs

FURTHER = (1, 3, 6, 12, 16)  # overlaps besides the usual ones


# ---- what is asked


@dataclass(frozen=True)
class Wish:
    """The visitor's choice: an experiment to begin with, and its decompositions."""

    base: Experiment
    source: str
    grids: list[str]
    layouts: list[str]
    overlaps: list[str]

    def plan(self) -> tuple[Variant, ...]:
        """The decompositions.

        Raises
        ------
        ExperimentError
            If nothing can be made of it.
        """
        return plan_sweep(self.base, _tuples(self.grids), self.layouts, [int(overlap) for overlap in self.overlaps])

    def command(self) -> str:
        """The command that does the same."""
        train = plan.command_line(self.base, self.source).split(" ", 2)[2]
        cuts = {"grids": self.grids, "layouts": self.layouts, "overlaps": self.overlaps}
        return f"ddlab sweep {train} " + " ".join(f"--{name} {','.join(chosen)}" for name, chosen in cuts.items())


def pick() -> Wish:
    """Let an experiment and its decompositions be chosen; stops the page with a sentence where there are no data."""
    try:
        source, base = many_runs.pick_base("base", DEFAULT)
        default = [_written(grid) for grid in default_grids(base)]
        shape = describe(base.dataset).shape
    except ValueError as error:
        shell.refuse(error)
        held.stop()
    grids = sorted({*default, *map(_written, grid_presets(shape))}, key=_tuple)
    source_of_grids = f"{source} {base.dataset.path or ''}"
    chosen_grids = several.pick_several("Grids", grids, "grids", default, source_of_grids, format_func=_grid_title)
    layouts = several.pick_several("Layouts", list(LAYOUTS), "layouts", list(LAYOUTS), format_func=_layout_title)
    overlaps = [str(overlap) for overlap in sorted({*OVERLAPS, *FURTHER})]
    chosen_overlaps = several.pick_several("Overlaps (px)", overlaps, "overlaps", [str(o) for o in OVERLAPS])
    offered, first = list(STRATEGIES), list(base.strategies)
    strategies = several.pick_several(
        "Strategies", offered, "strategies", first, source, format_func=lambda name: STRATEGIES[name].title
    )
    name = st.text_input("Name", sweep_name(base), max_chars=NAME, key=f"name of the sweep of {source} {base.name}")
    base = base.model_copy(update={"name": name.strip() or sweep_name(base), "strategies": tuple(strategies)})
    return Wish(base, source, chosen_grids, layouts, chosen_overlaps)


def _grid_title(name: str) -> str:
    return name.replace("x", "×")


def _layout_title(name: str) -> str:
    return LAYOUTS[name].title


def _written(grid: Sequence[int]) -> str:
    return "x".join(map(str, grid))


def _tuple(grid: str) -> tuple[int, ...]:
    return tuple(map(int, grid.split("x")))


def _tuples(grids: Sequence[str]) -> list[tuple[int, ...]]:
    return [_tuple(grid) for grid in grids]


# ---- what it will take


def offer(wish: Wish) -> None:
    """Say how many runs it takes and about how long, and start them at one click."""
    try:
        variants = wish.plan()
        todo = planned_runs(variants, by_sweep(list_runs()).get(sweep_name(wish.base), []))
        at_once = runs_at_once(todo[0].experiment)
        table = plan_of_sweep(variants, machine_rate(list_runs()))
    except ValueError as error:
        shell.refuse(error)
        return
    fits = table["reason"].eq("")
    is_open = [step.is_open for step in todo]
    seconds = wall_seconds(table.loc[fits, "seconds"][is_open], at_once)
    left, done = sum(is_open), len(todo) - sum(is_open)
    st.markdown(
        f"**{left} run{'s' * (left != 1)}**, {at_once} at a time, in about **{duration(seconds)}**."
        + (f" {done} of this sweep {'are' if done > 1 else 'is'} there already." if done else "")
        + (f" {(~fits).sum()} of {len(table)} decompositions do not fit and are left out." if not fits.all() else "")
    )
    nothing = "All of its runs are there: choose more decompositions or another name."
    many_runs.start_button(todo, wish.command(), ("sweep", sweep_name(wish.base)), nothing)
    with st.expander("What will be trained"):
        st.dataframe(table.drop(columns="flops"), hide_index=True, column_config=_columns(), placeholder="–")
        st.code(wish.command(), language="bash", wrap_lines=True)


def _columns() -> Columns:
    number = st.column_config.NumberColumn
    return {
        "title": "Decomposition",
        "overlap": number("Overlap", format="%d px"),
        "subdomains": "Subdomains",
        "size": "Largest (px)",
        "work": number("Work", format="percent", help="Of all local networks, of the global network's."),
        "seconds": number("About", format="%.0f s"),
        "reason": "Does not fit because",
    }


# ---- what came of it


def show(runs: list[RunFolder], name: str) -> None:
    """Draw the heat map of a sweep, filling in while its runs work; a click on a cell opens its run."""
    asked = {strategy for run in runs for strategy in run.asked().get("strategies") or ()} - {GLOBAL}
    names = [strategy for strategy in STRATEGIES if strategy in asked]
    many_runs.actions(runs, "sweep")
    many_runs.follow(runs, partial(_draw, runs, names, name))


def _draw(runs: list[RunFolder], strategies: list[str], name: str) -> None:
    titles = {strategy: STRATEGIES[strategy].title for strategy in strategies}
    strategy = selection.pick_one_of(titles, "Strategy", "strategy")
    states = tuple(run.state().state for run in runs)
    many_runs.badges(states)
    table = _table(tuple(str(run.path) for run in runs), tuple(map(RunFolder.results_stamp, runs)), states)
    if table.empty:
        st.error("None of its runs can be read.")
        return
    st.markdown(best_in_words(table, strategy))
    shell.notice(of_decompositions(table, strategy, _num_validation(str(runs[0].path))))
    shown = table[table["strategy"].isin([strategy, GLOBAL])]
    title = f"{STRATEGIES[strategy].title}: validation accuracy of every decomposition"
    heat, cloud = st.columns(2)
    with heat:
        settings = many_runs.clickable("sweep heat")
        charts.show(figures.heat_map(table, strategy, title), shown, "sweep heat", f"{name}-sweep", **settings)
        many_runs.open_clicked()
        st.caption("All strategies share one scale. Press a cell to open its run; the pointer says why one is empty.")
    with cloud:
        title = "Accuracy against work: up is better, left is cheaper; larger points overlap more"
        figure = figures.accuracy_against_work(table, strategy, title)
        charts.show(figure, shown[["title", "overlap", "work", "validation"]], "sweep cloud", f"{name}-sweep-work")


@st.cache_data(max_entries=16, show_spinner=False)
def _num_validation(path: str) -> int | None:
    """Validation images of a run; None where its data are gone."""
    try:
        return describe(RunFolder(path).experiment.dataset).num_validation
    except ValueError:
        return None


@st.cache_data(max_entries=16, show_spinner=False)
def _table(paths: tuple[str, ...], changed: tuple[int, ...], states: tuple[str, ...]) -> pd.DataFrame:
    return sweep_table([RunFolder(path) for path in paths])
