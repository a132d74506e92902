"""The Runs page: everything that waits, works or has ended, and one run at a time in full."""

import streamlit as st

from ddlab.analyses.comparison.notice import of_outcome
from ddlab.analyses.comparison.stages import outcome_table
from ddlab.runs import RunFolder, list_runs
from pages.ui import examples, selection, shell
from pages.ui.comparison import curves
from pages.ui.decisions import replay
from pages.ui.literal import literal
from pages.ui.runs import balance, export, live, notes, report, table

shell.title("What is training, and how is it going?")
st.write(
    "A run is one training of an experiment; it works by itself in the background, so you may close this page, the "
    "browser or even the server. Pick a row to follow that run below; its address can be kept and sent to others."
)
live.undo()
at_work = st.container()  # a run that waits or works, where the screen shows it
if list_runs():
    table.runs()
else:
    st.info("You have trained nothing yet. The demonstration takes less than a minute.", icon=":material/potted_plant:")
    selection.link(":material/model_training: Train something", "pages/train.py")


def outcome(run: RunFolder, seed: int) -> None:
    """Show kept and last epoch of every strategy, and where to look further."""
    table = outcome_table(run, seed)
    if table.empty:
        return
    st.header("What came of it")
    share, seconds = st.column_config.NumberColumn(format="percent"), st.column_config.NumberColumn(format="%.1f")
    columns = dict.fromkeys(("Test", "Kept", "Last", "Training images"), share) | {"Seconds": seconds}
    columns["Whose epoch"] = st.column_config.TextColumn(width="large")
    st.dataframe(table.round(3), hide_index=True, column_config=columns, placeholder="–")
    st.caption(
        "Kept and Last: accuracy on the validation images with the epochs that these chose, and with the last ones. "
        "Votes train nothing themselves: what is kept is the best epoch of each local network."
    )
    shell.notice(of_outcome(table))
    with st.container(horizontal=True):
        selection.link(":material/bar_chart: Compare the strategies", "pages/compare.py")
        selection.link(":material/ballot: See how they decide", "pages/probabilities.py")
    report.offer(run, seed)
    export.offer(run, seed)


def details(run: RunFolder) -> None:
    """Show the log of a run, its experiment, and how to repeat it."""
    with st.expander("Output (log)"):
        live.log(run)
    with st.expander("What was asked, and how to repeat it"):
        st.code(f"ddlab train {run.path / 'experiment.json'}" if not run.command else run.command, language="bash")
        st.code(run.experiment.to_yaml(), language="yaml")
        st.json(run.environment(), expanded=False)


def one(run: RunFolder) -> None:
    """Draw the page of a run."""
    st.header(literal(run.name), anchor=False)
    examples.note(run)
    st.caption(f"Run {literal(run.id)}")
    try:
        seed = selection.pick_seed(run)
    except ValueError as error:  # a damaged folder, or one from a newer ddlab
        shell.refuse(error)
        live.actions(run)
        return
    is_live = run.state().is_live
    with at_work.container(border=True) if is_live else st.container():
        if is_live:
            st.markdown(f"**{literal(run.name)}**")
        live.follow(run, live.status)
    live.damage(run)
    live.actions(run)
    notes.edit(run)
    live.follow(run, lambda run: curves.learning(run, seed, curves.pick_measure()))
    live.follow(run, balance.show)
    replay.offer(run, seed)
    outcome(run, seed)
    details(run)


run = selection.current_run()
if run is not None:
    one(run)
