"""Attributions of the DNNs, and how training as one model changes what the local networks say."""

import streamlit as st

from ddlab.analyses.decisions.local_vs_coherent import change_of_accuracy, change_table
from ddlab.analyses.decisions.probabilities import Outcomes, attribution_table
from ddlab.experiment import Experiment
from ddlab.figures.decisions import probabilities as figures
from ddlab.registry.strategies import STRATEGIES
from ddlab.strategies.explanation import Explanation
from ddlab.written import percent
from pages.ui import charts, held, selection


@held.fragment
def show(experiment: Experiment, outcomes: Outcomes, explanation: Explanation, index: int) -> None:
    """Draw what one of the DNNs listens to in an image and, of a coherent model, how its local networks changed."""
    st.header("What does the DNN listen to?")
    titles = {name: STRATEGIES[name].title for name in explanation.attributions}
    strategy = selection.pick_one_of(titles, "Whose DNN", "dnn")
    _attributions(experiment, explanation, strategy, index)
    if strategy in explanation.own_local and outcomes.local is not None:
        _change(explanation, strategy, index)
        _change_of_accuracy(outcomes, strategy)
    elif strategy in explanation.own_local:
        st.caption("Its local networks were only trained as parts of it: there are none on their own to compare with.")


def _attributions(experiment: Experiment, explanation: Explanation, strategy: str, index: int) -> None:
    values_NK = explanation.attributions[strategy]
    decided = explanation.classes[explanation.decisions[strategy]]
    title = f"What {STRATEGIES[strategy].title} listens to: blue speaks for {decided}, red against it"
    figure = figures.attribution_map(values_NK, explanation.classes, title)
    charts.show(figure, attribution_table(explanation, strategy), "attributions", f"attributions-{strategy}-{index}")
    logits = strategy in explanation.own_local and experiment.coherent.outputs == "logits"
    nothing = "all logits 0" if logits else "all probabilities 1/K"
    st.caption(
        f"Integrated gradients (Sundararajan et al. 2017): what each local {'logit' if logits else 'probability'} adds "
        f"to the log-probability of the decided class, compared with local networks that know nothing ({nothing})."
    )


def _change(explanation: Explanation, strategy: str, index: int) -> None:
    table = change_table(explanation, strategy)
    before, after = st.columns(2)
    shown = ((before, "On their own", explanation.local_NK), (after, "As one model", explanation.heard(strategy)))
    for place, when, values_NK in shown:
        with place:
            title = f"{when}: what the local networks say of this image"
            figure = figures.local_heat_map(values_NK, explanation.classes, explanation.truth, title)
            charts.show(figure, table, f"change {when}", f"change-{strategy}-{index}")


def _change_of_accuracy(outcomes: Outcomes, strategy: str) -> None:
    table = change_of_accuracy(outcomes, strategy)
    title = f"Accuracy of each local network alone, before and after {STRATEGIES[strategy].title} trained it further"
    if strategy == "coherent":
        title = f"Accuracy of each local network alone, trained on its own and by {STRATEGIES[strategy].title}"
    figure = figures.change_bars(table["before"].to_numpy(), table["after"].to_numpy(), strategy, title)
    charts.show(figure, table, "change of accuracy", f"change-{strategy}")
    st.caption(
        "As parts of one model the local networks are no longer asked to name the class, only to help the DNN: bars "
        "that fall are not a fault. On average they name the class that they name on their own for "
        f"{percent(table['kept'].mean(), 0)} of the validation images."
    )
