"""Networks that say the same for every image are found, named with what died, and told where the run is told of."""

import pytest

from ddlab.engine.reporter import Reporter
from ddlab.ranks import Ranks
from ddlab.runs import RunFolder
from ddlab.runs.health import stuck_networks
from ddlab.words import beware
from tests.made_run import made_experiment

ALIVE = {"one_class": 0.4, "dead_units": 0.1, "worst_layer": "hidden", "worst_layer_dead": 0.5}
DEAD = {"one_class": 1.0, "dead_units": 0.3, "worst_layer": "hidden", "worst_layer_dead": 1.0}
DULL = {"one_class": 0.995, "dead_units": 0.1, "worst_layer": "hidden", "worst_layer_dead": 0.5}


def run_with(*healths, stage="global", subdomain=None, best_epoch=None, **settings) -> RunFolder:
    run = RunFolder.create(made_experiment(strategies=["global", "average"], **settings))
    for epoch, health in enumerate(healths, 1):
        run.append_metrics(0, record_of(stage, epoch, subdomain, health))
    if best_epoch:
        network = {"subdomain": subdomain, "best_epoch": best_epoch}
        run.stage(stage, 0).write_result({"stage": stage, "seed": 0, "networks": [network]})
    return run


def record_of(stage, epoch, subdomain, health):
    return {"stage": stage, "seed": 0, "epoch": epoch, "epochs": 6, "subdomain": subdomain, **health}


@pytest.mark.parametrize(
    ("healths", "expected"),
    [
        ((ALIVE, ALIVE), []),
        ((DEAD, DEAD), [(1, "hidden")]),
        ((ALIVE, DEAD, DEAD), [(2, "hidden")]),
        ((DEAD, ALIVE), []),
        ((ALIVE, DULL), [(2, None)]),
        ((DEAD, ALIVE, DULL, DEAD), [(3, "hidden")]),
        (({}, {}), []),  # of an older ddlab
    ],
)
def test_what_counts_is_the_last_epoch_and_since_when(own_home, healths, expected):
    assert [(found.since, found.layer) for found in stuck_networks(run_with(*healths))] == expected


def test_of_a_stage_that_is_done_the_kept_epoch_counts(own_home):
    assert not stuck_networks(run_with(ALIVE, DEAD, DEAD, best_epoch=1))
    assert stuck_networks(run_with(DEAD, ALIVE, ALIVE, best_epoch=1))
    assert stuck_networks(run_with(ALIVE, DEAD, DEAD, best_epoch=1, training={"epochs": 6, "keep": "last"}))


def test_the_sentence_says_who_what_and_what_to_try(own_home):
    (dead,) = stuck_networks(run_with(DEAD))
    assert dead.sentence == (
        "Global network (seed 0) says the same for every image: its layer hidden died in epoch 1; "
        "try more steps of warm-up, or a lower rate."
    )
    (lagging,) = stuck_networks(run_with({**DULL, "accuracy": 0.93, "validation_accuracy": 0.5}))
    assert "right about 93\u00a0% of the training images" in lagging.sentence
    (dull,) = stuck_networks(run_with(DULL, stage="local", subdomain=2))
    assert dull.sentence == (
        "Local network 3 (seed 0) says the same for every image since epoch 1: "
        "it has found nothing that tells the classes apart."
    )


def test_a_finished_run_says_so_in_lists_and_a_running_one_in_its_line(own_home):
    run = run_with()
    reporter = Reporter(run, Ranks(), {})
    reporter.report(record_of("global", 1, None, DEAD))
    assert "says the same for every image" in beware(run.progress()["stuck"])
    reporter._written = float("-inf")
    reporter.report(record_of("global", 2, None, ALIVE))
    assert run.progress()["stuck"] == []
    reporter.report(record_of("global", 3, None, DEAD))
    run.end("finished")
    assert run.summary()["stuck"] == [stuck_networks(run)[0].sentence]
    assert beware(["one.", "two.", "three."]) == " ⚠ one. (and 2 more networks)"
    assert beware([]) == ""


def test_local_networks_are_named_in_the_order_of_the_subdomains(own_home):
    run = run_with(DEAD)
    for subdomain in (2, 0, 1):
        run.append_metrics(0, record_of("local", 1, subdomain, DEAD))
    assert [found.subdomain for found in stuck_networks(run)] == [None, 0, 1, 2]
