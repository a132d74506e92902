"""Parts of pages that stand alone in lessons: what each is, where it belongs, and what can be chosen in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ddlab.registry import Entry
from ddlab.registry.entry_points import Registry

__all__ = ["VIEWS", "ViewEntry"]

IMAGE = ("image",)


@dataclass(frozen=True)
class ViewEntry(Entry):
    """A part of a page: ``target`` is a function of a run's folder that draws it with what is chosen.

    Parameters
    ----------
    page
        The page that it is a part of, by its name in the address; a link beside the view leads there.
    choices
        Names of what can be chosen in it, as they stand in the page's address.
    state
        What else the address of the page has where it shows this part.
    """

    page: str = ""
    choices: tuple[str, ...] = ()
    state: Mapping[str, str] = field(default_factory=dict)


def _of(name: str, title: str, description: str, page: str, choices: tuple[str, ...] = (), **state: str) -> ViewEntry:
    return ViewEntry(title, description, f"pages.ui.lessons.views:{name}", "", page, choices, state)


WALK = ("function", "start", "radius", "method", "subdomains", "model_and_ball", "local", "rate", "step", "contours")
PLAN = (
    *("images", "dataset", "model", "width", "ranks", "speed", "links", "bandwidth", "ratio"),
    *("schedule", "chunks", "micro_batches", "batch", "grouping", "action"),
)
_OWN: dict[str, ViewEntry] = {
    "replay": _of(
        "replay", "Learning, played again", "The curves of a recorded training as they came, playing by itself.", "runs"
    ),
    "witnesses": _of(
        "witnesses", "Who saw what", "Four images, what every local network made of its part, who decided how.", "runs"
    ),
    "subimages": _of(
        "subimages",
        "An image and its subimages",
        "A validation image, cut as the run cuts it, with the share of the evidence in every subimage.",
        "probabilities",
        (*IMAGE, "subdomain"),
    ),
    "seen": _of(
        "seen",
        "What every network names",
        "A validation image and its subimages, framed in the colour of the class that each local network names.",
        "probabilities",
        (*IMAGE, "subdomain"),
    ),
    "local": _of(
        "local",
        "Local probabilities",
        "What every local network believes of an image.",
        "probabilities",
        (*IMAGE, "subdomain"),
    ),
    "decisions": _of(
        "decisions",
        "How the strategies decide",
        "From the local probabilities of an image to the decision of every strategy, step by step.",
        "probabilities",
        (*IMAGE, "deciding"),
    ),
    "sight": _of(
        "sight",
        "What every subdomain can see",
        "How often every local network alone is right.",
        "probabilities",
        (*IMAGE, "class", "subdomain"),
    ),
    "accuracy": _of(
        "accuracy",
        "Accuracies",
        "Every strategy's accuracy on training images and on those that judge, of one or several runs.",
        "compare",
        ("with",),
    ),
    "costs": _of(
        "costs",
        "Accuracy against cost",
        "Every strategy's accuracy against its work, its time, its parameters or its operations.",
        "compare",
        ("cost", "with"),
    ),
    "effort": _of(
        "effort",
        "How soon it is good",
        "Accuracy against time or work while the run trained, and what a given accuracy takes.",
        "compare",
        ("effort", "target"),
    ),
    "communication": _of(
        "communication",
        "Communication",
        "Bytes that ranks send each other in a training step of every strategy.",
        "compare",
    ),
    "limit": _of(
        "limit",
        "The limit",
        "How much faster local networks can be at most on a machine, and what holds them back.",
        "compare",
        ("limit_machine", "limit_bars"),
    ),
    "sweep": _of(
        "sweep",
        "A sweep of decompositions",
        "The accuracy of one strategy with every grid and overlap of the sweep that the run is of.",
        "sweep",
        ("strategy",),
    ),
    "premises": _of(
        "premises_of",
        "Premises of the theorems",
        "What the theorems of composition take for granted, and whether the run is so.",
        "composition",
    ),
    "theorem": _of(
        "theorem",
        "Composed network beside its parts",
        "How far the composed network is from its local networks, layer by layer.",
        "composition",
        ("precision", "theory_layer"),
    ),
    "blocks": _of(
        "blocks",
        "Energy between the blocks",
        "How much of a composed network's weights has moved between the local networks' blocks.",
        "composition",
        ("weights", "precision"),
    ),
    "maps": _of(
        "maps",
        "Class activation maps",
        "Where every network looks in an image, and what its decision loses without a part of it.",
        "cam",
        (*IMAGE, "of", "layer", "subdomain", "scale", "networks"),
    ),
    "playground": _of(
        "playground",
        "The playground",
        "Methods with and without a learning rate walk on a function of two parameters, step by step.",
        "trust_region",
        WALK,
        view="playground",
    ),
    "history": _of(
        "history",
        "Steps of a trust region",
        "Every step of a recorded training: its ratio, its radius, and what was rejected.",
        "trust_region",
        ("history", "history_seed"),
        view="history",
    ),
    "against": _of(
        "against",
        "Methods against each other",
        "Accuracy or loss of the methods of a run by epochs, passes over the data, bytes or time.",
        "trust_region",
        ("against", "against_measure", "against_target"),
        view="against",
    ),
    "sensitivity": _of(
        "sensitivity",
        "Sensitivity to a first guess",
        "The accuracy of every method with every first radius or learning rate of the sweep that the run is of.",
        "trust_region",
        ("sensitivity_epoch",),
        view="sensitivity",
    ),
    "schedule": _of(
        "schedule",
        "A schedule of a pipeline",
        "Which machine does what in a training step of a network that is cut across its layers, and where it waits.",
        "pipeline",
        PLAN,
        view="plan",
    ),
    "speed_up": _of(
        "speed_up",
        "Speed-up by micro-batches",
        "The speed-up of every schedule against the number of micro-batches.",
        "pipeline",
        PLAN,
        view="plan",
        part="speed",
    ),
    "trace": _of(
        "trace",
        "A step that really ran",
        "A traced step of a run's pipeline beside its simulation from the measured times of the modules.",
        "pipeline",
        ("traced",),
        view="ran",
    ),
    "staleness": _of(
        "staleness",
        "Old gradients",
        "The accuracy of methods with old gradients beside exact ones.",
        "pipeline",
        view="ran",
    ),
}

VIEWS = Registry("ddlab.views", _OWN, ViewEntry)
"""Ours, and those that other packages add: each draws a part of a page for a run."""
