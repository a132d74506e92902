"""All benchmarks, one after the other: ``python -m benchmarks``."""

from benchmarks import local_against_global, loop_overhead, recipes

for benchmark in (loop_overhead, local_against_global, recipes):
    print(f"\n## {benchmark.__name__}: {(benchmark.__doc__ or '').splitlines()[0]}")
    benchmark.main()
