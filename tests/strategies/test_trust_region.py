"""Training without a learning rate as strategies: what their records tell, and that nothing is lost on the way."""

import pytest
import torch

from ddlab.engine.ranks import Ranks
from ddlab.experiment import Experiment, ExperimentError
from ddlab.problem import pose
from ddlab.runs import RunFolder
from ddlab.stepping import Cut
from ddlab.strategies import COMPARED_BY_APTS
from ddlab.strategies.execute import execute
from ddlab.strategies.stage import plan
from ddlab.training import Stopped

SETTINGS = {
    "strategies": list(COMPARED_BY_APTS),
    "dataset.name": "digits",
    "dataset.train_images": 100,
    "dataset.validation_images": 60,
    "model.name": "mlp_sigmoid",
    "model.width": 0.1,
    "training.epochs": 3,
    "training.batch_size": 50,
    "training.keep": "last",
    "trust_region.radius": 0.1,
    "apts.subdomains": 3,
    "apts.local_steps": 3,
}
BALLS = ("apts", "sapts", "trust_region")
Records = list[dict]


def run_of(check=lambda records: None, run: RunFolder | None = None, **changes) -> tuple[RunFolder, Records]:
    run = run or RunFolder.create(Experiment().with_settings({**SETTINGS, **changes}))
    records: Records = []
    execute(run, Ranks(), records.append, lambda: check(records))
    return run, records


def of(records: Records, strategy: str) -> Records:
    return [record for record in records if record["stage"] == strategy]


@pytest.fixture(scope="module")
def finished(home):
    return run_of()


@pytest.mark.parametrize("strategy", COMPARED_BY_APTS)
def test_records_tell_of_effort_and_steps(finished, strategy):
    run, records = finished
    mine = of(records, strategy)
    assert [record["epoch"] for record in mine] == [1, 2, 3]
    sweeps, vectors = ([record[name] for record in mine] for name in ("sweeps", "vectors"))
    assert sweeps == sorted(sweeps) and sweeps[0] > 0 and vectors == sorted(vectors)
    assert mine[0]["parameters"] == pose(run.experiment).global_network.parameters() and mine[0]["bytes_each"] == 4
    if strategy not in BALLS:
        assert sweeps == [1, 2, 3] and vectors == [2, 4, 6] and mine[0]["rate"] > 0 and "steps" not in mine[0]
        return
    steps = mine[0]["steps"]
    assert {len(column) for column in steps.values()} == {1 if strategy == "apts" else 2}
    assert mine[0]["rate"] is None and mine[0]["radius"] == (steps["global_radius"] and mine[0]["radius"])
    if strategy == "trust_region":
        assert steps["decreases"][0] == [] and steps["global_ratio"][0] is None
    else:
        assert len(steps["decreases"][0]) == len(steps["lengths"][0]) == 3
        assert steps["predicted"][0] == pytest.approx(sum(steps["decreases"][0]))
        assert steps["length"][0] <= steps["radius"][0] * (1 + 1e-6)
    assert run.stage(strategy, 0).result()["flops_by_rank"][0] > 3 * sweeps[-1] * 100 * 1000


@pytest.mark.parametrize("strategy", BALLS)
def test_no_step_raises_the_loss(finished, strategy):
    _, records = finished
    for steps in (record["steps"] for record in of(records, strategy)):
        for loss, trial, accepted in zip(steps["loss"], steps["trial"], steps["accepted"], strict=True):
            assert not accepted or trial <= loss
    if strategy == "apts":  # all data in every step, so from epoch to epoch, too
        losses = [record["loss"] for record in of(records, strategy)]
        assert losses == sorted(losses, reverse=True) and losses[-1] < losses[0]


def test_all_strategies_begin_alike(finished):
    """At the same weights, those of the seed: at the first step's loss, but for the rounding of sums."""
    _, records = finished
    whole = of(records, "apts")[0]["steps"]["loss"][0]
    assert whole == pytest.approx(2.3, abs=0.03)
    (tiny, _) = run_of(**{"strategies": ["adam", "sapts"], "descent.adam_rate": 1e-9, "training.epochs": 1})
    assert tiny.stage("adam", 0).result()["train_accuracy"] > 0
    again = run_of(**{"strategies": ["apts"], "training.epochs": 1})[1]
    assert again[0]["steps"]["loss"][0] == whole


@pytest.mark.parametrize(("mode", "order"), [("paper", 1), ("paper", 2), ("released", 2)])
def test_resumes_bit_for_bit(home, mode, order):
    """Stopped between two epochs of every strategy: weights, radii, secant pairs and counts are the same."""
    changes = {"strategies": list(BALLS), "trust_region.order": order, "apts.mode": mode}
    whole, told = run_of(**changes)
    run = RunFolder.create(whole.experiment)
    retold: Records = []
    for strategy in BALLS:

        def stop(records: Records, strategy: str = strategy) -> None:
            if len(of(records, strategy)) == 1:
                retold.extend(records)
                raise Stopped

        with pytest.raises(Stopped):
            run_of(stop, run)
    retold.extend(run_of(run=run)[1])
    for strategy in BALLS:
        for path in whole.stage(strategy, 0).path.glob("weights-*"):
            assert path.read_bytes() == (run.stage(strategy, 0).path / path.name).read_bytes(), path.name
        assert [_timeless(record) for record in of(retold, strategy)] == [_timeless(r) for r in of(told, strategy)]


def _timeless(record: dict) -> dict:
    return {key: value for key, value in record.items() if key != "seconds"}


def test_minibatches_share_samples_with_the_next_and_are_dealt_in_turn():
    order = torch.arange(12)
    (first, second) = Cut(2, range(2), overlap=1 / 3).indices(order, 2)
    assert [(part.tolist(), shared) for part, shared in first] == [([0, 2, 4, 6], 1), ([1, 3, 5, 7], 1)]
    assert [(part.tolist(), shared) for part, shared in second] == [([6, 8, 10, 0], 1), ([7, 9, 11, 1], 1)]
    ((whole, none),) = next(Cut(1, range(1), whole=True, overlap=1 / 3).indices(order, 2))
    assert whole.tolist() == order.tolist() and none == 0


def test_all_data_in_chunks_are_the_same_loss(finished, monkeypatch):
    """Where activations do not fit, a step sees its data in parts; it is the same but for rounding."""
    _, records = finished
    monkeypatch.setattr("ddlab.stepping.CHUNK_BYTES", 4 * 1000 * 7)
    chunked = run_of(**{"strategies": ["apts"], "training.epochs": 2})[1]
    for mine, other in zip(chunked, of(records, "apts"), strict=False):
        assert mine["loss"] == pytest.approx(other["loss"], rel=1e-5)


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        (
            {"trust_region.radius": 0},
            "trust_region.radius: must be greater than 0|trust_region.radius: .*greater than 0",
        ),
        ({"trust_region.radius": 9}, "^trust_region.radius: must be from min_radius = 0.001 to max_radius = 4, got 9$"),
        ({"trust_region.lower": 0.8}, "^trust_region.lower: must be below upper = 0.75, got 0.8$"),
        ({"trust_region.norm": "inf"}, "^trust_region.norm: order 2 needs '2', got 'inf'$"),
        ({"apts.subdomains": 51, "strategies": ["sapts"]}, "apts.subdomains: .* a step, which has 50, got 51"),
        ({"training.flip": True}, "training.flip: apts sees the same images in every step"),
        ({"training.zoom": 0.1}, "training.zoom: apts sees the same images in every step"),
        ({"model.dropout": 0.5}, "model.dropout: apts has one loss for all steps; needs 0, got 0.5"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_starts(settings, fault):
    with pytest.raises(ExperimentError, match=fault):
        plan(pose(Experiment().with_settings({**SETTINGS, **settings})))
