"""Two real ranks against one, in float64: the division of the work changes no result."""

import time

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from ddlab.engine.control import stop_processes
from ddlab.engine.devices import slots
from ddlab.engine.launch import launch
from ddlab.experiment import parse_experiment
from ddlab.pipeline.trace import predicted_step, recorded_step
from ddlab.problem import pose
from ddlab.registry.strategies import CUT_LAYERS
from ddlab.runs import RunFolder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(len(slots("cpu")) < 2, reason="needs two processor cores"),
]


DECOMPOSED = {
    "dataset": {"name": "digits", "size": 16, "train_images": 375, "validation_images": 101, "test": "official"},
    # Three boxes of two shapes: the ranks hold unequal shares, one of them in two banks.
    "decomposition": {"boxes": [[[0, 8], [0, 16]], [[8, 16], [0, 8]], [[8, 16], [8, 16]]]},
    # Without batch normalisation, whose statistics each rank has for itself.
    "model": {"batch_norm": False, "reduction": "1/N", "width": 1.5},
    "strategies": ["global", "cnn_dnn", "coherent", "transfer", "composed", "layerwise", "ddg", "fdg", "dsp", "gabra"],
    "training": {"epochs": 3, "batch_size": 64, "precision": "float64", "flip": True, "shift": 0.1},
    "aggregator": {"epochs": 3},
    "composed": {"epochs": 2, "cross_rate": 0.5, "warm_up": 1},
    "transfer": {"epochs": 2, "start": 2, "dnn": "trained"},
    "pipeline": {"modules": 3},
    "gabra": {"replicas": 2},
}
IN_BALLS = {
    "dataset": {"name": "digits", "train_images": 301, "validation_images": 101},
    "model": {"name": "mlp", "width": 0.1},
    "strategies": ["apts", "sapts", "trust_region"],
    "training": {"epochs": 3, "batch_size": 100, "precision": "float64"},
    "trust_region": {"radius": 0.1},
    "apts": {"subdomains": 4},
}


def finished_run(asked: dict, workers: int) -> RunFolder:
    """Of what is asked, by so many real processes."""
    run = RunFolder.create(parse_experiment(asked | {"placement": {"workers": workers, "devices": "cpu"}}))
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
def runs(home):
    return finished_run(DECOMPOSED, 1), finished_run(DECOMPOSED, 2)


@pytest.mark.parametrize("stage", ["global", "local", "coherent", "transfer", "composed", *CUT_LAYERS, "gabra"])
def test_losses_are_the_same_on_two_ranks(runs, stage):
    """Data parallel training averages gradients to those of the whole batch; local networks are just elsewhere.

    So they are in the coherent model, whose DNN has dropout that all ranks must draw alike.
    """

    def losses(run):
        records = [record for record in run.metrics() if record["stage"] == stage]
        ordered = sorted(records, key=lambda r: (r["epoch"], r["subdomain"] or 0))
        return [[r["loss"], r["validation_loss"], r["validation_accuracy"]] for r in ordered]

    one, two = (losses(run) for run in runs)
    assert len(one) == len(two) == {"local": 9, "transfer": 2, "composed": 2}.get(stage, 3)
    np.testing.assert_allclose(one, two, rtol=1e-10)


def test_a_pipeline_trains_as_the_whole_network(runs):
    """In micro-batches, three modules on one rank or on two: the losses of the global network, to rounding."""
    for run in runs:
        whole, cut = (
            [(r["loss"], r["accuracy"], r["validation_loss"]) for r in run.metrics() if r["stage"] == stage]
            for stage in ("global", "layerwise")
        )
        np.testing.assert_allclose(whole, cut, rtol=1e-10)


@pytest.mark.parametrize("strategy", CUT_LAYERS)
def test_modules_train_the_same_bit_for_bit_wherever_they_are(runs, strategy):
    one, two = (run.stage(strategy, 0) for run in runs)
    here, there = (load_file(stage.weights(f"{strategy}-last")) for stage in (one, two))
    assert all(torch.equal(value, there[name]) for name, value in here.items())
    assert two.result()["bytes_sent"] > one.result()["bytes_sent"] == 0


def test_old_gradients_lead_elsewhere(runs):
    """So the test before compares something: three methods, three ways, none of them that of exact gradients."""
    ends = [tuple(r["loss"] for r in runs[0].metrics() if r["stage"] == stage) for stage in ("global", *CUT_LAYERS[1:])]
    assert len(set(ends)) == 4


def test_a_pipeline_sends_activations_and_gradients_and_traces_its_steps(runs):
    """Two ranks have one border: the second one of the three modules, or the first."""
    one, two = (run.stage("layerwise", 0) for run in runs)
    assert one.result()["bytes_sent"] == 0
    trace = two.trace()
    (hop,) = trace["hop_bytes"]
    assert two.result()["bytes_sent"] == 2 * hop * 300 * 3 and hop > 0
    assert (trace["num_ranks"], trace["num_micro_batches"], trace["batch"]) == (2, 4, 60)
    ran, predicted = recorded_step(trace), predicted_step(trace)
    assert set(ran.starts) == set(predicted.starts) and len(ran.starts) == 2 * 2 * 4
    # Two ranks may share a core here: the same order, and every action after what it needs, but no times.
    for action, start in ran.starts.items():
        assert all(ran.ends[need] <= start + 1e-3 for need in ran.schedule.needs(action)), action
    assert one.trace()["num_ranks"] == 1 and len(one.trace()["modules"]) == 3


def test_predictions_keep_the_order_of_the_images(runs):
    for strategy in ("global", "cnn_dnn", "coherent", "transfer", "layerwise"):
        one, two = (run.stage(strategy, 0).predictions() for run in runs)
        for split, count in (("train", 300), ("validation", 75), ("test", 101)):
            assert one[split].shape == (count, 10)
            np.testing.assert_allclose(one[split], two[split], atol=1e-5)
            assert np.array_equal(one[f"{split}_decisions"], two[f"{split}_decisions"])


def test_only_local_outputs_cross_ranks(runs):
    """Counted where they are sent: N·K values of 8 bytes a training sample and epoch, padded to equal shares.

    Half of what a gather sends that carries gradients back. Three networks on two ranks are sent as four.
    """
    one, two = runs
    assert one.stage("coherent", 0).result()["bytes_sent"] == 0
    assert two.stage("coherent", 0).result()["bytes_sent"] == 3 * 300 * (4 * 10) * 8
    assert two.stage("transfer", 0).result()["bytes_sent"] == 2 * 300 * (4 * 10) * 8
    problem = pose(two.experiment)
    steps = 3 * 5
    assert two.stage("global", 0).result()["bytes_sent"] == steps * problem.global_network.parameters() * 8


def test_a_part_of_the_coherent_model_is_trained_by_one_rank_alone(runs):
    """The weights that two ranks wrote are those that one rank wrote, network by network."""
    one, two = (sorted(run.stage("coherent", 0).path.glob("weights-*-last*")) for run in runs)
    assert [path.name for path in one] == [path.name for path in two] and len(one) == 4
    for here, there in zip(one, two, strict=True):
        for name, value in load_file(here).items():
            torch.testing.assert_close(value, load_file(there)[name], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("data", ["split", "shared"])
def test_steps_of_subdomains_of_the_data_are_the_same_bit_for_bit(home, data):
    """Ranks that hold two of four subdomains each add the same numbers in the same order as one that holds all.

    Where the subdomains share the data, one rank has the one training, and the work is told as it is.
    """
    asked = IN_BALLS | {"apts": {"subdomains": 4, "data": data}}
    one, two = finished_run(asked, 1), finished_run(asked, 2)
    for strategy in ("apts", "sapts"):
        here, there = (run.stage(strategy, 0) for run in (one, two))
        for path in here.path.glob("weights-*"):
            assert path.read_bytes() == (there.path / path.name).read_bytes(), path.name
        records = [[record for record in run.metrics() if record["stage"] == strategy] for run in (one, two)]
        radii, steps, vectors = (
            [[r[name] for r in told] for told in records] for name in ("radius", "steps", "vectors")
        )
        assert radii[0] == radii[1] and steps[0] == steps[1] and vectors[0] == vectors[1]
        sweeps = [[r["data_passes"] for r in told] for told in records]
        assert sweeps[0] == pytest.approx(sweeps[1]) and sweeps[0][-1] > 3
        sent = vectors[0][-1] * pose(two.experiment).global_network.parameters() * 8
        assert (here.result()["bytes_sent"], there.result()["bytes_sent"]) == (0, sent)
    # The trust-region method itself adds two parts on two ranks, one on one: the same but for rounding.
    one, two = ([r["loss"] for r in run.metrics() if r["stage"] == "trust_region"] for run in (one, two))
    np.testing.assert_allclose(one, two, rtol=1e-7)
