"""The history drawn: what stands where, and what is rejected is marked in every panel."""

import math

import numpy as np
import pytest

from ddlab.analyses.trust_region.history import epoch_table, step_table
from ddlab.figures.trust_region.history import SHOWN_RATIOS, history_panels
from tests.made_trust_region import made_trust_region_run, step


def drawn(strategy="apts", **made):
    run = made_trust_region_run(**made)
    return history_panels(step_table(run, strategy, 0), epoch_table(run, strategy, 0), strategy, "title")


def traces(figure, name):
    return [trace for trace in figure.data if trace.name == name]


def titles(figure):
    return [note.text for note in figure.layout.annotations]


@pytest.mark.parametrize("strategy", ["apts", "trust_region"])
def test_a_rejected_step_has_the_same_mark_in_every_panel(strategy):
    figure = drawn(strategy, steps=[step(), step(accepted=False, ratio=-9.0), step()])
    name = "additive step rejected" if strategy == "apts" else "step rejected"
    marks = traces(figure, name)
    assert {trace.xaxis for trace in marks} == {trace.xaxis for trace in figure.data} and len(marks) == 5
    assert all(list(trace.x) == [2, 5, 8] and trace.marker.symbol == "x-thin" for trace in marks)
    assert sum(trace.showlegend for trace in marks) == 1


def test_a_mark_of_the_accuracy_stands_on_its_line():
    figure = drawn(steps=[step(accepted=False)])
    (curve,) = traces(figure, "validation images")
    mark = next(t for t in traces(figure, "additive step rejected") if t.yaxis == curve.yaxis)
    np.testing.assert_allclose(mark.y[1:], curve.y[:-1])  # step k begins where epoch k - 1 has ended


def test_a_rejected_global_iteration_stands_half_a_step_later():
    marks = traces(drawn(steps=[step(), step(global_accepted=False)]), "global iteration rejected")
    assert len(marks) == 5 and all(list(trace.x) == [2.5, 4.5, 6.5] for trace in marks)


def test_ratios_beyond_the_panel_stand_at_its_edge_with_a_mark_and_their_number():
    (line,) = traces(drawn(steps=[step(ratio=0.5), step(ratio=-40.0), step(ratio=7.0)]), "additive step")
    low, high = SHOWN_RATIOS
    assert list(line.y[:3]) == [0.5, low, high]
    assert list(line.marker.symbol[:3]) == ["circle", "triangle-down", "triangle-up"] and line.text[1] == "-40"


def test_the_radius_goes_down_and_up_within_a_step():
    steps = [step(0.16, accepted=False, after=0.08, global_radius=0.08), step(0.16)]
    figure = drawn(steps=steps, last_radius=0.16)
    line = next(trace for trace in figure.data if trace.hovertemplate == "Δ = %{y:.3g}")
    np.testing.assert_allclose(line.x[:4], [1, 1.25, 1.5, 2])
    np.testing.assert_allclose(line.y[:4], [0.16, 0.08, 0.08, 0.16])
    bounds = [note.y for note in figure.layout.annotations if note.text.startswith("Δ")]
    assert bounds == [math.log10(0.001), math.log10(4)]


def test_negative_decreases_are_below_zero_and_subdomains_have_lines():
    figure = drawn(steps=[step(ratio=1.0), step(accepted=False, ratio=-1.0)])
    (actual,) = traces(figure, "actual decrease")
    assert actual.y[0] == -actual.y[1] > 0
    assert len(traces(figure, "subdomain 1")) == len(traces(figure, "subdomain 2")) == 1


def test_curvature_has_a_panel_where_there_is_one():
    flat, bent = drawn(), drawn(steps=[step(global_smallest=-3.0), step(global_smallest=2.0)])
    assert not any("eigenvalue" in title for title in titles(flat)) and any("eigenvalue" in t for t in titles(bent))
    curve = traces(bent, "global iteration")[-1]
    assert curve.y[0] < 0 < curve.y[1] and list(curve.text[:2]) == ["-3", "2"]
