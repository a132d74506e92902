"""The balance of a run: what each of its ranks does now, and how long it has computed and waited.

Everything is read from what the ranks write: a heartbeat every other second, a line when a stage ends.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ddlab.problem import Problem, problem_of
from ddlab.runs import RunFolder
from ddlab.runs.rank_records import Times
from ddlab.strategies.stage import Stage, plan, shard
from ddlab.words import duration
from ddlab.written import percent

EVEN = 0.1  # share of the time: ranks whose waiting differs by less are called equally busy


COLUMNS = ["rank", "stage", "title", "seconds", "computing", "waiting", "without_core"]


def balance_table(run: RunFolder) -> pd.DataFrame:
    """The time of every rank in every stage, of all seeds and turns together, and of what is under way.

    Returns
    -------
    pandas.DataFrame
        ``rank``, ``stage``, ``title`` of the stage, ``seconds`` that it took, and of these ``computing``, ``waiting``
        (for other ranks, or for data) and ``without_core`` (other programs had its core). Stages in their order. Empty
        for a run that has written no timesheets.
    """
    lines = [*run.times(), *_under_way(run)]
    if not lines:
        return pd.DataFrame(columns=COLUMNS)
    table = pd.DataFrame([{"without_core": 0.0, **line} for line in lines])
    table = table.groupby(["stage", "rank"], as_index=False)[["seconds", "computing", "without_core"]].sum()
    titles = _titles(run)
    order = [*titles, *(name for name in table["stage"] if name not in titles)]
    table["title"] = table["stage"].map(lambda name: titles.get(name, name))
    table["waiting"] = (table["seconds"] - table["computing"] - table["without_core"]).clip(lower=0)
    table = table.assign(place=table["stage"].map(order.index)).sort_values(["place", "rank"], kind="stable")
    return table[COLUMNS].reset_index(drop=True)


def balance_in_words(table: pd.DataFrame) -> str:
    """Say how evenly the ranks of a :func:`balance_table` are busy, and in which stage most is waited."""
    if table["rank"].nunique() < 2:
        return ""
    whole = table.groupby("rank")[["seconds", "waiting"]].sum()
    shares = dict(
        zip(whole.index.tolist(), (whole["waiting"] / whole["seconds"].clip(lower=1e-9)).tolist(), strict=True)
    )
    most, least = max(shares, key=lambda rank: shares[rank]), min(shares, key=lambda rank: shares[rank])
    if shares[most] - shares[least] < EVEN:
        mean = sum(shares.values()) / len(shares)
        return f"All ranks are about equally busy: they wait for {percent(mean, 0)} of the time."
    waited = table[table["rank"] == most].sort_values("waiting").iloc[-1]
    return (
        f"Rank {most} waits for {percent(shares[most], 0)} of the time, rank {least} for {percent(shares[least], 0)}; "
        f"most of it in “{waited['title']}” ({duration(waited['waiting'])} of {duration(waited['seconds'])})."
    )


def ranks_now(run: RunFolder, now: float | None = None) -> pd.DataFrame:
    """List what each rank of a run that works does, as it told last.

    Returns
    -------
    pandas.DataFrame
        ``rank``, ``machine``, ``device``, ``stage`` (title), ``epoch`` (done, of how many, as text; of ranks that
        report none, that of the first), ``has`` (what of the stage is its own), ``samples`` a second in training, NaN
        before the first epoch; ``waiting``, share of the time in this stage, NaN before it; ``seen``, seconds since its
        last sign of life. Empty before the first sign.
    """
    beats, now = run.heartbeats(), time.time() if now is None else now
    status = run.status()
    devices = list(status.get("devices") or ["–"])
    size = status.get("workers") or len(beats)
    try:
        problem = problem_of(run)
        stages = {stage.name: stage for stage in plan(problem)}
    except ValueError:  # the data are gone: what the ranks tell is still worth showing
        problem, stages = None, {}
    rows = []
    for rank, beat in sorted(beats.items()):
        sheet = beat.get("sheet") or {}
        stage = stages.get(sheet.get("stage", ""))
        epoch = _epoch(beat, beats.get(0, beat), sheet)
        row = {"rank": rank, "machine": beat.get("host", ""), "device": devices[rank % len(devices)]}
        row |= {"stage": stage.title if stage else sheet.get("stage", "begins"), "epoch": _done(epoch)}
        row |= {"has": _has(stage, rank, size), "samples": _samples(problem, stage, rank, size, epoch)}
        row |= {"waiting": _waiting(sheet)}
        rows.append(row | {"seen": max(0.0, now - beat["time"])})
    return pd.DataFrame(rows)


def _under_way(run: RunFolder) -> list[Times]:
    """The stages that ranks at work are in; lines of a run that has ended are all written."""
    if not run.state().is_live:
        return []
    return [beat["sheet"] for beat in run.heartbeats().values() if beat.get("sheet")]


def _titles(run: RunFolder) -> dict[str, str]:
    try:
        return {stage.name: stage.title for stage in plan(problem_of(run))}
    except ValueError:
        return {}


def _waiting(sheet: Mapping[str, Any]) -> float:
    """Share of the time in a stage that a rank waited for others, or for data; NaN before it began."""
    if not sheet.get("seconds"):
        return float("nan")
    return float(max(0.0, 1 - (sheet["computing"] + sheet.get("without_core", 0.0)) / sheet["seconds"]))


def _epoch(beat: Mapping[str, Any], first: Mapping[str, Any], sheet: Mapping[str, Any]) -> Mapping[str, Any]:
    """The last epoch that a rank told of the stage that it is in, or the first rank did for all."""
    return next((told for told in (beat, first) if told.get("stage") == sheet.get("stage") and "epoch" in told), {})


def _done(epoch: Mapping[str, Any]) -> str:
    return f"{epoch['epoch']} of {epoch['epochs']}" if "epochs" in epoch else "–"


def _has(stage: Stage | None, rank: int, size: int) -> str:
    """Say in words what of a stage is a rank's own."""
    if stage is None:
        return ""
    if stage.kind == "single":
        return "all of it" if rank == 0 else "nothing"
    if stage.divides_batches:
        return "a part of every batch" if size > 1 else "every batch"
    if stage.hands_on:
        return "some of the modules" if size > 1 else "all modules"
    own = [stage.tasks[index].name for index in shard(stage.tasks, size)[rank]] if rank < size else []
    return f"{own[0]} to {own[-1].split()[-1]}" if _in_a_row(own) else ", ".join(own) or "nothing"


def _in_a_row(names: Sequence[str]) -> bool:
    numbers = [int(name.split()[-1]) for name in names if name.split()[-1].isdigit()]
    return len(names) == len(numbers) > 2 and numbers == list(range(numbers[0], numbers[0] + len(numbers)))


def _samples(problem: Problem | None, stage: Stage | None, rank: int, size: int, epoch: Mapping[str, Any]) -> float:
    """Training images, or subimages of all its networks, that a rank takes in a second, validation's time included."""
    if problem is None or stage is None or not epoch.get("seconds") or (stage.kind == "single" and rank):
        return float("nan")
    share = 1.0
    if stage.divides_batches:
        share = 1 / size
    elif stage.kind != "single" and not stage.hands_on:
        share = len(shard(stage.tasks, size)[rank]) if rank < size else 0
    return share * problem.description.num_train / float(epoch["seconds"])
