"""An attacker with a seat in a room: a real server, hostile requests, and the runs of others, which stay as they are.

The list of what is tried is :data:`WAYS`. What is secret (the lecturer's run, another student's, the keys, files of
this machine) has a mark in it: an answer that holds a mark is a fault, as is a file that has changed, a process that
has ended, a websocket without a seat, and an answer that does not come in time.
"""

import asyncio
import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from urllib.parse import quote, urlencode

import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests import loops
from tests.attack import cage
from tests.attack.addresses import NUMBERS, PATHS, TEXTS
from tests.attack.tally import Fault, Tally
from tests.made_run import made_experiment, made_run

MARK = "Xq7secretXq7"  # in everything that the attacker must not see
CODE = "blue whale"
PROCESSES = 2
SHORTLY = 2.0  # seconds for an answer to what is not complete
SECONDS = 60.0  # for one answer, on a machine that others use
PAGES = ("", "train", "runs", "compare", "probabilities", "cam", "sweep", "decompose", "layers", "room", "what_if")
NAMES = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "](javascript:x)",
    "a" * 40,
    "\u202egnp",
    "' OR 1=1",
)
ROUTES = (
    *("/media/", "/component/", "/static/", "/app/static/", "/_stcore/bidi-components/", "/_stcore/upload_file/", "/"),
    *(
        "/_stcore/metrics",
        "/_stcore/agent/",
        "/_stcore/host-config",
        "/_stcore/script-health-check",
        "/room/",
        "/auth/",
    ),
)
TRAVERSALS = (
    *("../../../../etc/passwd", "..%2f..%2f..%2fetc%2fpasswd", "%2e%2e/%2e%2e/classroom/key", "....//....//key"),
    *("..\\..\\classroom\\room.json", "/etc/passwd", "//etc/passwd", "%00", "a%00.png", "%c0%ae%c0%ae/key", "C:\\key"),
)
ORIGINS = ("http://evil.example", "null", "", "https://{host}.evil.example", "http://localhost:1", "file://")


@dataclass
class Answer:
    """What came back: all of it, and the status of HTTP."""

    status: int
    content: bytes
    cookie: str = ""


@dataclass
class Target:
    """A served room, whose the attacker has a seat in."""

    host: str
    home: Path
    process: psutil.Process
    victims: list[str]
    cookie: str = ""
    backends: set[int] = field(default_factory=set)


def attack(count: int, seed: int) -> Tally:
    """Send ``count`` hostile requests to one server."""
    tally = Tally("seats")
    with served() as target:
        before = _contents(target.home)
        for number in range(seed, seed + count):
            faults = one(target, number)
            changed = sorted(str(path) for path, told in before.items() if _told(target.home / path) != told)
            faults += [Fault("lost", number, f"{path} has changed") for path in changed]
            if _backends(target) != target.backends:
                faults.append(Fault("lost", number, "a server process has ended"))
                target.backends = _backends(target)
            if changed:
                before = _contents(target.home)
            tally.add(faults)
        if _made(target.home) != target.victims:
            tally.add([Fault("lost", seed, "there are other runs than before")])
    return tally


def one(target: Target, seed: int) -> list[Fault]:
    """One hostile request, in one of the ways."""
    rng = Random(seed)
    name = rng.choice(sorted(WAYS))
    try:
        answer = loops.run(asyncio.wait_for(WAYS[name](target, rng), SECONDS))
    except TimeoutError:
        return [Fault("hung", seed, f"{name}: no answer in {SECONDS:g} s")]
    except (OSError, ConnectionClosed, EOFError):  # refused by hanging up
        return []
    faults = []
    if MARK.encode() in answer.content or b"root:x:0" in answer.content:
        faults.append(Fault("outside", seed, f"{name}: an answer holds what is secret"))
    if answer.status == 500 or b"Traceback (most" in answer.content:
        faults.append(Fault("uncaught", seed, f"{name}: {cage.shorten(answer.content.decode('latin-1'), 200)}"))
    if answer.status == -1:
        faults.append(Fault("outside", seed, f"{name}: got what only a seat gets"))
    return faults


# ---- the ways


async def _odd_address(target: Target, rng: Random) -> Answer:
    """Any path, with traversals, with and without a seat, of any host."""
    path = rng.choice(ROUTES) + rng.choice((*TRAVERSALS, *target.victims, "x"))
    headers = {"Accept": rng.choice(("text/html", "*/*"))}
    if rng.random() < 0.2:
        headers["Host"] = rng.choice(("evil.example", "169.254.169.254", "", "localhost.evil.example"))
    return await _http(target, rng.choice(("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")), path, headers)


async def _forged_seat(target: Target, rng: Random) -> Answer:
    """A page's websocket without a cookie, with a forged, changed or other one, or from another site."""
    good, place = target.cookie, rng.randrange(len(target.cookie) - 2)
    changed = good[:place] + ("A" if good[place] != "A" else "B") + good[place + 1 :]
    cookie = rng.choice(("", changed, good[:-5], "x." * 100, secrets.token_urlsafe(40), "e30.e30.e30"))
    origin = f"http://{target.host}"
    if rng.random() < 0.3:
        cookie, origin = good, rng.choice(ORIGINS[:2]).format(host=target.host)
    try:
        async with _socket(target, cookie, origin):
            return Answer(-1, b"")
    except InvalidStatus as error:
        return Answer(error.response.status_code, error.response.body or b"")


async def _odd_form(target: Target, rng: Random) -> Answer:
    """The form of the door: wrong codes, odd names, places to go, sites, sizes."""
    fields = {
        "code": rng.choice((CODE, "wrong", "", *TEXTS)),
        "name": rng.choice((*NAMES, *TEXTS)),
        "then": rng.choice(("//evil.example", "/\\evil.example", "javascript:alert(1)", "/", *PATHS)),
    }
    body = urlencode(fields, errors="replace").encode()
    if rng.random() < 0.2:
        body = rng.choice((b"\xff" * 5000, b"=" * 100_000, b"&" * 8000, b"code=" + b"%f0" * 2000, b""))
    origin = rng.choice((f"http://{target.host}", *ORIGINS)).format(host=target.host)
    headers = {"Origin": origin, "Content-Type": "application/x-www-form-urlencoded"}
    path = rng.choice(("/room/enter", "/room/enter", "/room/lecturer?key=x", "/room/leave", "/room/x"))
    answer = await _http(target, "POST", path, headers, body, cookie="")
    strange = origin != f"http://{target.host}" and bool(answer.cookie)
    return Answer(-1, b"") if strange or b"location: //" in answer.content.lower() else answer


async def _upload(target: Target, rng: Random) -> Answer:
    """A file for a session of others, without the page's token, larger than is told or allowed."""
    path = (
        f"/_stcore/upload_file/{rng.choice((secrets.token_hex(8), '..', quote('../../x', safe='')))}/{rng.choice('ab')}"
    )
    body = rng.choice((b"x" * 10, b"x" * 200_000))
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    if rng.random() < 0.5:
        headers["Content-Length"] = rng.choice(("999999999999", "-1", "1e9", str(len(body))))
    return await _http(target, rng.choice(("PUT", "DELETE", "POST")), path, headers, body)


async def _link_to_others(target: Target, rng: Random) -> Answer:
    """A page, at an address that names the runs of others, and anything else."""
    victim = rng.choice(target.victims)
    asked = {name: victim for name in ("run", "with", "from", "recipe", "search") if rng.random() < 0.6}
    if rng.random() < 0.5:
        asked["path"] = rng.choice((f"own/{MARK}/images.zip", f"../runs/{victim}", "../classroom/key", *PATHS))
        asked["dataset"] = rng.choice(("folder", "nifti"))
    if rng.random() < 0.5:
        asked[rng.choice(("seed", "image", "subdomain", "layer", "strategy"))] = rng.choice((*NUMBERS, *TEXTS))
    return await _page(target, rng.choice(PAGES), urlencode(asked, errors="replace"))


async def _press_others_buttons(target: Target, rng: Random) -> Answer:
    """Presses of buttons that the attacker's page does not have: others' runs, and the lecturer's."""
    victim = rng.choice(target.victims)
    keys = [f"{what} {victim}" for what in ("cancel", "delete", "resume", "rename", "share", "export", "notes of")]
    keys += ["clear the room", "pause the queue", "end a run", "send out", "undo", "caps"]
    message = BackMsg()
    message.rerun_script.page_name, message.rerun_script.query_string = rng.choice(("runs", "room")), f"run={victim}"
    for key in rng.sample(keys, 5):
        state = message.rerun_script.widget_states.widgets.add()
        state.id, state.trigger_value = f"$$ID-{secrets.token_hex(16)}-{key}", True
    for key in ("deleted", "seat", "cookie of the seat", "run shown", "run wanted"):
        state = message.rerun_script.widget_states.widgets.add()
        state.id, state.string_value = key, victim
    return await _say(target, message.SerializeToString())


async def _garbage(target: Target, rng: Random) -> Answer:
    """Messages that are none, too large ones, and kinds that no page sends."""
    kind = rng.randrange(4)
    if kind == 0:
        return await _say(target, rng.randbytes(rng.choice((0, 1, 50, 5000))), is_answered=False)
    if kind == 1:
        return await _say(target, bytes(rng.choice((5, 30)) * 10**6), is_answered=False)
    message = BackMsg()
    if kind == 2:
        message.load_git_info = True
    else:
        message.debug_shutdown_runtime = message.debug_disconnect_websocket = True
    return await _say(target, message.SerializeToString(), is_answered=False)


WAYS: dict[str, Callable[[Target, Random], Awaitable[Answer]]] = {
    "addresses": _odd_address,
    "forged seats": _forged_seat,
    "forms": _odd_form,
    "uploads": _upload,
    "links to others' runs": _link_to_others,
    "presses of others' buttons": _press_others_buttons,
    "garbage": _garbage,
}


# ---- how it is sent


async def _http(
    target: Target, method: str, path: str, headers: dict[str, str], body: bytes = b"", cookie: str | None = None
) -> Answer:
    """Send bytes as they are: a library would put them right."""
    seat = target.cookie if cookie is None else cookie
    told = {
        "Host": target.host,
        "Cookie": f"ddlab_seat={seat}",
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    host, port = target.host.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in (told | headers).items())]
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + body)
        content = await _read(reader, is_whole=headers.get("Content-Length") in (None, str(len(body))))
    finally:
        writer.close()
    status = re.match(rb"HTTP/1.1 (\d+)", content)
    found = re.search(rb"(?i)set-cookie: ddlab_seat=([^;\r\n]+)", content)
    return Answer(int(status[1]) if status else 0, content, found[1].decode() if found else "")


async def _read(reader: asyncio.StreamReader, *, is_whole: bool) -> bytes:
    """Read an answer; to a request that goes on for ever, none need come."""
    if is_whole:
        return await reader.read()
    with suppress(TimeoutError):
        return await asyncio.wait_for(reader.read(), SHORTLY)
    return b""


def _socket(target: Target, cookie: str, origin: str) -> connect:
    headers = {"Cookie": f"ddlab_seat={cookie}"} if cookie else {}
    url = f"ws://{target.host}/_stcore/stream"
    protocols = ["streamlit"]
    return connect(url, origin=origin, subprotocols=protocols, max_size=2**28, additional_headers=headers)  # type: ignore[arg-type]


async def _page(target: Target, page: str, query: str) -> Answer:
    message = BackMsg()
    message.rerun_script.page_name, message.rerun_script.query_string = page, query
    return await _say(target, message.SerializeToString())


async def _say(target: Target, message: bytes, *, is_answered: bool = True) -> Answer:
    """Send a message on the attacker's own websocket; give everything that the page then holds."""
    async with _socket(target, target.cookie, f"http://{target.host}") as connection:
        await connection.send(message)
        return Answer(200, await _heard(connection) if is_answered else b"")


async def _heard(connection: ClientConnection) -> bytes:
    """Return all messages until the script has ended, but for the address, which only repeats the question."""
    heard = b""
    while True:
        content = await connection.recv(decode=False)
        message = ForwardMsg.FromString(content)
        if message.WhichOneof("type") not in ("page_info_changed", "new_session"):
            heard += content
        if message.WhichOneof("type") == "script_finished":
            return heard


# ---- the room that is attacked


@contextmanager
def served() -> Iterator[Target]:
    """Serve a room with runs of the lecturer's and of another student's, and take a seat in it."""
    home = Path(tempfile.mkdtemp(prefix="ddlab-seats-"))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    victims = _furnish(home)
    environment = os.environ | {"DDLAB_HOME": str(home), "DDLAB_WARM": "0"}
    command = [sys.executable, "-m", "ddlab", "classroom", "--code", CODE, "--port", str(port)]
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--processes", str(PROCESSES)], cwd=cage.ROOT, env=environment, stdout=log, stderr=log
        )
    target = Target(f"127.0.0.1:{port}", home, psutil.Process(process.pid), victims)
    try:
        _come_in(target)
        yield target
    finally:
        process.terminate()
        process.wait(30)


def _come_in(target: Target) -> None:
    body = urlencode({"code": CODE, "name": "<b>Eve</b>", "then": "/"}).encode()
    headers = {"Origin": f"http://{target.host}"}
    deadline = time.monotonic() + 2 * SECONDS
    while not target.cookie:
        assert time.monotonic() < deadline, (target.home / "server.log").read_text()
        try:
            target.cookie = loops.run(_http(target, "POST", "/room/enter", headers, body, "")).cookie
        except OSError:
            time.sleep(0.2)
    target.backends = _backends(target)


def _furnish(home: Path) -> list[str]:
    """Make the runs, data and keys that are others'."""
    before = os.environ.get("DDLAB_HOME")
    os.environ["DDLAB_HOME"] = str(home)
    try:
        from ddlab import access
        from ddlab.runs import annotate

        runs = [made_run("finished"), made_run("cancelled", made_experiment(name=f"{MARK} two"))]
        for run, owner in zip(runs, ("", "anotherstudent"), strict=True):
            run.rename(f"{MARK} run")
            annotate(run, note=f"{MARK} note")
            if owner:
                access.give(run.path, owner, f"{MARK} Bob")
        kept = home / "data" / "own" / MARK
        kept.mkdir(parents=True)
        (kept / "images.zip").write_text(MARK)
        access.give(kept, "anotherstudent", "Bob")
        return sorted(run.id for run in runs)
    finally:
        if before is None:
            del os.environ["DDLAB_HOME"]
        else:
            os.environ["DDLAB_HOME"] = before


def _contents(home: Path) -> dict[Path, tuple[int, int]]:
    """Size and time of every file that is not the attacker's own."""
    kept = [path for name in ("runs", "data", "queue") for path in (home / name).rglob("*") if path.is_file()]
    kept += [home / "classroom" / name for name in ("key", "room.json", "caps.json")]
    return {path.relative_to(home): _told(path) for path in kept}


def _told(path: Path) -> tuple[int, int]:
    try:
        about = path.stat()
    except OSError:
        return 0, 0
    return about.st_size, about.st_mtime_ns


def _made(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "runs").iterdir() if path.name[0] != ".")


def _backends(target: Target) -> set[int]:
    children = target.process.children() if target.process.is_running() else []
    return {child.pid for child in children if "ddlab.serving.backend" in " ".join(_line(child))}


def _line(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
