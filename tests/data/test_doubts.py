"""Doubts about scans of another kind: of their range, their header and their extents."""

import nibabel as nib
import numpy as np
import pytest

from ddlab.data.doubts import scan_doubts
from ddlab.data.nifti_file import to_nifti
from ddlab.data.source import Description

SPACING = (4.0, 4.0, 8.0)


def description(unit="HU", shape=(16, 16, 8), spacing=SPACING):
    return Description(("a", "b"), 1, shape, 1, 1, "made", "none", unit=unit, spacing=spacing)


def scan(tmp_path, low, high, spacing=SPACING, text=""):
    image = to_nifti(np.linspace(low, high, 16 * 16 * 8, dtype=np.float32).reshape(16, 16, 8), spacing)
    image.header["descrip"] = text
    nib.save(image, path := tmp_path / "scan.nii")
    return path


CT, MRI = (-1000, 1200), (0, 900)


@pytest.mark.parametrize(
    ("unit", "values", "text", "doubt"),
    [
        ("HU", CT, "", None),
        ("a.u.", MRI, "TE=2.9ms;TR=2300", None),
        ("HU", MRI, "", "none is that of air"),
        ("HU", (-1000, 60_000), "", "beyond what Hounsfield units are"),
        ("HU", CT, "T1w, TE=2.9ms", "describes magnetic resonance"),
        ("percentile", CT, "", "as Hounsfield units of a CT scan do"),
        ("percentile", MRI, "CT 120 kV", "describes computed tomography"),
        ("", (-3, 3), "", None),  # of standardised values nobody knows
    ],
)
def test_range_and_header_give_a_scan_of_another_kind_away(tmp_path, unit, values, text, doubt):
    doubts = scan_doubts(scan(tmp_path, *values, text=text), description(unit))
    assert len(doubts) == (doubt is not None) and all(doubt in told for told in doubts)


def test_extents_that_are_far_apart_are_told_in_millimetres(tmp_path):
    (told,) = scan_doubts(scan(tmp_path, *CT, spacing=(1.0, 1.0, 8.0)), description())
    assert told == "it shows 16×16×64 mm, the run's scans 64×64×64 mm"
    assert not scan_doubts(scan(tmp_path, *CT, spacing=(1.0, 1.0, 8.0)), description(spacing=()))


def test_a_picture_has_no_kind(tmp_path):
    assert scan_doubts(tmp_path / "me.png", description(shape=(16, 16), spacing=())) == ()
