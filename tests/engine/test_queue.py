"""Devices, tickets and what a waiting run is told; no run is started here."""

import os
import subprocess
import sys

import pytest

from ddlab import files
from ddlab.engine import control, devices, tickets
from ddlab.engine.devices import Device, num_workers, slots
from ddlab.engine.launch import environment, launch
from ddlab.engine.waiter import HEAP, _wait, heap, training_command, variables
from ddlab.experiment import Experiment, parse_experiment
from ddlab.records import ANYTHING
from ddlab.runs import RunFolder
from ddlab.runs.processes import identity

CORES = ["cpu0", "cpu1"]


def new_run(name="run"):
    run = RunFolder.create(Experiment(name=name))
    run.update_status(launcher=None)  # its ticket alone must tell that it lives
    return run


def dead_identity():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    record = identity(process.pid)
    process.communicate(b"\n")
    return record


def kill(ticket):
    """Let the ticket's process be dead."""
    tree = ANYTHING.read(ticket.path)
    files.write_json(ticket.path, tree | {"process": dead_identity()})


@pytest.fixture
def two_cores(monkeypatch):
    cores = [Device(name, "cpu", name, name[3:]) for name in CORES]
    monkeypatch.setattr(devices, "_cores", lambda: cores)
    monkeypatch.setattr(devices, "_gpus", lambda: [])


def test_first_come_first_served_and_nobody_overtakes():
    first, second, third = (tickets.take(new_run(), "cpu", wanted) for wanted in (1, 2, 1))
    assert tickets.claim(third, CORES) == ()
    assert tickets.claim(first, CORES) == ("cpu0",)
    assert tickets.claim(second, CORES) == ()  # needs both
    assert tickets.claim(third, CORES) == ()  # fits, but the second came first
    kill(first)
    assert tickets.claim(third, CORES) == ()
    assert tickets.claim(second, CORES) == ("cpu0", "cpu1")
    kill(second)
    assert tickets.claim(third, CORES) == ("cpu0",)


def test_a_ticket_knows_how_many_are_ahead():
    drawn = [tickets.take(new_run(), "cpu", 1) for _ in range(3)]
    assert [tickets.ahead(ticket) for ticket in drawn] == [0, 1, 2]
    drawn[0].path.unlink()
    assert tickets.ahead(drawn[2]) == 1


def test_every_kind_has_its_own_queue():
    first, second = tickets.take(new_run(), "cpu", 1), tickets.take(new_run(), "cuda", 1)
    assert tickets.claim(second, ["cuda0"]) == ("cuda0",)
    assert tickets.claim(first, CORES) == ("cpu0",)


def test_slot_is_held_while_a_rank_lives():
    run = new_run()
    ticket = tickets.take(run, "cpu", 2)
    tickets.claim(ticket, CORES)
    kill(ticket)
    run.record_rank(1)
    assert tickets.free_slots(tickets.tickets(), CORES) == []
    run.update_status(ranks=[])
    assert tickets.free_slots(tickets.tickets(), CORES) == CORES


def test_resumed_run_gives_back_what_it_held_before():
    run = new_run()
    tickets.claim(tickets.take(run, "cpu", 2), CORES)
    run.update_status(**identity())  # the run lives again, the process of its first ticket does not matter
    again = tickets.take(run, "cpu", 2)
    assert tickets.claim(again, CORES) == ("cpu0", "cpu1")


@pytest.mark.parametrize("content", ["", "{}", '{"run": 3}'])
def test_damaged_ticket_is_dropped(own_home, content):
    ticket = tickets.take(new_run(), "cpu", 1)
    (own_home / "queue" / "0-damaged.json").write_text(content)
    assert [other.path for other in tickets.tickets()] == [ticket.path]


def test_ticket_that_is_being_written_is_left_alone(own_home):
    ticket = tickets.take(new_run(), "cpu", 1)
    unfinished = own_home / "queue" / f"{files.TEMPORARY}99-{ticket.path.name}"
    unfinished.write_text('{"run": ')
    assert [other.path for other in tickets.tickets()] == [ticket.path] and unfinished.exists()


def elsewhere(**changes):
    """A ticket of another machine."""
    ticket = tickets.take(new_run(), "cpu", 1)
    tree = ANYTHING.read(ticket.path)
    files.write_json(ticket.path, tree | {"process": tree["process"] | {"host": "elsewhere", "boot": "another"}})
    return ticket


def test_tickets_of_machines_that_are_gone_are_dropped():
    waits, ended, forgotten = (elsewhere() for _ in range(3))
    ended.run.end("finished")
    os.utime(forgotten.path, (1, 1))
    assert tickets.tickets() == []
    assert [ticket.path.exists() for ticket in (waits, ended, forgotten)] == [True, False, False]
    tickets.touch(waits)
    os.utime(waits.path, (1, 1))
    tickets.touch(waits)  # as its machine does while it waits
    tickets.tickets()
    assert waits.path.exists()


def test_slots_of_another_machine_are_not_ours():
    """Nobody here can tell whether its process lives; what it holds is over there."""
    elsewhere, here = (tickets.take(new_run(), "cpu", 2) for _ in range(2))
    tickets.claim(elsewhere, CORES)
    tree = ANYTHING.read(elsewhere.path)
    files.write_json(elsewhere.path, tree | {"process": tree["process"] | {"host": "elsewhere", "boot": "another"}})
    assert tickets.claim(here, CORES) == ("cpu0", "cpu1")


def test_waiting_run_is_told_its_place_and_its_reason(two_cores):
    runs = [new_run(name) for name in ("works", "next", "last")]
    drawn = [tickets.take(run, "cpu", 2) for run in runs]
    assert control.queue_position(runs[0])[0] == 1
    tickets.claim(drawn[0], CORES)
    assert control.queue_position(runs[0]) == (0, "")
    place, reason = control.queue_position(runs[2])
    assert place == 2
    assert reason.startswith("second in the queue: waits for 2 of 2 processor cores; none free, the others used by ")
    assert reason.endswith("'works'; before it: 'next'")
    held = {use.device.name: use.run for use in devices.usage()}
    assert held == {"cpu0": runs[0].id, "cpu1": runs[0].id}


def test_number_of_workers(two_cores):
    assert num_workers({"devices": "auto", "workers": None}) == ("cpu", 2)
    assert num_workers({"devices": "cpu", "workers": 1}) == ("cpu", 1)


@pytest.mark.parametrize(
    ("placement", "message"),
    [
        ({"workers": 3}, r"placement.workers: 3 workers need 3 processor cores.*this machine has 2: ask for 1 to 2"),
        ({"devices": "cuda"}, r"placement.devices: 'cuda' needs an NVIDIA GPU.*choices: auto, cpu"),
    ],
)
def test_launch_refuses_what_the_machine_does_not_have(two_cores, placement, message):
    run = RunFolder.create(parse_experiment({"placement": placement}))
    with pytest.raises(ValueError, match=message):
        launch(run)
    assert run.state().state == "failed" and run.state().message.startswith("placement.")
    assert not run.log()


def test_nobody_stops_the_process_that_launches(two_cores):
    """It is a server with other people's sessions, or a command line: here the tests themselves."""
    run = RunFolder.create(parse_experiment({"placement": {"workers": 3}}))
    assert run.state().state == "queued"
    control.cancel(run)
    assert run.state().state == "cancelled"
    for _ in range(2):
        with pytest.raises(ValueError, match="this machine has 2"):
            control.resume(run)
        assert run.state().can_resume


def test_resume_that_cannot_be_forgets_nothing(two_cores):
    run = new_run()
    run.write_failure({"sentence": "Out of memory."})
    run.end("failed", "Out of memory.")
    tree = ANYTHING.read(run.path / "experiment.json")
    files.write_json(run.path / "experiment.json", tree | {"schema": 99})
    run = RunFolder(run.path)
    with pytest.raises(ValueError, match="newer ddlab"):
        control.resume(run)
    assert run.state().message == run.failure()["sentence"] == "Out of memory."


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ({"workers": 3}, "this machine has 2"),
        ({"devices": "tpu"}, "placement.devices: .*'auto'"),
        ({"workers": 0}, "placement.workers"),
    ],
)
def test_resume_elsewhere_is_refused_where_there_is_nothing_and_forgets_nothing(two_cores, where, message):
    run = new_run()
    run.end("failed", "Out of memory.")
    with pytest.raises(ValueError, match=message):
        control.resume(run, **where)
    assert run.state().message == "Out of memory." and run.placement() == run.asked()["placement"]


def test_resume_elsewhere_is_kept_for_the_next_launches(two_cores, monkeypatch):
    launched = []
    monkeypatch.setattr(control, "launch", launched.append)
    run = new_run()
    for workers in (1, None):
        run.end("failed", "Out of memory.")
        control.resume(run, workers=workers)
        assert num_workers(run.placement()) == ("cpu", 1) and num_workers(run.asked()["placement"]) == ("cpu", 2)
    assert launched == [run, run] and run.experiment.placement.workers is None


def test_run_cancelled_before_it_had_a_process_does_not_start(two_cores):
    run = RunFolder.create(Experiment())
    control.cancel(run)
    assert _wait(run, "cpu", 1) == [] and run.state().state == "cancelled"


def test_cores_can_be_limited(monkeypatch):
    monkeypatch.setenv("DDLAB_CORES", "1")
    assert len(slots("cpu")) == 1


def test_gpus_are_preferred_and_only_those_of_the_run_are_visible(two_cores, monkeypatch):
    gpus = [Device(f"cuda{n}", "cuda", f"GPU {n}", f"GPU-{n}{n}") for n in range(3)]
    monkeypatch.setattr(devices, "_gpus", lambda: gpus)
    assert num_workers({}) == ("cuda", 3)
    assert num_workers({"devices": "cpu"}) == ("cpu", 2)
    assert variables(gpus[1:])["CUDA_VISIBLE_DEVICES"] == "GPU-11,GPU-22"
    assert variables(slots("cpu"))["CUDA_VISIBLE_DEVICES"] == ""


def test_trainings_keep_freed_memory_and_what_the_user_set_stays():
    assert all(one in variables(slots("cpu"))["GLIBC_TUNABLES"].split(":") for one in HEAP)
    given = {"GLIBC_TUNABLES": "glibc.malloc.check=1:glibc.malloc.hugetlb=0"}
    kept = heap(given)["GLIBC_TUNABLES"].split(":")
    assert kept[:2] == given["GLIBC_TUNABLES"].split(":") and "glibc.malloc.hugetlb=1" not in kept
    assert len(kept) == 2 + len(HEAP) - 1 and heap(heap({})) == heap({}), "a rank of a rank has it once"


def test_one_worker_needs_no_torchrun():
    run = new_run()
    assert "ddlab.engine.torchrun" not in training_command(run, "cpu", 1)
    assert "--nproc-per-node=2" in training_command(run, "cpu", 2)


def test_torchrun_takes_what_it_is_asked_and_gives_ranks_three_seconds_to_end(two_cores, monkeypatch):
    """An older torchrun, which cannot be told, must not refuse it: it has no such field, and takes 30 seconds."""
    launcher = pytest.importorskip("torch.distributed.run")
    for name, value in variables(slots("cpu")).items():
        monkeypatch.setenv(name, value)
    asked = training_command(new_run(), "cpu", 2)[3:]
    config, _, worker = launcher.config_from_args(launcher.get_args_parser().parse_args(asked))
    assert (config.nproc_per_node, config.max_restarts, config.local_addr) == (2, 0, "127.0.0.1")
    assert vars(config).get("shutdown_timeout", 3) == 3
    assert worker[-3:] == ["ddlab.engine.worker", asked[-2], "cpu"]


def test_run_does_not_take_a_surrounding_job_for_its_own(monkeypatch):
    monkeypatch.setenv("RANK", "3")
    monkeypatch.setenv("WORLD_SIZE", "4")
    assert not {"RANK", "WORLD_SIZE"} & set(environment())
