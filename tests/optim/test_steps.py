"""What the methods promise of every step: the ball, the gradients it begins with, and a loss that never rises."""

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddlab.optim.flat import ORDERS, length, steepest
from ddlab.optim.radius import PAPER, RadiusRule
from tests.optim.problems import FINE, method, problem

NAMES, NORMS, ORDER = ("trust_region", "apts", "sapts"), tuple(ORDERS), (1, 2)
# Between rejection and growth lies nothing: what is taken doubles the radius, what is not halves it.
ALL_OR_NOTHING = RadiusRule(0.5, math.nextafter(0.5, 1), trials=1, least=1e-6)


@given(
    st.lists(st.floats(-1e3, 1e3).filter(lambda x: x == 0 or abs(x) > 1e-6), min_size=1, max_size=12),
    st.floats(1e-4, 10),
    st.sampled_from(NORMS),
    st.integers(0, 99),
)
@settings(max_examples=150, deadline=None)
def test_the_first_order_step_is_the_best_in_its_ball(entries, radius, norm, seed):
    """It is as long as the ball allows, its predicted decrease is -g·s, and no drawn step of that length has more."""
    gradient = torch.tensor(entries, dtype=torch.float64)
    if not gradient.any():
        gradient[0] = 1.0
    step, predicted = steepest(gradient, radius, norm)
    assert length(step, norm) == pytest.approx(radius, rel=1e-12)
    assert predicted == pytest.approx(-float(gradient @ step), rel=1e-12) and predicted > 0
    others = torch.randn(200, len(entries), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    others = torch.cat([others, torch.eye(len(entries), dtype=torch.float64), others.sign()])
    others *= radius / torch.linalg.vector_norm(others, ORDERS[norm], dim=1, keepdim=True)
    assert float((others @ gradient).abs().max()) <= predicted * (1 + 1e-12)


@pytest.mark.parametrize("order", ORDER)
@pytest.mark.parametrize("name", ["apts", "sapts"])
def test_every_local_training_begins_with_the_global_gradient(name, order, monkeypatch):
    """First-order consistency, (3) and (4); the gradient that is corrected is that of the subdomain at θ."""
    from ddlab.optim import apts

    seen = []

    def spy(local, region, *bounds):
        seen.append((local.corrected_gradient(local.gradient), local.evaluate(local.theta)[1], local.gradient))
        point = local.theta + 0.1 * torch.randn_like(local.theta)
        rise = local.corrected(point, local.evaluate(point)[0]) - local.evaluate(point)[0]
        assert rise == pytest.approx(float(local.correction @ (point - local.theta)), abs=1e-12)
        return original(local, region, *bounds)

    original = apts.bounded_steps
    monkeypatch.setattr(apts, "bounded_steps", spy)
    task = problem()
    optimizer = method(name, task.model, order, num_subdomains=3)
    for _ in range(3):
        seen.clear()
        task.model.zero_grad()
        torch.nn.functional.cross_entropy(task.model(task.inputs), task.labels).backward()
        whole = torch.cat([p.grad.reshape(-1) for p in task.model.parameters()])
        task.step(optimizer)
        assert len(seen) == 3
        for begins, again, own in seen:
            torch.testing.assert_close(begins, whole, rtol=0, atol=1e-14)
            assert torch.equal(again, own) and float((own - whole).norm()) > 1e-2


@pytest.mark.parametrize(("order", "norm"), [(1, "2"), (1, "1"), (1, "inf"), (2, "2")])
def test_one_subdomain_with_one_step_is_the_trust_region(norm, order):
    """Point by point, with what is accepted, rejected, and learned; r is zero."""
    one, other = problem(), problem()
    single = {"num_subdomains": 1, "local_steps": 1, "global_pass": False}
    apts = method("apts", one.model, order, norm, 0.9, ALL_OR_NOTHING, **single)
    plain = method("trust_region", other.model, order, norm, 0.9, ALL_OR_NOTHING)
    fates = set()
    for _ in range(40):
        one.step(apts), other.step(plain)
        assert torch.equal(one.point, other.point) and apts.radius == plain.radius
        assert apts.record.accepted == plain.record.accepted
        fates.add(apts.record.accepted)
    assert fates == {True, False}, "the test has to see both"


@pytest.mark.parametrize("mode", ["paper", "released"])
@pytest.mark.parametrize(("order", "count"), [(1, 2), (1, 3), (2, 2), (2, 4)])
@pytest.mark.parametrize("name", ["apts", "sapts"])
def test_shared_data_are_n_equal_trainings(name, order, count, mode):
    """One local training, N times its step: the points and records of N that all see all data, for a share of the work.

    To the last bit where N is a power of two; the sum of three differs from three times one by rounding.
    """
    one, explicit = problem(), problem()
    how = {"num_subdomains": count, "mode": mode}
    shared = method(name, one.model, order, radius=0.05, **how, shared=True)
    plain = method(name, explicit.model, order, radius=0.05, **how)
    rounding = 0 if count in (2, 4) else 1e-9
    accepted = set()
    for _ in range(8):
        one.step(shared)
        plain.step(*([part[0]] * count for part in explicit.parts(1)))
        torch.testing.assert_close(one.point, explicit.point, rtol=rounding, atol=rounding)
        for field in ("loss", "trial", "ratio", "predicted", "lengths", "decreases", "length"):
            mine, other = getattr(shared.record, field), getattr(plain.record, field)
            assert mine == pytest.approx(other, rel=max(rounding, 1e-12))
        assert shared.radius == plain.radius
        accepted.add(shared.record.accepted)
    assert True in accepted
    assert len(explicit.points) == count * len(one.points)
    assert (
        shared.tally.data_passes == pytest.approx(plain.tally.data_passes)
        and shared.tally.vectors == plain.tally.vectors
    )
    assert len(shared.state_dict()["state"][0]["memories"]) == 2


@given(
    st.sampled_from(NORMS),
    st.integers(1, 6),
    st.integers(1, 5),
    st.sampled_from(ORDER),
    st.sampled_from([1e-3, 0.05, 0.7, 4.0]),
    st.sampled_from(["apts", "sapts"]),
)
@settings(max_examples=40, deadline=None)
def test_the_sum_of_local_steps_stays_in_the_ball(norm, count, local_steps, order, radius, name):
    """(5), whatever is accepted, and each subdomain in its share of it."""
    task = problem()
    optimizer = method(
        name, task.model, order, "2" if order > 1 else norm, radius, num_subdomains=count, local_steps=local_steps
    )
    for _ in range(4):
        before = optimizer.radius
        task.step(optimizer)
        record = optimizer.record
        assert record.length <= before * (1 + 1e-12) and record.radius == before
        assert len(record.lengths) == count and max(record.lengths) <= before / count * (1 + 1e-12)
        assert sum(record.lengths) > 0 or not record.accepted


@pytest.mark.parametrize("name", ["apts", "sapts"])
def test_a_whole_step_is_the_sum_and_a_global_one(name):
    """As long as both may be, Δ and the radius of (7), which is up to 2Δ: not Δ, nor 2Δ."""
    task = problem()
    optimizer = method(name, task.model, 1, radius=0.01, num_subdomains=2)
    ratios = []
    for _ in range(6):
        before, radius = task.point, optimizer.radius
        task.step(optimizer)
        whole = float((task.point - before).norm())
        assert whole <= (radius + optimizer.record.next_radius) * (1 + 1e-12) <= 3 * radius * (1 + 1e-9)
        ratios.append(whole / radius)
    assert max(ratios) > 2


def test_local_bounds_are_those_of_line_5():
    """Δ bounds divided by N; the least by ν as well, so that a first radius of Δ/(N·ν) is not below it."""
    rule = RadiusRule(least=0.01, most=2.0).local(4, 5)
    assert rule.most == 0.5 and rule.least == pytest.approx(0.01 / 20)
    assert rule.next(0.01 / 20, 0.0) == pytest.approx(0.01 / 20), "a rejected step never makes the radius larger"


@pytest.mark.parametrize("order", ORDER)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("radius", [0.01, 4.0])
def test_the_loss_never_rises_on_one_batch(name, order, radius):
    task = problem()
    optimizer = method(name, task.model, order, radius=radius, rule=FINE)
    losses = [task.loss()]
    for _ in range(30):
        began = task.step(optimizer)
        assert float(began) == pytest.approx(losses[-1], rel=1e-12)
        losses.append(task.loss())
    assert all(after <= before for before, after in zip(losses, losses[1:], strict=False))
    assert losses[-1] < losses[0] - 0.3


@pytest.mark.parametrize("norm", NORMS)
def test_predicted_decreases_of_a_run_are_those_of_the_gradient(norm):
    """Of the trial that counts, also after rejected ones: its radius times the gradient's dual norm."""
    task = problem()
    optimizer = method("trust_region", task.model, norm=norm, radius=4.0, rule=FINE)
    rejected = 0
    for _ in range(15):
        before = task.point
        task.model.zero_grad()
        torch.nn.functional.cross_entropy(task.model(task.inputs), task.labels).backward()
        gradient = torch.cat([p.grad.reshape(-1) for p in task.model.parameters()])
        loss = task.loss()
        task.step(optimizer)
        record = optimizer.record
        rejected += record.trials - 1
        assert record.accepted and record.predicted == pytest.approx(-float(gradient @ (task.point - before)), rel=1e-9)
        assert record.ratio == pytest.approx((loss - task.loss()) / record.predicted, rel=1e-9)
    assert rejected > 0, "the test has to see a rejected trial"


@pytest.mark.parametrize("name", ["apts", "sapts"])
def test_the_ratio_compares_with_what_all_subdomains_lost(name):
    """(6) and (7), from the points that were evaluated: the record is not believed."""
    task = problem()
    optimizer = method(name, task.model, radius=2.0, rule=FINE, num_subdomains=3, global_pass=False)
    accepted = set()
    for _ in range(12):
        theta, loss, before = task.point, task.loss(), optimizer.radius
        task.step(optimizer)
        record = optimizer.record
        trial = task.points[-1][1]  # the last evaluation of all is that of the sum
        moved = not torch.equal(task.point, theta)
        torch.nn.utils.vector_to_parameters(trial, task.model.parameters())
        ratio = (loss - task.loss()) / sum(record.decreases)
        torch.nn.utils.vector_to_parameters(trial if moved else theta, task.model.parameters())
        assert record.ratio == pytest.approx(ratio, rel=1e-9) and moved == (ratio >= PAPER.lower)
        factor = 2 if ratio > PAPER.upper else 1 if moved else 0.5
        assert optimizer.radius == min(before * factor, 4.0)
        accepted.add(moved)
    assert accepted == {True, False}, "the test has to see both"


def test_released_local_steps_double_beyond_their_share():
    """On a straight loss every local step doubles its radius: 1 + 2 + 4 + 8 + 16 = 31 times Δ/N."""
    x = torch.nn.Parameter(torch.tensor([0.6, 0.8], dtype=torch.float64))

    def closure():
        loss = -(x @ torch.tensor([0.6, 0.8], dtype=torch.float64))
        loss.backward()
        return loss

    holder = torch.nn.ParameterList([x])
    for mode, share in (("paper", 1), ("released", 31)):
        optimizer = method("apts", holder, radius=0.01, num_subdomains=2, mode=mode, global_pass=False)
        optimizer.step([closure, closure])
        assert optimizer.record.lengths == pytest.approx([share * 0.01 / 2] * 2)
        assert optimizer.record.length == pytest.approx(share * 0.01)


def test_released_keeps_a_step_that_raises_the_loss_and_paper_does_not():
    """At the bottom of a valley, a hundredth of the smallest radius away from it, every trial overshoots."""
    rise = {}
    for mode in ("paper", "released"):
        x = torch.nn.Parameter(torch.tensor([1e-5], dtype=torch.float64))

        def closure(x=x):
            loss = x.square().sum()
            loss.backward()
            return loss.detach()

        holder = torch.nn.ParameterList([x])
        optimizer = method("apts", holder, radius=0.002, num_subdomains=1, local_steps=1, mode=mode, global_pass=False)
        before = closure()
        optimizer.step(closure)
        rise[mode] = float(closure() - before)
    assert rise["paper"] == 0 < rise["released"]


def test_released_has_the_consistency_in_the_value_alone():
    """Local gradients are the subdomain's own: the first local step of one subdomain goes down its own loss."""
    task = problem()
    optimizer = method("apts", task.model, num_subdomains=2, local_steps=1, mode="released", global_pass=False)
    theta = task.point
    closures = task.parts(2)[0]
    own = []
    for closure in closures:
        task.model.zero_grad()
        closure()
        own.append(torch.cat([p.grad.reshape(-1) for p in task.model.parameters()]))
    task.points.clear()
    task.step(optimizer)
    for number in range(2):
        trial = next(p for n, p, _ in task.points if n == number and not torch.equal(p, theta))
        direction = (trial - theta) / (trial - theta).norm()
        torch.testing.assert_close(direction, -own[number] / own[number].norm(), rtol=0, atol=1e-12)


def test_released_ratio_has_no_guard():
    from ddlab.optim.radius import ratio_of
    from ddlab.optim.released import released_ratio

    assert released_ratio(1.0, 0.5, -1e-20) < -1e18 and math.isnan(ratio_of(1.0, 0.5, -1e-20))
    assert released_ratio(1.0, 0.5, 0.0) == math.inf and released_ratio(0.5, 1.0, 0.0) == -math.inf
    assert math.isnan(ratio_of(1.0, math.nan, 1.0)) and not replace(PAPER, lower=0.0).accepts(math.nan)
