"""What a rank tells of its progress: the share of the operations that are done, whoever did them before."""

import pytest

from ddlab.engine.reporter import Reporter
from ddlab.experiment import parse_experiment
from ddlab.ranks import Ranks
from ddlab.runs import RunFolder


def new_run(**settings):
    return RunFolder.create(parse_experiment({"strategies": ["average"], "training": {"epochs": 10}, **settings}))


def record(subdomain, epoch, stage="local", **more):
    return {"stage": stage, "seed": 0, "subdomain": subdomain, "epoch": epoch, "epochs": 10, **more}


def done(run, ranks, *records):
    reporter = Reporter(run, ranks, {})
    for row in records:
        reporter._written = float("-inf")  # write each time
        reporter.report(row)
    return run.progress()["done"]


def test_progress_is_that_of_our_own_share():
    assert done(new_run(), Ranks(0, 2), record(0, 5), record(2, 5)) == pytest.approx(0.5)


def test_progress_after_a_resume_does_not_count_other_ranks_networks():
    run = new_run()
    for subdomain in range(4):
        run.append_metrics(subdomain % 2, record(subdomain, 5))
    assert done(run, Ranks(0, 2), record(0, 6)) == pytest.approx(0.55)


def test_progress_of_folds_only_grows():
    run = new_run(strategies=["cnn_dnn"], aggregator={"folds": 3, "epochs": 1})
    rows = [(fold, subdomain, epoch) for fold in range(3) for epoch in (5, 10) for subdomain in range(4)]
    shares = [done(run, Ranks(), record(s, e, "local_folds", fold=f, folds=3)) for f, s, e in rows]
    assert shares == sorted(shares)
    assert shares[7::8] == pytest.approx([2 / 9, 4 / 9, 6 / 9], abs=0.01)  # the last third: the local networks
