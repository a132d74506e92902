"""The order of the queue, as a function of who waits."""

from dataclasses import dataclass

from ddlab.engine.turns import in_turns


@dataclass(frozen=True)
class Place:
    number: int
    owner: str = ""
    waits: bool = True


def numbers(queue, at_once=None):
    return [place.number for place in in_turns(queue, at_once)]


def places(owners, works=()):
    return [Place(number, owner, number not in works) for number, owner in enumerate(owners)]


def test_without_owners_who_came_first_is_first():
    assert numbers(places([""] * 7, works=(0, 1))) == [2, 3, 4, 5, 6]


def test_one_of_each_before_the_second_of_anybody():
    assert numbers(places("aaabbc")) == [0, 3, 5, 1, 4, 2]


def test_what_works_counts_as_a_turn_that_was_had():
    assert numbers(places("aab", works=(0,))) == [2, 1]


def test_nobodys_runs_are_one_owners():
    assert numbers(places(["", "", "a"])) == [0, 2, 1]


def test_as_many_at_once_as_are_allowed_but_for_nobody():
    assert numbers(places("aab", works=(0,)), at_once=1) == [2]
    assert numbers(places("aab", works=(0,)), at_once=2) == [2, 1]
    assert numbers(places(["", ""], works=(0,)), at_once=1) == [1]


def test_of_one_turn_who_was_served_longest_ago_is_first():
    queue = places("abc")
    assert [place.owner for place in in_turns(queue, served={"a": 3, "b": 2})] == ["c", "b", "a"]
    assert [place.number for place in in_turns(places([""] * 3), served={"": 5})] == [0, 1, 2]


def test_somebody_with_one_run_waits_for_no_more_than_a_round():
    """Whatever the others bring, one run of each of them at most is before a newcomer's first."""
    queue = places("a" * 30 + "b" * 30 + "c")
    assert numbers(queue).index(60) == 2
