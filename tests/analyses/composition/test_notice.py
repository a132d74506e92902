"""The sentence about a composed network, from numbers of a verification."""

from ddlab.analyses.composition.notice import of_verified


def about(sum, equal=1.0, promised=1.0):
    return {"statements": {"sum": sum, "scale": 10.0}, "layers": [{"equal": equal, "promised": promised}]}


def test_a_sum_to_rounding_is_called_equal():
    assert of_verified(about(1e-5), {}) == (
        "The composed network's logits are the sum of the local networks', but for rounding."
    )


def test_what_it_sees_across_the_cuts_is_told_with_what_training_gains():
    told = of_verified(about(2.5, equal=0.6, promised=0.5), {"composed_untrained": 0.45, "composed": 0.97})
    assert "up to 25\u00a0% of the largest" in told and "only 60\u00a0% of the positions" in told
    assert told.endswith("takes its accuracy from 45.0\u00a0% to 97.0\u00a0%.")
