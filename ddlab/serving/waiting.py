"""Wait for a socket without reading it."""

import asyncio
import socket
from collections.abc import Callable


async def readable(waited: socket.socket) -> None:
    """Return when the socket has something to read, or has ended."""
    loop = asyncio.get_running_loop()
    await _until(waited, loop.add_reader, loop.remove_reader)


async def writable(waited: socket.socket) -> None:
    """Return when the socket takes more bytes."""
    loop = asyncio.get_running_loop()
    await _until(waited, loop.add_writer, loop.remove_writer)


async def _until(waited: socket.socket, add: Callable[..., None], remove: Callable[..., bool]) -> None:
    seen = asyncio.Event()
    add(waited, seen.set)
    try:
        await seen.wait()
    finally:
        remove(waited)
