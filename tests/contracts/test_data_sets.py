"""What every data set promises, entry by entry: those with files only where the files are, one's own from made files.

An entry of another package is tested here as soon as it is installed.
"""

import base64
import io
import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from ddlab.data.cache import describe, load
from ddlab.data.chest import chest_grid
from ddlab.data.ct_phantom import CtPhantom
from ddlab.data.drawn_scans import write_scans
from ddlab.data.source import SPLITS, DataMissing, Dataset, Source, Split
from ddlab.decomposition import Decomposition
from ddlab.experiment import DatasetSettings, Experiment
from ddlab.figures.images import enlarged, image_source, subdomains_figure
from ddlab.figures.volumes import montage
from ddlab.problem import pose
from ddlab.registry.datasets import DATASETS
from tests.data import made_adni, made_hippocampus
from tests.data.test_judging import check_slices

FEW = {"train_images": 60, "validation_images": 40}
VOLUME = (16, 16, 8)
TOO_MUCH = {  # of every field, and how a refusal writes it, with the images of the other split
    "train_images": (10**9, "1,000,000,0"),
    "validation_images": (10**9, "1,000,000,0"),
    "size": (512, "512"),
    "volume": ((5000, 5000, 5000), "5000×5000×5000"),
}
every_name = pytest.mark.parametrize("name", DATASETS)


def write_pictures(folder):
    rng = np.random.default_rng(0)
    for label, count in {"cats": 24, "dogs": 12, "owls": 6}.items():
        (folder / label).mkdir()
        for number in range(count):
            Image.fromarray(rng.integers(0, 256, (20, 24, 3), np.uint8)).save(folder / label / f"{number}.png")


def write_volumes(folder):
    asked = DatasetSettings(name="ct_phantom", volume=VOLUME, train_images=16, validation_images=8)
    write_scans(folder, CtPhantom(), asked, lambda done, total: None)


def write_chests(folder):
    for grade, is_ill in {"CT-0": 0, "CT-2": 1}.items():
        (folder / grade).mkdir()
        for number in range(10):
            image, _ = CtPhantom().scan(0, "train", 2 * number + is_ill, chest_grid(VOLUME))
            nib.save(image, folder / grade / f"study_{number:04d}.nii.gz")


def write_heads(folder):
    made_adni.write(folder, [(f"{number:03d}_S_0001", ("CN", "AD")[number % 2]) for number in range(20)])


OWN_FILES = {  # what their path may name
    "folder": write_pictures,
    "nifti": write_volumes,
    "mosmed": write_chests,
    "hippocampus": made_hippocampus.write,
    "adni": write_heads,
}


@dataclass(frozen=True)
class Case:
    """A data set with few of its images, decoded in the home that its tests share."""

    name: str
    source: Source
    settings: DatasetSettings
    dataset: Dataset
    home: Path

    def read(self, split, **changes):
        """Images of a split as its source gives them, in one block."""
        blocks = list(self.source.read(self.settings.model_copy(update=changes), split))
        masks = None if blocks[0].masks is None else np.concatenate([block.masks for block in blocks])
        return Split(*(np.concatenate([getattr(b, part) for b in blocks]) for part in ("images", "labels")), masks)


@pytest.fixture(scope="module", params=DATASETS)
def case(request, tmp_path_factory):
    name, source, home = request.param, DATASETS[request.param].load()(), tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DDLAB_HOME", str(home))
        own = {"volume": VOLUME}
        if name in OWN_FILES:
            (home / "own").mkdir()
            OWN_FILES[name](home / "own")
            own["path"] = str(home / "own")
        settings = DatasetSettings(name=name, **own)
        try:
            least = 4 * describe(settings).num_classes  # the first images of an order that mixes them hold all classes
        except ValueError as missing:
            pytest.skip(str(missing))
        settings = DatasetSettings(name=name, **own, **{field: max(least, few) for field, few in FEW.items()})
        yield Case(name, source, settings, load(settings), home)


# ---- what it says and what it gives


def test_its_description_is_true_of_its_images(case):
    described, full = case.dataset.description, describe(case.settings.model_copy(update=dict.fromkeys(FEW)))
    assert described == describe(case.settings)
    wanted = (case.settings.train_images, case.settings.validation_images)
    assert described.num_train == min(full.num_train, wanted[0])
    assert described.num_validation == min(full.num_validation, wanted[1])
    assert described.source and described.licence
    assert len(set(described.classes)) == described.num_classes >= 2 and all(described.classes)
    assert described.channels in (1, 3) and 1 <= len(described.shape) <= 3
    assert described.values[0] < described.values[1] and len(described.spacing) in (0, len(described.shape))
    for split, count in zip(SPLITS, (described.num_train, described.num_validation), strict=True):
        images, labels, masks = vars(case.dataset.split(split)).values()
        assert images.shape == (count, described.channels, *described.shape) and images.dtype == np.uint8
        assert labels.shape == (count,) and labels.dtype == np.int64
        assert set(np.unique(labels)) == set(range(described.num_classes)), "a class is missing"
        assert (masks is not None) == described.has_masks
        assert masks is None or masks.shape == (count, *described.shape) and set(np.unique(masks)) <= {0, 1}
    for mean, std in zip(case.dataset.mean, case.dataset.std, strict=True):
        assert 0 < mean < 1 and std > 0.01, "its bytes use their range"


def test_nothing_is_in_both_splits(case):
    train, validation = ({image.tobytes() for image in case.dataset.split(split).images} for split in SPLITS)
    assert train and validation and not train & validation


def test_it_is_read_again_the_same_and_few_images_are_the_first_of_many(case):
    again, few = case.read("validation"), case.read("train", **dict.fromkeys(FEW, 7))
    for part, values in vars(case.dataset.validation).items():
        np.testing.assert_array_equal(getattr(again, part), values)
    for part, values in vars(case.dataset.train).items():
        np.testing.assert_array_equal(getattr(few, part), None if values is None else values[:7])


def test_its_seed_decides_where_it_says_that_it_matters(case):
    """Another seed draws other images; of images in files it gives another order or split."""
    other = case.read("train", seed=case.settings.seed + 1).images
    differs = (other != case.dataset.train.images).any(axis=tuple(range(1, other.ndim)))
    assert differs.any() == ("seed" in case.source.relevant)
    if differs.any() and not case.source.fingerprint(case.settings):
        assert differs.all(), "an image is the same with both seeds"


def test_every_slice_of_its_training_images_is_a_stratified_sample(case):
    """So that whatever part of them chooses the epoch or judges, the classes are in it in their shares."""
    check_slices(case.dataset)


# ---- what is asked of it


def test_sizes_that_it_says_matter_are_those_of_its_images(case):
    few = dict.fromkeys(FEW, 4)
    axes = len(case.dataset.description.shape)
    for field, value, shape in (("size", 64, (64,) * axes), ("volume", (8, 12, 6), (8, 12, 6))):
        changed = case.settings.model_copy(update={field: value} | few)
        described = case.source.describe(changed)
        if field in case.source.relevant and axes == {"size": 2, "volume": 3}[field]:
            assert described.shape == case.read("train", **{field: value}, **few).images.shape[2:] == shape
        else:
            assert described.shape == case.dataset.description.shape


@pytest.mark.parametrize("field", TOO_MUCH)
def test_too_much_is_what_there_is_or_refused_by_field_rule_and_value(case, field):
    value, written = TOO_MUCH[field]
    try:
        asked = case.source.describe(case.settings.model_copy(update={field: value}))
    except ValueError as refused:
        assert field in case.source.relevant
        assert str(refused).startswith((f"{field}: ", "train_images: ")) and written in str(refused)
        assert re.search("at most|drawn images have [0-9, ]+ px", str(refused)), "the rule, or the choices"
    else:
        full = case.source.describe(case.settings.model_copy(update=dict.fromkeys(FEW)))
        assert (asked.num_train, asked.num_validation) <= (full.num_train, full.num_validation)


def test_what_it_would_take_in_the_cache_has_a_limit(case, monkeypatch):
    monkeypatch.setenv("DDLAB_MOST_BYTES", "1000")
    count = case.dataset.description.num_train + case.dataset.description.num_validation
    with pytest.raises(ValueError, match=rf"^train_images: {count:,} images .* at most 1,000 bytes .*DDLAB_MOST_BYTES"):
        case.source.describe(case.settings)


@every_name
def test_missing_files_are_named_with_what_to_do(name, tmp_path, monkeypatch):
    """A data set is there without files, or says where it looked for them; one's own asks for their path."""
    monkeypatch.setenv("DDLAB_DATA", str(tmp_path))
    settings, relevant = DatasetSettings(name=name, **FEW), DATASETS[name].load().relevant
    try:
        describe(settings)
    except DataMissing as missing:
        assert re.search(rf"^{name}: {tmp_path}.* is not there; .*DDLAB_DATA", str(missing))
        with pytest.raises(DataMissing, match="is not there"):
            load(settings)
    except ValueError as missing:
        assert "path" in relevant and re.search(rf"^path: data set '{name}' needs .* got none$", str(missing))
    if "path" in relevant:
        with pytest.raises(DataMissing, match=rf"{tmp_path}/nowhere.* is not there; (give|put) "):
            describe(settings.model_copy(update={"path": "nowhere"}))


def test_describing_any_of_them_imports_no_torch():
    code = (
        "import sys\n"
        "from ddlab.registry.datasets import DATASETS\n"
        "from ddlab.data.cache import describe, is_ready\n"
        "import ddlab.data.overview\n"
        "from ddlab.experiment import DatasetSettings\n"
        "for name in DATASETS:\n"
        "    is_ready(DatasetSettings(name=name))\n"
        "    try: describe(DatasetSettings(name=name))\n"
        "    except ValueError: pass\n"
        "assert not {'torch', 'torchvision'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# ---- where it is shown and asked for


def test_its_images_are_drawn(case):
    images, masks = case.dataset.train.images, case.dataset.train.masks
    image, shape = np.asarray(images[-1]), case.dataset.description.shape
    picture = Image.open(io.BytesIO(base64.b64decode(image_source(image).partition(",")[2])))
    assert np.ptp(np.asarray(picture)) > 0, "it is more than one colour"
    assert min(enlarged(image, 64).shape[:2]) >= 64
    cut, mask = Decomposition.from_grid(shape, (2,) * len(shape)), None if masks is None else np.asarray(masks[-1])
    if len(shape) == 3:
        (cut, image), mask = montage(cut, image), None
    figure = subdomains_figure(image, cut, DATASETS[case.name].title, mask)
    assert sum(trace["type"] == "scatter" for trace in json.loads(figure.to_json())["data"]) >= len(cut)


def test_the_command_line_describes_it_by_its_settings(case, ddlab, monkeypatch):
    monkeypatch.setenv("DDLAB_HOME", str(case.home))
    given = {**case.settings.model_dump(include={*case.source.relevant, *FEW}, exclude_none=True)}
    changes = [part for field, value in given.items() for part in ("--set", f"{field}={json.dumps(value)}")]
    code, out, said = ddlab("data", "prepare", case.name, *changes, "--json")
    assert code == 0, said
    told, described = json.loads(out), case.dataset.description
    for fact in ("channels", "num_train", "num_validation", "has_masks"):
        assert told[fact] == getattr(described, fact)
    assert told["classes"] == list(described.classes) and told["shape"] == list(described.shape)


def test_an_experiment_takes_its_settings(case):
    cut = {"decomposition.grid": (2,) * len(case.dataset.description.shape)}
    asked = Experiment().with_settings({f"dataset.{key}": value for key, value in case.settings} | cut)
    assert pose(asked).description == case.dataset.description


@every_name
def test_the_form_shows_the_settings_that_it_says_matter(name, monkeypatch):
    def page(name):
        from ddlab.experiment import Experiment
        from pages.ui.making import form

        form.show(Experiment().with_settings({"dataset.name": name}).model_dump(mode="json"), "contracts", True)

    # The page becomes the main module, which processes that are spawned later would run.
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    test = AppTest.from_function(page, default_timeout=60, kwargs={"name": name}).run()
    assert not test.exception
    kinds = (test.selectbox, test.number_input, test.text_input)
    drawn = {widget.key.partition("/")[2] for kind in kinds for widget in kind}
    wanted = {f"dataset.{field}" for field in (*DATASETS[name].load().relevant, "name", "test")}
    assert {path for path in drawn if path.startswith("dataset.")} == wanted
    (chosen,) = (box for box in test.selectbox if box.key.endswith("/dataset.name"))
    assert DATASETS[name].title in chosen.format_func(chosen.value) and len(chosen.options) == len(DATASETS)
