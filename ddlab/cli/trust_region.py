"""``trust-region``: what the methods without a learning rate did in a run, step by step."""

from typing import Annotated, Any

import typer

from ddlab.cli.output import Json, write_json, write_table
from ddlab.registry.strategies import STRATEGIES

commands = typer.Typer()

HEADS = ("epoch", "step", "loss", "ρ", "taken", "Δ", "predicted", "lost")
GLOBAL_HEADS = ("global ρ", "taken", "Δ", "trials", "lost", "Δ after")


@commands.command()
def trust_region(
    run: Annotated[str, typer.Argument(help="Its id, or 'latest'.")],
    strategy: Annotated[str, typer.Option(help="apts, sapts or trust_region; default: all that the run has.")] = "",
    seed: Annotated[int | None, typer.Option(help="Of this seed; default: the first.")] = None,
    json: Json = False,
) -> None:
    """List every step that a trust-region method took: its ratio, its radius, and whether it was taken.

    The additive step of APTS and SAPTS comes first, then the global iteration after it.
    """
    from ddlab.analyses.trust_region import history as analysis
    from ddlab.runs import open_run

    folder = open_run(run)
    told: list[dict[str, Any]] = []
    for name, own in analysis.pick(folder, strategy, seed):
        steps, epochs = analysis.step_table(folder, name, own), analysis.epoch_table(folder, name, own)
        summary = analysis.summarize(steps, epochs)
        tables = {"steps": analysis.as_rows(steps), "epochs": analysis.as_rows(epochs)}
        told.append({"strategy": name, "seed": own, "summary": summary, **tables})
    if json:
        return write_json(told)
    for place, history in enumerate(told):
        typer.echo("\n" * bool(place) + f"{STRATEGIES[history['strategy']].title}, seed {history['seed']}")
        _write(history["steps"])
        typer.echo("\n".join(analysis.in_words(history["summary"], history["strategy"])))
    return None


def _write(steps: Any) -> None:
    """Write the steps, a row each."""
    additive = any(step["global_accepted"] is not None for step in steps)
    heads = HEADS + GLOBAL_HEADS * additive
    write_table(heads, [_row(step)[: len(heads)] for step in steps])


def _row(step: dict[Any, Any]) -> tuple[Any, ...]:
    own = [_number(step[name]) for name in ("loss", "ratio", "radius", "predicted", "decrease")]
    after = [_number(step[name]) for name in ("global_ratio", "global_radius", "global_decrease", "end_radius")]
    first = (step["epoch"], step["step"], own[0], own[1], _taken(step["accepted"]), *own[2:])
    return (*first, after[0], _taken(step["global_accepted"]), after[1], _number(step["global_trials"]), *after[2:])


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.4g}"


def _taken(accepted: bool | None) -> str:
    return {True: "yes", False: "NO", None: "-"}[accepted]
