"""Which folders the pages offer: by names first, without looking at the disk, then by where links lead."""

import os
from pathlib import Path

import pytest

from ddlab.data.offered import VARIABLE, offered_folders, refuse_elsewhere
from ddlab.experiment import DatasetSettings


@pytest.fixture
def shelf(monkeypatch, tmp_path):
    """The data home, with a data set in it; beside it, a folder that nobody offers."""
    for name in ("shelf/mine", "secret/mine", "lent"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("DDLAB_DATA", str(tmp_path / "shelf"))
    return tmp_path / "shelf"


def asks(path, name="folder"):
    refuse_elsewhere(DatasetSettings(name=name, path=str(path)))


@pytest.mark.parametrize("name", ["folder", "nifti", "mosmed"])
def test_what_lies_in_an_offered_folder_is_read(shelf, own_home, name):
    for path in ("mine", "mine/images.npz", "not there yet", "", ".", shelf / "mine", own_home / "data" / "x"):
        asks(path, name)


ELSEWHERE = ["/usr", "/proc/self", "..", "../secret", "mine/../../secret", "/", "~", "~root", "//usr"]


@pytest.mark.parametrize("path", ELSEWHERE)
def test_what_lies_elsewhere_is_refused_without_a_look_at_it(shelf, path, monkeypatch):
    monkeypatch.setenv("HOME", "/nowhere")
    folders = tuple(map(str, offered_folders()))
    looked_at = []
    for call in ("stat", "lstat", "scandir", "listdir", "readlink", "open"):
        real = getattr(os, call)
        monkeypatch.setattr(os, call, lambda path, *a, real=real, **k: (looked_at.append(path), real(path, *a, **k))[1])
    with pytest.raises(ValueError) as refused:
        asks(path)
    monkeypatch.undo()
    for looked in map(str, looked_at):
        assert any(folder.startswith(looked) or looked.startswith(folder) for folder in folders), looked
    assert all(word in str(refused.value) for word in (repr(path), str(shelf), "ddlab app --data", VARIABLE))


def test_a_link_out_of_an_offered_folder_is_refused(shelf):
    (shelf / "out").symlink_to(shelf.parent / "secret")
    (shelf / "circle").symlink_to(shelf / "circle")
    (shelf / "within").symlink_to(shelf / "mine")
    for path in ("out", "out/mine", "circle/x", shelf / "out"):
        with pytest.raises(ValueError, match="no folder that this server offers"):
            asks(path)
    asks("within")


def test_a_setting_of_the_server_offers_more(shelf, monkeypatch):
    lent, alias = shelf.parent / "lent", shelf.parent / "alias"
    alias.symlink_to(lent)
    with pytest.raises(ValueError):
        asks(lent / "x")
    monkeypatch.setenv(VARIABLE, os.pathsep.join([str(alias), "", "relative"]))
    asks(lent / "x")
    asks(alias / "x")
    asks(Path.cwd() / "relative" / "x")
    with pytest.raises(ValueError, match=str(alias)):
        asks(shelf.parent / "lent2")


def test_a_path_that_means_nothing_to_the_data_set_is_let_be():
    asks("/usr", "digits")
    refuse_elsewhere(DatasetSettings(name="folder"))


def test_what_is_no_path_is_refused_in_a_sentence():
    with pytest.raises(ValueError, match="too long"):
        asks("x" * 5000)
