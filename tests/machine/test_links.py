"""Costs of collectives against formulas on paper, and a link that is measured and kept."""

import math

import pytest

from ddlab.machine.links import COLLECTIVES, GLOO, LINKS, NCCL, Link, all_gather, all_reduce, message, tree_all_reduce
from ddlab.machine.measuring_links import link_of, measure_link
from ddlab.machine.rates import Machine, Rates

LINK = Link("paper", 1e-5, 1e9)


@pytest.mark.parametrize("ranks", [2, 3, 4, 64, 1024])
def test_a_ring_sends_two_parts_less_than_twice_the_vector(ranks):
    """Each rank sends 2 (R - 1)/R of the vector, in 2 (R - 1) messages of an R-th each."""
    cost = all_reduce(LINK, ranks, 8e6)
    assert cost.sent == pytest.approx(2 * (ranks - 1) / ranks * 8e6) and cost.sent_by_all == ranks * cost.sent
    by_hand = 2 * (ranks - 1) * (1e-5 + 8e6 / ranks / 1e9)
    assert cost.seconds == pytest.approx(by_hand)


def test_a_gather_gives_every_rank_the_parts_of_all_others():
    cost = all_gather(LINK, 4, 1e6)
    assert cost.sent == 3e6 and cost.sent_by_all == 12e6
    assert cost.seconds == pytest.approx(3 * (1e-5 + 1e-3))
    assert message(LINK, 2, 1e6).seconds == pytest.approx(1e-5 + 1e-3)


def test_nccl_takes_a_tree_where_latency_counts():
    """On 64 ranks a small vector goes 6 levels up and down, where a ring has 126 messages; a large one goes round."""
    link = Link("fast", 1e-5, 1e9, NCCL)
    assert tree_all_reduce(link, 64, 4).latency == pytest.approx(12e-5)
    assert all_reduce(link, 64, 4).latency == pytest.approx(12e-5)
    assert all_reduce(link, 64, 1e9).latency == pytest.approx(126e-5)
    assert all_reduce(Link("slow", 1e-5, 1e9, GLOO), 64, 4).latency == pytest.approx(126e-5)


def test_no_rank_sends_to_itself():
    for collective in COLLECTIVES.values():
        cost = collective(LINK, 1, 1e6)
        assert (cost.seconds, cost.sent, cost.sent_by_all) == (0, 0, 0)


def test_times_of_two_sizes_are_a_latency_and_a_bandwidth():
    """By the formula of two ranks, 2 α + n/B; the better of the slopes to the larger sizes."""
    seconds = {4: 8e-5, 2**20: 8e-5 + (2**20 - 4) / 2e9, 2**23: 8e-5 + (2**23 - 4) / 1e9}
    found = link_of(seconds)
    assert found.latency == pytest.approx(4e-5) and found.bandwidth == pytest.approx(2e9)
    assert all_reduce(found, 2, 2**20).seconds == pytest.approx(seconds[2**20], rel=1e-4)


@pytest.mark.slow
def test_two_processes_have_a_link():
    found = measure_link()
    assert 0 < found.latency < 1 and 1e5 < found.bandwidth < 1e13 and found.library == GLOO


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"latency": -1.0}, "latency: must be seconds from 0 on, got -1"),
        ({"latency": math.inf}, "latency: must be"),
        ({"bandwidth": 0.0}, "bandwidth: must be bytes a second above 0, or infinite, got 0"),
        ({"library": "mpi"}, "library: must be one of gloo, nccl, got 'mpi'"),
    ],
)
def test_what_is_no_link_is_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        Link(**{"name": "", "latency": 0.0, "bandwidth": 1.0, **changes})


def test_a_machine_keeps_its_link():
    machine = Machine("this", {1: Rates(1e9, ((1.0, 1e9),))}, "2026-01-01", link=LINK)
    assert Machine.of_plain(machine.plain()) == machine
    before = {key: value for key, value in machine.plain().items() if key != "link"}
    assert Machine.of_plain(before).link is None
    with pytest.raises(ValueError, match="link: .*latency"):
        Machine.of_plain(machine.plain() | {"link": {"name": "x"}})


def test_ranks_of_one_machine_share_what_it_does():
    one, two = Rates(100.0, ((1.0, 50.0),), ((8, 40.0),), {"pooling": 5.0}), Rates(180.0, ((1.0, 60.0),))
    machine = Machine("two cores", {1: one, 2: two})
    assert machine.rank_rates(1) == one
    for ranks in (2, 3, 1024):
        assert machine.rank_rates(ranks).operations == 90 and machine.rank_rates(ranks).memory == 30


def test_every_published_link_says_where_its_numbers_are_from():
    assert all(link.source and link.name for link in LINKS.values())
