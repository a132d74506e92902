"""Messages between two processes of one machine, which may carry an open connection.

A message is a kind (one byte), the number of bytes that follow (four) and those bytes. A connection travels as a file
descriptor with the first byte (``SCM_RIGHTS``): the other process gets one of its own, and ours may be closed.
"""

import asyncio
import os
import socket
import struct
from typing import NamedTuple

from ddlab.serving.waiting import readable, writable

READY = b"r"  # backend: it answers from now on
SESSIONS = b"s"  # backend: how many websockets are open, as a number in ASCII
BACK = b"b"  # backend: a connection whose next request belongs to somebody else, and what was read of that request
YOURS = b"y"  # front: a connection whose next request is the backend's, and what was read of it
PERHAPS = b"p"  # front: the same, of which the head was not complete: the backend must look itself
_HEADER = struct.Struct("!cI")


class Message(NamedTuple):
    """A message that came over a channel.

    Parameters
    ----------
    kind
        One of the constants of this module.
    data
        Its bytes.
    connection
        A connection that came with it; whoever receives it closes it.
    """

    kind: bytes
    data: bytes
    connection: socket.socket | None


class Channel:
    """One end of a pair of stream sockets in the Unix domain.

    Parameters
    ----------
    end
        The socket; the channel sets it to return at once.
    """

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._end = end
        self._sending = asyncio.Lock()

    async def send(self, kind: bytes, data: bytes = b"", connection: socket.socket | None = None) -> None:
        """Send a message; waits while the other process does not read.

        Raises
        ------
        OSError
            If the other process has ended.
        """
        told = _HEADER.pack(kind, len(data)) + data
        async with self._sending:
            sent = 0
            if connection is not None:
                sent = await self._send_with(told, connection)
            if sent < len(told):  # else it has all, and may have ended of it: to send nothing would fail
                await asyncio.get_running_loop().sock_sendall(self._end, told[sent:])

    async def _send_with(self, told: bytes, connection: socket.socket) -> int:
        while True:
            await writable(self._end)
            try:
                return socket.send_fds(self._end, [told], [connection.fileno()])
            except BlockingIOError:
                continue

    async def receive(self) -> Message:
        """Return the next message.

        Raises
        ------
        EOFError
            If the other process has ended.
        """
        header, connection = await self._begin()
        try:
            header += await self._exactly(_HEADER.size - len(header))
            kind, length = _HEADER.unpack(header)
            return Message(kind, await self._exactly(length), connection)
        except BaseException:
            if connection is not None:
                connection.close()
            raise

    async def _begin(self) -> tuple[bytes, socket.socket | None]:
        while True:
            await readable(self._end)
            try:
                begun, descriptors, _, _ = socket.recv_fds(self._end, _HEADER.size, 1)
            except BlockingIOError:
                continue
            except ConnectionError as error:
                raise EOFError from error
            if not begun:
                raise EOFError
            for descriptor in descriptors:
                os.set_inheritable(descriptor, False)  # it is, when it comes
            return begun, socket.socket(fileno=descriptors[0]) if descriptors else None

    async def _exactly(self, count: int) -> bytes:
        parts = b""
        while len(parts) < count:
            part = await asyncio.get_running_loop().sock_recv(self._end, count - len(parts))
            if not part:
                raise EOFError
            parts += part
        return parts

    def close(self) -> None:
        """Close this end; the other one reads an end."""
        self._end.close()
