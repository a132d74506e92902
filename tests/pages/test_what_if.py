"""What if: what the page says where nobody can be asked, and what it shows of an edited image."""

import json
import sys

import pytest

from ddlab import cli
from tests.composed_run import composed_run
from tests.made_run import made_run
from tests.pages.standalone import figures, open_alone

QUICK = {"strategies": ["majority", "coherent"], "dataset.name": "shapes_local", "dataset.size": 32}
VOLUMES = {
    "strategies": ["average"],
    "dataset.name": "ct_phantom",
    "dataset.size": None,
    "dataset.volume": [16, 16, 8],
    "dataset.train_images": 8,
    "dataset.validation_images": 4,
    "decomposition.grid": [2, 2, 2],
}
SIGNALS = {"strategies": ["average"], "dataset.name": "signals", "dataset.size": None, "decomposition.grid": [4]}


@pytest.fixture(autouse=True)
def no_example(monkeypatch, tmp_path):
    monkeypatch.setattr("ddlab.runs.listing._SHIPPED", tmp_path / "none")


@pytest.fixture(autouse=True)
def asked(monkeypatch, capsys):
    """The command that the page asks for runs in this process, which has torch already."""
    commands = []

    def run(arguments):
        commands.append(arguments)
        monkeypatch.setattr(sys, "argv", ["ddlab", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        if ended.value.code:
            raise ValueError(capsys.readouterr().err.splitlines()[-1])

    monkeypatch.setattr("ddlab.analyses.command_results.run_subcommand", run)
    return commands


@pytest.fixture(scope="module")
def trained(home):
    return composed_run(**QUICK)


@pytest.fixture
def run(trained, monkeypatch):
    monkeypatch.setenv("DDLAB_HOME", str(trained.path.parents[1]))
    return trained


def opened(**parameters):
    at = open_alone("what_if", **parameters)
    assert not at.exception
    return at


def pictures(at):
    """What the browser is sent to draw the image before and after."""
    (component,) = [json.loads(part.proto.json) for part in at.get("bidi_component") if "boxes" in part.proto.json]
    return component


def words(at):
    return [part.value for part in (*at.markdown, *at.caption)]


def press(at, label):
    next(button for button in at.button if button.label == label).click().run()
    assert not at.exception


def test_without_a_run_or_without_weights_it_says_so():
    assert "there is none yet" in opened().info[0].value
    made_run()
    assert "no networks to ask" in opened().info[0].value


def test_an_edit_is_applied_told_and_taken_back(run, asked):
    at = opened(image="3")
    drawn = pictures(at)
    assert drawn["pictures"][0]["source"] == drawn["pictures"][1]["source"] and len(drawn["boxes"]) == 4
    assert not any("**Notice:**" in text for text in words(at))
    place = at.session_state["place shown"]
    press(at, "Apply")
    assert at.session_state["edits shown"] == f"occlude:{place}"
    drawn = pictures(at)
    assert drawn["pictures"][0]["source"] != drawn["pictures"][1]["source"]
    assert drawn["pictures"][1]["changed"] == [int(place)] and not drawn["pictures"][0]["changed"]
    assert any(text.startswith(f"**Notice:** Occluding subdomain {place} ") for text in words(at))
    assert [command[0] for command in asked] == ["ask"]  # what was recorded tells of the image as it is
    press(at, f"Occlude subdomain {place}")
    assert at.session_state["edits shown"] == ""
    press(at, "Apply")
    assert len(asked) == 1, "the answer is kept"


def test_a_link_brings_its_edits_and_pressing_again_takes_one_back(run):
    at = opened(image="3", edits="occlude:2,shift:all:1:-1", place="2")
    assert any(text.startswith("**Notice:** These 2 edits ") for text in words(at))
    titles = [figure["layout"]["title"]["text"].replace("<br>", " ") for figure in figures(at)]
    assert [title.split(":")[0].split(",")[0] for title in titles] == ["What every strategy decides", "Before", "After"]
    assert any("Local networks 1, 2, 3 and 4 got another subimage" in text for text in words(at))
    press(at, "Apply")
    assert at.session_state["edits shown"] == "shift:all:1:-1"
    press(at, "Apply")
    press(at, "Take all back")
    assert at.session_state["edits shown"] == ""


def test_a_link_that_cannot_be_followed_says_why_and_edits_nothing(run):
    at = opened(edits="occlude:9")
    assert "place must be all or a subdomain from 1 to 4" in at.warning[0].value
    assert at.session_state["edits shown"] == ""


@pytest.mark.parametrize("tool", ["brighten", "multiply", "shift", "swap", "exchange"])
def test_every_tool_makes_an_edit_that_is_answered(run, tool):
    at = opened(image="3", tool=tool, place="1")
    press(at, "Apply")
    assert at.session_state["edits shown"].startswith(f"{tool}:1:") and not at.error
    press(at, "Apply")
    twice = at.session_state["edits shown"]
    assert twice == "" if tool == "swap" else twice.count(tool) == 2


def test_maps_are_drawn_when_they_are_asked_for_before_and_after_on_one_scale(run, asked):
    at = opened(image="3", edits="occlude:2", with_maps="yes", networks="local,coherent")
    assert "--maps" in asked[-1]
    maps = [figure for figure in figures(at) if "speaks for" in figure["layout"]["title"]["text"]]
    assert len(maps) == 2
    before, after = ([trace["zmax"] for trace in figure["data"] if trace["type"] == "heatmap"] for figure in maps)
    assert before == after and len(before) == 2


def test_the_local_networks_of_a_model_can_be_looked_at(run):
    at = opened(image="3", edits="occlude:2", heard="coherent")
    titles = [figure["layout"]["title"]["text"].replace("<br>", " ") for figure in figures(at)]
    assert sum("local networks of CNN-DNN coherent" in title for title in titles) == 2


@pytest.mark.parametrize(("settings", "edits", "boxes"), [(VOLUMES, "occlude:2", 8), (SIGNALS, "shift:3:2", 4)])
def test_volumes_and_signals_are_edited_alike(home, settings, edits, boxes):
    composed_run(**settings)
    at = opened(image="1", edits=edits)
    drawn = pictures(at)
    assert len(drawn["boxes"]) == boxes and not at.error and len(figures(at)) == 3
    assert drawn["pictures"][0]["source"] != drawn["pictures"][1]["source"]
