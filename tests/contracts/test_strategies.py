"""What every strategy promises, entry by entry: trained for an epoch on one rank and on two, by the command line."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from ddlab.analyses.comparison.communication import measured_communication
from ddlab.analyses.decisions.probabilities import explain, read_outcomes
from ddlab.analyses.decisions.reasons import reason
from ddlab.analyses.maps.viewers import in_batches, viewers
from ddlab.exports.networks import export_network, exportable
from ddlab.exports.reader import read_network
from ddlab.figures.colors import strategy_color
from ddlab.problem import pose
from ddlab.registry.strategies import STRATEGIES, used_parts
from ddlab.runs import RunFolder
from ddlab.strategies.stage import LOCAL, strategy_stages
from ddlab.strategies.trained import load_images, trained_dnns, trained_networks

SETTINGS = {  # what every strategy can work with
    "name": "contracts",
    "dataset": {"name": "digits", "size": 16, "train_images": 96, "validation_images": 24},
    "model": {"name": "cnn", "width": 0.5, "reduction": "1/N"},
    "training": {"epochs": 1, "batch_size": 24, "warm_up": 0},
    "aggregator": {"epochs": 1},
    "transfer": {"epochs": 1},
    "composed": {"epochs": 1},
    "trust_region": {"order": 1, "radius": 0.001},  # no trial is rejected, so that the sums of a step are those counted
    "strategies": list(STRATEGIES),
}
every_strategy = pytest.mark.parametrize("strategy", STRATEGIES)


@pytest.fixture(scope="module", params=[1, pytest.param(2, marks=pytest.mark.slow)], ids=["one rank", "two ranks"])
def run(request, tmp_path_factory):
    """A run of all strategies; nobody but the command line has made it."""
    home = tmp_path_factory.mktemp("home")
    (home / "all.yaml").write_text(json.dumps(SETTINGS))
    command = [sys.executable, "-m", "ddlab", "train", str(home / "all.yaml"), "--json"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DDLAB_HOME", str(home))
        asked = [*command, "--set", f"placement.workers={request.param}"]
        done = subprocess.run(asked, check=True, stdout=subprocess.PIPE, text=True, env={**os.environ})
        told = json.loads(done.stdout)
        assert told["state"] == "finished"
        yield RunFolder(told["path"])


@every_strategy
def test_its_networks_load_and_say_what_the_run_decided(run, strategy):
    """What a stage says that it leaves is on disk, and is what decided: the same decisions from the loaded networks."""
    problem = pose(run.experiment)
    last = list(strategy_stages(problem, strategy))[-1]
    kept = {network.name for network in last.networks}
    networks, dnns = trained_networks(run, 0), trained_dnns(run, 0)
    assert kept <= set(networks) and (strategy in dnns) == (last.dnn is not None)
    assert all(networks[name].stage == strategy for name in kept)
    decided = run.stage(strategy, 0).predictions()["validation_decisions"]
    images = load_images(run, "validation", range(len(decided)))
    if len(kept) == 1:
        (network,) = (networks[name] for name in kept)
        with torch.no_grad():
            said = network.module()(images).argmax(1).numpy()
        assert np.mean(said == decided) > 0.95, "roundings decide nothing"
    for name in kept:
        assert all(torch.isfinite(value).all() for value in networks[name].module().state_dict().values())


@every_strategy
def test_its_networks_are_exported_and_read_back(run, strategy, tmp_path):
    stages = list(strategy_stages(pose(run.experiment), strategy))
    names = [network.name for stage in stages for network in stage.networks][:1] + [
        stage.name for stage in stages if stage.dnn
    ]
    assert names and set(names) <= set(exportable(run, 0))
    for name in names:
        export_network(run, 0, name, "safetensors", tmp_path / f"{name}.safetensors")
        module, facts = read_network(tmp_path / f"{name}.safetensors")
        image = torch.zeros(
            1, *(facts["image"] if name in STRATEGIES else trained_networks(run, 0)[name].network.input)
        )
        assert module(image).shape == (1, len(facts["classes"]))


@every_strategy
def test_its_networks_have_maps(run, strategy):
    """One viewer at least: its own, or the local networks that it asks."""
    entry, found = STRATEGIES[strategy], viewers(run, 0)
    wanted = strategy if strategy in found else LOCAL
    assert wanted == strategy or (entry.sees == "outputs" and not entry.settings)
    (look,) = in_batches(found[wanted], load_images(run, "validation", [0, 1]))
    assert look.maps.shape == (2, 10, 16, 16) and np.isfinite(look.maps).all()


@every_strategy
def test_its_sentence_names_the_class_that_it_decided_for(run, strategy):
    outcomes = read_outcomes(run, 0)
    for index in range(5):
        explanation = explain(outcomes, index)
        told = reason(explanation, strategy)
        assert outcomes.classes[explanation.decisions[strategy]] in told
        assert ("whole image" in told) == (STRATEGIES[strategy].sees == "image")


@every_strategy
def test_what_it_counts_as_sent_is_what_two_ranks_sent(run, strategy):
    """The first step of APTS sums a gradient more than each later one, in which it is known already."""
    row = measured_communication(run).set_index("strategy").loc[strategy]
    if run.experiment.placement.workers == 1:
        assert np.isnan(row["measured"])
    elif "or more" in row["sends"]:
        gradient = row["bytes"] / int(row["sends"].split()[0])
        assert row["bytes"] <= row["measured"] <= row["bytes"] + gradient
    elif row["sends"] == "nothing":
        assert row["bytes"] == 0 and (np.isnan(row["measured"]) or row["measured"] == 0)
    else:
        assert row["measured"] == row["bytes"] > 0


@every_strategy
def test_its_settings_are_parts_of_an_experiment(run, strategy):
    asked = run.experiment.model_dump()
    assert used_parts([strategy]) <= set(asked)
    if path := STRATEGIES[strategy].tunes:
        part, field = path.split(".")
        assert field in asked[part] and part in used_parts([strategy])


def test_every_strategy_has_a_colour_of_its_own():
    assert len({strategy_color(name) for name in STRATEGIES}) == len(STRATEGIES)
