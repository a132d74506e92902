"""``ddlab pipeline``: the numbers of the page, and a message where there is no such pipeline."""

import json

import pytest
from typer.testing import CliRunner

from ddlab.analyses.pipeline.assumed import assumed
from ddlab.analyses.pipeline.methods import method_table
from ddlab.analyses.pipeline.plan import Machines, PipelinePlan
from ddlab.cli import app, main

SMALL = ["--model", "cnn", "--machines", "2", "--micro-batches", "4", "--batch-size", "16"]


def run(*words):
    return CliRunner().invoke(app, ["pipeline", *words], catch_exceptions=False)


def test_json_holds_what_the_page_shows():
    told = json.loads(run(*SMALL, "--rate", "1e9", "--bandwidth", "1e6", "--json").stdout)
    network = assumed({"model": {"name": "cnn"}}, (3, 32, 32), 10).global_network
    plan = PipelinePlan(network, Machines(2, 1e9, 1e6), "1f1b", 4, 16)
    table = method_table(plan).set_index("name")
    for row in told["methods"]:
        assert row["seconds"] == pytest.approx(table["seconds"][row["name"]])
    assert [row["share"] for row in told["modules"]] == pytest.approx(
        [c / network.flops() for c in plan.partition.costs]
    )
    assert {row["way"] for row in told["ways"]} == {"images", "data", "layers"}
    assert len(told["paper"]) == 96 and told["differences"] and len(told["equations"]) == 5


def test_tables_for_people():
    told = run(*SMALL)
    assert told.exit_code == 0
    for word in ("SUB-LAYERS", "1f1b", "zero_bubble", "fdg", "images", "coherent", "layers"):
        assert word in told.stdout
    few = run("--model", "cnn", "--machines", "4")
    assert "interleaved: modules: must be at most the model's 5 sub-layers, got 8" in few.stdout


def test_a_schedule_gets_the_fewest_modules_that_it_is_made_for():
    told = json.loads(run(*SMALL, "--schedule", "interleaved", "--json").stdout)
    assert len(told["modules"]) == 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--machines", "9"], "modules: must be at most the model's 5 sub-layers, got 9"),
        (["--micro-batches", "3"], "batch_size: must be a multiple of the 3 micro-batches, got 16"),
        (["--schedule", "gpip"], "--schedule: unknown 'gpip'; did you mean 'gpipe'"),
        (["--bandwidth", "0"], "bandwidth: must be bytes a second above 0"),
        (["--input", "32"], "--input: needs positive whole numbers joined by x"),
        (["--model", "cn"], "model.name: unknown 'cn'; did you mean 'cnn'"),
    ],
)
def test_what_cannot_be_ends_in_a_message(words, message, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["ddlab", "pipeline", *SMALL, *words])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2 and message in capsys.readouterr().err
