"""Server processes, as the front sees them: started, heard, started again when they die, ended."""

import asyncio
import logging
import secrets
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ddlab.serving.channel import READY, SESSIONS, Channel, Message

MODULE = "ddlab.serving.backend"
NEW = 10.0  # seconds after which whoever came without a name has opened a websocket, or has gone
MOST_DEATHS, LATELY = 5, 60.0  # of one place in that many seconds: then it stays empty
PATIENCE = 5.0  # seconds that a process may take to end

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Program:
    """The program of a server process.

    Parameters
    ----------
    folder
        Where its modules are found.
    target
        ``module:function``, as :class:`ddlab.serving.backend.Backend` takes it.
    cookie
        Name of the cookie that names a visitor's process.
    """

    folder: Path
    target: str
    cookie: str


@dataclass(eq=False)
class Backend:
    """One server process, from its start to its death."""

    name: str
    process: "subprocess.Popen[bytes]"
    channel: Channel
    is_ready: bool = False
    num_open: int = 0  # websockets
    newcomers: deque[float] = field(default_factory=deque)  # when they were sent there

    @classmethod
    def start(cls, program: Program) -> "Backend":
        """Start a process, under a name that nobody can guess."""
        ours, theirs = socket.socketpair()
        name, number = secrets.token_urlsafe(12), theirs.fileno()
        command = [sys.executable, "-m", MODULE, str(program.folder), program.target, str(number), program.cookie, name]
        with theirs:
            process = subprocess.Popen(
                command,
                pass_fds=[number],
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is meant for the front, which ends all
            )
        return cls(name, process, Channel(ours))

    def load(self) -> int:
        """Return how many visitors are there, those included who came a moment ago."""
        while self.newcomers and self.newcomers[0] < time.monotonic() - NEW:
            self.newcomers.popleft()
        return self.num_open + len(self.newcomers)

    async def end(self) -> None:
        """Ask the process to end; kill it when it does not."""
        self.process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self.ended()
        self.process.kill()
        await self.ended()

    async def ended(self) -> None:
        """Return when the process has ended."""
        while self.process.poll() is None:
            await asyncio.sleep(0.02)


class Processes:
    """So many server processes, each of which is followed by another one when it dies.

    Parameters
    ----------
    program
        What they run.
    number
        How many.
    hear
        Called with what a process says that is not about itself.
    """

    def __init__(self, program: Program, number: int, hear: Callable[[Message], Awaitable[None]]) -> None:
        self.program, self.number = program, number
        self._hear = hear
        self._living: dict[str, Backend] = {}
        self._not_begun = number  # at the start all are waited for: else whoever comes then would be with the first one
        self._is_there = asyncio.Event()  # a process that is ready

    async def keep(self) -> None:
        """Keep them alive until cancelled; then end them.

        Raises
        ------
        RuntimeError
            If none can be kept alive.
        """
        async with asyncio.TaskGroup() as places:
            for _ in range(self.number):
                places.create_task(self._keep_one())
        raise RuntimeError("the server processes die as soon as they are started; their messages are above")

    async def _keep_one(self) -> None:
        deaths: deque[float] = deque(maxlen=MOST_DEATHS)
        has_begun = False
        while len(deaths) < MOST_DEATHS or deaths[0] < time.monotonic() - LATELY:
            backend = Backend.start(self.program)
            self._living[backend.name] = backend
            try:
                await self._until_ready(backend)
                self._not_begun -= not has_begun
                has_begun = True
                self._note()
                await self._follow(backend)
            finally:
                del self._living[backend.name]
                self._note()
                backend.channel.close()
                await backend.end()
            deaths.append(time.monotonic())
            log.warning("a server process ended with %s", backend.process.returncode)
            if not backend.is_ready:
                return  # what cannot start will not start the next time

    async def _until_ready(self, backend: Backend) -> None:
        with suppress(EOFError, OSError):
            backend.is_ready = (await backend.channel.receive()).kind == READY

    async def _follow(self, backend: Backend) -> None:
        with suppress(EOFError, OSError):
            while backend.is_ready:
                message = await backend.channel.receive()
                if message.kind == SESSIONS:
                    backend.num_open = int(message.data)
                else:
                    await self._hear(message)

    def _note(self) -> None:
        if not self._not_begun and any(backend.is_ready for backend in self._living.values()):
            self._is_there.set()
        else:
            self._is_there.clear()

    async def one(self, name: str) -> Backend:
        """Return the process of that name; where it is not there, the one with the fewest visitors."""
        ready: list[Backend] = []
        while not ready:  # the last one may die while this waits
            await self._is_there.wait()
            ready = [backend for backend in self._living.values() if backend.is_ready]
        known = self._living.get(name)
        if known is not None and known.is_ready:
            return known
        chosen = min(ready, key=Backend.load)
        chosen.newcomers.append(time.monotonic())
        return chosen
