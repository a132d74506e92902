"""``scale``: what more ranks would buy, by the counted work and bytes of every strategy."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ddlab.cli.cost import takes
from ddlab.cli.output import Json, write_json, write_table
from ddlab.written import percent

if TYPE_CHECKING:
    from ddlab.analyses.scale.cluster import Cluster
    from ddlab.problem import Problem

commands = typer.Typer()


@dataclass(frozen=True)
class Asked:
    """The options of ``scale``."""

    what: Annotated[str, typer.Argument(metavar="EXPERIMENT|RUN|RECIPE", help="A YAML or JSON file, a run, a recipe.")]
    ranks: Annotated[int, typer.Option(help="The most ranks, 1 to 1024.", min=1, max=1024)] = 1024
    machine: Annotated[str, typer.Option(help="here, v100, a100 or a100_tf32; empty: here if measured.")] = ""
    link: Annotated[str, typer.Option(help="here, nvlink2, nvlink3, edr, hdr, ethernet10 or ethernet1.")] = ""
    latency: Annotated[float, typer.Option(help="Seconds of a message in the link's place; -1: the link's.")] = -1.0
    bandwidth: Annotated[float, typer.Option(help="Bytes a second in the link's place; 0: the link's.", min=0)] = 0.0
    start: Annotated[float, typer.Option(help="Seconds that an operation takes at least; -1: the machine's.")] = -1.0
    weak: Annotated[bool, typer.Option("--weak", help="Let the images a step grow with the ranks.")] = False
    spread: Annotated[float, typer.Option(help="Of the ranks' times, simulated: σ over the mean.", min=0, max=2)] = 0.0
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Change a setting: pipeline.modules=8.")
    ] = None
    json: Json = False


@commands.command(name="scale")
@takes(Asked)
def scale(asked: Asked) -> None:
    """Tell the time, bytes and memory of every strategy of an experiment on 1 to 1,024 ranks; nothing is trained.

    Times follow from counted operations and bytes, what the machine does at best, and a link's latency and bandwidth.
    """
    from ddlab.analyses.scale.simulated import spread_table
    from ddlab.analyses.scale.table import rank_numbers, scale_table
    from ddlab.analyses.scale.words import answer, assumed_in_words

    problem = _posed(asked)
    cluster = _cluster(asked, problem)
    table = scale_table(problem, cluster, rank_numbers(asked.ranks), weak=asked.weak)
    told = answer(problem, table, cluster, asked.ranks)
    slow = spread_table(problem, cluster, asked.ranks, asked.spread, weak=asked.weak) if asked.spread else None
    if asked.json:
        rows = table.astype(object).where(table.notna(), None).to_dict("records")
        tree: dict[str, Any] = {"cluster": assumed_in_words(cluster, asked.weak), "answer": told, "rows": rows}
        return write_json(tree | {"spread": [] if slow is None else slow.to_dict("records")})
    typer.echo(assumed_in_words(cluster, asked.weak) + "\n")
    _write(table[table["reason"] == ""].to_dict("records"))
    for sentence in told:
        typer.echo(sentence.replace("**", ""))
    for row in table[table["reason"] != ""].drop_duplicates("strategy").to_dict("records"):
        typer.echo(f"{row['title']}: {row['reason']}.")
    if slow is not None:
        _write_spread(slow.to_dict("records"), asked)
    return None


def _posed(asked: Asked) -> "Problem":
    """Pose the problem of a run, else of a recipe or a file."""
    from ddlab.cli.train import find_experiment, parse_setting
    from ddlab.problem import pose, problem_of
    from ddlab.recipes import RECIPES
    from ddlab.runs import open_run

    changes = dict(parse_setting(text) for text in asked.settings or ())
    if asked.what not in RECIPES:
        try:
            run = open_run(asked.what)
        except ValueError:
            pass
        else:
            problem = problem_of(run)
            return pose(problem.experiment.with_settings(changes)) if changes else problem
    return pose(find_experiment(asked.what).with_settings(changes))


def _cluster(asked: Asked, problem: "Problem") -> "Cluster":
    from ddlab.analyses.scale.machines import cluster_asked, links, machines
    from ddlab.registry import unknown

    for option, name, known in (("--machine", asked.machine, list(machines())), ("--link", asked.link, list(links()))):
        if name and name not in known:
            raise ValueError(unknown(option, name, known))
    given = {"latency": asked.latency, "bandwidth": asked.bandwidth or -1.0, "start": asked.start}
    return cluster_asked(problem, asked.machine, asked.link, {k: v for k, v in given.items() if v >= 0})


def _write(rows: list[dict[Any, Any]]) -> None:
    heads = (
        "strategy",
        "ranks",
        "seconds",
        "at least",
        "ms a step",
        "speed-up",
        "mb sent a rank",
        "memory mb",
        "bound",
    )
    shown = [
        (row["strategy"], row["ranks"], f"{row['seconds']:.4g}", f"{row['least_seconds']:.4g}")
        + (f"{1e3 * row['step_seconds']:.4g}", f"{row['speed_up']:.2f}", f"{row['sent'] / 1e6:.4g}")
        + (f"{row['memory'] / 1e6:.4g}", row["bound"])
        for row in rows
    ]
    write_table(heads, shown)
    typer.echo("")


def _write_spread(rows: list[dict[Any, Any]], asked: Asked) -> None:
    typer.echo(f"\nSimulated on {asked.ranks} ranks whose times spread by {asked.spread:g}, all training steps:")
    heads = ("strategy", "seconds", "drawn every step", "ranks that stay slow")
    costs = ("steps_cost", "ranks_cost")
    shown = []
    for row in rows:
        added = (f"{'+' * (row[cost] >= 0)}{percent(row[cost])}" for cost in costs)
        shown.append((row["strategy"], f"{row['simulated']:.4g}", *added))
    write_table(heads, shown)
