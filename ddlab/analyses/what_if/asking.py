"""Whether a run can be asked about another image; known without torch."""

from ddlab.runs import RunFolder


def why_not(run: RunFolder) -> str:
    """Say why a run cannot be asked about another image; empty if it can."""
    if any(run.stage(result["stage"], result["seed"]).has_weights for result in run.results()):
        return ""
    return "This run has no networks to ask: none are trained yet, or it was kept without their weights."
