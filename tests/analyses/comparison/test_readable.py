"""The table of strategies as people read it."""

import pandas as pd
import pytest

from ddlab.analyses.comparison.accuracy import strategy_table
from ddlab.analyses.comparison.readable import CONDITIONS, readable
from tests.made_run import made_experiment, made_run

NO_PAPER = pd.DataFrame()


def test_what_an_accuracy_took_stands_right_after_it():
    columns = list(readable(strategy_table([made_run()]), NO_PAPER, balanced=False))
    place = columns.index("interval")
    assert columns[: place + 4] == ["title", "seeds", "validation", "interval", *CONDITIONS]
    assert {"run", "run_id", "strategy", "low", "high", "same_answer", "balanced", "test"}.isdisjoint(columns)


def test_test_images_have_the_interval_where_they_judge():
    table = strategy_table([made_run(experiment=made_experiment({"test": "official"}, seeds=[0, 1]))])
    columns = list(readable(table, NO_PAPER, balanced=False))
    assert columns[2:5] == ["test", "test_sd", "interval"]


def test_numbers_are_in_readable_units_and_the_interval_is_text():
    table = strategy_table([made_run()]).assign(flops=2e6, rank_flops=3e9, low=[0.125, None, 0.125, 0.125], high=0.5)
    shown = readable(table, NO_PAPER, balanced=True)
    assert shown["flops"].tolist() == [2] * 4 and shown["rank_flops"].tolist() == [3] * 4
    assert shown["interval"].dropna().tolist() == ["12.5 – 50.0\u00a0%"] * 3 and pd.isna(shown["interval"][1])
    assert "balanced" in shown


def test_the_paper_stands_before_the_accuracy_and_runs_are_named_where_there_are_several():
    table = strategy_table([made_run(), made_run(experiment=made_experiment(name="other"))])
    paper = pd.DataFrame({"strategy": ["majority"], "validation": [0.75]})
    shown = readable(table, paper, balanced=False)
    assert list(shown["run"].unique()) == ["made", "other"]
    columns = list(shown)
    assert columns.index("paper") == columns.index("validation") - 1
    assert shown.loc[table["strategy"] == "majority", "paper"].tolist() == [0.75, 0.75]
    assert shown["paper"].notna().sum() == 2


@pytest.mark.parametrize(("same", "title"), [(0, "Global network"), (1, "Global network ⚠ same answer for all")])
def test_who_says_the_same_for_all_is_marked(same, title):
    table = strategy_table([made_run()])
    table.loc[table["strategy"] == "global", "same_answer"] = same
    assert title in readable(table, NO_PAPER, balanced=False)["title"].tolist()
