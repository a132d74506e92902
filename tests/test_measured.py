"""What docstrings say was measured is what is stored, and what is stored is of the recipes as they are."""

import inspect
import re
import statistics

import pytest

from benchmarks import measured, recipes
from ddlab.experiment import parse_experiment
from ddlab.fingerprint import fingerprint
from ddlab.recipes import RECIPES
from tests.made_run import made_experiment, made_run

ENTRIES = measured.read()
NUMBERS = {"validation_accuracy": 0.5, "train_accuracy": 0.5, "seconds": 3.0, "flops_by_rank": [1.0]}


def summary(*values):
    return {"mean": statistics.fmean(values), "sd": statistics.stdev(values) if values[1:] else None, "values": values}


def entry(**changes):
    row = {"validation": summary(0.9, 0.8)}
    made = {"fingerprint": "0" * 16, "settings": None, "seeds": [0, 1], "seconds": 39.2, "cores": 2, "busy": False}
    return made | {"machine": "made", "note": "", "strategies": {"global": row}} | changes


# ---- the docstrings of the recipes


@pytest.mark.parametrize("name", RECIPES)
def test_a_docstring_says_what_is_stored_and_nothing_else(name):
    """If this fails, run: python -m benchmarks.recipes --write."""
    recipe = RECIPES[name]
    assert measured.paragraphs(recipe) == measured.documented(recipe, ENTRIES.get(name))
    for text in measured.paragraphs(recipe):
        others = text.startswith(measured.BEGINS) or "paper" in text
        assert others or not re.search(r"±|\b0\.\d\d", text), "an accuracy that nobody refreshes"


@pytest.mark.parametrize("name", ENTRIES)
def test_what_is_stored_is_of_the_recipe_as_it_is(name):
    """If this fails, run: python -m benchmarks.recipes NAME --write; the recipe has changed since it was measured."""
    stored = ENTRIES[name]
    assert name in RECIPES
    assert stored.get("measured_before") or measured.is_current(name, stored)
    strategies = measured.asked(name, stored["settings"] or {}, stored["seeds"]).strategies
    assert set(stored["strategies"]) <= {measured.LOCAL, *strategies}


@pytest.mark.parametrize("name", ENTRIES)
def test_stored_means_are_those_of_their_seeds(name):
    stored = ENTRIES[name]
    for row in stored["strategies"].values():
        for numbers in (row[measure] for measure in row if measure in measured.MEASURES):
            assert stored.get("measured_before") or len(numbers["values"]) == len(stored["seeds"])
            if numbers["values"]:
                assert numbers["mean"] == pytest.approx(statistics.fmean(numbers["values"]))


# ---- the paragraph


def test_the_paragraph_says_seeds_time_and_what_judges():
    assert measured.paragraph(entry()) == "Measured (2 seeds, 39 s on two cores): ``global`` 0.850 ± 0.071."
    row = {"validation": summary(0.9), "balanced": summary(0.5), "test": summary(0.8)}
    one = entry(strategies={"local": {"validation": summary(0.4)}, "global": row}, seeds=[0], cores=1, busy=True)
    text = "Measured by balanced accuracy (one seed, 39 s on one busy core): local networks 0.400, ``global`` 0.500."
    assert measured.paragraph(one) == text
    del row["balanced"]
    assert measured.paragraph(one).startswith("Measured on test images (one seed, ")
    old = entry(measured_before="warm-up", seconds=None, settings={"training.epochs": 2}, note="as JPEG")
    text = "Measured before the warm-up with ``training.epochs=2`` (2 seeds, as JPEG): ``global`` 0.850 ± 0.071."
    assert measured.paragraph(old) == text


def test_lines_are_wrapped_as_in_a_docstring_and_numbers_stay_whole():
    row = {"validation": summary(0.9, 0.8)}
    text = measured.paragraph(entry(strategies=dict.fromkeys(["global", "average", "majority", "cnn_dnn"], row)))
    lines = text.splitlines()
    assert len(lines) == 2 and max(map(len, lines)) <= 116 and measured.HARD not in text
    assert all(line.count("``") == 2 * line.count("±") for line in lines)


@pytest.mark.parametrize(
    "docstring",
    ['"""A title."""', '"""A title.\n\n    Its text.\n    """', '"""A title.\n\n    Measured (old): 1.\n    """'],
)
def test_writing_puts_the_paragraph_last_and_writes_nothing_twice(docstring, tmp_path, monkeypatch):
    source = f"def other():\n    return 0\n\n\ndef made():\n    {docstring}\n    return 1\n"
    path = tmp_path / "made_recipe.py"

    def load():
        space = {}
        exec(compile(path.read_text(), str(path), "exec"), space)
        return space["made"]

    path.write_text(source)
    monkeypatch.setattr(inspect, "getsourcefile", lambda _: str(path))
    assert measured.write_docstring(load(), entry())
    written = path.read_text()
    assert load().__doc__.rstrip().endswith(measured.paragraph(entry())) and "(old)" not in written
    assert written.startswith("def other():\n    return 0\n") and written.endswith('\n    """\n    return 1\n')
    assert not measured.write_docstring(load(), entry()) and path.read_text() == written
    assert measured.write_docstring(load(), None) and "Measured" not in path.read_text()
    assert path.read_text() == (source if "Measured" not in docstring else source.replace(docstring, '"""A title."""'))


# ---- the entry of a run


def test_an_entry_has_every_seed_and_a_fingerprint(monkeypatch, tmp_path):
    run = made_run(seeds=(0, 1))
    made = measured.entry_of(run, {}, busy=False, note="made")
    values = [row["validation_accuracy"] for row in run.results() if row["stage"] == "average"]
    assert made["strategies"]["average"]["validation"]["values"] == values and len(values) == 2
    low, high = made["strategies"]["average"]["interval"]
    assert low < statistics.fmean(values) < high
    assert set(made["strategies"]) == set(run.experiment.strategies) and made["seconds"] >= 40
    assert made["fingerprint"] == fingerprint(run.experiment.model_dump(mode="json"))
    monkeypatch.setattr(measured, "FILE", tmp_path / "results" / "recipes.json")
    measured.store("demo", made)
    measured.store("classroom", entry())
    assert list(measured.read()) == ["classroom", "demo"] and measured.read()["demo"] == made


def test_test_accuracies_are_stored_where_a_run_has_them():
    run = made_run()
    for result in run.results():
        if result["stage"] == "global":
            run.stage("global", 0).write_result({**result, "test_accuracy": 0.75})
    stored = measured.entry_of(run, {}, busy=False)["strategies"]
    assert stored["global"]["test"]["values"] == [0.75] and "test" not in stored["average"]


def test_a_strategy_that_says_the_same_for_every_image_is_marked():
    run = made_run()
    for result in run.results():
        if result["stage"] == "global":
            run.stage("global", 0).write_result({**result, "one_class": 1.0})
    made = measured.entry_of(run, {}, busy=False)
    assert "⚠ same answer for all, ``average``" in " ".join(measured.paragraph(made).split())
    assert "⚠ same answer for all" in recipes.table({"demo": made})


def test_a_fingerprint_tells_what_decides_from_what_does_not():
    tree = made_experiment().model_dump(mode="json")
    known = fingerprint(tree)

    def changed(**parts):
        return fingerprint({**tree, **parts}) != known

    assert not changed(name="other", seeds=[5], placement={"workers": 2}, descent={"adam_rate": 7})
    assert not changed(training={**tree["training"], "a_newer_option": None}, a_newer_part={"weight": 0.0})
    assert changed(training={**tree["training"], "a_newer_option": 50})
    without = {path: value for path, value in tree["training"].items() if path not in ("subtract", "warm_up")}
    assert not changed(training={**without, "warm_up": tree["training"]["warm_up"]})  # its first choice
    assert changed(training=without) and changed(training={**tree["training"], "subtract": "image"})
    assert changed(training={**tree["training"], "epochs": 7}) and changed(strategies=["global"])
    assert fingerprint(parse_experiment(tree).model_dump(mode="json")) == known


# ---- the command


def test_what_is_stored_is_left_alone_and_what_was_interrupted_goes_on(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(measured, "FILE", tmp_path / "recipes.json")
    monkeypatch.setitem(RECIPES.own, "demo", lambda: made_experiment(name="demo"))
    monkeypatch.setattr(recipes.psutil, "cpu_percent", lambda interval: 0.0)
    run, done = made_run("cancelled", experiment=made_experiment()), []

    def command(words):
        done.append(words[words.index("ddlab") + 1 :])
        run.end("finished") if "wait" in words else None
        return {"state": run.state().state, "path": str(run.path)} if "wait" in words else {}

    for stage in run.experiment.strategies:
        run.stage(stage, 0).write_result({**NUMBERS, "stage": stage, "seed": 0})
    monkeypatch.setattr(recipes, "_command", command)
    assert recipes.main(["demo", "--seeds", "0"]) == 0
    assert done == [["resume", run.id], ["wait", run.id, "--json"]]
    assert "| `demo` | 0.500 [" in capsys.readouterr().out
    assert recipes.main(["demo", "--seeds", "0"]) == 0 and len(done) == 2
    assert "is stored already" in capsys.readouterr().err
    monkeypatch.setattr(recipes, "measure", lambda name, settings, seeds, note: entry(settings=settings, seeds=seeds))
    assert recipes.main(["demo", "--seeds", "0", "1", "--set", "training.epochs=3"]) == 0
    assert measured.read()["demo"]["settings"] == {"training.epochs": 3}


def test_ctrl_c_is_no_traceback(monkeypatch, tmp_path, capsys):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(measured, "FILE", tmp_path / "recipes.json")
    monkeypatch.setattr(recipes, "measure", interrupted)
    assert recipes.main(["pairs", "demo"]) == recipes.INTERRUPTED
    assert "the same command goes on" in capsys.readouterr().err and not measured.read()


def test_local_networks_are_measured_on_test_images_too():
    networks = [{"subdomain": k, "validation_accuracy": 0.4 + k / 10, "test_accuracy": 0.3} for k in range(4)]
    composable = made_experiment(strategies=["average", "composed_untrained"], model={"reduction": "1/N"})
    run = made_run(experiment=composable)
    for stage in ("local", "average", "composed_untrained"):
        run.stage(stage, 0).write_result({**NUMBERS, "stage": stage, "seed": 0, "networks": networks})
    found = measured.entry_of(run, {}, busy=False)["strategies"]["local"]
    assert found["validation"]["mean"] == pytest.approx(0.55) and found["test"]["mean"] == pytest.approx(0.3)


def test_a_recipe_that_fails_keeps_none_from_the_others(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(measured, "FILE", tmp_path / "recipes.json")

    def measure(name, *_):
        if name == "pairs":
            raise RuntimeError("pairs: failed")
        return entry()

    monkeypatch.setattr(recipes, "measure", measure)
    assert recipes.main(["pairs", "demo"]) == 1
    assert list(measured.read()) == ["demo"] and "pairs: failed" in capsys.readouterr().err
