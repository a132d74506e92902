"""Results that only torch can compute, as files that a page reads without torch: facts and arrays, nothing pickled."""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import numpy as np

from ddlab.parsed import undisturbed


@dataclass(frozen=True)
class Stored:
    """The base of such results: each kind of them says what is in it, and reads it by name.

    Parameters
    ----------
    about
        Facts that are written as JSON, such as the run and the images.
    arrays
        The numbers, by names of the kind.
    """

    about: dict[str, Any]
    arrays: dict[str, np.ndarray]

    def save(self, path: Path) -> None:
        """Write everything to one npz file."""
        with path.open("wb") as file:
            self._write(file)

    def packed(self) -> bytes:
        """Return the content of that file."""
        buffer = io.BytesIO()
        self._write(buffer)
        return buffer.getvalue()

    def _write(self, file: IO[bytes]) -> None:
        np.savez_compressed(file, allow_pickle=False, about=np.array(json.dumps(self.about)), **self.arrays)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what :meth:`save` wrote."""
        found = undisturbed(lambda: _arrays(path))
        return cls(json.loads(str(found.pop("about"))), found)


def _arrays(path: Path) -> dict[str, np.ndarray]:
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)
