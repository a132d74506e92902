"""Batch normalisation of few channels: PyTorch's own, whose gradient is compared with PyTorch's in double precision."""

import pytest
import torch
from torch import nn

from ddlab.models import normalization
from ddlab.models.build import BATCH_NORM
from ddlab.models.normalization import FORMATS, is_narrow

SHAPES = [(16, 8, 7, 9), (5, 10, 4, 4), (2, 24, 16, 16), (1, 3, 5, 5), (3, 20, 3, 4, 5)]
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=str)


@pytest.fixture(autouse=True)
def registers_of_sixteen(monkeypatch):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")


def both(shape, dtype=torch.float32):
    """Our layer and PyTorch's in double precision, with the same numbers, and maps for each."""
    torch.manual_seed(0)
    mine = BATCH_NORM[len(shape) - 2](shape[1])
    nn.init.uniform_(mine.weight), nn.init.uniform_(mine.bias)
    exact = getattr(nn, f"BatchNorm{len(shape) - 2}d")(shape[1]).double()
    exact.load_state_dict(mine.state_dict())
    maps = (3 + torch.randn(shape)).to(dtype).to(memory_format=FORMATS[len(shape)])
    return mine, exact, maps.requires_grad_(), maps.detach().double().requires_grad_()


@every_shape
@pytest.mark.parametrize(
    ("dtype", "near"), [(torch.float32, 1e-5), (torch.bfloat16, 2e-2)], ids=["float32", "bfloat16"]
)
def test_gradients_and_statistics_are_those_of_double_precision(shape, dtype, near):
    mine, exact, maps, same_maps = both(shape, dtype)
    assert is_narrow(maps)
    grad = torch.randn(shape)
    normed, expected = mine(maps), exact(same_maps)
    assert type(normed.grad_fn).__name__ == "_NarrowBackward" and normed.dtype == dtype
    normed.backward(grad.to(dtype)), expected.backward(grad.to(dtype).double())
    assert maps.grad.is_contiguous(memory_format=FORMATS[len(shape)])
    pairs = [(normed, expected), (maps.grad, same_maps.grad), *zip(mine.buffers(), exact.buffers(), strict=True)]
    pairs += [(own.grad, other.grad) for own, other in zip(mine.parameters(), exact.parameters(), strict=True)]
    assert len(pairs) == 7
    for own, other in pairs:
        torch.testing.assert_close(own.double(), other.double(), rtol=near, atol=near * other.abs().max().item())


@every_shape
def test_what_comes_out_is_pytorchs_to_the_bit(shape):
    mine, _, maps, _ = both(shape)
    usual = getattr(nn, f"BatchNorm{len(shape) - 2}d")(shape[1])
    usual.load_state_dict(mine.state_dict())
    assert torch.equal(mine(maps), usual(maps.detach()))
    assert all(map(torch.equal, mine.state_dict().values(), usual.state_dict().values()))


def test_everything_else_is_left_to_pytorch(monkeypatch):
    mine, _, maps, _ = both(SHAPES[0])
    wide = torch.randn(2, 16, 4, 4).to(memory_format=torch.channels_last)
    assert not is_narrow(wide) and not is_narrow(torch.randn(SHAPES[0])) and not is_narrow(maps.double())
    assert not is_narrow(torch.randn(2, 40, 4, 4).to(memory_format=torch.channels_last)), "too many to gain anything"
    monkeypatch.setattr(normalization._Narrow, "apply", lambda *arguments: pytest.fail("not asked for"))
    with torch.no_grad():
        mine(maps)
    mine.eval()(maps)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "DEFAULT")
    assert not is_narrow(maps)
    mine.train()(maps)
