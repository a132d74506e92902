"""What a visitor types, or sends as a link: folders that are not offered, and nonsense, end in a sentence."""

import pytest
from PIL import Image

from ddlab.data import cache
from ddlab.experiment import parse_experiment
from ddlab.runs import RunFolder, list_runs
from pages.ui.runs import live
from pages.ui.sweeps import many_runs
from tests.made_run import made_run
from tests.pages.test_train import train_button, widgets

ELSEWHERE = "no folder that this server offers"


@pytest.fixture
def untouched(monkeypatch):
    """Fails when data are described that the test does not allow."""

    def describe(settings):
        assert not settings.path, "a visitor's path was looked at"
        return real(settings)

    real = cache.describe
    for module in (
        "ddlab.problem",
        "ddlab.sweeps.decompositions",
        "pages.ui.making.dataset",
        "pages.ui.making.form",
        "pages.ui.making.source",
    ):
        monkeypatch.setattr(f"{module}.describe", describe)


def says(test):
    return " ".join(element.value for kind in (test.error, test.warning) for element in kind)


@pytest.mark.parametrize("path", ["/usr", "/proc", "../x", "~nosuchuser/x", "x" * 5000, "a\0b"])
@pytest.mark.parametrize("name", ["folder", "nifti", "mosmed"])
def test_a_link_to_a_folder_that_is_not_offered(name, path, open_page, untouched):
    decompose = open_page("decompose", dataset=name, path=path)
    train = open_page("train", dataset=name, path=path, layout="centre")
    filled = open_page("train", dataset=name, path=path)
    for test in (decompose, train, filled):
        assert "path: " in says(test) and not test.exception
    assert train_button(filled).disabled


def test_an_offered_folder_is_read(open_page, monkeypatch, tmp_path):
    for label in ("cat", "dog"):
        for number in range(4):
            path = tmp_path / "pets" / label / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (16, 16)).save(path)
    for variable, path in (("DDLAB_DATA", "pets"), ("DDLAB_FOLDERS", str(tmp_path / "pets"))):
        monkeypatch.setenv(variable, str(tmp_path))
        test = open_page("decompose", dataset="folder", path=path, size="16", rows="2")
        assert not test.error and any("2 classes" in text.value for text in test.markdown)
        monkeypatch.delenv(variable)
    assert ELSEWHERE in says(open_page("decompose", dataset="folder", path=str(tmp_path / "pets"), size="16"))


@pytest.mark.parametrize("page", ["sweep", "train"])
def test_the_experiment_of_a_run_from_elsewhere_is_not_begun_with(page, open_page, untouched):
    run = made_run()
    tree = {"name": "far", "dataset": {"name": "folder", "path": "/usr"}}
    far = RunFolder.create(parse_experiment(tree))
    link = {"sweep": {"base": "run", "run": far.id}, "train": {"from": far.id, "run": run.id}}[page]
    assert ELSEWHERE in says(open_page(page, **link))


def test_no_run_is_made_of_what_is_not_offered(monkeypatch):
    said = []
    monkeypatch.setattr("pages.ui.shell.refuse", said.append)
    asked = parse_experiment({"dataset": {"name": "folder", "path": "/usr"}})
    assert live.start(asked, "") is None
    assert ELSEWHERE in str(said[0]) and list_runs() == []


def test_runs_from_elsewhere_are_shown(open_page):
    far = RunFolder.create(parse_experiment({"name": "far", "dataset": {"name": "folder", "path": "/usr"}}))
    test = open_page("runs", run=far.id)
    assert test.header[0].value == "far" and not test.error


DIGITS, TAGGED, DEEP = ["9" * 5000, "9" * 5000 + ".0", "٣"], ["!!int a", "!!timestamp x"], ["[" * 3000, "&a [*a]"]
HOSTILE = ["2026-99-99", "{null: 1}", "\0", *DIGITS, *TAGGED, *DEEP]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:12])
def test_text_in_the_list_fields_is_refused_beside_them(text, open_page):
    test = open_page("train", recipe="demo")
    test.toggle("advanced").set_value(True).run()
    for path in ("decomposition.grid", "decomposition.overlap", "aggregator.hidden", "seeds", "training.rate_steps"):
        widgets(test)[path].set_value(text)
    test.run()
    assert not test.exception, test.exception[0].stack_trace
    assert text == "٣" or (test.error and train_button(test).disabled)
    assert all(len(error.value) < 500 for error in test.error)


def test_all_runs_of_a_sweep_are_offered_data(monkeypatch):
    run = RunFolder.create(parse_experiment({"name": "far", "dataset": {"name": "folder", "path": "/usr"}}))
    monkeypatch.setattr("pages.ui.selection.current_run", lambda: run)
    monkeypatch.setattr("pages.ui.selection.pick", lambda label, options, *_, **__: options[-1])
    monkeypatch.setattr("pages.ui.sweeps.many_runs.own.instead", lambda experiment, name: experiment)
    with pytest.raises(ValueError, match=ELSEWHERE):
        many_runs.pick_base("base", "demo")
