"""What one stage leaves behind for one seed."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddlab.runs import files

if TYPE_CHECKING:
    import numpy as np


class StageFolder:
    """``stages/<stage>/seed<seed>`` of a run: the result, the predictions, the weights and the checkpoints.

    Parameters
    ----------
    path
        The folder; made when something is first written.
    name, seed
        Of the stage.
    """

    def __init__(self, path: Path, name: str, seed: int) -> None:
        self.path = path
        self.name = name
        self.seed = seed

    @property
    def done(self) -> bool:
        """Whether the stage is finished: its result is written last, and whole even if the machine went down."""
        return bool(self.result())

    def result(self) -> dict[str, Any]:
        """The numbers that the stage came to; empty if it is not done."""
        return files.read_json(self.path / "result.json")

    def write_result(self, result: dict[str, Any]) -> None:
        """Write the numbers; from here on the stage is done."""
        self.path.mkdir(parents=True, exist_ok=True)
        files.write_json(self.path / "result.json", result)

    def predictions(self) -> "dict[str, np.ndarray]":
        """The arrays that :meth:`write_predictions` was given.

        Raises
        ------
        ValueError
            If there are none, or the file is damaged.
        """
        import zipfile

        import numpy as np

        path = self.path / "predictions.npz"
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return dict(arrays)
        except FileNotFoundError:
            raise ValueError(f"stage {self.name!r}, seed {self.seed}: has no predictions yet") from None
        except (OSError, ValueError, zipfile.BadZipFile) as error:
            raise ValueError(f"{path}: is damaged ({error}); delete the stage's folder and resume the run") from None

    def write_predictions(self, **arrays: "np.ndarray") -> None:
        """Write arrays (N subdomains, K classes, in the order of the data set)."""
        import numpy as np

        def save(path: Path) -> None:
            with path.open("wb") as file:
                np.savez(file, allow_pickle=False, **arrays)

        self.write_atomically(self.path / "predictions.npz", save)

    def weights(self, name: str) -> Path:
        """Where the weights of a network are kept."""
        return self.path / f"weights-{name}.safetensors"

    @property
    def has_weights(self) -> bool:
        """Whether weights of any network are here: a copy of the run may have been made without."""
        return any(self.path.glob("weights-*"))

    def checkpoint(self, name: str) -> Path:
        """Where the state is kept that training goes on from."""
        return self.path / f"checkpoint-{name}.pt"

    def checkpoints(self) -> list[Path]:
        """All checkpoints there are, whichever division of the work over ranks wrote them."""
        return sorted(self.path.glob("checkpoint-*.pt"))

    def write_atomically(self, path: Path, writer: Callable[[Path], Any]) -> None:
        """Let ``writer`` fill a temporary file and put it in the place of ``path``, in this folder."""
        self.path.mkdir(parents=True, exist_ok=True)
        files.write_atomically(path, writer)
