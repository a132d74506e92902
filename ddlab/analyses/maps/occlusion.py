"""Occlusion: what a viewer would decide without one of the subimages, in log-odds.

The probability of a class saturates: at 99.9 % nothing can lift it, and its slope is nearly 0. The log-odds are the
class's logit less the log-sum-exp of all other classes' logits, and do not. Local networks and CNN-DNNs do without a
subimage by doing without what its network says: its probabilities become uniform, its logits 0. A network on the whole
image does without its pixels: they get the mean of the training images. Shapes: B images, N networks, S subimages,
K classes.

References
----------
Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks": occlusion.
Robnik-Šikonja and Kononenko 2008, "Explaining Classifications for Individual Instances": differences of log-odds.
"""

import torch
from torch import Tensor

from ddlab.analyses.maps.viewers import Viewer, laid_out
from ddlab.decomposition import Decomposition


def log_odds(logits_BNK: Tensor) -> Tensor:
    """Log-odds ``(B, K)``, in float64, of the mean of N networks' probabilities, of one network its own.

    Sums stay sums of exponentials to the end, so that a probability that rounds to 1 still has its odds.
    """
    logs_BNK = logits_BNK.double().log_softmax(2)
    num_classes = logs_BNK.shape[2]
    itself = torch.eye(num_classes, dtype=torch.bool, device=logs_BNK.device)
    others_BNK = logs_BNK[:, :, None].masked_fill(itself, -torch.inf).logsumexp(3)
    odds_BK: Tensor = logs_BNK.logsumexp(1) - others_BNK.logsumexp(1)
    return odds_BK


@torch.no_grad()
def odds(viewer: Viewer, logits_BNK: Tensor) -> Tensor:
    """The log-odds of a viewer's decision, ``(B, K)``, from the logits of its networks."""
    if viewer.dnn is None:
        return log_odds(logits_BNK)
    said_BNK = logits_BNK.softmax(2) if viewer.outputs == "probabilities" else logits_BNK
    return log_odds(viewer.dnn[1](said_BNK.flatten(1))[:, None])


@torch.no_grad()
def odds_without(viewer: Viewer, logits_BNK: Tensor, images: Tensor, cut: Decomposition) -> Tensor:
    """The log-odds without each of the S subimages, ``(B, S, K)``.

    Parameters
    ----------
    logits_BNK
        Of the viewer's networks.
    images
        As its networks see them, ``(B, C, *shape)``.
    cut
        The subimages: those of the viewer's networks, or, for a network on the whole image, the boxes to be hidden.
    """
    found = []
    for number, box in enumerate(cut):
        left = logits_BNK.clone()
        if viewer.is_whole:
            hidden = images.clone()
            hidden[box.slices] = 0.0  # the mean of the training images
            left[:, 0] = viewer.modules[0](laid_out(hidden))
        else:
            left[:, number] = 0.0  # uniform probabilities
        found.append(odds(viewer, left))
    return torch.stack(found, dim=1)
