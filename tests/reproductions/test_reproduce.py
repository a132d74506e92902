"""``ddlab reproduce``: planned, trained, interrupted, gone on with, and written beside the paper's numbers."""

import json
import re

import pytest

from ddlab.cli import reproduce as command
from ddlab.cli import train
from ddlab.registry import Entry
from ddlab.reproductions import TARGETS
from ddlab.reproductions.plan import reproduce
from ddlab.reproductions.tables import FILES, escaped, write
from ddlab.runs import RunFolder, list_runs
from tests.engine.real import wait_for_epoch
from tests.reproductions.made_target import MADE, OTHER

CELLS = "tests.reproductions.made_target:cells"


@pytest.fixture(autouse=True)
def target(monkeypatch):
    monkeypatch.setitem(TARGETS, "made-table", Entry("Made", "In percent, 50 % | more.", CELLS, "Nobody & Co., Fig. 1"))


def finished(training, accuracies, losses=()):
    """A finished run of the training, without a process."""
    run = RunFolder.create(training.experiment)
    for seed, accuracy in zip(training.experiment.seeds, accuracies, strict=True):
        run.stage("global", seed).write_result({"stage": "global", "seed": seed, "validation_accuracy": accuracy})
    for seed, loss in enumerate(losses):
        run.append_metrics(0, {"stage": "global", "seed": seed, "epoch": 2, "time": 1.0, "loss": loss})
    run.end("finished")
    return run


def rows(folder):
    return [line.split(" | ") for line in (folder / "table.md").read_text().splitlines() if line.startswith("| ")]


# ---- what is planned and refused


def test_the_targets_are_listed(ddlab):
    told = json.loads(ddlab("reproduce", "--list", "--json")[1])
    assert [row["target"] for row in told] == list(TARGETS)
    assert "klawonn-table2" in ddlab("reproduce")[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["klawonn-tabel2"], "target: unknown 'klawonn-tabel2'; did you mean 'klawonn-table2'?"),
        (["made-table", "--budget", "huge"], "--budget: unknown 'huge'; choices: small, full"),
        (["made-table", "--only", "4th"], "--only: no row's name has '4th'; rows: first row_1; second row; third row"),
    ],
)
def test_what_is_wrong_is_one_message(ddlab, arguments, message):
    code, out, err = ddlab("reproduce", *arguments)
    assert code == 2 and out == "" and message in err and not list_runs()


def test_a_dry_run_tells_cost_and_folder_and_trains_nothing(ddlab, own_home):
    finished(OTHER, [0.75])
    code, out, err = ddlab("reproduce", "made-table", "--dry-run")
    assert code == 0 and len(list_runs()) == 1 and not (own_home / "reproductions").exists()
    told = [re.split(" {2,}", line) for line in out.splitlines()[1:]]
    assert [(line[0], line[4]) for line in told] == [
        ("made", "to train"),
        ("other", "finished"),
        ("digits", "data missing"),
    ]
    assert "1 of 3 runs to train" in err and "no-such-folder" in err
    assert str(own_home / "reproductions" / "made-table-small") in err
    tree = json.loads(ddlab("reproduce", "made-table", "--dry-run", "--only", "ROW 1", "--json")[1])
    assert tree["left"] == 1 and tree["flops"] > 1e6 and [row["run"] for row in tree["runs"]] == ["made"]


# ---- what is written


def test_ours_stand_below_the_papers(ddlab, own_home):
    finished(MADE, [0.8, 0.9], [1.0, 1.5])
    code, out, _ = ddlab("reproduce", "made-table", "--table")
    folder = own_home / "reproductions" / "made-table-small"
    assert code == 0 and out.strip() == (folder / "table.md").read_text().strip()
    assert rows(folder)[1:] == [
        ["| first row_1: paper", "90.00", "1.250 |"],
        ["| ours, small budget (made), 2 seeds", "**85.00 ± 7.07**", "**1.250 ± 0.354** |"],
        ["| second row: paper", "80.00", "– |"],
        ["| ours, small budget (other), not run", "n/a", "– |"],
        ["| third row: paper", "70.00", "1.500 |"],
        ["| ours, small budget (digits), not run", "n/a", "n/a |"],
    ]
    assert "NOT the paper's settings" in out and "digits: data missing: " in out and "50 % \\| more" in out
    tree = json.loads((folder / "table.json").read_text())
    assert [cell["ours"] for cell in tree["cells"]] == [pytest.approx(0.85), 1.25, None, None, None]
    assert tree["cells"][0]["values"] == [0.8, 0.9] and tree["cells"][4]["state"] == "not at this budget"
    tex = (folder / "table.tex").read_text()
    assert r"first row\_1: paper & 90.00 & 1.250 \\" in tex and r"Nobody \& Co., Fig. 1. In percent, 50 \%" in tex
    assert tex.count(r"\begin{") == tex.count(r"\end{") == 2 and r"85.00 $\pm$ 7.07" in tex


def test_a_network_that_says_the_same_for_every_image_is_marked(own_home):
    run = finished(MADE, [0.8, 0.1])
    for seed, share in ((0, 0.3), (1, 1.0)):
        (result,) = [row for row in run.results() if row["seed"] == seed]
        run.stage("global", seed).write_result({**result, "one_class": share})
        run.append_metrics(0, {"stage": "global", "seed": seed, "epoch": 1, "one_class": share})
    folder = write(reproduce("made-table", "small"))
    assert rows(folder)[2][1] == "**45.00 ± 49.50 ⚠**"
    assert "Global network (seed 1) says the same for every image since epoch 1" in (folder / "table.md").read_text()
    assert r"45.00 $\pm$ 49.50 $^{!}$" in (folder / "table.tex").read_text()


def test_full_size_is_another_table(ddlab, own_home):
    finished(OTHER, [0.75])
    code, out, _ = ddlab("reproduce", "made-table", "--table", "--budget", "full", "--json")
    tree = json.loads(out)
    assert code == 0 and tree["budget"] == "full" and "NOT" not in " ".join(tree["caption"])
    assert [cell["ours"] for cell in tree["cells"]] == [None, None, 0.75, None, None]
    assert (own_home / "reproductions" / "made-table-full" / "table.md").exists()


def test_a_table_is_replaced_whole(monkeypatch, own_home):
    folder = write(reproduce("made-table", "small"))
    before = {name: (folder / name).read_bytes() for name in FILES}
    finished(MADE, [0.8, 0.9])

    def fails(path, data, encoding):
        path.write_bytes(data.encode()[:10])
        raise OSError("no space left")

    monkeypatch.setattr("ddlab.reproductions.tables.Path.write_text", fails)
    with pytest.raises(OSError):
        write(reproduce("made-table", "small"))
    assert {name: (folder / name).read_bytes() for name in FILES} == before and len(list(folder.iterdir())) == 3


def test_latex_shows_every_letter():
    assert escaped("a_b & 5 % #1 $x^2$ {~} \\end") == (
        r"a\_b \& 5 \% \#1 \$x\textasciicircum{}2\$ \{\textasciitilde{}\} \textbackslash{}end"
    )
    assert escaped("1 ± 2, 2×2 – δ\n<") == r"1 $\pm$ 2, 2$\times$2 -- $\delta$ \textless{}"


def test_a_run_of_more_strategies_serves_and_one_of_other_seeds_does_not():
    serves = RunFolder.create(OTHER.experiment.with_settings({"strategies": ["global", "average"], "name": "wider"}))
    for number, change in enumerate(({"seeds": [7]}, {"training.epochs": 2}, {"strategies": ["average"]})):
        RunFolder.create(OTHER.experiment.with_settings({**change, "name": f"z{number}"}))  # listed before it
    (work,) = reproduce("made-table", "small", "second").works
    assert work.run and work.run.id == serves.id


# ---- what is trained


@pytest.mark.slow
def test_it_trains_is_interrupted_goes_on_and_trains_nothing_twice(ddlab, own_home, monkeypatch):
    def interrupted(run):
        wait_for_epoch(run, "global", 2)
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "watch", interrupted)
    code, _, err = ddlab("reproduce", "made-table")
    (run,) = list_runs()
    assert code == 1 and run.state().state == "cancelled" and "the same command goes on" in err
    folder = own_home / "reproductions" / "made-table-small"
    assert "made: cancelled" in (folder / "table.md").read_text()

    monkeypatch.setattr(command, "watch", train.watch)
    code, out, err = ddlab("reproduce", "made-table")
    runs = list_runs()
    assert code == 0, err
    assert sorted(found.name for found in runs) == ["made", "other"] and run.id in [r.id for r in runs]
    assert all(found.state().state == "finished" for found in runs)
    tree = json.loads((folder / "table.json").read_text())
    first = next(found for found in runs if found.id == run.id)
    assert tree["cells"][0]["values"] == [result["validation_accuracy"] for result in first.results()]
    assert len(tree["cells"][1]["values"]) == 2 and tree["cells"][2]["ours"] is not None

    again = ddlab("reproduce", "made-table")
    assert again[0] == 0 and again[1] == out and len(list_runs()) == 2
