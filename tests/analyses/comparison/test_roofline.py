"""The limit of a machine: by hand, its extremes, and what is said of it."""

import json
from dataclasses import replace

import pytest

from ddlab.analyses.comparison import published_times
from ddlab.analyses.comparison.roofline import (
    GROUPS,
    MOST_ROWS,
    layer_times,
    limit,
    limit_in_words,
    measured_in_words,
    measured_ratio,
    roofline_table,
)
from ddlab.analyses.pipeline.assumed import assumed
from ddlab.figures.comparison import roofline as figures
from ddlab.machine.rates import DATA_SHEETS, Machine, Rates
from ddlab.models.work import network_work
from tests.made_run import made_run
from tests.pages.conftest import check_figure

FAST = 1e17  # a second: it costs next to nothing


def posed(name="vgg3", reduction="1/N", **model):
    """Four local networks with a quarter of the channels on a quarter of the image."""
    asked = {"model": {"name": name, "reduction": reduction, "width": 2.0, **model}, "training": {"batch_size": 128}}
    return assumed(asked, (3, 32, 32), 10, 4)


def machine(operations, bandwidth, threads=1, **settings):
    return Machine("made", {threads: Rates(operations, ((0.0, bandwidth),), **settings)}, "2026-11-01T12:00:00+00:00")


def test_a_layer_takes_the_larger_part_of_each_pass_by_hand():
    problem, made = posed(), machine(1e9, 1e8)
    work = network_work(problem.global_network, 128)
    for each in layer_times(work, made):
        parts = [(part.operations / 1e9, part.bytes / 1e8) for part in each.work.passes]
        assert each.seconds == pytest.approx(sum(map(max, parts)))
        assert each.by_bound["operations"] == pytest.approx(sum(o for o, b in parts if o > b))
        assert each.best == each.seconds, "no ceilings are known"


def test_where_memory_costs_nothing_the_limit_is_the_count_of_operations():
    """Passes without operations still cost a little, so the ratio is below by next to nothing."""
    found = limit(posed(), machine(1.0, FAST))
    assert found.allowed == pytest.approx(found.counted, rel=1e-3) and found.by_bytes < 1e-3
    assert found.counted == pytest.approx(15.6, abs=0.05)


def test_where_operations_cost_nothing_the_limit_is_that_of_the_bytes():
    problem = posed()
    found = limit(problem, machine(FAST, 1.0))
    moved = [
        sum(row.total.bytes for row in network_work(network, 128))
        for network in (problem.global_network, *problem.local_networks)
    ]
    assert found.by_bytes == 1 and found.allowed == pytest.approx(moved[0] / sum(moved[1:]))
    assert 3.9 < found.allowed < 4.2, "a quarter of the numbers, but for the weights"


def test_the_limit_lies_between_bytes_and_operations_and_memory_is_named():
    problem = posed()
    sheet = DATA_SHEETS["a100_tf32"]
    found, kinds = limit(problem, sheet), roofline_table(problem, sheet, by="kind")
    assert 4 < found.allowed < found.counted and found.best is None
    told = limit_in_words(found, kinds, sheet)
    assert f"{found.allowed:.1f} times faster" in told and "another machine (A100, TF32; its data sheet)" in told
    assert "batch normalisation (" in told and "4.0 times fewer bytes" in told
    assert "holds them back little" in limit_in_words(limit(problem, machine(1.0, FAST)), kinds, machine(1.0, FAST))


def test_what_torch_does_at_best_is_a_second_ratio_below_the_first():
    """Convolutions of few channels at a tenth of the peak: local networks have them, the global one has none."""
    problem, roof = posed(), machine(1e12, FAST)
    ceilings = machine(1e12, FAST, convolutions=((32, 1e11), (256, 1e12)))
    found = limit(problem, ceilings)
    assert found.allowed == limit(problem, roof).allowed and found.best < 0.3 * found.allowed
    kinds = roofline_table(problem, ceilings, by="kind")
    told = limit_in_words(found, kinds, ceilings)
    assert f"{found.best:.1f} are left: convolution (" in told
    assert "85\u00a0% of what PyTorch's operations leave" in measured_in_words(0.85 * found.best, found, is_here=True)


@pytest.mark.parametrize("by", GROUPS)
@pytest.mark.parametrize("name", ["vgg3", "resnet110"])
def test_rows_share_out_all_the_time_and_are_few(name, by):
    problem = posed(name)
    table = roofline_table(problem, DATA_SHEETS["v100"], by=by)
    assert len(table) <= MOST_ROWS and table["row"].is_unique
    assert table[["global_share", "local_share"]].sum().tolist() == pytest.approx([1, 1])
    whole = sum(each.seconds for each in layer_times(network_work(problem.global_network, 128), DATA_SHEETS["v100"]))
    assert table["global_seconds"].sum() == pytest.approx(whole)


def test_a_layer_that_local_networks_do_without_has_no_ratio():
    """Networks that are not to be composed pool less often."""
    table = roofline_table(posed("vgg9", "1/sqrt(N)"), DATA_SHEETS["v100"]).set_index("row")
    alone = table[table["local_seconds"] == 0]
    assert list(alone.index) == ["pool8"] and (alone["global_seconds"] > 0).all() and alone["allowed"].isna().all()
    assert table.loc["pool2", "allowed"] == pytest.approx(table.loc["pool2", "moved"])


def test_local_networks_side_by_side_share_the_caches():
    problem = posed()
    caches = Rates(FAST, ((0.0, 100.0), (1e6, 1.0)))
    alone, together = (limit(problem, Machine("made", {threads: caches})).allowed for threads in (1, 4))
    assert together < alone


def test_the_figures_draw_the_table():
    problem, made = posed(), machine(1e12, 1e11, convolutions=((32, 1e11), (256, 1e12)))
    kinds = roofline_table(problem, made, by="kind")
    figure = figures.ratio_bars(kinds, figures.bars_title(10.0, 15.6, "made"))
    counted, operations, memory, best = figure.data
    assert list(memory.y) == list(kinds["row"])
    assert [number for number in counted.x if number == number] == list(kinds["counted"].dropna())
    drawn = [one if one == one else two for one, two in zip(operations.x, memory.x, strict=True)]
    assert drawn == list(kinds["allowed"])
    differing = {row: ratio for row, ratio in zip(best.y, best.x, strict=True) if ratio == ratio}
    assert differing == {"convolution": kinds.set_index("row").loc["convolution", "best"]}
    shares = figures.time_bars(kinds, figures.time_title(kinds))
    assert sum(bar.x[0] for bar in shares.data) == pytest.approx(1)
    for drawn_figure in (figure, shares):
        check_figure(json.loads(drawn_figure.to_json()))


# ---- measured


def test_the_measured_ratio_is_that_of_the_epochs():
    run = made_run()
    results = {result["stage"]: result for result in run.results()}
    local = results["local"]
    epochs = max(network["epochs"] for network in local["networks"])
    whole = results["global"]
    expected = (whole["seconds"] / whole["networks"][0]["epochs"]) / (local["seconds"] / epochs)
    assert measured_ratio(run) == pytest.approx(expected)
    found = replace(limit(posed(), DATA_SHEETS["v100"]), allowed=10.0)
    assert "50\u00a0% of what the machine allows." in measured_in_words(5.0, found, is_here=True)
    assert "on another machine" in measured_in_words(5.0, found, is_here=False)


def test_without_both_there_is_no_measured_ratio():
    assert measured_ratio(made_run("queued")) is None


def test_two_costs_tell_the_times_of_table_3_2():
    """Times of ten epochs: by the costs of a step and an image, all ten to 5 %."""
    costs = published_times.published_costs()
    for batch, measured in published_times.SECONDS.items():
        steps = 10 * -(-50_000 // batch)
        for cost, seconds in zip(costs.values(), measured, strict=True):
            assert steps * cost.step + 500_000 * cost.image == pytest.approx(seconds, rel=0.06)
            assert cost.least < cost.image and cost.error < 0.06
    table = published_times.costs_table(costs).set_index("what")["ratio"]
    assert table["an image, at least (roofline)"] == pytest.approx(11, abs=0.5)
    assert 2.3 < table["an image"] < 2.9 and 2.3 < table["a step, whatever its batch"] < 2.9
    assert "2.5 to 2.9" in published_times.costs_in_words(costs)
