"""Log-odds, on numbers that are counted by hand, and what a viewer decides without a subimage."""

import math

import pytest
import torch
from torch import nn

from ddlab.analyses.maps.occlusion import log_odds, odds, odds_without
from ddlab.analyses.maps.viewers import Viewer
from ddlab.decomposition import Decomposition
from ddlab.models.architecture import Linear, Network

CUT = Decomposition.from_grid((2, 4), (1, 2))
WHOLE = Decomposition.from_grid((2, 4), (1, 1))
NETWORK = Network((("classifier", Linear(3, 2)),), (3,), classifier="classifier")
LOGITS = torch.tensor([[[2.0, 0.0], [0.0, 1.0]]])  # of two networks, for one image


class Sum(nn.Module):
    """The logit of the first class is the sum of all pixels."""

    def forward(self, images):
        total = images.flatten(1).sum(1)
        return torch.stack([total, torch.zeros_like(total)], dim=1)


def viewer(modules=2, dnn=None, cut=CUT, outputs="probabilities"):
    made = None if dnn is None else (NETWORK, dnn)
    return Viewer("v", "V", (NETWORK,) * modules, (Sum(),) * modules, cut, made, outputs)


def test_two_classes_have_the_difference_of_their_logits_and_do_not_saturate():
    assert log_odds(torch.tensor([[[3.0, 1.0]]]))[0].tolist() == pytest.approx([2.0, -2.0])
    assert log_odds(torch.tensor([[[300.0, 0.0]]]))[0].tolist() == [300.0, -300.0]  # the probability rounds to 1


def test_the_odds_of_a_mean_are_those_of_the_mean_probability():
    first, second = 1 / (1 + math.exp(-2)), 1 / (1 + math.exp(1))
    mean = (first + second) / 2
    assert odds(viewer(), LOGITS)[0, 0].item() == pytest.approx(math.log(mean / (1 - mean)))


def test_a_local_network_that_is_left_out_says_the_same_of_every_class():
    first, second = 1 / (1 + math.exp(-2)), 1 / (1 + math.exp(1))
    left = [(0.5 + second) / 2, (first + 0.5) / 2]
    found = odds_without(viewer(), LOGITS, torch.zeros(1, 1, 2, 4), CUT)[0, :, 0]
    assert found.tolist() == pytest.approx([math.log(p / (1 - p)) for p in left])


@pytest.mark.parametrize(("outputs", "neutral"), [("probabilities", 0.5), ("logits", 0.0)])
def test_a_dnn_hears_uniform_probabilities_or_logits_of_nothing(outputs, neutral):
    dnn = nn.Linear(4, 2, bias=False)
    dnn.weight.data = torch.tensor([[1.0, 0.0, 10.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    said = LOGITS.softmax(2) if outputs == "probabilities" else LOGITS
    looked = viewer(dnn=dnn, outputs=outputs)
    whole = said[0, 0, 0] + 10 * said[0, 1, 0]
    assert odds(looked, LOGITS)[0, 0].item() == pytest.approx(whole.item(), rel=1e-6)
    without = odds_without(looked, LOGITS, torch.zeros(1, 1, 2, 4), CUT)[0, :, 0]
    expected = [neutral + 10 * said[0, 1, 0].item(), said[0, 0, 0].item() + 10 * neutral]
    assert without.tolist() == pytest.approx(expected, rel=1e-6)


def test_a_network_on_the_whole_image_does_without_the_pixels():
    image = torch.arange(8.0).reshape(1, 1, 2, 4)
    looked = viewer(modules=1, cut=WHOLE)
    found = odds_without(looked, Sum()(image)[:, None], image, CUT)[0, :, 0]
    assert found.tolist() == [2 + 3 + 6 + 7, 0 + 1 + 4 + 5]
    assert image.sum() == 28, "the image is as it was"
