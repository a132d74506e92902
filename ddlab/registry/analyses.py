"""The analyses that are offered, and what each says of itself: a line each."""

from dataclasses import dataclass
from typing import Any

from ddlab.registry import Entry, load_target, unknown
from ddlab.registry.entry_points import Registry

__all__ = ["ANALYSES", "PAGES", "AnalysisEntry"]

PAGES = (  # those that look at a run
    "compare",
    "probabilities",
    "cam",
    "layers",
    "what_if",
    "composition",
    "trust_region",
    "scale",
)


@dataclass(frozen=True)
class AnalysisEntry(Entry):
    """An analysis: ``target`` is a function of a run's folder and keywords that gives a table or a record.

    Parameters
    ----------
    applies
        ``"package.module:function"`` of a run's folder: says why the analysis does not apply to it, and nothing where
        it does; empty: it applies to every run.
    page
        The one of ``PAGES`` below which it is shown by itself, with its title, its description and its table; empty: a
        page that knows it draws it, or none does.
    figure
        ``"package.module:function"`` that draws the table as a plotly figure, for ``page``; empty: the table alone.
    """

    applies: str = ""
    page: str = ""
    figure: str = ""

    def why_not(self, run: Any) -> str:
        """Say why the analysis does not apply to a run (:class:`ddlab.runs.RunFolder`); empty if it does."""
        told: str = load_target(self.applies)(run) if self.applies else ""
        return told

    def check(self) -> None:
        """Refuse a page that the lab does not have."""
        if self.page and self.page not in PAGES:
            raise ValueError(f"{unknown('page', self.page, PAGES)}; must be one of them, or empty")


_OWN: dict[str, AnalysisEntry] = {
    "cost": AnalysisEntry(
        "Cost",
        "Parameters, operations and memory of the global and of every local network, before anything is trained.",
        "ddlab.analyses.comparison.cost:cost_table",
    ),
    "accuracy": AnalysisEntry(
        "Accuracy",
        "Every strategy of one or several runs: accuracy over the seeds, epochs, cost and time.",
        "ddlab.analyses.comparison.accuracy:strategy_table",
        "Klawonn, Lanser, Weber, Tables 1 and 2",
    ),
    "paper": AnalysisEntry(
        "Beside the paper",
        "The cell of the paper's tables that a run repeats, strategy by strategy, with the difference.",
        "ddlab.analyses.comparison.paper:paper_comparison",
        "Klawonn, Lanser, Weber, Tables 1 and 2",
    ),
    "effort": AnalysisEntry(
        "Effort",
        "How accurate every strategy is after how much time and work, and what a given accuracy takes.",
        "ddlab.analyses.comparison.effort:effort_curves",
    ),
    "communication": AnalysisEntry(
        "Communication",
        "Bytes that ranks exchange in a training step: counted for every strategy, and measured.",
        "ddlab.analyses.comparison.communication:measured_communication",
    ),
    "probabilities": AnalysisEntry(
        "Probabilities",
        "What every local network believes of an image, and how each aggregator decides from it.",
        "ddlab.analyses.decisions.probabilities:explain",
        "Klawonn, Lanser, Weber, Section 2.1",
    ),
    "change": AnalysisEntry(
        "Change",
        "How often local networks are right on their own, and as parts of a coherent model.",
        "ddlab.analyses.decisions.local_vs_coherent:change_of_accuracy",
    ),
    "sight": AnalysisEntry(
        "Sight",
        "Which share of an image's evidence every subdomain holds, and how often its network alone is right.",
        "ddlab.analyses.decisions.visibility:subdomain_accuracy",
    ),
    "premises": AnalysisEntry(
        "Premises",
        "What the theorems of composition take for granted, and whether an experiment is so.",
        "ddlab.analyses.composition.premises:premises",
        "Gu, Zhang, Liu, Cai, Section 2.3",
        applies="ddlab.analyses.composition.premises:why_not",
    ),
    "verification": AnalysisEntry(
        "Verification",
        "The composed network beside its local networks: layer by layer, their sum, the bound of its cost.",
        "ddlab.analyses.composition.verification:verify",
        "Gu, Zhang, Liu, Cai, Theorems 2.1 and 2.2",
        applies="ddlab.analyses.composition.premises:why_not",
    ),
    "block_energy": AnalysisEntry(
        "Energy between the blocks",
        "How much of a composed network's weights has moved between the local networks' blocks, by layer and epoch.",
        "ddlab.analyses.composition.block_energy:energy_table",
        applies="ddlab.analyses.composition.premises:why_not",
    ),
    "maps": AnalysisEntry(
        "Class activation maps",
        "Where every network of a run looks, in place on the image: what speaks for a class, and what against it.",
        "ddlab.analyses.maps.of_run:map_images",
        "Gu, Zhang, Liu, Cai, Fig. 3.8; Zhou et al. 2016; Selvaraju et al. 2017",
        applies="ddlab.analyses.maps.layers:why_not",
    ),
    "map_scores": AnalysisEntry(
        "Scores of maps",
        "Whether class activation maps point at the known evidence, and at what the network itself needs.",
        "ddlab.analyses.maps.of_run:score_images",
        applies="ddlab.analyses.maps.layers:why_not",
    ),
    "layers": AnalysisEntry(
        "Layer by layer",
        "What every layer of a network makes of an image: its channels, their range, and which of them are dead.",
        "ddlab.analyses.layers.of_run:activations",
        applies="ddlab.analyses.layers.networks:why_not",
    ),
    "what_if": AnalysisEntry(
        "What if",
        "What every network and strategy of a run says of an image, and of the same image edited.",
        "ddlab.analyses.what_if.of_run:ask_run",
        applies="ddlab.analyses.what_if.asking:why_not",
    ),
    "sweep": AnalysisEntry(
        "Sweep",
        "The accuracy of every strategy with every decomposition of a sweep, and the work of its local networks.",
        "ddlab.analyses.sweeps.decompositions:sweep_table",
    ),
    "sensitivity": AnalysisEntry(
        "Sensitivity",
        "The accuracy of every strategy with every initial radius or learning rate, and the width of its plateau.",
        "ddlab.analyses.sweeps.sensitivity:sensitivity_table",
        "Cruz Alegría, Trotti, Kopaničáková, Krause, Section 3",
    ),
    "trust_region": AnalysisEntry(
        "Trust region",
        "Every step of a method without a learning rate: its ratio, its radius, and what was rejected.",
        "ddlab.analyses.trust_region.history:step_table",
        "Cruz Alegría, Trotti, Kopaničáková, Krause, Algorithm 1",
        applies="ddlab.analyses.trust_region.history:why_not",
    ),
    "passes": AnalysisEntry(
        "Passes",
        "Methods that train the global network by passes over the data, bytes exchanged and time.",
        "ddlab.analyses.comparison.optimizers:passes_table",
        "Cruz Alegría, Trotti, Kopaničáková, Krause, Section 3",
    ),
    "traces": AnalysisEntry(
        "Traced steps",
        "Training steps of a pipeline as they ran, beside the simulation from the measured times of the modules.",
        "ddlab.analyses.pipeline.traces:trace_table",
        "Akintoye et al. 2023, Section 3.3",
        applies="ddlab.analyses.pipeline.traces:why_not",
    ),
    "staleness": AnalysisEntry(
        "Staleness",
        "The accuracy of methods with old gradients beside exact ones, and how old their gradients are.",
        "ddlab.analyses.pipeline.staleness:staleness_table",
        "Akintoye et al. 2023, Section 2",
        applies="ddlab.analyses.pipeline.staleness:why_not",
    ),
    "scale": AnalysisEntry(
        "Scale",
        "Time, bytes and memory of every strategy of a run on 1 to 1,024 ranks, counted and not measured.",
        "ddlab.analyses.scale.of_run:scale_of_run",
        applies="ddlab.analyses.scale.of_run:why_not",
    ),
    "playground": AnalysisEntry(
        "Playground",
        "APTS, the trust-region method and gradient descent on functions of two parameters, step by step.",
        "ddlab.analyses.trust_region.playground:walk",
        "Cruz Alegría, Trotti, Kopaničáková, Krause, Algorithm 1",
    ),
}

ANALYSES = Registry("ddlab.analyses", _OWN, AnalysisEntry)
"""Ours, and those that other packages add: each a function of a run's folder and keywords that gives a table."""
