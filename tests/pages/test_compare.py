"""Compare: opens in every state of a run, and sets several runs side by side."""

import json
from functools import partial

import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from ddlab import files
from ddlab.data.cache import load
from ddlab.records import ANYTHING
from tests.made_run import made_experiment, made_run
from tests.pages.standalone import figures, open_alone

opened = partial(open_alone, "compare")


def titles(at):
    return [figure["layout"]["title"]["text"] for figure in figures(at)]


@pytest.fixture(autouse=True)
def no_example(monkeypatch, tmp_path):
    monkeypatch.setattr("ddlab.runs.listing._SHIPPED", tmp_path / "none")


def test_without_a_run_it_says_what_to_do():
    at = opened()
    assert not at.exception
    assert "there is none yet" in at.info[0].value


@pytest.mark.parametrize(
    ("state", "num_rows"), [("finished", 4), ("running", 3), ("failed", 3), ("cancelled", 3), ("lost", 3)]
)
def test_it_shows_what_a_run_has(state, num_rows):
    made_run(state)
    at = opened()
    assert not at.exception and not at.error
    assert len(at.dataframe[0].value) == num_rows
    assert len(titles(at)) == 6
    assert any(state.capitalize() in text.value for text in at.markdown) == (state != "finished")
    assert any("more appears by itself" in text.value for text in at.caption) == (state != "finished")


def test_intervals_appear_as_soon_as_the_images_are_decoded(monkeypatch):
    """Labels that were not there when the page was first opened: their lack is not remembered."""
    run = made_run()
    with monkeypatch.context() as patch:
        for module in ("ddlab.analyses.comparison.judged", "pages.ui.results"):
            patch.setattr(f"{module}.is_ready", lambda settings: False)
        assert "95 % intervals" not in titles(opened(run=run.id))[0]
    load(run.experiment.dataset)
    assert "95 % intervals" in titles(opened(run=run.id))[0]


def test_a_queued_run_has_nothing_to_compare_yet():
    made_run("queued")
    at = opened()
    assert not at.exception
    assert any("No strategy has a result yet" in info.value for info in at.info)


def test_settings_that_differ_are_columns():
    first = made_run(experiment=made_experiment(decomposition={"grid": [2, 2]}))
    second = made_run(experiment=made_experiment(decomposition={"grid": [1, 2]}, name="wide"))
    at = opened(run=first.id, **{"with": second.id})
    assert not at.exception
    shown = at.dataframe[0].value
    assert set(shown["decomposition.grid"]) == {"2×2", "1×2"}
    assert set(shown["run"]) == {"made", "wide"}


def test_runs_of_one_name_stay_apart_and_their_curves_are_chosen_and_smoothed():
    """Three runs of one name: bars of one category would be stacked, and a vote of 44 % would look full."""
    runs = [made_run(experiment=made_experiment(training={"epochs": 12, "learning_rate": rate})) for rate in (1, 2, 3)]
    beside = ",".join(run.id for run in runs[1:])
    at = opened(run=runs[0].id, curves="global", smoothing="3", **{"with": beside})
    assert not at.exception
    shown = at.dataframe[0].value
    assert list(dict.fromkeys(shown["run"])) == [f"learning rate {rate}.0" for rate in (1, 2, 3)]
    bars, *_, curves = figures(at)
    assert len(set(bars["data"][0]["y"])) == 12
    named = [trace["name"] for trace in curves["data"] if trace.get("showlegend") is not False]
    runs_shown = dict.fromkeys(shown["run"])
    assert [name for name in named if "baseline" not in name] == [f"Global network, {run}" for run in runs_shown]
    assert "mean of 3 epochs" in curves["layout"]["title"]["text"].replace("<br>", " ")


def test_efforts_begin_near_the_best_and_say_who_never_gets_there():
    run = made_run()
    at = opened(run=run.id)
    best = max(record["validation_accuracy"] for record in run.metrics() if record["stage"] != "local")
    assert next(s for s in at.select_slider if s.label == "Accuracy to reach").value == int(95 * best)
    assert any(text.value.startswith("Never") and "Majority vote (best" in text.value for text in at.markdown)
    assert any(text.value.startswith("**Notice:**") for text in at.markdown)


def test_the_cost_is_in_the_url():
    made_run()
    at = opened(cost="seconds")
    axis = json.loads(at.get("plotly_chart")[1].proto.spec)["layout"]["xaxis"]["title"]["text"]
    assert axis == "wall time (s), logarithmic"


def test_a_run_of_a_newer_schema_is_refused_in_a_sentence():
    run = made_run("queued")
    path = run.path / "experiment.json"
    files.write_sealed(path, {**ANYTHING.read(path), "schema": 99})
    at = opened()
    assert not at.exception
    assert "newer ddlab" in at.error[0].value


@pytest.fixture
def flowers(monkeypatch, tmp_path):
    """A run of the paper's flowers, on a few made photographs of two kinds, of unequal number."""
    monkeypatch.setenv("DDLAB_DATA", str(tmp_path))
    for label, count in (("roses", 40), ("tulips", 10)):
        folder = tmp_path / "tf_flowers" / label
        folder.mkdir(parents=True)
        for index in range(count):
            Image.new("RGB", (32, 32), (5 * index, 0, 0)).save(folder / f"{index}.png")
    dataset = {"name": "flowers", "size": 32, "train_images": None, "validation_images": None}
    return made_run(experiment=made_experiment(dataset, model={"name": "vgg9"}))


def test_the_paper_stands_beside_a_run_that_repeats_it(flowers):
    at = opened(run=flowers.id)
    assert not at.exception
    strategies, cell = (
        next(element.value for element in at.dataframe if column in element.value) for column in ("best_epoch", "table")
    )
    set_up = at.table[0].value
    assert "balanced" in strategies  # 8 validation images of one kind, 2 of the other
    rows = cell.set_index("strategy")
    assert rows.loc["Global network", "paper"] == 0.7887
    shown = rows.loc["Global network", "validation"] - 0.7887
    assert rows.loc["Global network", "difference"] == pytest.approx(100 * shown)
    assert dict(zip(set_up["Setting"], set_up["Here"], strict=True))["Size"] == "32×32"
    assert any("gives CNN-DNN twice" in caption.value for caption in at.caption)
    markers = next(trace for trace in figures(at)[0]["data"] if trace["name"] == "the paper")
    assert 0.7887 in markers["x"]


def test_all_cells_are_there_at_one_click(flowers):
    at = opened(run=flowers.id)
    assert not at.exception
    before = len(at.table)
    at.session_state["overview"] = True
    at.run()
    assert not at.exception and len(at.table) == before + 1
    table = at.table[-1].value.set_index(["Data", "Model", "Grid"])
    assert len(table) == 8
    assert table.loc[("TF-Flowers", "VGG9", "2×2"), "Global network"].startswith("78.9 → ")
    assert table.loc[("CIFAR-10", "VGG9", "2×2"), "Majority vote"] == "62.4"
    assert table.loc[("CIFAR-10", "VGG9", "2×2"), "Recipe"] == "[train](train?recipe=klawonn_cifar10_vgg9)"
    assert table.loc[("CIFAR-10", "ResNet20", "2×2"), "Majority vote"] == "–"


def test_the_accuracy_to_reach_and_the_effort_are_in_the_url():
    run = made_run(experiment=made_experiment(strategies=["global", "average", "coherent", "transfer"]))
    at = opened(run=run.id, effort="worker_flops", target="30")
    assert not at.exception
    takes = next(figure for figure in figures(at) if "30\u00a0% takes" in figure["layout"]["title"]["text"])
    assert takes["layout"]["xaxis"]["title"]["text"] == "operations of the busiest of N workers"
    assert takes["data"][0]["y"] == ["Global network", "Average probability", "CNN-DNN coherent", "CNN-DNN transfer"]


@pytest.mark.parametrize(("options", "sliders"), [(range(30, 31), 0), (range(30, 32), 1)])
def test_a_percentage_without_a_choice_needs_no_slider(options, sliders):
    def page(options):
        import streamlit as st

        from pages.ui import selection

        st.write(selection.pick_percent("Accuracy to reach", options, "target", 30))

    at = AppTest.from_function(page, args=(options,)).run()
    assert not at.exception and len(at.select_slider) == sliders and at.markdown[0].value == "`30`"


def test_a_network_that_says_the_same_for_every_image_is_named_and_marked():
    run = made_run(seeds=(0, 1))
    sentence = "Global network (seed 0) says the same for every image: its layer hidden died in epoch 1; try more."
    run.update_status(stuck=[sentence] * 8)
    path = run.stage("global", 0).path / "result.json"
    files.write_sealed(path, {**ANYTHING.read(path), "one_class": 1.0})
    at = opened(run=run.id)
    assert not at.exception
    assert at.warning[0].value.count(sentence) == 6 and "And 2 more networks." in at.warning[0].value
    assert "Global network ⚠ same answer for all (1 of 2 seeds)" in set(at.dataframe[0].value["title"])
    healthy = opened(run=made_run().id)
    assert not healthy.warning
    assert not any("⚠" in title for title in healthy.dataframe[0].value["title"])


def test_test_images_judge_where_there_are_some():
    run = made_run(experiment=made_experiment({"test": "official"}, seeds=[0, 1]))
    at = opened(run=run.id)
    assert not at.exception
    shown = at.dataframe[0].value
    assert {"test", "interval", "validation", "epochs_as_one", "epochs", "work"} <= set(shown)
    assert shown["interval"].str.fullmatch(r"\d+\.\d – \d+\.\d\u00a0%").all()
    assert any("What choosing costs (4 strategies, mean)" in info.value for info in at.info)
    names = [trace["name"] for trace in figures(at)[0]["data"]]
    assert names[:3] == ["test", "validation", "training"] and names[3].startswith("baseline: ")


def test_where_those_that_chose_judge_the_page_says_so_and_what_to_set():
    made_run()
    at = opened()
    assert "test" not in at.dataframe[0].value and "interval" in at.dataframe[0].value
    assert any("as in the papers" in info.value and "dataset.test" in info.value for info in at.info)


def test_the_measured_ratio_stands_beside_the_limit():
    """A made run's epochs took 20 s in the global network's stage and 6 s in the local networks'."""
    run = made_run()
    at = opened(run=run.id, limit_machine="v100")
    assert not at.exception and not at.error
    assert any("took 3.3 times less time" in text.value for text in at.markdown)
    assert any("V100" in title for title in titles(at))


def test_a_run_without_local_networks_has_no_limit():
    run = made_run(experiment=made_experiment(strategies=["global"]))
    at = opened(run=run.id)
    assert not at.exception and not any("at most" in header.value for header in at.header)
