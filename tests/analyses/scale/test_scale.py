"""Growth on paper: every strategy of the registry, oracles by hand, and a simulation that agrees with the formulas."""

import math
from dataclasses import replace

import numpy as np
import pytest

from ddlab.analyses.scale.cluster import Cluster
from ddlab.analyses.scale.machines import cluster_asked
from ddlab.analyses.scale.memory import stage_memory
from ddlab.analyses.scale.of_run import scale_of_run, why_not
from ddlab.analyses.scale.planned import planned
from ddlab.analyses.scale.simulated import Spread, _meeting, simulated_step, spread_table
from ddlab.analyses.scale.step import stage_time, step_time
from ddlab.analyses.scale.table import grown, rank_numbers, scale_table, stops, why_not_known
from ddlab.analyses.scale.words import answer
from ddlab.machine.links import Link
from ddlab.machine.rates import Machine, Rates
from ddlab.pipeline.theory import overlap_limit
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import open_run
from ddlab.strategies.stage import plan, strategy_stages

RATES = Rates(1e12, ((0.0, 1e18 / 2),))  # memory so fast that operations alone count
FREE = Link("free", 0.0, math.inf)
LINK = Link("link", 1e-6, 1e9)
ASKED = {
    "model": {"name": "vgg3", "reduction": "1/N"},
    "training": {"batch_size": 64, "epochs": 2},
    "apts": {"subdomains": 4},
    "pipeline": {"modules": 4},
    "gabra": {"generations": 5},
    "strategies": list(STRATEGIES),
}
NUMBERS = (1, 2, 3, 5, 64, 1024)
every_strategy = pytest.mark.parametrize("strategy", STRATEGIES)


def cluster(link=LINK, rates=RATES, **settings):
    return Cluster(Machine("paper", {1: rates}), link, **settings)


@pytest.fixture(scope="module")
def problem():
    return planned(ASKED, 16)


def stage_of(problem, strategy):
    """The last stage that trains."""
    return [stage for stage in strategy_stages(problem, strategy) if stage.growth and stage.tasks][-1]


# ---- every entry


@every_strategy
def test_every_stage_says_how_it_grows(problem, strategy):
    """Its shares are of ranks that there are, and all of them together do the work of one rank."""
    assert why_not_known(problem, strategy) == ""
    for stage in strategy_stages(problem, strategy):
        if stage.growth is None:
            assert stage.kind == "single" and not stage.tasks
            continue
        for ranks in NUMBERS:
            growth, one = stage.growth(ranks, 64), stage.growth(1, 64)
            assert 1 <= growth.busy <= ranks and growth.parts and growth.most >= 1
            held = [
                sum(s.ranks * load.copies * load.images for s in g.shares for load in s.loads) for g in (growth, one)
            ]
            repeats = ranks * 64 if stage.dnn and stage.kind == "collective" else 64  # the DNN of the coherent model
            assert held[0] == pytest.approx(held[1] + repeats - 64), (stage.name, ranks)
            assert (growth.steps, growth.epochs) == (one.steps, one.epochs)


@every_strategy
def test_what_it_exchanges_is_the_payload_that_it_declares(problem, strategy):
    """On two ranks, or as many as it has modules: vectors and parts are those that Compare counts and runs measure."""
    stage = stage_of(problem, strategy)
    growth = stage.growth(4 if STRATEGIES[strategy].settings[:1] == ("pipeline",) else 2, 64)
    sizes = sum(
        e.size * e.times * (e.ranks if e.collective == "all_gather" else 1) for e in growth.exchanges if e.size > 8
    )
    if growth.order is not None:
        sent = step_time(growth, stage.growth(1, 64), cluster(), 4).sent_by_all
        assert sent <= stage.payload.bytes and (sent == stage.payload.bytes or strategy == "gabra")
    else:
        assert sizes == stage.payload.bytes


@every_strategy
def test_parts_add_up_and_nothing_is_faster_than_the_roofline(problem, strategy):
    rates = Rates(1e10, ((1e3, 5e9), (1e6, 1e9)), ((8, 2e9), (64, 8e9)), {"pooling": 5e8, "batch normalisation": 5e8})
    table = scale_table(problem, cluster(rates=rates), NUMBERS, strategies=[strategy])
    parts = table[["divided", "repeated", "waiting", "latency", "transfer", "alone"]]
    np.testing.assert_allclose(parts.sum(axis=1).astype(float), table["seconds"].astype(float), rtol=1e-9)
    assert (parts.astype(float) >= -1e-12).all().all() and (
        table["least_seconds"] <= table["seconds"] * (1 + 1e-9)
    ).all()
    assert (table["memory"] > 0).all() and (table["speed_up"] <= table["ranks"] * (1 + 1e-9)).all()
    assert table["speed_up"].iloc[0] == pytest.approx(1) and table["sent"].iloc[0] == 0


@every_strategy
@pytest.mark.parametrize("ranks", [1, 3, 64])
def test_without_a_spread_the_simulation_is_the_formula(problem, strategy, ranks):
    (row,) = spread_table(problem, cluster(), ranks, 0.2, strategies=(strategy,)).to_dict("records")
    assert row["simulated"] == pytest.approx(row["formula"])
    assert row["steps"] >= row["simulated"] * (1 - 1e-9) and row["ranks"] >= row["simulated"] * (1 - 1e-9)


# ---- on paper


def test_one_network_a_rank_at_most(problem):
    """N networks on R ranks take as long as ⌈N/R⌉ of them; nothing is sent."""
    times = {ranks: grown(problem, "average", cluster(), ranks).time for ranks in (1, 3, 4, 5, 16, 17, 1024)}
    for ranks, time in times.items():
        assert time.seconds == pytest.approx(math.ceil(16 / ranks) / 16 * times[1].seconds)
        assert time.latency == time.transfer == 0
    assert times[17].seconds == pytest.approx(times[16].seconds)
    assert times[17].waiting > 0 == pytest.approx(times[16].waiting)


def test_data_parallel_training_divides_images_and_sums_gradients(problem):
    """Operations of ⌈B/R⌉ images, and a ring of 2 (R - 1) messages, 2 (R - 1)/R of the gradient long."""
    stage = stage_of(problem, "global")
    one = step_time(stage.growth(1, 64), stage.growth(1, 64), cluster(), 1)
    gradient = 4 * problem.global_network.parameters()
    for ranks in (2, 5, 64):
        time = step_time(stage.growth(ranks, 64), stage.growth(1, 64), cluster(), ranks)
        assert time.compute == pytest.approx(math.ceil(64 / ranks) / 64 * one.compute)
        assert time.latency == pytest.approx(2 * (ranks - 1) * 1e-6)
        assert time.sent == pytest.approx(2 * (ranks - 1) / ranks * gradient) and time.transfer == time.sent / 1e9
    idle = stage.growth(1024, 64)
    assert idle.busy == 64 and step_time(idle, stage.growth(1, 64), cluster(FREE), 1024).seconds == pytest.approx(
        one.seconds / 64
    )


def test_a_pipeline_of_equal_modules_has_the_bubble_of_the_theory():
    """n modules of one convolution each, m micro-batches: idle for (n - 1)/(m + n - 1) of a step."""
    from ddlab.models.architecture import Conv, Network
    from ddlab.pipeline.partition import partition
    from ddlab.pipeline.placement import place
    from ddlab.strategies.growth import Growth, Load, Order, Share

    network = Network(tuple((f"conv{k}", Conv(8, 8)) for k in range(6)), (8, 16, 16))
    cut = partition(network, 6, "equal")
    inner = replace(cut, modules=cut.modules[1:5])  # the first one makes no gradient of images
    for micro_batches in (4, 8, 32):
        growths = []
        for ranks in (4, 1):
            placement = place(inner, "gpipe", ranks, micro_batches)
            own = [[m for k in placement.stretches_of(r) for m in placement.stretches[k]] for r in range(ranks)]
            shares = tuple(Share(1, tuple(Load(inner.modules[m].network, 64) for m in held)) for held in own)
            growths.append(Growth(shares, "", 4, 1, 1, (), Order(placement, 64 / micro_batches)))
        time = step_time(*growths, cluster(FREE), 4)
        assert time.waiting / time.seconds == pytest.approx(3 / (micro_batches + 3), rel=0.01)
        if micro_batches == 4:
            speed_up = step_time(growths[1], growths[1], cluster(FREE), 1).seconds / time.seconds
            assert speed_up == pytest.approx(overlap_limit(4), rel=0.01)


def test_coherent_gathers_padded_shares_and_repeats_the_dnn(problem):
    """16 networks on 5 ranks are sent as 5 shares of 4; ranks without one still compute the DNN."""
    stage = stage_of(problem, "coherent")
    growth = stage.growth(5, 64)
    (gather,) = growth.exchanges
    assert gather.size == 4 * 10 * 64 * 4
    assert step_time(growth, stage.growth(1, 64), cluster(), 5).sent_by_all == 5 * 4 * gather.size
    beyond = stage.growth(20, 64)
    assert beyond.busy == 20 and beyond.most == 16
    assert step_time(beyond, stage.growth(1, 64), cluster(), 20).repeated > 0


def test_trust_region_methods_work_by_their_local_steps(problem):
    """SAPTS makes 1 + ν gradients and two losses of a step's images: twice the work for twice as many."""
    few, many = (
        stage_of(planned(ASKED | {"apts": {"subdomains": 4, "local_steps": steps}}, 4), "sapts") for steps in (3, 8)
    )
    images = 64
    times = [step_time(s.growth(1, images), s.growth(1, images), cluster(), 1).seconds for s in (few, many)]
    gradient = (times[1] - times[0]) / 5
    assert times[0] == pytest.approx((1 + 3 + 2 / 3) * gradient, rel=0.02)
    shared = planned(ASKED | {"apts": {"subdomains": 4, "data": "shared"}}, 4)
    assert stage_of(shared, "sapts").growth(64, 64).busy == 1


def test_one_rank_alone_is_told_as_such(problem):
    """Amdahl: the DNN of CNN-DNN is trained by one rank, which bounds the gain of all others."""
    found = grown(problem, "cnn_dnn", cluster(), 16).time
    alone = next(stage for stage in strategy_stages(problem, "cnn_dnn") if stage.name == "cnn_dnn")
    one = alone.growth(1, 64)
    assert found.alone == pytest.approx(stage_time(one, one, cluster(), 1).seconds)


def test_memory_by_hand(problem):
    """Four numbers a weight with Adam, two states beside, and the activations of a rank's part of the batch."""
    stage, network = stage_of(problem, "global"), problem.global_network
    one, four = (stage_memory(problem, stage.growth(ranks, 64), cluster(), ranks) for ranks in (1, 4))
    weights, pair = 4 * network.parameters(), 2 * 32 * 32 * 32  # 32 channels at 32×32 px, to as many
    assert (one["weights"], one["gradients"], one["optimizer"], one["kept"]) == (
        weights,
        weights,
        2 * weights,
        2 * weights,
    )
    assert one["activations"] == 4 * max(64 * (network.activations() + pair), 512 * pair)
    assert four["activations"] == 4 * max(16 * (network.activations() + pair), 512 * pair)
    assert four["gradients"] == 2 * weights and one["images"] == four["images"] == 60_000 * 3 * 32 * 32
    local = stage_of(problem, "average")
    held = [stage_memory(problem, local.growth(ranks, 64), cluster(), ranks)["activations"] for ranks in (1, 16, 64)]
    assert held[0] == 16 * held[1] == 16 * held[2] > 0


def test_weak_scaling_keeps_the_work_of_a_rank(problem):
    """Without links' times a data parallel step of R·B images on R ranks takes as long as one of B on one."""
    table = scale_table(problem, cluster(FREE), (1, 4, 64), strategies=["global"], weak=True)
    np.testing.assert_allclose(table["efficiency"].astype(float), 1.0, rtol=1e-6)
    local = scale_table(problem, cluster(FREE), (16, 64), strategies=["average"], weak=True)
    assert list(local["efficiency"].round(3)) == [1.0, 0.25]  # 16 networks, 64 ranks


# ---- what stops


def test_the_point_where_it_stops_and_why(problem):
    table = scale_table(problem, cluster(FREE), rank_numbers(64), strategies=["average", "global"])
    assert stops(table) == {"average": 16, "global": 64}
    told = answer(problem, table, cluster(FREE), 64)
    assert any("stops at 16 ranks, 16 times as fast as one rank: there are 16 local networks" in each for each in told)
    assert any("Global network**: gains up to all 64 ranks" in each for each in told)
    slow = cluster(Link("slow", 1.0, 1e12))
    table = scale_table(problem, slow, rank_numbers(64), strategies=["global"])
    assert stops(table) == {"global": 1}
    (sentence,) = answer(problem, table, slow, 64)
    assert "nothing gained: then the latency of exchanges takes longest" in sentence


def test_sentences_stop_where_the_figure_has_its_mark(problem):
    """However few ranks are asked for: a little gain up to them may be the beginning of a larger one."""
    fading = cluster(Link("fast", 0.0, 1e11), start=7e-6)  # every doubling gains less: from 64 on just below a tenth
    table = scale_table(problem, fading, rank_numbers(1024), strategies=["global"])
    assert stops(table) == {"global": 128} and stops(table[table["ranks"] <= 128]) == {"global": 64}
    for ranks in rank_numbers(1024)[1:]:
        (told,) = answer(problem, table, fading, ranks)
        stop = stops(table)["global"]
        assert (f"stops at {stop:,} ranks" if stop < ranks else f"gains up to all {ranks:,} ranks") in told


def test_a_strategy_that_says_nothing_is_not_known(problem, monkeypatch):
    """No row is made up: the reason stands there, and all numbers are empty."""
    import ddlab.strategies.global_network as module

    def silent(problem):
        yield replace(next(real(problem)), growth=None)

    real = module.stages
    monkeypatch.setattr(module, "stages", silent)
    table = scale_table(problem, cluster(), (1, 2), strategies=["global"])
    assert set(table["reason"]) == {"not known: Global network says nothing of how it grows"}
    assert table[["seconds", "sent", "memory"]].isna().all().all() and stops(table) == {}
    with pytest.raises(ValueError, match="strategy 'global': not known"):
        grown(problem, "global", cluster(), 2)
    assert spread_table(problem, cluster(), 2, 0.1, strategies=("global",)).empty


def test_what_is_not_possible_says_why():
    other = planned(ASKED | {"model": {"name": "vgg3", "reduction": "1/sqrt(N)"}}, 16)
    table = scale_table(other, cluster(), (1, 2), strategies=["composed", "global"])
    assert table["reason"].iloc[0].startswith("not possible: model.reduction") and table["reason"].iloc[-1] == ""


# ---- the simulation


def test_ranks_that_meet_wait_for_the_slowest_of_every_step():
    """By hand: the slowest of each of three steps, and an exchange after each."""
    times = np.array([[1.0, 2.0], [3.0, 1.0], [1.0, 1.0]])
    assert _meeting(times, 0.5) == pytest.approx((2 + 3 + 1 + 3 * 0.5) / 3)


def test_what_is_drawn_anew_averages_out_where_nobody_waits(problem):
    """Local networks meet at their end alone; gradients are summed in every step."""
    table = spread_table(problem, cluster(FREE), 16, 0.3, strategies=("average", "global")).set_index("strategy")
    assert table.loc["average", "steps_cost"] < 0.05 < 0.2 < table.loc["average", "ranks_cost"]
    assert table.loc["global", "steps_cost"] > 0.2
    for cause in ("steps", "ranks"):
        factors = Spread(0.3, cause).factors(50)
        assert factors.mean(axis=0) == pytest.approx(1) and 0.2 < factors.std() < 0.4


@pytest.mark.parametrize("size", [-0.1, 3.0, math.nan])
def test_what_is_no_spread_is_refused(size):
    with pytest.raises(ValueError, match="spread: must be from 0 to 2"):
        Spread(size)


def test_an_operation_takes_time_however_small_it_is(problem):
    stage = stage_of(problem, "average")
    one = stage.growth(1, 64)
    slow, fast = (step_time(one, one, cluster(start=start), 1).seconds for start in (1.0, 0.0))
    passes = 2 * sum(1 for _ in filter(None, problem.local_networks[0].layers)) - 2  # flattening moves nothing
    assert slow == pytest.approx(passes, rel=0.15) and fast < 1
    assert step_time(one, one, replace(cluster(start=1.0), least=True), 1).seconds < 1
    with pytest.raises(ValueError, match="start: must be seconds from 0 on"):
        cluster(start=-1.0)


# ---- runs


def test_a_run_is_put_on_more_ranks():
    run = open_run("example")
    assert why_not(run) == ""
    table = scale_of_run(run, ranks=8, machine="v100", link="edr")
    assert set(table["strategy"]) == set(run.experiment.strategies) and set(table["ranks"]) == {1, 2, 4, 8}


def test_a_stage_that_is_simulated_is_one_of_the_plan(problem):
    """Stages of all strategies at once, each simulated on more ranks than it has parts."""
    asked = cluster_asked(problem, "a100", "hdr", {"latency": 1e-5})
    assert asked.link.name == "InfiniBand HDR, changed" and asked.start > 0
    for stage in plan(problem):
        if stage.growth:
            assert math.isfinite(simulated_step(stage.growth(20, 64), asked, 20, Spread(0.1)))
