"""The part of a report that follows one image: what local networks see and say, who decides what, where they look."""

from pathlib import Path

import numpy as np

from ddlab.analyses.command_results import known_result
from ddlab.analyses.decisions.limits import limit_of
from ddlab.analyses.decisions.probabilities import Outcomes, explain, named_labels
from ddlab.analyses.decisions.telling import telling_image
from ddlab.analyses.maps.asking import arguments_of, batch_of, count_viewers, named, stamp_of
from ddlab.analyses.maps.stored import Mapped
from ddlab.data.cache import load
from ddlab.figures.colors import class_color
from ddlab.figures.decisions.drawn import CLASSES, drawn_pictures, drawn_probabilities, drawn_scene, drawn_subimages
from ddlab.figures.drawn import address_of
from ddlab.figures.images import CROWDED
from ddlab.figures.maps.overlays import in_two_dimensions, picture, shared_limit
from ddlab.figures.volumes import Scene
from ddlab.html_file import paragraph, table
from ddlab.problem import Problem
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder
from ddlab.strategies.explanation import Explanation
from ddlab.written import percent


def one_image(run: RunFolder, seed: int, problem: Problem | None, outcomes: Outcomes | None) -> str:
    """Draw the image that shows best what deciding together is for; nothing where nobody has decided yet.

    Parameters
    ----------
    problem, outcomes
        Of the run; None where the data or the predictions are gone.
    """
    if problem is None or outcomes is None or not outcomes.decisions:
        return ""
    dataset = load(run.experiment.dataset)
    index = telling_image(outcomes, np.arange(len(outcomes.labels)))
    image, mask = dataset.validation.image(index)
    scene = Scene(image, dataset.description, problem.decomposition, mask)
    truth = outcomes.classes[outcomes.labels[index]]
    whose = f" of seed {seed}" * (len(run.experiment.seeds) > 1)
    parts = [
        paragraph(
            f"Validation image {index}{whose}, in truth “{truth}”.", "Its evidence is outlined." * (mask is not None)
        )
    ]
    if outcomes.any_local is None:
        parts.append(drawn_scene(scene, f"Image {index} and its subdomains"))
    else:
        explanation = explain(outcomes, index)
        limit = limit_of(run.experiment.dataset.name, explanation).replace("*", "")  # a page sets it in bold
        parts += [_heard(scene, explanation, index), paragraph(limit)]
    parts += [_decided(outcomes, index), _maps(run, seed, index, scene)]
    return "".join(parts)


def _heard(scene: Scene, explanation: Explanation, index: int) -> str:
    """Draw the image, its subimages and what the local networks say of them."""
    figures, local_NK = [drawn_scene(scene, f"Image {index} and its subdomains")], explanation.local_NK
    told = ["Above every subimage stands what its local network names, and how sure it is."]
    if len(local_NK) <= CROWDED:
        colors = [class_color(int(named)) for named in explanation.named]
        figures.append(drawn_subimages(scene, named_labels(explanation), colors, "The subimages in place"))
        title = "Probabilities of the local networks"
        figures.append(drawn_probabilities(local_NK, explanation.classes, explanation.truth, title))
        told.append("In the table the class that each names is framed; ▲ is the true one.")
        if len(explanation.classes) > CLASSES:
            told.append(f"Of {len(explanation.classes)} classes the {CLASSES} are drawn that count here.")
    else:
        told = [f"{len(local_NK)} local networks are too many to be drawn one by one."]
    return f'<div class="pair">{"".join(figures)}</div>{paragraph(*told)}'


def _decided(outcomes: Outcomes, index: int) -> str:
    truth = int(outcomes.labels[index])
    rows = []
    for name, decided in outcomes.decisions.items():
        score = percent(float(outcomes.scores[name][index][truth]), 0)
        right = "✓" if decided[index] == truth else "✗"
        rows.append((STRATEGIES[name].title, f"{right} {outcomes.classes[decided[index]]}", score))
    return "<h3>Decisions, and the score of the true class</h3>" + table(
        rows, ("strategy", "decides for", "true class")
    )


def _maps(run: RunFolder, seed: int, index: int, scene: Scene) -> str:
    """Draw the class activation maps of the true class, where a page has had them computed; else say where they are."""
    images = batch_of(index, load(run.experiment.dataset), sum(count_viewers(run, seed)))
    kept = known_result("maps", run.id, *arguments_of(seed, named(images)), stamp=stamp_of(run))
    if kept is None:
        return ""
    mapped, place = Mapped.read(Path(kept)), images.index(index)
    truth = int(load(run.experiment.dataset).validation.labels[index])
    of_class = {viewer: mapped.maps(viewer)[place][truth] for viewer in mapped.viewers}
    limit = shared_limit({viewer: [values] for viewer, values in of_class.items()})
    seen, flat = in_two_dimensions(scene, of_class)
    drawn = {mapped.viewers[viewer]: address_of(picture(seen.image, values, limit)) for viewer, values in flat.items()}
    return (
        "<h3>Where the networks look</h3>"
        + drawn_pictures(drawn, "Class activation maps of the true class")
        + paragraph("Class activation maps of the true class on one scale: blue speaks for it, red against it.")
    )
