"""The cache: decoded once, memory-mapped, repaired when damaged, shared by processes."""

import json
import logging
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from ddlab import subcommand
from ddlab.data import cache
from ddlab.data.cache import describe, is_ready, load, prepare
from ddlab.data.source import Description, Source, Split
from ddlab.experiment import DatasetSettings
from ddlab.registry import Entry

SMALL = DatasetSettings(train_images=60, validation_images=20)


def caches(home):
    return sorted(path for path in (home / "cache").iterdir() if path.is_dir())


def test_decoded_once_into_memory_maps(own_home, monkeypatch):
    assert not is_ready(SMALL)
    first = load(SMALL)
    assert is_ready(SMALL)
    monkeypatch.setattr(cache, "_build", lambda *arguments: pytest.fail("decoded twice"))
    again = load(SMALL)
    assert isinstance(again.train.images, np.memmap) and isinstance(again.validation.masks, np.memmap)
    np.testing.assert_array_equal(first.train.images, again.train.images)
    assert again.description == describe(SMALL)
    assert len(again.train) == 60 and len(again.split("validation")) == 20


def test_mean_and_standard_deviation_are_those_of_the_training_images():
    dataset = load(SMALL)
    scaled = dataset.train.images / 255
    assert dataset.mean == pytest.approx(scaled.mean(axis=(0, 2, 3)))
    assert dataset.std == pytest.approx(scaled.std(axis=(0, 2, 3)))


def test_settings_that_matter_have_caches_of_their_own(own_home):
    load(SMALL)
    load(SMALL.model_copy(update={"seed": 1}))
    load(SMALL.model_copy(update={"path": "ignored by drawn images"}))
    assert len(caches(own_home)) == 2


@pytest.mark.parametrize("damage", ["truncated", "lost file", "bad meta", "no meta"])
def test_a_damaged_cache_is_reported_and_made_anew(own_home, caplog, damage):
    before = np.array(load(SMALL).train.images)
    (folder,) = caches(own_home)
    if damage == "truncated":
        content = (folder / "train-images.npy").read_bytes()
        (folder / "train-images.npy").write_bytes(content[: len(content) // 2])
    elif damage == "lost file":
        (folder / "validation-masks.npy").unlink()
    elif damage == "bad meta":
        (folder / "meta.json").write_text('{"bytes": ')
    else:
        (folder / "meta.json").unlink()
    assert not is_ready(SMALL)
    with caplog.at_level(logging.WARNING):
        after = load(SMALL)
    assert "damaged" in caplog.text and str(folder) in caplog.text
    np.testing.assert_array_equal(before, after.train.images)


def test_a_failure_leaves_nothing_behind(own_home, monkeypatch):
    monkeypatch.setattr(cache, "histogram", lambda images: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        load(SMALL)
    assert caches(own_home) == [] and not is_ready(SMALL)


def test_what_a_killed_process_left_is_cleared_away(own_home):
    load(SMALL)
    (folder,) = caches(own_home)
    folder.rename(folder.with_name(f"{folder.name}.part"))
    load(SMALL)
    assert caches(own_home) == [folder]


def test_two_processes_decode_once(own_home):
    code = (
        "import logging, ddlab.data.cache as c; from ddlab.experiment import DatasetSettings\n"
        "build = c._build\n"
        "def counted(*a): print('built'); build(*a)\n"
        "c._build = counted\n"
        "print(len(c.load(DatasetSettings(train_images=500, validation_images=20)).train))"
    )
    workers = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [worker.communicate(timeout=60)[0].split() for worker in workers]
    assert [output[-1] for output in outputs] == ["500", "500"]
    assert sum(output.count("built") for output in outputs) == 1


def test_progress_counts_all_images():
    heard = []
    prepare(SMALL, lambda done, total: heard.append((done, total)))
    assert heard == [(60, 80), (80, 80)]


class _Blocks(Source):
    """Large images from a source that never holds two blocks: what memory is taken must not grow with the set."""

    alive = 0

    def describe(self, settings):
        return Description(("a", "b"), 1, (256, 256), 640, 64, "made", "none")

    def read(self, settings, split):
        for start in range(0, 640 if split == "train" else 64, 64):
            images = np.full((64, 1, 256, 256), start % 251, np.uint8)
            yield Split(images, np.arange(64) % 2)


def test_sets_are_written_block_by_block(monkeypatch):
    import tracemalloc

    monkeypatch.setitem(cache.DATASETS.own, "digits", Entry("Blocks", "Made.", f"{__name__}:_Blocks"))
    monkeypatch.setattr(cache, "_source", lambda settings: _Blocks())
    tracemalloc.start()
    dataset = load(DatasetSettings(name="digits"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert dataset.train.images.nbytes == 640 * 256 * 256
    assert peak < dataset.train.images.nbytes
    assert dataset.train.images[-1, 0, 0, 0] == (640 - 64) % 251


@pytest.fixture
def own_images(tmp_path):
    for label in ("cats", "dogs"):
        (tmp_path / "mine" / label).mkdir(parents=True)
        for number in range(5):
            Image.new("RGB", (20, 20), (40 * number, 0, 0)).save(tmp_path / "mine" / label / f"{number}.png")
    return DatasetSettings(name="folder", path=str(tmp_path / "mine"), size=16)


def test_images_that_change_are_decoded_again(own_images, own_home):
    load(own_images)
    Image.new("RGB", (20, 20), (9, 9, 9)).save(f"{own_images.path}/cats/new.png")
    dataset = load(own_images)
    assert len(dataset.train) + len(dataset.validation) == 11
    assert len(caches(own_home)) == 1, "the cache of the older files is in the way"


def test_a_folder_that_vanished_is_served_from_the_cache(own_images, own_home, caplog):
    before = load(own_images)
    shutil.rmtree(own_images.path)
    assert describe(own_images) == before.description and is_ready(own_images)
    with caplog.at_level(logging.WARNING):
        after = load(own_images)
    np.testing.assert_array_equal(before.train.images, after.train.images)
    assert "are gone" in caplog.text


def test_a_folder_that_vanished_and_whose_cache_is_damaged(own_images, own_home):
    load(own_images)
    shutil.rmtree(own_images.path)
    (caches(own_home)[0] / "train-labels.npy").write_bytes(b"")
    for function in (describe, load):
        with pytest.raises(ValueError, match="mine is not there"):
            function(own_images)
    assert not is_ready(own_images)


def test_sources_that_need_torch_are_decoded_by_another_process(monkeypatch):
    asked = []

    def run(command, **options):
        asked.append(command)
        return subprocess.CompletedProcess(command, 1, "", "trouble\nmnist: the reason\n")

    monkeypatch.setattr(subcommand.subprocess, "run", run)
    monkeypatch.setattr(_Blocks, "needs_torch", lambda self, settings: True)
    monkeypatch.setattr(cache, "_source", lambda settings: _Blocks())
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    with pytest.raises(ValueError, match="^mnist: the reason$"):
        load(DatasetSettings(name="mnist"))
    assert asked[0][1:5] == ["-m", "ddlab", "data", "prepare"] and json.loads(asked[0][5])["name"] == "mnist"
