"""The state of a run, and the actions that it allows."""

from collections.abc import Iterable
from pathlib import Path
from typing import Self

from ddlab.experiment import Experiment
from ddlab.runs import RunFolder


class Standing:
    """A run's name, its state and its control: the part of :class:`ddlab.Run` that reads no results.

    Parameters
    ----------
    folder
        The run's folder.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.folder = folder

    def __repr__(self) -> str:
        return f"Run({self.id!r}, {self.state})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Standing) and other.path == self.path

    def __hash__(self) -> int:
        return hash(self.path)

    # ---- what it is, and where it stands

    @property
    def id(self) -> str:
        """The run's name in ``DDLAB_HOME/runs``, which the command line takes."""
        return self.folder.id

    @property
    def name(self) -> str:
        """The run's name for people."""
        return self.folder.name

    @property
    def note(self) -> str:
        """Note that people wrote about it; empty if none."""
        return self.folder.note

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags that people gave it, by which :func:`ddlab.all_runs` finds it."""
        return self.folder.tags

    @property
    def path(self) -> Path:
        """The folder on disk."""
        return self.folder.path

    @property
    def experiment(self) -> Experiment:
        """The experiment that was asked for; raises a ValueError if the folder is damaged."""
        return self.folder.experiment

    @property
    def state(self) -> str:
        """One of queued, running, finished, failed, cancelled, lost."""
        return self.folder.state().state

    @property
    def message(self) -> str:
        """The reason for its state, in a sentence; empty where there is nothing to say."""
        return self.folder.state().message

    @property
    def progress(self) -> float:
        """The share of it that is done, 0 to 1."""
        return 1.0 if self.state == "finished" else float(self.folder.progress().get("done") or 0.0)

    def log(self, rank: int | None = None) -> str:
        """Output of its processes: of one rank, or of what launched them."""
        return self.folder.log(rank)

    # ---- what can be done with it

    def annotate(self, note: str | None = None, tags: Iterable[str] | None = None) -> None:
        """Replace its note or its tags; they stand in its folder, never in its experiment.

        Parameters
        ----------
        note
            Any text, empty for none; None leaves it as it is.
        tags
            Words without spaces; None leaves them as they are.

        Raises
        ------
        ValueError
            If the note is too long, a tag is not one word, there are too many, or the run is the shipped example.
        """
        from ddlab.runs import annotate

        annotate(self.folder, note=note, tags=tags)

    def wait(self, timeout: float | None = None) -> str:
        """Wait until it has ended, and give its state then.

        Parameters
        ----------
        timeout
            Seconds; None: as long as it takes.

        Raises
        ------
        TimeoutError
            If it has not ended by then; it goes on.

        Examples
        --------
        >>> import ddlab
        >>> ddlab.train("demo", background=True).wait(timeout=300)    # doctest: +SKIP
        'finished'
        """
        from ddlab.engine.follow import follow

        if not follow(self.folder, lambda line: None, timeout=timeout):
            raise TimeoutError(f"run {self.id}: has not ended after {timeout:g} s, is {self.state}")
        return self.state

    def cancel(self) -> None:
        """Stop all its processes; none is left when this returns.

        Raises
        ------
        ValueError
            If it neither waits nor works.
        """
        from ddlab.engine.control import cancel

        cancel(self.folder)

    def resume(self, *, background: bool = False) -> Self:
        """Go on with a failed, cancelled or lost run from its last checkpoint.

        Parameters
        ----------
        background
            Whether to return at once; otherwise as :func:`ddlab.train` does.

        Raises
        ------
        ValueError
            If it waits or works already, or is finished.
        RuntimeError
            If it is followed, and does not finish.
        """
        from ddlab.engine.control import resume
        from ddlab.face.attend import attend

        resume(self.folder)
        if not background:
            attend(self.folder)
        return self
