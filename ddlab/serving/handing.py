"""A connection at a backend, which asks of every request whose it is.

A browser's connection carries one visitor's requests. A reverse proxy's carries those of many, in any order, and so a
connection that is kept alive must change the process between two requests.
"""

import asyncio
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from ddlab.serving.heads import LONGEST, is_complete


@dataclass
class Rules:
    """Rules of a backend that its connections follow.

    Parameters
    ----------
    is_ours
        Whether the request that begins with these bytes is answered here.
    give_back
        Takes a connection and what was read of a request that is somebody else's.
    """

    is_ours: Callable[[bytes], bool]
    give_back: Callable[[socket.socket, bytes], None]


class Handed(asyncio.Protocol):
    """Pass a connection's bytes on to uvicorn's protocol, up to a request that is somebody else's.

    Requests that a client sends before it has the last answer (pipelining, which neither browsers nor proxies do) stay
    here.

    Parameters
    ----------
    inner
        Uvicorn's protocol for this connection.
    rules
        Of the backend.
    data
        What was read of the first request already.
    is_ours
        Whether that request is ours, whatever it says.
    """

    def __init__(self, inner: H11Protocol, rules: Rules, data: bytes, is_ours: bool) -> None:
        self._inner, self._rules = inner, rules
        self._head = b""  # of a request, as far as it was read
        self._first, self._is_settled = data, is_ours
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin, with what was read elsewhere."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._inner.connection_made(transport)
        if self._first:
            self.data_received(self._first)

    def data_received(self, data: bytes) -> None:
        """Look at the head of a request when it is complete; pass on everything else as it comes."""
        if self._is_between_requests():
            data = self._head = self._head + data
            if not is_complete(data) and len(data) < LONGEST:
                return
            self._head = b""
            is_ours, self._is_settled = self._is_settled or self._rules.is_ours(data), False
            if not is_ours and not self._transport.get_write_buffer_size():
                self._leave(data)
                return
        self._inner.data_received(data)

    def _is_between_requests(self) -> bool:
        parser = self._inner.conn
        return parser.our_state is h11.IDLE and parser.their_state is h11.IDLE and not parser.trailing_data[0]

    def _leave(self, data: bytes) -> None:
        """Give the connection back: a copy of its descriptor stays open when ours is closed, which sends nothing."""
        self._transport.pause_reading()
        number = self._transport.get_extra_info("socket").fileno()
        self._rules.give_back(socket.socket(fileno=os.dup(number)), data)
        self._transport.abort()

    def eof_received(self) -> None:
        """Hear that nothing more comes."""
        self._inner.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._inner.connection_lost(exc)

    def pause_writing(self) -> None:
        """Hear that the other end reads too slowly."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Hear that it reads again."""
        self._inner.resume_writing()
