"""The history of a radius, from records whose numbers are known."""

import json

import numpy as np
import pytest

from ddlab.analyses.trust_region.history import (
    as_rows,
    epoch_table,
    histories,
    in_words,
    longest_plateau,
    pick,
    step_table,
    summarize,
)
from tests.made_run import made_run
from tests.made_trust_region import EPOCHS, made_trust_region_run, step

PLATEAU = [step(0.16), *[step(0.16, accepted=False, ratio=0.1)] * 3, step(0.16)]


def told(run, strategy="apts", seed=0):
    return summarize(step_table(run, strategy, seed), epoch_table(run, strategy, seed))


def test_a_row_a_step_with_what_follows_from_it():
    steps = [step(0.1, ratio=0.9, after=0.2), step(0.4, accepted=False, ratio=-2.0, after=0.2)]
    table = step_table(made_trust_region_run(steps=steps, last_radius=0.3), "apts", 0)
    assert list(table["step"]) == [*range(1, 2 * EPOCHS + 1)] and list(table["epoch"]) == [1, 1, 2, 2, 3, 3]
    np.testing.assert_allclose(table["decrease"], [0.27, -0.6] * EPOCHS)
    np.testing.assert_allclose(table["local_decrease"], 0.3)
    np.testing.assert_allclose(table["local_decrease"], table["decrease_1"] + table["decrease_2"])
    np.testing.assert_allclose(table["global_decrease"], 0.1)
    np.testing.assert_allclose(table["end_radius"], [0.4, 0.3] * EPOCHS)  # the next one's, then the epoch's
    assert list(table["rejected"]) == [0, 1, 1, 2, 2, 3] and not table["global_rejected"].any()


def test_the_trust_region_method_has_neither_subdomains_nor_a_global_iteration():
    steps = [step(0.1, after=0.2, trials=3), step(0.2, accepted=False, after=0.1)]
    table = step_table(made_trust_region_run(steps=steps), "trust_region", 1)
    assert table[["global_ratio", "global_decrease", "local_decrease"]].isna().all(axis=None)
    assert not any(name.startswith(("decrease_", "length_")) for name in table)
    np.testing.assert_allclose(table["end_radius"], [0.2, 0.1] * EPOCHS)
    assert told(made_trust_region_run(steps=steps), "trust_region")["shorter"] == 2 * EPOCHS


def test_a_number_that_is_missing_is_none_in_json():
    table = step_table(made_trust_region_run(steps=[step(ratio=0.5) | {"ratio": None}]), "apts", 0)
    row = json.loads(json.dumps(as_rows(table)))[0]
    assert row["ratio"] is None and row["accepted"] is True and row["global_trials"] == 1 and row["rejected"] == 0


def test_epochs_count_from_the_start():
    table = epoch_table(made_trust_region_run(steps=PLATEAU), "apts", 0)
    assert list(table["end_step"]) == [5, 10, 15] and list(table["rejected"]) == [3, 6, 9]
    assert list(table["data_passes"]) == [7, 14, 21] and list(table["seconds"]) == [2, 4, 6]


def test_a_plateau_is_found_and_told():
    table = step_table(made_trust_region_run(steps=PLATEAU, last_radius=0.16), "apts", 0)
    assert longest_plateau(table) == {"first": 2, "last": 4, "steps": 3, "radius": 0.16}
    words = " ".join(in_words(told(made_trust_region_run(steps=PLATEAU, last_radius=0.16)), "apts"))
    assert "APTS took 15 steps in 3 epochs" in words and "rejected in 9 of them" in words
    assert "in steps 2 to 4 the preconditioner is rejected" in words and "Δ = 0.16" in words


@pytest.mark.parametrize(
    "steps",
    [
        [step(0.16), step(0.16, accepted=False), step(0.16)],  # one alone
        [step(0.16, accepted=False)] * 2 + [step(0.01)],  # does not grow back in a row
        [step(0.16, accepted=False, global_accepted=False)] * 4,  # nobody makes progress
        [step(0.16, accepted=False, after=0.16)] * 4,  # already as small as can be
    ],
)
def test_what_is_no_plateau(steps):
    assert longest_plateau(step_table(made_trust_region_run(steps=steps, last_radius=1.0), "apts", 0)) is None


def test_rejected_global_iterations_and_curvature_are_told():
    bent = {"global_smallest": -2.0, "global_accepted": False, "global_trials": 4}
    run = made_trust_region_run(steps=[step(**bent), step(global_smallest=3.0)])
    summary = told(run)
    assert (summary["global_rejected"], summary["shorter"], summary["negative"]) == (EPOCHS, 3 * EPOCHS, 0.5)
    assert "negative curvature in 50\u00a0% of the steps" in " ".join(in_words(summary, "apts"))


def test_which_histories_there_are():
    run = made_trust_region_run()
    assert histories(run) == {"apts": [0, 1], "trust_region": [0, 1]}
    assert pick(run) == [("apts", 0), ("trust_region", 0)] and pick(run, "apts", 1) == [("apts", 1)]
    for of, arguments, message in (
        (run, ("aptz",), "did you mean 'apts'"),
        (run, ("apts", 5), "--seed: must be one that has steps, got 5; choices: 0, 1"),
        (made_run("queued"), (), "ddlab train trust_region_demo"),
    ):
        with pytest.raises(ValueError, match=message):
            pick(of, *arguments)


def test_the_command_tells_the_same(ddlab):
    run = made_trust_region_run(steps=PLATEAU, last_radius=0.16)
    code, out, _ = ddlab("trust-region", run.id, "--strategy", "apts", "--seed", "1")
    rows = [line.split() for line in out.splitlines() if line.strip()[:1].isdigit()]
    assert code == 0 and len(rows) == 15 and rows[1][3:6] == ["0.1", "NO", "0.16"] and "A plateau" in out
    _, out, _ = ddlab("trust-region", run.id, "--json")
    assert [(h["strategy"], len(h["steps"]), len(h["epochs"])) for h in json.loads(out)] == [
        ("apts", 15, 3),
        ("trust_region", 15, 3),
    ]
