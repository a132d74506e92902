"""Two network namespaces as two machines, for tests: own addresses, host names, processes and hosts file; one disk.

Each has a first process that holds its namespaces and reaps its orphans; all of it ends with the test's process.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from ddlab.engine.launch import environment

ADDRESSES = ("10.77.13.1", "10.77.13.2")
PORT = 29_513
PROGRAMS = ("ip", "nsenter", "unshare", "mount", "hostname")
# The first process of a machine: nobody's zombies stay, and it ends with us.
INIT = "import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN); print(flush=True); signal.pause()"
SET_UP = 'mount --bind "$2" /etc/hosts; hostname "$1"; exec "$3" -c "$4"'


def missing() -> str:
    """Why there are no such machines here; empty if there are."""
    if sys.platform != "linux":
        return "namespaces are Linux's"
    if absent := [name for name in PROGRAMS if shutil.which(name) is None]:
        return f"not installed: {', '.join(absent)}"
    tried = subprocess.run(
        ["unshare", "--net", "--uts", "--mount", "--pid", "--fork", "--mount-proc", "ip", "link", "add", "ddlab-a",
         "type", "veth", "peer", "name", "ddlab-b"],
        capture_output=True,
        text=True,
    )  # fmt: skip
    return "" if tried.returncode == 0 else f"not allowed: {tried.stderr.strip().splitlines()[-1:]}"


class Hosts:
    """Two machines, ``dd1`` and ``dd2``, joined by a cable; use it as a context."""

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="ddlab-hosts-"))
        self.hosts: list[Host] = []
        lines = [f"{address} dd{number}" for number, address in enumerate(ADDRESSES, 1)]
        (self.folder / "hosts").write_text("\n".join(["127.0.0.1 localhost", *lines]) + "\n")
        try:
            for number, address in enumerate(ADDRESSES, 1):
                self.hosts.append(Host(f"dd{number}", address, self.folder / "hosts"))
            first, second = self.hosts
            _ip(first, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", str(second.pid))
            for host in self.hosts:
                _ip(host, "addr", "add", f"{host.address}/24", "dev", "cable")
                _ip(host, "link", "set", "lo", "up")
                _ip(host, "link", "set", "cable", "up")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error):
        for host in self.hosts:
            host.shut_down()
        shutil.rmtree(self.folder, ignore_errors=True)

    def cut(self):
        """Pull the cable."""
        _ip(self.hosts[1], "link", "set", "cable", "down")

    def mend(self):
        """Plug it in again."""
        _ip(self.hosts[1], "link", "set", "cable", "up")


class Host:
    """One machine."""

    def __init__(self, name, address, hosts):
        self.name, self.address = name, address
        command = ["unshare", "--net", "--uts", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        self.process = subprocess.Popen(
            [*command, "sh", "-c", SET_UP, "sh", name, str(hosts), sys.executable, INIT],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            preexec_fn=_die_with_me,
        )
        assert self.process.stdout is not None and self.process.stdout.readline(), f"{name} does not start"
        self.process.stdout.close()
        self.pid = int(Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text())

    def ddlab(self, *arguments, **variables):
        """Run a command of ddlab there, to its end."""
        return self.run(sys.executable, "-m", "ddlab", *arguments, **variables)

    def run(self, *command, **variables):
        """Run a program there, to its end."""
        return subprocess.run(
            [*self.enter(), *command],
            capture_output=True,
            text=True,
            timeout=300,
            stdin=subprocess.DEVNULL,
            env={**environment(), **variables},
        )

    def enter(self):
        """The beginning of a command that is run there."""
        return ["nsenter", f"--target={self.pid}", "--net", "--uts", "--mount", "--pid", f"--wd={os.getcwd()}"]

    def processes(self, word):
        """Processes of that machine, by the numbers that this one gives them, whose command has a word."""
        found = []
        for pid in self._everybody():
            try:
                command = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
                state = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[0]
            except OSError:
                continue
            if state != "Z" and word in command:
                found.append(pid)
        return found

    def ranks(self, run):
        """Its ranks of a run."""
        return [pid for pid in self.processes(str(run.path)) if self._is(pid, "ddlab.engine.worker", 3)]

    def kill(self, word, signal_=signal.SIGKILL):
        """Signal all its processes with a word."""
        for pid in self.processes(word):
            with suppress(ProcessLookupError):  # it ended by itself
                os.kill(pid, signal_)

    def shut_down(self):
        """End all its processes, as a machine does that loses its power."""
        self.process.kill()
        self.process.wait()

    @staticmethod
    def _is(pid, word, place):
        try:
            return Path(f"/proc/{pid}/cmdline").read_text().split("\0")[place : place + 1] == [word]
        except OSError:
            return False

    def _everybody(self):
        """All processes of its namespace."""
        own = os.readlink(f"/proc/{self.pid}/ns/pid")
        found = []
        for path in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if os.readlink(path / "ns" / "pid") == own:
                    found.append(int(path.name))
        return found


def _ip(host, *arguments):
    subprocess.run(["nsenter", f"--target={host.pid}", "--net", "ip", *arguments], check=True, capture_output=True)


def _die_with_me():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
