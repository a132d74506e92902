"""The place where the machines of a run meet without SLURM: an address of the first one, and the way there."""

import errno
import os
import socket
import threading
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from ddlab.experiment.placement import SUCH_AS, is_address
from ddlab.registry import shortened
from ddlab.runs.records import Gathering

VARIABLE = "DDLAB_RENDEZVOUS"  # environment variable: HOST:PORT where an experiment names none
PROBE_TIMEOUT = 2.0  # seconds that a connection may take to be made
INTERFACES = ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME")  # what torch's backends ask for


@dataclass(frozen=True)
class Meeting:
    """Host and port at which the machines of a run meet."""

    host: str
    port: int

    @classmethod
    def of(cls, placement: Mapping[str, Any]) -> "Meeting":
        """The meeting that the placement, or else the environment, asks for.

        Raises
        ------
        ValueError
            If neither names one.
        """
        text = placement.get("rendezvous") or os.environ.get(VARIABLE) or ""
        if not text:
            raise ValueError(
                f"placement.rendezvous: {placement['machines']} machines need a place to meet, HOST:PORT of this one, "
                f"such as {SUCH_AS}; set it, or the environment variable {VARIABLE}, or let SLURM start them "
                "(placement.engine = slurm)"
            )
        return cls.parse(text)

    @classmethod
    def parse(cls, text: str) -> "Meeting":
        """Read HOST:PORT; raises a ValueError that names where it may come from."""
        if not is_address(text):
            raise ValueError(f"placement.rendezvous or {VARIABLE}: needs the form HOST:PORT, got {shortened(text)}")
        host, _, port = text.rpartition(":")
        return cls(host.strip("[]"), int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def check_is_here(self) -> None:
        """Raise a ValueError unless the address is one of this machine, where the others find the first rank."""
        if self._bind() == errno.EADDRNOTAVAIL:
            raise ValueError(
                f"placement.rendezvous: {self.host} is no address of this machine ({socket.gethostname()}); a run of "
                "several machines begins, and is resumed, on the one whose address it names"
            )

    def is_free(self) -> bool:
        """Whether no other program of this machine listens at the port."""
        return self._bind() == 0

    def _bind(self) -> int:
        """Try to listen there; returns 0 or the number of the system's error."""
        family, address = self._resolved()
        with closing(socket.socket(family, socket.SOCK_STREAM)) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind(address)
                listener.listen(1)
            except OSError as error:
                return error.errno or errno.EIO
            return 0

    def own_address(self) -> str:
        """The address of this machine from which it reaches the meeting; raises an OSError where there is no way."""
        family, address = self._resolved()
        with closing(socket.socket(family, socket.SOCK_DGRAM)) as way:
            way.connect(address)  # nothing is sent: the system only chooses a way
            return str(way.getsockname()[0])

    def variables(self) -> dict[str, str]:
        """Environment variables that let torch's backends use the network on which the machines meet.

        What is set already stays: the user knows of a faster network.
        """
        import psutil

        mine = self.own_address()
        names = [
            name
            for name, addresses in psutil.net_if_addrs().items()
            if any(address.address.split("%")[0] == mine for address in addresses)
        ]
        return {variable: names[0] for variable in INTERFACES if names and not os.environ.get(variable)}

    def is_reached(self) -> bool:
        """Whether a packet to the meeting is answered; a refusal is an answer: nobody listens there yet."""
        try:
            family, address = self._resolved()
            with closing(socket.socket(family, socket.SOCK_STREAM)) as connection:
                connection.settimeout(PROBE_TIMEOUT)
                connection.connect(address)
        except ConnectionRefusedError:
            return True
        except (OSError, ValueError):
            return False
        return True

    def _resolved(self) -> tuple[int, Any]:
        try:
            family, _, _, _, address = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)[0]
        except socket.gaierror as error:
            raise ValueError(f"placement.rendezvous: the name {self.host} is not known here ({error})") from None
        return family, address


class Reach:
    """A thread that tries every so many seconds whether the meeting is reached."""

    def __init__(self, meeting: Meeting, period: float) -> None:
        self.meeting, self.period = meeting, period
        self._since: float | None = time.monotonic()  # not yet
        threading.Thread(target=self._try_on, name="reach", daemon=True).start()

    @property
    def unreached(self) -> float:
        """Seconds for which the meeting was not reached; 0 if it is."""
        since = self._since
        return 0.0 if since is None else time.monotonic() - since

    def _try_on(self) -> None:
        while True:
            began = time.monotonic()
            reached = self.meeting.is_reached()
            if reached or time.monotonic() - began > 3 * PROBE_TIMEOUT:  # or this process was stopped meanwhile
                self._since = None
            elif self._since is None:
                self._since = began
            time.sleep(self.period)


def gathering_of(placement: Mapping[str, Any], kind: str, workers: int) -> Gathering:
    """The facts that the machines of a run must share; ``workers`` on each."""
    at = str(Meeting.of(placement))
    return {"at": at, "machines": placement["machines"], "workers": workers, "kind": kind}
