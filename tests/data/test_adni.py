"""ADNI's layout: tables and folders of the archive, one scan a subject, what is missing and what is wrong."""

import shutil

import numpy as np
import pytest

from ddlab.data.cache import describe, load
from ddlab.experiment import DatasetSettings
from ddlab.registry.datasets import DATASETS
from tests.data.made_adni import DESCRIPTION, write, write_table

GROUPS = ["CN"] * 10 + ["AD"] * 10 + ["MCI"] * 4
SUBJECTS = [(f"{number:03d}_S_{number:04d}", group) for number, group in enumerate(GROUPS, 1)]
TABLE = "ADNI1_Annual_2_Yr_1.5T_11_22_2026.csv"


def settings(path=None, **others):
    return DatasetSettings(name="adni", path=path and str(path), volume=(8, 8, 8), **others)


def listing(asked):
    return DATASETS["adni"].load()().source(asked).listing


def subjects(asked, split):
    return [path.parents[3].name for path in listing(asked).paths[split]]


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "ADNI").mkdir()
    write(tmp_path / "ADNI", SUBJECTS)
    return tmp_path / "ADNI"


def test_one_scan_a_subject_the_first_by_date(folder):
    """The later scans are all 0 in their upper half, and have the smaller numbers."""
    dataset = load(settings(folder))
    assert dataset.description.classes == ("CN", "AD") and dataset.description.unit == "percentile"
    assert (len(dataset.train), len(dataset.validation)) == (16, 4)
    for split in (dataset.train, dataset.validation):
        assert (split.images[:, 0, :, :, -1].reshape(len(split), -1).mean(axis=1) > 60).all()
        assert np.bincount(split.labels).tolist() == [len(split) // 2] * 2


@pytest.mark.parametrize("test", ["validation", "official", 0.25])
@pytest.mark.parametrize("seed", [0, 7])
def test_no_subject_is_in_two_splits_and_each_has_its_group(folder, seed, test):
    asked = settings(folder, seed=seed, test=test)
    train, validation = subjects(asked, "train"), subjects(asked, "validation")
    assert sorted(train + validation) == sorted(subject for subject, group in SUBJECTS if group != "MCI")
    for split, names in (("train", train), ("validation", validation)):
        labels = [("CN", "AD").index(dict(SUBJECTS)[name]) for name in names]
        assert listing(asked).labels[split].tolist() == labels
    described = describe(asked)
    assert described.num_train + described.num_validation + described.num_test == 20


def test_another_seed_holds_out_others(folder):
    assert len({frozenset(subjects(settings(folder, seed=seed), "validation")) for seed in range(6)}) > 2


def test_stable_and_progressive_where_there_is_nothing_else(tmp_path):
    write(tmp_path, [(f"{number:03d}_S_0001", ("sMCI", "pMCI")[number % 2]) for number in range(12)])
    assert describe(settings(tmp_path)).classes == ("sMCI", "pMCI")


def nested(folder):
    """As it is where the zip was unpacked in a folder of that name, with the table beside it."""
    shutil.move(folder, folder.parent / "inner")
    folder.mkdir()
    shutil.move(folder.parent / "inner", folder / "ADNI")
    shutil.move(folder / "ADNI" / TABLE, folder / TABLE)


def plain_numbers(folder):
    rows = [line.replace('"I9', '"9') for line in (folder / TABLE).read_text().splitlines()]
    (folder / TABLE).write_text("\n".join(rows))


def two_tables(folder):
    lines = (folder / TABLE).read_text().splitlines()
    (folder / TABLE).write_text("\n".join(lines[:30]))
    (folder / "second.csv").write_text("\n".join([lines[0], *lines[20:]]))
    (folder / "ADNIMERGE.csv").write_text("RID,PTID,VISCODE\n2,002_S_0295,bl\n")  # another of ADNI's tables


def own_names(folder):
    """As some preprocessing leaves them: the image is known by its folder."""
    for path in sorted(folder.glob(f"*/{DESCRIPTION}/*/I*/*.nii")):
        path.rename(path.with_name("brain.nii"))


@pytest.mark.parametrize("change", [nested, plain_numbers, two_tables, own_names], ids=lambda f: f.__name__)
def test_layouts_that_are_met(folder, change):
    expected = subjects(settings(folder), "train")
    change(folder)
    assert subjects(settings(folder), "train") == expected


def test_older_downloads_have_the_series_in_the_folder(tmp_path):
    write(tmp_path, SUBJECTS, last_level="S{image}")
    assert describe(settings(tmp_path)).num_train == 16


def test_it_is_found_in_the_data_home(folder, monkeypatch):
    monkeypatch.setenv("DDLAB_DATA", str(folder.parent))
    assert describe(settings()).num_train == 16


# ---- what is missing, and what is wrong


def rows_of(folder):
    return [line.split(",") for line in (folder / TABLE).read_text().replace('"', "").splitlines()[1:]]


def no_table(folder):
    (folder / TABLE).unlink()


def no_scan(folder):
    for place in folder.glob("*_S_*"):
        shutil.rmtree(place)


def no_row(folder):
    write_table(folder / TABLE, rows_of(folder)[1:])


def other_subject(folder):
    rows = rows_of(folder)
    rows[0][1] = "999_S_9999"
    write_table(folder / TABLE, rows)


def no_number(folder):
    rows = rows_of(folder)
    rows[2][0] = "D77"
    write_table(folder / TABLE, rows)


def no_date(folder):
    rows = rows_of(folder)
    rows[2][9] = "spring"
    write_table(folder / TABLE, rows)


def two_rows(folder):
    rows = rows_of(folder)
    write_table(folder / TABLE, [*rows, [rows[0][0], rows[0][1], "AD", *rows[0][3:]]])


def two_scans(folder):
    path = next(folder.glob(f"*/{DESCRIPTION}/*/I*/*.nii"))
    shutil.copy(path, path.with_name(f"copy_{path.name}"))


def one_class(folder):
    write_table(folder / TABLE, [[*row[:2], "CN", *row[3:]] for row in rows_of(folder)])


WRONG = {
    no_table: r"adni: the CSV of the collection is not there; put it .* Image Data ID, Subject, Group, Acq Date$",
    no_scan: r"adni: .*ADNI/SUBJECT is not there; put what .*002_S_0295 .*adni.loni.usc.edu",
    no_row: rf"path: the scan ADNI_001_S_0001_.*_I9001.nii has no row in {TABLE}",
    other_subject: r"path: the scan ADNI_001_S_0001_.* of 001_S_0001 is one of 999_S_9999",
    no_number: rf"path: {TABLE}, line 4: needs an Image Data ID such as I118671, got 'D77'",
    no_date: rf"path: {TABLE}, line 4: needs an Acq Date such as 3/20/2015 or 2015-03-20, got 'spring'",
    two_rows: rf"path: {TABLE}, line 50: image I9001 has another row that differs",
    two_scans: r"path: there are two scans of image I90\d\d: ",
    one_class: r"path: .* has 0 volumes of class 'AD'; needs at least 2",
}


@pytest.mark.parametrize("damage", WRONG, ids=lambda damage: damage.__name__)
def test_what_is_missing_or_wrong_is_named(folder, damage):
    damage(folder)
    with pytest.raises(ValueError, match=f"^{WRONG[damage]}"):
        describe(settings(folder))
