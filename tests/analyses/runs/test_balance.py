"""Who works where: what ranks tell of themselves, as tables and as a sentence."""

import math
import time

import numpy as np
import pytest

from ddlab import files
from ddlab.analyses.runs.balance import balance_in_words, balance_table, ranks_now
from ddlab.engine.heartbeat import Heartbeat
from ddlab.engine.timesheet import Timesheet
from ddlab.figures.runs.balance import balance_bars
from ddlab.runs import RunFolder, export_run
from tests.made_run import made_experiment, made_run


def line(rank, stage, seconds, computing, **more):
    return {"time": 1.0, "rank": rank, "stage": stage, "seed": 0, "seconds": seconds, "computing": computing, **more}


def beat(run, rank, **told):
    files.write_json(run.path / f"heartbeat-{rank}.json", {"host": f"host{rank}", "time": 100.0, **told})


@pytest.fixture
def run():
    run = made_run("running", made_experiment(strategies=["average", "global"]))
    run.update_status(workers=3, devices=["cuda0", "cuda1"])
    return run


def test_the_time_of_every_rank_adds_up(run):
    """Turns and seeds of a stage together, in the order of the plan; what is left is waiting."""
    for told in (
        line(0, "global", 4.0, 4.0),
        line(0, "local", 2.0, 1.5),
        line(0, "local", 1.0, 0.5, without_core=0.25),
    ):
        run.append_times(0, told)
    run.append_times(1, line(1, "local", 3.0, 3.0))
    beat(run, 1, sheet=line(1, "global", 4.0, 1.0))
    table = balance_table(run)
    assert list(zip(table["stage"], table["rank"], strict=True)) == [
        ("local", 0),
        ("local", 1),
        ("global", 0),
        ("global", 1),
    ]
    np.testing.assert_allclose(table["waiting"], [0.75, 0.0, 0.0, 3.0])
    np.testing.assert_allclose(table[["computing", "waiting", "without_core"]].sum(axis=1), table["seconds"])
    assert table["title"].tolist() == ["Local networks"] * 2 + ["Global network"] * 2
    told = balance_in_words(table)
    assert told.startswith(
        "Rank 1 waits for 43\u00a0% of the time, rank 0 for 11\u00a0%; most of it in “Global network”"
    )
    run.end("cancelled")
    assert len(balance_table(run)) == 3, "what a rank of an ended run told last is no longer under way"


def test_ranks_that_wait_alike_are_called_equally_busy_and_one_alone_is_not_compared(run):
    run.append_times(0, line(0, "local", 10.0, 9.0))
    assert balance_in_words(balance_table(run)) == ""
    run.append_times(1, line(1, "local", 10.0, 8.5))
    told = balance_in_words(balance_table(run))
    assert told == "All ranks are about equally busy: they wait for 12\u00a0% of the time."


def test_a_run_without_timesheets_has_an_empty_table(run):
    assert balance_table(run).empty and ranks_now(run).empty
    (run.path / "times-0.jsonl").write_text('{"rank": 0, "stage": "local"}\nnothing\n')
    assert balance_table(run).empty, "lines that are none are left out"


def test_what_each_rank_does_now(run):
    images = run.experiment.dataset.train_images
    for rank in range(3):
        epoch = {"stage": "local", "epoch": rank + 1, "epochs": 6, "seconds": 2.0}
        beat(run, rank, sheet=line(rank, "local", 4.0, 3.0), **epoch)
    now = ranks_now(run, now=103.0)
    assert now["device"].tolist() == ["cuda0", "cuda1", "cuda0"] and now["machine"].tolist() == [
        "host0",
        "host1",
        "host2",
    ]
    assert now["has"].tolist() == ["subdomain 1, subdomain 4", "subdomain 2", "subdomain 3"]
    assert now["samples"].tolist() == [images, images / 2, images / 2], "two networks take two subimages of each"
    assert now["epoch"].tolist() == ["1 of 6", "2 of 6", "3 of 6"]
    assert now["waiting"].tolist() == [0.25] * 3 and now["seen"].tolist() == [3.0] * 3


def test_ranks_that_report_no_epoch_are_as_far_as_the_first(run):
    epoch = {"stage": "global", "epoch": 2, "epochs": 6, "seconds": 4.0}
    beat(run, 0, sheet=line(0, "global", 4.0, 3.0), **epoch)
    beat(run, 1, sheet=line(1, "global", 4.0, 1.0), stage="local", epoch=6, epochs=6, seconds=1.0)
    beat(run, 2, sheet=None)
    now = ranks_now(run)
    assert now["epoch"].tolist() == ["2 of 6", "2 of 6", "–"]
    assert now["has"].tolist()[:2] == ["a part of every batch"] * 2 and now["stage"].tolist()[2] == "begins"
    assert now["samples"].tolist()[:2] == [run.experiment.dataset.train_images / 3 / 4.0] * 2
    assert math.isnan(now["waiting"][2])


def test_bars_are_as_long_as_the_stages_took(run):
    run.append_times(0, line(0, "local", 4.0, 3.0))
    run.append_times(1, line(1, "local", 4.0, 1.0, without_core=1.0))
    bars = {bar.name: list(bar.x) for bar in balance_bars(balance_table(run), "title").data}
    assert bars == {"computes": [3.0, 1.0], "waits": [1.0, 2.0], "other programs have its core": [0.0, 1.0]}


def test_a_timesheet_tells_computing_from_waiting(tmp_path):
    run = RunFolder.create(made_experiment())
    sheet = Timesheet(run, 1, "cpu")
    assert sheet.now() is None
    sheet.begin("local", 3)
    until = time.process_time() + 0.05
    while time.process_time() < until:
        pass
    computed = sheet.now()["computing"]
    assert computed >= 0.05
    time.sleep(0.1)
    Heartbeat(run.path, 1, 0.0, {}).beat()
    sheet.begin("global", 3)
    sheet.end()
    first, second = run.times()
    assert (first["stage"], first["seed"], first["rank"], second["stage"]) == ("local", 3, 1, "global")
    assert first["seconds"] - first["computing"] >= 0.05, "it slept for twice as long"
    assert second["seconds"] < first["seconds"] and sheet.now() is None
    run.end("finished")
    assert export_run(run, tmp_path).times() == run.times(), "it names no machine, so it is given away"


def test_a_heartbeat_carries_what_it_is_given():
    run = RunFolder.create(made_experiment())
    heart = Heartbeat(run.path, 0, 0.0, {"stage": "local", "epoch": 2, "epochs": 5, "loss": 0.5})
    heart.tell = lambda: {"sheet": line(0, "local", 2.0, 1.0)}
    heart.beat()
    told = run.heartbeats()[0]
    assert (told["epoch"], told["epochs"], told["sheet"]["seconds"]) == (2, 5, 2.0)
