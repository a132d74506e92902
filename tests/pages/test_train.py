"""The Train page: the form is made from the schema, faults are named beside their field, and Train launches."""

import json
import shlex
from dataclasses import replace

import pytest
import yaml

from ddlab.cli.train import find_experiment, parse_setting
from ddlab.experiment import Experiment, PlacementSettings, parse_experiment
from ddlab.experiment.base import Settings
from ddlab.problem import pose
from ddlab.recipes import RECIPES
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import list_runs
from pages.ui.making import form
from pages.ui.making.plan import command_line, examine
from pages.ui.making.source import overrides
from tests.made_run import made_experiment, made_run


def fields(model=Experiment, prefix=""):
    """Paths of all fields of the schema, and whether each is advanced."""
    for name, info in model.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, Settings):
            yield from fields(info.annotation, f"{name}.")
        else:
            yield prefix + name, (info.json_schema_extra or {})["advanced"]


def widgets(test):
    kinds = (test.selectbox, test.multiselect, test.number_input, test.text_input, test.toggle)
    return {
        widget.key.rpartition("/")[2]: widget for kind in kinds for widget in kind if widget.key and "/" in widget.key
    }


def shown_yaml(test):
    return yaml.safe_load(next(code.value for code in test.code if code.language == "yaml"))


def said(command):
    """The recipe or file and the settings that a command names."""
    _, _, what, *options = shlex.split(command)
    return what, dict(parse_setting(text) for text in options if text != "--set")


def train_button(test):
    return next(button for button in test.button if button.label == "Train")


def where_choice(test):
    return next(radio for radio in test.radio if radio.label == "Where")


def meant_elsewhere(path):
    """Fields that mean nothing to drawn images and the default strategies."""
    other_strategies = ("coherent.", "transfer.", "composed.", "trust_region.", "apts.", "descent.")
    other_strategies += ("pipeline.", "layerwise.", "delayed.", "gabra.")
    other_machines = ("placement.engine", "placement.machines", "placement.rendezvous", "slurm.")
    odd_data = ("dataset.path", "dataset.volume", "dataset.window")
    return path.startswith((*odd_data, *other_strategies, *other_machines))


@pytest.fixture(autouse=True)
def no_slurm(monkeypatch):
    """A machine without SLURM, whether this one has it or not."""
    monkeypatch.setattr("pages.ui.making.where.available", lambda: False)


@pytest.mark.parametrize("with_advanced", [False, True])
def test_the_form_has_every_field_that_matters(with_advanced, open_page):
    test = open_page("train")
    test.toggle("advanced").set_value(with_advanced).run()
    assert not test.exception
    wanted = {path for path, advanced in fields() if with_advanced or not advanced}
    assert set(widgets(test)) == {path for path in wanted if not meant_elsewhere(path)}


def test_a_field_appears_where_it_matters(monkeypatch, open_page):
    uses = {"global": ("coherent",), "average": ("transfer",), "adam": ("aggregator",)}
    shown = {name: replace(entry, settings=uses.get(name, ())) for name, entry in STRATEGIES.items()}
    monkeypatch.setattr("ddlab.registry.strategies.STRATEGIES", shown)
    test = open_page("train", dataset="folder")
    test.toggle("advanced").set_value(True).run()
    assert not test.exception
    drawn = {path.split(".")[0] for path in widgets(test)}
    assert {"coherent", "transfer"} <= drawn and "aggregator" not in drawn
    assert {"dataset.path", "transfer.learning_rate"} <= set(widgets(test))


@pytest.mark.parametrize("recipe", RECIPES)
def test_an_untouched_form_gives_the_recipe_back(recipe, open_page):
    test = open_page("train", recipe=recipe)
    if examine(RECIPES[recipe]().model_dump(mode="json")).faults:
        assert train_button(test).disabled, "the data are not here, so it cannot be trained"
    assert parse_experiment(shown_yaml(test)) == RECIPES[recipe]()
    assert any(code.value == f"ddlab train {recipe}" for code in test.code)


def test_what_is_typed_reaches_the_experiment_and_the_command(open_page):
    test = open_page("train", recipe="demo")
    drawn = widgets(test)
    drawn["training.epochs"].set_value(3)
    drawn["decomposition.grid"].set_value("2×4")
    drawn["aggregator.hidden"].set_value("32, 16")
    test.run()
    asked = parse_experiment(shown_yaml(test))
    assert (asked.training.epochs, asked.decomposition.grid, asked.aggregator.hidden) == (3, (2, 4), (32, 16))
    command = next(code.value for code in test.code if code.language == "bash")
    assert "training.epochs=3" in command and "decomposition.grid=[2, 4]" in command


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("decomposition.grid", "5×5", "32 is not divisible by 5"),
        ("decomposition.overlap", "99", "overlap 99 px does not fit"),
        ("decomposition.grid", "two", "decomposition.grid"),
        ("seeds", "1, 1", "seeds: needs different numbers"),
        ("placement.workers", 4096, "placement.workers"),
        ("strategies", [], "strategies"),
    ],
)
def test_a_fault_names_its_field_and_disables_train(path, value, says, open_page):
    test = open_page("train", recipe="demo")
    widgets(test)[path].set_value(value).run()
    assert not test.exception
    assert any(says in error.value for error in test.error)
    assert train_button(test).disabled


def test_values_survive_the_switch_to_basic(open_page):
    test = open_page("train", recipe="demo")
    test.toggle("advanced").set_value(True).run()
    widgets(test)["training.weight_decay"].set_value(0.25).run()
    test.toggle("advanced").set_value(False).run()
    assert shown_yaml(test)["training"]["weight_decay"] == 0.25


def test_start_over_forgets_changes(open_page):
    test = open_page("train", recipe="demo")
    widgets(test)["training.epochs"].set_value(3).run()
    next(button for button in test.button if button.label == "Start over").click().run()
    assert parse_experiment(shown_yaml(test)) == RECIPES["demo"]()


def test_link_from_decompose(open_page):
    link = {"dataset": "digits", "size": "16", "grid": "2x2", "overlap": "2", "border": "shift", "width": "0.5"}
    asked = parse_experiment(shown_yaml(open_page("train", model="vgg3", reduction="1/N", **link)))
    assert (asked.dataset.name, asked.dataset.size) == ("digits", 16)
    assert (asked.decomposition.overlap, asked.decomposition.border) == (2, "shift")
    assert (asked.model.name, asked.model.width, asked.model.reduction) == ("vgg3", 0.5, "1/N")


def test_link_from_decompose_with_volumes(open_page):
    link = {"dataset": "ct_phantom", "volume": "32x32x16", "grid": "2x2x2", "overlap": "2x2x0"}
    asked = parse_experiment(shown_yaml(open_page("train", **link)))
    assert asked.dataset.volume == (32, 32, 16)
    assert (asked.decomposition.grid, asked.decomposition.overlap) == ((2, 2, 2), (2, 2, 0))


def test_a_run_is_duplicated(open_page):
    run = made_run(experiment=made_experiment(seeds=[3, 4]))
    asked = parse_experiment(shown_yaml(open_page("train", **{"from": run.id})))
    assert asked == run.experiment


@pytest.mark.parametrize("link", [{"from": "nobody"}, {"grid": "2x2x2x2"}, {"dataset": "nothing"}, {"layout": "nin"}])
def test_a_link_that_cannot_be_followed_says_so(link, open_page):
    test = open_page("train", **link)
    assert any("cannot be followed" in warning.value for warning in test.warning)
    assert not train_button(test).disabled


def test_train_makes_a_run_and_launches_it(open_page, monkeypatch):
    launched = []
    monkeypatch.setattr("pages.ui.runs.live.launch", launched.append)
    test = open_page("train", recipe="demo")
    train_button(test).click().run()
    assert [run.id for run in launched] == [list_runs()[0].id]
    assert launched[0].experiment == RECIPES["demo"]()
    assert launched[0].command == "ddlab train demo"


def test_overrides_repeat_the_change():
    changed = RECIPES["demo"]().with_settings({"training.epochs": 3, "seeds": [5]})
    assert overrides(changed, "demo") == {"training.epochs": 3, "seeds": [5]}
    assert RECIPES["demo"]().with_settings(overrides(changed, "demo")) == changed
    for source in ("demo", "link"):  # of a link, the nearest recipe
        what, settings = said(command_line(changed, source))
        assert what == "demo" and find_experiment(what).with_settings(settings) == changed


@pytest.mark.parametrize("link", [{"dataset": "digits", "grid": "2x2", "overlap": "2"}, {"from": "run"}])
def test_the_command_of_a_link_runs_as_it_stands(link, open_page):
    """No file is asked for that was never written."""
    made = made_experiment(name="it's mine", training={"epochs": 2}, strategies=["trust_region"])
    link = {"from": made_run(experiment=made).id} if "from" in link else link
    test = open_page("train", **link)
    what, settings = said(next(block.value for block in test.code if block.value.startswith("ddlab train ")))
    assert find_experiment(what).with_settings(settings) == parse_experiment(shown_yaml(test))


def test_the_form_is_in_the_address(open_page):
    test = open_page("train", recipe="demo")
    widgets(test)["training.epochs"].set_value(7)
    widgets(test)["name"].set_value("a name & more")
    test.run()
    shown = dict(test.session_state["everything shown"])
    assert shown["recipe"] == "demo" and "training.epochs" in shown["settings"]
    again = open_page("train", **shown)
    assert shown_yaml(again) == shown_yaml(test)
    assert again.session_state["everything shown"] == shown
    next(button for button in again.button if button.label == "Start over").click().run()
    assert parse_experiment(shown_yaml(again)) == RECIPES["demo"]()


@pytest.mark.parametrize("text", ["[1, 2]", '{"training.epoch": 3}', '{"training.epochs": -1}', "{", "[" * 9999])
def test_settings_of_a_link_that_are_none_are_told(text, open_page):
    test = open_page("train", recipe="demo", settings=text)
    assert any("cannot be followed" in warning.value for warning in test.warning)
    assert parse_experiment(shown_yaml(test)) == RECIPES["demo"]()


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        ("decomposition.grid", [2, 4], "2×4"),
        ("decomposition.overlap", 3, "3"),
        ("aggregator.hidden", [128, 64], "128, 64"),
        ("dataset.window", [-1000.0, 400.5], "-1000, 400.5"),
        ("decomposition.boxes", None, ""),
        ("decomposition.boxes", [[[0, 8], [0, 8]]], "[[[0, 8], [0, 8]]]"),
    ],
)
def test_lists_are_written_as_people_do(path, value, text):
    assert form.written(path, value) == text


def test_the_grid_gets_the_axes_of_the_images(open_page):
    test = open_page("train", recipe="demo")
    drawn = widgets(test)
    drawn["decomposition.overlap"].set_value("2×0")
    drawn["training.epochs"].set_value(3)
    drawn["dataset.name"].set_value("ct_phantom").run()
    assert not test.exception and not test.error
    asked = parse_experiment(shown_yaml(test))
    assert (asked.decomposition.grid, asked.training.epochs) == ((2, 2, 1), 3)
    widgets(test)["decomposition.grid"].set_value("2×2").run()
    assert any("has 2 axes" in error.value for error in test.error), "what people type is theirs"
    widgets(test)["dataset.name"].set_value("digits").run()
    assert parse_experiment(shown_yaml(test)).decomposition.overlap == (2, 0), "what was typed for images is back"
    assert not test.error


@pytest.mark.parametrize(
    ("link", "count"),
    [
        ({"dataset": "shapes_local", "layout": "sixteen"}, 16),
        ({"dataset": "digits", "grid": "2x2", "layout": "centre", "overlap": "2", "border": "shift"}, 5),
        ({"dataset": "signals", "grid": "4", "overlap": "8"}, 4),
    ],
)
def test_a_decomposition_of_any_layout_is_taken_over(link, count, open_page):
    asked = parse_experiment(shown_yaml(open_page("train", **link)))
    assert len(pose(asked).decomposition) == count


def test_who_judges_can_be_chosen_or_typed(open_page):
    test = open_page("train", recipe="demo")
    for chosen in ("validation", "official", 0.2):
        widgets(test)["dataset.test"].set_value(chosen).run()
        assert not test.exception and not test.error
        assert parse_experiment(shown_yaml(test)).dataset.test == chosen


def test_a_typed_share_is_read_and_a_wrong_one_named_beside_its_field():
    assert examine(made_experiment({"test": "0.15"}).model_dump(mode="json")).faults == ""
    faults = examine({**made_experiment().model_dump(mode="json"), "dataset": {"test": "half"}}).faults
    assert faults.startswith("dataset.test: needs 'validation', 'official' or a share")


def test_the_first_image_is_shown_as_it_will_be_cut(open_page):
    def titles(test):
        return [json.loads(chart.proto.spec)["layout"]["title"]["text"] for chart in test.get("plotly_chart")]

    test = open_page("train", recipe="demo")
    (title,) = titles(test)
    assert title.startswith("Image 0") and title.endswith("4 subdomains")
    widgets(test)["decomposition.grid"].set_value("3x3").run()
    assert titles(test) == [], "32 px do not divide: nothing will happen yet"
    widgets(test)["decomposition.grid"].set_value("4x4").run()
    assert titles(test)[0].endswith("16 subdomains")
    assert titles(open_page("train", recipe="lesions")) == [], "volumes take long to be drawn"


# ---- a cluster


@pytest.fixture
def with_slurm(monkeypatch):
    monkeypatch.setattr("pages.ui.making.where.available", lambda: True)
    monkeypatch.setattr("ddlab.engine.submission.available", lambda: True)


def choose_slurm(open_page):
    test = open_page("train")
    test.toggle("advanced").set_value(True).run()
    assert not {path for path in widgets(test) if path.startswith("slurm.") or path == "placement.machines"}
    where_choice(test).set_value("slurm").run()
    assert not test.exception
    return test


def scripts(test):
    return [code.value for code in test.code if code.value.startswith("#!/bin/bash")]


def test_a_cluster_is_offered_where_there_is_one_with_the_script_that_it_is_sent(with_slurm, open_page):
    test = choose_slurm(open_page)
    drawn = widgets(test)
    assert {"placement.machines", "slurm.partition", "slurm.time", "slurm.directives"} <= set(drawn)
    drawn["placement.machines"].set_value(2)
    drawn["slurm.directives"].set_value("--mem=4G --constraint=a100").run()
    assert not test.exception and not train_button(test).disabled
    script = scripts(test)[0]
    assert "#SBATCH --nodes=2\n" in script and "#SBATCH --mem=4G\n#SBATCH --constraint=a100\n" in script
    assert not test.text_area and "2** machines" in " ".join(text.value for text in test.markdown)


def test_a_script_is_edited_where_the_server_lets_its_visitors(with_slurm, open_page, monkeypatch):
    monkeypatch.setenv("DDLAB_EDIT_SCRIPTS", "1")
    sent = []
    monkeypatch.setattr("ddlab.engine.submission.send", lambda script, *rest: sent.append(script.read_text()) or "7")
    test = choose_slurm(open_page)
    made = test.text_area[0].value
    test.text_area[0].set_value("echo nothing").run()
    train_button(test).click().run()
    assert any("must begin with the program" in error.value for error in test.error) and list_runs() == []
    edited = made.replace("python=", "module load cuda\npython=")
    test.text_area[0].set_value(edited).run()
    train_button(test).click().run()
    assert sent == [edited] and list_runs()[0].status()["job"] == {"id": "7"}


def captions(test):
    return " ".join(caption.value for caption in test.caption)


def test_the_form_says_where_it_would_work_and_why(monkeypatch, open_page):
    from ddlab.engine import devices
    from ddlab.engine.devices import Device

    gpus = [Device(f"cuda{n}", "cuda", f"GPU {n}", f"GPU-{n}{n}") for n in range(2)]
    monkeypatch.setattr(devices, "_gpus", lambda: gpus)
    monkeypatch.setattr(devices, "_gpu_load", lambda gpu: (0.5, 0.5, None))
    test = open_page("train", recipe="demo")
    assert "2 workers on all 2 GPUs: GPUs come before processor cores" in captions(test)
    assert "Free now." in captions(test)
    assert "NVIDIA GPUs (2 here)" in widgets(test)["placement.devices"].options
    assert "Apple GPU" not in " ".join(widgets(test)["placement.devices"].options)
    widgets(test)["placement.workers"].set_value(3).run()
    assert "3 workers on all 2 GPUs" in captions(test) and "gloo" in captions(test)
    assert not train_button(test).disabled and shown_yaml(test)["placement"] == {"workers": 3}


def test_partitions_are_those_that_the_cluster_tells(with_slurm, open_page, monkeypatch):
    from pages.ui.making import where

    where._partitions.clear()
    monkeypatch.setattr(where, "partitions", lambda: ["gpu", "long"])
    test = choose_slurm(open_page)
    where._partitions.clear()
    assert widgets(test)["slurm.partition"].options == ["gpu", "long"]
    assert "partition" not in str(shown_yaml(test).get("slurm")), "nothing is chosen unasked"
    widgets(test)["slurm.partition"].set_value("long").run()
    where._partitions.clear()
    assert shown_yaml(test)["slurm"]["partition"] == "long"
    assert "#SBATCH --partition=long\n" in scripts(test)[0]
    where_choice(test).set_value("here").run()
    assert "placement" not in shown_yaml(test) and not scripts(test)


def test_several_machines_are_a_choice_where_they_can_meet(open_page, monkeypatch):
    """The field by which they meet is theirs; here it is made up, as the values of the form."""
    from pages.ui.making import where
    from pages.ui.making.slot import Slot

    fields = PlacementSettings.model_fields
    slots = {name: Slot(f"placement.{name}", fields[name], fields[name].default, "x") for name in where.FIELDS}
    slots[where.MEETING] = replace(slots["engine"], path="placement.rendezvous", value="")
    drawn = {"machines": 2, "devices": "cpu", "workers": None, where.MEETING: "10.0.0.1:29500"}
    monkeypatch.setattr(where, "_place", lambda slots: where.SEVERAL)
    seen = []

    def draw(slot):
        seen.append(slot)
        return drawn[slot.path.removeprefix("placement.")]

    assert where.pick(slots, draw) == {"engine": "local", **drawn}
    assert next(slot.value for slot in seen if slot.path == "placement.machines") == 2, "two to begin with"
    monkeypatch.setattr(where, "_place", lambda slots: where.HERE)
    assert where.pick(slots, draw) == {
        "engine": "local",
        "machines": 1,
        where.MEETING: "",
        "devices": "cpu",
        "workers": None,
    }


def test_short_names_are_written_as_the_field_writes_them():
    from ddlab.experiment.strategies import DescentSettings
    from pages.ui.making.slot import Slot

    fields = DescentSettings.model_fields
    told = {name: Slot(f"descent.{name}", fields[name], fields[name].default, "x").label for name in fields}
    assert told["sgd_rate"] == "SGD rate" and told["adam_rate"] == "Adam rate"
