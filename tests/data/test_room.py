"""Room on the disk: what was used longest ago goes first, what is used stays, and a full disk is named."""

import os
import time

import numpy as np
import pytest

from ddlab.analyses import command_results
from ddlab.data import room
from ddlab.data.cache import in_use, is_ready, load
from ddlab.experiment import DatasetSettings

HOURS = 3600.0
SIZE = DatasetSettings(train_images=60, validation_images=20)


def sized(seed):
    return SIZE.model_copy(update={"seed": seed})


def aged(folder, hours):
    """Say that everything in a folder was used so many hours ago."""
    for path in folder.rglob("*"):
        os.utime(path, (time.time() - hours * HOURS,) * 2)


@pytest.fixture
def three(own_home, monkeypatch):
    """Three data sets that were decoded hours ago, the first one longest, and room for three."""
    for seed in range(3):
        known = set((own_home / "cache").glob("*/meta.json"))
        load(sized(seed))
        (new,) = set((own_home / "cache").glob("*/meta.json")) - known
        aged(new.parent, 3 - seed)
    total = room.bytes_kept(own_home / "cache")
    monkeypatch.setenv("DDLAB_MOST_CACHE", str(total + 100))
    return own_home / "cache"


def ready(*seeds):
    return [is_ready(sized(seed)) for seed in seeds]


def test_what_was_used_longest_ago_makes_room_for_a_new_one(three):
    load(sized(3))
    assert ready(0, 1, 2, 3) == [False, True, True, True]
    assert not [path for path in three.iterdir() if path.is_dir() and not (path / "meta.json").exists()]


def test_to_open_is_to_use_and_so_is_to_train(three):
    load(sized(0))
    in_use(sized(1))()
    load(sized(3))
    assert ready(0, 1, 2, 3) == [True, True, False, True]


def test_what_is_used_stays_however_much_there_is(three, monkeypatch):
    for seed in range(3):
        load(sized(seed))
    monkeypatch.setenv("DDLAB_MOST_CACHE", "1")
    load(sized(3))
    assert ready(0, 1, 2, 3) == [True] * 4


def test_what_somebody_makes_anew_is_left_alone_and_memory_maps_live_on(three):
    old = load(sized(0))
    before = np.array(old.train.images)
    aged(three, 4)
    folder = next(one.path for one in room._kept(three) if one.path.name in str(old.train.images.filename))
    with room.FileLock(folder.with_name(f"{folder.name}.lock")):
        room.make_room(three, 10**9)
        assert ready(0, 1, 2) == [True, False, False]
    room.make_room(three, 10**9)
    assert ready(0) == [False]
    np.testing.assert_array_equal(old.train.images, before)


def test_answers_to_pages_are_bounded_too(own_home, monkeypatch):
    monkeypatch.setattr(command_results, "run_subcommand", lambda asked: open(asked[-1], "wb").write(bytes(1000)))
    old, new = (command_results.command_result("maps", name) for name in ("one", "two"))
    aged(own_home / "cache", 2)
    assert command_results.command_result("maps", "two") == new
    monkeypatch.setenv("DDLAB_MOST_CACHE", "1500")
    room.make_room(own_home / "cache", 0)
    assert not old.exists() and new.exists()


def test_what_is_gone_is_not_made_by_being_used(own_home):
    gone = own_home / "cache" / "computed" / "maps-1.npz"
    gone.parent.mkdir(parents=True)
    room.use(gone)
    room.use(own_home / "cache" / "digits-1-2")
    assert [path.name for path in (own_home / "cache").rglob("*")] == ["computed"]


def test_a_full_disk_is_named_before_anything_is_decoded(three, monkeypatch):
    monkeypatch.setattr(room, "_free", lambda folder: 1000)
    with pytest.raises(ValueError, match=r"dataset: decoded, its images take .* and 1,000 bytes are free"):
        load(sized(3))
    assert ready(0, 1, 2) == [False] * 3, "as much as could be done"
