"""Mode "released" follows the published losses, on a tenth of the digits: the first iterations hardly differ."""

import os

import pytest

from benchmarks.published_apts import PUBLISHED, trajectory
from ddlab.home import data_home

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("DDLAB_DATA" not in os.environ or not (data_home() / "MNIST").exists(), reason="needs MNIST"),
]


@pytest.mark.parametrize(("num_subdomains", "iterations"), [(2, 3), (4, 6), (6, 6)])
def test_the_first_losses_are_those_of_the_figure(own_home, num_subdomains, iterations):
    """N = 4 and 6 wait on a plateau, on which the sum of steps is rejected and the global iteration goes on alone."""
    settings = {"training.epochs": iterations, "dataset.train_images": 6000, "dataset.validation_images": 100}
    ours = trajectory(num_subdomains, 0, **settings)
    assert ours == pytest.approx(PUBLISHED[num_subdomains][:iterations], rel=0.01)
