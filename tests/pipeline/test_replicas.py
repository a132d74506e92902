"""Machines as replicas of devices: times by hand, the two ends of the list, and a sentence for what cannot be."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddlab.pipeline.assignment import ASSIGNMENTS
from ddlab.pipeline.replicas import HybridProblem, fastest, use_machines, ways_to_use

EVEN = HybridProblem((4, 4), (8,), (10, 30), num_machines=4, bandwidth=10, batch_size=8)
POSITIVE = st.floats(0.01, 10).map(lambda number: round(number, 2))


@st.composite
def problems(draw):
    modules, machines = draw(st.integers(1, 5)), draw(st.integers(1, 8))
    costs, parameters = (tuple(draw(st.lists(POSITIVE, min_size=modules, max_size=modules))) for _ in "cw")
    hops = tuple(draw(st.lists(POSITIVE, min_size=modules - 1, max_size=modules - 1)))
    return HybridProblem(costs, hops, parameters, machines, draw(POSITIVE), draw(st.integers(1, 16)))


def test_times_by_hand():
    cut, both, data = ways_to_use(EVEN)
    # one replica: a module on each of two of four machines, and the hop's 8 bytes
    assert (cut.num_replicas, cut.num_devices, cut.compute, cut.all_reduce) == (1, 4, 4, 0)
    assert cut.time == pytest.approx(4 + 0.8) and cut.sent_bytes == 8
    # two replicas of two machines: half the work, half the hop, and 2·(1/2)·30 bytes of the larger module
    assert both.time == pytest.approx(2 + 0.4 + 3) and both.device_parameters == (10, 30)
    assert both.sent_bytes == 8 + 2 * 40
    # four replicas of one machine: a quarter of the work, no hop, and 2·(3/4)·40 bytes
    assert data.time == pytest.approx(2 + 6) and data.sent_bytes == 6 * 40
    assert fastest([cut, both, data]) is cut


def test_bandwidth_decides_what_to_cut():
    """Few parameters or a fast network: the data. A slow network and many parameters: the layers."""
    uneven = dataclasses.replace(EVEN, costs=(5, 3))
    found = {rate: fastest(ways_to_use(dataclasses.replace(uneven, bandwidth=rate))).num_replicas for rate in (1e6, 5)}
    assert found == {1e6: 4, 5: 1}
    light = dataclasses.replace(EVEN, parameter_bytes=(0, 0), bandwidth=0.001)
    assert fastest(ways_to_use(light)).num_replicas == 4


def test_between_the_two_lies_a_best_that_is_neither():
    problem = HybridProblem((8, 8), (0.1,), (20, 20), num_machines=4, bandwidth=10, batch_size=4)
    times = {way.num_replicas: way.time for way in ways_to_use(problem)}
    assert times == pytest.approx({1: 8.01, 2: 4.005 + 2, 4: 4 + 6})
    assert fastest(ways_to_use(problem)).num_replicas == 2


@settings(deadline=None, max_examples=60)
@given(problems())
def test_the_ends_are_plain_data_parallelism_and_a_network_that_is_only_cut(problem):
    ways = ways_to_use(problem)
    counts = [way.num_replicas for way in ways]
    machines, batch = problem.num_machines, problem.batch_size
    assert counts == [count for count in range(1, machines + 1) if machines % count == 0 and batch % count == 0]
    assert all(way.num_replicas * way.num_devices == machines for way in ways)
    assert ways[0].all_reduce == 0 and fastest(ways).time == min(way.time for way in ways)
    for way in ways:
        assert way.time == pytest.approx(way.compute + way.assignment.transfer + way.all_reduce)
        assert sum(way.device_parameters) == pytest.approx(sum(problem.parameter_bytes))
    if counts[-1] == machines:
        alone = sum(problem.costs) / machines
        ring = 2 * (machines - 1) / machines * sum(problem.parameter_bytes) / problem.bandwidth
        assert ways[-1].time == pytest.approx(alone + ring) and ways[-1].assignment.transfer == 0


@pytest.mark.parametrize("method", ASSIGNMENTS)
def test_every_way_to_assign_will_do(method):
    assert [way.assignment.method for way in ways_to_use(EVEN, method)] == [method] * 3


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (lambda: use_machines(EVEN, 3), "num_replicas: must divide the 4 machines, got 3; choices: 1, 2, 4"),
        (lambda: use_machines(EVEN, 0), "num_replicas: must divide the 4 machines, got 0; choices: 1, 2, 4"),
        (
            lambda: use_machines(dataclasses.replace(EVEN, batch_size=6), 4),
            "num_replicas: must divide the batch of 6, got 4; choices: 1, 2",
        ),
        (lambda: use_machines(EVEN, 2, "genes"), "assignment: unknown 'genes'; did you mean 'genetic'"),
        (lambda: dataclasses.replace(EVEN, num_machines=0), "num_machines: must be from 1 to 64, got 0"),
        (lambda: dataclasses.replace(EVEN, num_machines=65), "num_machines: must be from 1 to 64, got 65"),
        (lambda: dataclasses.replace(EVEN, batch_size=0), "batch_size: must be at least 1, got 0"),
        (lambda: dataclasses.replace(EVEN, bandwidth=0), "bandwidth: must be finite and above 0, got 0"),
        (lambda: dataclasses.replace(EVEN, bandwidth=float("inf")), "bandwidth: must be finite and above 0, got inf"),
        (lambda: dataclasses.replace(EVEN, parameter_bytes=(1,)), "parameter_bytes: must have 2 values for 2 modules"),
        (lambda: dataclasses.replace(EVEN, hop_bytes=()), "hop_bytes: must have 1 values for 2 modules, got 0"),
        (lambda: dataclasses.replace(EVEN, costs=(1, -1)), "costs: must be finite numbers from 0 on, got -1"),
        (lambda: HybridProblem((), (), (), 1, 1, 1), "costs: must be those of at least 1 module, got 0"),
    ],
)
def test_what_cannot_be_is_a_sentence(made, sentence):
    with pytest.raises(ValueError, match=sentence):
        made()
