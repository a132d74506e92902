"""What is worth noticing of the steps of trust-region methods, against numbers written by hand."""

import pandas as pd
import pytest

from ddlab.analyses.trust_region.notice import of_history, of_passes

QUIET = {"steps": 10, "rejected": 1, "radius_first": 0.1, "radius_last": 0.2, "plateau": None}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, ""),
        ({"steps": 0}, ""),
        ({"plateau": {"steps": 7}}, "In 7 steps in a row each half undoes"),
        ({"rejected": 6}, "60.0\u00a0% of the steps were rejected"),
        ({"radius_last": 4.0}, "upper bound (4)"),
        ({"radius_last": 0.001}, "lower bound (0.001)"),
        ({"radius_last": 2.0}, "grew 20-fold"),
        ({"radius_last": 0.005}, "shrank 20-fold"),
    ],
)
def test_what_the_radius_did_is_told(changes, says):
    said = of_history(QUIET | changes, most=4.0, least=0.001)
    assert says in said and bool(said) == bool(says)


def test_fewest_epochs_and_least_work_may_be_two_methods():
    takes = pd.DataFrame({"title": ["APTS", "Adam"], "epoch": [2.0, 5.0], "data_passes": [14.0, 5.0]})
    takes = takes.assign(run_id="1", run="made")
    assert of_passes(takes, 0.9) == (
        "APTS is at 90\u00a0% after the fewest epochs (2), "
        "but Adam after the fewest passes over the data: 5 against 14."
    )
    assert of_passes(takes.assign(data_passes=[3.0, 5.0]), 0.9).endswith(
        "after the fewest passes over the data, too (3)."
    )
    assert of_passes(takes.assign(epoch=[2.0, None]), 0.9) == ""
