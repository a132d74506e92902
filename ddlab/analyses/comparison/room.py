"""The runs of a room as points: what each strategy reached, and what it worked for it."""

from collections.abc import Sequence
from functools import lru_cache

import pandas as pd

from ddlab import access
from ddlab.analyses.comparison.accuracy import strategy_table
from ddlab.runs import RunFolder

COLUMNS = ["run_id", "who", "strategy", "title", "validation", "work"]


def room_points(runs: Sequence[RunFolder]) -> pd.DataFrame:
    """Return a row for each strategy of each run that has a result of it.

    Returns
    -------
    pandas.DataFrame
        ``run_id``, ``who`` made it, ``strategy``, ``title``, ``validation`` (accuracy) and ``work`` (operations of its
        training as a share of those of the global network); rows without both are left out.
    """
    tables = [_points(run, run.results_stamp()) for run in runs]
    found = pd.concat([table for table in tables if not table.empty]) if any(len(table) for table in tables) else None
    if found is None:
        return pd.DataFrame(columns=COLUMNS)
    return found.dropna(subset=["validation", "work"]).reset_index(drop=True)


def _points(run: RunFolder, stamp: int) -> pd.DataFrame:
    return _kept(str(run.path), stamp) if stamp else pd.DataFrame()


@lru_cache(maxsize=2048)
def _kept(path: str, stamp: int) -> pd.DataFrame:
    run = RunFolder(path)
    try:
        table = strategy_table([run])
    except (ValueError, OSError):  # a damaged run is no point
        return pd.DataFrame()
    if table.empty:
        return table
    table["who"] = access.owner_name(run.path)
    return table[COLUMNS]
