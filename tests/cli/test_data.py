"""Drawn scans written from the command line, and read back from there."""

import json

import pytest


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
