"""A pinned image: beside the chosen one on Probabilities, kept, let go and swapped."""

from functools import partial

import pytest

from ddlab.analyses.decisions.probabilities import find_images, read_outcomes
from tests.made_run import made_experiment, made_run
from tests.pages.standalone import figures, open_alone

opened = partial(open_alone, "probabilities")


@pytest.fixture(autouse=True)
def no_example(monkeypatch, tmp_path):
    monkeypatch.setattr("ddlab.runs.listing._SHIPPED", tmp_path / "none")


def asked(at, name):
    text = at.query_params.get(name)
    return text[0] if isinstance(text, list) else text


def headings(at):
    return [heading.value for heading in at.header if heading.value.startswith("Image")]


def titles(at):
    return [figure["layout"]["title"]["text"].replace("<br>", " ") for figure in figures(at)]


def press(at, icon):
    at.button(key=f"pin {icon}").click().run()
    assert not at.exception
    return at


def test_nothing_is_pinned_at_first():
    made_run()
    at = opened()
    assert len(headings(at)) == 1 and not any(title.startswith("Image 9:") for title in titles(at))
    assert [button.label for button in at.button if str(button.key).startswith("pin ")] == ["Pin this image"]


def test_a_pinned_image_stays_beside_the_next_one_with_everything_that_is_said_of_it():
    made_run()
    at = press(opened(image="9"), "keep")
    assert len(headings(at)) == 1 and any("is pinned" in caption.value for caption in at.caption)
    at.button(key="image picker chevron_right").click().run()
    assert headings(at)[0].startswith("Image 9 (pinned)") and headings(at)[1].startswith("Image 10 (chosen)")
    assert (asked(at, "pin"), asked(at, "image")) == ("9", "10")
    assert len(at.get("bidi_component")) == 2, "the images themselves"
    for kind in ("what each local network sees", "local probabilities"):
        assert [title[: len("Image 10")].strip(":") for title in titles(at) if kind in title] == ["Image 9", "Image 10"]
    strategies = [text.value for text in at.markdown if "· Majority vote" in text.value]
    assert ["Image 9 ·" in text for text in strategies] == [True, False]
    assert any("Right about" in text.value for text in at.markdown)


def test_both_have_the_same_scales():
    made_run()
    at = opened(image="10", pin="9")
    found = [figure for figure in figures(at) if "ocal probabilities" in figure["layout"]["title"]["text"]]
    assert [(figure["data"][0]["zmin"], figure["data"][0]["zmax"]) for figure in found] == [(0, 1), (0, 1)]
    votes = [figure for figure in figures(at) if "Majority vote: votes" in figure["layout"]["title"]["text"]]
    assert len(votes) == 2 and votes[0]["layout"]["xaxis"] == votes[1]["layout"]["xaxis"]
    assert votes[0]["data"][0]["marker"]["color"] == votes[1]["data"][0]["marker"]["color"]


def test_swapped_the_pinned_one_is_chosen_and_let_go_one_is_alone():
    made_run()
    at = press(opened(image="10", pin="9"), "swap_horiz")
    assert (asked(at, "pin"), asked(at, "image")) == ("10", "9")
    assert headings(at)[0].startswith("Image 10 (pinned)")
    press(at, "keep_off")
    assert len(headings(at)) == 1 and asked(at, "pin") == "none"


def test_a_filter_stays_where_both_pass_it_and_goes_where_the_pinned_one_does_not():
    run = made_run()
    rescued = find_images(read_outcomes(run, 0), "rescued").tolist()
    at = press(opened(filter="rescued", image=str(rescued[0]), pin=str(rescued[1])), "swap_horiz")
    assert (asked(at, "image"), at.session_state["filter picker"]) == (str(rescued[1]), "rescued")
    other = next(index for index in range(64) if index not in rescued)
    at = press(opened(filter="rescued", image=str(rescued[0]), pin=str(other)), "swap_horiz")
    assert (asked(at, "image"), asked(at, "filter"), asked(at, "pin")) == (str(other), "all", str(rescued[0]))


def test_a_pinned_image_that_is_not_there_is_told_and_left_out():
    made_run()
    at = opened(pin="64")
    assert any("pinned image “64”" in warning.value for warning in at.warning)
    assert len(headings(at)) == 1


def test_two_volumes_have_a_viewer_each():
    volumes = {"name": "ct_phantom", "volume": [16, 16, 8], "train_images": 12, "validation_images": 8}
    made_run(experiment=made_experiment(volumes, decomposition={"grid": [2, 2, 2]}))
    at = opened(image="1", pin="2")
    assert not at.exception and len(at.get("bidi_component")) == 2


def test_without_local_networks_there_is_nothing_to_pin():
    made_run(experiment=made_experiment({"name": "digits"}, strategies=["global"]))
    at = opened(pin="2", image="3")
    assert not at.exception and not headings(at)
    assert not [button for button in at.button if str(button.key).startswith("pin ")]
