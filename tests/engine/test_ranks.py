"""Two real ranks against one, in float64: the division of the work changes no result."""

import time

import numpy as np
import pytest

from ddlab.engine.control import stop_processes
from ddlab.engine.devices import slots
from ddlab.engine.launch import launch
from ddlab.experiment import parse_experiment
from ddlab.runs import RunFolder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(len(slots("cpu")) < 2, reason="needs two processor cores"),
]


def finished_run(workers: int) -> RunFolder:
    """A run without batch normalisation, whose statistics each rank has for itself."""
    run = RunFolder.create(
        parse_experiment(
            {
                "dataset": {"name": "digits", "size": 16, "train_images": 300, "validation_images": 101},
                "model": {"batch_norm": False},
                "training": {"epochs": 3, "batch_size": 64, "precision": "float64", "flip": True, "shift": 0.1},
                "aggregator": {"epochs": 3},
                "placement": {"workers": workers, "devices": "cpu"},
            }
        )
    )
    launch(run)
    try:
        deadline = time.monotonic() + 90
        while run.state().is_live:
            assert time.monotonic() < deadline, run.log()
            time.sleep(0.1)
    finally:
        stop_processes(run)
    assert run.state().state == "finished", (run.failure(), run.log())
    return run


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DDLAB_HOME", str(tmp_path_factory.mktemp("ranks")))
        yield finished_run(1), finished_run(2)


@pytest.mark.parametrize("stage", ["global", "local"])
def test_losses_are_the_same_on_two_ranks(runs, stage):
    """Data parallel training averages gradients to those of the whole batch; local networks are just elsewhere."""

    def losses(run):
        records = [record for record in run.metrics() if record["stage"] == stage]
        ordered = sorted(records, key=lambda r: (r["epoch"], r["subdomain"] or 0))
        return [[r["loss"], r["validation_loss"], r["validation_accuracy"]] for r in ordered]

    one, two = (losses(run) for run in runs)
    assert len(one) == len(two) == (12 if stage == "local" else 3)
    np.testing.assert_allclose(one, two, rtol=1e-10)


def test_predictions_keep_the_order_of_the_images(runs):
    for strategy in ("global", "average", "majority", "cnn_dnn"):
        one, two = (run.stage(strategy, 0).predictions() for run in runs)
        assert one["validation"].shape == (101, 10)
        np.testing.assert_allclose(one["validation"], two["validation"], atol=1e-5)
        assert np.array_equal(one["validation_decisions"], two["validation_decisions"])
