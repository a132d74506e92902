"""One's own images from the browser: sent, reported on, kept without what is broken, and there to choose everywhere."""

import io
import zipfile

import pytest

from ddlab.data import own
from tests.data.test_own_images import write_zip
from tests.data.test_own_sets import BROKEN, pets
from tests.pages.test_train import train_button, widgets


def packed(contents):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return file.getvalue()


def shown(test):
    kinds = (test.markdown, test.caption, test.error, test.warning, test.success, test.info)
    return "\n".join(element.value.replace("\\", "") for kind in kinds for element in kind)


def press(test, label):
    return next(button for button in test.button if button.label.startswith(label)).click().run()


def keep(tmp_path, name="pets"):
    return own.keep(own.inspect(write_zip(tmp_path / "a.zip", {**pets(), **BROKEN})), name)


def test_from_a_zip_with_three_broken_files_to_the_plan(open_page, tmp_path):
    test = open_page("train")
    test = press(test, "Use your own")
    assert not test.error and "the plan appears here" in shown(test), "nothing is wrong yet"
    assert "dataset.path" in widgets(test), "also without the advanced settings, and at once"
    assert train_button(test).disabled
    test.file_uploader[0].set_value(("my pets.zip", packed({**pets(), **BROKEN}), "application/zip")).run()
    assert not test.exception
    assert all(f"**{name}** cannot be read" in shown(test) for name in BROKEN)
    assert "10 of 13 image files of 2 classes can be used" in shown(test) and own.kept() == []
    press(test, "Skip 3 files and keep 10")
    assert not test.exception and [entry.name for entry in own.kept()] == ["my-pets"]
    assert widgets(test)["dataset.name"].value == "own/my-pets" and "dataset.path" not in widgets(test)
    assert "6 training, 2 validation and 2 test images of 2 classes" in shown(test), "the plan"
    assert not train_button(test).disabled
    assert any("path: own/my-pets/images.zip" in code.value for code in test.code if code.language == "yaml")
    widgets(test)["dataset.name"].set_value("digits").run()
    assert not any("own/my-pets" in code.value for code in test.code), "its path does not outlive it"


def test_files_on_the_server_are_looked_through_and_named_as_a_link_needs_it(open_page, tmp_path, monkeypatch):
    monkeypatch.setenv("DDLAB_DATA", str(tmp_path))
    path = write_zip(tmp_path / "pets.zip", {**pets(), **BROKEN})
    test = press(open_page("train"), "Use your own")
    widgets(test)["dataset.path"].set_value(str(path)).run()
    assert "can be used" not in shown(test), "nobody has asked yet"
    press(test, "Look through these files")
    assert "10 of 13 image files of 2 classes can be used" in shown(test) and not test.exception
    assert any("path: pets.zip" in code.value for code in test.code if code.language == "yaml")
    widgets(test)["dataset.path"].set_value("/etc").run()
    press(test, "Look through these files")
    assert "in no folder that this server offers" in shown(test) and "can be used" not in shown(test)


def test_a_sweep_takes_files_that_are_sent_there(open_page):
    test = open_page("sweep")
    test.file_uploader[0].set_value(("my pets.zip", packed({**pets(), **BROKEN}), "application/zip")).run()
    press(test, "Skip 3 files and keep 10")
    images = next(box for box in test.selectbox if box.label == "Images")
    assert images.value == "my-pets" and not test.exception


def test_stop_keeps_nothing(open_page, own_home):
    test = open_page("decompose", dataset="folder")
    test.file_uploader[0].set_value(("pets.zip", packed({**pets(), **BROKEN}), "application/zip")).run()
    press(test, "Stop")
    assert "can be used" not in shown(test) and own.kept() == []
    assert list((own_home / "cache" / "incoming").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.zip", b"no zip", "cannot be read"),
        ("a.zip", packed({"../x.png": b""}), "leads out of the archive"),
        ("a.npz", packed({"images.npy": b""}), "needs one of"),
        ("a.zip", packed({"a.txt": b""}), "There are no image files in folders of their classes"),
        ("a.zip", packed({"cats/1.png": b""}), "Nothing can be trained"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(name, content, why, open_page):
    test = open_page("decompose", dataset="folder")
    test.file_uploader[0].set_value((name, content, "application/zip")).run()
    assert not test.exception and len(test.error) == 1 and why in shown(test)
    assert all(button.disabled for button in test.button if button.label.startswith(("Skip", "Keep")))


def test_a_kept_set_is_there_to_choose_and_goes_when_it_is_deleted(open_page, tmp_path):
    keep(tmp_path)
    test = open_page("decompose", dataset="own/pets", size="16", rows="2")
    assert "2 classes" in shown(test) and "3 that could not be read left out" in shown(test) and not test.error
    for link in ({"dataset": "own/pets"}, {"dataset": "folder", "path": "own/pets/images.zip"}):
        train = open_page("train", **link)
        assert widgets(train)["dataset.name"].value == "own/pets" and not train_button(train).disabled
    sweep = open_page("sweep", base_images="pets")
    assert "dataset.path" in sweep.code[0].value and "own/pets/images.zip" in sweep.code[0].value
    press(test, "Delete it")
    assert not test.exception and own.kept() == []
    assert open_page("train", dataset="own/pets").warning, "the link cannot be followed"
