"""The gate of a room: an ASGI middleware before the pages, which lets pass who has a seat.

Who has none gets a page that asks for the room's code and a name, or for an account of the school's, and no websocket,
file or upload. A form counts only if its origin is this server; its cookie is signed, hidden from scripts, for this
site alone, and ends with the room.
"""

import time
from collections import Counter
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from anyio import to_thread
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ddlab.classroom import accounts, cookies, openid, room, seats, sign_in, tries
from ddlab.classroom.caps import caps_now
from ddlab.classroom.seats import Seat

MOST_FORM = 8192  # bytes
MOST_SOCKETS = 8  # open pages of one seat at one process
MOST_BODY = 2**20  # bytes of a request that sends no file
OPEN = ("/_stcore/health",)  # says "ok" and no more; proxies ask for it
CLOSED = (  # for nobody in a room
    *("/_stcore/agent", "/_stcore/metrics", "/_stcore/script-health-check"),
    *("/auth/", "/oauth2callback"),  # Streamlit's own login: see ddlab.classroom.openid
)
UPLOAD = "/_stcore/upload_file/"
NO_SOCKET = {"type": "websocket.close", "code": 1008}  # answers 403, before it is accepted
HEADERS = {  # no-referrer, as on the other pages, would make browsers hide the origin of the form
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}


class Gate:
    """The middleware.

    Parameters
    ----------
    app
        What stands behind it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.sockets: Counter[str] = Counter()  # by seat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or let pass."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        if path in OPEN and scope["type"] == "http" and scope["method"] in ("GET", "HEAD"):
            await self.app(scope, receive, send)
        elif path.startswith(CLOSED):
            await PlainTextResponse("Not in a room", 404)(scope, receive, send)
        elif path.startswith("/room/") and scope["type"] == "http":
            answer = await _at_the_door(Request(scope, receive))
            await answer(scope, receive, send)
        elif seat := seats.of_cookie(HTTPConnection(scope).cookies.get(cookies.NAME, "")):
            await self._pass(seat, scope, receive, send)
        elif scope["type"] == "websocket":
            await send(NO_SOCKET)
        else:
            await _refusal(scope)(scope, receive, send)

    async def _pass(self, seat: Seat, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            if self.sockets[seat.id] >= MOST_SOCKETS:
                await send(NO_SOCKET)
                return
            self.sockets[seat.id] += 1
            try:
                await self.app(scope, receive, send)
            finally:
                self.sockets[seat.id] -= 1
                self.sockets += Counter()  # forgets those that have none
            return
        most = _most(seat, scope["path"])
        if _length(Headers(scope=scope)) > most:
            await PlainTextResponse(f"At most {most // 10**6} MB can be sent", 413)(scope, receive, send)
            return
        await self.app(scope, _Counted(receive, most), send)


class _Counted:
    """Receives no more of a body than is allowed; of one that goes on, the client is taken to have gone."""

    def __init__(self, receive: Receive, most: int) -> None:
        self.receive, self.left = receive, most

    async def __call__(self) -> Message:
        message = await self.receive()
        self.left -= len(message.get("body") or b"")
        return message if self.left >= 0 else {"type": "http.disconnect"}


def _most(seat: Seat, path: str) -> int:
    if not path.startswith(UPLOAD):
        return MOST_BODY
    most = caps_now().upload
    return 10**10 if seat.is_lecturer or most is None else most * 10**6 + 2**16  # what multipart adds


def _length(headers: Headers) -> int:
    told = headers.get("content-length", "0")
    return int(told) if told.isascii() and told.isdecimal() and len(told) < 16 else 10**16


def _refusal(scope: Scope) -> Response:
    """Answer who has no seat: with the page that gives one, where a page was asked for."""
    if scope["method"] != "GET" or "text/html" not in Headers(scope=scope).get("accept", ""):
        return PlainTextResponse("Sign in first", 401)
    query = scope["query_string"].decode("latin-1")
    return _form(then=quote(scope["path"]) + (f"?{query}" if query else ""))


def _form(status: int = 401, **fields: Any) -> Response:
    now = room.current()
    if now is None or now.has_ended:
        return _page(sign_in.told("The room has ended", "Ask the lecturer for a new one."), 401)
    settings = accounts.current()
    if settings is None and not now.has_form:
        return _page(sign_in.told("Nobody can come in", "The settings of the accounts are not there any more."), 503)
    school = settings.title if settings else ""
    return _page(sign_in.sign_in(asks_code=bool(now.code), school=school, **fields), status)


def _page(html: str, status: int = 200) -> Response:
    return HTMLResponse(html, status, headers=HEADERS)


# ---- the door: /room/enter, /room/account, /room/lecturer, /room/leave


async def _at_the_door(request: Request) -> Response:
    place, method = request.url.path, request.method
    if method == "POST":
        if not _is_from_here(request.headers):
            return PlainTextResponse("Another site has sent this form", 403)
        fields = await _fields(request)
        if fields is None:
            return PlainTextResponse("Too much was sent", 413)
        if place == "/room/enter":
            return await to_thread.run_sync(_enter, request, fields)
        if place == "/room/leave":
            return _leave(request)
    elif method in ("GET", "HEAD"):
        if place == "/room/lecturer":
            return await to_thread.run_sync(_enter_as_lecturer, request)
        if place in ("/room/account", openid.BACK) and method == "GET":
            return await _by_account(request)
        if place == "/room/enter":
            return _form(200, code=request.query_params.get("code", "")[:100])
        if place == "/room/leave":
            seat = seats.of_cookie(request.cookies.get(cookies.NAME, ""))
            return _page(sign_in.leave(seat.name, seat.has_account)) if seat else RedirectResponse("/", 303, HEADERS)
    return PlainTextResponse("There is nothing here", 404)


def _is_from_here(headers: Headers) -> bool:
    """Whether a form was sent by a page of this server: browsers tell the origin of every form."""
    origin = headers.get("origin", "")
    return bool(origin) and urlsplit(origin).netloc == headers.get("host", "") != ""


async def _fields(request: Request) -> dict[str, str] | None:
    """Return the fields of a form; None if it is too large."""
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > MOST_FORM:
            return None
    try:
        told = parse_qs(content.decode("ascii"), keep_blank_values=True, max_num_fields=10, errors="replace")
    except ValueError:
        return {}
    return {name: values[0] for name, values in told.items()}


def _enter(request: Request, fields: dict[str, str]) -> Response:
    """Give a seat to who knows the code."""
    now, name, code = room.current(), fields.get("name", ""), fields.get("code", "")[:100]
    then = _local(fields.get("then", "/"))
    if now is None or now.has_ended or not now.has_form:
        return _form()
    with tries.one_at_a_time():
        if seconds := tries.wait(_address(request)):
            said = f"There were too many wrong codes. Try again in {max(1, round(seconds))} s."
            answer = _form(429, code=code, name=name[:100], then=then, refusal=said)
            answer.headers["Retry-After"] = str(max(1, round(seconds)))
            return answer
        if now.code and not now.is_code(code):
            tries.note_wrong(_address(request))
            said = "That is not the code of this room."
            return _form(403, name=name[:100], then=then, refusal=said)
    try:
        seat = seats.take(now, name)
    except ValueError as error:
        return _form(400, code=code, name=name[:100], then=then, refusal=str(error))
    return _seated(request, seat, now, then)


async def _by_account(request: Request) -> Response:
    """Send somebody to the school's provider of accounts, or give a seat to who comes back from there."""
    now, settings = room.current(), accounts.current()
    if now is None or now.has_ended or settings is None:
        return _form()
    try:
        if request.url.path != openid.BACK:
            return await openid.begin(request, settings, now.address, _local(request.query_params.get("then", "/")))
        told = await openid.finish(request, settings)
        found = accounts.account_of(told.claims, settings)
        seat = await to_thread.run_sync(_take, now, found)
    except (openid.NotSignedInError, ValueError) as error:
        return openid.forget(_form(403, refusal=str(error)))
    return openid.forget(_seated(request, seat, now, _local(told.then)))


def _take(now: room.Room, found: accounts.Account) -> Seat:
    return seats.take(now, found.name, is_lecturer=found.is_lecturer, account=found.seat)


def _enter_as_lecturer(request: Request) -> Response:
    """Give the lecturer's seat to who has the key."""
    now = room.current()
    if now is None or now.has_ended:
        return _form()
    with tries.one_at_a_time():
        if tries.wait(_address(request)):
            return _page(sign_in.told("Not yet", "There were too many wrong codes. Try again in half a minute."), 429)
        if not now.is_key(request.query_params.get("key", "")[:200]):
            tries.note_wrong(_address(request))
            return _page(sign_in.told("Not the key", "That is not the key of this room's lecturer."), 403)
    return _seated(request, seats.take(now, "Lecturer", is_lecturer=True), now, "/room")


def _leave(request: Request) -> Response:
    seat = seats.of_cookie(request.cookies.get(cookies.NAME, ""))
    if seat:
        seats.send_out(seat.id)
    answer = RedirectResponse("/", 303, HEADERS)
    answer.delete_cookie(cookies.NAME, path="/")
    return answer


def _seated(request: Request, seat: Seat, now: room.Room, then: str) -> Response:
    answer = RedirectResponse(then, 303, HEADERS)
    answer.set_cookie(
        cookies.NAME,
        cookies.sign(now.id, seat.id),
        max_age=max(1, int(now.until - time.time())),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return answer


def _local(target: str) -> str:
    """Return where to go afterwards, if that is a page of this server."""
    parts = urlsplit(target)
    odd = any(ord(letter) < 33 or ord(letter) > 126 or letter == "\\" for letter in target)
    is_local = target.startswith("/") and not target.startswith("//") and not (parts.scheme or parts.netloc)
    return target if is_local and not odd and len(target) <= 4000 else "/"


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
