"""The parts of a report that are numbers: data and baseline, accuracies, curves, and the limits of all that."""

import pandas as pd

from ddlab.analyses.comparison.accuracy import curves_of, has_unequal_classes
from ddlab.analyses.comparison.baseline import baseline_of
from ddlab.analyses.comparison.choosing import choosing_in_words
from ddlab.analyses.comparison.effort import EFFORTS, effort_curves
from ddlab.analyses.comparison.notice import of_strategies
from ddlab.analyses.comparison.readable import written_columns
from ddlab.analyses.comparison.stages import in_order
from ddlab.figures.colors import strategy_color
from ddlab.figures.comparison.accuracy import curve_name, judging
from ddlab.figures.drawn import Bar, Level, Line, drawn_bars, drawn_lines
from ddlab.html_file import paragraph, table
from ddlab.problem import Problem
from ddlab.runs import RunFolder, damaged_files
from ddlab.written import percent

WORK = "flops"  # of the efforts: what all ranks worked, whatever the machine


def data(run: RunFolder, problem: Problem | None, gone: str) -> str:
    """Tell where the images come from, and what who knows nothing would reach."""
    if problem is None:
        return paragraph(f"The data are not here any more: {gone}")
    about, baseline = problem.description, baseline_of(run)
    classes = ", ".join(about.classes)
    told = [("Source", about.source), ("Licence", about.licence), ("Classes", classes)]
    return table([row for row in told if row[1]]) + paragraph(baseline.sentence if baseline else "")


def accuracy(run: RunFolder, rows: pd.DataFrame) -> str:
    """Draw and tabulate the accuracy of every strategy with its interval, and say which images judged."""
    if rows.empty:
        return paragraph("No strategy has a result yet.")
    baseline = baseline_of(run)
    judged = judging(rows)
    bars = [
        Bar(title, value, percent(value), strategy_color(name), None if pd.isna(low) else (low, high))
        for title, name, value, low, high in zip(
            rows["title"], rows["strategy"], judged, rows["low"], rows["high"], strict=True
        )
        if pd.notna(value)
    ]
    level = None if baseline is None else Level(f"baseline: {percent(baseline.share)}", baseline.share)
    columns = written_columns(rows.to_dict("records"))
    drawn = drawn_bars(bars, "Accuracy of every strategy", 1.0, level) if bars else ""
    intervals = "Whiskers, and the column 95 %: the interval in percent." if rows["low"].notna().any() else ""
    return (
        paragraph(of_strategies(rows, baseline))
        + f'<div class="alone">{drawn}</div>{table(zip(*columns.values(), strict=True), list(columns))}'
        + paragraph(intervals, choosing_in_words([run], rows))
        + paragraph("Work: operations of training as a share of those that training the global network takes.")
    )


def curves(run: RunFolder) -> str:
    """Draw validation accuracy by epoch, and by the work that it took."""
    baseline = baseline_of(run, "validation")
    level = None if baseline is None else Level(f"baseline: {percent(baseline.share)}", baseline.share)
    learned, spent = curves_of([run]).dropna(subset=["validation_accuracy"]), _spent(run)
    figures = []
    if len(learned):
        lines = [
            _line(
                curve_name(stage),
                strategy_color(stage),
                learned[learned["stage"] == stage].groupby("epoch")["validation_accuracy"].mean(),
            )
            for stage in in_order(learned["stage"])
        ]
        figures.append(drawn_lines(lines, "Validation accuracy by epoch", ("epoch", "validation accuracy"), level))
    if len(spent):
        lines = []
        for (name, title), part in spent.groupby(["strategy", "title"], sort=False):
            mean = part.groupby("epoch")[[WORK, "validation_accuracy"]].mean().set_index(WORK)
            lines.append(_line(str(title), strategy_color(str(name)), mean["validation_accuracy"]))
        figures.append(drawn_lines(lines, "Accuracy against work", (EFFORTS[WORK], "validation accuracy"), level))
    if not figures:
        return ""
    means = "Means over the seeds, of local networks also over the subdomains. On the right every strategy is laid out "
    means += "as if it alone had been trained, its stages one after the other." if len(spent) else ""
    return f'<div class="pair">{"".join(figures)}</div>{paragraph(means)}'


def _spent(run: RunFolder) -> pd.DataFrame:
    try:
        return effort_curves(run).dropna(subset=["validation_accuracy"])
    except ValueError:  # the data are gone, and with them what a stage works
        return pd.DataFrame()


def _line(name: str, color: str, values: pd.Series) -> Line:
    return Line(name, color, [float(at) for at in values.index], values.astype(float).tolist())


def limits(run: RunFolder, rows: pd.DataFrame, gone: str) -> str:
    """Say what the numbers of a run do not tell, a sentence each."""
    state, num_seeds = run.state(), len(run.experiment.seeds)
    told = [] if state.state == "finished" else [f"The run is {state.state}: what is missing here was not trained yet."]
    told.append(
        "It was trained with one seed. The intervals are over images alone: another seed may change more than they "
        "say, and the order of strategies that are close, too."
        if num_seeds == 1
        else f"It was trained with {num_seeds} seeds: intervals are over seeds and images."
    )
    if gone:
        told.append(f"Intervals, costs or the image are missing: {gone}")
    elif has_unequal_classes(run.experiment.dataset):
        told.append("The classes differ in size, so that accuracy flatters whoever names the largest one.")
    told += run.summary()["stuck"]
    if run.halved:
        told.append(
            f"For want of memory it was trained with {run.halved} images a step, not as many as were asked for."
        )
    if state.restarts:
        told.append(f"It was started again {len(state.restarts)} times after losing a process; times include that.")
    told.append("Times are of the machine below with whatever else ran on it. Work is counted, and the same anywhere.")
    told += damaged_files(run)
    return "<ul>" + "".join(f"<li>{paragraph(one)}</li>" for one in told) + "</ul>"
