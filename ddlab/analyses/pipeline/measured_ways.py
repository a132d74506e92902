"""Three ways to use n machines, as a run measured them: time, bytes and accuracy of its strategies by what they cut."""

import pandas as pd

from ddlab.analyses.comparison.accuracy import strategy_table
from ddlab.analyses.comparison.communication import measured_communication
from ddlab.analyses.pipeline.ways import WAYS, way_of
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder


def measured_ways(run: RunFolder) -> pd.DataFrame:
    """Every strategy of a run that is done, a row each, by what it cuts: images, data or layers.

    Returns
    -------
    pandas.DataFrame
        ``way`` (in words), ``strategy``, ``title``, ``ranks`` that worked, ``epoch_seconds`` (mean time of an epoch of
        the stage that decides), ``bytes`` a training step as they were counted while sending (NaN on one rank),
        ``accuracy`` of test images, or else of validation images; in the order of the ways.

    Raises
    ------
    ValueError
        If the data set is gone, so that nobody knows the networks.
    """
    table = strategy_table([run])
    if table.empty:
        return pd.DataFrame(columns=["way", "strategy", "title", "ranks", "epoch_seconds", "bytes", "accuracy"])
    sent = measured_communication(run).set_index("strategy")["measured"]
    took: dict[str, list[float]] = {}
    for record in run.metrics():
        took.setdefault(record["stage"], []).append(record.get("seconds") or 0.0)
    ranks = {result["stage"]: len(result.get("flops_by_rank") or ()) for result in run.results()}
    rows = []
    for row in table.to_dict("records"):
        name = row["strategy"]
        seconds = took.get(name)
        rows.append(
            {
                "way": WAYS[way_of(name)],
                "strategy": name,
                "title": STRATEGIES[name].title,
                "ranks": ranks.get(name),
                "epoch_seconds": sum(seconds) / len(seconds) if seconds else None,
                "bytes": sent.get(name),
                "accuracy": row["test"] if pd.notna(row["test"]) else row["validation"],
            }
        )
    order = list(WAYS.values())
    return pd.DataFrame(rows).sort_values(
        "way", key=lambda ways: ways.map(order.index), kind="stable", ignore_index=True
    )
