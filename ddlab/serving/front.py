"""The front: accepts all connections of an address and hands each to the process of its visitor.

It reads nothing: what a browser sends is looked at (``MSG_PEEK``) and stays for the process that gets the connection.
So it costs nothing after the first request, whatever flows: websockets, uploads, pictures.
"""

import asyncio
import logging
import signal
import socket
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ddlab.serving.channel import PERHAPS, YOURS, Message
from ddlab.serving.heads import LONGEST, cookie, cookie_name, is_complete
from ddlab.serving.processes import Processes, Program
from ddlab.serving.waiting import readable

SILENT = 60.0  # seconds that a connection may say nothing: browsers open some in advance
BACKLOG = 512
ENDS = (signal.SIGINT, signal.SIGTERM)

log = logging.getLogger(__name__)


def serve(address: str, port: int, folder: Path, target: str, number: int) -> None:
    """Serve an application with several processes until a signal asks for the end.

    Parameters
    ----------
    address, port
        Where to listen; a name may stand for several addresses, and an empty one for all.
    folder, target
        Where the application is found, as :class:`ddlab.serving.processes.Program` takes it.
    number
        Of processes.

    Raises
    ------
    OSError
        If the port cannot be had.
    RuntimeError
        If the processes cannot be kept alive.
    """
    listeners = _listen(address, port)
    program = Program(folder, target, cookie_name(f"{address}:{port}"))
    try:
        asyncio.run(_until_asked(Front(listeners, program, number)))
    finally:
        for listener in listeners:
            listener.close()


def _listen(address: str, port: int) -> list[socket.socket]:
    found = socket.getaddrinfo(address or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return [
        socket.create_server(where[:2], family=family, backlog=BACKLOG)
        for family, where in dict.fromkeys((family, where) for family, _, _, _, where in found)
    ]


async def _until_asked(front: "Front") -> None:
    work, asked = asyncio.create_task(front.run()), asyncio.Event()
    for number in ENDS:
        asyncio.get_running_loop().add_signal_handler(number, asked.set)
    asking = asyncio.create_task(asked.wait())
    await asyncio.wait((work, asking), return_when=asyncio.FIRST_COMPLETED)
    for task in (work, asking):
        task.cancel()
    with suppress(asyncio.CancelledError):
        await work


class Front:
    """Hands connections to server processes.

    Parameters
    ----------
    listeners
        Sockets that listen.
    program
        What the processes run.
    number
        Of processes.
    """

    def __init__(self, listeners: Sequence[socket.socket], program: Program, number: int) -> None:
        self.listeners, self.cookie = listeners, program.cookie
        self.processes = Processes(program, number, self._take_back)
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Accept connections until cancelled; the processes end with it."""
        accepting = [asyncio.create_task(self._accept(listener)) for listener in self.listeners]
        try:
            await self.processes.keep()
        finally:
            for task in (*accepting, *self._tasks):
                task.cancel()

    async def _accept(self, listener: socket.socket) -> None:
        listener.setblocking(False)
        while True:
            try:
                connection, _ = await asyncio.get_running_loop().sock_accept(listener)
            except OSError as error:  # such as too many open files
                log.warning("a connection cannot be accepted: %s", error)
                await asyncio.sleep(0.1)
                continue
            self._begin(self._place(connection))

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _place(self, connection: socket.socket) -> None:
        """Hand a new connection over as soon as it says something."""
        with connection, suppress(OSError, TimeoutError):
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            async with asyncio.timeout(SILENT):
                await readable(connection)
            if head := connection.recv(LONGEST, socket.MSG_PEEK):
                await self._hand(connection, head, b"")

    async def _take_back(self, message: Message) -> None:
        """Hand on a connection that a process gave back."""

        async def hand() -> None:
            if (connection := message.connection) is not None:
                with connection:
                    await self._hand(connection, message.data, message.data)

        self._begin(hand())

    async def _hand(self, connection: socket.socket, head: bytes, data: bytes) -> None:
        """Send a connection to the process that the head names; ``data`` is what was taken from it."""
        is_known = is_complete(head) or len(head) >= LONGEST
        while True:
            backend = await self.processes.one(cookie(head, self.cookie))
            try:
                await backend.channel.send(YOURS if is_known else PERHAPS, data, connection)
                return
            except OSError:  # it died just now, and is taken off the list as soon as that is heard
                await asyncio.sleep(0.01)
