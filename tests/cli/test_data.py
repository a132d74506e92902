"""Drawn scans written from the command line, and read back from there."""

import json
import shutil

import pytest

from tests.data.test_own_images import write_zip
from tests.data.test_own_sets import BROKEN, noise, pets


@pytest.fixture(autouse=True)
def _no_other_data(monkeypatch):
    monkeypatch.delenv("DDLAB_DATA", raising=False)  # whoever has data elsewhere keeps sets there: their paths differ


@pytest.mark.parametrize("name", ["mri_phantom", "ct_phantom"])
def test_drawn_scans_are_written_with_their_masks(ddlab, tmp_path, name):
    changes = ("volume=[16,16,8]", "train_images=4", "validation_images=4")
    asked = [part for change in changes for part in ("--set", change)]
    code, _, said = ddlab("data", "phantom", str(tmp_path / "scans"), "--name", name, *asked)
    assert code == 0, said
    assert len(list((tmp_path / "scans" / "masks").glob("*.nii.gz"))) == 8
    code, out, said = ddlab("data", "check", str(tmp_path / "scans"), "--json")
    assert code == 0, said
    told = json.loads(out)
    assert (told["shape"], told["num_train"], told["has_masks"]) == ([16, 16, 8], 4, True)


def test_what_is_not_drawn_as_scans_is_refused(ddlab, tmp_path):
    code, _, said = ddlab("data", "phantom", str(tmp_path / "scans"), "--name", "digits")
    assert code == 2 and "name: 'digits' is not drawn as scans; needs one of ct_phantom, mri_phantom" in said
    assert not (tmp_path / "scans").exists()


def test_a_check_decodes_and_names_every_broken_file(ddlab, tmp_path):
    path = write_zip(tmp_path / "pets.zip", {**pets(), **BROKEN})
    code, out, _ = ddlab("data", "check", str(path), "--json")
    told = json.loads(out)
    assert code == 1 and told["classes"] == ["cats", "dogs"]
    named = {finding["name"] for finding in told["report"]["findings"] if finding["problem"] == "unreadable"}
    assert named == set(BROKEN)
    code, out, _ = ddlab("data", "check", str(path))
    assert code == 1 and all(f"{name} cannot be read: " in out for name in BROKEN)
    assert "10 of 13 image files of 2 classes can be used." in out
    code, out, _ = ddlab("data", "check", str(write_zip(tmp_path / "good.zip", pets())))
    assert code == 0 and "All 10 image files of 2 classes can be used." in out


def test_what_can_be_read_is_kept_listed_trained_on_and_deleted(ddlab, tmp_path, own_home):
    path = write_zip(tmp_path / "pets.zip", {**pets(), **BROKEN})
    code, out, said = ddlab("data", "add", str(path))
    assert code == 2 and "3 of its files cannot be read; --skip leaves them out" in said and "cats/empty.png" in out
    code, out, said = ddlab("data", "add", str(path), "--name", "mine", "--skip")
    assert code == 0 and "dataset.path=own/mine/images.zip" in out, said
    code, out, _ = ddlab("data", "list", "--json")
    row = json.loads(out)[0]
    assert (row["name"], row["num_usable"], row["num_left_out"], row["dataset"]) == ("mine", 10, 3, "folder")
    path.unlink()
    code, out, said = ddlab("data", "prepare", "folder", "--set", f"path={row['path']}", "--set", "size=16", "--json")
    assert code == 0 and json.loads(out)["num_train"] == 8, said
    assert ddlab("data", "delete", "mine")[0] == 0
    assert json.loads(ddlab("data", "list", "--json")[1]) == []
    code, _, said = ddlab("data", "delete", "mine")
    assert code == 2 and "there is no data set 'mine' of your own" in said


def test_volumes_in_an_archive_are_checked_and_say_how_they_are_used(ddlab, tmp_path):
    asked = ("--set", "volume=[16,16,8]", "--set", "train_images=4", "--set", "validation_images=4")
    assert ddlab("data", "phantom", str(tmp_path / "scans"), *asked)[0] == 0
    (tmp_path / "scans" / "extra.txt").write_bytes(noise())
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "scans")
    code, out, _ = ddlab("data", "check", archive, "--json")
    told = json.loads(out)
    assert code == 0 and "ddlab data add" in told["note"] and told["report"]["kind"] == "volumes"
    assert [finding["name"] for finding in told["report"]["findings"]] == ["extra.txt"]
