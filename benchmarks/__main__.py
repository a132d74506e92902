"""All benchmarks, one after the other: ``python -m benchmarks``."""

from benchmarks import (
    answers,
    cam,
    composing,
    local_against_global,
    local_epochs,
    loop_overhead,
    partitions,
    recipes,
    transfer_start,
    trust_region,
    volume_viewer,
)

OURS = (
    loop_overhead,
    local_against_global,
    partitions,
    volume_viewer,
    recipes,
    transfer_start,
    composing,
    local_epochs,
    cam,
    trust_region,
    answers,
)
for benchmark in OURS:
    print(f"\n## {benchmark.__name__}: {(benchmark.__doc__ or '').splitlines()[0]}")
    benchmark.main()
