"""Labels of runs: unlike each other, and made of what differs."""

import re

from ddlab.analyses.comparison.identity import run_labels, what_distinguishes, written
from ddlab.runs import RunFolder
from tests.made_run import made_experiment


def runs(*settings):
    return [RunFolder.create(made_experiment(**each)) for each in settings]


def test_runs_of_their_own_names_are_called_so():
    first, second = runs({}, {"name": "other", "training": {"epochs": 9}})
    assert run_labels([first, second]) == {first.id: "made", second.id: "other"}
    assert run_labels([first]) == {first.id: "made"} and run_labels([]) == {}


def test_runs_of_one_name_are_called_by_the_settings_that_few_have():
    rates = [0.1, 0.01, 0.001]
    found = run_labels(runs(*({"training": {"learning_rate": rate}} for rate in rates)))
    assert list(found.values()) == [f"learning rate {rate}" for rate in rates]
    usual, also, odd = runs({}, {}, {"decomposition": {"grid": [4, 4]}, "seeds": [0, 1]})
    told = what_distinguishes([usual, also, odd])
    assert told[odd.id] == "grid 4×4, seeds 0, 1" and "grid" not in told[usual.id] + told[also.id]


def test_runs_that_differ_in_nothing_are_called_by_their_time_or_by_their_id():
    early, late = runs({}, {})
    renamed = RunFolder(early.path.rename(early.path.with_name("20250102-030405-made")))
    told = run_labels([renamed, late])
    assert told[renamed.id] == "02.01. 03:04" and re.fullmatch(r"\d\d\.\d\d\. \d\d:\d\d", told[late.id])
    twins = runs({}, {}, {})
    labels = run_labels(twins)
    assert len(set(labels.values())) == 3, "made within a second"
    assert any(label == id for id, label in labels.items())


def test_a_shared_name_is_left_out_only_where_all_share_it():
    narrow, wide, other = runs({}, {"decomposition": {"grid": [4, 4]}}, {"name": "other"})
    labels = run_labels([narrow, wide, other])
    assert labels == {narrow.id: "made · grid 2×2", wide.id: "made · grid 4×4", other.id: "other"}


def test_a_name_that_looks_like_a_label_does_not_make_two_labels_alike():
    narrow, wide, odd = runs({}, {"decomposition": {"grid": [4, 4]}}, {"name": "made · grid 2×2"})
    assert len(set(run_labels([narrow, wide, odd]).values())) == 3


def test_a_damaged_folder_has_a_label_too():
    run, damaged = runs({}, {})
    (damaged.path / "experiment.json").write_text("{}")
    assert len(set(run_labels([run, damaged]).values())) == 2


def test_a_setting_names_its_part_only_where_its_field_says_little():
    assert written("training.learning_rate", 0.1) == "learning rate 0.1"
    assert written("model.name", "vgg9") == "model vgg9" and written("coherent.epochs", 3) == "coherent epochs 3"
    assert written("placement.workers", None) == "workers –"
