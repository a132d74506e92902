"""Other packages add data sets, networks, strategies, analyses, recipes; what they get wrong is named and left out."""

import json
import os
import re
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

import ddlab
from ddlab.experiment import parse_experiment
from ddlab.figures.colors import SPARE
from ddlab.fingerprint import fingerprint
from ddlab.recipes import RECIPES, title
from ddlab.registry import Entry
from ddlab.registry.analyses import ANALYSES, PAGES
from ddlab.registry.datasets import DATASETS
from ddlab.registry.entry_points import LeftOut, Registry
from ddlab.registry.models import MODELS
from ddlab.registry.strategies import RESERVED, STRATEGIES
from ddlab.registry.views import VIEWS
from tests.made_run import made_run
from tests.registry.plugin import LEFT_OUT, install

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
REGISTRIES = {"datasets": DATASETS, "models": MODELS, "strategies": STRATEGIES, "analyses": ANALYSES}
REGISTRIES |= {"recipes": RECIPES, "views": VIEWS}
ADDED = {"datasets": "stripes", "models": "tiny", "strategies": "surest", "analyses": "epochs", "recipes": "striped"}
ADDED |= {"views": "count"}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return install(tmp_path_factory.mktemp("site"))


@pytest.fixture
def installed(site, monkeypatch):
    """The package is there in this process, too; afterwards registries have forgotten it."""
    monkeypatch.syspath_prepend(str(site))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LeftOut)
        for registry in REGISTRIES.values():
            registry.__dict__.pop("_found", None)
        yield
    for registry in REGISTRIES.values():
        registry.__dict__.pop("_found", None)
    for name in [name for name in sys.modules if name.startswith("their_package")]:
        del sys.modules[name]


def command(site, home, *arguments):
    paths = os.pathsep.join([str(ROOT), str(site)])
    environment = {**os.environ, "PYTHONPATH": paths, "DDLAB_HOME": str(home), "NO_COLOR": "1"}
    line = [sys.executable, "-m", "ddlab", *arguments]
    return subprocess.run(line, cwd=home.parent, env=environment, capture_output=True, text=True, timeout=200)


@pytest.mark.parametrize("name", REGISTRIES)
def test_ours_come_first_and_theirs_after(installed, name):
    registry = REGISTRIES[name]
    assert list(registry) == [*registry.own, ADDED[name]] and len(registry) == len(registry.own) + 1
    assert registry[ADDED[name]] is registry.added[ADDED[name]] and ADDED[name] in registry
    added = registry[ADDED[name]]
    assert callable(added.load() if isinstance(added, Entry) else added)
    with pytest.raises(KeyError):
        registry["nobody's"]


@pytest.mark.parametrize("name", REGISTRIES)
def test_what_cannot_be_used_is_named_with_its_package_and_reason(installed, name):
    assert len(REGISTRIES[name].left_out) == len(LEFT_OUT[name])
    for entry, reason in LEFT_OUT[name].items():
        (said,) = (line for line in REGISTRIES[name].left_out if entry in line)
        assert f"ddlab.{name}: {entry} of their-package 1.5 is left out" in said and reason in said


def test_a_name_of_ours_stays_ours(installed):
    assert DATASETS["digits"].title == "Digits" and ddlab.recipe("demo").name == "demo"


def test_every_fault_is_warned_of_once(site, monkeypatch):
    monkeypatch.syspath_prepend(str(site))
    registry = Registry("ddlab.models", {"own": Entry("Own", "Ours.", "x:y")}, Entry)
    with pytest.warns(LeftOut) as warned:
        list(registry)
    assert sorted(str(warning.message) for warning in warned) == sorted(registry.left_out)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert list(registry) == ["own", "tiny"]


def test_our_own_names_need_no_look_at_other_packages(monkeypatch):
    monkeypatch.setattr("ddlab.registry.entry_points.entry_points", lambda **_: pytest.fail("looked"))
    registry = Registry("ddlab.models", {"own": Entry("Own", "Ours.", "x:y")}, Entry)
    assert registry["own"].title == "Own" and "own" in registry


def test_two_packages_with_one_name(tmp_path, monkeypatch):
    for number, package in enumerate(("first", "second")):
        info = tmp_path / f"{package}-{number}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1\n")
        (info / "entry_points.txt").write_text("[ddlab.models]\nsame = ddlab.registry.models:ONE\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("ddlab.registry.models.ONE", Entry("One", "One.", "x:y"), raising=False)
    registry = Registry("ddlab.models", {}, Entry)
    with pytest.warns(LeftOut, match="another package has that name"):
        assert list(registry) == ["same"]


def test_an_experiment_of_theirs_is_checked_and_planned(installed):
    asked = ddlab.Experiment().with_settings(
        {"dataset.name": "stripes", "model.name": "tiny", "strategies": ["surest"]}
    )
    assert ddlab.networks(asked)[0] is not None
    with pytest.raises(ddlab.ExperimentError, match="did you mean 'stripes'"):
        ddlab.Experiment().with_settings({"dataset.name": "stripe"})


def test_a_recipe_of_theirs_is_asked_for_like_ours(site, tmp_path, installed):
    asked = ddlab.recipe("striped")
    assert asked.strategies == ("average", "surest") and title("striped") == "Stripes, decided by whoever is surest."
    done = command(site, tmp_path / "home", "recipes", "striped", "--json")
    assert done.returncode == 0 and parse_experiment(json.loads(done.stdout)) == asked
    with pytest.raises(ValueError, match="did you mean 'striped'"):
        ddlab.recipe("stripd")


@pytest.mark.slow
def test_trained_by_the_command_line(site, tmp_path, installed, monkeypatch):
    home = tmp_path / "home"
    done = command(site, home, "train", "striped", "--workers", "1", "--set", "surest.power=2", "--json")
    assert done.returncode == 0, done.stderr
    came_to = json.loads(done.stdout)
    assert came_to["strategies"]["surest"]["title"] == "The surest"
    assert came_to["strategies"]["surest"]["validation"] is not None
    monkeypatch.setenv("DDLAB_HOME", str(home))
    run = ddlab.run("latest")
    (own,) = run.experiment.model_extra.values()
    assert own.power == 2
    said = run.path / "stages" / "surest" / "seed0" / "predictions.npz"
    assert said.exists()
    assert run.tables["epochs"] == "Epochs of every network of the run. Settings: least."
    assert list(run.table("epochs", least=1)["stage"]) == ["local"]
    assert run.figure("confusion", strategy="surest").layout.title.text.startswith("The surest")
    assert run.figure("accuracy").data[0].marker.color[-1] == SPARE[0]


def test_their_data_sets_and_networks_go_through_the_contracts(site, tmp_path):
    paths = os.pathsep.join([str(ROOT), str(site)])
    files = ["tests/contracts/test_data_sets.py", "tests/contracts/test_models.py"]
    line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--basetemp", str(tmp_path / "theirs")]
    done = subprocess.run(
        [*line, *files, "-k", "stripes or tiny"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stdout
    assert "s" not in done.stdout.split()[0] and done.stdout.count(".") > 30, "all were tried"


def test_settings_of_their_own_are_checked_like_ours(installed):
    asked = ddlab.Experiment().with_settings({"strategies": ["surest"], "surest.power": 3})
    assert asked.model_dump()["surest"] == {"power": 3} and ddlab.Experiment().model_extra == {}
    assert parse_experiment(asked.model_dump(mode="json")) == asked
    assert asked.with_settings({"strategies": ["average"]}).model_extra == {}
    for settings, message in (
        ({"surest.power": 0}, "surest.power: must be greater than 0, got 0"),
        ({"surest.pover": 2}, "did you mean 'power'"),
    ):
        with pytest.raises(ddlab.ExperimentError, match=message):
            asked.with_settings(settings)
    one, two = (fingerprint(asked.with_settings({"surest.power": power}).model_dump()) for power in (1, 2))
    assert one != two
    with pytest.raises(LookupError, match="no strategy of average"):
        ddlab.Experiment().with_settings({"strategies": ["average"]}).own(type(asked.model_extra["surest"]))


def test_settings_that_cannot_be_loaded_harm_no_other_experiment(installed, monkeypatch):
    broken = replace(STRATEGIES["surest"], own="their_package.nowhere:Settings")
    monkeypatch.setitem(STRATEGIES.added, "surest", broken)
    assert ddlab.Experiment().with_settings({"training.epochs": 3}).training.epochs == 3
    for ask in (ddlab.Experiment().with_settings, parse_experiment):
        with pytest.raises(ddlab.ExperimentError, match="the settings of 'surest' cannot be loaded"):
            ask({"strategies": ["surest"]})


def test_the_form_draws_settings_of_their_own(installed, home):
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=100)
    page.switch_page("pages/train.py").run()
    assert not any(widget.key.endswith("/surest.power") for widget in page.number_input)
    chosen = page.multiselect[[widget.label for widget in page.multiselect].index("Strategies")]
    chosen.set_value(["average", "surest"]).run()
    assert not page.exception
    (power,) = (widget for widget in page.number_input if widget.key.endswith("/surest.power"))
    assert power.value == 1 and any("**The surest**" in text.value for text in page.markdown)


def below(page: str, monkeypatch, **query: str):
    """The part of their analysis below a page that its entry names, and the page."""
    monkeypatch.setitem(ANALYSES.added, "epochs", replace(ANALYSES["epochs"], page=page))
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=100)
    at.query_params.update(query)
    at.switch_page(f"pages/{page}.py").run()
    assert not at.exception, at.exception[0].stack_trace
    (part,) = (expander for expander in at.main.expander if expander.label == "Epochs")
    return part, at


def test_a_page_shows_their_analysis_with_its_figure(installed, monkeypatch):
    part, at = below("compare", monkeypatch, run=made_run().id)
    assert "How many epochs" in part.caption[0].value and len(part.get("plotly_chart")) == 1
    at.session_state["added epochs menu"] = True  # its table is made when the menu is opened
    (part,) = (expander for expander in at.run().main.expander if expander.label == "Epochs")
    assert list(part.dataframe[0].value.columns) == ["stage", "epoch"]


@pytest.mark.parametrize(
    ("page", "stopped"),
    [
        ("compare", "No strategy has a result yet"),
        ("probabilities", "No strategy has decided yet"),
        ("cam", "no weights to look into"),
        ("composition", "Nothing is composed in this run"),
        ("trust_region", ""),  # it begins with the playground, which asks for no run
    ],
)
def test_their_analysis_stands_below_a_page_that_has_nothing_to_show(page, stopped, installed, monkeypatch):
    run = made_run("queued")
    part, at = below(page, monkeypatch, run=run.id)
    assert any(stopped in info.value for info in at.info) or not stopped
    assert part.info[0].value == "Nothing was trained."
    assert "is left out" in at.main.caption[-1].value  # so does what cannot be used


def test_their_analysis_is_not_drawn_of_a_run_that_cannot_be_read(installed, monkeypatch):
    run = made_run("queued")
    (run.path / "experiment.json").write_text("{}")
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=100)
    page.query_params["run"] = run.id
    page.switch_page("pages/compare.py").run()
    assert not page.exception and "damaged" in page.error[0].value
    assert "Epochs" not in [part.label for part in page.main.expander]


def test_what_breaks_in_their_analysis_is_told_and_the_page_goes_on(installed, monkeypatch, caplog):
    monkeypatch.setattr("their_package.epochs.epochs", lambda run: 1 / 0)
    part, at = below("compare", monkeypatch, run=made_run().id)
    assert part.warning[0].value == "ZeroDivisionError: division by zero" and "Traceback" in caplog.text
    assert at.dataframe[0].value["title"].tolist()[0] == "Global network"


def test_an_analysis_may_name_the_pages_that_look_at_a_run():
    source = (
        (ROOT / "pages" / "ui" / "navigation.py")
        .read_text(encoding="utf-8")
        .partition('"Look": [')[2]
        .partition("]")[0]
    )
    assert re.findall(r'_page\("(\w+)"', source) == list(PAGES)
    for entry in ANALYSES.own.values():
        entry.check()


def test_no_name_of_a_strategy_is_a_part_of_an_experiment():
    assert set(ddlab.Experiment.model_fields) <= {*RESERVED, *STRATEGIES.own}


def test_a_lesson_shows_their_view(installed, monkeypatch, own_home):
    block = "# One\n\n```view\nview: count\n```\n\nText after it.\n"
    front = "---\ntitle: Theirs\nsummary: A view of theirs.\nminutes: 1\nruns: [example]\n---\n"
    (own_home / "lessons").mkdir(parents=True)
    (own_home / "lessons" / "theirs.md").write_text(front + block, encoding="utf-8")
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=100)
    page.query_params.update({"lesson": "theirs", "at": "1"})
    page.switch_page("pages/lessons.py").run()
    told = [text.value for text in page.markdown]
    assert not page.exception and "example is theirs" in told and any("Text after it" in text for text in told)


def test_pages_name_what_is_left_out(installed):
    page = AppTest.from_file(str(ROOT / "app.py"), default_timeout=100).run()
    assert not page.exception
    told = page.main.caption[-1].value.replace("\\", "")  # Markdown's signs are escaped
    assert told.count("is left out") == sum(map(len, LEFT_OUT.values())) and "nowhere" in told, told


@pytest.mark.parametrize("name", ["datasets", "models", "strategies", "recipes"])
def test_the_command_line_lists_theirs_and_names_what_is_left_out(site, tmp_path, name):
    done = command(site, tmp_path / "home", name, "--json")
    assert done.returncode == 0, done.stderr
    assert ADDED[name] in [entry["name"] for entry in json.loads(done.stdout)]
    assert len(done.stderr.splitlines()) == len(LEFT_OUT[name]), done.stderr
    for entry, reason in LEFT_OUT[name].items():
        assert entry in done.stderr and reason in done.stderr
