"""The warm process: the same answers as a fresh interpreter, whatever happens to it, and for its user alone.

Most tests start one that imports nothing first, which takes no time; the last one starts the real one.
"""

import json
import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from ddlab import subcommand
from ddlab.experiment import Experiment
from ddlab.runs import RunFolder
from ddlab.runs.processes import identity
from ddlab.warm import asking, place, serving
from ddlab.warm.place import Place
from tests.composed_run import composed_run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is none elsewhere")

SOON = 60.0  # seconds that a loaded machine may need for what takes no time
LIGHT = "from ddlab.warm import serving; serving.FIRST = (); serving.Serving._rehearse = lambda self: None;"


def until(condition):
    """Wait until something holds, and return it."""
    deadline = time.monotonic() + SOON
    while not (found := condition()):
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.01)
    return found


@pytest.fixture
def here(monkeypatch):
    """The place of the warm process of this test's home, if one is wanted."""
    monkeypatch.delenv(place.SWITCH)
    found = Place.of(subcommand.environment())
    found.make()
    return found


@pytest.fixture
def begin(here, request):
    """Start a warm process at that place; lines of Python change it before."""

    def start(lines=LIGHT):
        command = [sys.executable, "-c", f"{lines}\nserving.main()", str(here.folder), here.name]
        process = subprocess.Popen(command, env=subcommand.environment(), start_new_session=True)
        request.addfinalizer(process.wait)
        request.addfinalizer(process.kill)
        until(lambda: here.door.exists() or process.poll() is not None)
        return process

    return start


@pytest.fixture
def endless():
    """A run that never ends by itself: ``ddlab wait`` is a question that takes as long as a test wants."""
    run = RunFolder.create(Experiment())
    run.update_status(state="running", started=time.time(), **identity())
    return run


@pytest.fixture
def ask_aside(request):
    """Ask in a thread; gives the list that its answer will be in."""

    def ask(*arguments):
        answers: list[asking.Answer | None] = []
        thread = threading.Thread(target=lambda: answers.append(asking.ask(arguments, subcommand.environment())))
        thread.start()
        request.addfinalizer(thread.join)
        return answers

    return ask


def forks(process):
    """The forks of a warm process that answer now."""
    return psutil.Process(process.pid).children()


def fresh(*arguments):
    done = subprocess.run(
        [sys.executable, "-m", "ddlab", *arguments], env=subcommand.environment(), capture_output=True, text=True
    )
    return asking.Answer(done.returncode, done.stdout, done.stderr)


def test_the_answer_is_that_of_a_fresh_interpreter(begin):
    begin()
    for asked, code in ((("recipes", "--json"), 0), (("show", "nowhere"), 2), (("maps", "--seed", "x", "y"), 2)):
        answer = asking.ask(asked, subcommand.environment())
        assert answer == fresh(*asked) and answer.returncode == code


def test_a_failure_is_told_in_the_same_sentence(begin, monkeypatch):
    begin()
    monkeypatch.setattr(subcommand.subprocess, "run", None)  # no fresh interpreter
    with pytest.raises(ValueError, match="^ddlab: run: unknown 'nowhere'"):
        subcommand.run_subcommand(["show", "nowhere"])


def test_every_question_has_its_own_environment_and_folder(begin, monkeypatch, tmp_path, endless):
    begin()
    environment = subcommand.environment()
    monkeypatch.chdir(tmp_path)
    for home, runs in ((environment["DDLAB_HOME"], 1), ("other", 0), ("home", 1), (str(tmp_path / "other"), 0)):
        answer = asking.ask(["runs", "--json"], environment | {"DDLAB_HOME": home})
        assert len(json.loads(answer.stdout)) == runs


def test_two_ask_at_once(begin, endless, ask_aside):
    process = begin()
    first, second = ask_aside("wait", endless.id), ask_aside("wait", endless.id)
    until(lambda: len(forks(process)) == 2)
    assert asking.ask(["show", endless.id], subcommand.environment()).returncode == 0  # a third is not kept waiting
    assert not first and not second
    endless.end("finished")
    assert until(lambda: first)[0].returncode == until(lambda: second)[0].returncode == 0


def test_the_warm_process_is_killed_in_the_middle_of_a_question(begin, endless, ask_aside):
    """The fork that answers goes on; the next question finds nobody."""
    process = begin()
    answers = ask_aside("wait", endless.id)
    until(lambda: forks(process))
    process.kill()
    process.wait()
    assert asking.ask(["show", endless.id], subcommand.environment()) is None and not answers
    endless.end("finished")
    assert until(lambda: answers)[0].returncode == 0


def test_the_fork_is_killed_in_the_middle_of_a_question(begin, endless, ask_aside):
    """Nobody works on it any more, and so a fresh interpreter may."""
    process = begin()
    answers = ask_aside("wait", endless.id)
    until(lambda: forks(process))[0].kill()
    assert until(lambda: answers) == [None]
    endless.end("cancelled")
    with pytest.raises(ValueError, match="^cancelled"):
        subcommand.run_subcommand(["wait", endless.id])


def test_a_question_that_nobody_waits_for_is_given_up(begin, endless, here):
    process = begin()
    with here.connect(SOON) as connection, open(os.devnull, "wb") as nowhere:
        question = {"arguments": ["wait", endless.id], "environment": subcommand.environment(), "folder": os.getcwd()}
        asking.socket.send_fds(connection, [b"\n"], [nowhere.fileno()] * 2)
        connection.sendall(json.dumps(question).encode() + b"\n")
        assert connection.recv(1) == asking.BEGUN and forks(process)
    until(lambda: not forks(process))
    assert endless.state().state == "running"


def test_nonsense_costs_nothing(begin, here):
    process = begin()
    with here.connect(SOON) as connection:
        connection.sendall(b"nonsense\n" * 1000)
    assert asking.ask(["recipes"], subcommand.environment()).returncode == 0 and process.poll() is None


def test_it_ends_when_nobody_is_there(begin, here):
    process = begin(LIGHT + "serving.LOOK = 0.1")
    assert asking.ask(["recipes"], subcommand.environment())
    os.utime(here.lock, (0, time.time() - serving.IDLE - 1))
    assert process.wait(SOON) == 0


@pytest.mark.parametrize("what", ["idle", "another code", "the files are gone", "another process is there"])
def test_who_is_not_wanted(here, monkeypatch, what):
    lock = here.hold()
    server = serving.Serving(here, lock)
    assert server.is_wanted()
    if what == "idle":
        os.utime(here.lock, (0, time.time() - serving.IDLE - 1))
    elif what == "another code":
        monkeypatch.setattr(serving, "code_stamp", lambda: (0, 0))
    else:
        here.door.rename(here.door.with_suffix(".old"))
        if what == "another process is there":
            here.listen().close()
    assert not server.is_wanted()
    server.listener.close()
    os.close(lock)


def test_there_is_one(begin, here):
    first = begin()
    assert begin().wait(SOON) == 0 and first.poll() is None
    assert asking.ask(["recipes"], subcommand.environment()).returncode == 0


def test_a_visitor_starts_it_once(here, monkeypatch):
    started = []
    monkeypatch.setattr(asking, "_start", lambda place, environment: started.append(place))
    subcommand.expect()
    subcommand.expect()  # too early to look again
    assert started == [here]
    asking._looked.clear()
    held = here.hold()
    os.utime(here.lock, (0, 0))
    subcommand.expect()  # it lives, and hears that it is wanted
    assert started == [here] and here.lock.stat().st_mtime > 0
    os.close(held)
    asking._looked.clear()
    monkeypatch.setenv(place.SWITCH, "0")
    subcommand.expect()
    assert started == [here]


def test_nobody_else_may_ask_or_answer(begin, here, monkeypatch):
    begin()
    assert stat.S_IMODE(here.folder.stat().st_mode) == 0o700 and stat.S_IMODE(here.door.stat().st_mode) == 0o600
    here.folder.chmod(0o755)
    here.make()
    assert stat.S_IMODE(here.folder.stat().st_mode) == 0o700
    here.connect(SOON).close()
    monkeypatch.setattr(os, "geteuid", lambda: 4321)
    with pytest.raises(PermissionError, match="belongs to another user"):
        here.connect(SOON)
    with pytest.raises(PermissionError, match="belongs to another user"):
        here.make()


def test_what_is_read_at_the_start_has_another_process(here):
    environment = subcommand.environment()
    assert Place.of(environment | {"COLUMNS": "7"}) == here
    assert Place.of(environment | {"OMP_NUM_THREADS": "7"}) != here


@pytest.fixture
def trained():
    """A run with weights; made before the place is known, because torch sets variables that libraries read."""
    return composed_run()


@pytest.mark.slow
def test_the_files_are_those_of_the_command_line(trained, begin, ddlab, monkeypatch, tmp_path):
    """Of the real one; until it is asked it never has a thread that a fork would lack."""
    monkeypatch.setattr(asking, "PATIENCE", SOON)  # it may be in the middle of an import
    process = begin("from ddlab.warm import serving; serving.POLITE = 0")
    names = [task.joinpath("comm").read_text() for task in Path(f"/proc/{process.pid}/task").iterdir()]
    # The threads of these two know of forks; of Python's own there is one, and one while it imports.
    assert sum("jemalloc" not in name for name in names) <= 2
    for asked in (["maps", trained.id], ["export-network", trained.id, "--network", "composed", "--format", "onnx"]):
        files = [tmp_path / f"{asked[0]}-{who}.npz" for who in ("warm", "here")]
        assert asking.ask([*asked, "--out", str(files[0])], subcommand.environment()).returncode == 0
        assert ddlab(*asked, "--out", files[1])[0] == 0
        assert files[0].read_bytes() == files[1].read_bytes()
