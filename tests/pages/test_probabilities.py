"""Probabilities: opens in every state of a run, filters images, explains decisions."""

import json
from functools import partial

import pytest

from ddlab.analyses.decisions.probabilities import find_images, read_outcomes
from ddlab.figures.colors import CHOSEN
from ddlab.registry.strategies import STRATEGIES
from tests.made_run import made_experiment, made_run
from tests.pages.standalone import figures, open_alone

opened = partial(open_alone, "probabilities")


@pytest.fixture(autouse=True)
def no_example(monkeypatch, tmp_path):
    monkeypatch.setattr("ddlab.runs.listing._SHIPPED", tmp_path / "none")


def test_without_a_run_it_says_what_to_do():
    at = opened()
    assert not at.exception
    assert "there is none yet" in at.info[0].value


@pytest.mark.parametrize(("state", "num_charts"), [("finished", 10), ("running", 8), ("failed", 8), ("lost", 8)])
def test_it_shows_what_a_run_has(state, num_charts):
    made_run(state)
    at = opened()
    assert not at.exception and not at.error
    assert len(figures(at)) == num_charts and len(at.get("bidi_component")) == 1  # the image is no chart


def test_the_bars_are_drawn_when_they_are_chosen():
    made_run()
    at = opened()
    titles = [figure["layout"]["title"]["text"] for figure in figures(at)]
    assert any(title.startswith("Local probabilities of all") for title in titles)
    at.session_state["local tabs"] = "Bars"
    titles = [figure["layout"]["title"]["text"] for figure in figures(at.run())]
    assert "Local probabilities, a row a subdomain" in titles
    assert not any(title.startswith("Local probabilities of all") for title in titles)


def test_a_queued_run_has_decided_nothing_yet():
    made_run("queued")
    at = opened()
    assert not at.exception
    assert any("No strategy has decided yet" in info.value for info in at.info)


def test_the_url_names_filter_and_image():
    run = made_run()
    rescued = find_images(read_outcomes(run, 0), "rescued")
    at = opened(run=run.id, filter="rescued", image=str(rescued[1]))
    assert at.session_state["image picker"] == rescued[1]
    assert any(f"Image {rescued[1]} shows" in heading.value for heading in at.header)
    verdicts = [text.value for text in at.markdown if "✓" in text.value or "✗" in text.value]
    assert [("✗" in verdict) for verdict in verdicts if "Majority" in verdict] == [True]
    assert [("✓" in verdict) for verdict in verdicts if "CNN-DNN" in verdict] == [True]


def test_it_begins_where_the_vote_fails_and_says_so_of_that_image_alone():
    run = made_run()
    at = opened()
    outcomes = read_outcomes(run, 0)
    first = at.session_state["image picker"]
    assert outcomes.decisions["majority"][first] != outcomes.labels[first]
    assert outcomes.decisions["cnn_dnn"][first] == outcomes.labels[first]
    assert "Why the vote fails here" in at.info[0].value
    assert any(text.value.startswith("**Notice:**") and "Majority vote errs" in text.value for text in at.markdown)
    right = int((outcomes.decisions["majority"] == outcomes.labels).argmax())
    assert "fails here" not in opened(image=str(right)).info[0].value


def test_an_image_that_does_not_pass_the_filter_gives_way_to_one_that_does():
    run = made_run()
    rescued = find_images(read_outcomes(run, 0), "rescued")
    other = next(index for index in range(64) if index not in rescued)
    at = opened(filter="rescued", image=str(other))
    assert at.session_state["image picker"] in rescued


def test_what_a_click_on_a_cell_wishes_for_is_chosen():
    made_run()
    at = opened()
    at.session_state["class wanted"], at.session_state["decided wanted"] = "vermilion cross", "vermilion disc"
    at.run()
    assert at.selectbox(key="class picker").value == "vermilion cross"
    assert at.selectbox(key="decided picker").value == "vermilion disc"
    cells = figures(at)[0]["data"][1]
    assert cells["customdata"][4][:2] == [1, 0]  # plain lists: typed arrays come back from a click in the wrong order
    assert at.query_params["class"] in ("vermilion cross", ["vermilion cross"])


def test_no_image_passes():
    made_run()
    at = opened(filter="wrong", strategy="global", decided="blue cross", **{"class": "blue cross"})
    assert not at.exception
    assert any("No image passes" in info.value for info in at.info)


@pytest.mark.parametrize("dataset", ["shapes_local", "shapes_pairs", "shapes_relation"])
def test_the_limits_are_told(dataset):
    made_run(experiment=made_experiment({"name": dataset}))
    at = opened()
    assert not at.exception
    assert ("honest limit" in at.info[0].value) == (dataset == "shapes_relation")


def test_only_a_global_network_leaves_nothing_to_look_into():
    made_run(experiment=made_experiment({"name": "digits"}, strategies=["global"]))
    at = opened()
    assert not at.exception
    assert any("no local networks" in info.value for info in at.info)


ALL = ["global", "average", "majority", "cnn_dnn", "coherent", "transfer"]


@pytest.mark.parametrize(
    ("strategies", "dnn", "drawn"),
    [(ALL, "cnn_dnn", set()), (ALL, "transfer", {"On their own", "As one model"}), (["coherent"], "coherent", set())],
)
def test_the_dnn_that_is_picked_is_taken_apart(strategies, dnn, drawn):
    made_run(experiment=made_experiment(strategies=strategies))
    at = opened(dnn=dnn)
    assert not at.exception
    titles = [figure["layout"]["title"]["text"].replace("<br>", " ") for figure in figures(at)]
    listens = next(title for title in titles if "listens to" in title)
    assert STRATEGIES[dnn].title in listens
    assert {title.split(":")[0] for title in titles if "local networks say of this image" in title} == drawn
    assert any("none on their own" in caption.value for caption in at.caption) == (strategies == ["coherent"])


def test_a_run_on_volumes_shows_the_viewer_and_a_map_of_every_layer():
    volumes = {"name": "ct_phantom", "volume": [16, 16, 8], "train_images": 12, "validation_images": 8}
    made_run(experiment=made_experiment(volumes, decomposition={"grid": [2, 2, 2]}))
    at = opened(image="1")
    assert not at.exception and not at.error
    assert len(at.get("bidi_component")) == 1
    titles = [figure["layout"]["title"]["text"].replace("<br>", " ") for figure in figures(at)]
    assert any("layers side by side" in title for title in titles)
    assert any("who saw the evidence" in title for title in titles)


def test_a_run_on_signals_shows_their_segments():
    made_run(experiment=made_experiment({"name": "signals"}, decomposition={"grid": [4]}))
    at = opened()
    assert not at.exception and not at.error
    titled = {figure["layout"]["title"]["text"][:27]: figure["data"] for figure in figures(at)}
    numbers = [trace["text"][0] for trace in titled["The image and its subdomains"[:27]] if trace.get("text")]
    assert numbers == ["1", "2", "3", "4"]


def test_the_chosen_subdomain_is_marked_everywhere():
    made_run()
    at = opened(image="3", subdomain="2", **{"class": "any"})
    assert not at.exception and not at.error
    marked = [json.dumps(figure).count(CHOSEN) for figure in figures(at)]
    assert sum(count > 0 for count in marked) == 3, "subimages, local probabilities, accuracy of every network"
    at.selectbox(key="subdomain picker").set_value("all").run()
    assert not any(CHOSEN in json.dumps(figure) for figure in figures(at))


def test_the_accuracy_of_every_network_is_over_the_class_that_is_chosen():
    made_run()
    at = opened(**{"class": "blue disc"})
    titles = [figure["layout"]["title"]["text"].replace("<br>", " ") for figure in figures(at)]
    assert any(
        title == "Accuracy of every local network alone, over validation images of blue disc" for title in titles
    )
