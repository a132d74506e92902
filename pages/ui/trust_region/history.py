"""The history of trust-region methods in a run, and methods of one or several runs against each other."""

from collections.abc import Collection, Sequence
from functools import partial

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from ddlab.analyses.comparison import optimizers as passes
from ddlab.analyses.comparison.reaching import missed_in_words, targets, worth_reaching
from ddlab.analyses.trust_region import history as analysis
from ddlab.analyses.trust_region.notice import of_history, of_passes
from ddlab.figures.comparison.optimizers import passes_lines
from ddlab.figures.trust_region.history import history_panels
from ddlab.optim.radius import RadiusRule
from ddlab.registry.analyses import ANALYSES
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder
from ddlab.written import percent
from pages.ui import charts, examples, results, selection, shell
from pages.ui.columns import Columns
from pages.ui.literal import literal
from pages.ui.runs import live

COMMAND = "ddlab train trust_region_demo"
PERCENT = "percent"


def _ask_for_a_run(sentence: str) -> None:
    st.info(f"{sentence} The recipe trust_region_demo makes such a run in half a minute.", icon=":material/radar:")
    examples.offer(ANALYSES["trust_region"].why_not)
    st.code(COMMAND, language="bash")
    selection.link("Train it", "pages/train.py", recipe="trust_region_demo")


def _will_have(run: RunFolder, strategies: Collection[str]) -> bool:
    """Whether the run works, and has one of the strategies."""
    return run.state().is_live and not set(strategies).isdisjoint(run.experiment.strategies)


def _wait(run: RunFolder, sentence: str) -> None:
    """Say what will be here, until the run has a new record."""
    live.follow(run, lambda run: st.caption(sentence), RunFolder.records_stamp)


# ---- a run, step by step


@st.cache_data(max_entries=results.KEPT, show_spinner=False)
def _history(path: str, strategy: str, seed: int, told: int) -> tuple[pd.DataFrame, go.Figure, list[str]]:
    """The table of the steps, their figure, and the sentences on them: first what is worth noticing."""
    run = RunFolder(path)
    steps, epochs = analysis.step_table(run, strategy, seed), analysis.epoch_table(run, strategy, seed)
    own = run.experiment.trust_region
    rule = RadiusRule(own.lower, own.upper, own.decrease, own.increase, own.min_radius, own.max_radius, own.trials)
    title = f"{STRATEGIES[strategy].title} step by step, seed {seed}"
    summary = analysis.summarize(steps, epochs)
    words = [of_history(summary, rule.most, rule.least), *analysis.in_words(summary, strategy)]
    return steps, history_panels(steps, epochs, strategy, title, rule), words


@st.cache_data(max_entries=results.KEPT, show_spinner=False)
def _histories(path: str, told: int) -> dict[str, list[int]]:
    return analysis.histories(RunFolder(path))


def show_history(run: RunFolder) -> None:
    """Draw the steps of one strategy and seed of a run, and sum them up in a few sentences."""
    found = _histories(str(run.path), run.records_stamp())
    if why := ANALYSES["trust_region"].why_not(run):
        _ask_for_a_run(literal(why))
        return
    if not found:
        if _will_have(run, analysis.methods()):
            _wait(run, "Its steps appear here after the first epoch.")
            return
        _ask_for_a_run(f"“{literal(run.name)}” has no history of a radius: it ended before its first step.")
        return
    left, right = st.columns([3, 1])
    with left:
        titles = {strategy: STRATEGIES[strategy].title for strategy in found}
        strategy = selection.pick_one_of(titles, "Strategy", "history")
    with right:
        seed, *others = seeds = found[strategy]
        if others:
            seed = selection.pick("Seed", seeds, "history_seed", widget=st.segmented_control, required=True)
    live.follow(run, partial(_draw_history, strategy=strategy, seed=seed))
    _explain(strategy, run.experiment.trust_region.order)


def _draw_history(run: RunFolder, strategy: str, seed: int) -> None:
    steps, figure, (notice, first, *others) = _history(str(run.path), strategy, seed, run.records_stamp())
    st.markdown(f"**{literal(first)}** {literal(' '.join(others))}")
    shell.notice(notice)
    charts.show(figure, steps, "history", f"{run.id}-{strategy}-{seed}-steps")


def _explain(strategy: str, order: int) -> None:
    if strategy not in analysis.additive():
        told = (
            "ρ compares what a step brought with what its model had predicted: below η₁ it is rejected and tried with "
            "a smaller radius, above η₂ the radius grows. In minibatches every step has other images, so its loss "
            "begins elsewhere than the one before has ended."
        )
    else:
        told = (
            "Each step has two halves. At the whole number the subdomains' steps are added, and ρ compares what the "
            "loss lost with what the local losses lost together: below η₁ the sum is rejected and the radius shrinks, "
            "above η₂ it grows. At the half, one trust-region iteration on all images of the step follows from there, "
            "judged in the same way; it tries again with a smaller radius until the loss falls."
        )
    if order > 1:
        told += " Where the smallest eigenvalue is below 0, the model sees a way down that bends further down."
    st.caption(told)


# ---- against each other


@st.cache_data(max_entries=results.KEPT, show_spinner=False)
def _passes(paths: tuple[str, ...], names: tuple[str, ...], told: tuple[int, ...]) -> pd.DataFrame:
    return passes.passes_table([RunFolder(path) for path in paths])


def show_against(runs: Sequence[RunFolder]) -> None:
    """Draw accuracy or loss of all strategies of the runs by epochs, passes, bytes or time, and what a step takes."""
    names = tuple(run.name for run in runs)
    table = _passes(tuple(str(run.path) for run in runs), names, tuple(map(RunFolder.records_stamp, runs)))
    if table.empty and _will_have(runs[0], passes.compared()):
        _wait(runs[0], "A line for every strategy appears after its first epoch.")
        return
    if table.empty:
        _ask_for_a_run("Nothing to compare: no strategy of APTS, Adam and their like was trained here.")
        return
    left, right = st.columns(2)
    with left:
        efforts = {"epoch": "Epochs", "data_passes": "Data passes", "bytes": "Bytes", "seconds": "Time"}
        effort = selection.pick_one_of(efforts, "Against", "against")
    with right:
        measures = {"validation_accuracy": "Accuracy", "loss": "Training loss", "validation_loss": "Validation loss"}
        measure = selection.pick_one_of(measures, "Measure", "against_measure")
    title = f"{passes.MEASURES[measure].capitalize()} against {passes.EFFORTS[effort]}"
    title += ", ± 1 sd over seeds" if table["seed"].nunique() > 1 else ""
    charts.show(passes_lines(table, effort, measure, title), table, "against", f"{runs[0].id}-against-{effort}")
    st.caption(_about(effort))
    _takes(table)


def _about(effort: str) -> str:
    return {
        "epoch": "An epoch shows every image once, but a step of APTS or SAPTS computes several gradients of each: the "
        "other axes count that.",
        "data_passes": "A data pass is one gradient on as many images as the training set has; a loss alone counts as "
        "a third. Local passes of N subdomains run at the same time on N ranks; here all of them count.",
        "bytes": "What each of N ranks with a subdomain of its own puts into sums over all ranks: a number for every "
        "parameter of the network and vector. It is counted, also where the run had one rank.",
        "seconds": "Wall time of the training on this run's ranks, one after the other if it had a single one.",
    }[effort]


def _takes(table: pd.DataFrame) -> None:
    options, first = targets(table["validation_accuracy"], worth_reaching(table))
    about = "On the validation images; at first 95 % of the best that a strategy reaches."
    target = selection.pick_percent("Accuracy to reach", options, "against_target", first, help=about)
    takes = passes.what_it_takes(table, target / 100)
    shell.notice(of_passes(takes, target / 100))
    st.markdown(literal(" ".join([missed_in_words(takes, target / 100), passes.saving_in_words(takes)])))
    shown = takes.drop(columns=["run_id", "strategy"])
    alone = {"run": takes["run_id"].nunique() == 1, "last_sd": takes["seeds"].max() == 1}
    shown = shown.drop(columns=[name for name, is_alone in alone.items() if is_alone])
    shown["bytes"] /= 1e6
    shares = [name for name in ("last", "last_sd", "best") if name in shown]
    shown[shares] = shown[shares].round(3)
    st.dataframe(shown, hide_index=True, column_config=_columns(target), key="takes", placeholder="–")


def _columns(target: int) -> Columns:
    number, text = st.column_config.NumberColumn, st.column_config.TextColumn
    first = (
        f"mean over the seeds until {percent(target / 100, 0)} of the validation images are decided correctly; – if a "
        "seed never does"
    )
    return {
        "run": text("Run"),
        "title": text("Strategy"),
        "seeds": number("Seeds"),
        "vectors_a_step": number(
            "Vectors a step",
            format="%.1f",
            help="Sums of n numbers over all ranks. Three in APTS; more trials of its global iteration can add some.",
        ),
        "gradients_a_step": number(
            "Passes a step",
            format="%.1f",
            help="Over the images of the step. Data-parallel descent sums one vector in each.",
        ),
        "last": number("Last epoch", help="Validation accuracy, mean over the seeds.", format=PERCENT),
        "last_sd": number("± sd", format=PERCENT),
        "best": number("Best epoch", help="Validation accuracy, mean over the seeds.", format=PERCENT),
        "reached": number(f"Reach {percent(target / 100, 0)}", help="Seeds that do."),
        "epoch": number("Epochs", format="%.1f", help=first),
        "data_passes": number("Data passes", format="%.1f", help=first),
        "bytes": number("MB a rank", format="%.1f", help=first),
        "seconds": number("Time", format="%.1f s", help=first),
    }
