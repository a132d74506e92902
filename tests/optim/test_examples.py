"""The examples in the documentation: quadratics, on which all pairs of a model of second order say the same."""

import doctest

import pytest

from ddlab.optim import apts, trust_region


@pytest.mark.parametrize("module", [trust_region, apts], ids=lambda module: module.__name__)
def test_the_documented_example_is_right(module):
    found = doctest.testmod(module)
    assert found.attempted and not found.failed
