"""A sweep's table and figures: what is done, and why the rest is empty."""

import numpy as np
import pytest

from ddlab.analyses.sweeps.decompositions import best_in_words, best_row, plan_of_sweep, sweep_table, wall_seconds
from ddlab.figures.sweeps.decompositions import accuracy_against_work, heat_map
from ddlab.runs import list_runs
from ddlab.sweeps.decompositions import plan_sweep
from tests.made_run import made_experiment, made_run


def test_runs_start_in_order_where_a_device_is_free():
    assert wall_seconds([5, 1, 1, 4], 2) == 6  # 5 beside 1, 1, 4
    assert wall_seconds([5, 1], 1) == 6
    assert wall_seconds([], 2) == 0


def test_the_plan_tells_size_and_work():
    table = plan_of_sweep(plan_sweep(made_experiment(), [(2, 2)], ["grid", "shifted"], [0, 20]), rate=1e9)
    fit = table[table["reason"] == ""]
    assert list(fit["size"]) == ["16×16", "16×16"] and list(fit["subdomains"]) == [4, 9]
    assert fit["work"].between(0.05, 0.5).all() and fit["seconds"].gt(7).all()
    assert table["reason"].str.contains("overlap 20 px does not fit").sum() == 2


@pytest.fixture
def table():
    """Of two layouts and overlaps 0, 4, 16: three runs of six cells, one failed; 16 px do not fit a shifted 4×4."""
    base = made_experiment(strategies=["global", "average", "majority"], seeds=[0, 1])
    variants = plan_sweep(base, [(2, 2), (4, 4)], ["shifted"], [0, 4, 16])
    by_place = {(variant.grid, variant.overlap): variant.problem for variant in variants}
    made_run(experiment=by_place[(2, 2), 0].experiment)
    made_run(experiment=by_place[(2, 2), 16].experiment)
    made_run("queued", by_place[(4, 4), 4].experiment)
    return sweep_table(list_runs())


def test_a_row_a_decomposition_and_strategy(table):
    assert set(table["title"]) == {"2×2 shifted", "4×4 shifted"}
    assert table["title"].is_monotonic_increasing
    cells = table[table["strategy"] == "average"].set_index(["title", "overlap"])
    assert len(cells) == 6
    first = cells.loc[("2×2 shifted", 0)]
    assert 0 < first["validation"] <= 1 and first["seeds"] == 2 and first["validation_sd"] >= 0
    assert first["subdomains"] == 9 and first["size"] == "16×16"
    assert cells.loc[("2×2 shifted", 16), "work"] > first["work"]
    assert cells.loc[("2×2 shifted", 4), "state"] == "not run"
    assert cells.loc[("4×4 shifted", 4), "seeds"] == 0 and cells.loc[("4×4 shifted", 4), "run_id"]
    assert cells.loc[("4×4 shifted", 16), "state"] == "does not fit"
    assert "allow 0 to 8 px" in cells.loc[("4×4 shifted", 16), "message"]
    whole = table[table["strategy"] == "global"]
    assert len(whole) == 1 and whole["work"].item() == 1


def test_the_best_is_the_most_accurate_and_of_equal_ones_the_cheapest(table):
    equal = table.assign(validation=table["validation"].where(table["validation"].isna(), 0.5))
    assert best_row(equal, "average")["overlap"] == 0
    assert best_row(table.assign(validation=np.nan), "average") is None


def test_the_best_is_told_with_its_work_and_the_global_network(table):
    rows = table["strategy"].eq("average") & table["validation"].notna()
    known = table.assign(test=np.nan)
    known.loc[rows, ["validation", "work"]] = [[0.5, 0.125], [0.25, 0.125]]
    known.loc[known["strategy"] == "global", "validation"] = 0.75
    title, overlap = known.loc[rows, ["title", "overlap"]].iloc[0]
    best = f"Best so far: **{title}, overlap {overlap} px** with **50.0\u00a0%**"
    work = " for 12\u00a0% of the global network's work; the global network has 75.0\u00a0%."
    assert best_in_words(known, "average") == best + work
    judged = best_in_words(known.assign(test=0.375), "average")
    assert judged == f"{best} of the validation images, which chose it, and 37.5\u00a0% of the test images,{work}"
    assert "No run of this strategy is done" in best_in_words(known.assign(validation=np.nan), "average")


def test_the_heat_map_writes_every_cell_on_one_scale(table):
    figure, other = heat_map(table, "average", "A"), heat_map(table, "majority", "B")
    assert [figure.data[0].zmin, figure.data[0].zmax] == [other.data[0].zmin, other.data[0].zmax]
    assert np.isfinite(figure.data[0].z).sum() == 2
    written = [note.text for note in figure.layout.annotations]
    assert sum("± " in text for text in written) == 2
    assert {"<i>does not fit</i>", "<i>not run</i>"} <= set(written) and len(written) == 6
    opened = [data[0] for data in figure.data[1].customdata]
    assert set(opened) - {""} == {run.id for run in list_runs()}


def test_accuracy_against_work_has_a_line_a_layout_and_the_global_network(table):
    lines = {trace.name: trace for trace in accuracy_against_work(table, "average", "C").data}
    assert list(lines) == ["2×2 shifted", "4×4 shifted", "global"]
    assert list(lines["2×2 shifted"].text) == ["δ 0", "δ 16"] and list(lines["global"].x) == [1]


def test_a_sweep_of_nothing_has_no_rows():
    assert sweep_table([]).empty
