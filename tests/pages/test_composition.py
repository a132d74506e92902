"""Composition: what it says where nothing is composed, and what it shows of a run that has composed its networks."""

import sys

import pytest

from ddlab import cli
from ddlab.experiment import Experiment
from tests.composed_run import SETTINGS, composed_run
from tests.made_run import made_run
from tests.pages.standalone import figures, open_alone


@pytest.fixture
def in_process(monkeypatch):
    """The command that the page asks for runs in this process, which has torch already."""
    asked = []

    def run(arguments):
        asked.append(arguments)
        monkeypatch.setattr(sys, "argv", ["ddlab", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        if ended.value.code:
            raise ValueError("ddlab verify failed")

    monkeypatch.setattr("ddlab.analyses.command_results.run_subcommand", run)
    return asked


@pytest.fixture(scope="module")
def finished(home):
    return composed_run(**{"model.width": 1.0})


@pytest.fixture
def composed(finished, monkeypatch):
    monkeypatch.setenv("DDLAB_HOME", str(finished.path.parents[1]))
    return finished


def titles(at):
    return [figure["layout"]["title"]["text"].replace("<br>", " ") for figure in figures(at)]


def test_a_run_that_cannot_be_composed_says_why_and_what_to_train(in_process):
    made_run()
    at = open_alone("composition")
    assert not at.exception and not figures(at) and not in_process
    assert "reduction 1/sqrt(N)" in at.info[0].value
    assert any("ddlab train theorem" in text.value for text in at.markdown)


def test_premises_are_told_before_anything_is_trained(in_process):
    made_run("queued", Experiment().with_settings(SETTINGS))
    at = open_alone("composition")
    assert not at.exception and not in_process
    assert any(":orange[✗] **Valid padding**" in text.value for text in at.markdown)
    assert any("as soon as the local networks are trained" in info.value for info in at.info)


def test_it_shows_a_run_that_has_composed_its_networks(composed, in_process):
    at = open_alone("composition", run=composed.id, theory_layer="conv2", weights="conv3")
    assert not at.exception and not at.error
    assert "equals its local networks wherever it must (60 validation images, float32)" in at.success[0].value
    shown = titles(at)
    assert len(shown) == 12 and shown[2].startswith("conv2: blue where the composed network equals")
    assert shown[5].startswith("Composed, untrained: weights of conv3, 0.00\u00a0% of the energy")
    assert shown[9:] == ["Local networks", "Composed, untrained", "Composed, trained on"]
    assert [metric.value for metric in at.metric] == ["25.0\u00a0%", "25.0\u00a0%"]
    assert len(in_process) == 1


def test_choices_are_shown_without_computing_anew(composed, in_process):
    first = open_alone("composition", run=composed.id)
    at = open_alone("composition", run=composed.id, maps="conv1", map="2", channel="1", subdomain="3")
    assert not at.exception and len(in_process) <= 1
    local, untrained, _ = figures(at)[-3:]
    assert len(local["layout"]["shapes"]) == 2 and len(untrained["layout"]["shapes"]) == 2  # the field is outlined
    assert not figures(first)[-1]["layout"].get("shapes")
    assert "Channel 1 of conv1, local network 3" in at.caption[-1].value


def test_float64_is_another_question(composed, in_process):
    at = open_alone("composition", run=composed.id, precision="float64")
    assert not at.exception and "--float64" in in_process[-1]
    assert "float64" in at.success[0].value


def test_a_fault_of_the_command_is_one_sentence(monkeypatch):
    run = composed_run()
    for path in run.stage("local", 0).path.glob("weights-*"):
        path.unlink()

    def fail(arguments):
        raise ValueError("ddlab: weights-subdomain0-best.safetensors cannot be read")

    monkeypatch.setattr("ddlab.analyses.command_results.run_subcommand", fail)
    at = open_alone("composition", run=run.id)
    assert not at.exception and "cannot be read" in at.error[0].value
