"""The training loop: a bank against its networks one by one, resuming, early stopping, NaN, batches."""

from copy import deepcopy
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.overrides import TorchFunctionMode

from ddlab.data.source import Dataset, Description, Split
from ddlab.decomposition import Decomposition
from ddlab.experiment import TrainingSettings
from ddlab.models.architecture import Flatten, Linear, Network
from ddlab.models.bank import Bank
from ddlab.models.build import build
from ddlab.models.spec import NetworkSpec
from ddlab.ranks import Ranks
from ddlab.registry.models import MODELS
from ddlab.training import pace
from ddlab.training.batches import ImageFeed, Sharing, VectorFeed
from ddlab.training.health import Watch
from ddlab.training.loop import Diverged, Loop, Stopped, derive_seed
from ddlab.training.together import Together, stepping
from ddlab.training.trainee import Trainee

DOUBLE = TrainingSettings(epochs=3, batch_size=16, precision="float64", plateau_patience=1)

QUARTERS = Decomposition.from_grid((8, 8), (2, 2)).subdomains


@pytest.fixture(scope="module")
def dataset():
    return small_images()


def small_images():
    """Sixty small random images whose brightest quarter tells the class."""
    random = np.random.default_rng(0)
    images, labels = random.integers(0, 120, (60, 1, 8, 8), dtype=np.uint8), random.integers(0, 4, 60)
    for image, label in zip(images, labels, strict=True):
        row, column = divmod(int(label), 2)
        image[0, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4] += 80
    split = Split(images, labels)
    description = Description(("a", "b", "c", "d"), 1, (8, 8), 60, 60, "made", "none")
    return Dataset(description, split, split, (0.3,), (0.2,))


def network(width=0.25):
    return MODELS["cnn"].load()(NetworkSpec((1, 4, 4), 4, width=width))


def loop_of(dataset, boxes, settings=DOUBLE, **changes):
    """A loop over one bank of local networks, each with the weights its own seed gives."""
    bank = Bank(network(), len(boxes))
    for index, box in enumerate(boxes):
        torch.manual_seed(sum(box.start))
        bank.load_state_of(index, build(network()).state_dict())
    bank.prepare("cpu", torch.float64 if settings.precision == "float64" else torch.float32)
    trainees = [Trainee(bank, index, index, settings) for index in range(len(boxes))]
    feed = ImageFeed(dataset, boxes, settings, Sharing(Ranks()))
    loop = Loop("local", 0, bank, trainees, feed, settings, Ranks(), lambda r: None, lambda: None, lambda: None)
    return replace(loop, **changes)


def test_bank_trains_as_its_networks_one_by_one(dataset):
    """Grouped training is the sum of independent trainings: same weights after three epochs, in float64."""
    boxes = QUARTERS
    together = loop_of(dataset, boxes)
    together.run()
    for index, box in enumerate(boxes):
        alone = loop_of(dataset, [box])
        alone.run()
        for name, value in alone.trainees[0].last_state.items():
            torch.testing.assert_close(together.trainees[index].last_state[name], value, rtol=1e-9, atol=1e-12)
        assert alone.trainees[0].progress.best_epoch == together.trainees[index].progress.best_epoch


def test_every_network_has_its_own_rate(dataset):
    """A plateau of one network halves its rate alone."""
    loop = loop_of(dataset, QUARTERS)
    first, *others = loop.trainees
    for _ in range(4):
        first.end_epoch(loss=1.0, accuracy=0.0, seconds=0)
    assert first.rate == pytest.approx(5e-4) and {trainee.rate for trainee in others} == {1e-3}
    before = [state.clone() for state in others[0].last_state.values()]
    first.optimizer.step()
    for value, unchanged in zip(loop.trainees[1].owner.state_of(1).values(), before, strict=True):
        assert torch.equal(value, unchanged)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_networks_that_learn_alike_are_updated_at_once_and_no_other_numbers_come_of_it(dataset, optimizer, monkeypatch):
    """One optimizer of the whole bank against one a network, over a warm-up, a parting of rates and their meeting."""
    settings = DOUBLE.model_copy(update={"optimizer": optimizer, "warm_up": 6, "clip_norm": 0.5, "weight_decay": 0.01})
    rates = [(1.0, 1.0), (1.0, 0.5), (0.5, 0.5), (0.5, 0.5)]  # what plateaus made of them before each epoch
    loops, seen = [], []
    for at_once in (True, False):
        loop = loop_of(dataset, QUARTERS[:2], settings)
        for epoch, factors in enumerate(rates, 1):
            for trainee, factor in zip(loop.trainees, factors, strict=True):
                trainee.optimizer.param_groups[0]["lr"] = 1e-3 * factor
            with monkeypatch.context() as patch:
                if not at_once:
                    patch.setattr("ddlab.training.loop.stepping", lambda active, networks: active)
                loop.back_propagate(epoch, loop.trainees)
            seen += [type(stepping(loop.trainees, 2)[0]) is Together] * at_once
        loops.append(loop)
    assert seen == [True, False, True, True], "asked after each epoch, before the rates change"
    for ours, alone in zip(loops[0].trainees, loops[1].trainees, strict=True):
        for name, value in alone.owner.state_of(alone.index).items():
            torch.testing.assert_close(ours.owner.state_of(ours.index)[name], value, rtol=1e-12, atol=1e-15)
        kept, expected = ours.checkpoint()["optimizer"]["state"], alone.checkpoint()["optimizer"]["state"]
        for number, history in expected.items():
            assert all(torch.allclose(kept[number][name], value, rtol=1e-12) for name, value in history.items())


def test_networks_that_have_not_come_equally_far_are_updated_one_by_one(dataset):
    loop = loop_of(dataset, QUARTERS[:2])
    first, second = loop.trainees
    assert stepping(loop.trainees, 2) is loop.trainees, "none has a history yet"
    loop.back_propagate(1, loop.trainees)
    assert stepping([first], 2) == [first], "the other one has finished"
    second.progress.steps += 1
    assert stepping(loop.trainees, 2) is loop.trainees


class Reads(TorchFunctionMode):
    """Count the numbers that Python asks of tensors: on a GPU, each one waits until it has done all it was told."""

    count = 0

    def __torch_function__(self, function, types, args=(), kwargs=None):
        asks = {"item", "tolist", "numpy", "cpu", "__bool__", "__int__", "__float__", "__index__", "nonzero"}
        self.count += getattr(function, "__name__", "") in asks
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("changes", [{}, {"clip_norm": 0.1, "warm_up": 2}, {"precision": "bfloat16"}], ids=str)
def test_a_step_asks_the_device_for_no_number(dataset, changes, monkeypatch):
    """Fifteen steps ask for as many as two: those of the epoch."""
    monkeypatch.setattr("ddlab.training.health.reading_waits", lambda values: True)
    asked = {}
    for batch_size in (30, 4):
        loop = loop_of(dataset, QUARTERS, DOUBLE.model_copy(update={"batch_size": batch_size, **changes}))
        batches = list(loop.feed.train(0))
        feed = SimpleNamespace(train=lambda seed, own=batches: own, evaluate=lambda split, own=batches: own)
        loop = replace(loop, feed=feed)
        loop.back_propagate(1, loop.trainees)
        with Reads() as training:
            loop.back_propagate(2, loop.trainees)
        with Reads() as evaluation, Watch(loop.model, 4) as watch:
            loop.evaluate("validation", watch.see)
        asked[len(batches)] = training.count, evaluation.count
    assert set(asked) == {2, 15} and asked[2] == asked[15] and min(asked[2]) > 0


@pytest.mark.parametrize("monitor", ["loss", "accuracy"])
def test_a_measure_that_stands_still_is_no_progress(dataset, monitor):
    settings = DOUBLE.model_copy(update={"monitor": monitor, "plateau_patience": 2})
    trainee = loop_of(dataset, QUARTERS[:1], settings).trainees[0]
    rates = []
    for _ in range(4):
        trainee.end_epoch(loss=0.5, accuracy=0.9, seconds=0)
        rates.append(trainee.rate)
    assert rates == pytest.approx([1e-3, 1e-3, 1e-3, 5e-4]) and trainee.progress.best_epoch == 1


def test_resumed_training_equals_uninterrupted_bit_for_bit(dataset):
    boxes = QUARTERS[:2]
    settings = DOUBLE.model_copy(update={"precision": "float32", "flip": True, "shift": 0.2, "epochs": 5})
    checkpoints = []
    whole = loop_of(dataset, boxes, settings)
    whole = replace(whole, save=lambda: checkpoints.append([deepcopy(t.checkpoint()) for t in whole.trainees]))
    whole.run()
    resumed = loop_of(dataset, boxes, settings)
    for trainee, checkpoint in zip(resumed.trainees, checkpoints[1], strict=True):
        trainee.restore(checkpoint)
    resumed.run()
    for ours, theirs in zip(resumed.trainees, whole.trainees, strict=True):
        assert all(torch.equal(ours.last_state[name], value) for name, value in theirs.last_state.items())
        assert all(torch.equal(ours.best_state[name], value) for name, value in theirs.best_state.items())
        assert ours.progress.best_epoch == theirs.progress.best_epoch


def test_early_stopping_freezes_a_network_where_it_stopped(dataset):
    settings = DOUBLE.model_copy(update={"early_stopping": 1, "epochs": 4})
    loop = loop_of(dataset, QUARTERS[:2], settings)
    stopped, going = loop.trainees
    stopped.end_epoch(loss=-1.0, accuracy=0, seconds=0)  # nothing will be better than this
    stopped.end_epoch(loss=0.0, accuracy=0, seconds=0)
    assert stopped.progress.finished and stopped.progress.best_epoch == 1
    frozen = {name: value.clone() for name, value in stopped.last_state.items()}
    going.progress.epoch = 2
    loop.run()
    assert all(torch.equal(stopped.last_state[name], value) for name, value in frozen.items())
    assert going.progress.epoch > 2 and going.progress.finished


def test_best_and_last_epoch_are_kept(dataset):
    loop = loop_of(dataset, QUARTERS[:2])
    trainee = loop.trainees[0]
    trainee.end_epoch(loss=0.5, accuracy=0.9, seconds=0)
    best = {name: value.clone() for name, value in trainee.best_state.items()}
    with torch.no_grad():
        for parameter in loop.model.parameters():
            parameter += 1
    trainee.end_epoch(loss=0.7, accuracy=0.95, seconds=0)
    assert trainee.progress.best_epoch == 1
    assert all(torch.equal(trainee.kept_state()[name], value) for name, value in best.items())
    assert not torch.equal(trainee.last_state["conv1.weight"], best["conv1.weight"])


def test_nan_stops_with_stage_epoch_and_subdomain(dataset):
    loop = loop_of(dataset, QUARTERS)
    state = loop.trainees[2].owner.state_of(2)
    loop.trainees[2].owner.load_state_of(2, {name: value * float("nan") for name, value in state.items()})
    with pytest.raises(Diverged) as error:
        loop.run()
    assert (error.value.stage, error.value.epoch, error.value.subdomain) == ("local", 1, 2)


def test_nan_in_validation_stops_before_the_state_is_kept(dataset):
    features = {"train": np.eye(4)[dataset.train.labels], "validation": np.full((60, 4), np.nan)}
    saved = []
    loop = loop_of(dataset, QUARTERS[:1], save=lambda: saved.append(1))
    loop = replace(loop, feed=VectorFeed(features, dataset, DOUBLE, Ranks()), model=_Logits(loop.model))
    with pytest.raises(Diverged):
        loop.run()
    assert not saved and loop.trainees[0].progress.epoch == 0


class _Logits(torch.nn.Module):
    """Takes the inputs for the logits of one network; keeps the parameters of a bank."""

    def __init__(self, bank):
        super().__init__()
        self.bank = bank

    def forward(self, inputs):
        return inputs[:, None] + 0 * sum(parameter.sum() for parameter in self.bank.parameters())


def test_a_loop_stops_when_asked(dataset):
    def stop():
        raise Stopped

    with pytest.raises(Stopped):
        loop_of(dataset, QUARTERS[:2], check=stop).run()


@pytest.fixture
def clock(monkeypatch):
    """A clock that only moves when it is told to."""

    class Clock:
        now = 0.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(pace, "time", clock)
    monkeypatch.setattr("ddlab.training.loop.time", clock)
    return clock


@pytest.mark.parametrize(
    ("overhead", "landmark", "kept"),
    [(1.0, 0, [1, 2, 3, 4, 5, 6, 7, 8]), (0.25, 0, [1, 6, 8]), (0.0, 0, [8]), (0.0, 3, [3, 8]), (0.25, 3, [1, 3, 8])],
)
def test_checkpoints_keep_to_their_share_of_the_time(dataset, clock, overhead, landmark, kept):
    """An epoch takes 1 s and a checkpoint 1 s: two of them are a quarter after 8 s, which are six epochs and they."""
    epochs, records = [], []

    def report(record):
        clock.now += 1.0
        records.append(record)

    def save():
        clock.now += 1.0
        epochs.append(records[-1]["epoch"])

    settings = DOUBLE.model_copy(update={"epochs": 8})
    own = {"report": report, "save": save, "overhead": overhead, "landmark": landmark}
    loop_of(dataset, QUARTERS[:1], settings, **own).run()
    assert epochs == kept and epochs[-1] == 8
    assert [r["checkpoint_seconds"] for r in records] == [sum(e < r["epoch"] for e in kept) for r in records]


def test_records_are_what_the_run_folder_promises(dataset):
    records = []
    loop_of(dataset, QUARTERS[:2], report=records.append).run()
    assert [(r["epoch"], r["subdomain"]) for r in records] == [(e, s) for e in (1, 2, 3) for s in (0, 1)]
    assert records[-1]["loss"] < records[0]["loss"]
    assert set(records[0]) == {
        *("stage", "seed", "subdomain", "epoch", "epochs", "loss", "accuracy"),
        *("validation_loss", "validation_accuracy", "rate", "seconds", "checkpoint_seconds"),
        *("dead_units", "worst_layer", "worst_layer_dead", "one_class"),
    }


def test_an_epoch_shows_every_image_once_and_a_fold_is_left_out(dataset):
    boxes = Decomposition.from_grid((8, 8), (1, 1)).subdomains
    held_out = np.arange(10, 25)
    for left_out, expected in [(None, 60), (held_out, 45)]:
        feed = ImageFeed(dataset, boxes, DOUBLE, Sharing(Ranks()), left_out)
        batches = list(feed.train(seed=1))
        pixels = torch.cat([batch.inputs for batch in batches]).flatten(1)
        assert len(pixels) == len(pixels.unique(dim=0)) == expected
        assert max(b.total for b in batches) - min(b.total for b in batches) <= 1
    first, again, other = (next(iter(feed.train(seed))).inputs for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)


@pytest.mark.parametrize("changes", [{}, {"flip": True, "shift": 0.2, "zoom": 0.2, "rotate": 30.0, "turns": "any"}])
def test_ranks_share_a_batch_without_loss_or_repetition(dataset, changes):
    boxes, settings = Decomposition.from_grid((8, 8), (1, 1)).subdomains, DOUBLE.model_copy(update=changes)
    feeds = [ImageFeed(dataset, boxes, settings, Sharing(Ranks(rank, 3), split_batches=True)) for rank in range(3)]
    whole = next(iter(ImageFeed(dataset, boxes, settings, Sharing(Ranks())).train(5)))
    plain = next(iter(ImageFeed(dataset, boxes, DOUBLE, Sharing(Ranks())).train(5)))
    assert torch.equal(whole.inputs, plain.inputs) == (not changes)
    parts = [next(iter(feed.train(5))) for feed in feeds]
    assert torch.equal(torch.cat([part.inputs for part in parts]), whole.inputs)
    assert {part.total for part in parts} == {len(whole.inputs)}
    evaluated = torch.cat([batch.labels for feed in feeds for batch in feed.evaluate("validation")])
    assert evaluated.tolist() == dataset.validation.labels.tolist()


@pytest.mark.parametrize("changes", [{"zoom": 0.3}, {"rotate": 30.0}, {"rotate": 30.0, "turns": "any"}], ids=str)
def test_every_augmentation_reaches_the_images_of_training_alone(dataset, changes):
    boxes = Decomposition.from_grid((8, 8), (1, 1)).subdomains
    fed, plain = (ImageFeed(dataset, boxes, DOUBLE.model_copy(update=each), Sharing(Ranks())) for each in (changes, {}))
    assert not torch.equal(next(iter(fed.train(0))).inputs, next(iter(plain.train(0))).inputs)
    assert not torch.equal(fed.take(fed.order(0), 0)[0], plain.take(plain.order(0), 0)[0])
    assert torch.equal(next(iter(fed.evaluate("train"))).inputs, next(iter(plain.evaluate("train"))).inputs)


def test_inputs_are_the_normalised_subimages(dataset):
    decomposition = Decomposition.from_grid((8, 8), (2, 2), overlap=1)
    batch = next(iter(ImageFeed(dataset, decomposition.subdomains, DOUBLE, Sharing(Ranks())).evaluate("train")))
    expected = np.concatenate(decomposition.split((dataset.train.images / 255 - 0.3) / 0.2), axis=1)
    np.testing.assert_allclose(batch.inputs.numpy(), expected, rtol=1e-12, atol=1e-12)


def test_the_mean_image_is_cut_with_the_images(dataset):
    """Gu et al.: pixels of 0 to 1 less the mean training image, whose part each subimage is less of."""
    decomposition = Decomposition.from_grid((8, 8), (2, 2), overlap=1)
    settings = DOUBLE.model_copy(update={"subtract": "image"})
    batch = next(iter(ImageFeed(dataset, decomposition.subdomains, settings, Sharing(Ranks())).evaluate("train")))
    expected = np.concatenate(
        decomposition.split(dataset.train.images / 255 - dataset.train.images.mean(0) / 255), axis=1
    )
    np.testing.assert_allclose(batch.inputs.numpy(), expected, rtol=1e-12, atol=1e-12)


def test_every_split_can_be_less_of_its_own_mean(dataset):
    """Cruz Alegría et al.: one mean and one deviation of all channels and pixels, of the split itself."""
    settings = DOUBLE.model_copy(update={"subtract": "set"})
    darker = replace(dataset.validation, images=dataset.validation.images // 2)
    dataset = replace(dataset, validation=darker)
    feed = ImageFeed(dataset, QUARTERS[:1], settings, Sharing(Ranks()))
    for split in ("train", "validation"):
        images = dataset.split(split).images.astype(float)
        whole = (images - images.mean()) / images.std()
        inputs = torch.cat([batch.inputs for batch in feed.evaluate(split)])
        np.testing.assert_allclose(inputs.numpy(), whole[QUARTERS[0].slices], rtol=1e-9, atol=1e-12)


def test_a_plan_of_rates_is_followed_whatever_the_measure_does(dataset):
    settings = DOUBLE.model_copy(update={"epochs": 9, "rate_steps": ((2, 1e-4), (3, 5e-6)), "plateau_patience": 1})
    trainee = loop_of(dataset, QUARTERS[:1], settings).trainees[0]
    rates = []
    for _ in range(4):
        rates.append(trainee.rate)
        trainee.end_epoch(loss=0.5, accuracy=0.9, seconds=0)
    assert rates == [1e-3, 1e-3, 1e-4, 5e-6]


WITH_PLAN = {"rate_steps": ((4, 1e-4),), "plateau": "with plan", "plateau_factor": 0.1, "plateau_least": 5e-6}


def rates_of_standing_still(trainee, epochs):
    rates = []
    for _ in range(epochs):
        rates.append(trainee.rate)
        trainee.end_epoch(loss=0.5, accuracy=0.9, seconds=0)
    return rates


def test_plateaus_lower_the_rates_of_a_plan_and_what_they_did_stays(dataset):
    """The second epoch without progress divides by ten; the plan's next rate is divided too, to the least at last."""
    settings = DOUBLE.model_copy(update={"epochs": 20, **WITH_PLAN})
    trainee = loop_of(dataset, QUARTERS[:1], settings).trainees[0]
    rates = rates_of_standing_still(trainee, 9)
    assert rates == pytest.approx([1e-3, 1e-3, 1e-3, 1e-4, 1e-5, 5e-6, 5e-6, 5e-6, 5e-6], rel=1e-9)
    low = settings.model_copy(update={"rate_steps": ((4, 1e-6),)})  # a plan may go below what plateaus may
    rates = rates_of_standing_still(loop_of(dataset, QUARTERS[:1], low).trainees[0], 9)
    assert rates[3:] == pytest.approx([1e-4, *[1e-6] * 5], rel=1e-9)


def test_what_plateaus_did_to_a_plan_outlives_an_interruption(dataset):
    settings = DOUBLE.model_copy(update={"epochs": 20, **WITH_PLAN, "plateau_least": 0.0})
    whole = loop_of(dataset, QUARTERS[:1], settings).trainees[0]
    rates_of_standing_still(whole, 3)
    resumed = loop_of(dataset, QUARTERS[:1], settings).trainees[0]
    resumed.restore(deepcopy(whole.checkpoint()))
    assert whole.rate < 1e-3 and rates_of_standing_still(resumed, 8) == rates_of_standing_still(whole, 8)


@pytest.mark.parametrize("decayed", ["all", "convolutions"])
def test_the_penalty_reaches_what_it_is_of(dataset, decayed):
    """Without any other gradient, SGD shrinks just the weights that the penalty is of, by rate · penalty."""
    settings = DOUBLE.model_copy(update={"optimizer": "sgd", "weight_decay": 0.1, "decayed": decayed})
    trainee = loop_of(dataset, QUARTERS[:1], settings).trainees[0]
    before = trainee.owner.state_of(0)
    trainee.optimizer.step()
    for name, value in trainee.owner.state_of(0).items():
        shrinks = decayed == "all" and "running" not in name and "num_" not in name or value.dim() > 2
        torch.testing.assert_close(value, before[name] * (1 - 1e-4) if shrinks else before[name], rtol=1e-12, atol=0)


@pytest.mark.parametrize("clip_norm", [0.0, 1e-3, 1e9])
def test_a_limit_shortens_long_gradients_and_leaves_their_direction(dataset, clip_norm):
    """Two networks of a bank, each by itself: SGD's first step is the rate times the gradient."""
    settings = DOUBLE.model_copy(update={"optimizer": "sgd", "clip_norm": clip_norm, "warm_up": 0})
    loop = loop_of(dataset, QUARTERS[:2], settings)
    for index, trainee in enumerate(loop.trainees):
        (parameters,) = trainee.gradients
        for parameter in parameters:
            parameter.grad.fill_(1.0 + index)
        before = torch.cat([parameter.flatten() for parameter in parameters])
        trainee.step()
        moved = (before - torch.cat([parameter.flatten() for parameter in parameters])) / settings.learning_rate
        norm = (1 + index) * len(before) ** 0.5
        expected = min(norm, clip_norm or norm)
        torch.testing.assert_close(moved, torch.full_like(moved, expected / len(before) ** 0.5))


def test_a_limit_holds_for_what_all_ranks_have_together(dataset):
    """Another rank's part has three times the sum of squares of ours: half the factor that ours alone would have."""
    settings = DOUBLE.model_copy(update={"clip_norm": 1e-3, "warm_up": 0})
    alone, shared = (loop_of(dataset, QUARTERS[:1], settings).trainees[0] for _ in range(2))
    shared.over_ranks = lambda squares: 4 * squares
    for trainee in (alone, shared):
        for parameter in trainee.gradients[0]:
            parameter.grad.fill_(1.0)
        trainee.step()
    for ours, whole in zip(shared.gradients[0], alone.gradients[0], strict=True):
        torch.testing.assert_close(ours.grad, whole.grad / 2)


def test_vectors_are_fed_in_the_order_of_the_labels(dataset):
    features = np.eye(4, dtype=np.float32)[dataset.train.labels]
    feed = VectorFeed({"train": features, "validation": features}, dataset, DOUBLE, Ranks())
    batches = [*feed.train(0), *feed.evaluate("validation")]
    assert sum(len(batch.labels) for batch in batches) == len(dataset.train) + len(dataset.validation)
    for batch in batches:
        assert torch.equal(batch.inputs.argmax(1), batch.labels)


def test_mixed_precision_learns_and_keeps_full_weights(dataset):
    settings = DOUBLE.model_copy(update={"precision": "bfloat16", "epochs": 5})
    records = []
    loop = loop_of(dataset, QUARTERS[:2], settings, report=records.append)
    loop.run()
    assert records[-1]["loss"] < records[0]["loss"]
    assert loop.trainees[0].last_state["conv1.weight"].dtype == torch.float32


def test_seeds_follow_from_their_parts():
    assert derive_seed(0, "a", 1) == derive_seed(0, "a", 1) != derive_seed(0, "a", 2)
    assert 0 <= derive_seed("x") < 2**63


def test_the_rate_rises_evenly_to_its_value_and_stays():
    """With SGD without history the steps tell the rates: step t of w is t/w as long as the same step at full rate."""
    steps = {warm_up: first_steps(warm_up) for warm_up in (0, 4)}
    for number, (full, warmed) in enumerate(zip(steps[0], steps[4], strict=True), 1):
        torch.testing.assert_close(warmed, full * min(1.0, number / 4))


def first_steps(warm_up: int) -> list[torch.Tensor]:
    """The changes of a weight by six steps of one gradient each, from one weight."""
    bank = Bank(Network((("flatten", Flatten()), ("classifier", Linear(4, 2))), (1, 2, 2), classifier="classifier"), 1)
    settings = TrainingSettings(optimizer="sgd", learning_rate=0.1, warm_up=warm_up)
    trainee = Trainee(bank.prepare("cpu", torch.float64), 0, None, settings)
    (weight, _) = bank.parameters()
    changes = []
    for _ in range(6):
        before = weight.detach().clone()
        trainee.optimizer.state.clear()  # no momentum
        weight.grad.fill_(1)
        trainee.step()
        changes.append(weight.detach() - before)
        assert trainee.rate == 0.1, "the rate of the records and of the plan is the full one"
    return changes


def test_a_checkpoint_of_an_older_ddlab_is_read():
    """It called passes over the data sweeps."""
    network = Network((("flatten", Flatten()), ("classifier", Linear(4, 2))), (1, 2, 2), classifier="classifier")
    trainee = Trainee(Bank(network, 1).prepare("cpu", torch.float64), 0, None, DOUBLE)
    trainee.progress.data_passes = 7.5
    checkpoint = deepcopy(trainee.checkpoint())
    checkpoint["progress"]["sweeps"] = checkpoint["progress"].pop("data_passes")
    trainee.progress.data_passes = 0.0
    trainee.restore(checkpoint)
    assert trainee.progress.data_passes == 7.5
