"""The command line: what it writes, how it refuses, what it does not import."""

import json
import os
import subprocess
import sys

import pytest

from ddlab.experiment import Experiment, parse_experiment
from ddlab.recipes import RECIPES
from ddlab.runs import RunFolder, list_runs, open_run


@pytest.fixture
def finished():
    run = RunFolder.create(Experiment(name="made"))
    for strategy, accuracy in (("global", 0.9), ("average", 0.7)):
        result = {"stage": strategy, "seed": 0, "kind": "single", "seconds": 1.5, "flops_by_rank": [10], "networks": []}
        numbers = dict.fromkeys(("train_accuracy", "validation_accuracy", "last_validation_accuracy"), accuracy)
        run.stage(strategy, 0).write_result(result | numbers | {"best_epoch": 2, "parameters": 5, "flops": 7})
    run.end("finished")
    return run


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "clasroom"], "recipe: unknown 'clasroom'; did you mean 'classroom'?"),
        (["train", "nothing.yaml"], "nothing.yaml: cannot be read (No such file or directory)"),
        (
            ["train", "demo", "--set", "training.epoch=3"],
            "training.epoch: unknown 'epoch'; did you mean 'epochs'?",
        ),
        (["train", "demo", "--set", "trainig.epochs=3"], "unknown 'trainig'; did you mean 'training'?"),
        (["train", "demo", "--set", "epochs"], "--set epochs: needs the form PATH=VALUE"),
        (
            ["train", "demo", "--set", "training.epochs=0"],
            "training.epochs: must be greater than or equal",
        ),
        (
            ["train", "demo", "--set", "training.learning_rate=-1"],
            "training.learning_rate: must be greater",
        ),
        (["train", "demo", "--set", "dataset.name=digit"], "dataset.name: unknown 'digit'; did you mean 'digits'?"),
        (["train", "demo", "--set", "model.name=vgg8"], "model.name: unknown 'vgg8'; did you mean"),
        (["train", "demo", "--set", "strategies=[glob]"], "strategies: unknown 'glob'; did you mean 'global'?"),
        (["train", "demo", "--set", "decomposition.grid=[5, 5]"], "grid 5×5 does not fit 32×32 px"),
        (["train", "demo", "--set", "decomposition.overlap=99"], "overlap 99 px does not fit"),
        (["train", "demo", "--workers", "4000"], "placement.workers: 4000 workers need 4000"),
        (["train", "demo", "--devices", "tpu"], "placement.devices: must be 'auto', 'cpu', 'cuda' or 'mps'"),
        (["show", "nobody"], "run: unknown 'nobody'"),
        (["wait", "nobody"], "run: unknown 'nobody'"),
        (["cancel", "nobody"], "run: unknown 'nobody'"),
        (["resume", "nobody"], "run: unknown 'nobody'"),
        (["delete", "nobody"], "run: unknown 'nobody'"),
        (["restore", "nobody"], "'nobody' is not in the trash"),
        (["export", "nobody", "folder"], "run: unknown 'nobody'"),
        (["recipes", "dem"], "recipe: unknown 'dem'; did you mean 'demo'?"),
        (["cost", "--grid", "2by2"], "--grid: needs positive whole numbers joined by x"),
        (["cost", "--overlap", "20"], "overlap 20 px does not fit grid 2×2"),
        (["cost", "--model", "vgg8"], "model.name: unknown 'vgg8'"),
        (["cost", "--convention", "kera"], "convention: unknown 'kera'; did you mean 'keras'?"),
        (["cost", "--flops", "eq21"], "flops: unknown 'eq21'; did you mean 'eq210'?"),
        (["cost", "--layout", "eigth"], "--layout: unknown 'eigth'; did you mean 'eight'?"),
        (["cost", "--layout", "eight", "--overlap", "2"], "--overlap: the windows of 'eight' have one already"),
        (["cost", "--layout", "eight", "--input", "1x8x8x8"], "eight: needs images of two axes, got 8×8×8"),
        (["data", "check", "/no/such/folder"], "/no/such/folder"),
        (["data", "prepare", "digit"], "dataset.name: unknown 'digit'"),
    ],
)
def test_error_is_one_message_and_exit_code_2(ddlab, arguments, message):
    code, out, err = ddlab(*arguments)
    assert code == 2 and out == ""
    assert err.startswith("ddlab: ") and message in err and "Traceback" not in err
    assert list_runs() == []


def test_error_of_a_finished_run(ddlab, finished):
    for command in ("cancel", "resume"):
        code, _, err = ddlab(command, finished.id)
        assert code == 2 and f"run {finished.id}: is finished" in err


def test_runs_and_show(ddlab, finished):
    code, out, _ = ddlab("runs")
    assert code == 0 and finished.id in out and "global 90.0\u00a0%" in out
    assert json.loads(ddlab("runs", "--json")[1])[0]["accuracies"] == {"global": 0.9, "average": 0.7}
    assert "Average probability" in ddlab("show", "latest")[1]
    shown = json.loads(ddlab("show", finished.id, "--json")[1])
    assert shown["state"] == "finished" and shown["experiment"]["name"] == "made"
    assert shown["strategies"]["global"]["validation"] == 0.9
    assert shown["strategies"]["global"]["validation_sd"] is None


def test_wait_tells_what_the_run_came_to(ddlab, finished):
    code, out, _ = ddlab("wait", finished.id, "--json")
    told = json.loads(out)
    assert code == 0 and told["state"] == "finished" and set(told["strategies"]) == {"global", "average"}


def test_wait_for_a_run_that_failed_is_no_success(ddlab):
    run = RunFolder.create(Experiment())
    run.end("failed", "Out of memory.")
    code, _, err = ddlab("wait", run.id)
    assert code == 1 and "failed: Out of memory." in err


def test_rename_delete_restore_export(ddlab, finished, tmp_path):
    assert ddlab("rename", finished.id, "better name")[0] == 0
    assert open_run(finished.id).name == "better name"
    assert ddlab("export", finished.id, tmp_path / "out", "--light")[0] == 0
    assert RunFolder(tmp_path / "out" / finished.id).name == "better name"
    assert ddlab("delete", finished.id)[0] == 0 and list_runs() == []
    assert ddlab("restore", finished.id)[0] == 0 and open_run("latest").id == finished.id


def test_a_network_is_exported_in_the_format_of_the_files_ending(ddlab, tmp_path):
    from ddlab.exports.reader import read_network
    from tests.exports.weights import with_weights
    from tests.made_run import made_run

    run, path = with_weights(made_run()), tmp_path / "network.safetensors"
    code, out, _ = ddlab("export-network", run.id, "--network", "global", "--out", path)
    assert code == 0 and out.startswith(str(path))
    assert read_network(path)[1]["title"] == "Global network"
    code, _, err = ddlab("export-network", run.id, "--network", "gobal", "--out", path)
    assert code == 2 and "network: unknown 'gobal'; did you mean 'global'" in err


@pytest.mark.parametrize("name", RECIPES)
def test_recipe_is_a_whole_experiment_and_survives_its_yaml(ddlab, name):
    import yaml

    code, out, _ = ddlab("recipes", name)
    assert code == 0 and parse_experiment(yaml.safe_load(out)) == RECIPES[name]()
    assert f"ddlab train {name}" in RECIPES[name].__doc__


@pytest.mark.parametrize("family", ["recipes", "datasets", "models", "strategies"])
def test_catalogue(ddlab, family):
    entries = json.loads(ddlab(family, "--json")[1])
    assert entries and all(entry["name"] in ddlab(family)[1] for entry in entries)


def test_cost_of_resnet20_is_that_of_the_paper(ddlab):
    told = json.loads(ddlab("cost", "--model", "resnet20", "--grid", "2x2", "--reduction", "1/N", "--json")[1])
    assert told["networks"][0]["parameters"] == 272_474 and len(told["networks"]) == 5
    assert "fewer operations" in ddlab("cost")[1]


TABLE_22 = "--input 3x224x224 --classes 1000"
TABLE_31 = "--convention keras"
TABLE_34 = "--input 3x224x224 --classes 101 --convention keras"


@pytest.mark.parametrize(
    ("arguments", "parameters", "gigaflops"),  # of the global network and of a sub-network, from Gu et al.'s tables
    [
        (f"vgg16 {TABLE_22} --no-batch-norm", (138_357_544, 4_176_056), ("30.9270", "0.4934")),
        (f"resnet50 {TABLE_22}", (25_557_032, 1_993_976), ("6.9552", "0.1277")),
        (f"resnet101 {TABLE_22}", (44_549_160, 3_190_776), ("14.3746", "0.2433")),
        (f"resnet32 {TABLE_31} --overlap 4", (7_441_162, 470_218), ("2.2001", "0.0539")),
        (f"resnet32 {TABLE_31}", (7_441_162, 470_218), ("2.2001", "0.0345")),
        (f"resnet56 {TABLE_31} --overlap 4", (13_652_234, 861_770), ("4.0111", "0.0980")),
        (f"resnet56 {TABLE_31}", (13_652_234, 861_770), ("4.0111", "0.0627")),
        (f"resnet110 {TABLE_31} --overlap 4", (27_627_146, 1_742_762), ("8.0859", "0.1974")),
        (f"resnet110 {TABLE_31}", (27_627_146, 1_742_762), ("8.0859", "0.1263")),
        (f"resnet50_fc {TABLE_34} --overlap 28", (25_789_413, 1_658_181), ("7.7057", "0.2224")),
        (f"resnet50_fc {TABLE_34} --layout eight", (25_789_413, 430_037), ("7.7057", "0.026722")),
        (f"resnet50_fc {TABLE_34} --layout sixteen", (25_789_413, 115_293), ("7.7057", "0.005135")),
        (f"resnet101_fc {TABLE_34} --overlap 28", (44_859_877, 2_874_565), ("15.125", "0.4136")),
        (f"resnet101_fc {TABLE_34} --layout eight", (44_859_877, 742_293), ("15.125", "0.047912")),
        (f"resnet101_fc {TABLE_34} --layout sixteen", (44_859_877, 197_437), ("15.125", "0.008794")),
    ],
)
def test_cost_counts_as_gu_et_al(ddlab, arguments, parameters, gigaflops):
    code, out, _ = ddlab("cost", "--reduction", "1/N", "--json", "--flops", "eq210", "--model", *arguments.split())
    whole, local, *_ = json.loads(out)["networks"]
    assert code == 0 and (whole["parameters"], local["parameters"]) == parameters
    assert local["parameters_ratio"] == parameters[0] / parameters[1]
    for network, printed in zip((whole, local), gigaflops, strict=True):
        assert f"{network['flops'] / 1e9:.{len(printed.partition('.')[2])}f}" == printed
    assert whole["memory"] == sum(whole[part] for part in ("weights", "gradients", "optimizer", "activations"))


def test_cost_tells_all_ways_of_counting_and_why_they_differ(ddlab):
    told = json.loads(ddlab("cost", "--model", "resnet32", "--reduction", "1/N", "--json")[1])
    ways = {(row["quantity"], row["way"]): row for row in told["ways"]}
    assert ways["parameters", "keras"]["global"] == 7_441_162 and ways["parameters", "torch"]["over_torch"] == 0
    outputs = ways["flops", "torch"]["global"] - ways["flops", "eq210"]["global"]
    assert ways["flops", "eq210"]["over_torch"] == -outputs == -1_261_578  # one operation an output
    out = ddlab("cost", "--model", "resnet32", "--ways")[1]
    assert "-1261578" in out and "one less an output than torch counts" in out


def test_cost_of_a_batch(ddlab):
    one, many = (json.loads(ddlab("cost", "--json", "--batch-size", size)[1])["networks"][0] for size in (1, 64))
    assert many["activations"] == 64 * one["activations"] and many["weights"] == one["weights"]


def test_data_check_of_class_folders_is_the_same_from_their_parent(ddlab, tmp_path, monkeypatch):
    import numpy as np
    from PIL import Image

    for label in ("cat", "dog"):
        (tmp_path / label).mkdir()
        for number in range(6):
            pixels = np.full((16, 16, 3), 40 * number, np.uint8)
            Image.fromarray(pixels).save(tmp_path / label / f"{number}.png")
    told = json.loads(ddlab("data", "check", tmp_path, "--json")[1])
    assert told["classes"] == ["cat", "dog"] and told["num_train"] + told["num_validation"] == 12
    monkeypatch.chdir(tmp_path.parent)
    assert json.loads(ddlab("data", "check", tmp_path.name, "--json")[1]) == told


@pytest.mark.parametrize("arguments", ["--help", "runs", "recipes", "cost", "train --help"])
def test_light_commands_import_no_torch(arguments):
    code = f"import sys; sys.argv = 'ddlab {arguments}'.split(); from ddlab.cli import main\ntry: main()\nfinally: "
    code += "assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_sweep_is_told_before_it_is_trained(ddlab):
    command = ("sweep", "demo", "--grids", "2x2", "--layouts", "grid,centre", "--overlaps", "0,20", "--plan")
    code, told, messages = ddlab(*command)
    assert code == 0 and not list_runs()
    assert [line.split()[0:3] for line in told.splitlines()[1:]] == [["2×2", "grid", "0"], ["2×2", "centre", "0"]]
    assert "left out: 2×2 grid, overlap 20: overlap 20 px does not fit" in messages
    assert "2 of 2 runs to train" in messages
    tree = json.loads(ddlab(*command, "--json")[1])
    assert tree["runs"] == tree["left"] == 2 and tree["seconds"] > 7
    assert [row["size"] for row in tree["decompositions"]] == ["16×16", None, "16×16", None]


def test_a_sweep_is_put_in_the_queue(ddlab, monkeypatch):
    launched = []
    monkeypatch.setattr("ddlab.sweeps.decompositions.launch", lambda run: launched.append(run.id))
    command = ("sweep", "demo", "--grids", "2x2", "--layouts", "grid", "--overlaps", "0,2")
    code, told, _ = ddlab(*command, "--detach", "--set", "name=mine")
    assert code == 0 and told.split() == launched
    assert {run.experiment.sweep for run in list_runs()} == {"mine"} and len(launched) == 2
    for run in list_runs():
        run.end("cancelled")
    monkeypatch.setattr("ddlab.sweeps.decompositions.resume", lambda run: run.end("finished"))
    code, told, _ = ddlab(*command, "--set", "name=mine")  # goes on, follows, and tells
    assert code == 0 and len(list_runs()) == 2
    assert told.splitlines()[0].split() == ["LAYOUT", "OVERLAP", "GLOBAL", "AVERAGE", "MAJORITY", "CNN_DNN", "STATE"]
    assert told.count("finished") == 2


def test_the_pages_are_offered_folders(ddlab, monkeypatch, tmp_path):
    started = []
    monkeypatch.setattr("ddlab.cli.pages.os.name", "posix")
    monkeypatch.setattr("ddlab.cli.pages.os.execv", lambda *command: started.append(os.environ["DDLAB_FOLDERS"]))
    monkeypatch.setattr("ddlab.cli.pages.subprocess.call", lambda *_, **__: 0)
    monkeypatch.setenv("DDLAB_FOLDERS", "/before")
    (tmp_path / "one").mkdir()
    monkeypatch.chdir(tmp_path)
    ddlab("app", "--data", "one", "--data", tmp_path)
    assert started == [os.pathsep.join(["/before", str(tmp_path / "one"), str(tmp_path)])]
    code, _, err = ddlab("app", "--data", tmp_path / "none")
    assert code == 2 and "there is no such folder" in err


@pytest.mark.parametrize("value", ["!!bool 7", "!!timestamp x", "{null: 1}", "&a [*a]", "[" * 3000, "9" * 5000])
def test_a_value_that_yaml_alone_can_say_is_refused_in_a_sentence(ddlab, value):
    code, out, err = ddlab("train", "demo", "--set", f"apts={value}")
    assert code == 2 and err.startswith("ddlab: --set apts: the value ") and len(err) < 400
    assert list_runs() == []


def test_show_tells_who_judged_how_sure_that_is_and_under_which_conditions(ddlab):
    from tests.made_run import made_experiment, made_run

    papers = made_run()
    out = ddlab("show", papers.id)[1]
    assert "TEST" not in out and "95 %" in out and "as in the papers" in out and "Set dataset.test to official" in out
    run = made_run(experiment=made_experiment({"test": "official"}, seeds=[0, 1]))
    out = ddlab("show", run.id)[1]
    head = next(line for line in out.splitlines() if line.startswith("STRATEGY"))
    assert head.split() == "STRATEGY TEST 95 % SD VALIDATION TRAINING EPOCHS AS ONE WORK TIME".split()
    assert "What choosing costs (4 strategies, mean)" in out
    told = json.loads(ddlab("show", run.id, "--json")[1])
    assert told["judged"].startswith("What choosing costs")
    row = told["strategies"]["global"]
    assert row["low"] <= row["test"] <= row["high"] and row["top5"] is None


# ---- the place of a run


def test_a_batch_script_is_written_and_nothing_sent(ddlab):
    code, script, _ = ddlab("train", "demo", "--engine", "slurm", "--machines", 2, "--directive=--mem=4G", "--dry-run")
    assert code == 0 and script.startswith("#!/bin/bash\n") and "#SBATCH --nodes=2\n" in script
    assert "#SBATCH --mem=4G\n" in script and list_runs() == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--dry-run"], "--dry-run: only runs of SLURM have a batch script; add --engine slurm"),
        (["--machines", "2"], "placement.rendezvous: 2 machines need a place to meet"),
        (["--machines", "2", "--rendezvous", "192.0.2.1:29500"], "192.0.2.1 is no address of this machine"),
        (["--engine", "slurm", "--time", "soon"], "slurm.time: needs a time as SLURM writes it"),
        (["--engine", "slurm"], "this machine has no sbatch"),
        (["--engine", "slurm", "--script", "nowhere.sh"], "nowhere.sh"),
    ],
)
def test_a_place_that_cannot_be_makes_no_run(ddlab, monkeypatch, arguments, message):
    monkeypatch.setenv("PATH", "")
    code, _, told = ddlab("train", "demo", *arguments)
    assert code == 2 and message in told and list_runs() == []


def test_an_edited_script_is_what_is_sent(ddlab, monkeypatch, tmp_path):
    sent = []
    monkeypatch.setattr("ddlab.engine.launch.refuse_without_slurm", lambda: None)
    monkeypatch.setattr("ddlab.engine.submission.send", lambda script, *rest: sent.append(script.read_text()) or "7")
    script = ddlab("train", "demo", "--engine", "slurm", "--dry-run")[1].replace("python=", "module load cuda\npython=")
    (tmp_path / "job.sh").write_text(script)
    code, id, _ = ddlab("train", "demo", "--engine", "slurm", "--script", tmp_path / "job.sh", "--detach")
    assert code == 0 and sent == [script]
    assert open_run(id.strip()).status()["job"] == {"id": "7"}
