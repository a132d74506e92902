"""Strategies that cut the layers, in this process: what they refuse, what they leave, and how they go on."""

import pytest
import torch
from safetensors.torch import load_file

from ddlab.experiment import Experiment, ExperimentError
from ddlab.problem import pose
from ddlab.ranks import Ranks
from ddlab.registry.strategies import CUT_LAYERS, STRATEGIES
from ddlab.runs import RunFolder
from ddlab.strategies.execute import execute
from ddlab.strategies.gabra import placed
from ddlab.strategies.stage import plan, strategy_stages
from ddlab.training.loop import Stopped

ALL = (*CUT_LAYERS, "gabra")
SETTINGS = {
    "strategies": ["global", *ALL],
    "dataset.name": "digits",
    "dataset.size": 16,
    "dataset.train_images": 192,
    "dataset.validation_images": 48,
    "model.name": "vgg3",
    "model.width": 0.125,
    "training.epochs": 3,
    "training.batch_size": 32,
    "training.precision": "float64",
    "pipeline.modules": 3,
}


def asked(**changes):
    return Experiment().with_settings({**SETTINGS, **changes})


def run_of(check=lambda: None, run=None, **changes):
    """A run that was executed in this process, and its records."""
    records = []
    run = run or RunFolder.create(asked(**changes))
    execute(run, Ranks(), records.append, check)
    return run, records


@pytest.fixture(scope="module")
def finished(home):
    return run_of(**{"model.batch_norm": False})


def weights(run, strategy):
    return load_file(run.stage(strategy, 0).weights(f"{strategy}-last"))


def test_a_pipeline_has_the_losses_of_the_whole_network(finished):
    _, records = finished
    losses = {stage: [r["loss"] for r in records if r["stage"] == stage] for stage in ("global", *ALL)}
    assert losses["layerwise"] == pytest.approx(losses["global"], rel=1e-12)
    assert losses["gabra"] == pytest.approx(losses["global"], rel=1e-12)
    assert all(losses[name] != pytest.approx(losses["global"], rel=1e-3) for name in ("ddg", "fdg", "dsp"))


def test_batch_normalisation_sees_every_micro_batch_by_itself(home):
    """With one micro-batch the pipeline is the whole network, with four it is not: nor could it be."""
    changes = {"strategies": ["global", "layerwise"], "training.epochs": 1}
    for parts, same in ((1, True), (4, False)):
        _, records = run_of(**changes, **{"layerwise.micro_batches": parts})
        whole, cut = (record["loss"] for record in records)
        assert (cut == pytest.approx(whole, rel=1e-12)) == same


@pytest.mark.parametrize("strategy", ["fdg", "dsp"])
def test_one_module_has_no_old_gradients(home, strategy):
    _, records = run_of(strategies=["global", strategy], **{"pipeline.modules": 1, "training.epochs": 1})
    whole, cut = (record["loss"] for record in records)
    assert cut == pytest.approx(whole, rel=1e-12)


def test_beta_shrinks_the_errors_of_fdg_alone(home):
    changes = {"strategies": ["ddg", "fdg", "dsp"], "training.epochs": 1}
    (plain, _), (shrunk, _) = run_of(**changes), run_of(**changes, **{"delayed.beta": 0.5})
    for strategy in ("ddg", "fdg", "dsp"):
        here, there = (weights(run, strategy) for run in (plain, shrunk))
        same = all(torch.equal(value, there[name]) for name, value in here.items())
        assert same == (strategy != "fdg")


@pytest.mark.parametrize("strategy", ALL)
def test_what_stops_anywhere_goes_on_to_the_same_weights(finished, strategy):
    run, _ = finished
    changes = {"strategies": [strategy], "model.batch_norm": False}
    other, steps = RunFolder.create(asked(**changes)), iter(range(1000))

    def stop():
        if next(steps) == 17:  # in the middle of the second epoch
            raise Stopped

    with pytest.raises(Stopped):
        run_of(check=stop, run=other)
    assert not other.stage(strategy, 0).done and other.stage(strategy, 0).checkpoints()
    run_of(run=other)
    here, there = weights(run, strategy), weights(other, strategy)
    assert all(torch.equal(value, there[name]) for name, value in here.items())


def test_a_trace_is_kept_of_pipelines(finished):
    run, _ = finished
    for strategy in ("layerwise", "gabra"):
        trace = run.stage(strategy, 0).trace()
        assert trace["epoch"] == 3 and len(trace["start"]) == 3 * 4 * 2 and len(trace["steps"]) == 4
    assert not run.stage("ddg", 0).trace()


@pytest.mark.parametrize(
    ("strategy", "changes", "told"),
    [
        ("layerwise", {"pipeline.modules": 9}, "pipeline.modules: must be at most the model's 8 sub-layers, got 9"),
        ("ddg", {"pipeline.modules": 9}, "pipeline.modules: must be at most the model's 8 sub-layers, got 9"),
        ("layerwise", {"layerwise.micro_batches": 5}, "layerwise.micro_batches: must divide training.batch_size = 32"),
        ("layerwise", {"layerwise.micro_batches": 5}, "got 5; nearest: 4 or 8"),
        (
            "layerwise",
            {"training.batch_size": 1024, "layerwise.micro_batches": 256},
            "layerwise.micro_batches: each needs an image; 192 are for training, got 256",
        ),
        (
            "layerwise",
            {"pipeline.modules": 1, "layerwise.schedule": "interleaved"},
            "pipeline.modules: must be at least 2 for Interleaved 1F1B",
        ),
        ("dsp", {"delayed.staleness": [2, 1, 0]}, "delayed.staleness: must fall by at least 2 from module to module"),
        ("dsp", {"delayed.staleness": [2, 0]}, "delayed.staleness: must have a value for each of the 3 modules, got 2"),
        ("gabra", {"gabra.replicas": 2, "gabra.micro_batches": 3}, "a replica's 16 images, got 3; nearest: 2 or 4"),
        ("gabra", {"gabra.replicas": 3}, "gabra.replicas: must divide training.batch_size = 32, got 3"),
    ],
    ids=str,
)
def test_what_cannot_be_is_a_sentence_before_anything_starts(home, strategy, changes, told):
    problem = pose(asked(strategies=[strategy], **changes))
    with pytest.raises(ExperimentError) as error:
        plan(problem)
    assert told in str(error.value)


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("layerwise.micro_batches", 0, "greater than or equal to 1"),
        ("pipeline.modules", 0, "greater than or equal to 1"),
        ("layerwise.schedule", "1b1f", "layerwise.schedule: unknown '1b1f'; did you mean '1f1b'?"),
        ("pipeline.grouping", "even", "pipeline.grouping: unknown 'even'"),
        ("delayed.beta", 0, "greater than 0"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(field, value, told):
    with pytest.raises(ExperimentError) as error:
        asked(**{field: value})
    assert told in str(error.value) and field in str(error.value)


def test_a_model_that_cannot_be_cut_says_why(home):
    problem = pose(asked(**{"model.name": "mlp", "pipeline.modules": 8}))
    with pytest.raises(ExperimentError, match=r"pipeline.modules: must be at most the model's \d sub-layers"):
        plan(problem)


def test_the_payload_is_what_a_step_sends_over_all_borders(finished):
    problem = pose(finished[0].experiment)
    stage = list(strategy_stages(problem, "layerwise"))[-1]
    # Behind the fourth and the sixth convolution, or wherever equal cost puts the borders: two borders, there and back.
    assert stage.payload.bytes % (2 * 32 * 8) == 0 and stage.payload.bytes > 0
    assert len(stage.tasks) == 3 and stage.flops == pytest.approx(
        next(strategy_stages(problem, "global")).flops, rel=1e-12
    )


def test_gabra_uses_devices_where_that_pays(home):
    problem = pose(asked(**{"gabra.operations_a_byte": 0.0, "pipeline.modules": 4}))
    assert placed(problem, 2).num_ranks == 2
    far = pose(asked(**{"gabra.operations_a_byte": 1e6, "pipeline.modules": 4}))
    assert placed(far, 2).num_ranks == 1, "where sending takes longer than working, one device does all"


def test_titles_say_what_is_traded():
    for name in ALL:
        assert STRATEGIES[name].sees == "image" and "pipeline" in STRATEGIES[name].settings
