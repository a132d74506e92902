"""Parts of pages that lessons show: the components of those pages, of a run, with what is chosen.

Each returns what else stands in the address of its page where it shows the same.
"""

import numpy as np
import streamlit as st

from ddlab.analyses.composition.premises import premises
from ddlab.analyses.decisions import probabilities as analysis
from ddlab.analyses.decisions.probabilities import Outcomes
from ddlab.analyses.decisions.telling import telling_image
from ddlab.analyses.decisions.visibility import subdomains_title
from ddlab.analyses.maps import asking
from ddlab.data.source import Dataset
from ddlab.decomposition import Decomposition
from ddlab.figures.volumes import Scene
from ddlab.runs import RunFolder
from pages.ui import picture, results, selection
from pages.ui.comparison import communication as sending
from pages.ui.comparison import costs as costing
from pages.ui.comparison import effort as reaching
from pages.ui.comparison import limit as roofline
from pages.ui.composition import blocks as energies
from pages.ui.composition import theory
from pages.ui.decisions import probabilities as deciding
from pages.ui.decisions import replay as playing
from pages.ui.decisions import seen as seeing
from pages.ui.making import handles
from pages.ui.maps import choices as mapping
from pages.ui.maps import pictures as map_pictures
from pages.ui.pipeline import choices as planning
from pages.ui.pipeline import methods, ran
from pages.ui.pipeline import schedule as scheduling
from pages.ui.sweeps import decompositions, many_runs
from pages.ui.sweeps import sensitivity as sensing
from pages.ui.trust_region import history as stepping
from pages.ui.trust_region import playground as walking

Address = dict[str, str] | None


def _seed(run: RunFolder) -> int:
    return run.experiment.seeds[0]


# ---- a run


def replay(run: RunFolder) -> Address:
    """Play the learning curves again."""
    playing.curves(run, _seed(run))
    return None


def witnesses(run: RunFolder) -> Address:
    """Draw who saw what in four images."""
    playing.maps(run, _seed(run))
    return None


# ---- an image


def _image(run: RunFolder) -> tuple[Outcomes, Dataset, Decomposition, int]:
    """Read what a run said of its images and how it cuts them, and let an image be chosen."""
    outcomes = results.outcomes(run, _seed(run))
    data, decomposition = results.images(run)
    every = np.arange(len(outcomes.labels))
    return outcomes, data, decomposition, selection.pick_image(every, telling_image(outcomes, every))


def subimages(run: RunFolder) -> Address:
    """Draw an image and its subimages."""
    _, data, decomposition, index = _image(run)
    image, mask = data.validation.image(index)
    subdomain = selection.pick_subdomain(len(decomposition))
    scene = Scene(image, data.description, decomposition, mask, chosen=subdomain)
    whole, parts = picture.containers(image)
    with whole:
        handles.show(scene, None, subdomains_title(data, index, decomposition), f"image-{index}")
    with parts:
        picture.show_subimages(scene, f"subimages-{index}")
    return None


def seen(run: RunFolder) -> Address:
    """Draw an image, and what every local network names."""
    outcomes, data, decomposition, index = _image(run)
    subdomain = selection.pick_subdomain(len(decomposition))
    seeing.show({index: analysis.explain(outcomes, index)}, data, decomposition, subdomain)
    return None


def local(run: RunFolder) -> Address:
    """Draw the local probabilities of an image."""
    outcomes, _, decomposition, index = _image(run)
    subdomain = selection.pick_subdomain(len(decomposition))
    deciding.show_local({index: analysis.explain(outcomes, index)}, subdomain)
    return None


def decisions(run: RunFolder) -> Address:
    """Draw how strategies decide about an image."""
    outcomes, _, _, index = _image(run)
    deciding.show_strategies({index: analysis.explain(outcomes, index)})
    return None


def sight(run: RunFolder) -> Address:
    """Draw how often every local network alone is right."""
    outcomes, data, decomposition, index = _image(run)
    truth = selection.pick("True class", [deciding.ANY, *outcomes.classes], "class")
    subdomain = selection.pick_subdomain(len(decomposition))
    image = data.validation.image(index)[0]
    deciding.show_subdomains(outcomes, decomposition, image, run.id, (truth, subdomain))
    return None


# ---- accuracy and cost


def accuracy(run: RunFolder) -> Address:
    """Draw the accuracy of every strategy."""
    runs = [run, *selection.pick_others(run)]
    table = results.strategies(runs)
    costing.show_accuracies(run.id, table, table.head(0), results.baseline(runs))
    return None


def costs(run: RunFolder) -> Address:
    """Draw the accuracy of every strategy against one of its costs."""
    runs = [run, *selection.pick_others(run)]
    costing.show_costs(run.id, results.strategies(runs), costing.pick_cost())
    return None


def effort(run: RunFolder) -> Address:
    """Draw how soon every strategy is good."""
    reaching.show(run)
    return None


def communication(run: RunFolder) -> Address:
    """Draw the bytes that ranks send."""
    sending.show(run)
    return None


def limit(run: RunFolder) -> Address:
    """Draw how much faster local networks can be at most."""
    roofline.of_run(run)
    return None


# ---- sweeps


def sweep(run: RunFolder) -> Address:
    """Draw the sweep of decompositions that a run is of."""
    name, runs = _sweep_of(run, tuned=False)
    if runs:
        decompositions.show(runs, name)
    return {"sweep": name}


def sensitivity(run: RunFolder) -> Address:
    """Draw the sweep of radii and rates that a run is of."""
    name, runs = _sweep_of(run, tuned=True)
    if runs:
        sensing.show_sweep(runs, name, sensing.pick_epoch())
    return {sensing.SHOWN: name}


def _sweep_of(run: RunFolder, *, tuned: bool) -> tuple[str, list[RunFolder]]:
    for name, runs in many_runs.known(tuned=tuned).items():
        if any(other.path == run.path for other in runs):
            return name, runs
    st.caption("This run is of no sweep.")
    return "", []


# ---- composition


def premises_of(run: RunFolder) -> Address:
    """List the premises of the theorems."""
    theory.show_premises(premises(results.posed(run)))
    return None


def theorem(run: RunFolder) -> Address:
    """Draw the composed network beside its local ones."""
    precision = selection.pick_one_of(theory.PRECISIONS, "Arithmetic", "precision")
    found = theory.verified(run, results.posed(run), _seed(run), precision)
    theory.verdict(found.about)
    theory.show_layers(found)
    return None


def blocks(run: RunFolder) -> Address:
    """Draw the energy between the blocks of a composed network."""
    precision = selection.pick_one_of(theory.PRECISIONS, "Arithmetic", "precision")
    energies.show(run, _seed(run), theory.verified(run, results.posed(run), _seed(run), precision))
    return None


# ---- maps


def maps(run: RunFolder) -> Address:
    """Draw the class activation maps of an image."""
    seed, problem = _seed(run), results.posed(run)
    data, decomposition = results.images(run)
    num_whole, num_local = asking.count_viewers(run, seed)
    chosen = mapping.pick(data, problem, num_whole + num_local, mapping.first_image(run, seed))
    if chosen is None:
        return None
    mapped = mapping.read(run, seed, chosen, asking.map_seconds(problem, num_whole, num_local))
    view = map_pictures.pick(mapped, chosen, len(decomposition))
    if view is not None:
        map_pictures.show(mapped, chosen, view, data, decomposition, None)
    return None


# ---- trust regions


def playground(run: RunFolder) -> Address:
    """Draw the playground."""
    walking.show()
    return None


def history(run: RunFolder) -> Address:
    """Draw every step of a method."""
    stepping.show_history(run)
    return None


def against(run: RunFolder) -> Address:
    """Draw the methods of a run against each other."""
    stepping.show_against([run])
    return None


# ---- pipelines


def schedule(run: RunFolder) -> Address:
    """Draw the plan of a pipeline, and who works when."""
    plan = planning.pick().plan
    planning.summary(plan)
    scheduling.show(plan)
    return None


def speed_up(run: RunFolder) -> Address:
    """Draw the speed-up against the number of micro-batches."""
    methods.show_speed_ups(planning.pick().plan)
    return None


def trace(run: RunFolder) -> Address:
    """Draw a step as it ran and as it is simulated."""
    ran.show_trace(run)
    return None


def staleness(run: RunFolder) -> Address:
    """Draw accuracies against the age of gradients."""
    ran.show_ages([run])
    return None
