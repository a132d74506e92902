"""Traced steps of a run beside their simulation, and accuracy against the age of gradients."""

import pandas as pd
import pytest

from ddlab.analyses.pipeline.measured_ways import measured_ways
from ddlab.analyses.pipeline.staleness import notice as ages_notice
from ddlab.analyses.pipeline.staleness import staleness_table
from ddlab.analyses.pipeline.staleness import why_not as why_no_ages
from ddlab.analyses.pipeline.traces import module_table, notice, trace_of, trace_table, why_not
from ddlab.pipeline.records import TRACE
from ddlab.pipeline.schedules import Action
from ddlab.pipeline.trace import Step, joined, measured_costs, recorded_step
from ddlab.registry.strategies import CUT_LAYERS, STRATEGIES
from tests.made_run import made_run
from tests.made_trace import traced_run

TOOK = 2e-3  # seconds of every action in a made trace


def test_a_step_without_waits_is_told_as_it_was():
    """Four forward and four backward passes of 2 ms on each of two ranks, the second one 2 ms later."""
    (row,) = trace_table(traced_run()).to_dict("records")
    assert row["seconds"] == pytest.approx(9 * TOOK)
    assert row["one_rank"] == pytest.approx(16 * TOOK) and row["speed_up"] == pytest.approx(16 / 9)
    assert row["bubble"] == pytest.approx(1 / 9) and row["waited"] == pytest.approx(TOOK)
    assert row["balance"] == pytest.approx(1) and row["over"] == row["seconds"] / row["predicted"] - 1
    hop = trace_of(traced_run(), "layerwise", 0)["hop_bytes"][0]
    assert row["sent_bytes"] == pytest.approx(2 * 32 * hop)


def test_a_step_that_waited_is_longer_than_its_simulation():
    row = trace_table(traced_run(stretched=3.0)).iloc[0]
    assert row["over"] > 0.5 and row["bubble"] > row["predicted_bubble"] + 0.1
    assert "longer" in notice(row) and "fewer cores" in notice(row)
    assert "fewer cores" not in notice(trace_table(traced_run()).iloc[0])


def test_modules_have_their_layers_and_medians():
    record = trace_of(traced_run(), "layerwise", 0)
    table = module_table(record)
    assert list(table["rank"]) == [0, 1] and table["layers"][0].startswith("conv1")
    assert table["forward"].to_list() == pytest.approx([TOOK] * 2) and table["time"].sum() == pytest.approx(1)
    assert table["flops"].sum() == pytest.approx(1) and table["transfer"].isna().to_list() == [False, True]


def test_a_trace_is_read_back_as_it_was_written():
    run = traced_run()
    path = run.stage("layerwise", 0).path / "trace.json"
    assert TRACE.fault(path) == "" and recorded_step(run.stage("layerwise", 0).trace()).makespan == pytest.approx(
        9 * TOOK
    )
    path.write_text(path.read_text(encoding="utf-8").replace('"batch": 32', '"batch": 33'), encoding="utf-8")
    assert not run.stage("layerwise", 0).trace() and "checksum" in TRACE.fault(path)
    assert why_not(run).startswith("No step was traced yet")


def test_ranks_of_one_machine_have_one_clock_and_those_of_two_begin_together():
    first, second = Action("F", 0, 0), Action("F", 1, 0)
    here = Step({first: 0.0}, {first: 1.0}, began=100.0, machine="one")
    for machine, start in (("one", 1.5), ("two", 0.5)):
        there = Step({second: 0.5}, {second: 1.5}, began=101.0, machine=machine)
        assert joined([here, there]).starts == {first: 0.0, second: start}


def test_costs_are_medians_and_the_shortest_wait_is_the_transfer():
    run = traced_run()
    schedule = recorded_step(run.stage("layerwise", 0).trace()).schedule
    steps = []
    for late in (0.0, 0.3, 0.5):
        starts = {
            action: 10.0 * action.micro_batch + 2.0 * action.module + (action.kind == "B") * 5
            for order in schedule.orders
            for action in order
        }
        ends = {action: start + 1.0 + late for action, start in starts.items()}
        steps.append(Step(starts, ends))
    costs = measured_costs(schedule, steps)
    assert costs.forward == pytest.approx((1.3, 1.3)) and costs.weight == (0, 0)
    # Backward passes go from module 1, which begins 2 s later, to module 0: those waits are below 0.
    assert costs.transfer == (0.0,)


def test_a_run_without_pipelines_says_so():
    run = made_run()
    assert why_not(run) == "This run has no pipeline whose steps are traced: Layer-wise pipeline and GABRA have."
    assert why_no_ages(run).startswith("This run has no method with old gradients: DDG")
    with pytest.raises(ValueError, match="strategy: 'global' with seed 0 has no traced step"):
        trace_of(run, "global", 0)


def test_strategies_stand_by_what_they_cut():
    run = traced_run()
    stage = run.stage("layerwise", 0)
    stage.write_result({**stage.result(), "flops_by_rank": [1.0, 1.0], "bytes_sent": 900})
    for epoch, seconds in enumerate((1.0, 3.0, 2.0), 1):
        record = {"stage": "layerwise", "seed": 0, "subdomain": None, "epoch": epoch, "seconds": seconds}
        run.append_metrics(0, record)
    table = measured_ways(run).set_index("strategy")
    assert table["way"].to_dict() == {"global": "cut the data"} | dict.fromkeys(CUT_LAYERS, "cut the layers")
    assert table.loc["layerwise", "epoch_seconds"] == 2 and table.loc["layerwise", "ranks"] == 2
    assert table.loc["layerwise", "bytes"] == pytest.approx(900 / (3 * 1)), "96 images are one batch, thrice"
    assert measured_ways(made_run("queued")).empty
    mixed = measured_ways(made_run())
    assert list(dict.fromkeys(mixed["way"])) == ["cut the images", "cut the data"]


def test_ages_are_those_of_the_methods():
    table = staleness_table([traced_run()]).set_index("strategy")
    assert table["oldest"].to_dict() == {"global": 0, "layerwise": 0, "ddg": 2, "fdg": 4, "dsp": 4}
    assert table["mean_age"].to_dict() == {"global": 0, "layerwise": 0, "ddg": 1, "fdg": 2, "dsp": 2}
    assert table["work_factor"].to_dict()["dsp"] == pytest.approx(4 / 3) and table.loc["fdg", "work_factor"] == 1


def test_what_old_gradients_cost_is_told_in_points():
    titles = [STRATEGIES[name].title for name in ("global", "ddg")]
    table = pd.DataFrame({"title": titles, "test": [0.9, None], "validation": [0.5, 0.85], "mean_age": [0.0, 1.0]})
    assert ages_notice(table) == "Against the mean of those with exact gradients, DDG loses 5.0\u00a0points."
    assert ages_notice(table.iloc[:1]).startswith("Exact gradients or old ones are missing")
