"""Data sets of one's own: every file is looked at before a training, and what can be read is kept under a name."""

import io
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as budget
from hypothesis import strategies as st
from PIL import Image

from ddlab.data import own
from ddlab.data.cache import load
from ddlab.data.nifti_file import to_nifti
from ddlab.data.own import incoming, shelf
from ddlab.experiment import DatasetSettings
from tests.data.test_own_images import write_folder, write_tar, write_zip

rng = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _no_other_data(monkeypatch):
    monkeypatch.delenv("DDLAB_DATA", raising=False)  # whoever has data elsewhere keeps sets there: their paths differ


def noise(kind="PNG", size=(20, 16)):
    """An image like no other."""
    file = io.BytesIO()
    Image.fromarray(rng.integers(0, 256, (size[1], size[0], 3), np.uint8)).save(file, kind)
    return file.getvalue()


def pets(count=5):
    return {f"{label}/{n}.png": noise() for label in ("cats", "dogs") for n in range(count)}


def loaded(entry, **settings):
    return load(DatasetSettings(**entry.settings, **settings))


BROKEN = {"cats/cut.jpg": noise("JPEG", (64, 64))[:-900], "cats/empty.png": b"", "dogs/text.png": b"not an image"}


@pytest.mark.parametrize(
    ("name", "write"), [("pets", write_folder), ("pets.zip", write_zip), ("pets.tar.gz", write_tar)]
)
def test_every_broken_file_is_named_at_once(tmp_path, name, write):
    path = write(tmp_path / name, {**pets(), **BROKEN, "README.txt": b"hello", "loose.png": noise()})
    report = own.inspect(path).report
    assert {finding.name for finding in report.of("unreadable")} == set(BROKEN)
    why = {finding.name: finding.why for finding in report.findings}
    assert "0 bytes" in why["cats/empty.png"] and "truncated" in why["cats/cut.jpg"]
    assert {finding.name for finding in report.of("unused")} == {"README.txt", "loose.png"}
    assert [(count.name, count.found, count.usable) for count in report.classes] == [("cats", 7, 5), ("dogs", 6, 5)]
    assert report.sizes == ((16, 20),) * 3 and report.obstacle == ""


def test_images_in_two_classes_twice_and_odd_ones_are_named(tmp_path):
    contents = pets()
    first = contents["cats/0.png"]
    as_bmp = io.BytesIO()
    Image.open(io.BytesIO(first)).save(as_bmp, "BMP")
    contents |= {
        "cats/again.png": first,
        "dogs/the_same.bmp": as_bmp.getvalue(),
        "dogs/long.png": noise("PNG", (90, 9)),
    }
    flat = io.BytesIO()
    Image.new("RGB", (20, 20), (7, 7, 7)).save(flat, "PNG")
    contents |= {"dogs/flat.png": flat.getvalue(), "cats/flat.png": flat.getvalue()}
    report = own.inspect(write_zip(tmp_path / "a.zip", contents)).report
    assert [(finding.name, finding.problem) for finding in report.findings] == [
        ("dogs/the_same.bmp", "conflict"),
        ("cats/again.png", "twin"),
        ("cats/flat.png", "odd"),
        ("dogs/flat.png", "odd"),
        ("dogs/long.png", "odd"),
    ]
    assert "cats/0.png, of the class 'cats'" in report.of("conflict")[0].why
    assert "10\u00a0% of it" in report.of("odd")[2].why
    assert report.sizes == ((16, 20), (16, 20), (9, 90)), "the smallest, the middle and the largest by their pixels"


@budget(max_examples=12, deadline=None)
@given(are_broken=st.lists(st.booleans(), min_size=12, max_size=12), has_splits=st.booleans())
def test_what_is_kept_is_what_can_be_read(tmp_path_factory, are_broken, has_splits):
    top = "train/" if has_splits else ""
    names = [f"{top}{label}/{n}.png" for n in range(6) for label in ("a", "b")]
    contents = {name: b"x" if is_broken else noise() for name, is_broken in zip(names, are_broken, strict=True)}
    if has_splits:
        contents |= {f"val/{label}/{n}.png": noise() for label in ("a", "b") for n in range(2)}
    inspection = own.inspect(write_zip(tmp_path_factory.mktemp("sent") / "a.zip", contents))
    broken = {name for name, is_broken in zip(names, are_broken, strict=True) if is_broken}
    assert {finding.name for finding in inspection.report.of("unreadable")} == broken
    good = len(contents) - len(broken)
    assert inspection.report.num_usable == good
    name = shelf.proposed_name("a.zip")
    if inspection.report.obstacle:
        with pytest.raises(ValueError, match="path: "):
            own.keep(inspection, name)
        assert name not in [entry.name for entry in own.kept()]
    else:
        dataset = loaded(own.keep(inspection, name), size=16)
        assert len(dataset.train) + len(dataset.validation) == good


def test_a_class_of_which_nothing_is_left_is_no_silent_loss(tmp_path):
    contents = {**pets(), "owls/1.png": b"x", "owls/2.png": b""}
    inspection = own.inspect(write_zip(tmp_path / "a.zip", contents))
    assert inspection.report.obstacle == "none of the 2 files of class 'owls' can be read"
    with pytest.raises(ValueError, match="class 'owls'"):
        own.keep(inspection, "birds")
    assert own.kept() == []


def test_kept_under_a_name_once_and_deleted_with_what_was_decoded(tmp_path, own_home):
    inspection = own.inspect(write_zip(tmp_path / "a.zip", {**pets(), **BROKEN}))
    entry = own.keep(inspection, "pets")
    assert entry.settings == {"name": "folder", "path": "own/pets/images.zip"}, "below the data home, as in a command"
    assert [(one.name, one.report) for one in own.kept()] == [("pets", inspection.report)], "the report is beside it"
    assert entry.content.is_relative_to(own_home / "data")
    loaded(entry, size=16)
    with pytest.raises(ValueError, match="there is a data set 'pets' already"):
        own.keep(inspection, "pets")
    with pytest.raises(ValueError, match="did you mean 'pets'"):
        own.delete("pet")
    caches = own_home / "cache"
    assert [path for path in caches.iterdir() if path.is_dir()]
    own.delete("pets")
    assert own.kept() == [] and not [path for path in caches.iterdir() if path.is_dir()]
    assert list(shelf.shelf().iterdir()) == []


def test_a_copy_that_is_ended_leaves_nothing(tmp_path):
    inspection = own.inspect(write_zip(tmp_path / "a.zip", pets()))

    def ends(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        own.keep(inspection, "pets", ends)
    assert own.kept() == [] and list(shelf.shelf().iterdir()) == []


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", ".hidden", "a b", "x" * 61, "a\0", "-", "own\n"])
def test_names_that_are_refused(name):
    with pytest.raises(ValueError, match="name: needs 1 to 60 letters"):
        shelf.checked_name(name)


@given(st.text())
def test_any_text_gives_a_name(text):
    assert shelf.checked_name(shelf.proposed_name(text))


def test_no_more_is_kept_than_may_be(tmp_path, monkeypatch):
    inspection = own.inspect(write_zip(tmp_path / "a.zip", pets()))
    own.keep(inspection, "one")
    monkeypatch.setenv("DDLAB_MOST_BYTES", str(inspection.report.num_bytes * 3 // 2))
    with pytest.raises(ValueError, match="DDLAB_MOST_BYTES.*delete one first"):
        own.keep(inspection, "two")


# ---- volumes


def scan(shape=(6, 5, 4)):
    return to_nifti(rng.normal(size=shape).astype(np.float32), (1.0, 1.0, 2.0)).to_bytes()


def scans(count=3):
    names = [f"scans/{label}{n}.nii" for label in ("ill", "well") for n in range(count)]
    return {name: scan() for name in names}


def table(names, *more):
    rows = [f"{name.removeprefix('scans/')},{name.removeprefix('scans/').rstrip('.ni0123456789')}" for name in names]
    return "\n".join(["file,label,mask", *(f"{row}," for row in rows), *more]).encode()


def test_volumes_with_a_table_are_kept_as_a_folder_that_nifti_reads(tmp_path):
    files = scans()
    files |= {"scans/ill3.nii": scan()[:-30], "scans/extra.nii": scan(), "scans/ill4.nii": b""}
    files |= {"scans/masks/ill5.nii": scan((2, 2, 2)), "scans/ill5.nii": scan()}
    named = [name for name in files if "extra" not in name and "5" not in name]
    files["scans/labels.csv"] = table(named, "gone.nii,ill,", "ill5.nii,ill,masks/ill5.nii", "ill0.nii,well,")
    inspection = own.inspect(write_zip(tmp_path / "scans.zip", files))
    report = inspection.report
    assert report.kind == "volumes" and (report.num_found, report.num_usable) == (9, 6)
    why = {finding.name: finding.why for finding in report.of("unreadable")}
    assert set(why) == {
        *("scans/ill3.nii", "scans/ill4.nii", "scans/ill5.nii"),
        *("labels.csv, line 10", "labels.csv, line 12"),
    }
    assert "gone.nii" in why["labels.csv, line 10"] and "row before" in why["labels.csv, line 12"]
    assert "its mask has 2×2×2 voxels" in why["scans/ill5.nii"]
    assert [finding.name for finding in report.of("unused")] == ["scans/extra.nii"]
    entry = own.keep(inspection, "scans")
    assert entry.source == "nifti"
    data = loaded(entry)
    assert data.description.classes == ("ill", "well") and len(data.train) + len(data.validation) == 6


def test_volumes_in_class_folders_need_no_table(tmp_path):
    names = [f"{split}/{label}/{n}.nii" for split in ("train", "val") for label in ("a", "b") for n in range(2)]
    entry = own.keep(own.inspect(write_folder(tmp_path / "mine", {name: scan() for name in names})), "mine")
    data = loaded(entry)
    assert data.description.classes == ("a", "b") and (len(data.train), len(data.validation)) == (4, 4)


def test_odd_names_of_volumes_do_not_lead_out_of_their_folder(tmp_path):
    names = [f"{label}/{odd}{n}.nii" for label in ("a", "b") for n in range(2) for odd in ("con", "é\u202e", "x " * 90)]
    entry = own.keep(own.inspect(write_folder(tmp_path / "mine", {name: scan() for name in names})), "odd")
    kept = [path.name for path in entry.content.iterdir() if path.suffix == ".nii"]
    assert len(kept) == len(names) and all(name.isascii() and len(name) < 80 and " " not in name for name in kept)


# ---- arrays


@pytest.mark.parametrize("keys", [("images", "labels"), ("x_train", "y_train", "x_test", "y_test")])
def test_arrays_lose_the_images_that_are_no_numbers_from_0_to_1(tmp_path, keys):
    images, labels = rng.random((12, 6, 5, 3)).astype(np.float32), np.arange(12) % 2
    images[3, 0, 0, 0], images[4, 1], images[5] = np.nan, 2.5, 0.25
    arrays = dict(zip(keys, (images, labels, rng.random((4, 6, 5, 3)).astype(np.float32), labels[:4]), strict=False))
    np.savez_compressed(tmp_path / "a.npz", classes=["no", "yes"], foreign=np.zeros(9), **arrays)
    inspection = own.inspect(tmp_path / "a.npz")
    assert [finding.name for finding in inspection.report.of("unreadable")] == [f"{keys[0]}[3]", f"{keys[0]}[4]"]
    assert [finding.name for finding in inspection.report.of("odd")] == [f"{keys[0]}[5]"]
    entry = own.keep(inspection, "numbers")
    with np.load(entry.content, allow_pickle=False) as kept:
        np.testing.assert_array_equal(kept[keys[0]], np.delete(images, [3, 4], axis=0))
        np.testing.assert_array_equal(kept[keys[1]], np.delete(labels, [3, 4]))
        assert set(kept.files) == {*keys, "classes"} and kept["classes"].tolist() == ["no", "yes"]
    assert len(loaded(entry).train) == (8 if len(keys) == 2 else 10)


def test_pickled_arrays_are_refused(tmp_path):
    np.savez(tmp_path / "a.npz", images=np.array([{}] * 4), labels=np.arange(4) % 2)
    with pytest.raises(ValueError, match="objects of Python"):
        own.inspect(tmp_path / "a.npz")


# ---- what a browser sends


def test_a_folder_becomes_one_zip_and_a_zip_stays_as_it_is(tmp_path):
    contents = pets()
    sent = [(f"mine/{name}", io.BytesIO(content)) for name, content in contents.items()]
    path = incoming.receive("a", sent, 10**6)
    assert path.name == "mine.zip" and own.inspect(path).report.num_usable == 10
    packed = write_zip(tmp_path / "b.zip", contents).read_bytes()
    single = incoming.receive("b", [("my pets.ZIP", io.BytesIO(packed))], 10**6)
    assert (single.name, single.read_bytes()) == ("my_pets.ZIP", packed)
    assert incoming.receive("a", sent, 10**6) == path, "the same again is not written again"
    incoming.forget(path)
    assert not path.parent.exists() and single.exists()
    incoming.forget(tmp_path / "b.zip")
    assert (tmp_path / "b.zip").exists(), "only what was received is forgotten"


def test_too_much_is_refused(monkeypatch):
    with pytest.raises(ValueError, match="take 20 bytes together; at most 19 bytes"):
        incoming.receive("a", [("a/1.png", io.BytesIO(bytes(10))), ("a/2.png", io.BytesIO(bytes(10)))], 19)
    monkeypatch.setenv("DDLAB_MOST_FILES", "1")
    with pytest.raises(ValueError, match="2 files were sent; at most 1"):
        incoming.receive("a", [("a/1.png", io.BytesIO()), ("a/2.png", io.BytesIO())], 19)


EVIL = ["../x.png", "/etc/x.png", "a/../../x.png", "C:/x.png", "x/" * 2500]
NAMES = st.lists(
    st.one_of(
        st.text(max_size=12), st.sampled_from(["../x.png", "/etc/x.png", "a/../../x.png", "C:/x.png", "x/" * 2500])
    ),
    min_size=1,
    max_size=4,
)


@budget(max_examples=60, deadline=None)
@given(NAMES)
def test_whatever_names_are_sent_nothing_is_written_elsewhere(tmp_path_factory, names):
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DDLAB_HOME", str(folder / "home"))
        try:
            path = incoming.receive("key", [(name, io.BytesIO(noise())) for name in names], 10**6)
            assert path.resolve().is_relative_to(folder / "home" / "cache" / "incoming")
            own.inspect(path)
        except ValueError as refusal:
            assert str(refusal).startswith("path: ")
    assert [path.name for path in folder.iterdir()] in ([], ["home"])


@pytest.mark.parametrize("evil", ["../evil.png", "/evil.png", "cats/../../evil.png", "..\\evil.png"])
def test_members_that_lead_out_are_refused_with_a_sentence(tmp_path, evil):
    with pytest.raises(ValueError, match="leads out of the archive"):
        own.inspect(write_zip(tmp_path / "a.zip", {**pets(), evil: noise()}))


def test_a_member_that_is_larger_than_it_says_is_damaged(tmp_path):
    path = write_zip(tmp_path / "a.zip", pets())
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("cats/bomb.png", bytes(2**20))
    content = path.read_bytes()
    real = (2**20).to_bytes(4, "little")
    assert content.count(real) == 2, "in the member's header and in the list"
    path.write_bytes(content.replace(real, (99).to_bytes(4, "little")))
    assert [finding.name for finding in own.inspect(path).report.of("unreadable")] == ["cats/bomb.png"]
