"""Whose a run is, and what a student may ask for: of real folders, without any training."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from ddlab import access
from ddlab.classroom import Caps, lecturing, set_caps
from ddlab.classroom.answers import counted, predictions
from ddlab.classroom.queue import at_work_and_waiting
from ddlab.data.offered import refuse_elsewhere
from ddlab.engine import allowance, control, tickets, turns
from ddlab.experiment import DatasetSettings, parse_experiment
from ddlab.home import data_home
from ddlab.lessons import Visitor, new_id
from ddlab.reports import report_csv, report_html
from ddlab.runs import RunFolder, annotate, delete, export_run, list_runs, open_run, restore
from tests.made_run import made_experiment, made_run

CORES = ["cpu0", "cpu1"]


def ended(run):
    run.end("cancelled", "ended by a test")
    return run


def test_each_sees_the_own_runs_first_then_those_that_are_shared(room):
    ann, bob = room.student("Ann"), room.student("Bob")
    room.act(room.lecturer)
    hers = RunFolder.create(made_experiment(name="lecturers"))
    room.act(ann)
    first, second = (RunFolder.create(made_experiment(name=name)) for name in ("first", "second"))
    room.act(bob)
    own = RunFolder.create(made_experiment(name="own"))
    assert [run.id for run in list_runs()] == [own.id]
    for other in (hers, first, second):
        with pytest.raises(ValueError, match="unknown"):
            open_run(other.id)
    room.act(ann)
    access.share(first.path, True)
    room.act(bob)
    assert [run.id for run in list_runs()] == [own.id, first.id]
    assert open_run(first.id).path == first.path
    room.act(room.lecturer)
    assert {run.id for run in list_runs()} == {run.id for run in (hers, first, second, own)}
    room.act(None)
    assert list_runs() == []


def test_only_the_owner_and_the_lecturer_change_a_run_even_one_that_is_shared(room, tmp_path):
    ann, bob = room.student("Ann"), room.student("Bob")
    room.act(ann)
    run = made_run("cancelled")
    access.share(run.path, True)
    acts = {
        "cancel": lambda: control.cancel(run),
        "resume": lambda: control.resume(run),
        "rename": lambda: run.rename("mine"),
        "note": lambda: annotate(run, note="mine"),
        "delete": lambda: delete(run),
        "export": lambda: export_run(run, tmp_path / "taken"),
        "share": lambda: access.share(run.path, False),
        "report": lambda: report_html(run, 0),
        "tabulate": lambda: report_csv(run, 0),
    }
    before = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    for seat in (bob, None):
        room.act(seat)
        for action, act in acts.items():
            with pytest.raises(ValueError, match="somebody else's|no seat"):
                act()
            assert access.allows(run.path, action) is False
    assert before == {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    room.act(ann)
    name = delete(run)
    room.act(bob)
    with pytest.raises(ValueError, match="You cannot restore this"):
        restore(name)
    room.act(room.lecturer)
    restore(name).rename("the lecturer may")
    room.act(ann)
    assert run.name == "the lecturer may"


def test_a_run_of_a_seat_that_left_is_the_lecturers(room):
    room.act(room.student("Ann"))
    run = ended(RunFolder.create(made_experiment()))
    room.act(room.lecturer)
    delete(run)


@pytest.mark.parametrize(
    "settings, cap",
    [
        ({"training": {"epochs": 11}}, "epochs: a training has at most 10"),
        ({"transfer": {"epochs": 11}}, "epochs: a training has at most 10"),
        ({"seeds": [0, 1]}, "seeds: a run has at most 1"),
        ({"dataset": {"train_images": 150, "validation_images": 51}}, "images: a run has at most 200"),
        ({"placement": {"engine": "slurm", "machines": 2}}, "only the lecturer's runs"),
    ],
)
def test_a_cap_is_named_with_its_value_and_nothing_is_left_behind(room, own_home, settings, cap):
    set_caps(Caps(epochs=10, seeds=1, images=200))
    asked = made_experiment(**{"training": {"epochs": 6}, "transfer": {"epochs": 6}, **_least(), **settings})
    room.act(room.student())
    with pytest.raises(ValueError, match=cap):
        RunFolder.create(asked)
    assert list((own_home / "runs").glob("*")) == [] if (own_home / "runs").exists() else True
    room.act(room.lecturer)
    assert access.owner(RunFolder.create(asked).path) == ""


def _least():
    return {"aggregator": {"epochs": 6}, "composed": {"epochs": 6}}


def test_storage_is_what_is_there_and_what_comes(room):
    set_caps(Caps(storage=1))
    room.act(room.student())
    run = ended(RunFolder.create(made_experiment()))
    (run.path / "weights-x").write_bytes(bytes(900_000))
    access.take_up(50_000)
    with pytest.raises(ValueError, match="storage: .* at most 1 MB .*0.2 MB more do not fit"):
        access.take_up(200_000)
    (run.path / "weights-y").write_bytes(bytes(200_000))
    with pytest.raises(ValueError, match="storage: .*delete some first"):
        RunFolder.create(made_experiment())
    delete(run)
    with pytest.raises(ValueError, match="storage"):  # the trash is on the same disk
        RunFolder.create(made_experiment())


def test_minutes_are_those_of_all_launches_together(room):
    set_caps(Caps(minutes=2))
    ann = room.student()
    room.act(ann)
    run = ended(RunFolder.create(made_experiment()))
    assert allowance.read(run.path) == (2.0, 0.0)
    clock = allowance.Allowance(run.path)
    clock.spent = 119.9
    assert not clock.is_used_up()
    clock.spent = 120.1
    assert clock.is_used_up()
    with pytest.raises(ValueError, match="minutes: a run works at most 2"):
        control.resume(run)
    room.act(room.lecturer)
    lecturers = RunFolder.create(made_experiment())
    assert allowance.read(lecturers.path) == (None, 0.0)
    assert not allowance.Allowance(lecturers.path).is_used_up()


def test_forty_clients_ask_for_ten_runs_each_at_once_and_caps_and_turns_hold(room, monkeypatch):
    """Each has at most one at work and one that waits, and nobody's second run begins before everybody's first."""
    monkeypatch.setattr(tickets, "find", lambda process: process)  # all are of this process
    set_caps(Caps(running=1, waiting=1))
    students, acting = [room.student(f"S{number}") for number in range(40)], {}
    monkeypatch.setattr(access._installed[0], "who", lambda: acting.get(threading.get_ident()))

    def ask(student):
        acting[threading.get_ident()] = student
        made, refusals = [], set()
        for _ in range(10):
            try:
                made.append(RunFolder.create(made_experiment()))
            except ValueError as error:
                refusals.add(str(error))
        return made, refusals

    with ThreadPoolExecutor(40) as pool:
        asked = list(pool.map(ask, students))
    assert [len(made) for made, _ in asked] == [2] * 40
    assert all(len(refusals) == 1 and "at most 1 at work and 1 that wait" in min(refusals) for _, refusals in asked)
    queue = [tickets.take(run, "cpu", 1) for made, _ in asked for run in made]  # one student's after the other's
    begun = []
    while len(begun) < len(queue):
        first, second, *_ = [*turns.in_turns(tickets.tickets(), 1, turns.served()), None, None]
        assert second is None or not tickets.claim(second, CORES)
        assert tickets.claim(first, CORES) == ("cpu0",)
        same = [ticket for ticket in queue if ticket.owner == first.owner and ticket.path != first.path]
        assert not any(tickets.claim(ticket, CORES) for ticket in same if ticket.path.exists())
        begun.append(first)
        first.path.unlink()
    rounds = [[ticket.owner for ticket in begun[start : start + 40]] for start in (0, 40)]
    assert all(len(set(owners)) == 40 for owners in rounds)


def test_two_tabs_at_one_moment_are_counted_one_after_the_other(room):
    set_caps(Caps(running=1, waiting=0))
    room.act(room.student())

    def ask(_):
        with suppress(ValueError):
            return RunFolder.create(made_experiment())

    with ThreadPoolExecutor(8) as pool:
        made = list(filter(None, pool.map(ask, range(8))))
    assert len(made) == 1


def test_a_paused_queue_begins_nothing_and_says_so(room):
    room.act(room.student())
    run = RunFolder.create(made_experiment())
    run.update_status(launcher=None)
    ticket = tickets.take(run, "cpu", 1)
    with pytest.raises(ValueError, match="Only the lecturer"):
        lecturing.pause(room.who, True)
    lecturing.pause(room.lecturer, True)
    assert tickets.claim(ticket, CORES) == ()
    assert "The lecturer has paused the queue" in control.queue_position(run)[1]
    lecturing.pause(room.lecturer, False)
    assert tickets.claim(ticket, CORES) == ("cpu0",)


def test_the_queue_names_no_run_that_somebody_may_not_see(room):
    ann, bob = room.student("Ann"), room.student("Bob")
    room.act(ann)
    hers = RunFolder.create(made_experiment(name="her secret"))
    room.act(bob)
    his = RunFolder.create(made_experiment(name="his own"))
    for run in (hers, his):
        run.update_status(launcher=None)
        tickets.take(run, "cpu", 1)
    told = control.queue_position(his)[1]
    assert "her secret" not in told and "1 of others" in told
    assert [row["who"] for row in at_work_and_waiting()] == ["Ann", "Bob"]


def test_students_read_own_data_and_what_was_given_to_the_room(room, own_home, monkeypatch, tmp_path):
    ann, bob = room.student("Ann"), room.student("Bob")
    for owner in (ann, bob):
        folder = own_home / "data" / "own" / owner.name
        folder.mkdir(parents=True)
        access.give(folder, owner.id, owner.name)
    given = tmp_path / "given"
    given.mkdir()
    monkeypatch.setenv("DDLAB_FOLDERS", str(given))
    room.act(bob)
    for path in ("own/Bob/images.zip", str(given / "x")):
        refuse_elsewhere(DatasetSettings(name="folder", path=path))
    odd = ("own/Ann/images.zip", "own/Bob/../Ann/images.zip", "own", "mnist", "/etc", str(data_home()), "own/Eve")
    for path in odd:
        with pytest.raises(ValueError, match="none of your own data sets") as error:
            refuse_elsewhere(DatasetSettings(name="folder", path=path))
        assert str(own_home) not in str(error.value)
        experiment = parse_experiment({"dataset": {"name": "folder", "path": path}})
        with pytest.raises(ValueError, match="none of your own data sets"):
            RunFolder.create(experiment)
    room.act(room.lecturer)
    refuse_elsewhere(DatasetSettings(name="folder", path="own/Ann/images.zip"))


def test_a_room_is_cleared_into_the_trash_and_the_lecturers_runs_stay(room):
    room.act(room.student())
    run = ended(RunFolder.create(made_experiment()))
    room.act(room.lecturer)
    hers = RunFolder.create(made_experiment())
    assert lecturing.clear(room.lecturer) == 1
    assert [one.id for one in list_runs()] == [hers.id]
    assert restore(run.id).path == run.path


def test_answers_to_a_prediction_are_counted_the_newest_of_each(room):
    for number, values in enumerate(([1, 2], [2], [None], [0.5])):
        visitor = Visitor(room.student(f"S{number}").visitor)
        for value in values:
            visitor.record("overlap", "gain", "prediction", value)
    Visitor(new_id()).record("overlap", "why", "prediction", "<b>because</b>")
    assert counted("overlap / gain") == {"0.5": 1, "2": 2}
    assert counted("overlap / why") == {"<b>because</b>": 1}
    assert set(predictions()) == {"overlap / gain", "overlap / why"}
    with pytest.raises(ValueError, match="Only the lecturer"):
        lecturing.show_answers(room.student(), "overlap / gain", True)


def test_without_rules_everything_is_as_ever(own_home):
    run = RunFolder.create(made_experiment())
    assert access.owner(run.path) == "" and not (run.path / allowance.FILE).exists()
    assert [one.id for one in list_runs()] == [run.id] and not access.has_rules()
    run.rename("any")
