"""Notes and tags: kept beside the experiment, refused where they do not fit, and found by words and by tags."""

import json
import threading

import pytest
from typer.testing import CliRunner

from ddlab.cli import app
from ddlab.experiment import Experiment
from ddlab.face.found import all_runs
from ddlab.runs import RunFolder, annotate, damaged_files, matches, open_run


@pytest.fixture
def run():
    return RunFolder.create(Experiment(name="made"))


def test_a_note_stands_in_the_folder_and_not_in_the_experiment(run):
    before = (run.path / "experiment.json").read_bytes()
    annotate(run, note="  too  wide?\n", tags=["Paper", "slow", "paper"])
    assert (run.note, run.tags) == ("too  wide?", ("paper", "slow"))
    assert (run.path / "experiment.json").read_bytes() == before
    annotate(run, tags=[])
    assert (run.note, run.tags) == ("too  wide?", ()), "what is not given stays"
    assert {name: run.summary()[name] for name in ("note", "tags")} == {"note": "too  wide?", "tags": []}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"note": "x" * 2001}, "2,000 characters, got 2,001"),
        ({"tags": ["two words"]}, "got 'two words'"),
        ({"tags": [""]}, "needs a word"),
        ({"tags": ["x" * 31]}, "1 to 30"),
        ({"tags": map(str, range(13))}, "room for 12, got 13"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(run, settings, says):
    annotate(run, note="first", tags=["kept"])
    with pytest.raises(ValueError, match=says):
        annotate(run, **settings)
    assert (run.note, run.tags) == ("first", ("kept",))


def test_the_shipped_example_stays_as_it_is():
    with pytest.raises(ValueError, match="stays as it is"):
        annotate(open_run("example"), note="mine")
    assert not (open_run("example").path / "notes.json").exists()


def test_note_and_tags_that_are_written_at_once_are_both_kept(run):
    """Two pages: each reads what is there under the lock, so that neither undoes what the other wrote."""
    for number in range(20):
        writers = [
            threading.Thread(target=annotate, args=(run,), kwargs={"note": str(number)}),
            threading.Thread(target=annotate, args=(run,), kwargs={"tags": [f"tag-{number}"]}),
        ]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        assert (run.note, run.tags) == (str(number), (f"tag-{number}",))


def test_a_damaged_file_is_named_and_reads_as_empty(run):
    (run.path / "notes.json").write_text('{"note": 3}')
    assert (run.note, run.tags) == ("", ())
    assert any("notes.json is damaged" in fault for fault in damaged_files(run))
    annotate(run, note="anew")
    assert not damaged_files(run)


def test_all_words_and_all_tags_must_be_there(run):
    annotate(run, note="Lower rate", tags=["paper"])
    summary = run.summary()
    found = {
        search for search in ("", "LOWER made", "paper", "#paper", "#lower", "absent rate") if matches(summary, search)
    }
    assert found == {"", "LOWER made", "paper", "#paper"}
    assert matches(summary, tags=["Paper"]) and not matches(summary, tags=["paper", "slow"])
    assert [each.id for each in all_runs("rate", tags=["paper"])] == [run.id] and not all_runs(tags=["slow"])


def test_the_command_line_annotates_and_finds(run):
    other = RunFolder.create(Experiment(name="other"))
    ask = CliRunner().invoke
    assert ask(app, ["note", run.id, "seems too wide", "--tag", "A", "--tag", "b"]).output.splitlines() == [
        "note: seems too wide",
        "tags: a b",
    ]
    assert "tags: b" in ask(app, ["note", run.id, "--untag", "A"]).output and run.note == "seems too wide"
    found = json.loads(ask(app, ["runs", "--tag", "b", "--search", "wide", "--json"]).output)
    assert [summary["id"] for summary in found] == [run.id]
    assert "note: seems too wide" in ask(app, ["show", run.id]).output
    assert len(ask(app, ["runs"]).output.splitlines()) == 3 and other.id in ask(app, ["runs"]).output
