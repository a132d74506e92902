"""What the playground draws: the ball of every norm, steps where they are, and what is rejected, open."""

from itertools import product

import numpy as np
import pytest

from ddlab.analyses.trust_region.landscapes import LANDSCAPES
from ddlab.analyses.trust_region.plane_models import length
from ddlab.analyses.trust_region.plane_steps import METHODS, Walk
from ddlab.analyses.trust_region.playground import walk
from ddlab.figures.colors import class_color
from ddlab.figures.trust_region.playground import ball, path_figure, step_color, step_figure
from ddlab.figures.trust_region.playground_history import timeline

SINE = LANDSCAPES["sine"]


def paths(**settings):
    start = (3.2, 1.8)
    return {method: walk(Walk("sine", start, method, 1.0, **settings)) for method in METHODS}


def traces(figure, word):
    return [trace for trace in figure.data if word in (trace.name or "")]


@pytest.mark.parametrize("norm", ["2", "1", "inf"])
def test_a_ball_is_as_far_everywhere_as_its_radius(norm):
    centre = np.array([1.0, -2.0])
    assert [length(point - centre, norm) for point in ball(centre, 0.3, norm)] == pytest.approx([0.3] * 121)


def test_the_path_ends_where_the_step_begins_and_others_have_come_as_far():
    shown = paths()
    figure = path_figure(SINE, shown, 2, "2", "The way")
    for method, steps in shown.items():
        (line,) = traces(figure, METHODS[method])
        assert len(line.x) == 3
        assert (line.x[1], line.y[1]) == pytest.approx(steps[1].here.point)
    (circle,) = traces(figure, "ball of step 2")
    assert np.hypot(np.ptp(circle.x), np.ptp(circle.y)) == pytest.approx(np.sqrt(8) * shown["apts"][1].radius, rel=1e-3)


def test_a_step_has_the_way_of_every_subdomain_and_its_trials_filled_where_taken():
    step = paths(num_subdomains=4)["apts"][1]
    figure = step_figure(SINE, step, "apts", "2", "f", "A step")
    for index, found in enumerate(step.walks):
        arrow = next(trace for trace in figure.data if trace.name == f"subdomain {index + 1}")
        assert arrow.line.color == class_color(index)
        assert (arrow.x[-1], arrow.y[-1]) == pytest.approx(step.here.point + found.step)
    assert not step.additive.accepted and step.trials[-1].accepted
    (rejected,) = traces(figure, "their sum, rejected")
    (taken,) = traces(figure, "step on f, taken")
    assert rejected.marker.symbol == "circle-open" and taken.marker.symbol == "circle"
    assert (taken.x[0], taken.y[0]) == pytest.approx(step.there.point)
    assert taken.marker.color == step_color("apts") == step_color("trust_region")


@pytest.mark.parametrize(("order", "norm"), [(1, "2"), (1, "1"), (1, "inf"), (2, "2")])
def test_the_model_is_drawn_in_its_ball_and_agrees_with_f_where_it_begins(order, norm):
    step = paths(order=order, norm=norm)["trust_region"][1]
    trial = step.trials[-1]
    contours = step_figure(SINE, step, "trust_region", norm, "model", "A step").data[0]
    for (row, y), (column, x) in product(enumerate(contours.y), enumerate(contours.x)):
        away = length(np.array([x, y]) - trial.here.point, norm)
        if abs(away - trial.radius) > 1e-3 * trial.radius:
            assert np.isfinite(contours.customdata[row][column]) == (away < trial.radius)
    assert trial.model(*trial.here.point) == pytest.approx(trial.here.loss)
    assert trial.model(*trial.there.point) == pytest.approx(trial.here.loss - trial.predicted)
    assert np.nanmin(contours.customdata) >= trial.here.loss - trial.predicted - 1e-6


def test_a_subdomains_contours_are_as_steep_as_f_where_the_step_begins():
    step = paths()["apts"][1]
    for surface in ("f", "1", "2"):
        contours = step_figure(SINE, step, "apts", "2", surface, "A step").data[0]
        values, x, y = np.array(contours.customdata), contours.x, contours.y
        column, row = np.abs(x - step.here.point[0]).argmin(), np.abs(y - step.here.point[1]).argmin()
        slope = [values[row, column + 1] - values[row, column - 1], values[row + 1, column] - values[row - 1, column]]
        assert slope / np.array([x[2] - x[0], y[2] - y[0]]) == pytest.approx(step.here.gradient, abs=0.03)


def test_the_timeline_marks_the_step_and_opens_what_was_rejected():
    shown = paths()
    figure = timeline(shown, 2, "All steps")
    (sums,) = traces(figure, "ρ of the sum")
    opened = [symbol.endswith("-open") for symbol in sums.marker.symbol]
    assert opened == [not step.additive.accepted for step in shown["apts"]]
    bands = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    assert {(band.x0, band.x1) for band in bands} == {(1, 2)}
    descent = timeline({"descent": shown["descent"]}, 1, "Descent")
    assert not traces(descent, "ρ")  # nothing is predicted, so nothing is judged


def test_what_gradient_descent_loses_leaves_the_picture():
    steps = {method: walk(Walk("valley", (-1.5, 0.0), method, rate=0.5)) for method in METHODS}
    figure = timeline(steps, 1, "All steps", wide=True)
    least, most = 10 ** np.array(figure.layout.yaxis.range)
    start = steps["apts"][0].here.loss
    assert steps["descent"][-1].there.loss > 1e6 > most > start
    assert least < steps["apts"][-1].there.loss
