"""The networks of a run whose layers can be looked at, in families: one on the whole image, or one a subdomain."""

from dataclasses import dataclass

from ddlab.registry import unknown
from ddlab.runs import RunFolder
from ddlab.strategies.trained import TrainedNetwork, trained_networks


@dataclass(frozen=True)
class Family:
    """Networks that were trained alike.

    Parameters
    ----------
    name
        Such as ``global``, ``local`` or ``transfer``.
    title
        What people call them.
    members
        One network on the whole image, or one a subdomain, in their order.
    """

    name: str
    title: str
    members: tuple[TrainedNetwork, ...]

    @property
    def is_local(self) -> bool:
        """Whether its networks see a subimage each."""
        return self.members[0].name != self.name

    def of(self, subdomain: int) -> TrainedNetwork:
        """Return the network of a subdomain, counted from 0; that on the whole image for any of them."""
        return self.members[subdomain if self.is_local else 0]


def families(run: RunFolder, seed: int) -> dict[str, Family]:
    """Read the families of a run by name, of the stages that are done."""
    members: dict[str, list[TrainedNetwork]] = {}
    for trained in trained_networks(run, seed).values():
        members.setdefault(trained.name.partition("-")[0], []).append(trained)
    return {name: Family(name, _title(found), tuple(found)) for name, found in members.items()}


def network_of(run: RunFolder, seed: int, name: str) -> TrainedNetwork:
    """Return a network of a run by its name, such as ``global`` or ``local-3``.

    Raises
    ------
    ValueError
        If the run has no such seed, no weights, or no such network; names the choices.
    """
    run.check_seed(seed)
    if why := why_not(run):
        raise ValueError(f"run {run.id}: {why}")
    known = trained_networks(run, seed)
    if name not in known:
        raise ValueError(unknown("network", name, known))
    return known[name]


def why_not(run: RunFolder) -> str:
    """Say why there are no layers to look into; empty if there are some."""
    if any(run.stage(result["stage"], result["seed"]).has_weights for result in run.results()):
        return ""
    return "This run has no weights to look into: none are trained yet, or it was kept without them."


def _title(members: list[TrainedNetwork]) -> str:
    return members[0].title.replace("Local network 1", "Local networks")
