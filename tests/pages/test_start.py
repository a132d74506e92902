"""The Start page: the example moves, the button trains, and an installation without the example says so."""

import re

import numpy as np
import pytest

from ddlab.analyses.comparison.baseline import Baseline
from ddlab.analyses.decisions.replay import telling, timeline, witnesses
from ddlab.figures.decisions import replay
from ddlab.recipes import RECIPES
from ddlab.runs import EXAMPLE, list_runs, listing
from tests.made_run import made_run


@pytest.fixture
def example(monkeypatch):
    """A made run in the place of the shipped one."""
    from pages.ui.decisions.replay import _curves, _maps

    run = made_run()
    monkeypatch.setattr(listing, "_SHIPPED", run.path.parent)
    run.path.rename(run.path.with_name(EXAMPLE))
    for cached in (_curves, _maps):
        cached.clear()
    yield run
    for cached in (_curves, _maps):
        cached.clear()


def test_the_example_is_alive_at_first_paint(example, open_page):
    html = " ".join(element.proto.body for element in open_page("start").get("html"))
    assert "animation: ddlab-draw" in html and "ddlab-map" in html
    assert "CNN-DNN" in html and html.count('class="ddlab-cell"') == 4 * 4, "four images of four subdomains"


def test_without_the_example_the_page_says_so(open_page, monkeypatch, tmp_path):
    monkeypatch.setattr(listing, "_SHIPPED", tmp_path / "nothing")
    test = open_page("start")
    assert any("not part of this installation" in info.value for info in test.info)
    assert any(button.label == "Train it for real" for button in test.button)


def test_the_button_trains_the_demonstration(open_page, monkeypatch):
    launched = []
    monkeypatch.setattr("pages.ui.runs.live.launch", launched.append)
    test = open_page("start")
    next(button for button in test.button if button.label == "Train it for real").click().run()
    assert [run.id for run in launched] == [list_runs()[0].id]
    assert launched[0].experiment == RECIPES["demo"]()
    assert any("Your own training" in header.value for header in test.header)


def test_a_started_training_is_found_again_by_its_link(open_page):
    run = made_run("running")
    labels = [button.label for button in open_page("start", trained=run.id).button]
    assert "Cancel" in labels


def test_timeline_runs_forward_and_holds_every_network():
    run = made_run()
    lines = timeline(run, 0)
    assert (lines["seconds"] > 0).all()
    assert set(lines["stage"]) == {"global", "local", "cnn_dnn"}
    assert set(lines[lines["stage"] == "local"]["subdomain"]) == {0, 1, 2, 3}
    assert timeline(run, 99).empty


def test_stages_start_when_those_they_need_have_ended():
    """Global and local networks start together in the replay, whatever came first in the run; the DNN starts after."""
    lines = timeline(made_run(), 0)
    first, last = (lines.groupby("stage")["seconds"].agg(name) for name in ("min", "max"))
    assert first["cnn_dnn"] > last["local"]
    for stage in ("global", "local"):
        seconds = [r["seconds"] for r in made_run().metrics() if r["stage"] == stage]
        assert first[stage] == pytest.approx(seconds[0], rel=0.01)


def test_witnesses_tell_what_the_stages_wrote():
    run = made_run()
    found = witnesses(run, 0, 3)
    local = run.stage("local", 0).predictions()["validation"]
    assert len(found) == 3
    for witness in found:
        assert witness.confidences.shape == (4,)
        assert witness.confidences.max() <= local[witness.index].max()
        assert set(witness.verdicts) == set(run.experiment.strategies)


def test_the_most_telling_images_come_first_and_classes_take_turns():
    labels = np.array([0, 0, 1, 1])
    right, wrong = labels, 1 - labels
    decisions = {"a": right, "b": np.array([0, 1, 0, 1])}  # they disagree on images 1 and 2
    assert telling(labels, decisions, 2) == [1, 2]
    assert telling(labels, {"a": wrong, "b": wrong}, 4) == [0, 2, 1, 3]


def test_the_most_frequent_disagreement_is_shown():
    """Mostly the vote is wrong and the DNN right; the one image where it is the other way round is no example."""
    labels = np.zeros(5, dtype=int)
    decisions = {"vote": np.array([0, 1, 1, 0, 1]), "dnn": np.array([1, 0, 0, 0, 0])}
    assert telling(labels, decisions, 3) == [1, 2, 4]


def test_labels_of_close_accuracies_are_kept_apart():
    lines = timeline(made_run(), 0)
    accuracies = {"global": 0.951, "cnn_dnn": 0.95, "average": 0.949}
    html = replay.learning(lines, accuracies, Baseline(0.4, "ring", "validation"))
    assert "always “ring”: 40.0\u00a0%" in html and "always" not in replay.learning(lines, accuracies)
    tops = [float(top) for top in re.findall(r'ddlab-end" style="top:([\d.]+)%', html)]
    assert all(below - above >= 6.99 for above, below in zip(tops, tops[1:], strict=False))
