"""The sentence worth noticing about what the layers of a network make of an image."""

from ddlab.analyses.layers.stored import Activations
from ddlab.written import percent


def of_activations(found: Activations) -> str:
    """Say where most channels are dead in this image, and what comes out in the end."""
    return f"{_dead(found)} {_decided(found)}"


def _dead(found: Activations) -> str:
    dead = {row.name: told for row in found.rows if (told := found.dead(row.name)) is not None}
    if not dead:
        return "No layer of this network is rectified, so none of its channels can be dead."
    layer = max(dead, key=lambda name: float(dead[name].mean()))
    count, number = int(dead[layer].sum()), len(dead[layer])
    if not count:
        return "Every channel of every rectified layer answers somewhere in this image: none is dead."
    what = "channels" if found.row(layer).has_maps else "units"
    least = ", more than in any other layer" if len(dead) > 1 else ""
    return f"Of the {number} {what} of {layer} {count} are zero for this image{least}."


def _decided(found: Activations) -> str:
    classes, label, decided = found.about["classes"], found.about["label"], found.decided
    said = f"In the end the network gives {classes[decided]} {percent(float(found.arrays['probabilities'][decided]))}"
    if label is None:
        return f"{said}."
    return f"{said}, which is right." if decided == label else f"{said}; it is {classes[label]}."
