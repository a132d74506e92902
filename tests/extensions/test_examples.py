"""The examples, for fewer epochs: what the paper promises of the composed network, and that further training helps."""

import pytest

from examples import autoencoder, recurrent, regression


@pytest.mark.parametrize(("example", "bounded"), [(autoencoder, True), (regression, True), (recurrent, False)])
def test_composed_networks_keep_their_promise_and_learn_on(example, bounded, capsys):
    errors = example.main(4 if example is recurrent else 2)
    untrained, further = errors["composed, untrained"], errors["composed, trained on"]
    before = [error for name, error in errors.items() if name.startswith("sub-network")]
    assert untrained < max(before), "together they know more than the worse of them"
    if bounded:  # eq. (2.23), and the sum of the reconstructions' errors
        assert untrained <= before[0]
    assert further < untrained
    table = capsys.readouterr().out
    assert all(f"{error:.4f}" in table for error in errors.values())
