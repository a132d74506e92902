"""The trust-region subproblem against what makes a step optimal, on dense matrices, in all its cases."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ddlab.optim.lsr1 import LimitedMemorySR1, Spectrum
from ddlab.optim.subproblem import solve

N, RANK = 40, 4


def spectrum_of(values: list[float], gamma: float, seed: int = 0) -> Spectrum:
    """A matrix of these eigenvalues, whose eigenvectors are drawn; the basis is not orthonormal itself."""
    generator = torch.Generator().manual_seed(seed)
    basis = torch.randn(N, len(values), generator=generator, dtype=torch.float64)
    q, r = torch.linalg.qr(basis)
    assert q.shape == basis.shape
    return Spectrum(basis.T, torch.linalg.inv(r), torch.tensor(sorted(values), dtype=torch.float64), gamma)


def dense(spectrum: Spectrum) -> torch.Tensor:
    vectors = spectrum.basis.T @ spectrum.coefficients
    shifted = vectors @ (spectrum.values - spectrum.gamma).diag() @ vectors.T
    return spectrum.gamma * torch.eye(len(vectors), dtype=torch.float64) + shifted


def check(spectrum: Spectrum, gradient: torch.Tensor, radius: float) -> None:
    """Moré and Sorensen's conditions, which are necessary and sufficient, and the predicted decrease."""
    matrix, found = dense(spectrum), solve(gradient, spectrum, radius)
    shifted = matrix + found.multiplier * torch.eye(N, dtype=torch.float64)
    scale = float(gradient.norm()) + 1e-300
    assert float((shifted @ found.step + gradient).norm()) <= 1e-10 * max(1.0, scale)
    assert found.multiplier >= 0 and float(torch.linalg.eigvalsh(shifted)[0]) >= -1e-10
    assert float(found.step.norm()) <= radius * (1 + 1e-10)
    assert found.multiplier * abs(radius - float(found.step.norm())) <= 1e-10 * max(1.0, radius)
    decrease = -float(gradient @ found.step + found.step @ matrix @ found.step / 2)
    assert found.predicted == pytest.approx(decrease, rel=1e-9, abs=1e-12) and found.predicted >= 0


def gradient_of(spectrum: Spectrum, without: int | None = None, inside: bool = False) -> torch.Tensor:
    """A drawn gradient; without its part along one eigenvector (-1: all that they leave), or only inside of them."""
    gradient = torch.randn(N, generator=torch.Generator().manual_seed(7), dtype=torch.float64)
    vectors = spectrum.basis.T @ spectrum.coefficients
    along = vectors.T @ gradient
    if inside or without == -1:
        gradient = vectors @ along
    if without is not None and without >= 0:
        gradient = gradient - vectors[:, without] * (vectors[:, without] @ gradient)
    return gradient


@pytest.mark.parametrize(
    ("values", "gamma", "without", "radius"),
    [
        pytest.param([1.0, 2, 3, 4], 0.5, None, 100.0, id="positive, inside"),
        pytest.param([1.0, 2, 3, 4], 0.5, None, 0.1, id="positive, boundary"),
        pytest.param([0.0, 2, 3, 4], 0.5, None, 10.0, id="singular, gradient along it"),
        pytest.param([0.0, 2, 3, 4], 0.5, 0, 100.0, id="singular, gradient not along it, inside"),
        pytest.param([0.0, 2, 3, 4], 0.5, 0, 0.1, id="singular, gradient not along it, boundary"),
        pytest.param([-1.0, 2, 3, 4], 0.5, None, 2.0, id="indefinite"),
        pytest.param([-1.0, 2, 3, 4], 0.5, 0, 0.1, id="indefinite, not along the lowest, boundary"),
        pytest.param([-1.0, 2, 3, 4], 0.5, 0, 100.0, id="hard case, a known direction"),
        pytest.param([-1.0, -1, 3, 4], 0.5, None, 100.0, id="lowest eigenvalue twice"),
        pytest.param([1.0, 2, 3, 4], -2.0, -1, 50.0, id="hard case, an unknown direction"),
        pytest.param([1.0, 2, 3, 4], -2.0, None, 50.0, id="everything else curves down"),
        pytest.param([-3.0, 2, 3, 4], -3.0, None, 5.0, id="lowest known and unknown alike"),
        pytest.param([], 2.0, None, 1.0, id="no pair, boundary"),
        pytest.param([], 2.0, None, 1e3, id="no pair, inside"),
    ],
)
def test_every_case_is_optimal(values, gamma, without, radius):
    spectrum = spectrum_of(values, gamma)
    check(spectrum, gradient_of(spectrum, without), radius)


@given(
    st.lists(st.floats(-5, 5), min_size=0, max_size=RANK),
    st.floats(0.01, 10),
    st.floats(-4, 3),
    st.integers(0, 1000),
)
@settings(max_examples=150, deadline=None)
def test_drawn_cases_are_optimal(values, gamma, exponent, seed):
    spectrum = spectrum_of(values, gamma, seed)
    generator = torch.Generator().manual_seed(seed)
    check(spectrum, torch.randn(N, generator=generator, dtype=torch.float64), 10.0**exponent)


@pytest.mark.parametrize("radius", [1e-3, 1.0, 1e3])
@pytest.mark.parametrize("definite", [True, False])
def test_the_matrix_of_real_pairs(radius, definite):
    model, _ = pairs_of_a_quadratic(4, definite=definite)
    gradient = torch.randn(N, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    check(model.spectrum(), gradient, radius)


def test_what_cannot_be_solved_says_why():
    spectrum = spectrum_of([1.0], 1.0)
    with pytest.raises(ValueError, match="radius: must be above 0, got 0"):
        solve(torch.ones(N, dtype=torch.float64), spectrum, 0.0)
    with pytest.raises(ValueError, match="gradient: has entries that are NaN or infinite"):
        solve(torch.full((N,), torch.nan, dtype=torch.float64), spectrum, 1.0)


def test_without_gradient_the_lowest_curvature_decides():
    still = torch.zeros(N, dtype=torch.float64)
    assert float(solve(still, spectrum_of([1.0, 2.0], 1.0), 1.0).step.norm()) == 0
    down = solve(still, spectrum_of([-2.0, 2.0], 1.0), 3.0)
    assert down.hard and float(down.step.norm()) == pytest.approx(3) and down.predicted == pytest.approx(9)


# ---- the matrix itself


def pairs_of_a_quadratic(num_pairs: int, seed: int = 0, definite: bool = True) -> tuple[LimitedMemorySR1, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    root = torch.randn(N, N, generator=generator, dtype=torch.float64)
    hessian = root @ root.T / N + torch.eye(N) if definite else (root + root.T) / 2
    model = LimitedMemorySR1(history=5)
    for _ in range(num_pairs):
        step = torch.randn(N, generator=generator, dtype=torch.float64)
        model.update(step, hessian @ step)
    return model, hessian


@pytest.mark.parametrize("definite", [True, False])
@pytest.mark.parametrize("num_pairs", [1, 3, 5, 9])
def test_all_kept_pairs_of_a_quadratic_obey_the_secant_equation(num_pairs, definite):
    model, hessian = pairs_of_a_quadratic(num_pairs, definite=definite)
    spectrum = model.spectrum()
    assert len(model) == min(num_pairs, 5) and spectrum.gamma > 0
    for step, change in zip(model.steps, model.changes, strict=True):
        torch.testing.assert_close(dense(spectrum) @ step, change, rtol=0, atol=1e-9)


@given(st.integers(1, 5), st.integers(0, 500), st.booleans())
@settings(max_examples=60, deadline=None)
def test_compact_and_recursive_form_are_equal(num_pairs, seed, definite):
    """Pair by pair: ``B + r r' / (r's)`` with ``r = y - B s``, from gamma·I on, gives the same matrix."""
    model, _ = pairs_of_a_quadratic(num_pairs, seed, definite)
    spectrum = model.spectrum()
    matrix = spectrum.gamma * torch.eye(N, dtype=torch.float64)
    for step, change in zip(model.steps, model.changes, strict=True):
        residual = change - matrix @ step
        matrix = matrix + torch.outer(residual, residual) / (residual @ step)
    scale = float(matrix.abs().max())
    torch.testing.assert_close(dense(spectrum), matrix, rtol=0, atol=1e-7 * scale)


def test_pairs_without_news_are_left_out():
    model, _ = pairs_of_a_quadratic(2)
    again = model.steps[0]
    assert not model.update(3 * again, dense(model.spectrum()) @ (3 * again)) and len(model) == 2
    assert not model.update(torch.zeros(N, dtype=torch.float64), again)
    assert not model.update(torch.full((N,), torch.nan, dtype=torch.float64), again)
    assert model.skipped == 3


def test_pairs_that_contradict_each_other_leave_the_newest():
    """The same step with two changes: no matrix does both."""
    model = LimitedMemorySR1()
    generator = torch.Generator().manual_seed(0)
    step, first, second = (torch.randn(N, generator=generator, dtype=torch.float64) for _ in range(3))
    model.update(step, first)
    model.update(step * (1 + 1e-14), second)
    torch.testing.assert_close(dense(model.spectrum()) @ model.steps[-1], model.changes[-1], rtol=0, atol=1e-6)


def test_the_state_goes_on_bit_for_bit():
    model, hessian = pairs_of_a_quadratic(4)
    again = LimitedMemorySR1()
    again.load_state_dict(model.state_dict())
    step = torch.ones(N, dtype=torch.float64)
    for each in (model, again):
        each.update(step, hessian @ step)
    assert torch.equal(dense(model.spectrum()) @ step, dense(again.spectrum()) @ step)
    with pytest.raises(ValueError, match="history: must be at least 1"):
        LimitedMemorySR1(0)
    with pytest.raises(ValueError, match="no pair"):
        LimitedMemorySR1().spectrum()
