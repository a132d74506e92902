"""What does not listen is ended all the same: stopped processes, and calls that no signal but the last ends."""

import signal
import subprocess
import sys
from threading import Thread

import psutil
import pytest

from ddlab.engine import supervisor as supervisors
from ddlab.engine.control import cancel
from ddlab.experiment import Experiment
from ddlab.runs import RunFolder
from ddlab.runs.processes import identity
from tests.engine.real import processes, wait_for

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="stops processes the way Linux does")

IGNORE = "import signal; [signal.signal(n, signal.SIG_IGN) for n in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)]; "
DEAF = IGNORE + "import ctypes; print('ready', flush=True); ctypes.CDLL(None).sleep(1000)"
PARENT = IGNORE + "import subprocess, sys; subprocess.run([sys.executable, '-c', sys.argv[2], *sys.argv[1:2]])"


def begin(program, *more):
    """A run whose supervisor has started a program that names the run, as a rank does."""
    run = RunFolder.create(Experiment(name="deaf"))
    command = [sys.executable, "-c", program, str(run.path), *more]
    supervised = [sys.executable, "-m", "ddlab.engine.supervisor", str(run.path), "0", "0", *command]
    started = subprocess.Popen(supervised, stdout=subprocess.PIPE)
    assert started.stdout.readline() == b"ready\n"
    run.update_status(state="running", **identity(started.pid))
    return run, started


def test_a_cancelled_run_leaves_nobody_whatever_its_processes_do():
    stopped, alone, deep = begin(DEAF), begin(DEAF), begin(PARENT, DEAF)
    for child in psutil.Process(stopped[1].pid).children():
        child.suspend()
    psutil.Process(alone[1].pid).suspend()
    begun = [stopped, alone, deep]
    asked = [Thread(target=cancel, args=(run,)) for run, _ in begun]
    for thread in asked:
        thread.start()
    for thread, (run, started) in zip(asked, begun, strict=True):
        thread.join()
        assert run.state().state == "cancelled"
        started.wait(20)
        wait_for(lambda run=run: processes(run) == [], "the end of all its processes", 20)


def test_a_supervisor_that_is_asked_ends_what_does_not_listen_though_nobody_kills():
    run, started = begin(DEAF)
    started.send_signal(signal.SIGTERM)
    assert started.wait(60) == 9 and processes(run) == [] and supervisors.GRACE < 5
