"""The learning curves of a run on a page: a chart a stage, that keeps its zoom while it grows."""

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from ddlab.analyses.comparison.accuracy import learning_curves
from ddlab.analyses.comparison.stages import in_order, stage_title
from ddlab.figures.comparison.learning import MEASURES, stage_curves
from ddlab.runs import RunFolder
from pages.ui import charts, results

COLUMNS = 2


def learning(run: RunFolder, seed: int, measure: str) -> None:
    """Draw the curves of all stages that have begun."""
    curves = learning_curves(run)
    curves = curves[curves["seed"] == seed]
    if curves.empty:
        st.caption("The curves appear with the first epoch; loading PyTorch takes some seconds.")
        return
    st.caption("Draw a box in a chart to zoom.")
    stages, baseline = in_order(curves["stage"]), results.baseline([run], "validation")
    columns = st.columns(min(COLUMNS, len(stages)))
    for index, stage in enumerate(stages):
        figure = stage_curves(curves, stage, stage_title(stage), measure, baseline)
        with columns[index % COLUMNS]:
            _growing(
                figure, curves[curves["stage"] == stage], f"{run.id} {seed} {stage} {measure}", f"{run.id}-{stage}"
            )


def _growing(figure: go.Figure, table: pd.DataFrame, key: str, name: str) -> None:
    """Draw a chart that keeps its zoom while it grows.

    Streamlit takes a chart down when its data change, and plotly's own zoom with it. So a box drawn in the chart is
    kept here, and the next chart is drawn with its ranges.
    """
    zoom = st.session_state.setdefault("zoomed charts", {})

    def zoomed() -> None:
        boxes = st.session_state[key].selection.box
        if boxes:
            zoom[key] = boxes[-1]

    if key in zoom:
        figure.update_xaxes(range=sorted(zoom[key]["x"])).update_yaxes(range=sorted(zoom[key]["y"]))
    figure.update_layout(dragmode="select")
    charts.show(figure, table, key, name, on_select=zoomed, selection_mode="box")
    if key in zoom:
        st.button(
            "Show the whole curve", icon=":material/zoom_out_map:", key=f"{key} whole", on_click=zoom.pop, args=(key,)
        )


def pick_measure() -> str:
    """Let the measure that the curves show be chosen."""
    return st.segmented_control(
        "Measure",
        list(MEASURES),
        default="accuracy",
        required=True,
        format_func=lambda name: MEASURES[name],
        key="measure",
    )
