"""Signed cookies: which seat of which room a browser has. The key is kept in ``home()/classroom``, mode 0600."""

import os
import secrets
from contextlib import suppress
from functools import lru_cache

from itsdangerous import BadSignature, URLSafeSerializer

from ddlab.classroom import store

NAME = "ddlab_seat"
LONGEST = 500  # characters of a cookie


def sign(room: str, seat: str) -> str:
    """Return the cookie of a seat."""
    return str(_with_key(_key()).dumps([room, seat]))


def seat_of(cookie: str, room: str) -> str:
    """Return the seat that a cookie names; empty if it is forged, damaged, or another room's."""
    return "" if not cookie or len(cookie) > LONGEST else _checked(cookie, room, _key())


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
    return URLSafeSerializer(key, salt="ddlab.seat", signer_kwargs={"digest_method": _sha256, "key_derivation": "hmac"})


def _sha256(data: bytes = b"") -> object:
    import hashlib

    return hashlib.sha256(data)


def _key() -> str:
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
