"""JSON that outlives the program that wrote it: typed records, read whole or not at all, and checksums of themselves.

A file that is not there reads as an empty record, and so does a damaged one, so that one odd file never keeps a list
from its other rows; :meth:`Kind.fault` says what is wrong with it. An empty record has none of its keys: what may be
one is asked by ``get``, or for its truth.
"""

import hashlib
import json
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from pydantic import ConfigDict, TypeAdapter, ValidationError

LOOSE = ConfigDict(extra="allow", strict=True)  # of a record: a newer ddlab may know more
MOST_BYTES = 64 * 2**20  # of a record; metrics of thousands of epochs stay far below it
SEAL = "sha256"
_SEALED = re.compile(rb'"sha256": "([0-9a-f]{64})"')
_OPEN_SEAL = "0" * 64


Record = TypeVar("Record", bound=Mapping[str, object])


class Kind(Generic[Record]):
    """A kind of record: reads it from a file, or says what is wrong with the file.

    Parameters
    ----------
    record
        The ``TypedDict`` that it must be.
    """

    def __init__(self, record: type[Record]) -> None:
        self._adapter: TypeAdapter[Record] = TypeAdapter(record)

    def read(self, path: Path) -> Record:
        """The record in a file; empty if the file is not there or damaged."""
        try:
            return self._parse(_content(path))
        except (OSError, ValueError):
            return self._empty()

    def lines(self, path: Path) -> list[Record]:
        """Read all whole records of a file of lines that may be growing; what is not a record is left out."""
        try:
            lines = _content(path).split(b"\n")
        except (OSError, ValueError):
            return []
        return [record for record in map(self._line, lines) if record]

    def fault(self, path: Path) -> str:
        """Say in a sentence what is wrong with a file; empty if it is good, or not there."""
        try:
            self._parse(_content(path))
        except FileNotFoundError:
            return ""
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            return f"{path.name} is damaged ({f'{where}: ' if where else ''}{first['msg'].lower()})"
        except (OSError, ValueError) as error:
            return f"{path.name} is damaged ({error})"
        return ""

    def _line(self, line: bytes) -> Record:
        try:
            return self._parse(line) if line else self._empty()
        except ValueError:
            return self._empty()

    @staticmethod
    def _empty() -> Record:
        return cast(Record, {})

    def _parse(self, content: bytes) -> Record:
        record = self._adapter.validate_json(content)
        if cast(dict[str, object], record).pop(SEAL, None) is not None:
            _check_seal(content)
        return record


ANYTHING: Kind[dict[str, Any]] = Kind(dict[str, Any])


def sealed(tree: Mapping[str, Any]) -> str:
    """The JSON of ``tree`` with a checksum of itself, so that a flipped bit is found where training reads it again."""
    text = json.dumps({**tree, SEAL: _OPEN_SEAL}, ensure_ascii=False, indent=1)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return digest.join(text.rsplit(_OPEN_SEAL, 1))


def _check_seal(content: bytes) -> None:
    seals = list(_SEALED.finditer(content))
    if not seals:
        raise ValueError("its checksum is malformed")
    start, stop = seals[-1].span(1)
    digest = hashlib.sha256(content[:start] + _OPEN_SEAL.encode() + content[stop:]).hexdigest()
    if digest.encode() != seals[-1].group(1):
        raise ValueError("it is not what was written: its checksum differs")


def _content(path: Path) -> bytes:
    """Read a regular file of a size that a record can have; a pipe would wait for a writer."""
    about = path.stat()
    if not stat.S_ISREG(about.st_mode):
        raise ValueError("it is not a file")
    if about.st_size > MOST_BYTES:
        raise ValueError(f"it has {about.st_size} bytes, more than {MOST_BYTES}")
    return path.read_bytes()
