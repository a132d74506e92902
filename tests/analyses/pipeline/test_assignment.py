"""Assignments and uses of machines side by side: the numbers of each, and a reason where there is none."""

import re
from pathlib import Path

import numpy as np
import pytest

from ddlab.analyses.pipeline.assignment import (
    assign_all,
    assignment_table,
    generation_table,
    placement_table,
    replica_table,
)
from ddlab.pipeline.assignment import ASSIGNMENTS, assign
from ddlab.pipeline.assignment_problem import AssignmentProblem, GeneticSettings
from ddlab.pipeline.replicas import HybridProblem

GRAHAM = AssignmentProblem((3, 2, 3, 2, 2), 2, (0, 0, 0, 0), (10, 20, 30, 40))
NUMBERS = ["time", "over_best", "work", "transfer", "balance", "crossings", "crossing_bytes", "devices_used"]


def test_a_row_an_assignment_with_its_numbers():
    found = assign_all(GRAHAM)
    table = assignment_table(GRAHAM, found).set_index("assignment")
    assert list(table.index) == list(found) == list(ASSIGNMENTS) and set(table["reason"]) == {""}
    assert table["time"].to_dict() == {"genetic": 6, "greedy": 7, "contiguous": 7, "exact": 6}
    np.testing.assert_allclose(table["over_best"], table["time"] / 6)
    np.testing.assert_allclose(table["work"] + table["transfer"], table["time"])
    np.testing.assert_allclose(table["balance"], 12 / (2 * table["work"]))
    assert table["crossings"]["contiguous"] == 1 and table["crossing_bytes"]["contiguous"] in (20, 30)
    assert (table["devices_used"] == 2).all()


def test_what_is_too_large_or_was_not_asked_for_says_so():
    large = AssignmentProblem((1,) * 30, 3, (0,) * 29)
    table = assignment_table(large, assign_all(large)).set_index("assignment")
    assert table["reason"]["exact"].startswith("costs: must be at most 14") and table.loc["exact", NUMBERS].isna().all()
    assert table["time"]["contiguous"] == 10 and table["over_best"]["contiguous"] == 1
    assert table["crossing_bytes"].isna().all()
    alone = assignment_table(GRAHAM, {"greedy": assign(GRAHAM, "greedy")}).set_index("assignment")
    assert alone["over_best"]["greedy"] == 1 and alone["reason"]["genetic"] == "not asked for"


def test_modules_and_generations():
    found = assign_all(GRAHAM, GeneticSettings(generations=5))
    placed = placement_table(found)
    for name, rows in placed.groupby("assignment"):
        assert tuple(rows["device"]) == found[name].devices and tuple(rows["cost"]) == GRAHAM.costs
        assert list(rows["module"]) == [0, 1, 2, 3, 4]
    generations = generation_table(found["genetic"])
    assert list(generations["generation"]) == [0, 1, 2, 3, 4, 5]
    assert tuple(generations["best"]) == tuple(each.best for each in found["genetic"].history)
    assert generation_table(found["greedy"]).empty


def test_a_row_a_use_of_the_machines():
    problem = HybridProblem((8, 8), (0.1,), (20, 20), num_machines=4, bandwidth=10, batch_size=6)
    table = replica_table(problem).set_index("replicas")
    assert table["devices"].to_dict() == {1: 4, 2: 2, 4: 1} and table["fastest"].to_dict() == {
        1: False,
        2: True,
        4: False,
    }
    np.testing.assert_allclose(table["time"], [8.01, 6.005, np.nan])
    np.testing.assert_allclose(table["compute"] + table["transfer"] + table["all_reduce"], table["time"])
    np.testing.assert_allclose(table["speed_up"] * table["time"], [16, 16, np.nan])
    np.testing.assert_allclose(table["parameter_bytes"], [20, 20, np.nan])
    np.testing.assert_allclose(table["sent_bytes"], [0.1, 80.1, np.nan])
    assert list(table["reason"]) == ["", "", "num_replicas: must divide the batch of 6, got 4; choices: 1, 2"]


def test_the_chapter_says_what_its_code_gives():
    """The code blocks of the chapter are run, and its numbers are theirs."""
    root = Path(__file__).parents[3]
    text = (root / "docs" / "methods" / "pipelines.md").read_text(encoding="utf-8")
    blocks = [block for block in re.findall(r"^```python\n(.*?)^```", text, re.S | re.M) if "_table(" in block]
    first, second = (re.sub(r"^(assignment_table|replica_table)", r"\1_ = \1", block, flags=re.M) for block in blocks)
    names: dict = {}
    exec(first + second, names)
    times = 1e3 * names["assignment_table_"].set_index("assignment")["time"]
    assert times.round(2).to_dict() == {"genetic": 20.27, "greedy": 21.80, "contiguous": 20.27, "exact": 20.27}
    assert "find 20.27 ms" in text and "takes 21.80 ms" in text
    for row in names["replica_table_"].itertuples():
        mark = r"\*\*" if row.fastest else ""
        numbers = [f"{row.replicas} × {row.devices}", f"{1e3 * row.time:.2f} ms"]
        parts = [f"{1e3 * time:.2f} ms" if time else "–" for time in (row.compute, row.transfer, row.all_reduce)]
        cells = [f"{mark}{cell}{mark}" for cell in numbers] + parts + [f"{mark}{row.speed_up:.2f}{mark}"]
        assert re.search(r"^\| " + r" \| ".join(cells) + r" \|$", text, re.M), cells
    slow = names["HybridProblem"](names["seconds"], names["hops"], names["parameters"], 8, 1.25e9, 128)
    best = replica_table(slow).set_index("fastest").loc[True]
    assert best["replicas"] == 1 and best["speed_up"] == pytest.approx(1.07, abs=0.005)
