"""Two images side by side: what their local networks know, and which strategy is right about which."""

from collections.abc import Mapping

from ddlab.registry.strategies import STRATEGIES
from ddlab.strategies.explanation import Explanation
from ddlab.written import listed, percent


def compared(explanations: Mapping[int, Explanation]) -> list[str]:
    """Compare the decisions about two images: a sentence an image, then one that says who is right about which.

    Parameters
    ----------
    explanations
        Of the images, by their numbers.
    """
    told = [_knowledge(index, explanation) for index, explanation in explanations.items()]
    (first, one), (second, other) = explanations.items()
    groups: dict[str, list[str]] = {"both": [], f"image {first} alone": [], f"image {second} alone": [], "neither": []}
    names = {(True, True): "both", (False, False): "neither"}
    names |= {(True, False): f"image {first} alone", (False, True): f"image {second} alone"}
    for strategy in one.decisions:
        right = (one.decisions[strategy] == one.truth, other.decisions[strategy] == other.truth)
        groups[names[right]].append(STRATEGIES[strategy].title)
    about = "; ".join(f"about {group}: {listed(titles)}" for group, titles in groups.items() if titles)
    return [*told, f"Right {about}."]


def _knowledge(index: int, explanation: Explanation) -> str:
    """Say how many local networks name the true class of an image, and what the surest one says."""
    count, classes, local_NK = len(explanation.local_NK), explanation.classes, explanation.local_NK
    right = int((explanation.named == explanation.truth).sum())
    surest = int(local_NK.max(axis=1).argmax())
    named, share = classes[explanation.named[surest]], float(local_NK[surest].max())
    verb = "names" if right == 1 else "name"
    return (
        f"Image {index}: {right} of {count} local networks {verb} {classes[explanation.truth]}; the surest one, of "
        f"subdomain {surest + 1}, gives {named} {percent(share)}."
    )
