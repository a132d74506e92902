"""Scale: an answer on the first screen, every question below it, everything in the URL, sentences for what cannot
be."""

from functools import partial

import plotly.graph_objects as go
import pytest

from ddlab.analyses.scale import machines
from ddlab.machine import kept
from ddlab.machine.links import Link
from ddlab.machine.rates import Machine, Rates
from ddlab.registry.strategies import GROWN, STRATEGIES
from tests.pages.standalone import figures, open_alone

opened = partial(open_alone, "scale", model="vgg3", reduction="1/N")


def titles(at):
    return [figure["layout"]["title"]["text"].replace("<br>", " ") for figure in figures(at)]


def told(at):
    return "\n".join(text.value for text in at.markdown)


def fails(at):
    return [*at.exception, *at.error, *at.warning]


def test_the_first_screen_answers():
    at = opened()
    assert not fails(at)
    assert titles(at)[0].startswith("Whole training: time against the number of ranks")
    assert titles(at)[1] == "Where the time of the whole training goes on 64 ranks"
    answer = told(at)
    for strategy in GROWN:
        assert STRATEGIES[strategy].title in answer
    assert "16 subdomains of the data" in answer


@pytest.mark.parametrize(
    ("part", "title"),
    [
        ("bytes", "Bytes that the busiest rank sends"),
        ("memory", "Memory of the fullest rank"),
        ("spread", "Time that a spread of 20.0\u00a0%"),
    ],
)
def test_one_question_at_a_time(part, title):
    at = opened(part=part, spread="0.2", growth_ranks="16")
    assert not fails(at) and titles(at)[1].startswith(title.split("20")[0])
    for tree in figures(at):
        go.Figure(tree)  # plotly's own validation


def test_the_url_names_what_is_shown():
    asked = {
        "local_networks": "4",
        "step_images": "512",
        "growth_ranks": "16",
        "machine": "v100",
        "link": "edr",
        "latency": "100",
    }
    asked |= {"link_bandwidth": "50", "operation": "0", "growing": "global,average", "time_of": "step_seconds"}
    asked |= {"modules": "3", "data_subdomains": "8", "part": "bytes", "scaling": "strong"}
    at = opened(**asked)
    assert not fails(at)
    for name, text in asked.items():
        assert at.query_params[name] in (text, [text]), name
    assert titles(at)[0].startswith("A step: time")
    assert any("InfiniBand EDR, changed, 50·10⁹ bytes a second each way, 100 µs" in each.value for each in at.caption)


def test_weak_scaling_tells_what_is_kept():
    at = opened(scaling="weak", growth_ranks="16", growing="global,average")
    assert not fails(at) and titles(at)[0].startswith("Weak scaling")
    assert "keeps 100" in told(at)
    assert any("what is learned is another matter" in each.value for each in at.caption)


def test_what_is_not_possible_says_why():
    at = open_alone("scale", model="vgg3", reduction="1/sqrt(N)", growing="composed,global")
    assert not fails(at)
    assert any("Composed network: not possible: model.reduction" in each.value for each in at.caption)


def test_no_strategy_is_a_sentence():
    at = opened(growing="global")
    at.pills[0].set_value([]).run()
    assert not at.exception and [note.value for note in at.info] == ["Choose a strategy, and its growth appears here."]


def test_a_run_is_put_on_more_ranks():
    at = open_alone("scale", what="run", run="example", growth_ranks="8")
    assert not fails(at)
    assert "Average probability" in told(at)


def test_this_machine_stands_first_once_it_is_measured(home):
    assert any("ddlab machine --measure" in each.value for each in opened().caption)
    rates = {1: Rates(1e11, ((0.0, 1e10),)), 2: Rates(2e11, ((0.0, 1.5e10),))}
    link = Link("two processes of this machine", 5e-5, 2e9)
    kept.keep(Machine(kept.machine_name(), rates, "2026-11-22T12:00:00+00:00", "paper", link=link))
    assert (machines.usual_machine(), machines.usual_link("here")) == ("here", "here")
    at = opened()
    assert not fails(at) and any("a core each" in each.value for each in at.caption)
