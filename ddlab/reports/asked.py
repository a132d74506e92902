"""The part of a report that says what was asked, in words and to be repeated, and with which software."""

from html import escape

from ddlab.analyses.comparison.setup import training_rows
from ddlab.decomposition import times
from ddlab.experiment import Experiment
from ddlab.html_file import paragraph, table
from ddlab.problem import Problem
from ddlab.registry.datasets import DATASETS
from ddlab.registry.models import MODELS
from ddlab.registry.strategies import STRATEGIES
from ddlab.runs import RunFolder
from ddlab.words import UNITS, counts, extents
from ddlab.written import listed, si

FILE = "experiment.yaml"


def in_words(experiment: Experiment, problem: Problem | None) -> str:
    """Say what an experiment asks for: data, cut, networks, strategies and training.

    Parameters
    ----------
    problem
        Of the experiment; None where its data are gone.
    """
    entry = MODELS[experiment.model.name]
    rows = [("Images", DATASETS[experiment.dataset.name].title)]
    network = entry.title
    if problem is not None:
        about, boxes = problem.description, problem.decomposition
        rows[0] = ("Images", f"{rows[0][1]}: {counts(about)} of {extents(about.shape)}, {about.num_classes} classes")
        grid = f"{times(boxes.grid)} subdomains" if boxes.grid else f"{len(boxes)} boxes"
        sizes = listed(list(dict.fromkeys(times(box.shape) for box in boxes)))
        rows.append(("Cut", f"{grid} of {sizes} {UNITS[len(boxes.shape)]}"))
        local = sum(each.parameters() for each in problem.local_networks)
        network += f": {si(problem.global_network.parameters())} parameters; all local ones together {si(local)}"
    rows.append(("Networks", network))
    rows += [(setting, here) for setting, here, _ in training_rows(experiment) if setting != "Trainings"]
    rows.append(("Seeds", ", ".join(map(str, experiment.seeds))))
    ways = [(STRATEGIES[name].title, STRATEGIES[name].description) for name in experiment.strategies]
    return table(rows) + "<h3>Strategies</h3>" + table(ways)


def to_repeat(experiment: Experiment) -> str:
    """Write an experiment as YAML, with the command that trains it again."""
    return (
        f"<h3>To repeat it</h3><p>Keep these lines as <code>{FILE}</code> and run <code>ddlab train {FILE}</code>. "
        f"What they do not name is at its default.</p><pre>{escape(experiment.to_yaml())}</pre>"
    )


def software(run: RunFolder) -> str:
    """Tell the versions and the machine of a run's last launch; what this machine is called is left out."""
    told = run.environment()
    versions = told.get("versions") or {}
    packages = ", ".join(f"{name} {version}" for name, version in versions.items() if version)
    rows = [("Python", told.get("python")), ("Packages", packages), ("Commit", told.get("commit"))]
    rows += [("System", told.get("system")), ("Processor", told.get("processor")), ("Cores", told.get("cores"))]
    memory = told.get("memory")
    rows += [("Memory", f"{memory / 1e9:.0f} GB" if isinstance(memory, int | float) else None)]
    rows += [("GPUs", ", ".join(map(str, told.get("gpus") or ())))]
    known = [(name, value) for name, value in rows if value]
    return table(known) if known else paragraph("The run did not write it down.")
