"""The Runs page: what it says of a run in every state, and what can be done there."""

import json
import time

import pytest

from ddlab import files
from ddlab.exports.reader import read_network
from ddlab.runs import list_examples, list_runs
from tests.exports.weights import with_weights
from tests.made_run import made_experiment, made_run


def texts(test):
    return " ".join(element.value for kind in (test.markdown, test.error, test.info) for element in kind)


def button(test, label):
    return next(button for button in test.button if button.label == label)


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ("queued", "Waits for its turn"),
        ("running", "about 12 s left"),
        ("failed", "Training diverged: the loss is not a number at stage cnn_dnn, epoch 3"),
        ("cancelled", "Resume goes on from the last checkpoint"),
        ("lost", "was killed"),
        ("finished", "Best on the validation images"),
    ],
)
def test_a_sentence_says_where_it_stands(state, says, open_page):
    run = made_run(state)
    assert says in texts(open_page("runs", run=run.id))


@pytest.mark.parametrize("state", ["running", "failed", "finished"])
def test_only_what_can_be_done_is_offered(state, open_page):
    labels = {button.label for button in open_page("runs", run=made_run(state).id).button}
    assert ("Cancel" in labels) == (state == "running")
    assert ("Resume" in labels) == (state == "failed")


def test_failure_keeps_its_traceback(open_page):
    test = open_page("runs", run=made_run("failed").id)
    assert any(code.value == "Traceback ..." for code in test.code)


def test_curves_are_drawn_for_every_trained_stage(open_page):
    test = open_page("runs", run=made_run().id)
    figures = [json.loads(chart.proto.spec) for chart in test.get("plotly_chart")]
    by_title = {figure["layout"]["title"]["text"].split(":")[0]: figure["data"] for figure in figures}
    assert set(by_title) == {"Global network", "CNN-DNN", "Local networks"}
    local = by_title["Local networks"]
    assert {trace["name"] for trace in local if trace["showlegend"] and "baseline" not in trace["name"]} == {
        f"subdomain {n}" for n in (1, 2, 3, 4)
    }
    assert all(figure["layout"]["uirevision"] for figure in figures), "the zoom is lost when the curves grow"


def test_rename(open_page):
    run = made_run()
    test = open_page("runs", run=run.id)
    next(field for field in test.text_input if field.label == "New name").set_value("my first run").run()
    test.button(f"rename {run.id}").click().run()
    assert list_runs()[0].name == "my first run"


def test_notes_and_tags_are_written_shown_and_found(open_page):
    run, other = made_run(), made_run(experiment=made_experiment(name="other"))
    test = open_page("runs", run=run.id)
    test.text_area(f"note of {run.id}").set_value("too wide?")
    test.text_input(f"tags of {run.id}").set_value("Paper, slow")
    next(button for button in test.button if button.label == "Save").click().run()
    assert not test.exception and not test.error
    assert (run.note, run.tags, other.tags) == ("too wide?", ("paper", "slow"), ())
    table = test.dataframe[0].value.set_index("Run")
    assert table.loc["made", "Note"] == "too wide?" and list(table.loc["made", "Tags"]) == ["paper", "slow"]
    assert any("too wide?" in text.value for text in test.markdown)
    found = open_page("runs", search="#paper wide")
    assert list(found.dataframe[0].value["Run"]) == ["made"]
    found.text_input("search of runs").set_value("nothing is so").run()
    assert any("No run is so" in info.value for info in found.info) and not found.exception


def test_the_example_has_no_notes_to_write(open_page):
    assert not open_page("runs", run="example").text_area


def test_the_list_says_what_distinguishes_a_run(open_page):
    for rate in (0.1, 0.2):
        made_run(experiment=made_experiment(training={"epochs": 6, "learning_rate": rate}))
    says = open_page("runs").dataframe[0].value["It says"]
    assert says.str.startswith(("learning rate 0.2 · ", "learning rate 0.1 · ")).all() and says.nunique() == 2


def test_delete_is_asked_once_and_can_be_undone(open_page):
    run = made_run()
    test = open_page("runs", run=run.id)
    test.button(f"delete {run.id}").click().run()
    assert list_runs() == [] and "“made” is in the trash" in test.info[0].value
    test.button("undo").click().run()
    assert [found.id for found in list_runs()] == [run.id]
    assert not test.exception


def test_damaged_files_are_named_and_the_rest_is_shown(open_page):
    run = made_run()
    path = run.stage("average", 0).path / "result.json"
    path.write_text('{"stage": "average", "seed": "0"}')
    test = open_page("runs", run=run.id)
    assert "result.json is damaged" in test.warning[0].value and "average, seed 0" in test.warning[0].value
    assert "Majority vote" in set(test.dataframe[-1].value.iloc[:, 0])


def test_the_newest_runs_are_listed(open_page):
    ids = {made_run("queued").id for _ in range(3)}
    table = open_page("runs").dataframe[0].value
    assert len(table) == len(ids)
    assert set(table["State"]) == {"Waiting"}


def test_the_table_says_when_a_run_was_made_and_who_was_best(open_page):
    run = made_run()
    row = open_page("runs").dataframe[0].value.iloc[0]
    assert row["Made"] == f"{run.id[6:8]}.{run.id[4:6]}. {run.id[9:11]}:{run.id[11:13]}"
    assert row["It says"].endswith("%") and row["Time"].endswith("s")


def downloads(test):
    labels = [part.proto.label for part in test.get("download_button")]
    return [label for label in labels if label.startswith("Download")]


def test_a_network_can_be_taken_away(open_page, own_home):
    run = with_weights(made_run())
    test = open_page("runs", run=run.id)
    next(box for box in test.selectbox if box.label == "Network").select("local-2").run()
    test.button(f"export {run.id}").click().run()
    assert not test.exception and not test.error
    assert downloads(test) == ["Download local-2.safetensors"]
    (made,) = own_home.glob("cache/computed/export-network-*.safetensors")
    assert read_network(made)[1]["name"] == "local-2"
    next(box for box in test.selectbox if box.label == "Network").select("global").run()
    assert not downloads(test), "the file is of another network"


def test_the_report_is_written_when_it_is_asked_for(open_page):
    run = made_run()
    test = open_page("runs", run=run.id)
    assert not any("report" in part.proto.label for part in test.get("download_button"))
    test.button(f"report {run.id}").click().run()
    assert not test.exception and not test.error
    labels = [part.proto.label for part in test.get("download_button")]
    assert {"The report (HTML)", "Its numbers (CSV)"} <= set(labels)


def test_a_run_without_weights_says_so(open_page):
    test = open_page("runs", run=made_run().id)
    assert any("kept without the weights" in caption.value for caption in test.caption)


@pytest.fixture
def many(monkeypatch):
    """More runs than a picker offers, or a page of the table."""
    monkeypatch.setattr("pages.ui.selection.MOST_OFFERED", 3)
    monkeypatch.setattr("pages.ui.runs.table.AT_ONCE", 3)
    return [made_run("queued").id for _ in range(5)][::-1]


def test_the_picker_offers_the_newest_and_what_is_asked_for(many, open_page):
    newest, recorded = open_page("runs"), len(list_examples())
    assert len(newest.sidebar.selectbox[0].options) == 3 + recorded, "they come with ddlab"
    old = open_page("runs", run=many[-1])
    assert old.sidebar.selectbox[0].value == many[-1] and len(old.sidebar.selectbox[0].options) == 4 + recorded
    assert old.run().sidebar.selectbox[0].value == many[-1], "it stays"
    compared = open_page("compare", run=many[0], **{"with": many[-2]})
    assert compared.multiselect[0].value == [many[-2]]


def test_the_table_has_all_runs_a_page_at_a_time(many, open_page):
    test = open_page("runs")
    assert len(test.dataframe[0].value) == 3 and any("5 runs" in caption.value for caption in test.caption)
    test.session_state["page of runs"] = 2
    test.run()
    assert len(test.dataframe[0].value) == 2 and not test.exception


def test_test_accuracies_stand_beside_those_of_the_kept_epoch(open_page):
    judged = made_run(experiment=made_experiment({"test": "official"}))
    shown = next(e.value for e in open_page("runs", run=judged.id).dataframe if "Kept" in e.value)
    assert shown["Test"].tolist() == [
        round(judged.stage(name, 0).result()["test_accuracy"], 3) for name in _stages(judged)
    ]
    shown = next(e.value for e in open_page("runs", run=made_run().id).dataframe if "Kept" in e.value)
    assert "Test" not in shown


def _stages(run):
    return [result["stage"] for result in run.results() if "validation_accuracy" in result]


def test_who_works_where_is_told_while_a_run_works_and_after(open_page):
    run = made_run("running")
    run.update_status(workers=2, place={"kind": "cpu", "workers": 2, "slots": 2, "because": "2 workers, *just so*."})
    sheet = {"time": 1.0, "stage": "cnn_dnn", "seed": 0, "seconds": 4.0, "computing": 1.0}
    for rank in range(2):
        run.append_times(rank, {**sheet, "rank": rank, "stage": "local", "computing": 4.0 - 3 * rank})
        told = {"host": "here", "time": time.time(), "sheet": {**sheet, "rank": rank}, "stage": "cnn_dnn", "epoch": 3}
        files.write_json(run.path / f"heartbeat-{rank}.json", told)
    test = open_page("runs", run=run.id)
    (now,) = [frame.value for frame in test.dataframe if "Samples a second" in frame.value]
    assert now["Rank"].tolist() == [0, 1] and now["Its own"].tolist() == ["all of it", "nothing"]
    assert "Machine" not in now, "there is but one"
    assert any("2 workers, \\*just so\\*." in text.value for text in test.markdown)
    run.end("finished")
    test = open_page("runs", run=run.id)
    assert not [frame for frame in test.dataframe if "Samples a second" in frame.value]
    assert any("Rank 1 waits for 75" in caption.value for caption in test.caption)
    titles = [json.loads(chart.proto.spec)["layout"]["title"]["text"] for chart in test.get("plotly_chart")]
    assert "How long each rank computed and waited" in titles


def test_a_run_without_timesheets_says_nothing_of_its_ranks(open_page):
    test = open_page("runs", run=made_run().id)
    assert not [part for part in test.expander if part.label.startswith("Who work")]
