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
    path, asked = tmp_path / "results" / "curve.json", []
    monkeypatch.setattr(local_epochs, "RESULTS", path)
    monkeypatch.setattr(
        local_epochs, "measure", lambda epochs, seed: asked.append((epochs, seed)) or measured(epochs, seed)
    )
    for seeds in (["0"], ["0", "1"]):
        monkeypatch.setattr(sys, "argv", ["benchmark", "--epochs", "5", "2", "--seeds", *seeds])
        local_epochs.main()
    assert asked == [(5, 0), (2, 0), (5, 1), (2, 1)]
    monkeypatch.setattr(sys, "argv", ["benchmark", "--table"])
    local_epochs.main()
    assert len(asked) == 4 and "| 5 | 2 |" in capsys.readouterr().out
    monkeypatch.setitem(local_epochs.SETTINGS, "composed__epochs", 21)  # other settings: nothing is known of them
    assert local_epochs.read() == []


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
