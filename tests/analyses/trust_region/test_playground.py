"""The playground: its derivatives, its small matrices, and its steps beside those of the optimizers of torch."""

from itertools import product

import numpy as np
import pytest
import torch

from ddlab.analyses.trust_region.landscapes import LANDSCAPES, SAMPLES, deal
from ddlab.analyses.trust_region.plane_models import NOTHING, learn, length, minimise, steepest
from ddlab.analyses.trust_region.plane_steps import COLUMNS, Walk, history
from ddlab.analyses.trust_region.playground import consistent, walk
from ddlab.optim.apts import APTS
from ddlab.optim.model import StepModel
from ddlab.optim.preconditioner import Preconditioner
from ddlab.optim.trust_region import TrustRegion

every_landscape = pytest.mark.parametrize("name", LANDSCAPES)
STEPS = 15
RADIUS = 0.4  # from 0.5 secant pairs in the valley become so nearly parallel that roundings grow a thousandfold a step


@every_landscape
def test_gradients_are_those_of_the_surface(name):
    landscape, tiny = LANDSCAPES[name], 1e-6
    for start, part in product(landscape.starts.values(), [slice(None), *deal(4)]):
        x, y = np.array(start)[:, None] + tiny * np.array([[1, -1, 0, 0], [0, 0, 1, -1]])
        right, left, up, down = landscape.surface(x, y, part)
        loss, gradient = landscape.evaluate(np.array(start), part)
        assert gradient == pytest.approx(np.array([right - left, up - down]) / (2 * tiny), abs=1e-6)
        assert loss == pytest.approx((right + left) / 2, abs=1e-6)


@every_landscape
@pytest.mark.parametrize("num_subdomains", [1, 2, 4])
def test_the_mean_of_the_subdomains_is_the_function_and_no_two_are_alike(name, num_subdomains):
    landscape = LANDSCAPES[name]
    point = np.array(next(iter(landscape.starts.values())))
    loss, gradient = landscape.evaluate(point)
    parts = [landscape.evaluate(point, part) for part in deal(num_subdomains)]
    assert np.mean([own for own, _ in parts]) == pytest.approx(loss, abs=1e-12)
    assert np.mean([own for _, own in parts], axis=0) == pytest.approx(gradient, abs=1e-12)
    assert len({tuple(own.round(6)) for _, own in parts}) == num_subdomains
    assert sum(len(range(SAMPLES)[part]) for part in deal(num_subdomains)) == SAMPLES


def optimizer_of(asked: Walk, point: torch.Tensor):
    model = StepModel(asked.order, asked.norm)
    if asked.method == "trust_region":
        return TrustRegion([point], asked.radius, model=model)
    return APTS([point], asked.radius, Preconditioner(asked.num_subdomains, asked.local_steps), model=model)


def closures_of(asked: Walk, point: torch.Tensor):
    def closure_of(part):
        def closure():
            loss, gradient = LANDSCAPES[asked.landscape].evaluate(point.detach().numpy(), part)
            point.grad = torch.from_numpy(gradient)
            return torch.tensor(loss, dtype=torch.float64)

        return closure

    return [closure_of(part) for part in deal(asked.num_subdomains if asked.method == "apts" else 1)]


def compared(trial, record):
    """Numbers that a trial and its record must share; at a minimum ρ is a ratio of roundings."""
    assert (trial.accepted, trial.radius, trial.next_radius) == pytest.approx(
        (record.accepted, record.radius, record.next_radius), abs=1e-9
    )
    assert (trial.here.loss, trial.there.loss) == pytest.approx((record.loss, record.trial), rel=1e-7)
    assert trial.predicted == pytest.approx(record.predicted, rel=1e-7, abs=1e-9)
    if trial.predicted > 1e-7:
        assert trial.ratio == pytest.approx(record.ratio, abs=1e-6)


MODELS = [(1, "2"), (1, "1"), (1, "inf"), (2, "2")]
WALKS = [("trust_region", 1, 1), ("apts", 1, 5), ("apts", 2, 5), ("apts", 4, 3)]


@every_landscape
@pytest.mark.parametrize(("order", "norm"), MODELS, ids=lambda value: str(value))
@pytest.mark.parametrize(("method", "num_subdomains", "local_steps"), WALKS)
def test_every_step_is_that_of_the_optimizer(name, order, norm, method, num_subdomains, local_steps):
    start = next(iter(LANDSCAPES[name].starts.values()))
    asked = Walk(name, start, method, RADIUS, order, norm, num_subdomains, local_steps)
    point = torch.nn.Parameter(torch.tensor(start, dtype=torch.float64))
    optimizer, closures = optimizer_of(asked, point), closures_of(asked, point)
    close = 1e-9 if order == 1 else 1e-8  # small matrices of nearly the same pairs are badly conditioned
    steps = walk(asked, STEPS)
    assert any(tuple(step.here.point) != tuple(step.there.point) for step in steps)
    for step in steps:
        assert optimizer.radius == pytest.approx(step.radius, abs=1e-9)
        if method == "apts":
            optimizer.step(closures)
        else:
            optimizer.step(closures[0], again=True)
        record = optimizer.record
        assert point.detach().numpy() == pytest.approx(step.there.point, abs=1e-8)
        assert optimizer.radius == pytest.approx(step.next_radius, abs=1e-9)
        if step.additive:
            compared(step.additive, record)
            assert [found.decrease for found in step.walks] == pytest.approx(record.decreases, rel=1e-7, abs=close)
            assert [length(found.step, norm) for found in step.walks] == pytest.approx(
                record.lengths, rel=1e-7, abs=close
            )
            record = record.globally
        if step.trials:
            compared(step.trials[-1], record)
            assert len(step.trials) == record.trials


@every_landscape
@pytest.mark.parametrize(("order", "norm"), MODELS, ids=lambda value: str(value))
def test_steps_keep_what_the_method_promises(name, order, norm):
    landscape = LANDSCAPES[name]
    for start in landscape.starts.values():
        for step in walk(Walk(name, start, "apts", 1.0, order, norm, 4, 5)):
            for part, found in zip(deal(4), step.walks, strict=True):
                assert consistent(landscape, part, step.here)(step.here.point).gradient == pytest.approx(
                    step.here.gradient
                )
                assert length(found.step, norm) <= step.radius / 4 * (1 + 1e-9)
                assert found.decrease >= 0
            assert length(step.additive.step, norm) <= step.radius * (1 + 1e-9)
            assert step.there.loss <= step.here.loss
            assert [trial.accepted for trial in step.trials[:-1]] == [False] * (len(step.trials) - 1)


@pytest.mark.parametrize("norm", ["2", "1", "inf"])
def test_steepest_descent_is_the_least_in_its_ball(norm):
    gradient, radius = np.array([0.3, -1.2]), 0.7
    step, predicted = steepest(gradient, radius, norm)
    drawn = np.random.default_rng(0).normal(size=(2000, 2))
    drawn *= radius / np.array([[length(vector, norm)] for vector in drawn])
    assert length(step, norm) == pytest.approx(radius)
    assert predicted == pytest.approx(-gradient @ step)
    assert 0.99 * predicted <= (-drawn @ gradient).max() <= predicted * (1 + 1e-12)


@pytest.mark.parametrize("gradient", [(0.3, -1.2), (0.0, 0.5), (0.5, 0.0), (0.01, 0.0)])
@pytest.mark.parametrize("values", [(0.5, 4.0), (-2.0, 3.0), (-2.0, -1.0), (0.0, 1.0), (-1.0, -1.0)])
def test_the_subproblem_is_solved_exactly_hard_cases_too(values, gradient):
    turn = np.array([[0.8, -0.6], [0.6, 0.8]])
    matrix, gradient, radius = turn @ np.diag(values) @ turn.T, turn @ np.array(gradient), 0.7
    step, predicted = minimise(gradient, matrix, radius)
    angles, lengths = np.meshgrid(np.linspace(0, 2 * np.pi, 721), np.linspace(0, radius, 101))
    tried = np.stack([lengths * np.cos(angles), lengths * np.sin(angles)], -1)
    least = (tried @ gradient + np.einsum("...i,ij,...j", tried, matrix, tried) / 2).min()
    assert np.linalg.norm(step) <= radius * (1 + 1e-12)
    assert predicted == pytest.approx(-(gradient @ step + step @ matrix @ step / 2), abs=1e-12)
    assert -predicted <= least + 1e-12 and predicted == pytest.approx(-least, rel=5e-3, abs=1e-12)


def test_the_curvature_model_repeats_a_quadratic_and_leaves_out_what_it_knows():
    bend = np.array([[2.0, 0.5], [0.5, -1.0]])
    memory, drawn = NOTHING, np.random.default_rng(1).normal(size=(6, 2))
    for step in drawn:
        memory = learn(memory, step, bend @ step)
        assert memory.matrix @ step == pytest.approx(bend @ step)
    assert memory.matrix == pytest.approx(bend) and len(memory.steps) == 2
    assert memory.smallest == pytest.approx(np.linalg.eigvalsh(bend)[0])
    assert learn(memory, np.zeros(2), np.ones(2)) is memory


def test_a_model_of_second_order_leaves_a_saddle_that_holds_steepest_descent():
    start = LANDSCAPES["saddle"].starts["beside the ridge"]
    first, second = (walk(Walk("saddle", start, "trust_region", 0.1, order)) for order in (1, 2))
    reached = [next(k for k, step in enumerate(steps) if step.there.loss < -0.2) for steps in (first, second)]
    assert reached[1] < reached[0]


def test_gradient_descent_takes_what_the_rate_says_and_leaves_at_a_high_one():
    steps = walk(Walk("valley", (-1.5, 0.0), "descent", rate=0.01))
    assert all(step.there.point == pytest.approx(step.here.point - 0.01 * step.here.gradient) for step in steps)
    lost = walk(Walk("valley", (-1.5, 0.0), "descent", rate=0.5))
    assert len(lost) < 10 and np.abs(lost[-1].there.point).max() > 1e6


def test_the_history_is_a_row_a_step():
    steps = walk(Walk("sine", (0.4, -2.2), "apts", 0.5))
    table = history(steps)
    assert list(table.columns) == list(COLUMNS) and list(table["step"]) == list(range(1, len(steps) + 1))
    assert table["radius"][1:].tolist() == table["next_radius"][:-1].tolist()
    assert table["ratio"].tolist() == pytest.approx([step.additive.ratio for step in steps], nan_ok=True)
    assert history(walk(Walk("sine", (0.4, -2.2), "descent")))["radius"].isna().all()


def test_a_typed_point_is_two_numbers_in_the_window():
    sine = LANDSCAPES["sine"]
    assert sine.point_of("1.5, -0.5") == (1.5, -0.5)
    assert [sine.point_of(text) for text in ("1", "1,2,3", "nan,0", "far away")] == [None] * 4
    assert [sine.point_of(text) for text in ("99,0", "-99,0", "0,99", "0,-99")] == [None] * 4


def test_a_walk_by_another_method_keeps_what_that_method_uses():
    asked = Walk("sine", (1.0, 2.0), "apts", 0.25, 2, "2", 4, 3, 0.7)
    assert asked.by("apts") == Walk("sine", (1.0, 2.0), "apts", 0.25, 2, "2", 4, 3)
    assert asked.by("trust_region") == Walk("sine", (1.0, 2.0), "trust_region", 0.25, 2)
    assert asked.by("descent") == Walk("sine", (1.0, 2.0), "descent", rate=0.7)
