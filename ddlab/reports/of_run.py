"""The report of a run as one HTML file that needs nothing else, and its numbers as CSV; no network is asked for it."""

import time
from html import escape

from ddlab import access
from ddlab.analyses.comparison.accuracy import strategy_table
from ddlab.analyses.decisions.probabilities import Outcomes, read_outcomes
from ddlab.data.cache import load
from ddlab.html_file import document, paragraph, section
from ddlab.problem import Problem, problem_of
from ddlab.reports import asked, numbers, pictures
from ddlab.runs import RunFolder
from ddlab.runs.summary import mean_accuracies
from ddlab.words import sentence
from ddlab.written import as_csv


def report_html(run: RunFolder, seed: int) -> str:
    """Write what a run was asked and what it came to, with the limits of that, as HTML.

    Parameters
    ----------
    seed
        Of the image that is shown; accuracies and curves are means over all seeds.

    Raises
    ------
    ValueError
        If it is somebody else's, its folder is damaged, or it has no such seed.
    """
    _check(run)
    run.check_seed(seed)
    experiment, state = run.experiment, run.state()
    problem, outcomes, gone = _data(run, seed)
    table = strategy_table([run])  # after the data, which its intervals need
    day = time.strftime("%Y-%m-%d")
    told = sentence(state, run.progress(), mean_accuracies(run))
    return document(
        run.name,
        paragraph(told)
        + paragraph(run.note)
        + f"<p><small>Run {escape(run.id)} · written {day} by ddlab</small></p>"
        + section("What was asked", asked.in_words(experiment, problem), asked.to_repeat(experiment))
        + section("Data and baseline", numbers.data(run, problem, gone))
        + section("Accuracy", numbers.accuracy(run, table))
        + section("Learning, and what it took", numbers.curves(run))
        + section("One image", pictures.one_image(run, seed, problem, outcomes))
        + section("What this does not tell", numbers.limits(run, table, gone))
        + section("Software and machine", asked.software(run)),
    )


def report_csv(run: RunFolder, seed: int) -> str:
    """Write the accuracy, the cost and the time of every strategy as CSV, a row each; means over all seeds.

    Raises
    ------
    ValueError
        If it is somebody else's.
    """
    _check(run)
    table = strategy_table([run]).assign(owner=access.owner_name(run.path))
    return as_csv(table)


def _check(run: RunFolder) -> None:
    if not run.read_only:  # what comes with ddlab is everybody's
        access.check(run.path, "export")


def _data(run: RunFolder, seed: int) -> tuple[Problem | None, Outcomes | None, str]:
    """Return networks and decisions as far as the data and the predictions are there, and why they are not."""
    try:
        problem = problem_of(run)
        load(run.experiment.dataset)
    except ValueError as error:
        return None, None, str(error)
    try:
        return problem, read_outcomes(run, seed), ""
    except ValueError as error:
        return problem, None, str(error)
