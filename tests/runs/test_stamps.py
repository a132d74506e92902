"""Stamps of a run: they change when, and only when, a result or a record is written."""

from pathlib import Path

from tests.made_run import made_run


def test_results_are_looked_for_while_other_files_come_and_go(monkeypatch):
    run = made_run("running")
    before = run.results_stamp()
    unfinished = run.stage("local", 0).path / ".writing-1-checkpoint.pt"
    unfinished.touch()
    stat = Path.stat

    def vanish(path, **settings):
        found = stat(path, **settings)
        if path == unfinished:
            path.unlink()  # put in its place between two looks at it
        return found

    monkeypatch.setattr(Path, "stat", vanish)
    assert run.results_stamp() == before


def test_a_new_result_is_seen():
    run = made_run("running")
    before, records = run.results_stamp(), run.records_stamp()
    run.stage("cnn_dnn", 0).write_result({"stage": "cnn_dnn", "seed": 0})
    assert run.results_stamp() > before and run.records_stamp() == records


def test_a_new_record_is_seen():
    run = made_run("running")
    results, before = run.results_stamp(), run.records_stamp()
    run.append_metrics(0, {"stage": "cnn_dnn", "seed": 0, "subdomain": None, "epoch": 99})
    assert run.records_stamp() > before and run.results_stamp() == results


def test_a_new_checkpoint_is_work_though_there_is_no_new_record():
    run = made_run("running")
    before, records = run.work_stamp(), run.records_stamp()
    folder = run.stage("cnn_dnn", 0)
    folder.write_atomically(folder.checkpoint("cnn_dnn"), lambda path: path.write_bytes(b"x"))
    assert run.work_stamp() > before >= records == run.records_stamp()


def test_a_run_that_has_nothing_yet_has_no_stamps():
    run = made_run("queued")
    assert run.results_stamp() == run.records_stamp() == 0
