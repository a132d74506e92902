"""The composed network as a strategy: put together from local networks, trained on, and compared with random starts."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from ddlab.composition.blocks import cross_energy, damp, recalibrate
from ddlab.composition.compose import Composition, composition_of
from ddlab.data.cache import load
from ddlab.experiment import Experiment, ExperimentError
from ddlab.models.build import build
from ddlab.problem import pose
from ddlab.ranks import Ranks
from ddlab.runs import RunFolder
from ddlab.strategies.execute import execute
from ddlab.strategies.random_start import settings_of, settings_of_equal_work
from ddlab.strategies.stage import plan
from ddlab.strategies.trained import load_images, trained_networks
from ddlab.training.loop import Stopped

SETTINGS = {
    "strategies": ["average", "composed", "random", "random_work"],
    "dataset.name": "digits",
    "dataset.size": 16,
    "dataset.train_images": 300,
    "dataset.validation_images": 100,
    "model.reduction": "1/N",
    "training.epochs": 4,
    "training.batch_size": 50,
    "training.learning_rate": 5e-3,
    "composed.epochs": 2,
}


def run_of(**changes) -> tuple[RunFolder, list[dict]]:
    """A run of an experiment, executed in this process, and its records."""
    records: list[dict] = []
    run = RunFolder.create(Experiment().with_settings({**SETTINGS, **changes}))
    execute(run, Ranks(), records.append, lambda: None)
    return run, records


@pytest.fixture(scope="module")
def finished(home):
    return run_of()


def weights(run: RunFolder, stage: str, name: str) -> dict[str, torch.Tensor]:
    return load_file(run.stage(stage, 0).weights(name))


def test_the_untrained_network_holds_the_local_ones(finished):
    run, _ = finished
    states = [weights(run, "local", f"subdomain{index}-best") for index in range(4)]
    expected = composition_of(pose(run.experiment)).compose(states)
    written = weights(run, "composed_untrained", "composed_untrained-last")
    assert written.keys() == expected.keys() and all(torch.equal(written[key], expected[key]) for key in expected)


def test_it_is_trained_on_from_there_and_tells_what_moves_between_the_blocks(finished):
    run, records = finished
    of_composed = [record for record in records if record["stage"] == "composed"]
    assert [record["rate"] for record in of_composed] == pytest.approx([5e-4, 5e-4])
    first, last = (record["cross_energy"] for record in of_composed)
    assert set(first) == {"conv2", "conv3", "hidden"}  # not the image's layer, nor the one that sums
    assert all(0 < first[layer] < last[layer] < 0.1 for layer in first)
    masks = composition_of(pose(run.experiment)).cross_masks()
    assert cross_energy(weights(run, "composed", "composed-last"), masks) == pytest.approx(last)
    assert set(cross_energy(weights(run, "composed_untrained", "composed_untrained-last"), masks).values()) == {0.0}


def test_accuracies_are_those_of_the_networks_that_were_written(finished):
    run, _ = finished
    labels = np.asarray(load(run.experiment.dataset).validation.labels)
    networks, images = trained_networks(run, 0), load_images(run, "validation", range(len(labels)))
    assert [name for name in networks if name[-1].isdigit()] == [f"local-{number}" for number in range(1, 5)]
    for name in ("composed_untrained", "composed", "random", "random_work"):
        decided = networks[name].module()(images).argmax(1).numpy()
        assert run.stage(name, 0).result()["validation_accuracy"] == pytest.approx((decided == labels).mean())
    reached = {name: run.stage(name, 0).result()["validation_accuracy"] for name in ("composed_untrained", "composed")}
    assert reached["composed"] > reached["composed_untrained"]


def test_resumed_in_its_further_training_it_comes_to_the_same_end(finished):
    whole, _ = finished
    run, records = RunFolder.create(whole.experiment), []

    def stop() -> None:
        if any(record["stage"] == "composed" for record in records):
            raise Stopped

    with pytest.raises(Stopped):
        execute(run, Ranks(), records.append, stop)
    execute(run, Ranks(), records.append, lambda: None)
    for name in ("composed-last", "composed-best"):
        expected, resumed = (weights(each, "composed", name) for each in (whole, run))
        assert all(torch.equal(resumed[key], value) for key, value in expected.items())


def test_random_starts_match_in_epochs_or_in_work(finished):
    run, _ = finished
    problem = pose(run.experiment)
    assert (settings_of(problem).epochs, settings_of(problem).rate_steps) == (6, ((4, 5e-4),))
    flops = {stage.name: stage.flops for stage in plan(problem)}
    paid = flops["local"] + flops["composed"]
    one_epoch = flops["random"] / 6
    assert abs(flops["random_work"] - paid) <= one_epoch / 2 < flops["random"] - paid
    assert settings_of_equal_work(problem).epochs < 6


def test_the_papers_rates():
    """Rates of 10⁻³ for 80 epochs, and so on to 200: those of the last 80 epochs are the composed network's."""
    settings = {"training.epochs": 120, "composed.epochs": 80, "composed.rate_steps": [[20, 1e-5], [40, 1e-6]]}
    problem = pose(Experiment().with_settings({**SETTINGS, **settings, "training.rate_steps": [[60, 1e-4]]}))
    assert settings_of(problem).rate_steps == ((60, 1e-4), (120, 5e-4), (140, 1e-5), (160, 1e-6))


def test_damped_steps_are_shorter_between_the_blocks_only():
    made, masks = composition()
    torch.manual_seed(0)
    plain, damped = build(made.global_network), build(made.global_network)
    damped.load_state_dict(plain.state_dict())
    start = {name: value.clone() for name, value in plain.state_dict().items()}
    optimizers = [torch.optim.Adam(module.parameters(), lr=0.01) for module in (plain, damped)]
    damp(
        optimizers[1],
        [(value, masks[name]) for name, value in damped.named_parameters() if name in masks],
        lambda: 0.25,
    )
    images = torch.randn(8, 1, 16, 16)
    for module, optimizer in zip((plain, damped), optimizers, strict=True):
        module(images).square().mean().backward()
        optimizer.step()
    for name, value in damped.state_dict().items():
        step, full = value - start[name], plain.state_dict()[name] - start[name]
        expected = torch.where(masks[name], 0.25 * full, full) if name in masks else full
        torch.testing.assert_close(step, expected)


def test_recalibrated_statistics_are_those_of_the_images():
    made, _ = composition()
    module = build(made.global_network).eval()
    batches = [torch.randn(16, 1, 16, 16) * 3 + 1 for _ in range(3)]
    before = {name: value.clone() for name, value in module.state_dict().items() if "running" not in name}
    recalibrate(module, (Inputs(batch) for batch in batches))
    expected = torch.stack([module.conv1(batch).mean((0, 2, 3)) for batch in batches]).mean(0)
    torch.testing.assert_close(module.conv1_norm.running_mean, expected)
    assert not any(part.training for part in module.modules()) and module.conv1_norm.momentum == 0.1
    assert all(torch.equal(module.state_dict()[name], value) for name, value in before.items() if "num_b" not in name)


def test_options_reach_the_run(tmp_path):
    """The mean of logits has the sum's decisions; held back for ever, nothing moves between the blocks."""
    settings = {"composed.logits": "mean", "composed.cross_rate": 0.0, "strategies": ["composed"]}
    run, records = run_of(**settings, **{"training.epochs": 1, "composed.epochs": 1, "composed.recalibrate": True})
    assert set(records[-1]["cross_energy"].values()) == {0.0}
    states = [weights(run, "local", f"subdomain{index}-best") for index in range(4)]
    summed = composition_of(pose(run.experiment)).compose(states)
    written = weights(run, "composed_untrained", "composed_untrained-last")
    torch.testing.assert_close(written["classifier.weight"], summed["classifier.weight"] / 4)
    assert not torch.equal(written["conv3_norm.running_mean"], summed["conv3_norm.running_mean"])


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"model.reduction": "1/sqrt(N)"}, "model.reduction: a composed network needs '1/N'"),
        ({"model.name": "resattnet18"}, "compose: layer 'stage1_attention' is self-attention: every position"),
        ({"model.width": 0.3}, "'conv1' has 5 outputs, those of the sub-networks add up to 8"),
    ],
)
def test_networks_that_cannot_be_composed_are_refused_before_anything_starts(settings, fault):
    with pytest.raises(ExperimentError, match=fault):
        plan(pose(Experiment().with_settings({**SETTINGS, **settings})))


class Inputs:
    """A batch of which only the inputs count."""

    def __init__(self, inputs: torch.Tensor) -> None:
        self.inputs = inputs


def composition() -> tuple[Composition, dict[str, torch.Tensor]]:
    """That of the small networks on digits, and its masks."""
    made = composition_of(pose(Experiment().with_settings(SETTINGS)))
    return made, made.cross_masks()
