"""A cookie by which a visitor is found again, and how many are there: around the application of a backend."""

from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BEGINS = ("http.response.start", "websocket.accept")


class Sticky:
    """Give every visitor a cookie with the name of this process, and say how many websockets are open.

    Parameters
    ----------
    app
        The application.
    cookie
        Name of the cookie.
    name
        Of this process.
    tell
        Called with the number of open websockets whenever it changes.
    """

    def __init__(self, app: ASGIApp, cookie: str, name: str, tell: Callable[[int], None]) -> None:
        self.app, self.cookie, self.name, self.tell = app, cookie, name, tell
        self.num_open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
        elif scope["type"] == "http":
            await self.app(scope, receive, self._with_cookie(scope, send))
        else:
            self._count(1)
            try:
                await self.app(scope, receive, self._with_cookie(scope, send))
            finally:
                self._count(-1)

    def _count(self, more: int) -> None:
        self.num_open += more
        self.tell(self.num_open)

    def _with_cookie(self, scope: Scope, send: Send) -> Send:
        if HTTPConnection(scope).cookies.get(self.cookie) == self.name:
            return send
        secure = "; Secure" if scope["scheme"] in ("https", "wss") else ""

        async def answer(message: Message) -> None:
            if message["type"] in BEGINS and message.get("status", 200) < 400:
                message.setdefault("headers", [])
                told = f"{self.cookie}={self.name}; Path=/; HttpOnly; SameSite=Lax{secure}"
                MutableHeaders(scope=message).append("set-cookie", told)
            await send(message)

        return answer
