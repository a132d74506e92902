"""Following a run from a program, a terminal or a notebook."""

import sys

from ddlab.engine.control import cancel
from ddlab.engine.follow import follow
from ddlab.runs import RunFolder

WIDTH = 100  # characters that a moving line overwrites


def attend(run: RunFolder) -> None:
    """Follow a run to its end and show where it stands; an interrupt cancels it.

    Raises
    ------
    RuntimeError
        If it does not finish; says why.
    """
    show = _Line()
    try:
        follow(run, show, detailed=show.moves)
    except KeyboardInterrupt:
        show(f"cancelling {run.id}")
        _cancelled(run)
        show.end(f"cancelled; ddlab.run({run.id!r}).resume() goes on")
        raise
    state = run.state()
    show.end(f"{state.state}: {run.id}")
    if state.state != "finished":
        raise RuntimeError(f"run {run.id}: {state.state}; {state.message or 'nothing more is known'}")


def _cancelled(run: RunFolder) -> None:
    try:
        cancel(run)
    except ValueError:  # it ended just now
        pass


def _in_notebook() -> bool:
    """Tell whether this process is a notebook's kernel; a module that was only imported makes none."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return shell is not None and "IPKernelApp" in shell.config


class _Line:
    """A line that moves on a terminal and in a notebook; elsewhere, one line after the other, to stderr."""

    def __init__(self) -> None:
        notebook = _in_notebook()  # whose stderr is red
        self.stream = sys.stdout if notebook else sys.stderr
        self.moves = notebook or self.stream.isatty()

    def __call__(self, line: str) -> None:
        self.stream.write(f"\r{line[:WIDTH]:<{WIDTH}}" if self.moves else f"{line}\n")
        self.stream.flush()

    def end(self, line: str) -> None:
        self(line)
        if self.moves:
            self.stream.write("\n")
