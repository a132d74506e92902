"""The methods as optimizers of torch: any parameters, everything random held still, a state that resumes to the bit."""

import io
import math

import pytest
import torch
from torch import nn

from ddlab.optim.apts import APTS, SAPTS
from ddlab.optim.iteration import NotFinite
from ddlab.optim.model import StepModel
from ddlab.optim.preconditioner import Preconditioner
from ddlab.optim.radius import RadiusRule
from ddlab.optim.trust_region import TrustRegion
from tests.optim.problems import FINE, method, problem

NAMES = ("trust_region", "apts", "sapts")
every_method = pytest.mark.parametrize("name", NAMES)
every_order = pytest.mark.parametrize("order", [1, 2])


@every_method
@every_order
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_parameters_of_any_shape_a_number_and_one_without_gradient(name, order, dtype):
    torch.manual_seed(0)
    shapes = [(2, 3), (), (4,), (1, 2, 2), (3,)]
    params = [nn.Parameter(torch.randn(shape, dtype=dtype)) for shape in shapes]
    *used, unused = params
    kept = unused.detach().clone()

    def closure():
        loss = sum(((p - 1) ** 2).sum() for p in used) / 10
        loss.backward()
        return loss

    optimizer = method(name, nn.ParameterList(params), order, rule=FINE, num_subdomains=2)
    closures = closure if name == "trust_region" else [closure] * 2
    before = float(closure().detach())
    first = optimizer.step(closures)
    assert first.dtype == dtype and float(first) == pytest.approx(before, rel=1e-6)
    last = [float(optimizer.step(closures)) for _ in range(60)][-1]
    assert last < 1e-3 * before
    assert torch.equal(unused, kept) and [tuple(p.shape) for p in params] == shapes
    assert all(p.dtype == dtype for p in params)
    assert len(optimizer.param_groups) == 1
    with pytest.raises(ValueError, match="one group, got 2"):
        TrustRegion([{"params": used[:1]}, {"params": used[1:]}])


class Noted(nn.Module):
    """Dropout that notes what it lets through."""

    def __init__(self):
        super().__init__()
        self.masks = []

    def forward(self, inputs):
        mask = nn.functional.dropout(torch.ones_like(inputs), 0.5)
        self.masks.append(mask.detach())
        return inputs * mask


@pytest.mark.parametrize("name", ["trust_region", "sapts"])
@every_order
def test_dropout_holds_still_within_a_step_and_moves_between_steps(name, order):
    noted = Noted()
    task = problem(layers=[noted])
    optimizer = method(name, task.model, order, rule=FINE, num_subdomains=2)
    seen = []
    for _ in range(5):
        noted.masks.clear()
        task.step(optimizer)
        assert len(noted.masks) > 1
        assert all(torch.equal(mask, noted.masks[0]) for mask in noted.masks)
        seen.append(noted.masks[0])
    assert all(not torch.equal(one, other) for one, other in zip(seen, seen[1:], strict=False))


@every_order
def test_statistics_of_batch_normalisation_move_once_a_step(order):
    """By its momentum towards the batch's own, at the point where the step begins; trials leave nothing."""
    norm = nn.BatchNorm1d(7, momentum=0.25)
    task = problem(layers=[norm])
    optimizer = method("trust_region", task.model, order, radius=2.0)
    for number in range(1, 5):
        with torch.no_grad():
            activations = torch.tanh(task.model[0](task.inputs))
        expected = norm.running_mean + 0.25 * (activations.mean(0) - norm.running_mean)
        task.step(optimizer)
        torch.testing.assert_close(norm.running_mean, expected, rtol=1e-12, atol=1e-14)
        assert int(norm.num_batches_tracked) == number


@pytest.mark.parametrize("name", ["apts", "sapts"])
def test_statistics_move_once_a_microbatch(name):
    norm = nn.BatchNorm1d(7)
    task = problem(layers=[norm])
    optimizer = method(name, task.model, radius=2.0, num_subdomains=3)
    for number in range(1, 5):
        task.step(optimizer)
        assert int(norm.num_batches_tracked) == 3 * number


# ---- resuming


def saved_and_loaded(state):
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@every_method
@every_order
@pytest.mark.parametrize("mode", ["paper", "released"])
def test_a_resumed_training_is_the_uninterrupted_one(name, order, mode):
    """Bit by bit: points, radius, pairs and counters, also where what was known is not computed again."""

    def new():
        task = problem(torch.float32)
        return task, method(name, task.model, order, radius=1.0, mode=mode, num_subdomains=3)

    def step(task, optimizer):
        return task.step(optimizer, again=True) if name == "trust_region" else task.step(optimizer)

    task, optimizer = new()
    for _ in range(7):
        step(task, optimizer)
    states = saved_and_loaded([optimizer.state_dict(), task.model.state_dict()])
    for _ in range(7):
        last = step(task, optimizer)
    resumed, other = new()
    other.load_state_dict(states[0])
    resumed.model.load_state_dict(states[1])
    for _ in range(7):
        again = step(resumed, other)
    assert torch.equal(last, again) and torch.equal(task.point, resumed.point)
    assert repr(optimizer.record) == repr(other.record) and optimizer.tally == other.tally
    assert str(optimizer.state_dict()) == str(other.state_dict())
    pairs = [memory.steps + memory.changes for memory in (*optimizer._memories, *other._memories)]
    half = len(pairs) // 2
    assert (order == 2) == any(pairs)
    for one, two in zip(pairs[:half], pairs[half:], strict=True):
        assert len(one) == len(two) and all(map(torch.equal, one, two))


# ---- what goes wrong


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: TrustRegion(p, radius=0.0), "radius: must be above 0.* got 0"),
        (lambda p: TrustRegion(p, radius=-1.0), "radius: must be above 0.* got -1"),
        (lambda p: TrustRegion(p, radius=math.nan), "radius: .* got nan"),
        (lambda p: APTS(p, radius=5.0), "radius: .*max_radius = 4, got 5"),
        (lambda p: RadiusRule(lower=0.8), "lower < upper < 1, got 0.8 and 0.75"),
        (lambda p: RadiusRule(lower=-0.1), "0 <= lower"),
        (lambda p: RadiusRule(upper=1.0), "upper < 1, got 0.25 and 1"),
        (lambda p: RadiusRule(decrease=1.0), "decrease < 1 < increase"),
        (lambda p: RadiusRule(increase=1.0), "decrease < 1 < increase"),
        (lambda p: RadiusRule(least=0.0), "0 < min <= max, got 0"),
        (lambda p: RadiusRule(least=5.0), "0 < min <= max, got 5 and 4"),
        (lambda p: RadiusRule(trials=0), "trials: must be at least 1, got 0"),
        (lambda p: StepModel(norm="3"), "norm: must be one of '2', '1', 'inf', got '3'"),
        (lambda p: StepModel(order=3), "order: must be 1 or 2, got 3"),
        (lambda p: StepModel(2, "inf"), "norm: .*got 'inf'"),
        (lambda p: StepModel(history=0), "history: must be at least 1"),
        (lambda p: Preconditioner(0), "num_subdomains: must be at least 1, got 0"),
        (lambda p: Preconditioner(local_steps=0), "local_steps: must be at least 1, got 0"),
        (lambda p: Preconditioner(mode="mine"), "mode: must be 'paper' or 'released', got 'mine'"),
        (lambda p: SAPTS(p).step([lambda: p[0].sum()]), "2 subdomains, a closure each, got 1"),
        (lambda p: SAPTS(p).step([lambda: p[0].sum()] * 2, [lambda: p[0].sum()]), "value: one a closure"),
        (lambda p: SAPTS(p).step([lambda: p[0].sum()] * 2, weights=[1.0]), "weights: one a closure"),
    ],
)
def test_what_cannot_be_says_why(make, message):
    with pytest.raises(ValueError, match=message):
        make([nn.Parameter(torch.ones(2))])


def bowl(outside: float, limit: float, name: str, order: int, **how):
    """A parabola that is no number (or what is given) farther than ``limit`` from the start; a step on it."""
    x = nn.Parameter(torch.tensor([3.0, 4.0], dtype=torch.float64))
    start = x.detach().clone()

    def closure():
        loss = x.square().sum() * (1 if float((x.detach() - start).norm()) <= limit else outside)
        loss.backward()
        return loss.detach()

    optimizer = method(name, nn.ParameterList([x]), order, num_subdomains=2, **how)
    return x, optimizer, lambda: optimizer.step(closure if name == "trust_region" else [closure] * 2)


@every_method
@every_order
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_loss_that_is_no_number_anywhere_else_stops_the_training_where_it_is(name, order, bad):
    """Every trial is rejected, the radius cut to the least, and then it is said."""
    x, optimizer, step = bowl(bad, 0.0, name, order, radius=1.0)
    with pytest.raises(NotFinite, match=r"loss: is (nan|inf) after every trial .* min_radius = 0.001"):
        step()
    assert x.tolist() == [3.0, 4.0]


@every_method
@every_order
def test_a_loss_that_is_no_number_far_away_is_stepped_back_from(name, order):
    x, optimizer, step = bowl(math.nan, 0.3, name, order, radius=4.0)
    step()
    assert 0 < float((x.detach() - torch.tensor([3.0, 4.0])).norm()) <= 0.3 and bool(x.isfinite().all())
    assert optimizer.radius < 1


@every_method
@every_order
@pytest.mark.parametrize("mode", ["paper", "released"])
@pytest.mark.parametrize("bad", ["loss", "gradient"])
def test_no_number_where_a_step_begins_stops_it(name, order, mode, bad):
    x = nn.Parameter(torch.zeros(2))

    def closure():
        loss = x.sum() * (math.nan if bad == "loss" else 1) + (x.sqrt().sum() if bad == "gradient" else 0)
        loss.backward()
        return loss

    optimizer = method(name, nn.ParameterList([x]), order, mode=mode, num_subdomains=2)
    with pytest.raises(NotFinite, match="no step can be found"):
        optimizer.step(closure if name == "trust_region" else [closure] * 2)
    assert x.tolist() == [0.0, 0.0]


@every_method
@every_order
@pytest.mark.parametrize("mode", ["paper", "released"])
@pytest.mark.parametrize("scale", [0.0, 1e-30])
def test_without_gradient_nothing_moves_and_the_record_says_so(name, order, mode, scale):
    """Also where it is so small that its length is 0, and in the local losses."""
    x = nn.Parameter(torch.full((3,), 2.0))

    def closure():
        loss = (x * scale).sum() + 1
        loss.backward()
        return loss

    optimizer = method(name, nn.ParameterList([x]), order, mode=mode, num_subdomains=2)
    for _ in range(2):
        assert float(optimizer.step(closure if name == "trust_region" else [closure] * 2)) == 1
        assert optimizer.record.converged and x.tolist() == [2.0, 2.0, 2.0] and optimizer.radius == 0.5


@pytest.mark.parametrize("mode", ["paper", "released"])
@every_order
def test_a_subdomain_may_have_no_gradient_of_its_own(mode, order):
    x = nn.Parameter(torch.tensor([3.0, 4.0]))

    def bowl():
        loss = x.square().sum()
        loss.backward()
        return loss.detach()

    def flat():
        loss = (x * 0).sum()
        loss.backward()
        return loss.detach()

    optimizer = method("apts", nn.ParameterList([x]), order, mode=mode, num_subdomains=2)
    losses = [float(optimizer.step([bowl, flat])) for _ in range(8)]
    assert losses[-1] < losses[0] / 2


@every_method
@pytest.mark.parametrize("when", [0, 1, 3])
def test_after_any_error_the_parameters_are_where_the_step_began(name, when):
    """An error of a closure in its first evaluation or in a later one; the next step goes on."""
    task = problem()
    optimizer = method(name, task.model, num_subdomains=2)
    task.step(optimizer)
    before = task.point
    parts = task.parts(1 if name == "trust_region" else 2)
    calls = []

    def failing(closure):
        def call():
            calls.append(1)
            if len(calls) > when:
                raise RuntimeError("disk full")
            return closure()

        return call

    if name == "trust_region":
        arguments = [failing(parts[0][0]), failing(parts[1][0])]
        when = min(when, 1)
    else:
        arguments = [[failing(closure) for closure in own] for own in parts]
    with pytest.raises(RuntimeError, match="disk full"):
        optimizer.step(*arguments)
    assert torch.equal(task.point, before)
    task.step(optimizer)
    assert not torch.equal(task.point, before)


@every_method
def test_a_closure_that_computes_no_gradient_is_told(name):
    task = problem()
    before = task.point
    optimizer = method(name, task.model, num_subdomains=1)
    with pytest.raises(ValueError, match=r"closure: must compute the gradient \(call backward"):
        optimizer.step(task.parts(1)[1][0])
    assert torch.equal(task.point, before)
