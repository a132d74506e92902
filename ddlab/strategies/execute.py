"""Run an experiment: its stages one after the other, for every seed; what is done is not done again."""

import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from ddlab.data.cache import in_use, load
from ddlab.data.source import Dataset
from ddlab.problem import problem_of
from ddlab.strategies.moving import check_ranks
from ddlab.strategies.stage import StageContext, plan

if TYPE_CHECKING:
    from ddlab.experiment import DatasetSettings
    from ddlab.ranks import Ranks
    from ddlab.runs import RunFolder
    from ddlab.runs.records import EpochRecord

log = logging.getLogger(__name__)


def execute(
    run: "RunFolder",
    ranks: "Ranks",
    report: Callable[["EpochRecord"], None],
    check: Callable[[], None],
    begin: Callable[[str, int], None] = lambda stage, seed: None,
) -> None:
    """Run all stages that are not done yet.

    Parameters
    ----------
    report
        Called with one record an epoch and network.
    check
        Called at every step; raises ``ddlab.training.loop.Stopped`` when the run was asked to stop.
    begin
        Called with the name and the seed of every stage that begins.

    Raises
    ------
    ddlab.training.loop.Stopped, ddlab.training.loop.Diverged
        As the stages do.
    ValueError
        If the data or the settings cannot work.
    """
    problem = problem_of(run)
    # All ranks look before the barrier of _load, and none writes before it: they agree on what is left to do, where a
    # rank that looked later could find a stage done that rank 0 has only just finished, and miss its barrier.
    left = [
        (seed, stage)
        for seed in run.experiment.seeds
        for stage in plan(problem)
        if not run.stage(stage.name, seed).done
    ]
    dataset = _load(run.experiment.dataset, ranks)
    mark = in_use(run.experiment.dataset) if ranks.rank == 0 else None  # looks at all files of the source: once

    def look() -> None:
        check()
        if mark:
            mark()

    for seed, stage in left:
        check()
        begin(stage.name, seed)
        log.info("stage %s, seed %d: %s", stage.name, seed, stage.title)
        folder, needed = run.stage(stage.name, seed), partial(run.stage, seed=seed)
        context = StageContext(problem, dataset, stage, seed, folder, needed, ranks, report, look)
        if stage.kind != "single" or ranks.rank == 0:
            check_ranks(context)
            stage.run(context)
        ranks.barrier()


def _load(settings: "DatasetSettings", ranks: "Ranks") -> Dataset:
    """Load the data on rank 0 first: if images must be decoded, or compared with checksums, that is done once."""
    if ranks.rank == 0:
        dataset = load(settings, verified=True)
    ranks.barrier()
    return dataset if ranks.rank == 0 else load(settings)
