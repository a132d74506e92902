"""What the benchmarks of Gu, Zhang, Liu and Cai's paper print: its tables, and that nothing is trained twice."""

import argparse
import sys

import pytest

from benchmarks import local_against_global, local_epochs, partitions


def measured(epochs, seed, composed=0.5):
    both = {"best": 0.4, "last": 0.35}
    reached = {"composed_untrained": both, "random": both, "random_work": {"best": 0.3, "last": 0.3}}
    return {
        "epochs": epochs,
        "seed": seed,
        "local": [0.2, 0.3],
        "work_epochs": 20,
        "composed": {"best": composed, "last": 0.3},
        **reached,
    }


def test_the_curve_is_the_composed_networks_accuracy_less_the_random_starts():
    head, _, *rows = local_epochs.table([measured(2, 0), measured(40, 0, 0.48), measured(40, 1, 0.52)])
    assert head.count("|") == rows[0].count("|") == rows[1].count("|")
    cells = [cell.strip() for cell in rows[1].split("|")[1:-1]]
    assert cells[:3] == ["40", "2", "0.250 ± 0.000"]
    assert cells[-4:] == ["+0.100 ± 0.028", "-0.050 ± 0.000", "+0.200 ± 0.028", "+0.000 ± 0.000"]


def test_what_is_measured_is_kept_and_not_measured_again(tmp_path, monkeypatch, capsys):
    asked = []

    def measure(problem, epochs, seed):
        asked.append((problem, epochs, seed))
        return measured(epochs, seed)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["benchmark", *arguments])
        local_epochs.main()

    monkeypatch.setattr(local_epochs, "RESULTS", tmp_path / "results" / "curve.json")
    monkeypatch.setattr(local_epochs, "measure", measure)
    run("cifar10", "--epochs", "5", "2", "--seeds", "0")
    run("mnist", "cifar10", "--epochs", "5", "2", "--seeds", "0", "1")
    assert asked[:2] == [("cifar10", 5, 0), ("cifar10", 2, 0)] and asked[-2:] == [("cifar10", 5, 1), ("cifar10", 2, 1)]
    assert len(asked) == 8 and {problem for problem, *_ in asked[2:6]} == {"mnist"}
    run("--table")
    assert len(asked) == 8 and capsys.readouterr().out.count("| 5 | 2 |") == 4
    monkeypatch.setitem(local_epochs.PROBLEMS["mnist"], "composed__epochs", 21)  # nothing is known of other settings
    assert local_epochs.read("mnist") == [] and len(local_epochs.read("cifar10")) == 4


def test_the_work_of_table_3_4_is_ours_and_its_times_save_less():
    for model, columns in partitions.PAPER.items():
        for count in (4, 8, 16):
            ours, theirs, four, one = map(float, partitions.row(model, count).split("|")[3:-1])
            assert ours == pytest.approx(theirs, rel=0.015)
            assert one < four < ours and columns[count]


def test_table_3_2_stands_beside_its_own_cases():
    def asked(**changes):
        return argparse.Namespace(**{"model": "resnet32", "overlap": 0, "augment": False, **changes})

    cases = [asked(overlap=4), asked(), asked(overlap=4, augment=True), asked(augment=True)]
    assert [local_against_global.theirs(case, 512) for case in cases] == ["2.42", "2.75", "2.14", "2.43"]
    unknown = [(asked(model="vgg3"), 512), (asked(overlap=2), 512), (asked(), 16384)]
    assert {local_against_global.theirs(*case) for case in unknown} == {"–"}
