"""Compare: the strategies of one or of several runs, their accuracy beside what they cost."""

import streamlit as st

from ddlab.analyses.comparison.accuracy import curves_of
from ddlab.analyses.comparison.choosing import choosing_in_words
from ddlab.analyses.comparison.paper import paper_rows
from ddlab.figures.comparison import accuracy as figures
from pages.ui import charts, results, selection, shell
from pages.ui.comparison import communication, effort, paper
from pages.ui.comparison.strategies import show_table
from pages.ui.literal import literal
from pages.ui.runs import live

shell.title("Which strategy is best, and what does it cost?")
st.markdown(
    "Every strategy decides about the same images, which no network was trained on. "
    "A good strategy is accurate and cheap: it comes close to the global network with a fraction of its work."
)
run = results.require_run("Here the strategies of a run stand side by side.")
runs = [run, *selection.pick_others(run)]
table = results.strategies(runs)
if table.empty:
    st.info("No strategy has a result yet: it appears here as soon as its last stage is done.")
else:
    live.health(runs)
    published = paper_rows(run.experiment)
    show_table(table, published, run.id, balanced=results.has_unequal_classes(run))
    st.info(literal(choosing_in_words(runs, table)), icon=":material/balance:")
    cost = selection.pick_one_of(figures.COSTS, "Cost", "cost")
    bars, cloud = st.columns(2)
    with bars:
        intervals = "; 95 % intervals" if table["low"].notna().any() else ""
        diamonds = "; ◆ the paper" if len(published) else ""
        title = f"Accuracy: {figures.bars_of(table)}, training (grey){intervals}{diamonds}"
        charts.show(figures.strategy_bars(table, title, published), table, "bars", f"{run.id}-accuracy")
    with cloud:
        figure = figures.accuracy_against_cost(table, cost, "Accuracy against cost: up is better, left is cheaper")
        charts.show(figure, table[["run", "title", cost, "test", "validation"]], "cloud", f"{run.id}-cost")
    paper.show_cell(run)
    effort.show(run)
    communication.show(run)

curves = curves_of(runs)
if not curves.empty:
    st.subheader("How did they learn?")
    told_of = {name: words for name, words in figures.CURVES.items() if curves[name].notna().any()}
    measure = selection.pick_one_of(told_of, "Measure", "measure")
    figure = figures.strategy_curves(curves, measure, f"{figures.CURVES[measure].capitalize()} of what is trained")
    charts.show(figure, curves, f"curves {measure}", f"{run.id}-curves")
    st.caption(
        "Average and majority vote are not trained, so they have no curve: they count what the local networks say. "
        "Bands show one standard deviation over seeds, and over subdomains for the local networks."
    )

paper.show_overview()
