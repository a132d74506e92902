"""What more partitions save: Gu et al.'s Table 3.4, its ratios of training times beside ours by count of operations.

Run: ``python -m benchmarks.partitions``; a second, nothing is trained. The global network over all local networks
together, as on one device, or on four that share both alike: by count the ratio is the same.

References
----------
Gu, Zhang, Liu, Cai, ETNA 56, 2022: Section 3.1.2, Table 3.4.
"""

from ddlab.analyses.comparison.cost import work_ratio
from ddlab.data.source import Description
from ddlab.models.counting import Counting
from ddlab.problem import assemble
from ddlab.recipes import RECIPES

FOOD101 = Description(tuple(map(str, range(101))), 3, (224, 224), 75_750, 25_250, "Food-101", "")
PAPER = {  # operations of a forward pass in units of 10⁹; seconds of 10 epochs on four GPUs and on one
    "resnet50": {1: (7.79, 2227, 2723), 4: (0.23, 427, 1347), 8: (0.028, 420, 987), 16: (0.0056, 521, 1277)},
    "resnet101": {1: (15.26, 2507, 2920), 4: (0.42, 623, 1650), 8: (0.050, 607, 1533), 16: (0.0096, 736, 2210)},
}


def row(model: str, count: int) -> str:
    """One network in so many partitions: ratios of the work, ours and theirs, and of the paper's times."""
    (whole, four, one), (part, four_local, one_local) = PAPER[model][1], PAPER[model][count]
    problem = assemble(RECIPES[f"gu_food101_{model}_{count}"](), FOOD101)
    ours = work_ratio(problem, workers=1, counting=Counting(by_flops="profiler_plain")).total
    cells = f"{ours:.1f} | {whole / (count * part):.1f} | {four / four_local:.1f} | {one / one_local:.1f}"
    return f"| {model.replace('resnet', 'ResNet')} | {count} | {cells} |"


def main() -> None:
    """Print the table."""
    print("| network | partitions | operations, ours | operations, the paper | time, 4 GPUs | time, 1 GPU |")
    print("|---|---|---|---|---|---|")
    for model, columns in PAPER.items():
        for count in list(columns)[1:]:
            print(row(model, count))


if __name__ == "__main__":
    main()
