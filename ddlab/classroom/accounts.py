"""Accounts of a school, by OpenID Connect: its settings, who may come in, and the seat that an account has.

The protocol itself is in :mod:`ddlab.classroom.openid`; here is what a lecturer says about it, and what a provider's
claims about somebody come to.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from pydantic import ValidationError, field_validator

from ddlab.classroom import cookies, room, seats, store
from ddlab.experiment.base import Settings, setting

VARIABLE = "DDLAB_OPENID"  # of the environment of ``ddlab classroom``: the file with the settings
HERE = ("127.0.0.1", "localhost", "::1")  # a provider on this machine may speak without TLS
NAMES = ("name", "preferred_username", "given_name")  # claims that hold a name, the first that does counts
NAMELESS = "Somebody"
REFUSED = "Your account is not one of those that may come into this room. Ask the lecturer."


class OpenId(Settings):
    """A provider of accounts, and who comes in how.

    An entry of ``lecturers`` or ``students`` is a subject (the ``sub`` that the provider gives), an e-mail address, or
    all addresses of a domain, as ``@school.example``.
    """

    issuer: str = setting(
        ..., "Address of the provider; /.well-known/openid-configuration is below it.", max_length=500
    )
    client_id: str = setting(..., "What the provider calls this server.", min_length=1, max_length=500)
    client_secret: str = setting("", "The secret that goes with it; empty: none, PKCE alone.", max_length=1000)
    title: str = setting("your school", "What it is called beside the button.", min_length=1, max_length=60)
    lecturers: tuple[str, ...] = setting((), "Who is a lecturer.")
    students: tuple[str, ...] = setting((), "Who comes in besides; empty: all whom the provider knows.")
    trusts_emails: bool = setting(False, "Believe an address of which the provider does not say that it is verified.")
    name_claim: str = setting("", "The claim that holds the name to show; empty: the usual ones.", max_length=60)

    @field_validator("issuer")
    @classmethod
    def _is_safe(cls, issuer: str) -> str:
        parts = urlsplit(issuer)
        is_here = parts.scheme == "http" and parts.hostname in HERE
        if not parts.hostname or not (parts.scheme == "https" or is_here) or parts.query or parts.fragment:
            raise ValueError(f"needs an address that begins with https:// and has no query, got {issuer}")
        return issuer

    @field_validator("lecturers", "students")
    @classmethod
    def _are_told(cls, entries: tuple[str, ...]) -> tuple[str, ...]:
        if any(not entry.strip() or entry.strip() == "@" for entry in entries):
            raise ValueError("needs subjects, e-mail addresses, or domains such as @school.example; one is empty")
        return tuple(entry.strip() for entry in entries)

    @property
    def digest(self) -> str:
        """A room has the same one as long as nothing of this is changed."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


@dataclass(frozen=True)
class Account:
    """Somebody, as a room needs to know of them from a provider.

    Parameters
    ----------
    seat
        The id of the seat: one for each account, in every room of this server.
    """

    seat: str
    name: str
    is_lecturer: bool


def read(path: Path) -> OpenId:
    """Read the settings from a YAML or JSON file.

    Raises
    ------
    ValueError
        If a field is missing, unknown or impossible; names it.
    """
    where = f"{VARIABLE} {path.name}"
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise ValueError(f"{where}: cannot be read as YAML ({type(error).__name__})") from None  # it holds a secret
    try:
        return OpenId.model_validate(tree if tree is not None else {})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"]))
        raise ValueError(f"{where}: {f'{field}: ' if field else ''}{first['msg']}") from None


def keep(settings: OpenId) -> None:
    """Keep the settings for the processes of the server, readable by its user alone."""
    store.write(store.folder() / "openid.json", settings.model_dump(mode="json"))


def current() -> OpenId | None:
    """Return the settings of the room; None if it has none, or others than it was opened with."""
    now = room.current()
    if now is None or not now.openid:
        return None
    path = store.folder() / "openid.json"
    found = _read(path, store.stamp(path))
    return found if found is not None and found.digest == now.openid else None


def account_of(claims: Mapping[str, Any], settings: OpenId) -> Account:
    """Return the account of somebody who has signed in.

    Parameters
    ----------
    claims
        Of a token whose signature, issuer, audience and nonce were found right.

    Raises
    ------
    ValueError
        If that account may not come in.
    """
    subject = claims.get("sub")
    if not isinstance(subject, str) or not subject:
        raise ValueError(REFUSED)
    known = _addresses(claims, settings) | {subject}
    is_lecturer = bool(known & _entries(settings.lecturers))
    if settings.students and not is_lecturer and not known & _entries(settings.students):
        raise ValueError(REFUSED)
    return Account(_seat_of(settings.issuer, subject), _name(claims, settings), is_lecturer)


def _entries(entries: Sequence[str]) -> set[str]:
    """Return subjects as they are, addresses and domains in small letters."""
    return {entry.casefold() if "@" in entry else entry for entry in entries}


def _addresses(claims: Mapping[str, Any], settings: OpenId) -> set[str]:
    """Return the address of somebody and its domain, with an @; nothing where it is not known to be theirs."""
    address = claims.get("email")
    if not isinstance(address, str) or not (claims.get("email_verified") is True or settings.trusts_emails):
        return set()
    name, at, domain = address.casefold().rpartition("@")
    return {f"{name}@{domain}", f"@{domain}"} if at and name and domain and "@" not in name else set()


def _name(claims: Mapping[str, Any], settings: OpenId) -> str:
    for claim in (settings.name_claim, *NAMES):
        told = claims.get(claim) if claim else None
        if isinstance(told, str):
            try:
                return seats.checked_name(told[: seats.MOST_NAME])
            except ValueError:  # nothing of it can be shown
                continue
    return NAMELESS


def _seat_of(issuer: str, subject: str) -> str:
    """Return an id that nobody can tell who does not know the key of this server."""
    told = "\n".join((issuer, subject)).encode("utf-8", "surrogatepass")
    return hmac.new(cookies.key().encode(), told, "sha256").hexdigest()[:32]


@lru_cache(maxsize=2)
def _read(path: Path, changed: int) -> OpenId | None:
    try:
        return OpenId.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return None
