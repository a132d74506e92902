"""The server's connections: what is written to one is sent at once.

Python's asyncio switches Nagle's algorithm off for the sockets that it knows as TCP. Streamlit makes its listening
socket without naming the protocol, so for asyncio those that it accepts are something else, and the algorithm stays on:
the second small message of an answer waits until the browser has acknowledged the first, which a browser puts off for
40 ms. Every click took that much longer.
"""

import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil
from streamlit.starlette import App


@asynccontextmanager
async def lifespan(_app: App) -> AsyncIterator[None]:
    """Begin and end with the server, whose sockets listen already."""
    for number in listening():
        send_at_once(number)
    yield


def listening() -> list[int]:
    """The file descriptors of this process's TCP sockets that listen."""
    return [part.fd for part in psutil.Process().net_connections("tcp") if part.status == psutil.CONN_LISTEN]


def send_at_once(number: int) -> None:
    """Switch Nagle's algorithm off for a socket that listens; those that it accepts inherit that (on Linux)."""
    with socket.socket(fileno=os.dup(number)) as held:
        held.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
