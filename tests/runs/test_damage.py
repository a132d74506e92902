"""What is damaged is named and nothing else stops: records of wrong types, flipped bits, folders that are gone."""

import json
import os
import random
import subprocess
import sys
import time

import numpy as np
import pytest

from ddlab import files
from ddlab.analyses.comparison.accuracy import strategy_table
from ddlab.analyses.comparison.cost import machine_rate
from ddlab.analyses.comparison.paper import repeating_runs
from ddlab.analyses.decisions.probabilities import read_outcomes
from ddlab.engine import tickets
from ddlab.engine.control import cancel, queue_position, resume
from ddlab.records import ANYTHING, sealed
from ddlab.runs import RunFolder, damaged_files, delete, export_run, list_runs, open_run, restore
from ddlab.runs.locks import held, hold
from ddlab.runs.processes import identity
from ddlab.runs.records import RESULT
from ddlab.sweeps.decompositions import by_sweep
from tests.made_run import made_experiment, made_run

WRONG = [None, 3, "text", [], [[]], {"state": 3}, {"state": "running", "ranks": [3], "workers": 1e30}]
STAGE = {"stage": "average", "seed": 0, "validation_accuracy": 0.5}


@pytest.fixture
def runs():
    """A run that is well, and one that something is done to."""
    return [RunFolder.create(made_experiment()) for _ in range(2)]


# ---- records of wrong types


@pytest.mark.parametrize("tree", [*WRONG, {**STAGE, "seconds": "long"}, {**STAGE, "networks": [None]}], ids=str)
@pytest.mark.parametrize("name", ["status.json", "progress.json", "failure.json", "stages/average/seed0/result.json"])
def test_one_odd_file_breaks_no_list(runs, name, tree, ddlab):
    well, odd = runs
    for run in runs:
        run.stage("average", 0).write_result(STAGE)
        run.end("finished")
    (odd.path / name).write_text(json.dumps(tree))
    code, told, _ = ddlab("runs", "--json")
    rows = {row["id"]: row for row in json.loads(told)}
    assert code == 0 and rows[well.id]["state"] == "finished" and odd.id in rows
    assert machine_rate(list_runs()) >= 0 and queue_position(odd) == (0, "")
    faults = damaged_files(odd)
    assert [name.split("/")[-1] in fault for fault in faults] == [True] and damaged_files(well) == []
    if name == "status.json":
        assert rows[odd.id]["state"] == "failed" and "status.json is damaged" in rows[odd.id]["message"]
    if name.startswith("stages"):
        assert not odd.stage("average", 0).done and well.stage("average", 0).done
        code, told, _ = ddlab("show", odd.id)
        assert code == 0 and "result.json is damaged" in told and "average, seed 0" in told


@pytest.mark.parametrize(
    "tree", [*WRONG, {"run": "../x", "kind": "cpu", "wanted": 1, "slots": [], "process": {}}], ids=str
)
def test_an_odd_ticket_breaks_no_queue(runs, own_home, tree):
    ticket = tickets.take(runs[0], "cpu", 1)
    (own_home / "queue" / "0-odd.json").write_text(json.dumps(tree))
    assert [other.path for other in tickets.tickets()] == [ticket.path]
    assert queue_position(runs[0])[0] == 1


def test_a_ticket_that_is_a_folder_breaks_no_queue(runs, own_home):
    ticket = tickets.take(runs[0], "cpu", 1)
    (own_home / "queue" / "0-odd.json").mkdir()
    assert [other.path for other in tickets.tickets()] == [ticket.path]


@pytest.mark.parametrize("odd", [3, [[1]], {"a": 1}, None, "text", [None, {}]], ids=str)
def test_an_experiment_of_another_kind_breaks_no_analysis_of_all_runs(runs, odd):
    tree = {"schema": 1, "experiment": dict.fromkeys(["name", "sweep", "strategies", "seeds", "dataset", "model"], odd)}
    (runs[1].path / "experiment.json").write_text(json.dumps(tree))
    everything = list_runs()
    by_sweep(everything), repeating_runs(everything), machine_rate(everything), strategy_table(everything)
    assert len([run.summary() for run in everything]) == 2


def test_a_name_that_is_no_text_breaks_no_list(runs, ddlab):
    (runs[1].path / "name.txt").write_bytes(b"\xff" * 500)
    code, told, _ = ddlab("runs", "--json")
    assert code == 0 and len(json.loads(told)) == 2 and len(runs[1].name) == 80


@pytest.mark.parametrize(
    "arrays",
    [
        {"validation": np.array([{}])},
        {"validation": np.array(["a"])},
        {"validation_decisions": np.zeros(3)},
        {"validation": np.zeros((3, 2)), "validation_decisions": np.zeros(4, int)},
        {"validation": np.zeros((1, 1, 1, 1))},
    ],
    ids=["objects", "texts", "floats", "lengths", "axes"],
)
def test_predictions_that_are_none_are_named(arrays):
    run = made_run()
    path = run.stage("average", 0).path / "predictions.npz"
    np.savez(path, allow_pickle=True, **arrays)
    with pytest.raises(ValueError, match=r"predictions.npz of stage average, seed 0, is damaged \(.*resume the run"):
        run.stage("average", 0).predictions()
    assert any("predictions.npz of stage average" in fault for fault in damaged_files(run))


def test_predictions_that_lack_an_array_say_so():
    run = made_run()
    run.stage("average", 0).write_predictions(train=np.zeros((96, 2)))
    with pytest.raises(ValueError, match="hold no 'validation_decisions', but train; delete the stage's folder"):
        read_outcomes(run, 0)


def test_a_flipped_bit_of_predictions_is_found(runs):
    stage = runs[0].stage("local", 0)
    stage.write_predictions(train=np.arange(24.0).reshape(2, 3, 4))
    path = stage.path / "predictions.npz"
    content = path.read_bytes()
    for place in range(0, len(content) - 73):  # the rest is the checksum itself
        path.write_bytes(content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :])
        with pytest.raises(ValueError, match="is damaged"):
            stage.predictions()


def test_a_deep_or_endless_file_is_damaged(runs):
    odd = runs[1]
    (odd.path / "status.json").write_text("[" * 100_000)
    assert "recursion" in odd.damage()
    (odd.path / "status.json").unlink()
    os.mkfifo(odd.path / "status.json")
    assert "it is not a file" in odd.damage() and len([run.summary() for run in list_runs()]) == 2


# ---- flipped bits


def test_every_flipped_bit_of_a_result_is_found(tmp_path):
    path, tree = tmp_path / "result.json", {**STAGE, "networks": [{"parameters": 1234, "flops": 56}]}
    content = sealed(tree).encode()
    for place in range(len(content)):
        flipped = bytearray(content)
        flipped[place] ^= 1 << random.Random(place).randrange(8)
        path.write_bytes(flipped)
        found = {key: value for key, value in RESULT.read(path).items() if key in tree}
        assert found in ({}, tree), f"byte {place}: {flipped[max(0, place - 20) : place + 20]}"


def test_every_flipped_bit_of_a_sealed_file_is_found(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)))
    files.seal(path)
    content = path.read_bytes()
    files.check_seal(path)
    for place in range(256):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1 << place % 8]) + content[place + 1 :])
        with pytest.raises(ValueError, match="checksum"):
            files.check_seal(path)
    path.write_bytes(content[:256])  # by an older ddlab
    files.check_seal(path)


def test_a_changed_experiment_is_not_trained(runs):
    path = runs[1].path / "experiment.json"
    path.write_text(path.read_text().replace('"learning_rate": 0.001', '"learning_rate": 0.003'))
    with pytest.raises(ValueError, match="checksum differs"):
        _ = open_run(runs[1].id).experiment


# ---- runs that are deleted


def test_what_was_deleted_never_comes_back_by_itself(runs, own_home):
    gone = runs[1]
    gone.end("cancelled")
    delete(gone)
    for late in (
        lambda: gone.update_status(state="running"),
        lambda: gone.end("failed"),
        lambda: gone.record_rank(0),
        lambda: gone.request_cancel(),
        lambda: gone.rename("another"),
        lambda: export_run(gone, own_home / "exports"),
        lambda: gone.write_progress({}),
        lambda: gone.append_metrics(0, {}),
        lambda: gone.stage("local", 0).write_result(STAGE),
        lambda: delete(gone),
        lambda: resume(gone),
        lambda: cancel(gone),
    ):
        with pytest.raises((ValueError, FileNotFoundError)):
            late()
        assert not gone.path.exists() and [run.id for run in list_runs()] == [runs[0].id]
    with pytest.raises(ValueError, match="is gone; it was deleted"):
        gone.update_status(state="running")


def test_a_second_run_of_that_name_leaves_the_first_in_the_trash(runs, own_home):
    first = runs[1]
    first.end("cancelled", "the first")
    assert delete(first) == first.id
    files.write_json(_made(first) / "status.json", {"state": "failed", "message": "the second"})
    assert delete(RunFolder(first.path)) == f"{first.id}-2"
    assert restore(first.id).state().message == "the first"
    assert restore(f"{first.id}-2").status()["message"] == "the second"


def _made(run):
    run.path.mkdir()
    files.write_sealed(run.path / "experiment.json", {"schema": 1, "experiment": {"name": "x"}})
    return run.path


def test_a_run_that_a_program_holds_is_not_deleted_nor_resumed(runs):
    run = runs[1]
    run.end("failed", "It says so, whatever works there.")
    with held(run.path):
        for change in (delete, resume):
            with pytest.raises(ValueError, match="a program still works in its folder"):
                change(run)
        with pytest.raises(ValueError, match="still works"):
            hold(run.path)
    assert delete(run) == run.id


def test_the_hold_goes_with_exec_and_ends_with_the_process(runs):
    code = (
        "import os, sys; from pathlib import Path; from ddlab.runs.locks import hold\n"
        "os.set_inheritable(hold(Path(sys.argv[1])), True)\n"
        "os.execv(sys.executable, [sys.executable, '-c', 'print(1, flush=True); input()'])"
    )
    run = runs[1].path
    with subprocess.Popen(
        [sys.executable, "-c", code, str(run)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"1\n"
        with pytest.raises(ValueError, match="still works"):
            hold(run)
        process.kill()
    os.close(hold(run))


# ---- the clock


def test_a_clock_that_is_set_changes_nothing(runs, monkeypatch):
    """psutil counts the time of day that a process began at from the boot time, which a step of the clock moves."""
    run = runs[1]
    run.update_status(state="running", **identity())
    real = open

    def later(path, *arguments, **settings):
        file = real(path, *arguments, **settings)
        if str(path) != "/proc/stat":
            return file
        lines = file.read().split(b"\n")
        moved = [b"btime %d" % (int(line.split()[1]) + 3600) if line.startswith(b"btime") else line for line in lines]
        return __import__("io").BytesIO(b"\n".join(moved))

    monkeypatch.setattr("builtins.open", later)
    assert run.state().state == "running"
    assert not identity()["birth"] > time.time()


def test_a_pid_of_before_the_boot_is_another_process(runs):
    mine = identity()
    runs[1].update_status(state="running", **{**mine, "boot": "another"})
    assert runs[1].state().state == "lost"
    runs[1].update_status(state="running", **{**mine, "boot": "another", "host": "another"})
    assert runs[1].state().state == "running"  # of another machine: nobody here can look
    runs[1].update_status(state="running", **{**mine, "host": "another"})
    assert runs[1].state().state == "running"  # this machine has another name now, and the process lives
    runs[1].update_status(state="running", **{**mine, "host": "another", "birth": 1.0})
    assert runs[1].state().state == "lost"


def test_records_of_an_older_ddlab_still_name_their_process(runs):
    import psutil

    created = psutil.Process().create_time()
    status = {"state": "running", "pid": os.getpid(), "created": created, "host": identity()["host"]}
    files.write_json(runs[1].path / "status.json", status)
    assert runs[1].state().state == "running"
    files.write_json(runs[1].path / "status.json", {**status, "created": created - 100})
    assert runs[1].state().state == "lost"


# ---- lists


def test_rows_of_ended_runs_are_read_once(runs, monkeypatch):
    run = runs[1]
    run.end("finished")
    os.utime(run.path, (1, 1))
    assert run.summary()["state"] == "finished"
    monkeypatch.setattr("ddlab.runs.summary._row", lambda run: pytest.fail("was read again"))
    assert run.summary()["state"] == "finished"
    monkeypatch.undo()
    run.rename("another")
    assert run.summary()["name"] == "another"


def test_the_row_of_a_run_that_lives_is_never_kept(runs):
    run = runs[1]
    run.update_status(state="running", **identity())
    os.utime(run.path, (1, 1))
    assert run.summary()["state"] == "running"
    status = ANYTHING.read(run.path / "status.json")
    files.write_json(run.path / "status.json", {**status, "birth": 1.0})
    os.utime(run.path, (1, 1))
    assert run.summary()["state"] == "lost"
