"""The folder of the Decathlon's hippocampus task, with made volumes."""

import json

import nibabel as nib
import numpy as np

COUNT = 24


def write(folder, table=True):
    """Write boxes of tissue; number i has a mask of 2·(40 + i) voxels, half of them of either part."""
    rng = np.random.default_rng(0)
    for part in ("imagesTr", "labelsTr"):
        (folder / part).mkdir(parents=True)
    for number in range(COUNT):
        shape = tuple(rng.integers(14, 20, 3))
        mask = np.zeros(shape, np.uint8)
        inner = mask[2:-2, 2:-2, 2:-2]
        inner.flat[: 40 + number], inner.flat[40 + number : 2 * (40 + number)] = 1, 2
        mask[2:-2, 2:-2, 2:-2] = inner
        voxels = rng.normal(300, 60, shape).astype(np.float32) * 10.0 ** (number % 4) + 90 * (mask > 0)
        name = f"hippocampus_{number:03d}.nii.gz"
        nib.save(nib.Nifti1Image(voxels, np.eye(4)), folder / "imagesTr" / name)
        nib.save(nib.Nifti1Image(mask, np.eye(4)), folder / "labelsTr" / name)
    (folder / "imagesTr" / "._hippocampus_000.nii.gz").write_bytes(b"of another system")
    if table:
        write_table(folder, range(COUNT))


def write_table(folder, numbers):
    """Write the task's own table of its files."""
    names = [f"hippocampus_{number:03d}.nii.gz" for number in numbers]
    rows = [{"image": f"./imagesTr/{name}", "label": f"./labelsTr/{name}"} for name in names]
    (folder / "dataset.json").write_text(json.dumps({"name": "Hippocampus", "training": rows, "test": []}))
