"""A network that is counted by hand: 16 inputs, hidden layers of 8 and 4, two classes.

Forward operations 2·(16·8, 8·4, 4·2) = 256, 64, 16; parameters 136, 36, 10; numbers kept 16, 8, 4 and 2.
"""

from dataclasses import replace

from ddlab.analyses.pipeline.assumed import assumed
from ddlab.analyses.pipeline.plan import Machines, PipelinePlan

MODEL = {"name": "mlp", "width": 1 / 64, "reduction": "1"}
SAMPLE, CLASSES = (1, 4, 4), 2
FLOPS, PARAMETERS = (256, 64, 16), (136, 36, 10)
BATCH = 6
RATE, BANDWIDTH = 1000.0, 100.0


def plan(number=3, bandwidth=BANDWIDTH, **changes):
    """One module a layer on three machines: 6 images in 3 micro-batches."""
    network = assumed({"model": MODEL}, SAMPLE, CLASSES).global_network
    asked = PipelinePlan(network, Machines(number, RATE, bandwidth), "1f1b", 3, BATCH)
    return replace(asked, **changes)
