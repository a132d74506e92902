"""Expressions over facts, never run as Python; facts beside the tables that they come from; units."""

import math

import pytest

from ddlab.analyses.comparison.accuracy import strategy_table
from ddlab.analyses.decisions.probabilities import read_outcomes
from ddlab.lessons import Facts, filled
from ddlab.lessons.conditions import Condition
from ddlab.lessons.facts import unit_of_fact
from ddlab.lessons.units import unit_of, written
from ddlab.runs import open_run

KNOWN = {"a": 3.0, "b.c": 0.5, "global.lambda": 2.0}


@pytest.fixture(scope="module")
def facts():
    others = {"theorem": Facts(open_run("example-theorem"))}
    return Facts(open_run("example"), others)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a", 3),
        ("2 * a - b.c", 5.5),
        ("-(a + 1) / b.c", -8),
        ("a > b.c", True),
        ("a / 2 <= 1.5", True),
        ("a < 1e0", False),
        ("global.lambda * 2", 4),
    ],
)
def test_expressions_are_computed(text, value):
    assert Condition.parse(text).value(KNOWN.__getitem__) == value


def test_a_division_by_zero_holds_for_nothing():
    assert math.isnan(Condition.parse("a / 0").value(KNOWN.__getitem__))
    assert Condition.parse("a / 0 > 1").value(KNOWN.__getitem__) is False


@pytest.mark.parametrize(
    "text",
    [
        "__import__('os').system('x')", "a()", "a[0]", "a if a else a", "lambda: a", "[a]", "a and a", "not a", "'a'",
        "a ** 99999999", "a < 2 < 3", "a == 3", "a; a", "", "a\nb", "1e999", "10 ** 10", "a.b.c()", "(a := 3)",
        "f'{a}'", "a" * 600, "(" * 300, "a := 1", "{}", "*a", "a @ a", "~a", "a % 2", "1 .real()", "...",
        "99999999999999999999", "b'x'", "1j", "a.__class__()", "𝒂()",
    ],
)  # fmt: skip
def test_hostile_expressions_are_refused(text):
    with pytest.raises(ValueError, match="needs"):
        Condition.parse(text)


def test_names_of_python_are_only_names(facts):
    for text in ("accuracy.__class__", "__class__.__mro__", "numbers.run", "import.os"):
        with pytest.raises(ValueError, match="unknown"):
            facts.of(text)


def test_facts_are_those_of_the_table(facts):
    table = strategy_table([open_run("example")]).set_index("strategy")
    for strategy in table.index:
        assert facts[f"accuracy.{strategy}"] == table.loc[strategy, "test"]
        for column in ("validation", "train", "work", "epochs", "seconds", "parameters", "flops"):
            assert facts[f"{column}.{strategy}"] == table.loc[strategy, column]


def test_facts_of_images_are_those_of_the_predictions(facts):
    outcomes = read_outcomes(open_run("example"), 0)
    local = outcomes.any_local
    assert facts["believes.i279.n4"] == local[279, 3, outcomes.labels[279]] > 0.9
    assert facts["sure.i279.n2"] == local[279, 1].max()
    right = (local.argmax(2) == outcomes.labels[:, None]).mean(0)
    assert (facts["local.best"], facts["local.n2"]) == (right.max(), right[1])
    assert facts["evidence.i279.n4"] == 1 and facts["evidence.i279.n1"] == 0
    assert 0 < facts["covers.i279"] < 0.2
    assert facts["baseline"] == pytest.approx(0.4, abs=0.02)


def test_a_run_beside_is_asked_by_its_name(facts):
    assert facts["theorem.failing"] == 0 and facts["failing"] == 1
    assert facts["theorem.accuracy.average"] == Facts(open_run("example-theorem"))["accuracy.average"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("acuracy.average", "did you mean 'accuracy'"),
        ("accuracy.avrage", "did you mean 'average'"),
        ("accuracy", "unknown"),
        ("theorem", "unknown"),
        ("theorem.nothing", "unknown"),
        ("believes.3.2", "such as"),
        ("believes.i9999.n1", "i499"),
        ("believes.i1.n5", "n4"),
        ("evidence.i99999999999999.n1", "such as"),
        ("local.n9", "unknown"),
        ("bubble.global", "unknown"),
        ("looks.i1.nobody", "unknown"),
    ],
)
def test_what_a_run_does_not_tell_is_said(facts, name, said):
    with pytest.raises(ValueError, match=said):
        facts[name]


def test_a_fact_that_takes_seconds_is_checked_without_them(facts, monkeypatch):
    monkeypatch.setattr("ddlab.lessons.numbers.command_result", None)  # would fail if it were asked
    facts.check("looks.i3.global")
    with pytest.raises(ValueError, match="unknown"):
        facts.check("looks.i3.nobody")


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("accuracy.average", "share"),
        ("accuracy.average - accuracy.majority", "points"),
        ("1 - accuracy.average", "share"),
        ("accuracy.average / accuracy.majority", "times"),
        ("1 / work.average", "times"),
        ("2 * seconds.average", "s"),
        ("theorem.seconds.average - 3", "s"),
        ("bytes.global", "byte"),
        ("bytes.global / seconds.global", "times"),
        ("4 * 4 / 7", "times"),
    ],
)
def test_units_follow_from_the_facts(text, unit):
    assert unit_of(text, unit_of_fact) == unit


def test_numbers_are_written_with_their_units():
    assert written(0.4376, "share") == "43.8\u00a0%"
    assert written(-0.456, "points") == "45.6\u00a0points"
    assert written(803056, "byte") == "803\u00a0kB"
    assert (written(12.06, "times"), written(2.286, "times"), written(90, "s")) == ("12", "2.3", "1 min 30 s")


def test_text_gets_its_facts(facts):
    text = "From {fact:accuracy.majority} to {fact: accuracy.average } of {fact:subdomains}; {not} $\\{x\\}$"
    assert filled(text, facts) == "From 43.8\u00a0% to 89.4\u00a0% of 4; {not} $\\{x\\}$"
