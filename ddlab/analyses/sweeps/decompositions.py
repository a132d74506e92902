"""A sweep: what its decompositions will take, and how accurate each strategy is with each of them."""

import heapq
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from ddlab.analyses.comparison.cost import DEFAULT_RATE, plan_table
from ddlab.data.cache import describe
from ddlab.decomposition import Decomposition, times
from ddlab.engine.choosing import place_here
from ddlab.engine.devices import slots
from ddlab.experiment import Experiment
from ddlab.layouts import LAYOUTS, layout_of, title
from ddlab.problem import Problem, pose, problem_of
from ddlab.registry.datasets import DATASETS
from ddlab.runs import RunFolder
from ddlab.runs.health import says_the_same
from ddlab.runs.records import StageResult
from ddlab.sweeps.decompositions import GLOBAL, Variant, vary
from ddlab.words import beware
from ddlab.written import percent

START = 7.0  # seconds until a run has loaded PyTorch and its images, as measured on a busy core of a 2020s processor
UNFIT, ABSENT = "does not fit", "not run"  # states of decompositions without a run


# ---- before


def plan_of_sweep(variants: Iterable[Variant], rate: float = DEFAULT_RATE) -> pd.DataFrame:
    """Estimate what every decomposition will take, before anything starts; a row each.

    Parameters
    ----------
    rate
        Operations a second and worker.

    Returns
    -------
    pandas.DataFrame
        ``title``, ``overlap`` in pixels, ``subdomains``, ``size`` of the largest in pixels, ``work`` (forward passes of
        all local networks, of the global one's), ``flops`` and ``seconds`` of the whole run with its start, and
        ``reason`` why it does not fit; numbers are empty there.
    """
    rows = []
    for variant in variants:
        row = {"title": variant.title, "overlap": variant.overlap, "reason": variant.reason}
        if variant.problem:
            stages = plan_table(variant.problem, variant.problem.experiment.placement.workers or 1, rate)
            seconds = START + stages["seconds"].sum()
            row |= {**_shape(variant.problem), "flops": stages["flops"].sum(), "seconds": seconds}
        rows.append(row)
    columns = ["title", "overlap", "subdomains", "size", "work", "flops", "seconds", "reason"]
    return pd.DataFrame(rows, columns=columns).astype({"subdomains": "Int64"})


def _shape(problem: Problem) -> dict[str, Any]:
    """Number and largest size of the subdomains, and the work of their networks relative to the global one."""
    local = sum(network.flops() for network in problem.local_networks)
    return {
        "subdomains": len(problem.decomposition),
        "size": _size(problem.decomposition),
        "work": local / problem.global_network.flops(),
    }


def _size(decomposition: Decomposition) -> str:
    return times(max((box.shape for box in decomposition), key=lambda shape: (max(shape), shape)))


def wall_seconds(seconds: Iterable[float], at_once: int) -> float:
    """Return how long runs take in all, started in order and ``at_once`` of them at a time."""
    free = [0.0] * max(1, at_once)
    for duration in seconds:
        heapq.heapreplace(free, free[0] + duration)
    return max(free)


def runs_at_once(experiment: Experiment) -> int:
    """Return how many runs of an experiment this machine can work on at a time.

    Raises
    ------
    ValueError
        If it asks for devices that this machine does not have.
    """
    place = place_here(pose(experiment))
    return len(slots(place.kind)) // place.slots


# ---- after


def sweep_table(runs: Sequence[RunFolder]) -> pd.DataFrame:
    """Every strategy with every decomposition of a sweep, a row each, done or not.

    Decompositions without a run that lie between the others' layouts and overlaps have rows too, which say why.

    Returns
    -------
    pandas.DataFrame
        ``run_id``, ``layout``, ``title`` (grid and layout), ``grid``, ``overlap`` in pixels, ``subdomains``, ``size``
        of the largest in pixels, ``strategy``, ``validation`` and ``validation_sd`` (mean and standard deviation over
        the seeds; NaN where there is none yet), ``test`` (mean; NaN where no other images judge), ``seeds`` (done),
        ``same_answer`` (those with which the strategy decides alike about all images), ``work`` (forward passes of all
        local networks, of the global one's; 1 for ``global``), ``state`` of the run or why there is none, and
        ``message`` for people. The rows of a layout follow each other, its overlaps rising.
    """
    rows = [row for run in reversed(runs) for row in _rows_of(run)]  # the oldest first: the order they were planned in
    if not rows:
        return pd.DataFrame()
    table = pd.DataFrame(rows + _missing(rows, runs[-1]))
    order = {title: place for place, title in enumerate(dict.fromkeys(_by_grid(rows)))}
    places = table.assign(place=table["title"].map(order)).sort_values(["place", "overlap"], kind="stable")
    return places.drop(columns="place").reset_index(drop=True)


def _by_grid(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Titles grid by grid, and layout by layout in the order of their registry."""
    names = list(LAYOUTS)

    def place(row: dict[str, Any]) -> tuple[int, int]:
        return grids.index(row["grid"]), names.index(row["layout"]) if row["layout"] in names else len(names)

    grids = list(dict.fromkeys(row["grid"] for row in rows))
    return [row["title"] for row in sorted(rows, key=place)]


def _rows_of(run: RunFolder) -> list[dict[str, Any]]:
    """The rows of a run; none of one that cannot be read."""
    try:
        asked = run.experiment
    except ValueError:
        return []
    settings, state = asked.decomposition, run.state()
    layout = layout_of(settings)
    about: dict[str, Any] = {
        "run_id": run.id,
        "layout": layout,
        "title": title(layout, settings.grid),
        "grid": times(settings.grid),
    }
    overlap = settings.overlap if isinstance(settings.overlap, int) else max(settings.overlap)
    about |= {"overlap": overlap, **_described(run), "state": state.state}
    about["message"] = state.message or beware(run.summary()["stuck"]).strip()
    results = run.results()
    return [
        about
        | {"strategy": strategy, **_accuracy([result for result in results if result["stage"] == strategy])}
        | ({"work": 1.0} if strategy == GLOBAL else {})
        for strategy in asked.strategies
    ]


def _accuracy(results: Sequence[StageResult]) -> dict[str, Any]:
    by_seed = np.array([result["validation_accuracy"] for result in results], float)
    same = sum(says_the_same(result.get("one_class")) for result in results)
    mean = float(np.mean(by_seed)) if len(by_seed) else np.nan
    sd = float(np.std(by_seed, ddof=1)) if len(by_seed) > 1 else np.nan
    told = (result.get("test_accuracy") for result in results)
    tested = [accuracy for accuracy in told if accuracy is not None]
    test = float(np.mean(tested)) if tested else np.nan
    return {"validation": mean, "validation_sd": sd, "test": test, "seeds": len(by_seed), "same_answer": same}


def _described(run: RunFolder) -> dict[str, Any]:
    try:
        return _shape(problem_of(run))
    except ValueError:  # the data are gone
        return {"subdomains": None, "size": "", "work": None}


def _missing(rows: Sequence[dict[str, Any]], run: RunFolder) -> list[dict[str, Any]]:
    """Rows of the decompositions that no run has, for every layout and overlap that some run has."""
    there = {(row["title"], row["overlap"]) for row in rows}
    overlaps = sorted({row["overlap"] for row in rows})
    strategies = list(dict.fromkeys(row["strategy"] for row in rows if row["strategy"] != GLOBAL))
    layouts = {row["title"]: row for row in rows if row["layout"] in LAYOUTS}
    found = []
    for name, row in layouts.items():
        for overlap in overlaps:
            if (name, overlap) in there:
                continue
            reason = _why(run, row, overlap)
            about = {key: row[key] for key in ("layout", "title", "grid")} | {"run_id": "", "overlap": overlap}
            about |= {"state": UNFIT if reason else ABSENT, "message": reason or "No run of this sweep has it."}
            found += [about | {"strategy": strategy} for strategy in strategies]
    return found


def _why(run: RunFolder, row: dict[str, Any], overlap: int) -> str:
    grid = tuple(map(int, row["grid"].split("×")))
    try:
        return vary(run.experiment, describe(run.experiment.dataset), row["layout"], grid, overlap).reason
    except ValueError as error:
        return str(error)


def best_row(table: pd.DataFrame, strategy: str) -> dict[Hashable, Any] | None:
    """The decomposition with the highest accuracy of a strategy, of equal ones that with the least work; or None."""
    known = table[table["strategy"] == strategy].dropna(subset=["validation"])
    ordered = known.sort_values(["validation", "work"], ascending=[False, True])
    return ordered.iloc[0].to_dict() if len(ordered) else None


def sweep_in_words(runs: Sequence[RunFolder]) -> str:
    """Say what the runs of a sweep differ in: the images, the grids and the overlaps that were asked for."""
    asked = [run.asked() for run in runs]
    images = dict.fromkeys(_titled(tree.get("dataset")) for tree in asked)
    cuts = [tree["decomposition"] for tree in asked if isinstance(tree.get("decomposition"), dict)]
    grids = {times(cut["grid"]) for cut in cuts if cut.get("grid") and not cut.get("boxes")}
    overlaps = sorted({cut["overlap"] for cut in cuts if isinstance(cut.get("overlap"), int)})
    told = [f"{len(runs)} run{'s' * (len(runs) != 1)}", *filter(None, images)]
    told += [f"grids {', '.join(sorted(grids))}"] if grids else []
    return ", ".join([*told, *([f"overlaps {', '.join(map(str, overlaps))} px"] if overlaps else [])])


def _titled(dataset: object) -> str:
    name = dataset.get("name") if isinstance(dataset, dict) else None
    return DATASETS[name].title if isinstance(name, str) and name in DATASETS else ""


def best_in_words(table: pd.DataFrame, strategy: str) -> str:
    """Tell the best decomposition of a strategy, its accuracy and work, and the global network's accuracy, in Markdown.

    Parameters
    ----------
    table
        As :func:`sweep_table` gives it.
    """
    best, whole = best_row(table, strategy), best_row(table, GLOBAL)
    if best is None:
        return "No run of this strategy is done yet: the cells fill by themselves."
    text = f"Best so far: **{best['title']}, overlap {best['overlap']} px** with **{percent(best['validation'])}**"
    if best["test"] == best["test"]:
        text += f" of the validation images, which chose it, and {percent(best['test'])} of the test images,"
    text += f" for {percent(best['work'], 0)} of the global network's work" if best["work"] == best["work"] else ""
    return text + (f"; the global network has {percent(whole['validation'])}." if whole else ".")
