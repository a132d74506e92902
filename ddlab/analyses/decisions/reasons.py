"""Reasons of decisions about an image, in the words of every strategy itself."""

from ddlab.registry import load_target
from ddlab.registry.strategies import STRATEGIES
from ddlab.strategies.explanation import Explanation


def reason(explanation: Explanation, strategy: str) -> str:
    """Tell how a strategy came to its decision: in its own words, or else by what it sees."""
    entry = STRATEGIES[strategy]
    if entry.reason:
        told: str = load_target(entry.reason)(explanation)
        return told
    if entry.sees == "image":
        return f"It sees the whole image and {explanation.gives(strategy)}."
    return f"It combines what {len(explanation.local_NK)} local networks say, and {explanation.gives(strategy)}."
