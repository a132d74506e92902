"""The folder of one stage for one seed."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ddlab import files
from ddlab.pipeline.records import TRACE, TraceRecord
from ddlab.runs.records import BEGUN, RESULT, StageResult

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

    def result(self) -> StageResult:
        """The numbers that the stage came to; empty if it is not done."""
        return RESULT.read(self.path / "result.json")

    def write_result(self, result: StageResult) -> None:
        """Write the numbers; from here on the stage is done."""
        self._make()
        files.write_sealed(self.path / "result.json", result)

    def trace(self) -> TraceRecord:
        """The last traced training step of a pipeline; empty if there is none."""
        return TRACE.read(self.path / "trace.json")

    def write_trace(self, trace: TraceRecord) -> None:
        """Write a traced training step over the one before."""
        self._make()
        files.write_sealed(self.path / "trace.json", trace)

    def predictions(self) -> "dict[str, np.ndarray]":
        """The arrays that :meth:`write_predictions` was given.

        Raises
        ------
        ValueError
            If there are none, or the file is damaged.
        """
        from ddlab.runs.predictions import read

        path = self.path / "predictions.npz"
        try:
            return read(path)
        except FileNotFoundError:
            raise ValueError(f"stage {self.name!r}, seed {self.seed}: has no predictions yet") from None
        except ValueError as error:
            place = f"{path.name} of stage {self.name}, seed {self.seed},"
            raise ValueError(
                f"{place} is damaged ({error}); delete the folder of that stage and resume the run"
            ) from None

    def write_predictions(self, **arrays: "np.ndarray") -> None:
        """Write arrays (N subdomains, K classes, in the order of the data set)."""
        import numpy as np

        def save(path: Path) -> None:
            with path.open("wb") as file:
                np.savez(file, allow_pickle=False, **arrays)
            files.seal(path)

        self.write_atomically(self.path / "predictions.npz", save)

    def weights(self, name: str) -> Path:
        """Return the path of a network's weights."""
        return self.path / f"weights-{name}.safetensors"

    @property
    def has_weights(self) -> bool:
        """Whether weights of any network are here: a copy of the run may have been made without."""
        return any(self.path.glob("weights-*"))

    def checkpoint(self, name: str) -> Path:
        """Return the path of the state that training resumes from."""
        return self.path / f"checkpoint-{name}.pt"

    def checkpoints(self) -> list[Path]:
        """All checkpoints there are, whichever division of the work over ranks wrote them."""
        return sorted(self.path.glob("checkpoint-*.pt"))

    @property
    def workers(self) -> int:
        """Number of ranks on which its training began; 0 if unknown."""
        return int(BEGUN.read(self.path / "begun.json").get("workers", 0))

    def write_workers(self, workers: int) -> None:
        """Note the number of ranks on which the training begins."""
        self._make()
        files.write_json(self.path / "begun.json", {"workers": workers})

    def write_atomically(self, path: Path, writer: Callable[[Path], Any]) -> None:
        """Let ``writer`` fill a temporary file and put it in the place of ``path``, in this folder."""
        self._make()
        files.write_atomically(path, writer)

    def _make(self) -> None:
        """Make the folder, but not that of the run: one that was deleted meanwhile stays so."""
        stages = self.path.parents[1]
        for folder in (stages, self.path.parent, self.path):
            folder.mkdir(exist_ok=True)
