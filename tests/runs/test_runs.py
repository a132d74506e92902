"""Run folders: the state derived from what is there, files that survive a crash, and lists that survive anything."""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pytest

from ddlab import files
from ddlab.engine.control import resume
from ddlab.experiment import SCHEMA, Experiment
from ddlab.runs import RunFolder, delete, export_run, list_runs, open_run, restore
from ddlab.runs.processes import identity


@pytest.fixture
def run():
    return RunFolder.create(Experiment(name="Tiny run!"), "ddlab train tiny")


@pytest.fixture(scope="module")
def dead():
    """The identity of a process that has ended; this one's pid with another creation time is a pid used again."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    record = identity(process.pid)
    process.communicate(b"\n")
    return record


def write_status(run, **status):
    files.write_json(run.path / "status.json", status)


def test_new_run_is_whole_and_waits(run):
    assert run.id.endswith("-tiny-run") and run.name == "Tiny run!"
    assert run.experiment == Experiment(name="Tiny run!")
    assert run.command == "ddlab train tiny"
    assert run.state().state == "queued"


def test_runs_of_one_second_get_folders_of_their_own():
    runs = [RunFolder.create(Experiment(name="twin")) for _ in range(5)]
    assert len({run.id for run in runs}) == 5
    assert {run.id for run in list_runs()} == {run.id for run in runs}


@pytest.mark.parametrize("written", ["finished", "failed", "cancelled"])
def test_written_terminal_state_holds_while_processes_end(run, written):
    write_status(run, state=written, message="so it is", started=10.0, ended=12.5, **identity())
    state = run.state()
    assert (state.state, state.message, state.seconds) == (written, "so it is", 2.5)


@pytest.mark.parametrize("written", ["queued", "running"])
def test_live_process_is_believed(run, written, dead):
    write_status(run, state=written, **identity())
    assert run.state().state == written
    write_status(run, state=written, **dead, ranks=[identity()])
    assert run.state().state == written


@pytest.mark.parametrize(
    ("cancelled", "failure", "expected"),
    [(False, None, "lost"), (True, None, "cancelled"), (False, {"sentence": "No!"}, "failed"), (False, {}, "lost")],
)
def test_state_of_a_run_whose_processes_are_dead(run, dead, cancelled, failure, expected):
    write_status(run, state="running", **dead, ranks=[dead])
    if cancelled:
        run.request_cancel()
    if failure is not None:
        assert run.write_failure(failure)
    assert run.state().state == expected


def test_process_without_a_host_is_looked_for_here(run, dead):
    write_status(run, state="running", **{name: dead[name] for name in ("pid", "birth", "boot")})
    assert run.state().state == "lost"


def test_pid_used_again_is_another_process(run):
    mine = identity()
    write_status(run, state="running", **{**mine, "birth": mine["birth"] - 1000})
    assert run.state().state == "lost"


@pytest.mark.skipif(os.name != "posix", reason="only POSIX has zombies")
def test_zombie_is_dead(run):
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    write_status(run, state="running", **identity(process.pid))
    assert run.state().state == "running"
    process.stdin.close()
    deadline = time.monotonic() + 10
    while run.state().state == "running" and time.monotonic() < deadline:
        time.sleep(0.02)  # nobody waits for it, so it stays a zombie
    assert run.state().state == "lost"
    process.wait()


def test_run_that_ends_between_two_looks_is_finished(run, dead, monkeypatch):
    write_status(run, state="running", **dead)

    def end_meanwhile(record):
        run.update_status(state="finished")
        return False

    monkeypatch.setattr("ddlab.runs.state.is_alive", end_meanwhile)
    assert run.state().state == "finished"


def test_first_failure_wins(run):
    assert run.write_failure({"sentence": "first"})
    assert not run.write_failure({"sentence": "second"})
    assert run.failure()["sentence"] == "first"


def test_restart_forgets_how_it_ended(run):
    run.request_cancel()
    run.write_failure({"sentence": "No!"})
    (run.path / f"{files.TEMPORARY}99-x.pt").touch()
    run.restart()
    assert run.failure() is None and not run.cancel_requested and run.state().state == "queued"
    assert not list(run.path.glob(f"{files.TEMPORARY}*"))


def test_unfinished_line_is_ignored_and_closed(run):
    run.append_metrics(0, {"stage": "local", "seed": 0, "time": 1, "epoch": 1})
    with (run.path / "metrics-0.jsonl").open("a") as file:
        file.write('{"stage": "local", "seed": 0, "time": 2, "epo')
    assert [record["epoch"] for record in run.metrics()] == [1]
    run.append_metrics(0, {"stage": "local", "seed": 0, "time": 3, "epoch": 3})
    assert [record["epoch"] for record in run.metrics()] == [1, 3]


def test_fields_of_older_records_have_the_names_that_they_have_now(run):
    run.append_metrics(0, {"stage": "apts", "seed": 0, "time": 1.0, "epoch": 1, "sweeps": 7.5})
    (record,) = run.metrics()
    assert record["data_passes"] == 7.5 and "sweeps" not in record


def test_metrics_of_all_ranks_by_time_and_repeated_epochs_once(run):
    record = {"stage": "local", "seed": 0, "subdomain": 0, "epoch": 1}
    run.append_metrics(0, {**record, "time": 1.0, "loss": 2})
    run.append_metrics(1, {**record, "time": 2.0, "subdomain": 1})
    run.append_metrics(0, {**record, "time": 3.0, "loss": 1})
    assert [(r["subdomain"], r.get("loss")) for r in run.metrics()] == [(1, None), (0, 1)]


def test_failed_writer_leaves_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")

    def writer(temporary):
        temporary.write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        files.write_atomically(path, writer)
    assert [p.name for p in tmp_path.iterdir()] == ["file"] and path.read_text() == "old"


def test_stage_folder_keeps_what_it_is_given(run):
    stage = run.stage("local", 3)
    assert not stage.done and run.results() == []
    with pytest.raises(ValueError, match="no predictions yet"):
        stage.predictions()
    stage.write_predictions(train=np.arange(6).reshape(1, 2, 3))
    stage.write_result({"stage": "local", "seed": 3})
    assert stage.done and run.results() == [{"stage": "local", "seed": 3}]
    assert stage.predictions()["train"].shape == (1, 2, 3)
    path = stage.path / "predictions.npz"
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(ValueError, match="damaged"):
        stage.predictions()


def test_newer_schema_is_refused_with_a_sentence(run):
    tree = {"schema": SCHEMA + 1, "experiment": {"name": "x", "unheard_of": 1}}
    (run.path / "experiment.json").write_text(json.dumps(tree))
    with pytest.raises(ValueError, match=f"newer ddlab.*schema {SCHEMA + 1}"):
        _ = run.experiment
    assert RunFolder(run.path).summary()["name"] == "x"


def test_a_run_of_an_older_schema_keeps_its_meaning(run):
    """It knew no warm-up, so it had none; what it says itself holds."""
    asked = Experiment().model_dump(mode="json")
    for said, meant in (({}, 0), ({"warm_up": 7}, 7)):
        training = {key: value for key, value in asked["training"].items() if key != "warm_up"} | said
        tree = {"schema": 1, "experiment": {**asked, "training": training}}
        files.write_sealed(run.path / "experiment.json", tree)
        assert RunFolder(run.path).experiment.training.warm_up == meant
    files.write_sealed(run.path / "experiment.json", {"schema": 2, "experiment": {"name": "x"}})
    assert RunFolder(run.path).experiment.training.warm_up == Experiment().training.warm_up


def test_what_a_newer_ddlab_writes_otherwise_does_not_hide_the_other_runs(run):
    asked = {"dataset": 3, "decomposition": {"grid": 4, "boxes": 2}, "seeds": 5, "strategies": {"global": {}}}
    (run.path / "experiment.json").write_text(json.dumps({"schema": SCHEMA + 1, "experiment": asked}))
    row = RunFolder(run.path).summary()
    assert (row["grid"], row["num_seeds"], row["strategies"]) == ("", 0, [])


def test_free_boxes_are_not_listed_as_the_grid_they_replace():
    boxes = [[[0, 16], [0, 16]], [[8, 24], [8, 24]]]
    run = RunFolder.create(Experiment().with_settings({"decomposition.boxes": boxes}))
    assert run.summary()["grid"] == "2 boxes"


def test_half_a_result_is_none(run):
    stage = run.stage("local", 0)
    stage.write_result({"stage": "local", "seed": 0})
    assert stage.done
    (stage.path / "result.json").write_text('{"stage": ')
    assert not stage.done


def test_size_of_a_run_that_works(run, monkeypatch):
    """A temporary file is gone between the look into the folder and the look at the file."""
    size = run.size
    gone = run.path / f"{files.TEMPORARY}1-x"
    monkeypatch.setattr(type(run.path), "is_file", lambda path: path.exists() or path == gone)
    monkeypatch.setattr(type(run.path), "rglob", lambda path, pattern: [gone, run.path / "experiment.json"])
    assert 0 < run.size <= size


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '"text"', '{"schema": 1}', '{"schema": 1, "experiment": [1]}', None]
)
def test_damaged_folder_is_listed_as_failed(run, dead, content):
    path = run.path / "experiment.json"
    path.unlink() if content is None else path.write_text(content)
    (run.path / "status.json").write_text('{"state": "run')
    (summary,) = [run.summary() for run in list_runs()]
    assert summary["state"] == "failed" and "damaged" in summary["message"]


def test_delete_and_restore(run):
    with pytest.raises(ValueError, match="is queued; cancel it"):
        delete(run)
    run.end("cancelled")
    assert delete(run) == run.id
    assert list_runs() == []
    with pytest.raises(ValueError, match="did you mean"):
        restore(run.id[:-1])
    assert restore(run.id).name == "Tiny run!"
    assert open_run("latest").id == run.id


def test_rename(run):
    run.rename("  another \n name ")
    assert open_run(run.id).name == "another name"
    with pytest.raises(ValueError, match="1 to 80 characters, got 0"):
        run.rename(" ")


def test_unknown_run_names_the_nearest(run):
    with pytest.raises(ValueError, match=f"did you mean '{run.id}'"):
        open_run(run.id + "x")


def test_finished_run_keeps_a_digest_of_its_accuracies(run):
    for seed, accuracy in enumerate([0.5, 1.0]):
        run.stage("average", seed).write_result({"stage": "average", "seed": seed, "validation_accuracy": accuracy})
    run.stage("local", 0).write_result({"stage": "local", "seed": 0})
    run.end("finished")
    assert run.summary()["accuracies"] == {"average": 0.75}


def test_export_leaves_out_what_is_private(run, tmp_path):
    with pytest.raises(ValueError, match="is queued"):
        export_run(run, tmp_path)
    stage = run.stage("global", 0)
    stage.write_result({"stage": "global", "seed": 0})
    for path in (stage.checkpoint("global"), stage.weights("global"), run.log_path(0)):
        path.touch()
    run.write_environment({"host": "here", "python": "3"})
    run.end("finished")
    names = {p.name for p in export_run(run, tmp_path / "full").path.rglob("*") if p.is_file()}
    light = export_run(run, tmp_path / "light", light=True)
    assert names - {p.name for p in light.path.rglob("*")} == {"weights-global.safetensors"}
    assert not any(name.startswith(("log", "checkpoint", ".")) for name in names)
    assert light.state().state == "finished" and light.environment() == {"python": "3"}
    assert not {"launcher", "pid", "host", "ranks"} & set(light.status())
    with pytest.raises(ValueError, match="exists already"):
        export_run(run, tmp_path / "light")


def test_shipped_example_stays_as_it_is(run, monkeypatch):
    run.end("finished")
    monkeypatch.setattr("ddlab.runs.listing._SHIPPED", run.path.parent)
    run.path.rename(run.path.with_name("example"))
    example = open_run("example")
    for change in (lambda: delete(example), lambda: example.rename("mine"), lambda: resume(example)):
        with pytest.raises(ValueError, match="example that comes with ddlab"):
            change()


def test_a_thousand_runs_are_listed_quickly(own_home):
    experiment = json.dumps({"schema": 1, "experiment": Experiment().model_dump(mode="json")})
    status = json.dumps({"state": "finished", "started": 1.0, "ended": 2.0, "accuracies": {"global": 0.5}})
    for number in range(1000):
        folder = own_home / "runs" / f"20260101-000000-run-{number}"
        folder.mkdir(parents=True)
        (folder / "experiment.json").write_text(experiment)
        (folder / "status.json").write_text(status)
    command = [sys.executable, "-m", "ddlab", "runs", "--json"]
    before = os.times()
    done = subprocess.run(command, capture_output=True, check=True)
    after = os.times()  # processor time, because the machine may be busy with something else
    assert len(json.loads(done.stdout)) == 1000
    assert after.children_user + after.children_system - before.children_user - before.children_system < 1
