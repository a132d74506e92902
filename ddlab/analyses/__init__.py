"""Analyses: pure functions of a run (and an image) that give tables and small records; one file an analysis.

Arrays carry their shape: M or V images, N subdomains, K classes.
"""

from ddlab.registry import Entry
from ddlab.registry.entry_points import Registry

__all__ = ["ANALYSES"]

_OWN: dict[str, Entry] = {
    "cost": Entry(
        "Cost",
        "Parameters, operations and memory of the global and of every local network, before anything is trained.",
        "ddlab.analyses.comparison.cost:cost_table",
    ),
    "accuracy": Entry(
        "Accuracy",
        "Every strategy of one or several runs: accuracy over the seeds, epochs, cost and time.",
        "ddlab.analyses.comparison.accuracy:strategy_table",
        "Klawonn, Lanser, Weber, Tables 1 and 2",
    ),
    "paper": Entry(
        "Beside the paper",
        "The cell of the paper's tables that a run repeats, strategy by strategy, with the difference.",
        "ddlab.analyses.comparison.paper:paper_comparison",
        "Klawonn, Lanser, Weber, Tables 1 and 2",
    ),
    "effort": Entry(
        "Effort",
        "How accurate every strategy is after how much time and work, and what a given accuracy takes.",
        "ddlab.analyses.comparison.effort:effort_curves",
    ),
    "communication": Entry(
        "Communication",
        "Bytes that ranks exchange in a training step: counted for every strategy, and measured.",
        "ddlab.analyses.comparison.communication:measured_communication",
    ),
    "probabilities": Entry(
        "Probabilities",
        "What every local network believes of an image, and how each aggregator decides from it.",
        "ddlab.analyses.decisions.probabilities:explain",
        "Klawonn, Lanser, Weber, Section 2.1",
    ),
    "change": Entry(
        "Change",
        "How often local networks are right on their own, and as parts of a coherent model.",
        "ddlab.analyses.decisions.local_vs_coherent:change_of_accuracy",
    ),
    "sight": Entry(
        "Sight",
        "Which share of an image's evidence every subdomain holds, and how often its network alone is right.",
        "ddlab.analyses.decisions.visibility:subdomain_accuracy",
    ),
    "premises": Entry(
        "Premises",
        "What the theorems of composition take for granted, and whether an experiment is so.",
        "ddlab.analyses.composition.premises:premises",
        "Gu, Zhang, Liu, Cai, Section 2.3",
    ),
    "verification": Entry(
        "Verification",
        "The composed network beside its local networks: layer by layer, their sum, the bound of its cost.",
        "ddlab.analyses.composition.verification:verify",
        "Gu, Zhang, Liu, Cai, Theorems 2.1 and 2.2",
    ),
    "block_energy": Entry(
        "Energy between the blocks",
        "How much of a composed network's weights has moved between the local networks' blocks, by layer and epoch.",
        "ddlab.analyses.composition.block_energy:energy_table",
    ),
    "maps": Entry(
        "Class activation maps",
        "Where every network of a run looks, in place on the image: what speaks for a class, and what against it.",
        "ddlab.analyses.maps.of_run:map_images",
        "Gu, Zhang, Liu, Cai, Fig. 3.8; Zhou et al. 2016; Selvaraju et al. 2017",
    ),
    "map_scores": Entry(
        "Scores of maps",
        "Whether class activation maps point at the known evidence, and at what the network itself needs.",
        "ddlab.analyses.maps.of_run:score_images",
    ),
    "sweep": Entry(
        "Sweep",
        "The accuracy of every strategy with every decomposition of a sweep, and the work of its local networks.",
        "ddlab.analyses.sweeps.decompositions:sweep_table",
    ),
    "sensitivity": Entry(
        "Sensitivity",
        "The accuracy of every strategy with every initial radius or learning rate, and the width of its plateau.",
        "ddlab.analyses.sweeps.sensitivity:sensitivity_table",
        "Cruz Alegría, Trotti, Kopaničáková, Krause, Section 3",
    ),
    "trust_region": Entry(
        "Trust region",
        "Every step of a method without a learning rate: its ratio, its radius, and what was rejected.",
        "ddlab.analyses.trust_region.history:step_table",
        "Cruz Alegría, Trotti, Kopaničáková, Krause, Algorithm 1",
    ),
    "passes": Entry(
        "Passes",
        "Methods that train the global network by passes over the data, bytes exchanged and time.",
        "ddlab.analyses.comparison.optimizers:passes_table",
        "Cruz Alegría, Trotti, Kopaničáková, Krause, Section 3",
    ),
    "playground": Entry(
        "Playground",
        "APTS, the trust-region method and gradient descent on functions of two parameters, step by step.",
        "ddlab.analyses.trust_region.playground:walk",
        "Cruz Alegría, Trotti, Kopaničáková, Krause, Algorithm 1",
    ),
}

ANALYSES = Registry("ddlab.analyses", _OWN, Entry)
"""Ours, and those that other packages add: each a function of a run's folder and keywords that gives a table."""
