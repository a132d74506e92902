"""Stages that have begun go on on other ranks where the mathematics allows it, and refuse to where it does not."""

from dataclasses import replace

import pytest

from ddlab.experiment import Experiment
from ddlab.problem import pose
from ddlab.ranks import Ranks
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder
from ddlab.strategies.moving import check_ranks, tied_to_ranks
from ddlab.strategies.stage import StageContext, strategy_stages

SETTINGS = {"dataset.name": "digits", "dataset.size": 16, "model.reduction": "1/N"}
TIED = {"global", "random", "random_work", "adam", "sgd", "apts", "sapts", "trust_region", "composed", "gabra"}


def ties(strategy, **changes):
    own = {"gabra.replicas": 2} if strategy == "gabra" else {}
    problem = pose(Experiment().with_settings({**SETTINGS, "strategies": [strategy], **own, **changes}))
    return {stage.name: tie for stage in strategy_stages(problem, strategy) if (tie := tied_to_ranks(problem, stage))}


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_only_stages_that_divide_batches_are_tied_and_only_by_what_sees_a_batch(strategy):
    tied = ties(strategy)
    assert set(tied.values()) <= {"batch normalisation"} and set(tied) <= TIED
    assert (strategy in tied) == (strategy in TIED)
    assert ties(strategy, **{"model.batch_norm": False}) == {}


def test_dropout_ties_too_and_one_replica_does_not():
    assert ties("global", **{"model.batch_norm": False, "model.dropout": 0.5}) == {"global": "dropout"}
    assert ties("gabra", **{"gabra.replicas": 1}) == {}


def context_of(strategy, ranks, run=None, **changes):
    experiment = Experiment().with_settings({**SETTINGS, "strategies": [strategy], **changes})
    run, problem = run or RunFolder.create(experiment), pose(experiment)
    stage = list(strategy_stages(problem, strategy))[-1]
    return StageContext(problem, None, stage, 0, run.stage(stage.name, 0), run.stage, ranks, None, None)


@pytest.mark.parametrize(
    ("strategy", "changes", "refused"),
    [("global", {}, True), ("global", {"model.batch_norm": False}, False), ("coherent", {}, False)],
)
def test_a_stage_refuses_other_ranks_once_it_has_a_checkpoint(strategy, changes, refused):
    context = context_of(strategy, Ranks(0, 2), **changes)
    other = replace(context, ranks=Ranks(0, 3))
    for before in (context, other, context):
        check_ranks(before)  # nothing was trained: it begins anew
    assert context.folder.workers == 2
    context.folder.write_atomically(context.folder.checkpoint(strategy), lambda path: path.write_bytes(b"x"))
    check_ranks(context)
    if refused:
        with pytest.raises(
            ValueError, match=r"placement.workers: stage 'global' .* began on 2, .*got 3; choices: 2, or"
        ):
            check_ranks(other)
    else:
        check_ranks(other)


def test_a_stage_of_an_older_ddlab_goes_on_anywhere():
    context = context_of("global", Ranks(0, 2))
    context.folder.write_atomically(context.folder.checkpoint("global"), lambda path: path.write_bytes(b"x"))
    check_ranks(context)
    assert context.folder.workers == 2
