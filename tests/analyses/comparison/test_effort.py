"""Accuracy against effort, with stages whose time and work are written by hand."""

import numpy as np
import pandas as pd
import pytest

from ddlab.analyses.comparison.effort import EFFORTS, effort_curves, time_to_accuracy
from ddlab.analyses.comparison.reaching import most_reached
from ddlab.figures.colors import strategy_color
from ddlab.figures.comparison.effort import effort_lines, target_bars
from ddlab.problem import pose
from ddlab.registry.strategies import COMPARED_BY_KLAWONN
from tests.made_run import EPOCHS, made_experiment, made_run

SPENT = {  # seconds of a stage, operations of its ranks
    "global": (20.0, [40.0, 40.0]),
    "local": (6.0, [7.0, 5.0]),
    "average": (0.0, [0.0]),
    "majority": (0.0, [0.0]),
    "cnn_dnn": (3.0, [2.0]),
    "coherent": (12.0, [12.0, 12.0]),
    "transfer": (8.0, [6.0, 6.0]),
}


def made(**settings):
    run = made_run(experiment=made_experiment(strategies=list(COMPARED_BY_KLAWONN), **settings))
    for result in run.results():
        seconds, flops = SPENT[result["stage"]]
        changed = {"seconds": seconds, "flops_by_rank": flops}
        run.stage(result["stage"], result["seed"]).write_result(result | changed)
    return run


def ends(run):
    """The efforts of every strategy at its last epoch."""
    return effort_curves(run).groupby("strategy").last()[list(EFFORTS)]


def test_stages_are_laid_one_after_the_other_and_shared_ones_count_for_all():
    end = ends(made())
    # the DNN's and the models' epochs took a second each; local networks of four equal subdomains
    assert end.loc["global"].tolist() == pytest.approx([EPOCHS, 80, 40, 80 / 4])
    assert end.loc["average"].tolist() == end.loc["majority"].tolist() == pytest.approx([6, 12, 7, 12 / 4])
    assert end.loc["cnn_dnn"].tolist() == pytest.approx([6 + EPOCHS, 12 + 2, 7 + 2, 3 + 2])
    assert end.loc["coherent"].tolist() == pytest.approx([EPOCHS, 24, 12, 24 / 4])
    assert end.loc["transfer"].tolist() == pytest.approx([6 + EPOCHS, 12 + 12, 7 + 6, 3 + 3])


@pytest.mark.parametrize(
    ("transfer", "before"), [({"start": EPOCHS // 2}, 3.0), ({"start": 2, "dnn": "trained"}, 6.0 + 3.0)]
)
def test_transfer_needs_the_local_epochs_up_to_its_start_unless_the_dnn_needs_all(transfer, before):
    assert ends(made(transfer=transfer)).loc["transfer", "seconds"] == pytest.approx(before + EPOCHS)


def test_the_largest_subdomain_is_the_busiest_worker():
    run = made(decomposition={"boxes": [[[0, 24], [0, 32]], [[24, 32], [0, 32]]]})
    work = [network.flops() for network in pose(run.experiment).local_networks]
    assert max(work) > 2 * min(work)
    assert ends(run).loc["average", "worker_flops"] == pytest.approx(12 * max(work) / sum(work))


def test_work_grows_evenly_over_the_epochs():
    curve = effort_curves(made()).query("strategy == 'coherent'")
    np.testing.assert_allclose(curve["flops"], 24 * np.arange(1, EPOCHS + 1) / EPOCHS)
    assert curve["validation_accuracy"].is_monotonic_increasing


def test_only_what_is_done_has_a_curve():
    assert set(effort_curves(made_run("running"))["strategy"]) == {"global", "average", "majority"}
    assert effort_curves(made_run("queued")).empty and np.isnan(most_reached(effort_curves(made_run("queued"))))


@pytest.fixture
def curves():
    """Two seeds of one strategy that learns and of one that does not."""
    rows = [("cnn_dnn", seed, epoch, 0.2 * epoch + 0.1 * seed) for seed in (0, 1) for epoch in (1, 2, 3, 4)]
    rows += [("majority", seed, 0, 0.5) for seed in (0, 1)]
    table = pd.DataFrame(rows, columns=["strategy", "seed", "epoch", "validation_accuracy"])
    return table.assign(title=table["strategy"], **dict.fromkeys(EFFORTS, 10.0 * table["epoch"]))


def test_time_to_an_accuracy_is_that_of_the_first_epoch_that_reaches_it(curves):
    table = time_to_accuracy(curves, 0.5).set_index("strategy")
    assert table.loc["cnn_dnn", "seconds"] == pytest.approx((30 + 20) / 2)
    assert table.loc["majority", "seconds"] == 0
    higher = time_to_accuracy(curves, 0.85).set_index("strategy")
    assert higher.loc["cnn_dnn", ["reached", "seeds"]].tolist() == [1, 2]
    assert higher["seconds"].isna().all(), "one seed does not reach it"
    assert most_reached(curves) == pytest.approx(0.8), "the seed that comes less far decides"


def test_what_an_accuracy_takes_is_drawn_and_what_misses_it_says_so(curves):
    lines = effort_lines(curves, "flops", 0.7, ("title", "axis"))
    assert [trace.mode for trace in lines.data[:2]] == ["lines", "markers"]
    assert [(shape.y0, trace.name) for shape, trace in zip(lines.layout.shapes, lines.data[2:], strict=True)] == [
        (0.7, "to reach: 70\u00a0%")
    ]
    np.testing.assert_allclose(lines.data[0].y, [0.25, 0.45, 0.65, 0.85])
    bars = target_bars(time_to_accuracy(curves, 0.7), "flops", ("title", "axis")).data[0]
    assert bars.text == ("35", "never (best 50.0%)")
    assert bars.marker.color[0] == strategy_color("cnn_dnn")
