"""``python -m ddlab.serving.backend FOLDER TARGET DESCRIPTOR COOKIE NAME``: one of several server processes.

It listens to nothing: connections come from the front (:mod:`ddlab.serving.front`), through a channel that it inherits
as a file descriptor. When the front has ended, so does it, at once.
"""

import asyncio
import os
import socket
import sys
from collections.abc import Coroutine
from contextlib import suppress
from importlib import import_module
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from ddlab.serving import allocation
from ddlab.serving.channel import BACK, READY, SESSIONS, YOURS, Channel, Message
from ddlab.serving.handing import Handed, Rules
from ddlab.serving.heads import cookie
from ddlab.serving.sticky import Sticky

LAST_ANSWERS = 2  # seconds that answers under way may take after the process was asked to end


class Backend:
    """An ASGI application on connections that others have accepted.

    Parameters
    ----------
    target
        ``module:function``; the function returns the application and settings of ``uvicorn.Config``.
    end
        The socket of the channel to the front.
    cookie_name
        Name of the cookie that names a visitor's process.
    name
        Of this one.
    """

    def __init__(self, target: str, end: socket.socket, cookie_name: str, name: str) -> None:
        module, _, function = target.partition(":")
        app, settings = getattr(import_module(module), function)()
        self.cookie, self.name, self.channel = cookie_name, name, Channel(end)
        self.config = uvicorn.Config(
            Sticky(app, cookie_name, name, self._tell),
            http=H11Protocol,
            loop="asyncio",
            lifespan="on",
            timeout_graceful_shutdown=LAST_ANSWERS,
            **settings,
        )
        self.server = uvicorn.Server(self.config)
        self.rules = Rules(self._is_ours, self._give_back)
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Answer until a signal asks for the end, or the front is gone."""
        self._begin(self._hear())
        await self.server.serve(sockets=[])

    async def _hear(self) -> None:
        while not self.server.started:
            await asyncio.sleep(0.01)
        try:
            await self.channel.send(READY)
            while True:
                await self._adopt(await self.channel.receive())
        except (EOFError, OSError):
            os._exit(1)  # nobody is there who would send anything; runs have processes of their own

    async def _adopt(self, message: Message) -> None:
        if message.connection is None:
            return

        def protocol() -> Handed:
            app_state = self.server.lifespan.state
            inner = H11Protocol(config=self.config, server_state=self.server.server_state, app_state=app_state)
            return Handed(inner, self.rules, message.data, message.kind == YOURS)

        try:
            await asyncio.get_running_loop().connect_accepted_socket(protocol, message.connection)
        except OSError:  # the other end has gone meanwhile
            message.connection.close()

    def _is_ours(self, head: bytes) -> bool:
        return cookie(head, self.cookie) == self.name

    def _give_back(self, connection: socket.socket, data: bytes) -> None:
        async def give() -> None:
            with connection, suppress(OSError):
                await self.channel.send(BACK, data, connection)

        self._begin(give())

    def _tell(self, num_open: int) -> None:
        async def tell() -> None:
            with suppress(OSError):
                await self.channel.send(SESSIONS, str(num_open).encode())

        self._begin(tell())

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def main() -> None:
    """Become a backend."""
    allocation.give_back()
    folder, target, descriptor, cookie_name, name = sys.argv[1:]
    os.set_inheritable(int(descriptor), False)  # a training that is started here must not hold it
    sys.path.insert(0, folder)
    end = socket.socket(fileno=int(descriptor))

    async def run() -> None:
        await Backend(target, end, cookie_name, name).run()

    asyncio.run(run())


if __name__ == "__main__":
    main()
