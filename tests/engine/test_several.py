"""What the machines of a run decide by what they tell each other, without any process."""

import os
import socket
import subprocess
import sys
import time

import pytest

from ddlab import files
from ddlab.engine import several
from ddlab.engine.failures import PEER_LOST
from ddlab.engine.joiner import check_devices, take_place
from ddlab.engine.launch import check_placement
from ddlab.engine.meeting import VARIABLE, Meeting, Reach
from ddlab.engine.several import ENDED, First, Joined
from ddlab.engine.standstill import Silence
from ddlab.engine.tickets import claim, take, tickets
from ddlab.engine.torchrun import EXITS
from ddlab.experiment import parse_experiment
from ddlab.runs import RunFolder
from ddlab.runs.machines import machines_of
from ddlab.runs.processes import identity
from tests.engine.real import wait_for

ELSEWHERE = {"pid": 1, "birth": 1.0, "boot": "another", "host": "h2"}


@pytest.fixture(autouse=True)
def quick(own_home, monkeypatch):
    monkeypatch.setattr(several, "ANSWER", 0.1)
    monkeypatch.delenv(VARIABLE, raising=False)


@pytest.fixture
def port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        number = listener.getsockname()[1]
    return number


@pytest.fixture
def run(port):
    place = {"machines": 2, "workers": 1, "rendezvous": f"127.0.0.1:{port}", "restarts": 1, "heartbeat_timeout": 1}
    run = RunFolder.create(parse_experiment({"placement": place}))
    gathering = {"at": f"127.0.0.1:{port}", "machines": 2, "workers": 1, "kind": "cpu"}
    run.update_status(workers=2, gathering=gathering, **identity())
    return run


def tell(run, word, number=1, age=0.0, **more):
    told = {**ELSEWHERE, "time": time.time() - age, "word": word, "round": 1, "unreached": 0.0, "devices": [], **more}
    files.write_json(run.path / f"machine-{number}.json", told)


def never():
    return False


def once():
    """Asked to stop at the second look."""
    looks = []
    return lambda: looks.append(1) or len(looks) > 1


def end_round(run, first, code=1, silence=None, exits=None):
    if exits is not None:
        files.write_json(run.path / EXITS, exits)
    return first.goes_on(code, silence, never)


# ---- the first machine


def test_the_first_machine_begins_when_all_are_ready_for_this_round(run):
    first = First(run, ["cpu0"])
    for told in ({"word": "waits"}, {"word": "ready", "round": 0}, {"word": "ready", "unreached": 2.0}):
        tell(run, **told)
        assert first.gather(once()) is None
        first._number = 0
    tell(run, "ready", age=100)
    first.others._seen.clear()
    assert first.gather(once()) is None and run.status()["state"] == "queued"
    first._number = 0
    tell(run, "ready")
    command, _ = first.gather(never)
    assert {"--nnodes=2", "--node-rank=0", "--nproc-per-node=1", f"--rdzv-id={run.id}.1"} < set(command)
    assert run.status()["state"] == "running" and first.round() == {"number": 1, "state": "on"}
    assert First(RunFolder(run.path), []).round()["number"] == 1  # a later launch counts on


def test_a_port_that_is_taken_is_told_and_waited_for(run, port):
    tell(run, "ready")
    with socket.create_server(("127.0.0.1", port)):
        assert First(run, []).gather(once()) is None
        assert f"Port {port} is used by another program." in run.state().message


@pytest.fixture
def on(run):
    """The first machine, with a round on."""
    tell(run, "ready")
    first = First(run, ["cpu0"])
    assert first.gather(never)
    tell(run, "works")
    return first


def test_a_rank_that_another_machine_lost_ends_the_round_for_all_and_is_named_once(run, on):
    assert on.look() is None
    tell(run, "ended", code=1, exits={"1": -9}, told="")
    assert on.look() is ENDED
    assert end_round(run, on, -9, ENDED)
    assert run.state().restarts == (
        "Rank 1 was killed by signal 9 (SIGKILL), by the system for lack of memory perhaps, before its first epoch.",
    )
    assert on.round()["state"] == "over" and run.status()["state"] == "queued"
    assert not end_round(run, on, 1, None, {0: -11}) and "given up after 1 restart" in run.status()["message"]


@pytest.mark.parametrize(
    ("told", "exits", "sentence"),
    [
        ({"word": "ended", "code": 1, "exits": {"1": PEER_LOST}}, {0: -9}, "Rank 0 was killed by signal 9"),
        ({"word": "ended", "code": -9, "exits": {}}, {0: PEER_LOST}, "Rank 1 was killed by signal 9"),
        ({"word": "left"}, {0: PEER_LOST}, "Machine h2 left the run"),
        ({"word": "works", "age": 60}, {0: PEER_LOST}, "Machine h2 was silent for 1 min 00 s"),
        (
            {"word": "ended", "exits": {}, "told": "Machine h2 did not reach"},
            {0: PEER_LOST},
            "Machine h2 did not reach",
        ),
    ],
)
def test_what_was_lost_first_is_named_wherever_it_was(run, on, told, exits, sentence):
    tell(run, **told)
    on.others._seen.clear()
    assert end_round(run, on, 1, None, exits)
    assert run.state().restarts[0].startswith(sentence)


def test_a_machine_out_of_reach_is_missed_before_the_ranks_that_wait_for_it(run, on):
    tell(run, "works", unreached=0.5)
    assert on.look() is None
    tell(run, "works", unreached=1.5)
    assert on.look().told.startswith("Machine h2 did not reach 127.0.0.1:")
    tell(run, "works", age=9)
    on.others._seen.clear()
    assert on.look().told == "Machine h2 was silent for 9 s"


# ---- the others


@pytest.fixture
def joined(run):
    joined = Joined(run, 1, ["cpu0"])
    wait_for(lambda: not joined._reach.unreached, "an answer of this machine's own address")
    tell(run, "ready", number=0)
    return joined


def tell_round(run, number, state):
    files.write_json(run.path / "round.json", {"number": number, "state": state})


def test_a_machine_that_joined_takes_part_in_rounds_that_it_was_ready_for(run, joined):
    tell_round(run, 3, "on")  # has begun without it
    assert joined.gather(once()) is None
    tell_round(run, 4, "gathers")
    assert joined.gather(once()) is None and machines_of(run)[1]["word"] == "left"
    joined.card.tell(word="ready", round=4)
    tell_round(run, 4, "on")
    command, _ = joined.gather(never)
    assert {"--node-rank=1", f"--rdzv-id={run.id}.4"} < set(command)
    assert joined.look() is None
    tell_round(run, 4, "over")
    assert joined.look() is ENDED
    files.write_json(run.path / "exits-1.json", {"1": -9})
    assert joined.goes_on(1, None, never)
    machine = machines_of(run)[1]
    assert (machine["word"], machine["code"], machine["exits"]) == ("ended", 1, {"1": -9})


def test_a_way_that_is_lost_as_a_round_begins_is_told(run, joined, monkeypatch):
    def nowhere(self):
        raise OSError(101, "Network is unreachable")

    joined._mine = 2
    joined.card.tell(word="ready", round=2)
    tell_round(run, 2, "on")
    monkeypatch.setattr(Meeting, "own_address", nowhere)
    joined.gather(once())
    assert "has no way to 127.0.0.1" in machines_of(run)[1]["told"] and "unreachable" in machines_of(run)[1]["told"]


def test_a_machine_without_its_first_one_ends_its_ranks(run, joined):
    joined._mine = 1
    tell_round(run, 1, "on")
    assert joined.look() is None
    tell(run, "works", number=0, age=5)
    joined.others._seen.clear()
    silence = joined.look()
    assert isinstance(silence, Silence) and silence.seconds > 1


@pytest.mark.parametrize("end", ["finished", "cancel", "anew"])
def test_a_machine_leaves_a_run_that_is_over_or_begun_anew(run, joined, end):
    if end == "cancel":
        run.request_cancel()
    elif end == "finished":
        run.end("finished")
    else:
        run.update_status(gathering={**run.status()["gathering"], "workers": 2})
    assert joined.gather(never) is None and machines_of(run)[1]["word"] == "left"


# ---- joining


def test_who_cannot_join_is_told_why(run, monkeypatch):
    with pytest.raises(ValueError, match="is its first machine; join it from another one"):
        take_place(run)
    run.update_status(**ELSEWHERE)
    tell(run, "ready", number=0)
    number, descriptor = take_place(run)
    assert number == 1
    with pytest.raises(ValueError, match=r"has its 2 machines already \(h2\)"):
        take_place(run)
    os.close(descriptor)
    files.write_json(run.path / "machine-1.json", {**tellable("ready"), **identity()})
    with pytest.raises(ValueError, match="has joined it already"):
        take_place(run)
    with pytest.raises(ValueError, match=r"placement.workers: .* has 4096 workers on each machine"):
        check_devices(run, {**run.status()["gathering"], "workers": 4096})
    run.end("finished")
    with pytest.raises(ValueError, match="is finished; start or resume it on its first machine"):
        take_place(run)
    with pytest.raises(ValueError, match="works on one machine"):
        take_place(RunFolder.create(parse_experiment({})))


def tellable(word):
    return {"time": time.time(), "word": word, "round": 0, "unreached": 0.0, "devices": []}


def test_the_place_to_meet_is_named_or_refused(run, monkeypatch):
    placement = {"machines": 2, "rendezvous": ""}
    with pytest.raises(
        ValueError, match=f"placement.rendezvous: 2 machines need .* the environment variable {VARIABLE}"
    ):
        Meeting.of(placement)
    monkeypatch.setenv(VARIABLE, "[::1]:29500")
    assert Meeting.of(placement) == Meeting("::1", 29500) and str(Meeting.of(placement)) == "[::1]:29500"
    monkeypatch.setenv(VARIABLE, "nowhere")
    with pytest.raises(ValueError, match="needs the form HOST:PORT, got 'nowhere'"):
        Meeting.of(placement)
    far = RunFolder.create(run.experiment.with_settings({"placement.rendezvous": "192.0.2.1:29500"}))
    with pytest.raises(ValueError, match="192.0.2.1 is no address of this machine"):
        check_placement(far)


def test_the_way_to_the_meeting_is_tried(port):
    here = Meeting("127.0.0.1", port)
    assert here.own_address() == "127.0.0.1" and here.is_reached() and here.is_free()  # refused is an answer
    assert here.variables()["GLOO_SOCKET_IFNAME"].startswith("lo")
    nowhere = Reach(Meeting("name.invalid", port), 0.01)
    wait_for(lambda: nowhere.unreached > 0.1, "the time without an answer")


# ---- the queue and cancelling, where a home belongs to several machines


def test_a_machine_draws_its_ticket_beside_that_of_another_one(run):
    mine = take(run, "cpu", 1)
    other = mine.path.with_name(f"{time.time_ns():020d}-{run.id}.json")
    ticket = {"run": run.id, "kind": "cpu", "wanted": 1, "slots": ["cpu0"], "process": ELSEWHERE}
    files.write_json(other, ticket)
    again = take(run, "cpu", 1)
    assert other.exists() and not mine.path.exists() and claim(again, ["cpu0"]) == ("cpu0",)


def test_a_ticket_of_a_dead_process_goes_though_other_machines_work_on_its_run(run):
    take(run, "cpu", 1)
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        dead = identity(gone.pid)
    run.update_status(ranks=[{**ELSEWHERE, "rank": 1}], **dead)
    (path,) = (run.path.parents[1] / "queue").glob("[0-9]*.json")
    files.write_json(path, {"run": run.id, "kind": "cpu", "wanted": 1, "slots": ["cpu0"], "process": dead})
    assert tickets() == []


def test_a_run_that_another_machine_cancels_ends_here():
    run = RunFolder.create(parse_experiment({}))
    run.update_status(state="running")
    sleep = [sys.executable, "-c", "import time; time.sleep(100)"]
    command = [sys.executable, "-m", "ddlab.engine.supervisor", str(run.path), "0", "0", *sleep]
    with subprocess.Popen(command) as supervisor:
        files.write_json(run.path / "cancel.json", {"time": 1.0, "host": "h2"})
        supervisor.wait(60)
    assert run.status()["state"] == "cancelled" and "Resume" in run.status()["message"]
