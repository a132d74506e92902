"""The growth of a run's training: what it would take on more ranks than it had."""

import pandas as pd

from ddlab.analyses.scale.machines import cluster_asked
from ddlab.analyses.scale.table import rank_numbers, scale_table
from ddlab.problem import problem_of
from ddlab.runs import RunFolder


def why_not(run: RunFolder) -> str:
    """Say why nothing can be counted for a run; empty if it can."""
    try:
        problem_of(run)
    except ValueError as error:
        return f"Its networks are not known: {error}"
    return ""


def scale_of_run(
    run: RunFolder, *, ranks: int = 1024, machine: str = "", link: str = "", weak: bool = False
) -> pd.DataFrame:
    """Count the time, bytes and memory of every strategy of a run on 1 to ``ranks`` ranks.

    Parameters
    ----------
    machine, link
        Names of :func:`ddlab.analyses.scale.machines.machines` and ``links``; empty: the usual ones.

    Returns
    -------
    pandas.DataFrame
        As :func:`ddlab.analyses.scale.table.scale_table` gives it.

    Raises
    ------
    ValueError
        If the data set is gone, so that nobody knows the networks.
    """
    problem = problem_of(run)
    return scale_table(problem, cluster_asked(problem, machine, link, {}), rank_numbers(ranks), weak=weak)
