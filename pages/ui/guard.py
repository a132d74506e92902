"""Guards before every answer of the server: who is answered at all, and what a browser may do with the answer."""

import base64
import hashlib
import ipaddress
import re
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ddlab.classroom import is_classroom
from ddlab.classroom.gate import Gate
from pages.ui.late import OnePageAtATime

LOCAL = ("localhost", "127.0.0.1", "[::1]")
_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


def middleware() -> list[Middleware]:
    """The guards in the order in which they see a request."""
    return [
        Middleware(_WithHeaders, headers=headers()),
        Middleware(TrustedHostMiddleware, allowed_hosts=hosts(), www_redirect=False),
        Middleware(_SameOrigin),
        *([Middleware(Gate)] if is_classroom() else []),
        Middleware(OnePageAtATime),
    ]


def hosts() -> list[str]:
    """Names that the server answers to, which a stranger's domain that leads here is not (DNS rebinding).

    Those of this machine for itself, the address that the server listens to (of all addresses, each), and what
    ``server.allowedHosts`` and ``browser.serverAddress`` name.
    """
    address = st.get_option("server.address") or "0.0.0.0"
    listens = _own_addresses() if _is_any(address) else [address]
    named = [st.get_option("browser.serverAddress"), *st.get_option("server.allowedHosts")]
    return list(dict.fromkeys([*LOCAL, *(f"[{name}]" if ":" in name else name for name in [*listens, *named] if name)]))


def _is_any(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_unspecified
    except ValueError:  # a name
        return False


def _own_addresses() -> list[str]:
    found = [part.address for parts in psutil.net_if_addrs().values() for part in parts]
    return [address for address in found if re.fullmatch(r"[\d.]+|[\da-f]*:[\da-f:]+", address) and "::1" != address]


def headers() -> dict[str, str]:
    """Return the headers of every answer: the page loads everything from here, and no other site may embed it."""
    return {
        "Content-Security-Policy": "; ".join(f"{kind} {sources}" for kind, sources in _policy().items()),
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


def _policy() -> dict[str, str]:
    """Return the sources from which a page may load each kind of content.

    Streamlit and plotly write styles into the page; components come as modules in blobs, pictures as data; plotly's
    WebGL, which draws the history of a run with many steps, makes functions of text (``unsafe-eval``). Of the scripts
    that stand in Streamlit's page the hashes are named, so that no other one runs there.
    """
    page = (Path(st.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    digests = (hashlib.sha256(script.encode()).digest() for script in _INLINE.findall(page))
    inline = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return {
        "default-src": "'self'",
        "script-src": f"'self' 'unsafe-eval' blob: {inline}",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-src": "'none'",
        "frame-ancestors": "'none'",
    }


class _WithHeaders:
    """A middleware that adds headers to every answer that lacks them."""

    def __init__(self, app: ASGIApp, headers: dict[str, str]) -> None:
        self.app = app
        self.headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] in ("http.response.start", "websocket.http.response.start"):
                given = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    given.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, with_headers)


class _SameOrigin:
    """A middleware that refuses websockets opened by pages from elsewhere.

    Streamlit would take one of any port of this machine, and to tell whether the origin is this machine it asks a
    server in the internet for the machine's address.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = Headers(scope=scope) if scope["type"] == "websocket" else Headers()
        origin = given.get("origin")
        if origin and urlsplit(origin).netloc != given.get("host") and origin not in _further_origins():
            await PlainTextResponse("Invalid origin", status_code=403)(scope, receive, send)
            return
        await self.app(scope, receive, send)


def _further_origins() -> list[str]:
    return list(st.get_option("server.corsAllowedOrigins"))
