"""The local phase against global training, as :mod:`benchmarks.local_against_global` measures them."""

from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.local_against_global import SETTINGS, WIDTHS, epoch, limit_of, teams_of
from benchmarks.made import CLASSES, SHAPE
from benchmarks.rows import Measure
from benchmarks.table import Sample
from ddlab.decomposition import Decomposition
from ddlab.models.spec import NetworkSpec
from ddlab.registry.models import MODELS

IMAGES, QUICK = 1280, 384
MODEL = "vgg3"


@contextmanager
def prepared(quick: bool) -> Iterator[Measure]:
    """Start both teams; a round is an epoch of each."""
    asked = Namespace(model=MODEL, overlap=0, images=QUICK if quick else IMAGES)
    decomposition = Decomposition.from_grid(SHAPE, (2, 2))
    spec, build = NetworkSpec((3, *SHAPE), CLASSES, width=WIDTHS[MODEL]), MODELS[MODEL].load()
    local = build(spec.for_subimage(decomposition.subdomains[0].shape, len(decomposition), "1/N"))
    teams = teams_of(build(spec), local, decomposition, asked)
    found = limit_of(asked, SETTINGS.batch_size)

    def measure() -> dict[str, Sample]:
        times = {name: epoch(lines, SETTINGS) for name, lines in teams.items()}
        ratio, parts = times["global"] / times["local"], {f"{name}, s": time for name, time in times.items()}
        parts |= {"counted": found.counted} if found else {}
        return {
            "local_phase": Sample(ratio, found and found.allowed, parts),
            "local_phase_torch": Sample(ratio, found and found.best),
        }

    measure()  # the processes start
    yield measure
    for line in (line for lines in teams.values() for line in lines):
        line.send(None)
