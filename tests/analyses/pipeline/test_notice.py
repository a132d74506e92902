"""The sentence about a pipeline's plan: waiting or uneven modules, by whichever costs more."""

from ddlab.analyses.pipeline.notice import of_plan
from ddlab.analyses.pipeline.plan import Machines, PipelinePlan
from ddlab.models.architecture import Linear, Network


def plan(*widths, ranks=2, **settings):
    layers = tuple((f"l{number}", Linear(*pair)) for number, pair in enumerate(zip(widths, widths[1:], strict=False)))
    return PipelinePlan(Network(layers, (widths[0],), classifier="l0"), Machines(ranks, 1e9), "gpipe", **settings)


def test_even_modules_wait_for_the_batch_to_fill_the_pipeline():
    told = of_plan(plan(8, 8, 8, num_micro_batches=3, batch_size=3))
    assert told.startswith("2 machines are 1.50 times as fast as one")  # 2 · 3 / (3 + 1)
    assert "idle for 25\u00a0% of the time" in told


def test_an_uneven_module_is_named():
    told = of_plan(plan(8, 8, 80, num_micro_batches=16, batch_size=16))
    assert "machine 1 has 82\u00a0% more to do" in told  # 640 of 704 products, in place of 352


def test_one_machine_has_nothing_to_notice():
    assert of_plan(plan(8, 8, ranks=1, num_micro_batches=1, batch_size=1)) == ""
