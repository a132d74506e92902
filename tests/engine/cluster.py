"""A real SLURM on the loopback of this machine, for tests: its own folder, its own ports, no file in /etc.

Its daemons are children of the test's process and end with it, whatever happens. To install the programs:
``apt-get install --no-install-recommends slurmctld slurmd slurm-client munge``.
"""

import ctypes
import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.engine.real import wait_for

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol")
SYSTEM = os.pathsep.join(["/usr/sbin", "/sbin"])  # where daemons are, and not every user's PATH leads
STARTS = 15  # seconds for what takes one on a quiet machine
CONF = """\
ClusterName=ddlab
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.sock,cred_expire=5
CredType=cred/munge
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
SchedulerType=sched/backfill
SchedulerParameters=bf_interval=1,sched_interval=1,batch_sched_delay=0
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmctldParameters=preempt_send_user_signal
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
JobRequeue=1
KillWait=5
MinJobAge=600
SlurmctldTimeout=30
SlurmdTimeout=30
SlurmdParameters=config_overrides
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
{nodes}
PartitionName=main Nodes=n[1-2] Default=YES MaxTime=INFINITE State=UP PriorityTier=10 GraceTime=30
PartitionName=urgent Nodes=n[1-2] MaxTime=INFINITE State=UP PriorityTier=100 PreemptMode=OFF
"""
NODE = "NodeName=n{number} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=2 RealMemory=2000 State=UNKNOWN"


def missing() -> str:
    """Why no SLURM can be started here; empty if one can."""
    if sys.platform != "linux":
        return "SLURM is tested on Linux"
    absent = [name for name in PROGRAMS if _program(name) is None]
    return f"not installed: {', '.join(absent)}" if absent else ""


class Cluster:
    """A SLURM with two nodes of two processors; use it as a context."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="ddlab-slurm-", dir="/tmp"))  # short: a socket's path is
        self.daemons = []

    def __enter__(self):
        host, ports = socket.gethostname().split(".")[0], _free_ports(3)
        (self.folder / "state").mkdir()
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        nodes = "\n".join(NODE.format(number=n, host=host, port=ports[n]) for n in (1, 2))
        settings = {"host": host, "ports": ports, "user": getpass.getuser(), "folder": self.folder, "nodes": nodes}
        (self.folder / "slurm.conf").write_text(CONF.format(**settings))
        os.environ["SLURM_CONF"] = str(self.folder / "slurm.conf")
        try:
            self._begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _begin(self):
        files = {name: f"--{name}-file={self.folder}/munge.{name}" for name in ("key", "pid", "log", "seed")}
        self._start("munged", "--foreground", "--force", f"--socket={self.folder}/munge.sock", *files.values())
        self._wait_for(lambda: (self.folder / "munge.sock").exists(), "munged")
        self._start("slurmctld", "-D", "-c")
        for number in (1, 2):
            self._start("slurmd", "-D", "-N", f"n{number}")
        self._wait_for(lambda: tell("sinfo", "-h", "-N", "-t", "idle", "-o", "%N").split().count("n2") > 0, "slurmd")
        self._wait_for(lambda: "n1" in tell("sinfo", "-h", "-N", "-t", "idle", "-o", "%N").split(), "slurmd")

    def __exit__(self, *error):
        subprocess.run(["scancel", "--user", getpass.getuser()], capture_output=True, timeout=30)
        wait_for(lambda: not tell("squeue", "-h", "--states=running,completing"), "the end of all jobs")
        for daemon in reversed(self.daemons):  # munged is the last to go: the others speak through it
            daemon.terminate()
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        del os.environ["SLURM_CONF"]
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self, program, *arguments):
        with (self.folder / "daemons.log").open("ab") as log:
            command = [_program(program), *arguments]
            self.daemons.append(
                subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=_die_with_me)
            )

    def _wait_for(self, condition, who):
        deadline = time.monotonic() + STARTS
        while not condition():
            if time.monotonic() > deadline or any(daemon.poll() is not None for daemon in self.daemons):
                words = (self.folder / "daemons.log").read_text(errors="replace").splitlines()[-3:]
                pytest.skip(f"{who} does not start here: {' / '.join(words)}")
            time.sleep(0.05)


def tell(*command):
    """The output of a program of SLURM, whether it succeeds or not."""
    return subprocess.run(command, capture_output=True, text=True, timeout=30).stdout


def occupy(*options, seconds=60):
    """Let a job that does nothing have both nodes; gives its id."""
    command = ["sbatch", "--parsable", "-N2", "--exclusive", "-o/dev/null", *options, f"--wrap=sleep {seconds}"]
    return tell(*command).strip()


def _program(name):
    return shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), SYSTEM]))


def _free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _die_with_me():
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
