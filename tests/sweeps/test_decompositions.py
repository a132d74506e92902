"""Sweeps: what is planned, what is left to do, and that nothing is trained twice."""

import pytest

from ddlab.experiment import ExperimentError
from ddlab.recipes import RECIPES
from ddlab.runs import list_runs
from ddlab.sweeps import decompositions as sweeps
from ddlab.sweeps.decompositions import by_sweep, default_grids, plan_sweep, planned_runs, start
from tests.made_run import made_experiment, made_run


def planned(base=None, **choices):
    return plan_sweep(base or made_experiment(), **{"grids": [(2, 2)], "overlaps": (0, 2)} | choices)


@pytest.fixture
def launched(monkeypatch):
    """Ids of the runs that are launched and resumed, without a process."""
    found = {"launch": [], "resume": []}
    for name, ids in found.items():
        monkeypatch.setattr(sweeps, name, lambda run, ids=ids: ids.append(run.id))
    return found


def test_the_runs_differ_in_their_decomposition_only_and_the_global_network_is_trained_once():
    base = made_experiment()
    experiments = [variant.problem.experiment for variant in planned(base)]
    assert len(experiments) == 6
    assert [("global" in experiment.strategies) for experiment in experiments] == [True] + 5 * [False]
    own = set(sweeps.OWN)
    assert {experiment.model_dump_json(exclude=own) for experiment in experiments} == {
        base.model_dump_json(exclude=own)
    }
    assert {experiment.sweep for experiment in experiments} == {"made"}
    assert len({experiment.decomposition for experiment in experiments}) == 6
    assert {experiment.placement.workers for experiment in experiments} == {1}  # a device each


def test_what_does_not_fit_is_left_out_with_the_reason_and_the_next_trains_the_global_network():
    variants = planned(grids=[(3, 3), (2, 2)], layouts=["grid"], overlaps=[0, 17])
    assert [variant.problem is None for variant in variants] == [True, True, False, True]
    assert "32 is not divisible by 3" in variants[0].reason
    assert "overlap 17 px does not fit" in variants[3].reason
    assert "global" in variants[2].problem.experiment.strategies


@pytest.mark.parametrize(
    ("base", "choices", "message"),
    [
        ({"strategies": ["global"]}, {}, "needs one that asks local networks"),
        ({}, {"layouts": ["shiftd"]}, "did you mean 'shifted'"),
        ({}, {"overlaps": []}, "needs a grid, a layout and an overlap"),
        ({}, {"overlaps": [20]}, "overlap 20 px does not fit"),
    ],
)
def test_a_sweep_of_nothing_says_why(base, choices, message):
    with pytest.raises(ExperimentError, match=message):
        planned(made_experiment(**base), **choices)


def test_the_grids_to_begin_with_are_the_experiments_and_a_finer_one():
    assert default_grids(made_experiment()) == [(2, 2), (4, 4)]
    assert default_grids(made_experiment(decomposition={"grid": [1, 2]})) == [(1, 2), (1, 4)]
    assert default_grids(RECIPES["ct_phantom"]()) == [(2, 2, 1), (4, 4, 1)]


def test_what_is_there_is_not_trained_again(launched):
    variants = planned(layouts=["grid", "shifted"])
    first, second, third, fourth = (variant.problem.experiment for variant in variants)
    done, failed, works = made_run(experiment=first), made_run("failed", second), made_run("running", third)
    todo = planned_runs(variants, by_sweep(list_runs())["made"])
    assert [step.run and step.run.id for step in todo] == [done.id, failed.id, works.id, None]
    runs = start(todo, "ddlab sweep")
    assert launched == {"launch": [runs[3].id], "resume": [failed.id]}
    assert runs[3].experiment == fourth and runs[3].command == "ddlab sweep"
    assert len(list_runs()) == 4
    assert not any(step.is_open for step in planned_runs(planned(layouts=["grid"], overlaps=[0]), list_runs()))


def test_a_sweep_that_grows_to_the_front_trains_no_second_global_network(launched):
    start(planned_runs(planned(overlaps=[2]), []))
    todo = planned_runs(planned(overlaps=[0, 2]), by_sweep(list_runs())["made"])
    assert [step.run is None for step in todo] == [True, False] * 3
    assert not any("global" in step.experiment.strategies for step in todo if step.run is None)


def test_another_experiment_of_the_same_name_is_refused(launched):
    start(planned_runs(planned(overlaps=[0]), []))
    with pytest.raises(ExperimentError, match="training.epochs 6 in place of 3; give this one another name"):
        planned_runs(planned(made_experiment(training={"epochs": 3})), by_sweep(list_runs())["made"])
    with pytest.raises(ExperimentError, match="local strategies"):
        planned_runs(planned(made_experiment(strategies=["average"])), by_sweep(list_runs())["made"])


def test_runs_of_no_sweep_are_left_out():
    made_run("queued")
    assert by_sweep(list_runs()) == {}
