"""Signed cookies: which seat of which room a browser has, and what it was doing when it went to sign in elsewhere.

The key is kept in ``home()/classroom``, mode 0600.
"""

import os
import secrets
from contextlib import suppress
from functools import lru_cache
from typing import Any

from itsdangerous import BadSignature, URLSafeSerializer, URLSafeTimedSerializer

from ddlab.classroom import store

NAME = "ddlab_seat"
LONGEST, LONGEST_SEALED = 500, 4096  # characters of a cookie


def sign(room: str, seat: str) -> str:
    """Return the cookie of a seat."""
    return str(_with_key(key()).dumps([room, seat]))


def seat_of(cookie: str, room: str) -> str:
    """Return the seat that a cookie names; empty if it is forged, damaged, or another room's."""
    return "" if not cookie or len(cookie) > LONGEST else _checked(cookie, room, key())


def seal(told: dict[str, Any]) -> str:
    """Return a cookie that holds a tree of plain values; its browser can read it, and not change it."""
    return str(_timed().dumps(told))


def unseal(cookie: str, minutes: float) -> dict[str, Any]:
    """Return what a sealed cookie holds; empty if it is older than that, forged or damaged."""
    try:
        told = _timed().loads(cookie, max_age=int(60 * minutes)) if 0 < len(cookie) <= LONGEST_SEALED else {}
    except BadSignature:
        return {}
    return told if isinstance(told, dict) else {}


def _timed() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(key(), salt="ddlab.sealed", signer_kwargs=_HOW)


@lru_cache(maxsize=4096)
def _checked(cookie: str, room: str, key: str) -> str:
    try:
        told = _with_key(key).loads(cookie)
    except BadSignature:
        return ""
    if isinstance(told, list) and len(told) == 2 and told[0] == room and isinstance(told[1], str):
        return told[1]
    return ""


@lru_cache(maxsize=2)
def _with_key(key: str) -> URLSafeSerializer:
    return URLSafeSerializer(key, salt="ddlab.seat", signer_kwargs=_HOW)


def _sha256(data: bytes = b"") -> object:
    import hashlib

    return hashlib.sha256(data)


_HOW = {"digest_method": _sha256, "key_derivation": "hmac"}


def key() -> str:
    """Return the key of this server, made once."""
    path = store.folder() / "key"
    return _read_key(str(path), store.stamp(path)) or _make_key(str(path))


@lru_cache(maxsize=2)
def _read_key(path: str, changed: int) -> str:
    with suppress(OSError), open(path, encoding="ascii") as file:
        return file.read()
    return ""


def _make_key(path: str) -> str:
    """Make the key, once, whichever process is first."""
    temporary = f"{path}.{secrets.token_hex(8)}"
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32))
    try:
        os.link(temporary, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(temporary)
    with open(path, encoding="ascii") as file:
        return file.read()
