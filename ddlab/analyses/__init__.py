"""Analyses: pure functions of a run (and an image) that give tables and small records; one file an analysis.

Arrays carry their shape: M or V images, N subdomains, K classes.
"""

from ddlab.registry import Entry

__all__ = ["ANALYSES"]

ANALYSES: dict[str, Entry] = {
    "cost": Entry(
        "Cost",
        "Parameters, operations and memory of the global and of every local network, before anything is trained.",
        "ddlab.analyses.cost:cost_table",
    ),
    "accuracy": Entry(
        "Accuracy",
        "Every strategy of one or several runs: accuracy over the seeds, epochs, cost and time.",
        "ddlab.analyses.accuracy:strategy_table",
        "Klawonn, Lanser, Weber, Tables 1 and 2",
    ),
    "probabilities": Entry(
        "Probabilities",
        "What every local network believes of an image, and how each aggregator decides from it.",
        "ddlab.analyses.probabilities:explain",
        "Klawonn, Lanser, Weber, Section 2.1",
    ),
    "sight": Entry(
        "Sight",
        "Which share of an image's evidence every subdomain holds, and how often its network alone is right.",
        "ddlab.analyses.sight:subdomain_accuracy",
    ),
}
