"""All predictions in a table on Probabilities: opened, ordered, gone through, and images chosen in it."""

import io
from functools import partial

import pandas as pd
import pytest

from ddlab.analyses.decisions.predictions import in_order
from ddlab.analyses.decisions.probabilities import find_images, read_outcomes
from pages.ui.decisions.table import AT_ONCE
from tests.made_run import made_experiment, made_run
from tests.pages.standalone import open_alone

opened = partial(open_alone, "probabilities")


@pytest.fixture(autouse=True)
def no_example(monkeypatch, tmp_path):
    monkeypatch.setattr("ddlab.runs.listing._SHIPPED", tmp_path / "none")


def tables(at):
    """The tables of predictions that are drawn."""
    return [frame for frame in at.dataframe if "picture" in frame.value]


def test_it_is_closed_at_first_and_nothing_is_made_for_it(monkeypatch):
    made_run()
    monkeypatch.setattr("pages.ui.decisions.table.thumbnail", lambda *_: 1 / 0)
    at = opened()
    assert not at.exception and not tables(at)
    assert at.query_params.get("table") is None
    assert opened(table="open").exception, "the thumbnails are made when it is open"


def test_it_begins_with_the_image_on_screen_and_says_who_is_right():
    run = made_run()
    at = opened(table="open")
    assert not at.exception
    (table,) = tables(at)
    rows, outcomes = table.value, read_outcomes(run, 0)
    assert len(rows) == AT_ONCE
    assert rows["image"].tolist() == in_order(outcomes, find_images(outcomes), "cnn_dnn", "parted")[:AT_ONCE].tolist()
    first = rows.iloc[0]
    assert first["image"] == at.session_state["image picker"]
    decided = outcomes.classes[outcomes.decisions["majority"][first["image"]]]
    assert first["Majority vote"] == f"✗ {decided}" and first["CNN-DNN"] == f"✓ {first['true class']}"
    assert first["picture"].startswith("data:image/png;base64,")
    share = outcomes.scores["cnn_dnn"][first["image"], outcomes.labels[first["image"]]]
    assert first["probability of the true class"] == pytest.approx(100 * share)


def test_the_rows_after_these_are_a_click_away_and_another_order_begins_anew():
    made_run()
    at = opened(table="open", order="number")
    assert tables(at)[0].value["image"].tolist() == list(range(AT_ONCE))
    at.button(key="table_page picker chevron_right").click().run()
    assert tables(at)[0].value["image"].tolist() == list(range(AT_ONCE, 64))
    assert at.button(key="table_page picker chevron_right").disabled
    assert at.query_params["table_page"] in ("2", ["2"]) and at.query_params["table"] in ("open", ["open"])
    at.selectbox(key="order picker").select("wrong").run()
    assert len(tables(at)[0].value) == AT_ONCE
    assert at.button(key="table_page picker chevron_left").disabled


def test_a_link_names_order_and_rows():
    run = made_run()
    at = opened(table="open", order="close", table_page="2")
    outcomes = read_outcomes(run, 0)
    expected = in_order(outcomes, find_images(outcomes), "cnn_dnn", "close")[AT_ONCE:]
    assert tables(at)[0].value["image"].tolist() == expected.tolist()


def test_all_rows_are_saved_not_those_on_screen_alone(monkeypatch):
    run, saved = made_run(), []
    at = opened(table="open", filter="wrong", strategy="majority", order="wrong")
    monkeypatch.setattr("streamlit.download_button", lambda label, data, name, *_, **__: saved.append((name, data)))
    at.session_state["predictions menu"] = True
    at.run()
    assert not at.exception
    ((name, data),) = saved
    outcomes = read_outcomes(run, 0)
    expected = in_order(outcomes, find_images(outcomes, "wrong", "majority"), "majority", "wrong")
    rows = pd.read_csv(io.StringIO(data))
    assert name == f"{run.id}-predictions-majority.csv" and rows["image"].tolist() == expected.tolist()
    assert not rows["Majority vote is right"].any() and "picture" not in rows


def test_a_filter_leaves_its_images():
    run = made_run()
    rescued = find_images(read_outcomes(run, 0), "rescued")
    at = opened(table="open", filter="rescued", order="number")
    assert tables(at)[0].value["image"].tolist() == rescued.tolist()[:AT_ONCE]


def test_a_row_that_is_chosen_is_the_image_on_screen():
    made_run()
    at = opened(table="open", order="number", image="3")
    key = f"predictions 0 {AT_ONCE - 1} {AT_ONCE}"
    assert at.session_state[key]["selection"]["rows"] == [3]
    at.session_state["image wanted"] = 7  # what a click wishes for; the browser's tests click
    at.run()
    assert at.session_state["image picker"] == 7
    assert at.session_state[key]["selection"]["rows"] == [7], "the mark follows the image"
    assert at.query_params["image"] in ("7", ["7"])


def test_a_run_of_volumes_shows_their_middle_slices():
    volumes = {"name": "ct_phantom", "volume": [16, 16, 8], "train_images": 12, "validation_images": 8}
    made_run(experiment=made_experiment(volumes, decomposition={"grid": [2, 2, 2]}))
    at = opened(table="open")
    assert not at.exception and len(tables(at)[0].value) == 8


def test_only_a_global_network_has_a_table_without_local_networks():
    made_run(experiment=made_experiment({"name": "digits"}, strategies=["global"]))
    at = opened(table="open")
    assert not at.exception
    assert list(tables(at)[0].value)[-1] == "Global network"
    assert "local networks right" not in tables(at)[0].value
