"""A folder as the archive of ADNI gives it, with made scans."""

import csv

import nibabel as nib
import numpy as np

COLUMNS = (
    "Image Data ID,Subject,Group,Sex,Age,Visit,Modality,Description,Type,Acq Date,Format,Downloaded"  # as the archive's
).split(",")
DESCRIPTION = "MPR__GradWarp__B1_Correction__N3__Scaled"


def write(folder, subjects, *, last_level="I{image}"):
    """Write two scans a subject, the second of which is all 0 in its upper half; returns the rows of the table.

    Parameters
    ----------
    subjects
        Pairs of subject and group.
    last_level
        Name of the folder of an image: older downloads have the number of the series in it.
    """
    rng, rows = np.random.default_rng(0), []
    for number, (subject, group) in enumerate(subjects):
        for visit, date in (("sc", "4/18/2006"), ("m12", "11/2/2007")):
            image = 9000 + 10 * number + (visit == "sc")  # the later scan has the smaller number
            voxels = rng.integers(1, 800, (12, 14, 10)).astype(np.int16)
            voxels[..., 5:] *= visit == "sc"
            rows.append((f"I{image}", subject, group, "F", "75", visit, "MRI", "MPR", "Processed", date, "NiFTI", ""))
            month, day, year = date.split("/")
            place = (
                folder
                / subject
                / DESCRIPTION
                / f"{year}-{month:0>2}-{day:0>2}_08_20_30.0"
                / last_level.format(image=image)
            )
            place.mkdir(parents=True)
            name = f"ADNI_{subject}_MR_{DESCRIPTION}_Br_20070219173850420_S21856_I{image}.nii"
            nib.save(nib.Nifti1Image(voxels, np.diag([1.2, 1.0, 1.0, 1.0])), place / name)
    write_table(folder / "ADNI1_Annual_2_Yr_1.5T_11_22_2026.csv", rows)
    return rows


def write_table(path, rows):
    """Write rows as the archive does, every entry in quotes."""
    with path.open("w", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows([COLUMNS, *rows])
