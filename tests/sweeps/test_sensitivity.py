"""Sweeps of radii and rates: what is planned, what is left to do, and that no other sweep is mistaken for one."""

import math

import pytest

from ddlab.experiment import ExperimentError
from ddlab.registry.strategies import COMPARED_BY_APTS
from ddlab.runs import list_runs
from ddlab.sweeps import decompositions as sweeps
from ddlab.sweeps.decompositions import by_sweep, plan_sweep, start
from ddlab.sweeps.sensitivity import (
    PAPER_RATES,
    log_grid,
    plan_sensitivity,
    planned_runs,
    sweep_name,
    tunable,
    varied,
    vary,
)
from tests.made_run import made_experiment, made_run
from tests.tuned_run import tuned_base, tuned_run


@pytest.mark.parametrize(("decades", "in_a_decade", "count"), [(5, 2, 11), (5, 1, 6), (5, 3, 16), (2, 2, 5)])
def test_the_grid_is_nearly_even_in_its_logarithm(decades, in_a_decade, count):
    grid = log_grid(decades, in_a_decade)
    assert len(grid) == count and grid[-1] == 1
    assert math.log10(grid[-1] / grid[0]) == pytest.approx(decades)
    apart = [math.log10(b / a) for a, b in zip(grid, grid[1:], strict=False)]
    assert min(apart) > 0.9 / in_a_decade * 0.98 and max(apart) < 1.2 / in_a_decade


def test_the_papers_grid_has_13_rates_with_both_best_ones():
    assert len(set(PAPER_RATES)) == 13 and {0.0025, 0.001} < set(PAPER_RATES)
    assert (min(PAPER_RATES), max(PAPER_RATES)) == (1e-4, 0.1)


def test_every_strategy_of_the_paper_has_a_number():
    assert set(tunable()) == set(COMPARED_BY_APTS)


@pytest.mark.parametrize("strategy", tunable())
@pytest.mark.parametrize("value", [1e-5, 0.01, 7.0])
def test_a_run_has_one_strategy_and_nothing_else_is_changed(strategy, value):
    base = tuned_base(trust_region={"lower": 0.1}, seeds=[0, 1])
    found = vary(base, strategy, value)
    assert varied(found) == (strategy, value)
    assert found.placement.workers == 1 and found.sweep == "made sensitivity"
    own = found.trust_region
    assert own.min_radius <= own.radius <= own.max_radius  # the bounds make room, and no more
    if value == 0.01 or tunable()[strategy].startswith("descent"):
        assert (own.min_radius, own.max_radius) == (base.trust_region.min_radius, base.trust_region.max_radius)
    alike = {"name", "sweep", "strategies", "placement", "trust_region", "descent"}
    assert found.model_dump(exclude=alike) == base.model_dump(exclude=alike)
    assert own.lower == 0.1


def test_the_plan_goes_value_by_value():
    planned = plan_sensitivity(tuned_base(), ["adam", "sapts", "adam"], [1.0, 0.1, 1.0])
    assert [varied(e) for e in planned] == [("adam", 0.1), ("sapts", 0.1), ("adam", 1.0), ("sapts", 1.0)]
    assert len(plan_sensitivity(tuned_base())) == 33


@pytest.mark.parametrize(
    ("strategies", "values", "message"),
    [
        (["adamm"], [1], "did you mean 'adam'"),
        (["adam"], [], "needs a value and a strategy"),
        ([], [1], "needs a value and a strategy"),
        (["adam"], [1, -1], "above 0, got -1"),
        (["sapts"], [math.nan], "above 0, got nan"),
        (["sgd"], [20], "descent.sgd_rate: must be less than or equal to 10, got 20"),
    ],
)
def test_what_cannot_be_planned_is_said(strategies, values, message):
    with pytest.raises(ExperimentError, match=message):
        plan_sensitivity(tuned_base(), strategies, values)


def test_what_no_value_changes_is_checked_before_anything_starts():
    with pytest.raises(ExperimentError, match="apts.subdomains: every one needs an image"):
        plan_sensitivity(tuned_base(apts={"subdomains": 200}), ["adam", "sapts"], [0.1])


@pytest.fixture
def launched(monkeypatch):
    """Ids of the runs that are launched and resumed, without a process."""
    found = {"launch": [], "resume": []}
    for name, ids in found.items():
        monkeypatch.setattr(sweeps, name, lambda run, ids=ids: ids.append(run.id))
    return found


def test_what_finished_or_diverged_is_not_trained_again(launched):
    base = tuned_base()
    done, gone = tuned_run("adam", 0.1, [0.9]), tuned_run("adam", 1.0, state="diverged")
    failed = tuned_run("sapts", 0.1, state="failed")
    planned = plan_sensitivity(base, ["adam", "sapts"], [0.1, 1.0])
    todo = planned_runs(base, planned, by_sweep(list_runs(), tuned=True)[sweep_name(base)])
    assert [step.run and step.run.id for step in todo] == [done.id, failed.id, gone.id, None]
    assert [step.is_open for step in todo] == [False, True, False, True]
    runs = start(todo)
    assert launched == {"launch": [runs[3].id], "resume": [failed.id]}
    assert runs[3].experiment == vary(base, "sapts", 1.0)


def test_another_experiment_of_the_same_name_is_refused_whichever_value_it_has(launched):
    start(planned_runs(tuned_base(), plan_sensitivity(tuned_base(), ["sapts"], [1e-5]), []))
    other = tuned_base(trust_region={"lower": 0.1})
    with pytest.raises(ExperimentError, match="trust_region.lower 0.25 in place of 0.1; give this one another name"):
        planned_runs(other, plan_sensitivity(other, ["adam"], [1.0]), list_runs())


def test_the_two_kinds_of_sweep_are_kept_apart():
    tuned = tuned_run("adam", 0.1, [0.9])
    cut = made_run(experiment=plan_sweep(made_experiment(name="made sensitivity"), [(2, 2)])[0].problem.experiment)
    assert [run.id for run in by_sweep(list_runs())["made sensitivity"]] == [cut.id]
    assert [run.id for run in by_sweep(list_runs(), tuned=True)["made sensitivity"]] == [tuned.id]
    with pytest.raises(ExperimentError, match="needs one that asks local networks, got only sapts, adam"):
        plan_sweep(made_experiment(strategies=["sapts", "adam"]), [(2, 2)])


def test_names_fit_their_fields():
    long = tuned_base(name="x" * 80)
    found = vary(long, "trust_region", 1e-5)
    assert found.sweep.endswith("x sensitivity") and len(found.sweep) == 60
