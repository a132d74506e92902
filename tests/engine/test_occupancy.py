"""Who holds the devices and who waits for them, on made-up machines."""

import pytest

from ddlab.engine import control, devices, occupancy, tickets
from ddlab.engine.devices import Device, DeviceUse
from ddlab.engine.occupancy import Held, holders, waiting
from ddlab.experiment import Experiment
from ddlab.runs import RunFolder
from ddlab.runs.state import RunState


def core(number, run=None, load=0.5):
    return DeviceUse(Device(f"cpu{number}", "cpu", f"core {number}", str(number)), run, load, 0.3)


def gpu(number, run=None):
    return DeviceUse(Device(f"cuda{number}", "cuda", f"GPU {number}", "GPU-x"), run, 0.9, 0.25, 80_000_000_000)


def test_cores_are_told_by_who_holds_them_and_gpus_one_by_one():
    uses = [gpu(0, "a"), gpu(1), core(0), core(1, "b", 1.0), core(2, "b", 0.5), core(3), core(7, "a", None)]
    assert holders(uses) == [
        Held("GPU 0", "a", 0.9, 0.25, 80_000_000_000),
        Held("GPU 1", None, 0.9, 0.25, 80_000_000_000),
        Held("core 7", "a", None),
        Held("cores 1–2", "b", 0.75),
        Held("2 cores", None, 0.5),
    ]


@pytest.fixture
def one_core(monkeypatch):
    monkeypatch.setattr(devices, "_cores", lambda: [Device("cpu0", "cpu", "core 0", "0")])
    monkeypatch.setattr(devices, "_gpus", lambda: [])
    monkeypatch.setattr(occupancy, "available", lambda: False)


def made(name, **status):
    run = RunFolder.create(Experiment(name=name))
    run.update_status(launcher=None, **status)
    return run


def test_runs_that_wait_are_told_with_their_reasons(one_core):
    works, waits = made("works"), made("waits")
    tickets.claim(tickets.take(works, "cpu", 1), ["cpu0"])
    tickets.take(waits, "cpu", 1)
    (told,) = waiting()
    assert told.run == waits.id and told.reason == control.queue_position(waits)[1]
    assert "waits for 1 of 1 processor core" in told.reason and "'works'" in told.reason
    assert [held.run for held in holders()] == [works.id]


def test_a_job_in_slurms_queue_waits_with_its_reason(one_core, monkeypatch):
    run, _ = made("job", job={"id": "7"}), made("none")
    state = RunState("queued", "Job 7 of SLURM waits behind jobs of higher priority.")
    monkeypatch.setattr(RunFolder, "state", lambda self: state)
    assert waiting() == [], "no SLURM is asked where there is none"
    monkeypatch.setattr(occupancy, "available", lambda: True)
    assert [(told.run, told.reason) for told in waiting()] == [(run.id, state.message.rstrip("."))]
