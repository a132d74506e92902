"""Exported networks: what is read back, by ddlab and by others, says what the network said."""

import json

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors.torch import save_file

from ddlab.data.cache import load
from ddlab.exports import FORMATS, format_of
from ddlab.exports.networks import Exported, export_network, exportable, exported
from ddlab.exports.reader import read_network
from ddlab.exports.writers import write_onnx
from ddlab.models.build import build
from ddlab.models.constants import with_constants
from ddlab.models.spec import NetworkSpec
from ddlab.models.written import from_tree, to_tree
from ddlab.registry.models import MODELS
from ddlab.strategies.trained import load_images, trained_dnns, trained_networks
from tests.exports.weights import with_weights
from tests.made_run import made_experiment, made_run

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DDLAB_HOME", str(tmp_path_factory.mktemp("home")))
        names = ["global", "average", "cnn_dnn", "coherent"]
        settings = {"strategies": names, "coherent": {"outputs": "logits"}, "training": {"subtract": "image"}}
        yield with_weights(made_run(experiment=made_experiment(**settings)))


def said_by_onnx(path, images):
    onnx.checker.check_model(onnx.load(path), full_check=True)
    return onnxruntime.InferenceSession(path).run(None, {"image": images.numpy()})[0]


def said_by_torch(path, images):
    return torch.export.load(path).module()(images).numpy()


def said_by_ddlab(path, images):
    return read_network(path)[0](images).numpy()


READERS = {"onnx": said_by_onnx, "torch.export": said_by_torch, "safetensors": said_by_ddlab}


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("name", ["local-2", "coherent"])
def test_what_is_read_back_says_the_same_of_any_number_of_images(run, name, file_format, tmp_path):
    path = tmp_path / f"network{FORMATS[file_format].suffix}"
    export_network(run, 0, name, file_format, path)
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == [path.name], "one file, nothing beside it"
    images = load_images(run, "validation", range(5))
    if name == "coherent":
        made = trained_dnns(run, 0)["coherent"]  # by hand: subimages, local networks, DNN on their logits
        said = [part.module()(images[part.box.slices]) for part in made.local]
        expected = made.dnn.module()(torch.cat(said, dim=1))
    else:
        trained = trained_networks(run, 0)[name]
        images = images[trained.box.slices].contiguous()
        expected = trained.module()(images)
    for count in (1, 5):
        found = READERS[file_format](path, images[:count])
        np.testing.assert_allclose(found, expected[:count], rtol=1e-4, atol=1e-4)
    assert expected.std() > 0.01


def facts_of(file_format, path):
    if file_format == "onnx":
        return {prop.key: prop.value for prop in onnx.load(path).metadata_props}
    if file_format == "safetensors":
        return read_network(path)[1]
    files = {"ddlab.json": ""}
    torch.export.load(path, extra_files=files)
    return json.loads(files["ddlab.json"])


@pytest.mark.parametrize("file_format", FORMATS)
def test_files_tell_how_bytes_become_the_input(run, file_format, tmp_path):
    """By them alone: cut the box, subtract, divide, and it is what the network was trained on."""
    path = tmp_path / f"network{FORMATS[file_format].suffix}"
    export_network(run, 0, "local-3", file_format, path)
    facts = {
        name: json.loads(fact) if isinstance(fact, str) and fact[0] in "[{" else fact
        for name, fact in facts_of(file_format, path).items()
    }
    dataset = load(run.experiment.dataset)
    assert facts["classes"] == list(dataset.description.classes) and facts["image"] == [3, 32, 32]
    assert facts["box"] == {"start": [16, 0], "stop": [32, 16]} and facts["run"] == run.id
    box = (Ellipsis, *map(slice, facts["box"]["start"], facts["box"]["stop"]))
    mean, std = (np.array(facts["normalisation"][part]) for part in ("mean", "std"))
    made = (dataset.validation.images[:4][box] / 255 - mean) / std
    np.testing.assert_allclose(made, load_images(run, "validation", range(4))[box], atol=1e-5)


def test_a_channel_has_one_mean_unless_every_pixel_has_its_own(run, own_home):
    run = with_weights(made_run())
    normalisation = exported(run, 0, "global").facts["normalisation"]
    dataset = load(run.experiment.dataset)
    np.testing.assert_allclose(normalisation["mean"], dataset.mean, rtol=1e-7)
    np.testing.assert_allclose(normalisation["std"], dataset.std, rtol=1e-7)


NETWORKS_OF_ALL_LAYERS = [
    ("resnet20", (1, 64)),
    ("vgg9", (3, 16, 16)),
    ("cnn11", (1, 16, 16, 8)),
    ("resattnet18", (1, 64)),
    ("resattnet18", (2, 16, 12)),
    ("resattnet18", (1, 16, 16, 8)),
]


@pytest.mark.parametrize("constants", ["torch", "keras"])
@pytest.mark.parametrize(("model", "shape"), NETWORKS_OF_ALL_LAYERS)
def test_onnx_of_every_kind_of_layer_in_one_to_three_dimensions(model, shape, constants, tmp_path):
    torch.manual_seed(0)
    network = with_constants(MODELS[model].load()(NetworkSpec(shape, 3, width=0.1)), constants)
    module = build(network).eval().requires_grad_(False)
    for name, parameter in module.named_parameters():
        parameter.add_(0.05 if name.endswith("gamma") else 0.0)  # attention is the identity otherwise
    images = torch.randn(3, *shape)
    path = tmp_path / "network.onnx"
    write_onnx(Exported(module, shape, {"title": model, "run": "none"}), path)
    np.testing.assert_allclose(said_by_onnx(path, images), module(images), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("model", MODELS)
def test_a_description_survives_its_file(model):
    network = MODELS[model].load()(NetworkSpec((3, 48, 48), 4, width=0.5, dropout=0.3))
    assert from_tree(json.loads(json.dumps(to_tree(network)))) == network


def test_all_networks_are_offered_and_others_refused(run, tmp_path):
    titles = exportable(run, 0)
    assert titles["local-1"] == "Local network 1" and titles["cnn_dnn"] == "CNN-DNN, all of it"
    path = tmp_path / "network.onnx"
    for arguments, message in [
        ((0, "locl-1", "onnx", path), "network: unknown 'locl-1'; did you mean 'local-1'"),
        ((0, "", "onnx", path), "network: say which of local-1"),
        ((7, "global", "onnx", path), "seed: the run has 0, got 7"),
        ((0, "global", "onx", path), "format: unknown 'onx'; did you mean 'onnx'"),
        ((0, "global", "onnx", tmp_path / "nowhere" / "a.onnx"), "out: there is no folder"),
    ]:
        with pytest.raises(ValueError, match=message):
            export_network(run, *arguments)
    assert format_of(path) == "onnx"
    with pytest.raises(ValueError, match="ends unlike any format; choose one of .safetensors, .onnx, .pt2"):
        format_of(tmp_path / "network.bin")


def test_files_that_are_not_ours_are_refused(run, tmp_path):
    ours, other, damaged = (tmp_path / f"{name}.safetensors" for name in ("ours", "other", "damaged"))
    export_network(run, 0, "local-1", "safetensors", ours)
    damaged.write_bytes(ours.read_bytes()[:-100])
    save_file({"weight": torch.zeros(2)}, other)
    for path, message in [(damaged, "cannot be read"), (other, "says nothing"), (tmp_path / "no", "cannot be read")]:
        with pytest.raises(ValueError, match=message):
            read_network(path)
