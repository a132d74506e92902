"""What is worth noticing of a sweep, against tables written by hand."""

import pandas as pd

from ddlab.analyses.sweeps.notice import of_decompositions, of_sensitivity


def swept(*rows):
    return pd.DataFrame(rows, columns=["title", "overlap", "validation"]).assign(strategy="majority")


def test_the_span_and_what_the_overlap_does_are_told():
    table = swept(("2×2", 0, 0.5), ("2×2", 4, 0.6), ("4×4", 0, 0.45), ("4×4", 4, 0.4))
    assert of_decompositions(table, "majority", 10_000) == (
        "Between the worst decomposition for Majority vote (4×4, overlap 4 px, 40.0\u00a0%) and the best (2×2, overlap "
        "4 px, 60.0\u00a0%) lie 20.0 points. The largest overlap is better than none in 1 of 2 layouts."
    )
    few = of_decompositions(table, "majority", 16)  # 1.96 * sqrt(2 * 0.4875 * 0.5125 / 16) = 0.346
    assert few.endswith("lie 20.0 points: with 16 images up to 34.6 may be chance, so that none of them is the best.")


def test_before_two_are_done_there_is_nothing_to_say():
    table = swept(("2×2", 0, 0.5), ("2×2", 4, None))
    assert of_decompositions(table, "majority") == of_decompositions(table, "average") == ""
    assert of_decompositions(table.assign(strategy="global", validation=0.5), "global") == ""
    same = of_decompositions(swept(("2×2", 0, 0.5), ("2×2", 4, 0.5)), "majority")
    assert same == "Majority vote is right for 50.0\u00a0% of the images with every decomposition."


def plateaus(*rows):
    return pd.DataFrame(rows, columns=["title", "decades", "best", "value"])


def test_whose_first_number_matters_least_is_told():
    rows = plateaus(("Adam", 0.5, 0.95, 0.001), ("SAPTS", 3.5, 0.9, 0.1))
    assert of_sensitivity(rows) == (
        "SAPTS forgives a first number 1,000 times as far off as Adam does; the best accuracy is that of Adam "
        "(95.0\u00a0%), at 0.001."
    )
    assert of_sensitivity(rows.assign(best=[0.8, 0.9])).endswith("and is the best of all, too (90.0\u00a0%).")
    assert "between 0.5 and 1.0 decades" in of_sensitivity(rows.assign(decades=[0.5, 1.0]))
    assert of_sensitivity(rows[:1]) == ""
