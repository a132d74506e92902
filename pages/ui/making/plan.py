"""An experiment before it starts: its faults, or the stages it comes to."""

import json
import math
import shlex
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from ddlab.analyses.comparison.cost import Promise, cost_table, plan_here, promise_here
from ddlab.analyses.decisions.visibility import subdomains_title
from ddlab.data.offered import refuse_elsewhere
from ddlab.engine.choosing import place_here
from ddlab.engine.launch import check_engine
from ddlab.experiment import Experiment, parse_experiment
from ddlab.figures.volumes import Scene
from ddlab.problem import Problem, pose
from ddlab.recipes import RECIPES
from ddlab.runs import list_runs
from ddlab.words import counts, duration
from pages.ui import picture, shell
from pages.ui.making import dataset
from pages.ui.making.source import nearest, overrides

SOON = 5e7  # values that are decoded in a second or two


@dataclass(frozen=True)
class Examined:
    """The experiment and problem of a form's tree, or its faults.

    Parameters
    ----------
    faults
        One a line, each naming its field; empty if the experiment can be trained here.
    """

    experiment: Experiment | None
    problem: Problem | None
    faults: str


def examine(tree: dict[str, Any]) -> Examined:
    """Check the fields, then whether they fit each other, the data, what is offered here, and this machine."""
    experiment: Experiment | None = None
    problem: Problem | None = None
    try:
        experiment = parse_experiment(tree)
        refuse_elsewhere(experiment.dataset)
        problem = pose(experiment)
        place_here(problem)
        check_engine(experiment.placement)
    except ValueError as error:
        return Examined(experiment, problem, str(error))
    return Examined(experiment, problem, "")


def command_line(experiment: Experiment, source: str) -> str:
    """The command that trains the same: a recipe, its source or the nearest one, with what was changed of it."""
    recipe = source if source in RECIPES else nearest(experiment)
    if recipe is None:  # the page offers the file
        return f"ddlab train {file_name(experiment)}"
    changes = [
        f"--set {shlex.quote(f'{path}={json.dumps(value)}')}" for path, value in overrides(experiment, recipe).items()
    ]
    return " ".join([f"ddlab train {recipe}", *changes])


def file_name(experiment: Experiment) -> str:
    """Return the file name of a downloaded experiment."""
    name = "".join(c if c.isalnum() else "-" for c in experiment.name.lower()).strip("-")
    return f"{name or 'experiment'}.yaml"


def about(problem: Problem) -> None:
    """Say what the experiment takes, before anything starts."""
    place = place_here(problem)
    promise, memory = promised(problem.experiment), cost_table(problem)["memory"].max()
    machines = problem.experiment.placement.machines
    workers = f"**{place.workers}** worker{'s' * (place.workers > 1)}"
    st.markdown(
        f"About **{duration(promise.seconds)}** with {workers}{f' on **{machines}** machines' * (machines > 1)}, "
        f"and **{memory / 1e6:.0f} MB** for the largest network while it learns."
    )


def stages(problem: Problem) -> None:
    """Show the stages with their operations and times, before anything starts."""
    table, promise = plan_here(problem), promised(problem.experiment)
    st.dataframe(
        pd.DataFrame(
            {
                "Stage": table["title"],
                "GFLOP": [f"{flops / 1e9:,.0f}" if flops else "–" for flops in table["flops"]],
                "About": [duration(seconds) for seconds in table["seconds"]],
            }
        ),
        hide_index=True,
    )
    num_seeds = len(problem.experiment.seeds)
    data = problem.description
    st.caption(
        f"{counts(data)} of {data.num_classes} classes, "
        f"{len(problem.decomposition)} subdomains; {num_seeds} seed{'s' * (num_seeds > 1)} included. "
        f"Strategies share their stages: the local networks are trained once. {promise.because}"
    )


def first_image(problem: Problem) -> None:
    """Draw the first validation image with its subdomains; no volumes, and no images that take long to be decoded."""
    about, settings = problem.description, problem.experiment.dataset
    values = (about.num_train + about.num_validation + about.num_test) * about.channels * math.prod(about.shape)
    if len(about.shape) > 2 or values > SOON:
        return
    try:
        data = dataset.read(settings)
    except ValueError as error:  # the files are gone, or damaged
        shell.refuse(error)
        return
    image, mask = data.validation.image(0)
    scene = Scene(image, about, problem.decomposition, mask)
    picture.show(scene, subdomains_title(data, 0, problem.decomposition), f"{settings.name}-subdomains")


def promised(experiment: Experiment) -> Promise:
    """The time that an experiment takes on this machine; looked up again when another run ends or begins."""
    newest = tuple((run.id, run.state().state) for run in list_runs()[:1])
    return _promised(experiment.model_dump_json(), newest)


@st.cache_data(max_entries=16, show_spinner=False)
def _promised(experiment: str, newest: tuple[tuple[str, str], ...]) -> Promise:
    return promise_here(pose(parse_experiment(json.loads(experiment))))


def take_away(experiment: Experiment, command: str) -> None:
    """Show the experiment as a command and as a file."""
    text = experiment.to_yaml()
    st.markdown("**The same from the command line**")
    st.code(command, language="bash", wrap_lines=True)
    with st.expander("The experiment as a file (YAML)"):
        st.code(text, language="yaml")
        st.download_button("Download", text, file_name(experiment), "application/yaml", on_click="ignore")
