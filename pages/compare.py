"""Compare: the strategies of one or of several runs, their accuracy beside what they cost."""

import pandas as pd
import streamlit as st

from ddlab.analyses.comparison.baseline import Baseline
from ddlab.analyses.comparison.choosing import choosing_in_words
from ddlab.analyses.comparison.notice import of_strategies
from ddlab.analyses.comparison.paper import paper_rows
from ddlab.runs import RunFolder
from pages.ui import held, results, selection, shell
from pages.ui.comparison import communication, costs, effort, learning, limit, paper
from pages.ui.comparison.strategies import show_table
from pages.ui.literal import literal
from pages.ui.runs import live

shell.title("Which strategy is best, and what does it cost?")
st.markdown(
    "Every strategy decides about the same images, which no network was trained on. "
    "A good strategy is accurate and cheap: it comes close to the global network with a fraction of its work."
)


@held.fragment
def _costs(run: RunFolder, table: pd.DataFrame, published: pd.DataFrame, baseline: Baseline | None) -> None:
    """Draw the accuracies beside what they cost."""
    cost = costs.pick_cost()
    bars, cloud = st.columns(2)
    with bars:
        costs.show_accuracies(run.id, table, published, baseline)
    with cloud:
        costs.show_costs(run.id, table, cost)


run = results.require_run("Here the strategies of a run stand side by side.")
runs = [run, *selection.pick_others(run)]
table = results.strategies(runs)
if table.empty:
    st.info("No strategy has a result yet: it appears here as soon as its last stage is done.")
else:
    live.health(runs)
    published, baseline = paper_rows(run.experiment), results.baseline(runs)
    shell.notice(of_strategies(table, baseline))
    show_table(table, published, run.id, balanced=results.has_unequal_classes(run))
    st.info(literal(choosing_in_words(runs, table)), icon=":material/balance:")
    _costs(run, table, published, baseline)
    if baseline is not None:
        st.caption(literal(f"Dotted: the baseline. {baseline.sentence}"))
    paper.show_cell(run)
    effort.show(run, several=len(runs) > 1)
    communication.show(run)
    limit.of_run(run)

learning.show(runs)
paper.show_overview()
