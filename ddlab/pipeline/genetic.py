"""The genetic algorithm that assigns modules to devices: our reading of GABRA.

A chromosome has a gene a module, its device. A generation's fastest chromosomes live on as they are; the others are
children. Each of two parents is the fastest of a few that are drawn (tournament selection); the child has the first
genes of one and the last genes of the other, cut at one random place (one-point crossover), and single genes drawn anew
(mutation). That one-point crossover keeps neighbours together suits modules whose neighbours exchange data. The first
generation is random alone, so that the result owes nothing to the other methods.

References
----------
Akintoye et al., "A Hybrid Parallelization Approach for Distributed and Scalable Deep Learning", 2022, abstract.
"""

import numpy as np
from numpy.typing import NDArray

from ddlab.pipeline.assignment_problem import AssignmentProblem, Found, Generation, GeneticSettings, step_times

Chromosomes = NDArray[np.int64]  # P × K, the device of every module


def genetic(problem: AssignmentProblem, settings: GeneticSettings) -> Found:
    """Assign modules by the genetic algorithm; equal settings give equal results.

    The result is the fastest chromosome of the last generation, which is the fastest of all, as the fastest lives on.
    """
    random = np.random.default_rng(settings.seed)
    population = random.integers(problem.num_devices, size=(settings.population, problem.num_modules))
    times = step_times(problem, population)
    history = [Generation(float(times.min()), float(times.mean()))]
    for _ in range(settings.generations):
        fastest = np.argsort(times, kind="stable")[: settings.elite]
        children = _children(population, times, problem.num_devices, settings, random)
        population = np.concatenate([population[fastest], children])
        times = step_times(problem, population)
        history.append(Generation(float(times.min()), float(times.mean())))
    return Found(tuple(map(int, population[times.argmin()])), tuple(history))


def _children(
    population: Chromosomes,
    times: NDArray[np.float64],
    num_devices: int,
    settings: GeneticSettings,
    random: np.random.Generator,
) -> Chromosomes:
    """Make as many chromosomes as the fastest leave room for, by selection, crossover and mutation."""
    count, modules = settings.population - settings.elite, population.shape[1]
    drawn = random.integers(settings.population, size=(2, count, settings.tournament))
    parents = np.take_along_axis(drawn, times[drawn].argmin(axis=-1)[..., None], axis=-1)[..., 0]
    first, second = population[parents]
    cuts = random.integers(1, max(2, modules), size=(count, 1))  # a gene of each parent at least, where there are two
    crossed = random.random((count, 1)) < settings.crossover
    children = np.where(crossed & (np.arange(modules) >= cuts), second, first)
    rate = 1 / modules if settings.mutation is None else settings.mutation
    mutated = random.random(children.shape) < rate
    return np.asarray(np.where(mutated, random.integers(num_devices, size=children.shape), children))
