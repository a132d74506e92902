"""The gate, asked as a server asks it."""

from urllib.parse import urlencode

import pytest

from ddlab.classroom import cookies, open_room, room, seats
from ddlab.classroom.gate import MOST_SOCKETS, Gate, _local
from tests import loops

HOST = "lab.example"


class Answer:
    def __init__(self, messages):
        self.status = messages[0].get("status", 0)
        self.headers = [(name.decode(), value.decode()) for name, value in messages[0].get("headers", [])]
        self.text = b"".join(message.get("body", b"") for message in messages).decode()
        self.types = [message["type"] for message in messages]

    def header(self, name):
        return next((value for key, value in self.headers if key == name), "")


async def behind(scope, receive, send):
    """Pages that say what they were sent."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    content, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        content, more = content + message.get("body", b""), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"pages %d" % len(content)})


def ask(path, method="GET", body=b"", kind="http", query="", scheme="http", **headers):
    told = {"host": HOST, "accept": "text/html", **{name.replace("_", "-"): value for name, value in headers.items()}}
    scope = {
        "type": kind, "path": path, "raw_path": path.encode(), "query_string": query.encode(), "scheme": scheme,
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in told.items()],
        "client": ("10.0.0.9", 1), "server": (HOST, 80), "http_version": "1.1",
    }  # fmt: skip
    if kind == "http":
        scope["method"] = method
    sent = [{"type": "http.request", "body": body[:10], "more_body": True}]
    sent.append({"type": "http.request", "body": body[10:], "more_body": False})
    received = []

    async def receive():
        return sent.pop(0) if sent else {"type": "http.disconnect"}

    async def send(message):
        received.append(message)

    loops.run(GATE[0](scope, receive, send))
    return Answer(received or [{"type": "nothing"}])


GATE = [Gate(behind)]


@pytest.fixture(autouse=True)
def opened(own_home):
    GATE[0] = Gate(behind)
    return open_room("blue whale", f"http://{HOST}")


def enter(code="blue whale", name="Ann", then="/", origin=f"http://{HOST}", **settings):
    body = urlencode({"code": code, "name": name, "then": then}).encode()
    return ask("/room/enter", "POST", body, origin=origin, **settings)


def cookie_of(answer):
    return answer.header("set-cookie").split(";")[0]


def test_without_a_seat_there_is_a_form_and_nothing_else():
    answer = ask("/train", query="x=1")
    assert answer.status == 401 and 'value="/train?x=1"' in answer.text and "pages" not in answer.text
    assert "default-src 'none'" in answer.header("content-security-policy")
    assert ask("/media/x.png", accept="image/png").status == 401
    assert ask("/_stcore/upload_file/a/b", "PUT", b"x" * 50).status == 401
    assert ask("/_stcore/stream", kind="websocket").types == ["websocket.close"]
    assert ask("/_stcore/health").text == "pages 0"


def test_who_knows_the_code_gets_a_cookie_that_opens_everything():
    answer = enter(then="/train?x=1")
    assert answer.status == 303 and answer.header("location") == "/train?x=1"
    told = answer.header("set-cookie").lower()
    assert "httponly" in told and "samesite=lax" in told and "max-age=" in told and "secure" not in told
    cookie = cookie_of(answer)
    assert ask("/train", cookie=cookie).text == "pages 0"
    assert ask("/_stcore/stream", kind="websocket", cookie=cookie).types == ["websocket.accept"]
    assert "secure" in enter(scheme="https").header("set-cookie").lower()


@pytest.mark.parametrize("origin", ["", "null", "http://evil.example", f"http://{HOST}.evil.example"])
def test_a_form_of_another_site_counts_for_nothing(origin):
    answer = enter(origin=origin)
    assert answer.status == 403 and not answer.header("set-cookie")


def test_wrong_codes_are_slowed_down_and_the_right_one_too():
    statuses = [enter(code=f"guess {number}").status for number in range(9)]
    assert statuses == [403] * 5 + [429] * 4
    answer = enter()
    assert answer.status == 429 and int(answer.header("retry-after")) >= 1 and not answer.header("set-cookie")


def test_forged_and_old_cookies_open_nothing(opened):
    now, _ = opened
    good = cookies.sign(now.id, seats.take(now, "Ann").id)
    for cookie in (good[:-8], f"x{good}", cookies.sign("other", "x"), cookies.sign(now.id, "../room"), "[]", "é"):
        assert ask("/", cookie=f"{cookies.NAME}={cookie}").status == 401
    assert ask("/", cookie=f"{cookies.NAME}={good}").status == 200
    room.change(until=0.0)
    answer = ask("/", cookie=f"{cookies.NAME}={good}")
    assert answer.status == 401 and "The room has ended" in answer.text


def test_the_key_makes_a_lecturer_and_nothing_else_does(opened):
    now, key = opened
    assert ask("/room/lecturer", query="key=wrong").status == 403
    answer = ask("/room/lecturer", query=urlencode({"key": key}))
    value = cookie_of(answer).partition("=")[2]
    assert answer.header("location") == "/room" and seats.of_cookie(value).is_lecturer
    assert not seats.of_cookie(cookie_of(enter(name="Lecturer")).partition("=")[2]).is_lecturer


def test_markup_in_a_name_or_a_link_is_text():
    bad = '"><script>alert(1)</script>'
    for text in (enter(name=bad, code="wrong").text, ask("/room/enter", query=urlencode({"code": bad})).text):
        assert "<script" not in text and "&lt;script&gt;" in text
    cookie = cookie_of(enter(name="<img src=x>"))
    assert "<img" not in ask("/room/leave", cookie=cookie).text


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:x", "", "/\n/x"]
)
def test_a_link_leads_nowhere_else(target):
    assert _local(target) == "/"


def test_bodies_are_as_large_as_allowed_whatever_their_length_says(opened):
    cookie = cookie_of(enter())
    assert ask("/x", "POST", b"x" * 100, cookie=cookie, content_length=str(10**9)).status == 413
    assert ask("/x", "POST", b"x" * 100, cookie=cookie, content_length="-1").status == 413
    assert ask("/x", "POST", b"x" * (2**20 + 1), cookie=cookie).types == ["nothing"]
    assert ask("/_stcore/upload_file/a/b", "PUT", b"x" * (2**20 + 1), cookie=cookie).text == f"pages {2**20 + 1}"
    assert ask("/room/enter", "POST", b"x" * 10_000, origin=f"http://{HOST}").status == 413


def test_what_tells_of_the_server_is_closed_for_those_inside_too():
    cookie = cookie_of(enter())
    for path in ("/_stcore/metrics", "/_stcore/agent/x"):
        assert ask(path, cookie=cookie).status == 404


def test_a_seat_has_so_many_open_pages():
    now = room.current()
    seat = seats.take(now, "Ann")
    cookie = f"{cookies.NAME}={cookies.sign(now.id, seat.id)}"
    GATE[0].sockets[seat.id] = MOST_SOCKETS
    assert ask("/_stcore/stream", kind="websocket", cookie=cookie).types == ["websocket.close"]
    GATE[0].sockets[seat.id] -= 1
    assert ask("/_stcore/stream", kind="websocket", cookie=cookie).types == ["websocket.accept"]
    assert GATE[0].sockets[seat.id] == MOST_SOCKETS - 1


def test_who_leaves_has_no_seat_any_more():
    cookie = cookie_of(enter())
    assert ask("/room/leave", "POST", cookie=cookie).status == 403  # no origin
    assert ask("/room/leave", "POST", cookie=cookie, origin=f"http://{HOST}").status == 303
    assert ask("/", cookie=cookie).status == 401
