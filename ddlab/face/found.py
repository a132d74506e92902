"""Finding runs: one by its id, or all of them."""

from ddlab.face.run import Run
from ddlab.runs import list_runs, open_run


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


def all_runs() -> list[Run]:
    """All runs in ``DDLAB_HOME``, newest first.

    Examples
    --------
    >>> import ddlab
    >>> unfinished = [run for run in ddlab.all_runs() if run.state != "finished"]
    """
    return [Run(folder) for folder in list_runs()]
