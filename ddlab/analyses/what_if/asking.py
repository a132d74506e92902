"""Whether a run can be asked about another image, and what it has recorded of the image as it is; without torch."""

import numpy as np

from ddlab.analyses.decisions.probabilities import Outcomes
from ddlab.analyses.what_if.stored import Answers
from ddlab.data.source import Dataset
from ddlab.decomposition import Decomposition
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder
from ddlab.strategies.stage import LOCAL


def why_not(run: RunFolder) -> str:
    """Say why a run cannot be asked about another image; empty if it can."""
    if any(run.stage(result["stage"], result["seed"]).has_weights for result in run.results()):
        return ""
    return "This run has no networks to ask: none are trained yet, or it was kept without their weights."


def recorded_answers(outcomes: Outcomes, data: Dataset, decomposition: Decomposition, index: int) -> Answers:
    """Return what a run has recorded of a validation image as the answers to it without an edit."""
    image, mask = data.validation.image(index)
    arrays = {"images": np.stack([image, image])} | ({} if mask is None else {"mask": mask})
    twice = [index, index]
    for name, scores in outcomes.scores.items():
        arrays |= {f"scores:{name}": scores[twice], f"decisions:{name}": outcomes.decisions[name][twice]}
    if outcomes.local is not None:
        arrays[LOCAL] = outcomes.local[twice]
    arrays |= {f"{LOCAL}:{name}": local[twice] for name, local in outcomes.own_local.items()}
    about = {"image": str(index), "label": int(outcomes.labels[index]), "classes": list(outcomes.classes), "edits": ""}
    about |= {"strategies": list(outcomes.scores), "titles": {name: STRATEGIES[name].title for name in outcomes.scores}}
    about |= {"own_local": list(outcomes.own_local), "silent": [], "doubts": [], "viewers": {}, "changed": []}
    return Answers(about | {"subdomains": len(decomposition)}, arrays)
