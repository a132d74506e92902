"""The maps of a run with really trained networks: where they look, against known evidence, and what is refused."""

import nibabel as nib
import numpy as np
import pytest
import torch

from ddlab.analyses.maps.of_run import asked_images, map_images, score_images
from ddlab.analyses.maps.stored import RANDOM, SCORES, Mapped, Scored
from ddlab.analyses.maps.viewers import viewers
from ddlab.data.cache import load
from ddlab.figures.maps.files import map_files
from ddlab.strategies.trained import load_images
from tests.composed_run import composed_run
from tests.made_run import made_run

QUICK = {
    "strategies": ["global", "cnn_dnn", "coherent", "composed_untrained"],
    "dataset.name": "shapes_local",
    "dataset.size": 32,
    "dataset.train_images": 500,
    "dataset.validation_images": 48,
    "model.width": 1.0,
    "training.epochs": 5,
    "aggregator.epochs": 5,
}
VOLUMES = {
    "strategies": ["average"],
    "dataset.name": "ct_phantom",
    "dataset.size": None,
    "dataset.volume": [16, 16, 8],
    "dataset.train_images": 8,
    "dataset.validation_images": 4,
    "decomposition.grid": [2, 2, 1],
    "training.batch_size": 8,
}
NAMES = ["local", "global", "composed_untrained", "random_untrained", "cnn_dnn", "coherent"]


def in_home_of_its_own(tmp_path_factory, **changes):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DDLAB_HOME", str(tmp_path_factory.mktemp("home")))
        yield composed_run(**changes)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    yield from in_home_of_its_own(tmp_path_factory, **QUICK)


@pytest.fixture(scope="module")
def trained_on_volumes(tmp_path_factory):
    yield from in_home_of_its_own(tmp_path_factory, **VOLUMES)


@pytest.fixture
def run(trained, monkeypatch):
    monkeypatch.setenv("DDLAB_HOME", str(trained.path.parents[1]))
    return trained


@pytest.fixture
def volumes(trained_on_volumes, monkeypatch):
    monkeypatch.setenv("DDLAB_HOME", str(trained_on_volumes.path.parents[1]))
    return trained_on_volumes


def test_trained_networks_point_at_the_evidence_and_random_ones_do_not(run):
    found = score_images(run, 0, "0-47")
    table = found.table().set_index("viewer")
    pointing, energy = table[SCORES["pointing"]], table[SCORES["energy"]]
    chance = pointing[RANDOM]
    assert chance == pytest.approx(load(run.experiment.dataset).validation.masks.mean())
    for viewer in ("Global network", "Local networks", "Composed, untrained", "CNN-DNN coherent"):
        error = table.loc[viewer, f"± {SCORES['pointing']}"]
        assert pointing[viewer] > chance + 3 * max(error, 0.02), viewer
        assert energy[viewer] > 1.5 * chance, viewer
    assert abs(pointing["Random, untrained"] - chance) < 0.12
    assert table.loc["Global network", SCORES["insertion"]] > table.loc["Global network", SCORES["deletion"]] + 0.1
    assert (table.drop(RANDOM)[SCORES["sanity"]].abs() < 0.6).all()


def test_every_viewer_says_what_its_stage_said(run):
    mapped = map_images(run, 0, "3,5-8")
    assert list(mapped.viewers) == NAMES
    assert mapped.about["images"] == ["3", "5", "6", "7", "8"] and mapped.about["analytic"] == []
    indices = [3, 5, 6, 7, 8]
    for stage in ("global", "cnn_dnn", "coherent", "composed_untrained"):
        said = run.stage(stage, 0).predictions()["validation"][indices]
        np.testing.assert_allclose(mapped.probabilities(stage), said, atol=2e-5)
    local = run.stage("local", 0).predictions()["validation"][indices]
    np.testing.assert_allclose(mapped.probabilities("local"), local.mean(1), atol=2e-5)
    assert all(mapped.maps(name).shape == (5, 4, 32, 32) for name in NAMES)


def test_a_file_holds_all_of_it(run, tmp_path):
    mapped, scored = map_images(run, 0, "0,1"), score_images(run, 0, "0,1", of="prediction")
    mapped.save(tmp_path / "maps.npz")
    scored.save(tmp_path / "scores.npz")
    again = Mapped.read(tmp_path / "maps.npz")
    assert again.about == mapped.about and np.array_equal(again.maps("local"), mapped.maps("local"))
    assert Scored.read(tmp_path / "scores.npz").table().equals(scored.table())


def test_scores_do_not_depend_on_the_batches(run, monkeypatch):
    whole = score_images(run, 0, "0-2", of="blue disc")
    monkeypatch.setattr("ddlab.analyses.maps.viewers.batch_size", lambda networks: 2)
    parts = score_images(run, 0, "0-2", of="blue disc")
    for name, values in whole.arrays.items():
        np.testing.assert_allclose(parts.arrays[name], values, atol=1e-4, err_msg=name)


def test_the_networks_are_left_as_found(run):
    viewer = viewers(run, 0)["coherent"]
    images = load_images(run, "validation", range(2))
    modules = [*viewer.modules, viewer.dnn[1]]
    before = [{key: value.clone() for key, value in module.state_dict().items()} for module in modules]
    viewer.look(images)
    viewer.randomised(1).look(images)
    for module, state in zip(modules, before, strict=True):
        assert all(torch.equal(value, state[key]) for key, value in module.state_dict().items())
        assert not any(part.training or part._forward_hooks or part._backward_hooks for part in module.modules())
        assert all(parameter.grad is None and not parameter.requires_grad for parameter in module.parameters())
    drawn = torch.random.get_rng_state()
    viewer.randomised(1)
    assert torch.equal(torch.random.get_rng_state(), drawn)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layer": "conv4_relu"}, "layer: unknown 'conv4_relu'; did you mean .* choices: conv1,"),
        ({"images": "48"}, "--images: image 48 is not there; validation has 0 to 47"),
        ({"images": "5-3"}, "--images: 5-3 names no image"),
        ({"images": "cat.png"}, "image: there is no file 'cat.png'"),
        ({"seed": 7}, "seed: the run has 0, got 7"),
    ],
)
def test_what_is_not_there_gets_a_sentence(run, arguments, message):
    with pytest.raises(ValueError, match=message):
        map_images(**{"run": run, "seed": 0, "images": "0", **arguments})


def test_a_class_that_is_not_there_gets_a_sentence(run):
    with pytest.raises(ValueError, match="score: unknown 'blue disk'; did you mean 'blue disc'"):
        score_images(run, 0, "0", of="blue disk")


def test_without_weights_or_maps_there_is_nothing_to_show():
    with pytest.raises(ValueError, match="no weights to look into"):
        map_images(made_run(), 0, "0")
    dense = composed_run(**{"strategies": ["average"], "model.name": "mlp"})
    with pytest.raises(ValueError, match="have no maps: all of their layers are fully connected"):
        map_images(dense, 0, "0")


def test_an_own_image_has_maps_but_no_truth(run, tmp_path):
    from PIL import Image

    Image.new("L", (50, 70), 90).save(tmp_path / "own.png")
    mapped = map_images(run, 0, str(tmp_path / "own.png"))
    assert mapped.images.shape == (1, 3, 32, 32) and mapped.about["labels"] is None
    assert set(score_images(run, 0, str(tmp_path / "own.png"), of="prediction").table()) & set(SCORES.values()) == {
        SCORES[name] for name in ("insertion", "deletion", "sanity")
    }
    with pytest.raises(ValueError, match=r"score: the true class of own.png is not known; say prediction, or a class"):
        score_images(run, 0, str(tmp_path / "own.png"))


def test_volumes_have_overlays_in_their_own_millimetres(volumes, tmp_path):
    mapped = map_images(volumes, 0, "1")
    assert mapped.maps("local").shape == (1, 2, 16, 16, 8)
    files = map_files(mapped, 0)
    assert {"image-1.nii.gz", "image-1-local-lesions.nii.gz"} <= set(files)
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    overlay, image = (nib.load(tmp_path / name) for name in ("image-1-local-lesions.nii.gz", "image-1.nii.gz"))
    np.testing.assert_allclose(overlay.get_fdata(), mapped.maps("local")[0, 1], rtol=1e-6)
    np.testing.assert_array_equal(overlay.affine, image.affine)
    spacing = load(volumes.experiment.dataset).description.spacing
    np.testing.assert_allclose(overlay.header.get_zooms(), spacing, rtol=1e-5)
    assert nib.aff2axcodes(overlay.affine) == ("P", "R", "S")


def test_an_own_volume_keeps_its_place_in_the_scanner(volumes, tmp_path):
    affine = np.array([[-2.0, 0, 0, 40], [0, 3, 0, -7], [0, 0, 5, 11], [0, 0, 0, 1]])
    nib.save(nib.Nifti1Image(np.random.default_rng(0).normal(size=(31, 21, 15)), affine), tmp_path / "own.nii.gz")
    asked = asked_images(volumes, str(tmp_path / "own.nii.gz"))
    assert asked.pixels.shape == (1, 1, 16, 16, 8)
    corners = np.array([[0, 0, 0, 1], [30, 20, 14, 1]]) @ affine.T
    ours = np.array([[0, 0, 0, 1], [15, 15, 7, 1]]) @ asked.affine.T
    np.testing.assert_allclose(np.sort(ours, axis=0), np.sort(corners, axis=0), atol=1e-4)
