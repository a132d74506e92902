"""Finding runs: one by its id, or all of them."""

from collections.abc import Iterable

from ddlab.face.run import Run
from ddlab.runs import list_runs, matches, open_run


def run(id: str = "latest") -> Run:
    """A run by its id; ``latest`` is the newest one, ``example`` a recorded one that comes with ddlab.

    Raises
    ------
    ValueError
        If there is none; names the nearest id.

    Examples
    --------
    >>> import ddlab
    >>> ddlab.run("example").state
    'finished'
    """
    return Run(open_run(id))


def all_runs(search: str = "", tags: Iterable[str] = ()) -> list[Run]:
    """All runs in ``DDLAB_HOME``, newest first, or those that are looked for.

    Parameters
    ----------
    search
        Words that must all stand in a run's name, id, state, note, tags, data set, model, grid or strategies.
    tags
        Tags that it must all have.

    Examples
    --------
    >>> import ddlab
    >>> unfinished = [run for run in ddlab.all_runs() if run.state != "finished"]
    """
    wanted, everything = tuple(tags), list_runs()
    if search or wanted:
        everything = [folder for folder in everything if matches(folder.summary(), search, wanted)]
    return [Run(folder) for folder in everything]
