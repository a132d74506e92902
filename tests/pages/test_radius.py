"""Trust region, its views of runs: what is drawn of which run, what the URL holds, what is said where there is none."""

import pytest

from tests.made_run import made_experiment, made_run
from tests.made_trust_region import made_trust_region_run, step
from tests.pages.standalone import figures, open_alone


def text(at):
    return " ".join(element.value for kind in ("markdown", "caption", "info", "code") for element in at.get(kind))


def test_the_history_of_the_strategy_and_seed_that_the_url_names():
    run = made_trust_region_run(steps=[step(0.16, accepted=False, ratio=0.1)] * 3, last_radius=0.16)
    at = open_alone("trust_region", view="history", run=run.id, history="apts", history_seed="1")
    assert not at.exception
    assert "APTS step by step, seed 1" in figures(at)[0]["layout"]["title"]["text"].replace("<br>", " ")
    assert "took 9 steps in 3 epochs" in text(at) and "A plateau: in steps 1 to 9" in text(at)
    assert "1" in at.query_params["history_seed"]


@pytest.mark.parametrize(("effort", "axis"), [("bytes", "bytes exchanged"), ("seconds", "wall time")])
def test_runs_against_each_other(effort, axis):
    run, other = made_trust_region_run(), made_trust_region_run(seeds=(0,))
    at = open_alone("trust_region", view="against", run=run.id, against=effort, **{"with": other.id})
    assert not at.exception
    (figure,) = figures(at)
    assert axis in figure["layout"]["xaxis"]["title"]["text"]
    assert len([trace for trace in figure["data"] if trace.get("name")]) == 6
    takes = next(element.value for element in at.dataframe if "vectors_a_step" in element.value)
    assert list(takes["vectors_a_step"]) == [3, 1, 1] * 2 and "sums 3.0 vectors" in text(at)


@pytest.mark.parametrize("view", ["history", "against"])
@pytest.mark.parametrize("state", ["queued", "failed"])
def test_a_run_without_steps_says_what_makes_one(view, state):
    strategies = ["average"] if state == "failed" else ["apts"]
    run = made_run(state, made_experiment(strategies=strategies))
    at = open_alone("trust_region", view=view, run=run.id)
    assert not at.exception and not figures(at)
    assert ("after" in text(at)) if state == "queued" else ("ddlab train trust_region_demo" in text(at))
