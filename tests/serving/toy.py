"""A small application that says which process answers, keeps what it is sent, and dies when it is told to."""

import os

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

kept = {}  # in the memory of this process alone


async def who(request: Request):
    return PlainTextResponse(str(os.getpid()))


async def keep(request: Request):
    kept["body"] = await request.body()
    return PlainTextResponse(str(os.getpid()))


async def fetch(request: Request):
    return PlainTextResponse(kept.get("body", b"nothing"))


async def die(request: Request):
    os._exit(7)


async def stream(socket: WebSocket):
    await socket.accept()
    await socket.send_text(str(os.getpid()))
    async for text in socket.iter_text():
        await socket.send_text(text)


def served():
    routes = [
        Route("/", who),
        Route("/keep", keep, methods=["POST"]),
        Route("/kept", fetch),
        Route("/die", die),
        WebSocketRoute("/stream", stream),
    ]
    return Starlette(routes=routes), {"ws": "websockets-sansio", "log_level": "warning"}


def broken():
    raise ValueError("port: not today")
