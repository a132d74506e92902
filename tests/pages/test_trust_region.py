"""Trust region: its playground needs no run, says what every step does, and has all of it in the URL."""

from functools import partial

import pytest
from streamlit.util import AttributeDictionary

from ddlab.analyses.trust_region.landscapes import LANDSCAPES
from ddlab.analyses.trust_region.plane_steps import METHODS
from ddlab.runs.trash import delete
from pages.ui import charts
from pages.ui.trust_region import playground
from tests.made_run import made_run
from tests.made_trust_region import made_trust_region_run
from tests.pages.standalone import figures, open_alone

VIEWS = ("history", "against", "sensitivity", "data")


@pytest.fixture(autouse=True)
def no_example(monkeypatch, tmp_path):
    monkeypatch.setattr("ddlab.runs.listing._SHIPPED", tmp_path / "none")


def opened(**query):
    at = open_alone("trust_region", **query)
    assert not at.exception, at.exception[0].stack_trace
    return at


def titles(at):
    return [figure["layout"]["title"]["text"].replace("<br>", " ") for figure in figures(at)]


def told(at):
    return next(text.value for text in at.markdown if text.value.startswith("- **"))


def test_the_first_screen_tells_of_a_step_that_is_rejected():
    at = opened()
    assert titles(at) == [
        "Fit of a sine: the way to step 2; dotted: the other methods",
        "Step 2, close up: sum rejected, step on f taken at trial 2",
        "APTS, step by step; dotted: the other methods",
    ]
    assert "so the step is rejected and the radius halves to 0.5" in told(at)
    shown = at.session_state["everything shown"]  # a default stands in the address only in the browser
    assert shown["function"] == "sine" and shown["step"] == "2" and "step" not in at.query_params


@pytest.mark.parametrize("name", LANDSCAPES)
@pytest.mark.parametrize("method", METHODS)
def test_every_method_walks_on_every_landscape(name, method):
    at = opened(function=name, method=method, subdomains="4", model_and_ball="second", step="1")
    assert not at.error and not at.warning
    assert titles(at)[0].startswith(f"{LANDSCAPES[name].title}: the way to step 1")
    assert titles(at)[2].startswith(METHODS[method])


def test_buttons_go_from_step_to_step():
    at = opened(step="1")
    back, forth = (next(b for b in at.button if b.key == f"step picker chevron_{side}") for side in ("left", "right"))
    assert back.disabled and not forth.disabled
    forth.click().run()
    assert not at.exception and at.query_params["step"] == "2"
    assert titles(at)[1].startswith("Step 2, close up")


@pytest.mark.parametrize("contours", ["model", "1", "2"])
def test_the_close_up_shows_other_contours(contours):
    plain, at = opened(), opened(contours=contours)
    assert figures(at)[1]["data"][0]["z"] != figures(plain)[1]["data"][0]["z"]


def test_a_start_can_be_two_numbers():
    at = opened(start="1.5,-0.5", step="1")
    path = figures(at)[0]["data"][-3]
    assert path["name"] == "APTS" and not at.warning
    assert at.query_params["start"] == "1.5,-0.5"


@pytest.mark.parametrize("method", METHODS)
def test_where_the_gradient_is_zero_nothing_goes_on(method):
    at = opened(function="saddle", start="0,0", method=method)
    assert "the gradient is zero" in at.info[0].value and not figures(at)


def test_only_a_click_on_the_chart_that_is_drawn_counts(monkeypatch):
    click = {"selection": {"points": [{"x": 1.0, "y": -0.5}]}}
    state = AttributeDictionary({"old": AttributeDictionary(click), "new": AttributeDictionary(click)})
    state[playground.CHART] = "new"
    monkeypatch.setattr(playground.st, "session_state", state)
    old, new = (charts.on_click(key, partial(playground._begin_at, key))["on_select"] for key in ("old", "new"))
    old()
    assert "start wanted" not in state
    new()
    assert state["start wanted"] == "1,-0.5" and state["step wanted"] == 1


def test_a_start_off_the_landscape_is_refused_in_a_sentence():
    at = opened(start="99,0")
    assert "“99,0”, which is not here" in at.warning[0].value


def test_a_link_to_a_step_that_is_not_there_shows_another():
    assert "which is not here" in opened(step="99").warning[0].value


def test_split_against_shared_data_is_shown_from_what_was_recorded():
    at = opened(view="data")
    (title,) = titles(at)
    assert title == "Recorded experiment, SAPTS, ten epochs: validation accuracy"
    said = " ".join(text.value for text in at.markdown)
    assert "have no decomposition of the data" in said and "N = 4:" in said
    for measure in ("loss", "rejected", "passes_to_target", "rank_passes_to_target"):
        assert len(titles(opened(view="data", split_measure=measure))) == 1


def test_two_runs_that_differ_in_their_data_are_compared():
    run, shared = (made_trust_region_run(apts={"data": data}, seeds=(0,)) for data in ("split", "shared"))
    at = opened(view="data", run=shared.id)
    own, _ = figures(at)
    assert {trace["name"] for trace in own["data"]} == {"APTS, split data", "APTS, shared data"}
    assert any("Your runs." in text.value and "with split data" in text.value for text in at.markdown)
    made_trust_region_run(apts={"data": "split", "subdomains": 3}, seeds=(0,))
    delete(run)
    assert len(figures(opened(view="data", run=shared.id))) == 1, "another N is no partner"


@pytest.mark.parametrize("view", VIEWS[:2])
def test_views_of_a_run_say_so_without_one(view):
    at = opened(view=view)
    assert "there is none yet" in at.info[0].value


@pytest.mark.parametrize("state", ["finished", "failed", "queued"])
@pytest.mark.parametrize("view", VIEWS)
def test_every_view_opens_on_a_run_of_other_strategies(view, state):
    run = made_run(state)
    at = opened(view=view, run=run.id)
    assert not at.error or state == "failed"
    if view == "history":
        assert any("trust_region_demo" in code.value for code in at.code)
