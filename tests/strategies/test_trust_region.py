"""Training without a learning rate as strategies: what their records tell, and that nothing is lost on the way."""

import pytest
import torch
from safetensors.torch import load_file

from ddlab.experiment import Experiment, ExperimentError
from ddlab.problem import pose
from ddlab.ranks import Ranks
from ddlab.registry.strategies import COMPARED_BY_APTS
from ddlab.runs import RunFolder
from ddlab.strategies.execute import execute
from ddlab.strategies.stage import plan
from ddlab.training.loop import Stopped
from ddlab.training.trust_region_epoch import DataDivision

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
    sweeps, vectors = ([record[name] for record in mine] for name in ("data_passes", "vectors"))
    assert sweeps == sorted(sweeps) and sweeps[0] > 0 and vectors == sorted(vectors)
    assert mine[0]["parameters"] == pose(run.experiment).global_network.parameters() and mine[0]["bytes_each"] == 4
    if strategy not in BALLS:
        assert sweeps == [1, 2, 3] and vectors == [2, 4, 6] and mine[0]["rate"] > 0 and "steps" not in mine[0]
        return
    steps = mine[0]["steps"]
    assert {len(column) for column in steps.values()} == {1 if strategy == "apts" else 2}
    assert mine[0]["rate"] is None and _radii_follow(mine)
    ends = [_end(steps, place) for place in range(len(steps["loss"]))]
    assert mine[0]["step_loss"] == pytest.approx(sum(ends) / len(ends), rel=1e-12)
    if strategy == "trust_region":
        assert steps["decreases"][0] == [] and steps["global_ratio"][0] is None
    else:
        assert len(steps["decreases"][0]) == len(steps["lengths"][0]) == 3
        assert steps["predicted"][0] == pytest.approx(sum(steps["decreases"][0]))
        assert steps["length"][0] <= steps["radius"][0] * (1 + 1e-6)
    assert run.stage(strategy, 0).result()["flops_by_rank"][0] > 3 * sweeps[-1] * 100 * 1000


def _end(steps: dict, place: int) -> float:
    """The loss of a step's data where it ended."""
    last = "" if steps["global_loss"][place] is None else "global_"
    return steps[last + ("trial" if steps[last + "accepted"][place] else "loss")][place]


def _radii_follow(mine: Records) -> bool:
    """Every radius is what (7) makes of the one before: of the sum, then of the trials of the global iteration."""
    assert mine[0]["steps"]["radius"][0] == 0.1, "the first is that of the settings"
    columns = {name: [value for record in mine for value in record["steps"][name]] for name in mine[0]["steps"]}
    for place, trials in enumerate(columns["trials"]):
        after = _after(columns["radius"][place], columns["ratio"][place])
        assert columns["next_radius"][place] == pytest.approx(after, rel=1e-12)
        if (tried := columns["global_trials"][place]) is not None:
            assert columns["global_radius"][place] == pytest.approx(max(after / 2 ** (tried - 1), 0.001), rel=1e-12)
            after = _after(columns["global_radius"][place], columns["global_ratio"][place])
            following = [*columns["radius"][1:], mine[-1]["radius"]][place]
        else:
            following = ([*columns["radius"], mine[-1]["radius"]])[place + 1]
            trials_after = columns["trials"][place + 1] if place + 1 < len(columns["trials"]) else 1
            after = after / 2 ** (trials_after - 1)  # a record tells the radius of its last trial
        assert following == pytest.approx(max(after, 0.001), rel=1e-12), (place, trials)
    return True


def _after(radius: float, ratio: float | None) -> float:
    if ratio is None or ratio < 0.25:
        return max(radius / 2, 0.001)
    return min(2 * radius, 4.0) if ratio > 0.75 else radius


@pytest.mark.parametrize("strategy", BALLS)
def test_no_step_raises_the_loss(finished, strategy):
    _, records = finished
    for steps in (record["steps"] for record in of(records, strategy)):
        for loss, trial, accepted in zip(steps["loss"], steps["trial"], steps["accepted"], strict=True):
            assert not accepted or trial <= loss
        assert any(steps["accepted"]), "the test has to see a step"
    if strategy == "apts":  # all data in every step, so from epoch to epoch, too
        losses = [record["loss"] for record in of(records, strategy)]
        assert losses == sorted(losses, reverse=True) and losses[-1] < losses[0]


def test_all_strategies_begin_alike(home):
    """At the same weights, which follow from the seed: steps too small to be seen leave all of them there."""
    least = {"trust_region.min_radius": 1e-8, "trust_region.radius": 1e-8, "training.epochs": 1, "seeds": [0, 1]}
    run, _ = run_of(**least, **{"descent.adam_rate": 1e-9, "descent.sgd_rate": 1e-9})
    ends = {}
    for seed in (0, 1):
        for strategy in COMPARED_BY_APTS:
            ends[strategy, seed] = load_file(run.stage(strategy, seed).weights(f"{strategy}-last"))
            for name, value in ends[strategy, seed].items():
                torch.testing.assert_close(value, ends["apts", seed][name], rtol=0, atol=1e-6)
    first, second = (ends["apts", seed]["classifier.weight"] for seed in (0, 1))
    assert (first - second).abs().max() > 0.01


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
    return {key: value for key, value in record.items() if key not in ("seconds", "checkpoint_seconds")}


def test_minibatches_share_samples_with_the_next_and_are_dealt_in_turn():
    order = torch.arange(12)
    (first, second) = DataDivision(2, range(2), overlap=1 / 3).indices(order, 2)
    assert [(part.tolist(), shared) for part, shared in first] == [([0, 2, 4, 6], 1), ([1, 3, 5, 7], 1)]
    assert [(part.tolist(), shared) for part, shared in second] == [([6, 8, 10, 0], 1), ([7, 9, 11, 1], 1)]
    ((whole, none),) = next(DataDivision(1, range(1), whole=True, overlap=1 / 3).indices(order, 2))
    assert whole.tolist() == order.tolist() and none == 0


def test_the_released_overlap_is_random_and_of_all_minibatches_but_the_next():
    """Of 3 minibatches of 40, a tenth of each: 40 + 2·4 samples, and 40 + 3·4 of the last one, which has no next."""
    order, division = torch.randperm(120), DataDivision(1, range(1), overlap=0.1, overlap_of="all")
    dealt = [part for ((part, shared),) in division.indices(order, 3, seed=7)]
    batches = order.tensor_split(3)
    assert [len(part) for part in dealt] == [48, 48, 52]
    sources = [(0, 2), (0, 1), (0, 1, 2)]  # in the order in which they follow a minibatch's own
    for part, batch, wanted in zip(dealt, batches, sources, strict=True):
        assert torch.equal(part[:40], batch)
        for source, extra in zip(wanted, part[40:].split(4), strict=True):
            assert set(extra.tolist()) <= set(batches[source].tolist())
    again, other = ([p for ((p, _),) in division.indices(order, 3, seed=seed)] for seed in (7, 8))
    assert all(map(torch.equal, dealt, again)) and not torch.equal(dealt[0], other[0])
    halves = next(DataDivision(2, range(2), overlap=0.1, overlap_of="all").indices(order, 3, seed=7))
    assert sorted(halves[0][0].tolist() + halves[1][0].tolist()) == sorted(dealt[0].tolist())
    assert {shared for _, shared in halves} == {0}, "none of them are told to be the next one's"


@pytest.mark.parametrize("strategy", ["apts", "sapts"])
def test_shared_data_are_trained_on_once(finished, strategy):
    """The same passes over the data a step as with split data, one local decrease N times, and no parts of the data."""
    changes = {"strategies": [strategy], "apts.data": "shared", "training.epochs": 2, "apts.overlap": 0}
    (_, shared), (_, split) = run_of(**changes), run_of(**changes | {"apts.data": "split"})
    for steps in (record["steps"] for record in shared):
        assert all(len(decreases) == 3 and len(set(decreases)) == 1 for decreases in steps["decreases"])
        added = [sum(lengths) for lengths in steps["lengths"]]
        assert steps["length"] == pytest.approx(added, rel=1e-5)  # norms in float32, which no two processors add alike
    assert any(len(set(decreases)) > 1 for record in split for decreases in record["steps"]["decreases"])
    trials = [record["steps"]["global_trials"] for record in (shared[0], split[0])]
    if trials[0] == trials[1]:
        assert shared[0]["data_passes"] == pytest.approx(split[0]["data_passes"])
    assert shared[0]["vectors"] == split[0]["vectors"] or trials[0] != trials[1]
    run_of(**changes | {"apts.subdomains": 101})  # more than images: they are no parts of them


def test_the_global_iteration_can_have_one_trial_as_in_algorithm_1(finished):
    """Where it is rejected, the step ends, with a smaller radius."""
    changes = {"strategies": ["sapts"], "trust_region.order": 1, "trust_region.radius": 4.0}
    several, one = (run_of(**changes, **more)[1] for more in ({}, {"apts.global_trials": 1}))
    tried = [[trials for record in mine for trials in record["steps"]["global_trials"]] for mine in (several, one)]
    assert max(tried[0]) > 1 and set(tried[1]) == {1}
    assert False in [accepted for record in one for accepted in record["steps"]["global_accepted"]]


def test_all_data_in_chunks_are_the_same_loss(finished, monkeypatch):
    """Where activations do not fit, a step sees its data in parts; it is the same but for rounding."""
    _, records = finished
    monkeypatch.setattr("ddlab.training.trust_region_epoch.CHUNK_BYTES", 4 * 1000 * 7)
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
