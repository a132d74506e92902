"""Heads of HTTP requests: where one ends, and the cookie that names the process of a visitor."""

import hashlib
import re

LONGEST = 2**16  # bytes of a head; a longer one is refused by the server that gets it
_END = re.compile(rb"\r?\n\r?\n")


def is_complete(data: bytes) -> bool:
    """Whether the bytes that begin a request hold its whole head."""
    return _END.search(data) is not None


def cookie(data: bytes, name: str) -> str:
    """Return the value of a cookie in the head that some bytes begin with; empty if it is not there."""
    end = _END.search(data)
    for line in data[: end.start() if end else None].splitlines()[1:]:
        field, _, told = line.partition(b":")
        if field.strip().lower() != b"cookie":
            continue
        for pair in told.split(b";"):
            key, _, value = pair.strip().partition(b"=")
            if key == name.encode():
                return value.decode("latin-1")
    return ""


def cookie_name(address: str) -> str:
    """Return the name of the cookie of a server: browsers share cookies among all ports of a machine."""
    return f"ddlab_{hashlib.blake2b(address.encode(), digest_size=4).hexdigest()}"
