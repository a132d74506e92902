"""Test images judge every strategy, and nothing but that: neither training nor the best epoch depends on them."""

import numpy as np
import pytest

from ddlab.aggregators import majority
from ddlab.data.cache import load
from ddlab.registry.strategies import STRATEGIES
from ddlab.strategies.results import top_accuracy
from tests.strategies.test_stages import run_of

EVERY = {"strategies": list(STRATEGIES), "model.reduction": "1/N", "decomposition.overlap": 0, "composed.epochs": 1}


@pytest.fixture(scope="module")
def judged(home):
    return run_of(**EVERY, **{"dataset.test": "official"})[0]


def labels_of(run, split):
    return np.asarray(load(run.experiment.dataset).split(split).labels)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_says_what_it_decides_about_the_test_images(judged, strategy):
    stage = judged.stage(strategy, 0)
    result, arrays = stage.result(), stage.predictions()
    for split, count in (("train", 240), ("validation", 60), ("test", 100)):
        labels, decisions = labels_of(judged, split), arrays[f"{split}_decisions"]
        assert len(labels) == len(decisions) == len(arrays[split]) == count
        assert result[f"{split}_accuracy"] == pytest.approx((decisions == labels).mean())
    assert 0 <= result["last_test_accuracy"] <= 1 and 0 <= result["test_balanced_accuracy"] <= 1


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("split", ["validation", "test"])
def test_top_five_are_the_five_highest_scores(judged, strategy, split):
    stage, labels = judged.stage(strategy, 0), labels_of(judged, split)
    ranks = stage.predictions()[split]
    if strategy == "majority":
        ranks = majority(judged.stage("local", 0).predictions()[split]).ranks_MK
    five = np.argsort(-ranks, axis=1, kind="stable")[:, :5]
    expected = (five == labels[:, None]).any(1).mean()
    assert stage.result()[f"{split}_top5_accuracy"] == pytest.approx(expected)
    assert expected >= stage.result()[f"{split}_accuracy"]


def test_every_local_network_is_judged(judged):
    stage, labels = judged.stage("local", 0), labels_of(judged, "test")
    for row, probabilities in zip(stage.result()["networks"], stage.predictions()["test"].swapaxes(0, 1), strict=True):
        assert row["test_accuracy"] == pytest.approx((probabilities.argmax(1) == labels).mean())
        assert row["test_top5_accuracy"] == pytest.approx(top_accuracy(probabilities, labels))


def test_a_vote_orders_classes_by_votes_then_by_the_highest_probability():
    probabilities = np.array([[[0.5, 0.4, 0.1, 0.0], [0.6, 0.3, 0.1, 0.0], [0.1, 0.0, 0.9, 0.0]]])
    assert np.argsort(-majority(probabilities).ranks_MK[0]).tolist() == [0, 2, 1, 3]
    drawn = np.random.default_rng(0).dirichlet(np.ones(5), size=(500, 4))
    assert (majority(drawn).ranks_MK.argmax(1) == majority(drawn).decisions_M).all()


def test_equal_classes_stand_in_their_order_as_in_decisions():
    ranks = np.array([[0.2, 0.2, 0.2, 0.4]] * 4)
    assert [top_accuracy(ranks[:1], np.array([label]), top=2) for label in range(4)] == [1, 0, 0, 1]
    assert top_accuracy(ranks, np.arange(4), top=1) == (ranks.argmax(1) == np.arange(4)).mean()


def test_what_judges_does_not_train_and_does_not_choose(home):
    """The same images without those that judge: every weight and every decision is the same, bit for bit."""
    common = {"strategies": ["global", "cnn_dnn", "coherent"], "training.learning_rate": 0.01, "training.epochs": 3}
    with_test, without = (
        run_of(**common, **data)[0]
        for data in ({"dataset.test": 0.3}, {"dataset.train_images": 210, "dataset.test": "validation"})
    )
    for name in ("local", *with_test.experiment.strategies):
        one, other = with_test.stage(name, 0), without.stage(name, 0)
        files = sorted(path.name for path in one.path.glob("weights-*"))
        assert files and files == sorted(path.name for path in other.path.glob("weights-*"))
        assert all((one.path / file).read_bytes() == (other.path / file).read_bytes() for file in files)
        assert np.array_equal(one.predictions()["validation"], other.predictions()["validation"])
        assert one.result().get("best_epoch") == other.result().get("best_epoch")
        assert "test" in one.predictions() and "test" not in other.predictions()
        assert not any(key.startswith("test") or "_test" in key for key in other.result())
