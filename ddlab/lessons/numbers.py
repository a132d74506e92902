"""Tables and arrays of a run, read once from its files, from which the facts of lessons are told."""

from collections.abc import Mapping
from functools import cached_property

import numpy as np
import pandas as pd

from ddlab.analyses.command_results import command_result
from ddlab.analyses.comparison.accuracy import strategy_table
from ddlab.analyses.comparison.communication import communication_table
from ddlab.analyses.composition.premises import Premise, premises
from ddlab.analyses.decisions.probabilities import Outcomes, read_outcomes
from ddlab.analyses.maps.asking import arguments_of, batch_of, count_viewers, named, stamp_of
from ddlab.analyses.maps.stored import Mapped
from ddlab.analyses.pipeline.traces import trace_table
from ddlab.data.cache import load
from ddlab.data.source import Dataset
from ddlab.problem import Problem, problem_of
from ddlab.runs import RunFolder
from ddlab.strategies.stage import LOCAL
from ddlab.strategies.trained import trained_dnns, trained_networks


class Numbers:
    """Tables and arrays of a run with its first seed.

    Parameters
    ----------
    run
        Its folder.
    """

    def __init__(self, run: RunFolder) -> None:
        self.run = run

    @property
    def seed(self) -> int:
        """The first seed."""
        return self.run.experiment.seeds[0]

    @cached_property
    def table(self) -> pd.DataFrame:
        """The strategies that have a result, by their names."""
        found = strategy_table([self.run])
        return found.set_index("strategy") if len(found) else found

    @cached_property
    def problem(self) -> Problem:
        """The run's data, networks and decomposition."""
        return problem_of(self.run)

    @cached_property
    def data(self) -> Dataset:
        """The run's images."""
        return load(self.run.experiment.dataset)

    @cached_property
    def outcomes(self) -> Outcomes:
        """Answers of every network and strategy to every validation image."""
        return read_outcomes(self.run, self.seed)

    @property
    def local(self) -> np.ndarray:
        """Probabilities of the local networks for every validation image, ``(V, N, K)``.

        Raises
        ------
        ValueError
            If the run has none.
        """
        said = self.outcomes.any_local
        if said is None:
            raise ValueError(f"run {self.run.id} has no local networks")
        return said

    @cached_property
    def payloads(self) -> Mapping[str, float]:
        """Bytes that ranks send each other in a training step, by strategy."""
        table = communication_table(self.problem)
        return dict(zip(table["strategy"], table["bytes"].astype(float), strict=True))

    @cached_property
    def premises(self) -> list[Premise]:
        """The premises of the theorems of composition."""
        return premises(self.problem)

    @cached_property
    def traces(self) -> pd.DataFrame:
        """The traced steps of the run's pipelines, by strategy."""
        found = trace_table(self.run)
        found = found[found["seed"] == self.seed] if len(found) else found
        return found.set_index("strategy") if len(found) else found

    @property
    def viewers(self) -> list[str]:
        """Names of those who look at whole images, as their maps have them; but of networks that nobody trained."""
        networks = trained_networks(self.run, self.seed)
        together = [LOCAL] if f"{LOCAL}-1" in networks else []
        return [*together, *(name for name in networks if "-" not in name), *trained_dnns(self.run, self.seed)]

    def mask(self, image: int) -> np.ndarray:
        """Return where the evidence of a validation image lies.

        Raises
        ------
        ValueError
            If there is no such image, or nobody knows.
        """
        if image >= len(self.data.validation):
            raise ValueError(f"run {self.run.id} has {len(self.data.validation)} validation images, and none {image}")
        mask = self.data.validation.image(image)[1]
        if mask is None or not mask.any():
            raise ValueError(f"nobody knows where the evidence lies in image {image} of run {self.run.id}")
        return mask

    def maps_of(self, image: int) -> tuple[Mapped, int]:
        """Return class activation maps that hold those of a validation image, and its place; the page has the same."""
        images = batch_of(image, self.data, sum(count_viewers(self.run, self.seed)))
        asked = arguments_of(self.seed, named(images))
        path = command_result("maps", self.run.id, *asked, stamp=stamp_of(self.run))
        return Mapped.read(path), images.index(image)
