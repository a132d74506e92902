"""Assignments drawn: every module in its device's colour and place, the generations, and the line below them."""

import dataclasses

import numpy as np
import pytest

from ddlab.analyses.pipeline.assignment import assign_all, placement_table, replica_table
from ddlab.figures.pipeline.assignment import PARTS, device_color, evolution, placement, replicas
from ddlab.pipeline.assignment import assign
from ddlab.pipeline.assignment_problem import AssignmentProblem, GeneticSettings
from ddlab.pipeline.replicas import HybridProblem

PROBLEM = AssignmentProblem((3, 2, 3, 2, 2), 3, (0.5, 0.5, 0.5, 0.5))


def title(figure):
    return figure.layout.title.text.replace("<br>", " ")


def test_every_module_is_drawn_once_in_its_place_and_in_the_colour_of_its_device():
    found = assign_all(PROBLEM)
    figure = placement(placement_table(found), "ms")
    starts = np.cumsum([0, *PROBLEM.costs[:-1]])
    drawn = set()
    for trace in figure.data:
        device = int(trace.name.removeprefix("device "))
        assert trace.marker.color == device_color(device) and set(trace.text) == {str(device)}
        drawn |= {(*cell, device) for cell in zip(trace.y, trace.base, trace.x, trace.customdata, strict=True)}
    expected = {
        (f"{each.title}<br>{each.time:.4g} ms", starts[module], PROBLEM.costs[module], module, device)
        for each in found.values()
        for module, device in enumerate(each.devices)
    }
    assert drawn == expected and len({trace.marker.color for trace in figure.data}) == len(figure.data)
    assert title(figure) == "5 modules on devices: the shortest step takes 6 ms"
    assert figure.layout.xaxis.title.text == "work of the modules, first to last, in ms"
    assert list(figure.layout.yaxis.categoryarray) == [f"{each.title}<br>{each.time:.4g} ms" for each in found.values()]


def test_generations_and_the_exact_optimum():
    found, exact = assign(PROBLEM, "genetic", GeneticSettings(generations=20)), assign(PROBLEM, "exact")
    figure = evolution(found, exact, "ms")
    mean, best = figure.data
    assert list(best.x) == list(range(21)) and list(best.y) == [each.best for each in found.history]
    assert list(mean.y) == [each.mean for each in found.history]
    (line,), (note,) = figure.layout.shapes, figure.layout.annotations
    assert line.y0 == line.y1 == exact.time and note.text == f"exact optimum: {exact.time:.4g} ms"
    low, high = figure.layout.yaxis.range
    assert low < exact.time and max(mean.y) < high
    first = list(best.y).index(pytest.approx(exact.time))
    assert title(figure) == f"The genetic search finds a best assignment in generation {first}"


def test_a_search_that_misses_the_optimum_says_by_how_much():
    slow = dataclasses.replace(PROBLEM, transfers=(3, 3, 3, 3))
    found = assign(slow, "genetic", GeneticSettings(population=2, generations=0, tournament=1, elite=1))
    exact = assign(slow, "exact")
    over = 100 * (found.time / exact.time - 1)
    assert over > 1
    assert (
        title(evolution(found, exact)) == f"The genetic search ends {over:.1f}\u00a0% above the best of all assignments"
    )
    figure = evolution(found)
    over = 100 * (found.time / 4 - 1)
    assert figure.layout.shapes[0].y0 == PROBLEM.lower_bound == 4
    assert figure.layout.annotations[0].text == "lower bound, without transfers: 4"
    assert title(figure) == f"The genetic search ends {over:.1f}\u00a0% above a bound that no assignment goes below"


def test_the_time_of_a_step_by_what_it_is_spent_on():
    problem = HybridProblem((8, 8), (0.1,), (20, 20), num_machines=4, bandwidth=10, batch_size=6)
    table = replica_table(problem)
    figure = replicas(table)
    assert [trace.name for trace in figure.data] == [name for name, _ in PARTS.values()]
    for part, trace in zip(PARTS, figure.data, strict=True):
        assert list(trace.x) == ["1 × 4", "2 × 2"] and list(trace.y) == list(table[part][:2])
    assert title(figure) == ("4 machines: fastest as 2 replicas on 2 devices each, 2.66 times as fast as one machine")


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (lambda: evolution(assign(PROBLEM, "greedy")), "found: must be of a search with generations, got 'Greedy'"),
        (
            lambda: evolution(assign(PROBLEM), assign(dataclasses.replace(PROBLEM, num_devices=2), "exact")),
            "exact: must be of the same problem",
        ),
        (lambda: placement(placement_table({})), "table: must have at least 1 assignment, got 0"),
    ],
)
def test_what_cannot_be_is_a_sentence(made, sentence):
    with pytest.raises(ValueError, match=sentence):
        made()
