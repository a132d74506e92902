"""Costs against torch's own counts, and work ratios against numbers computed by hand."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from ddlab.analyses.comparison.cost import (
    DEFAULT_RATE,
    cost_table,
    machine_rate,
    network_cost,
    plan_table,
    promise_here,
    work_ratio,
)
from ddlab.experiment import parse_experiment
from ddlab.models.build import build
from ddlab.problem import pose
from ddlab.registry.models import MODELS
from tests.made_run import made_experiment, made_run


def posed(**settings):
    return pose(parse_experiment({"dataset": {"name": "digits"}, **settings}))


@pytest.mark.parametrize("model", MODELS)
def test_counts_are_those_of_torch(model):
    """At full size: on torch's meta device, which computes shapes alone."""
    problem = posed(model={"name": model}, decomposition={"grid": [2, 2], "overlap": 2, "border": "shift"})
    for network in (problem.global_network, problem.local_networks[0]):
        with torch.device("meta"):
            module, image = build(network).eval(), torch.zeros(1, *network.input)
        cost = network_cost(network)
        assert cost.parameters == sum(parameter.numel() for parameter in module.parameters())
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            module(image)
        assert cost.flops == counter.get_total_flops()


@pytest.mark.parametrize("model", MODELS)
def test_activations_are_what_torch_keeps_for_the_backward_pass(model):
    """Every tensor once, without the weights; batch statistics and the like are what is left, under 2 per cent."""
    network = posed(dataset={"name": "shapes_local"}, model={"name": model, "width": 0.25}).global_network
    module, batch = build(network).train(), 16
    own = {tensor.untyped_storage().data_ptr() for tensor in (*module.parameters(), *module.buffers())}
    kept = {}

    def keep(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in own:
            kept[storage.data_ptr()] = storage  # held, so that no other gets its address
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        loss = module(torch.zeros(batch, *network.input))
    assert loss.requires_grad
    counted = network_cost(network).memory(batch)["activations"]
    assert counted == pytest.approx(sum(storage.nbytes() for storage in kept.values()), rel=0.02)


@pytest.mark.parametrize(("optimizer", "numbers"), [("adam", 2), ("sgd", 1)])
def test_memory_counts_the_state_of_the_optimizer_that_is_asked_for(optimizer, numbers):
    first = cost_table(posed(training={"optimizer": optimizer})).iloc[0]
    assert first["optimizer"] == 4 * numbers * first["parameters"]


def test_table_has_a_row_a_network_and_bytes_of_adam():
    table = cost_table(posed(decomposition={"grid": [1, 2]}), batch_size=10)
    assert list(table["network"]) == ["global", "local 1", "local 2"]
    assert list(table["input"]) == ["32×32", "32×16", "32×16"]
    first = table.iloc[0]
    assert first["weights"] == first["gradients"] == 4 * first["parameters"]
    assert first["optimizer"] == 8 * first["parameters"]
    assert first["memory"] == first[["weights", "gradients", "optimizer", "activations"]].sum()
    twice = cost_table(posed(decomposition={"grid": [1, 2]}), batch_size=20)
    assert twice["activations"][0] == 2 * first["activations"]


@pytest.mark.parametrize(("workers", "busiest"), [(None, 1), (4, 1), (2, 2), (3, 2), (1, 4)])
def test_work_ratio_divides_by_the_busiest_worker(workers, busiest):
    problem = posed(decomposition={"grid": [2, 2]})
    local, whole = problem.local_networks[0].flops(), problem.global_network.flops()
    ratio = work_ratio(problem, workers)
    assert ratio.total == pytest.approx(whole / (4 * local))
    assert ratio.longest == pytest.approx(whole / (busiest * local))


def test_plan_counts_the_networks_of_all_folds():
    plan = plan_table(posed(aggregator={"folds": 3}), 1, rate=1e9).set_index("stage")
    assert dict(plan["networks"]) == {
        "global": 1,
        "local": 4,
        "average": 0,
        "majority": 0,
        "local_folds": 12,
        "cnn_dnn": 1,
    }


def test_plan_takes_half_as_long_with_two_workers_where_work_can_be_shared():
    problem = posed()
    one, two = (plan_table(problem, workers, rate=1e9).set_index("stage") for workers in (1, 2))
    for stage in ("global", "local"):
        assert two.loc[stage, "seconds"] == pytest.approx(one.loc[stage, "seconds"] / 2)
    assert two.loc["cnn_dnn", "seconds"] == one.loc["cnn_dnn", "seconds"]
    assert one.loc["global", "seconds"] == pytest.approx(one.loc["global", "flops"] / 1e9)


def test_a_promise_is_what_was_measured_here():
    """A guess at first; an estimate after any run; after a run of the same, under whatever name, what that one took."""
    problem = pose(made_experiment(training={"epochs": 2}))
    stages = plan_table(problem, 1, DEFAULT_RATE)["seconds"].sum()
    guess = promise_here(problem)
    assert guess.because.startswith("A guess") and guess.seconds <= stages
    other = made_run(experiment=made_experiment(training={"epochs": 3}))
    estimate = promise_here(problem)
    assert estimate.because.startswith("An estimate")
    assert estimate.seconds >= other.state().seconds - sum(result["seconds"] for result in other.results())
    run = made_run(experiment=made_experiment(name="another name", training={"epochs": 2}))
    run.update_status(started=1000.0, ended=4000.0)
    made_run("failed", made_experiment(training={"epochs": 2}))
    assert promise_here(problem).seconds == 3000 and promise_here(problem).because.startswith("The same")


def test_runs_of_the_same_network_tell_its_rate():
    runs = [made_run(experiment=made_experiment(model={"name": name})) for name in ("mlp", "vgg3")]
    assert machine_rate(runs, "mlp") == machine_rate(runs[:1])
    assert machine_rate(runs, "vgg3") == machine_rate(runs[1:])
    assert machine_rate(runs, "resnet20") == machine_rate(runs)


def test_rate_is_that_of_finished_runs_and_a_default_without_any():
    failed = made_run("failed")
    assert machine_rate([failed]) == DEFAULT_RATE
    run = made_run()
    trained = [result for result in run.results() if result["seconds"] > 1]
    operations = sum(max(result["flops_by_rank"]) for result in trained)
    assert machine_rate([failed, run]) == pytest.approx(operations / sum(result["seconds"] for result in trained))
