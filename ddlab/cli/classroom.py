"""The command ``ddlab classroom``: the pages for a room full of students."""

import asyncio
import ipaddress
import os
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import psutil
import typer

from ddlab.cli import pages

if TYPE_CHECKING:
    from ddlab.classroom import Room

commands = typer.Typer()


@dataclass(frozen=True)
class Place:
    """A place at which the server listens, and its address for visitors.

    Parameters
    ----------
    public
        The address that visitors open; empty: as it listens.
    """

    address: str
    port: int
    public: str = ""

    @property
    def is_here_alone(self) -> bool:
        """Whether only this machine reaches it."""
        try:
            return ipaddress.ip_address(self.address).is_loopback
        except ValueError:
            return self.address == "localhost"

    @property
    def link(self) -> str:
        """The address that visitors open, without a slash at its end."""
        if self.public:
            return self.public.rstrip("/")
        name = _reached_at() if self.address in ("", "0.0.0.0", "::") else self.address  # noqa: S104
        return f"http://{f'[{name}]' if ':' in name else name}:{self.port}"


@commands.command()
def classroom(
    code: Annotated[
        str | None, typer.Option(help="What lets people in; default: the room's that goes on, or a random one.")
    ] = None,
    address: Annotated[
        str, typer.Option(help="Where to listen; 0.0.0.0: for all who reach this machine.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port.", min=1, max=65_535)] = 8501,
    processes: Annotated[str, typer.Option(metavar="N", help="Server processes; auto: one a core.")] = pages.AUTO,
    public: Annotated[str, typer.Option(metavar="URL", help="The address that students open, behind a proxy.")] = "",
    caps: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Caps of a student, as YAML; default: those of before.")
    ] = None,
    data: Annotated[
        list[Path] | None, typer.Option("--data", metavar="FOLDER", help="Let students use images from there, too.")
    ] = None,
) -> None:
    """Open the pages to a room: a code to get in, names, owners of runs, caps, turns in the queue.

    Where DDLAB_OPENID names a file, a school's accounts come in (OpenID Connect), and a code is for guests.
    """
    from ddlab.classroom import VARIABLE, open_room, set_caps
    from ddlab.classroom.caps import caps_now, read_caps

    place = Place(address, port, _checked(public))
    accounts = _accounts()
    if accounts:
        code = code or ""
    else:
        _refuse_open(code, place)
    set_caps(read_caps(caps) if caps else caps_now())
    room, key = open_room(code, place.link, openid=accounts)
    for line in _told(place, _way_in(room), f"{place.link}/room/lecturer?key={key}"):
        typer.echo(line)
    os.environ[VARIABLE] = "1"
    os.environ["STREAMLIT_SERVER_ADDRESS"] = address
    if place.public:
        os.environ["STREAMLIT_BROWSER_SERVER_ADDRESS"] = urlsplit(place.public).hostname or ""
    pages.serve(port, data or (), processes, always_in_front=True)


def _accounts() -> str:
    """Keep the settings of a provider that answers; returns their digest, empty where none is named."""
    from ddlab.classroom import accounts, openid

    named = os.environ.get(accounts.VARIABLE)
    if not named:
        return ""
    settings = accounts.read(Path(named))
    asyncio.run(openid.check(settings))
    accounts.keep(settings)
    return settings.digest


def _way_in(room: "Room") -> list[str]:
    """Say how students come in."""
    ways = ["and sign in with their accounts"] if room.openid else []
    if room.code:
        return [*ways, f"{'or' if ways else 'and'} enter{'  ' if ways else ' '}    {room.code}"]
    return ways or ["and enter a name; no code is asked for"]


def _checked(public: str) -> str:
    parts = urlsplit(public)
    if public and (parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/")):
        raise ValueError(f"--public {public}: needs the beginning of an address, such as https://lab.example.org")
    return public


def _refuse_open(code: str | None, place: Place) -> None:
    """Refuse a room without a code that others can reach."""
    if code is not None and not code.strip() and not (place.is_here_alone and not place.public):
        raise ValueError(
            f"--code: a room that listens at {place.address} is reached by others and needs a code; leave the option "
            "away for a random one"
        )


def _told(place: Place, way_in: Sequence[str], link: str) -> Sequence[str]:
    lines = [
        f"Students open  {place.link}",
        *way_in,
        f"You open       {link}",
        "               (whoever has this link is the lecturer: it is shown here only, and is new at every start)",
    ]
    if place.is_here_alone and place.public:
        return [*lines, f"It listens at {place.address} alone: the proxy at {place.public} lets others in."]
    if place.is_here_alone:
        return [*lines, "Only this machine reaches it; --address 0.0.0.0 lets others in."]
    tls = [] if place.link.startswith("https") else ["What is sent is not encrypted: see 'In class' in the guide."]
    return [*lines, f"It listens at {place.address}: whoever reaches this machine there can knock.", *tls]


def _reached_at() -> str:
    """Return the address of this machine in its network; that of itself where it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect(("192.0.2.1", 9))  # nothing is sent: the system only tells which way it would go
            return str(asked.getsockname()[0])
        except OSError:
            found = [part.address for parts in psutil.net_if_addrs().values() for part in parts]
            own = [name for name in found if name.count(".") == 3 and not name.startswith("127.")]
            return own[0] if own else "127.0.0.1"
