"""The images that judge: views of the decoded training images, stratified, apart from what is trained on."""

import numpy as np
import pytest
from PIL import Image

from ddlab.data.cache import describe, load
from ddlab.experiment import DatasetSettings, ExperimentError, parse_experiment
from ddlab.problem import pose
from tests.data.test_cache import caches
from tests.made_run import made_experiment, made_run

SMALL = {"train_images": 200, "validation_images": 100, "volume": (16, 16, 8)}


def asked(test, name="shapes_local", **settings):
    return DatasetSettings(name=name, test=test, **SMALL | settings)


def labels(split):
    return np.asarray(split.labels)


@pytest.fixture
def own(tmp_path):
    """Images of three classes in the order of their names, and as an npz in the order of their classes."""
    rng, counts = np.random.default_rng(0), {"a": 120, "b": 60, "c": 20}
    for label, count in counts.items():
        (tmp_path / "mine" / label).mkdir(parents=True)
        for index in range(count):
            Image.fromarray(rng.integers(0, 255, (8, 8, 3), np.uint8)).save(tmp_path / "mine" / label / f"{index}.png")
    arrays = {"images": rng.integers(0, 255, (200, 8, 8), np.uint8)}
    np.savez(tmp_path / "mine.npz", **arrays, labels=np.repeat(np.arange(3), list(counts.values())))
    return tmp_path / "mine", tmp_path / "mine.npz"


def check_slices(data):
    """Whatever slice of the training images is taken, the classes are in it in their shares."""
    found, num_classes = labels(data.train), data.description.num_classes
    shares = np.bincount(found, minlength=num_classes) / len(found)
    for start, stop in ((0.8, 1.0), (0.0, 0.5), (0.5, 1.0), (0.4, 0.6)):
        part = found[round(start * len(found)) : round(stop * len(found))]
        off = np.bincount(part, minlength=num_classes) - shares * len(part)
        assert np.abs(off).max() <= num_classes, "each class may shift the others by one image at both ends"


def test_every_slice_of_own_images_is_a_stratified_sample(own):
    for path in own:
        check_slices(load(DatasetSettings(name="folder", path=str(path), size=16)))


def test_as_in_the_papers_the_images_that_choose_judge():
    data = load(asked("validation"))
    assert data.splits == ("train", "validation") and data.description.num_test == 0
    with pytest.raises(ValueError, match=r"dataset\.test: 'validation' leaves no test images"):
        data.split("test")


def test_the_official_images_judge_and_the_last_training_images_choose(own_home):
    papers, data = load(asked("validation")), load(asked("official"))
    assert [len(data.split(name)) for name in data.splits] == [160, 40, 100]
    np.testing.assert_array_equal(data.test.images, papers.validation.images)
    np.testing.assert_array_equal(data.test.masks, papers.validation.masks)
    for part in ("images", "labels", "masks"):
        both = np.concatenate([getattr(data.train, part), getattr(data.validation, part)])
        np.testing.assert_array_equal(both, getattr(papers.train, part))
    assert len(caches(own_home)) == 1, "decoded once for all choices"


def test_a_share_of_the_training_images_judges():
    papers, data = load(asked("validation")), load(asked(0.3))
    assert [len(data.split(name)) for name in data.splits] == [140, 100, 60]
    np.testing.assert_array_equal(data.validation.images, papers.validation.images)
    np.testing.assert_array_equal(data.test.images, papers.train.images[140:])


@pytest.mark.parametrize("test", ["official", 0.3])
def test_the_description_counts_what_is_there(test):
    data = load(asked(test))
    assert data.description == describe(asked(test))
    counts = (data.description.num_train, data.description.num_validation, data.description.num_test)
    assert counts == (len(data.train), len(data.validation), len(data.test))
    assert pose(parse_experiment({"dataset": {"test": test, **SMALL}})).description == data.description


@pytest.mark.parametrize("test", ["official", 0.5])
def test_nothing_of_the_held_out_images_is_in_the_normalisation(test):
    pytest.importorskip("torch")
    from ddlab.experiment import TrainingSettings
    from ddlab.training.batches import Normalisation

    data = load(asked(test))
    scaled = data.train.images / 255
    assert data.mean == pytest.approx(scaled.mean(axis=(0, 2, 3)), abs=1e-12)
    assert data.std == pytest.approx(scaled.std(axis=(0, 2, 3)), abs=1e-12)
    assert data.mean != load(asked("validation")).mean
    normalise = Normalisation.of(data, TrainingSettings(subtract="image", precision="float64"), "cpu")
    np.testing.assert_allclose(-normalise.offset.numpy(), scaled.mean(axis=0), atol=1e-12)


def test_views_are_memory_mapped():
    data = load(asked("official"))
    assert all(isinstance(data.split(name).images, np.memmap) for name in data.splits)


@pytest.mark.parametrize("wrong", ["offical", 0, 0.7, -0.1, 1, True, None, [0.2], "nan"])
def test_what_is_no_choice_is_refused_with_the_choices(wrong):
    with pytest.raises(ExperimentError, match="^dataset.test: needs 'validation', 'official' or a share above 0 and"):
        parse_experiment({"dataset": {"test": wrong}})


@pytest.mark.parametrize(("given", "kept"), [("official", "official"), ("0.25", 0.25), (0.1, 0.1)])
def test_choices_survive_a_file(given, kept):
    experiment = parse_experiment({"dataset": {"test": given}})
    again = parse_experiment(experiment.model_dump(mode="json"))
    assert again.dataset.test == kept == experiment.dataset.test


def test_too_few_images_are_refused_before_anything_is_trained():
    with pytest.raises(ExperimentError, match="test: every split needs an image of each of the 4 classes; 'official'"):
        pose(parse_experiment({"dataset": {"train_images": 12, "test": "official"}}))


def test_an_experiment_of_an_older_ddlab_means_what_it_did():
    tree = parse_experiment({}).model_dump(mode="json")
    del tree["dataset"]["test"]
    assert parse_experiment(tree).dataset.test == "validation"


def test_test_images_can_be_looked_at():
    pytest.importorskip("torch")
    from ddlab.analyses.maps.of_run import asked_images

    run = made_run(experiment=made_experiment({"test": "official"}))
    asked = asked_images(run, "test:0,2-3")
    test = load(run.experiment.dataset).test
    np.testing.assert_array_equal(asked.pixels, test.images[[0, 2, 3]])
    assert asked.labels.tolist() == test.labels[[0, 2, 3]].tolist()
    with pytest.raises(ValueError, match=r"dataset\.test: 'validation' leaves no test images"):
        asked_images(made_run(), "test:0")
