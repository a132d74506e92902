"""The paper's tables against its text, and which runs stand beside which cell."""

import pytest

from ddlab.analyses.comparison.paper import (
    Cell,
    cell_of,
    compared_table,
    contradictions,
    paper_comparison,
    paper_differences,
    paper_overview,
    paper_rows,
    paper_table,
)
from ddlab.experiment import Experiment, parse_experiment
from ddlab.runs import RunFolder

CELL = ["dataset", "model", "grid"]
TABLE_2 = {"global", "cnn_dnn", "coherent", "transfer"}
ALL = TABLE_2 | {"average", "majority"}


def cells(table, number):
    rows = table[table["table"] == number]
    return [cell.set_index("strategy")["validation"] for _, cell in rows.groupby(CELL)]


def asked(dataset="cifar10", model="vgg9", grid=(2, 2), **more):
    return {"dataset": {"name": dataset}, "model": {"name": model}, "decomposition": {"grid": list(grid)}} | more


def finished(tree, validation, name="made", seeds=(0,)):
    """A finished run with one accuracy a strategy, without data."""
    run = RunFolder.create(parse_experiment({**tree, "name": name, "seeds": list(seeds)}))
    for strategy, values in validation.items():
        for seed, value in zip(seeds, values, strict=True):
            numbers = {"validation_accuracy": value, "train_accuracy": 0.9, "seconds": 1.0, "flops_by_rank": [1.0]}
            run.stage(strategy, seed).write_result({"stage": strategy, "seed": seed, **numbers})
    run.end("finished")
    return run


# ---- what the paper says of its numbers


def test_both_tables_are_there_in_full():
    table = paper_table()
    assert table.groupby("table").size().tolist() == [15, 32]
    assert not table.duplicated(["table", *CELL, "strategy"]).any()
    assert table[["validation", "train"]].stack().between(0.59, 0.98).all()


def test_the_dnn_is_above_the_average_and_the_average_above_the_vote():
    for row in cells(paper_table(), 1):
        assert row["majority"] < row["average"] < row["cnn_dnn"]


def test_transfer_is_best_and_the_coherent_model_is_better_only_with_resnet20():
    rows = paper_table().query("table == 2")
    for (_, model, _), cell in rows.groupby(CELL):
        row = cell.set_index("strategy")["validation"]
        assert row.idxmax() == "transfer"
        assert (row["coherent"] > row["cnn_dnn"]) == (model == "resnet20")


def test_what_is_compared_is_one_number_a_strategy_and_table_2_where_there_are_two():
    table = compared_table()
    assert not table.duplicated([*CELL, "strategy"]).any() and len(table) == 32 + 2 * 5
    dnn = table.query("strategy == 'cnn_dnn'").set_index(CELL)["validation"]
    assert dnn["CIFAR-10", "vgg9", "2×2"] == 0.7999 and dnn["TF-Flowers", "vgg9", "2×2"] == 0.8154


# ---- what repeats it


@pytest.mark.parametrize(
    ("tree", "cell"),
    [
        (asked(), Cell("CIFAR-10", "vgg9", "2×2")),
        (asked(model="resnet20"), Cell("CIFAR-10", "resnet20", "2×2")),
        (asked(grid=(4, 4)), None),
        (asked("flowers", grid=(4, 4)), Cell("TF-Flowers", "vgg9", "4×4")),
        (asked() | {"dataset": {"name": "folder", "path": "my/Flowers.zip"}}, Cell("TF-Flowers", "vgg9", "2×2")),
        (asked() | {"dataset": {"name": "folder", "path": "cats"}}, None),
        (asked("mosmed", grid=(4, 4, 2)), Cell("Chest CT scans", "vgg9", "4×4×2")),
        (asked("ct_phantom", grid=(2, 2, 1)), Cell("Chest CT scans", "vgg9", "2×2×1")),
        (asked("ct_phantom", "resnet20", grid=(2, 2, 1)), None),
        (asked("digits"), None),
        (asked() | {"decomposition": {"grid": [2, 2], "boxes": [[[0, 32], [0, 32]]]}}, None),
        ({"dataset": "cifar10", "model": None}, None),
        ({}, None),
    ],
)
def test_what_an_experiment_repeats(tree, cell):
    assert cell_of(tree) == cell


@pytest.mark.parametrize(
    ("tree", "strategies"), [(asked(), ALL), (asked(model="resnet20"), TABLE_2), (asked("digits"), set())]
)
def test_the_paper_stands_beside_what_repeats_it(tree, strategies):
    assert set(paper_rows(parse_experiment(tree))["strategy"]) == strategies


def test_cells_are_compared_with_means_over_the_seeds():
    run = finished(asked(), {"global": (0.70, 0.74), "majority": (0.60, 0.60)}, seeds=(0, 1))
    row = paper_comparison(run).set_index("strategy")
    assert set(row.index) == ALL
    assert row.loc["global", "difference"] == pytest.approx(0.72 - 0.7585)
    assert row.loc["global", "train_difference"] == pytest.approx(0.9 - 0.8487)
    assert row.loc["global", "validation_sd"] == pytest.approx(0.02 * 2**0.5)
    assert row["validation"].isna().sum() == 4
    assert paper_comparison(finished(asked("digits"), {"global": (0.9,)})).empty


def test_the_overview_has_every_cell_and_the_newest_finished_run_of_each():
    older, newer = (finished(asked(), {"global": (value,)}, name) for name, value in (("older", 0.5), ("newer", 0.7)))
    queued, other = RunFolder.create(parse_experiment(asked())), finished(asked("digits"), {"global": (0.9,)})
    table = paper_overview([queued, other, newer, older])
    assert len(table) == len(compared_table())
    row = table[table["validation"].notna()].iloc[0]
    assert tuple(row[CELL]) == ("CIFAR-10", "vgg9", "2×2") and row["run"] == "newer"
    assert row["runs"] == ["newer", "older"]
    assert paper_overview([])["validation"].isna().all()


# ---- what to know of it


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        (asked(), [["76.7\u00a0%", "80.0\u00a0%", "9.2 points", "12.5"]]),
        (asked(model="resnet20"), [["no average"]]),
        (asked("flowers"), [["69.4\u00a0%", "81.5\u00a0%"], ["93.2\u00a0%", "78.9\u00a0%", "over-fits"]]),
        (asked("digits"), []),
    ],
)
def test_contradictions_that_matter_are_told(tree, words):
    sentences = contradictions(parse_experiment(tree))
    assert len(sentences) == len(words)
    for sentence, parts in zip(sentences, words, strict=True):
        assert all(part in sentence for part in parts)


def test_what_differs_is_told_and_what_is_as_in_the_paper_is_not(monkeypatch, tmp_path):
    monkeypatch.setenv("DDLAB_DATA", str(tmp_path))  # what the files on this machine are is not our matter
    ours = {"width": 0.5, "name": "vgg9"}
    tree = asked() | {"training": {"epochs": 7, "plateau_patience": 20}, "model": ours, "seeds": [0, 1, 2]}
    rows = paper_differences(parse_experiment(tree)).set_index("setting")
    assert (rows.loc["Epochs", "here"], rows.loc["Epochs", "there"]) == ("7", "150")
    assert rows.loc["Channels", "here"] == "0.5 × ours"
    assert rows.loc["Trainings", "here"] == "3"
    assert {"Optimizer", "Rate on plateaus", "Overlap", "Training stops"}.isdisjoint(rows.index)
    paper_like = paper_differences(parse_experiment(asked() | {"training": {"epochs": 150}}))
    assert {"not published", "four hidden layers", "“proportionally smaller”"} == set(paper_like["there"])
    assert paper_differences(Experiment()).empty


@pytest.mark.parametrize(
    ("changes", "setting", "here"),
    [
        ({"decomposition": {"grid": [2, 2], "overlap": [0, 0]}}, "Overlap", None),
        ({"decomposition": {"grid": [2, 2], "overlap": [2, 2]}}, "Overlap", "2 px"),
        ({"decomposition": {"grid": [2, 2], "overlap": [0, 2]}}, "Overlap", "0×2 px"),
        ({"training": {"flip": True, "rotate": 20}}, "Augmentation", "flips, turns"),
        ({"strategies": ["coherent"], "coherent": {"outputs": "logits"}}, "One model's DNN gets", "logits"),
        ({"strategies": ["coherent"]}, "One model's DNN gets", None),
        ({"coherent": {"outputs": "logits"}}, "One model's DNN gets", None),
    ],
)
def test_settings_that_are_easily_forgotten(monkeypatch, tmp_path, changes, setting, here):
    monkeypatch.setenv("DDLAB_DATA", str(tmp_path))
    rows = paper_differences(parse_experiment(asked() | changes)).set_index("setting")["here"]
    assert rows.get(setting) == here


def test_number_and_size_of_images_are_compared(monkeypatch, tmp_path):
    from PIL import Image

    monkeypatch.setenv("DDLAB_DATA", str(tmp_path))
    for label in ("airplane", "bird"):
        for split in ("train", "test"):
            folder = tmp_path / "cifar10" / split / label
            folder.mkdir(parents=True)
            for number in range(10):
                Image.new("RGB", (32, 32)).save(folder / f"{number}.jpg")
    rows = paper_differences(parse_experiment(asked() | {"dataset": {"name": "cifar10", "size": 16}}))
    here = rows.set_index("setting")["here"]
    assert "Judged by" not in here
    judged = {"dataset": {"name": "cifar10", "size": 16, "test": "official"}}
    rows = paper_differences(parse_experiment(asked() | judged)).set_index("setting")
    assert tuple(rows.loc["Judged by"]) == ("test images, which chose nothing", "the validation images")
    assert (here["Training images"], here["Size"]) == ("20", "16×16") and "JPEG" in here["Files"]
