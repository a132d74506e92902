"""Modules on devices: times by hand, brute force as the oracle of both exact searches, and what all must hold."""

import dataclasses
import subprocess
import sys
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddlab.pipeline.assignment import ASSIGNMENTS, Assignment, assign
from ddlab.pipeline.assignment_problem import AssignmentProblem, GeneticSettings, step_times
from ddlab.pipeline.assignment_search import MOST_WAYS, ways
from ddlab.pipeline.costs import Costs
from ddlab.pipeline.partition import balanced

FEW = GeneticSettings(population=12, generations=8)
NEARLY = 1 + 1e-9
TIMES = st.floats(0, 10).map(lambda time: round(time, 2))


@st.composite
def problems(draw, most_modules=6, most_devices=3, transfers=TIMES, speeds=True):
    modules, devices = draw(st.integers(1, most_modules)), draw(st.integers(1, most_devices))
    costs = draw(st.lists(TIMES, min_size=modules, max_size=modules))
    hops = draw(st.lists(transfers, min_size=modules - 1, max_size=modules - 1))
    rates = st.lists(st.sampled_from([0.5, 1.0, 2.0, 3.0]), min_size=devices, max_size=devices)
    chosen = draw(st.one_of(st.just([]), rates)) if speeds else []
    return AssignmentProblem((costs[0] + 0.01, *costs[1:]), devices, tuple(hops), tuple(hops), tuple(chosen))


def time_by_hand(problem, devices):
    """The formula, term by term, with none of the code under test."""
    speeds = problem.speeds or [1] * problem.num_devices
    work = [0.0] * problem.num_devices
    for cost, device in zip(problem.costs, devices, strict=True):
        work[device] += cost / speeds[device]
    crossing = sum(time for hop, time in enumerate(problem.transfers) if devices[hop] != devices[hop + 1])
    return max(work) + crossing


def consecutive(devices):
    """Every device has one run of modules at most."""
    starts = [device for at, device in enumerate(devices) if not at or devices[at - 1] != device]
    return len(starts) == len(set(starts))


def least(problem, allowed=lambda devices: True):
    every = product(range(problem.num_devices), repeat=problem.num_modules)
    return min(time_by_hand(problem, devices) for devices in every if allowed(devices))


# ---- by hand


def test_time_of_a_step_by_hand():
    problem = AssignmentProblem((4, 2, 3, 1), 2, (0.5, 0.25, 1), (8, 4, 16), (2, 1))
    found = Assignment(problem, (0, 0, 1, 0))
    assert found.loads == (3.5, 3) and found.crossings == (1, 2) and found.transfer == 1.25
    assert found.time == 4.75 and found.crossing_bytes == 20 and found.balance == pytest.approx(6.5 / 7)
    assert step_times(problem, [(0, 0, 1, 0), (1, 1, 1, 1), (0, 1, 0, 1)]).tolist() == [4.75, 10, 3.5 + 1.75]
    assert problem.lower_bound == 10 / 3 and found.title == "by hand"
    assert Assignment(dataclasses.replace(problem, hop_bytes=()), (0, 0, 1, 0)).crossing_bytes is None


def test_longest_first_misses_what_the_exact_search_finds():
    """Graham's example of two devices: 3 and 3, then 2, 2, 2; the best pairs the threes."""
    problem = AssignmentProblem((3, 2, 3, 2, 2), 2, (0,) * 4)
    assert {name: assign(problem, name).time for name in ("greedy", "contiguous", "exact")} == {
        "greedy": 7,
        "contiguous": 7,
        "exact": 6,
    }
    exact = assign(problem, "exact").devices
    assert {exact[0], exact[2]} & {exact[1], exact[3], exact[4]} == set()


@pytest.mark.parametrize(("hop", "time", "crossings"), [(0.2, 6.6, 3), (0.5, 7.5, 1), (3, 10, 1), (6, 12, 0)])
def test_slower_transfers_make_the_best_assignment_contiguous_and_then_one_device(hop, time, crossings):
    found = assign(AssignmentProblem((3, 2, 3, 2, 2), 2, (hop,) * 4), "exact")
    assert found.time == pytest.approx(time) and len(found.crossings) == crossings


def test_the_best_beginning_is_not_always_that_with_least_work():
    """4 | 3 and 5 costs 8 and 0.1, 4 and 3 | 5 costs 7 and 1: the last module takes 10, so that 8 is no loss."""
    problem = AssignmentProblem((4, 3, 5, 10), 3, (0.1, 1, 0.5))
    found = assign(problem, "contiguous")
    assert found.devices == (0, 1, 1, 2) and found.time == pytest.approx(10.6)


def test_the_fast_device_gets_more():
    problem = AssignmentProblem((1, 1, 1, 1), 2, (0, 0, 0), speeds=(1, 3))
    for method in ASSIGNMENTS:
        found = assign(problem, method)
        assert found.time == 1 and found.devices.count(1) == 3


@settings(deadline=None, max_examples=60)
@given(problems(most_devices=4), st.sampled_from(sorted(ASSIGNMENTS)))
def test_equal_devices_are_used_in_their_order(problem, method):
    used = list(dict.fromkeys(assign(problem, method, FEW).devices))
    speeds = problem.speeds or (1,) * problem.num_devices
    for speed in set(speeds):
        alike = [device for device in range(problem.num_devices) if speeds[device] == speed]
        taken = [device for device in used if speeds[device] == speed]
        assert taken == alike[: len(taken)]


def test_a_problem_of_a_pipelines_costs():
    costs = Costs((1, 2), (3, 4), (1, 1), (0.5,), hop_bytes=(10,))
    found = AssignmentProblem.of(costs, 2, num_micro_batches=4, speeds=(1, 2))
    assert found == AssignmentProblem((16, 24), 2, (4,), (80,), (1, 2))


# ---- brute force and properties


@settings(deadline=None, max_examples=150)
@given(problems())
def test_both_exact_searches_equal_brute_force(problem):
    exact, contiguous = assign(problem, "exact"), assign(problem, "contiguous")
    assert time_by_hand(problem, exact.devices) == pytest.approx(least(problem), rel=1e-9)
    assert time_by_hand(problem, contiguous.devices) == pytest.approx(least(problem, consecutive), rel=1e-9)
    assert consecutive(contiguous.devices) and exact.time == pytest.approx(time_by_hand(problem, exact.devices))


@settings(deadline=None, max_examples=60)
@given(problems(most_modules=8, most_devices=4))
def test_no_assignment_is_faster_than_the_exact_one_or_the_bound(problem):
    exact = assign(problem, "exact")
    assert exact.time * NEARLY >= problem.lower_bound
    for method in ASSIGNMENTS:
        found = assign(problem, method, FEW)
        assert exact.time <= found.time * NEARLY
        assert found.time == pytest.approx(time_by_hand(problem, found.devices))
        assert found.time == pytest.approx(float(step_times(problem, [found.devices])[0]))
        assert 0 < found.balance <= NEARLY and found.crossing_bytes == pytest.approx(found.transfer)


@settings(deadline=None, max_examples=60)
@given(problems(most_modules=8, most_devices=4, transfers=st.just(0.0), speeds=False))
def test_without_transfers_greedy_is_longest_processing_time_first_with_grahams_bound(problem):
    busy = [0.0] * problem.num_devices
    for cost in sorted(problem.costs, reverse=True):
        busy[busy.index(min(busy))] += cost
    greedy = assign(problem, "greedy")
    assert sorted(greedy.loads) == pytest.approx(sorted(busy))
    assert greedy.time <= (4 / 3 - 1 / (3 * problem.num_devices)) * assign(problem, "exact").time * NEARLY


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(1, 50), min_size=4, max_size=9), st.integers(1, 4))
def test_without_transfers_contiguous_is_the_balanced_partition(costs, devices):
    sizes = balanced(costs, devices)
    largest = max(sum(costs[sum(sizes[:at]) : sum(sizes[: at + 1])]) for at in range(devices))
    problem = AssignmentProblem(tuple(costs), devices, (0,) * (len(costs) - 1))
    assert assign(problem, "contiguous").time == pytest.approx(largest)


@settings(deadline=None, max_examples=40)
@given(problems(), st.integers(0, 5), st.sampled_from([0.0, 0.3, None, 1.0]))
def test_the_genetic_search_never_loses_what_it_found(problem, seed, mutation):
    chosen = GeneticSettings(population=8, generations=6, mutation=mutation, elite=1, seed=seed)
    found = assign(problem, "genetic", chosen)
    best = [each.best for each in found.history]
    assert len(best) == 7 and best == sorted(best, reverse=True)
    assert found.time == pytest.approx(best[-1]) and all(each.best <= each.mean * NEARLY for each in found.history)
    assert assign(problem, "genetic", chosen) == found


def test_the_genetic_search_begins_at_random_and_improves():
    generator = np.random.default_rng(0)
    costs, hops = tuple(generator.random(10) + 0.1), tuple(0.1 * generator.random(9))
    problem = AssignmentProblem(costs, 3, hops)
    found = [assign(problem, "genetic", GeneticSettings(seed=seed)) for seed in range(5)]
    assert len({each.history[0] for each in found}) == 5
    exact = assign(problem, "exact").time
    assert all(each.history[-1].best < each.history[0].best for each in found)
    assert min(each.time for each in found) == pytest.approx(exact) and max(each.time for each in found) < 1.1 * exact


def test_crossover_and_selection_work_without_mutation():
    """Only genes of the first generation are there to be put together, and that is enough to improve."""
    problem = AssignmentProblem(tuple(range(1, 17)), 4, (1,) * 15)
    about = {"population": 40, "generations": 20, "mutation": 0.0, "seed": 3}
    crossed = assign(problem, "genetic", GeneticSettings(**about, crossover=1.0)).history
    copied = assign(problem, "genetic", GeneticSettings(**about, crossover=0.0)).history
    assert copied[-1].best == copied[0].best and copied[-1].mean == pytest.approx(copied[-1].best)
    assert crossed[-1].best < crossed[0].best


@pytest.mark.parametrize("method", ASSIGNMENTS)
def test_one_device_has_all_the_work(method):
    found = assign(AssignmentProblem((1, 2, 3), 1, (5, 5), (7, 7), (2,)), method)
    assert found.devices == (0, 0, 0) and (found.time, found.balance, found.crossing_bytes) == (3, 1, 0)
    assert assign(AssignmentProblem((2,), 3, ()), method).time == 2


# ---- limits and errors


@pytest.mark.parametrize(("kinds", "number"), [((1,), 1), ((2,), 16), ((5,), 52), ((1, 1, 1), 243), ((2, 1), 122)])
def test_ways_are_those_that_brute_force_counts(kinds, number):
    assert ways(5, kinds) == number
    kind_of = [kind for kind, count in enumerate(kinds) for _ in range(count)]

    def canonical(devices):
        first = {device: devices.index(device) for device in devices}
        return tuple((kind_of[device], first[device]) for device in devices)

    assert len({canonical(devices) for devices in product(range(len(kind_of)), repeat=5)}) == number


@pytest.mark.parametrize(("devices", "most"), [(2, 21), (3, 14), (4, 12), (8, 11), (64, 11)])
def test_the_exact_search_says_up_to_which_size(devices, most):
    def problem(modules):
        return AssignmentProblem((1,) * modules, devices, (0,) * (modules - 1))

    assert ASSIGNMENTS["exact"].why_not(problem(most)) == "" and ways(most, (devices,)) <= MOST_WAYS
    sentence = f"costs: must be at most {most} for the exact .* {devices} devices, got {most + 1}; choices: 1 to {most}"
    with pytest.raises(ValueError, match=sentence):
        assign(problem(most + 1), "exact")
    assert ASSIGNMENTS["exact"].why_not(AssignmentProblem((1,) * 500, 1, (0,) * 499)) == ""


def test_too_many_speeds():
    speeds = tuple(range(1, 10))
    sentence = r"speeds: must be so few .* at most 256, got 512; choices: up to 8 devices of any speeds, or equal"
    with pytest.raises(ValueError, match=sentence):
        assign(AssignmentProblem((1, 1), 9, (0,), speeds=speeds), "contiguous")
    assert assign(AssignmentProblem((1, 1), 9, (0,), speeds=speeds), "exact").time == pytest.approx(1 / 8)


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (lambda: AssignmentProblem((1,), 0, ()), "num_devices: must be from 1 to 64, got 0; choices: 1 to 64"),
        (lambda: AssignmentProblem((1,), 65, ()), "num_devices: must be from 1 to 64, got 65"),
        (lambda: AssignmentProblem((), 1, ()), "costs: must be those of at least 1 module, got 0"),
        (lambda: AssignmentProblem((0, 0), 1, (1,)), "costs: one of them must be above 0, got 0"),
        (lambda: AssignmentProblem((1, -2), 1, (1,)), "costs: must be finite numbers from 0 on, got -2"),
        (lambda: AssignmentProblem((1, float("nan")), 1, (1,)), "costs: must be finite numbers from 0 on, got nan"),
        (lambda: AssignmentProblem((1, 2), 1, ()), "transfers: must have 1 values for 2 modules, got 0"),
        (lambda: AssignmentProblem((1, 2), 1, (1,), (1, 2)), "hop_bytes: must have 1 values for 2 modules, got 2"),
        (lambda: AssignmentProblem((1,), 2, (), speeds=(1,)), "speeds: must have 2 values for 2 devices, got 1"),
        (lambda: AssignmentProblem((1,), 2, (), speeds=(1, 0)), "speeds: must be above 0, got 0"),
        (lambda: AssignmentProblem.of(Costs.uniform(2, 1, 1), 2, 0), "num_micro_batches: must be at least 1, got 0"),
        (lambda: GeneticSettings(population=1), "population: must be from 2 to 10000, got 1"),
        (lambda: GeneticSettings(elite=0), "elite: must be from 1 to 99, got 0; choices: 1 to 99"),
        (lambda: GeneticSettings(tournament=101), "tournament: must be from 1 to 100, got 101"),
        (lambda: GeneticSettings(mutation=1.5), "mutation: must be from 0 to 1, got 1.5"),
        (lambda: GeneticSettings(crossover=float("nan")), "crossover: must be from 0 to 1, got nan"),
        (lambda: assign(AssignmentProblem((1,), 1, ()), "genetc"), "assignment: unknown 'genetc'; did you mean 'gene"),
        (lambda: Assignment(AssignmentProblem((1, 1), 2, (0,)), (0,)), "devices: must be one for each of the 2 mod"),
        (lambda: Assignment(AssignmentProblem((1, 1), 2, (0,)), (0, 2)), "devices: must be from 0 to 1, got 2; choi"),
    ],
)
def test_what_cannot_be_is_a_sentence(made, sentence):
    with pytest.raises(ValueError, match=sentence):
        made()


def test_every_entry_is_described_and_needs_no_torch():
    assert all(entry.title and entry.description and entry.reference for entry in ASSIGNMENTS.values())
    code = "from ddlab.pipeline.assignment import *\nimport ddlab.pipeline.replicas, sys\n"
    code += "[entry.load() for entry in ASSIGNMENTS.values()]\nassert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
