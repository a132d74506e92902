"""Old gradients: equal to update rules unrolled by hand, with the delays and the memory that the methods promise."""

from functools import lru_cache, partial

import numpy as np
import pytest
import torch
from torch import nn

from ddlab.pipeline.delayed import DelayedTraining
from ddlab.pipeline.methods import METHODS, Kept, make_method

NUM_BATCHES, RATE, MOMENTUM, WIDTHS = 8, 0.1, 0.9, (3, 5, 4, 6, 2)


def delay_of(name, num_modules, k):
    """The table of the methods, written once more: module k's delay."""
    return {"backpropagation": 0, "ddg": num_modules - 1 - k}.get(name, 2 * (num_modules - 1 - k))


def forward_lag(name, k):
    return k if name in ("fdg", "dsp") else 0


def close(found, expected):
    found = found.detach().numpy() if isinstance(found, torch.Tensor) else found
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-12)


def network(num_modules, seed=0):
    torch.manual_seed(seed)
    widths = (*WIDTHS[:num_modules], WIDTHS[-1])
    pairs = zip(widths, widths[1:], strict=False)
    return [nn.Sequential(nn.Linear(*pair), nn.Tanh()).double() for pair in pairs]


def batches(count=NUM_BATCHES, width=WIDTHS[0]):
    generator = torch.Generator().manual_seed(1)
    draw = partial(torch.randn, generator=generator, dtype=torch.float64)
    return [(draw(4, width), draw(4, WIDTHS[-1])) for _ in range(count)]


def loss_of(output, targets):
    return ((output - targets) ** 2).sum() / len(output)


def sgd(rate=RATE, momentum=MOMENTUM):
    return partial(torch.optim.SGD, lr=rate, momentum=momentum)


def training(modules, name, rate=RATE, **settings):
    return DelayedTraining(modules, sgd(rate), loss_of, make_method(name, max(1, len(modules)), **settings))


def gradients(module):
    return [None if each.grad is None else each.grad.clone() for each in module.parameters()]


def weights(module):
    return [each.detach().clone() for each in module.parameters()]


def iterations(trained, data):
    """Steps for all batches, then those of the drain, one at a time."""
    for inputs, targets in data:
        yield trained.step(inputs, targets)
    while trained.under_way:
        yield trained.advance()


def exact_gradients(modules, inputs, targets):
    """Back-propagation through the whole network: a list of gradients a module."""
    found = torch.autograd.grad(
        loss_of(nn.Sequential(*modules)(inputs), targets), [p for each in modules for p in each.parameters()]
    )
    split = iter(found)
    return [[next(split) for _ in each.parameters()] for each in modules]


# ---- the oracle: numpy, no autograd, the history of all weights


class Unrolled:
    """Modules tanh(W x + b), updated by hand: v = mu v + g, w = w - eta v, with every w^t kept."""

    def __init__(self, name, modules, data, beta=1.0, staleness=None):
        self.name, self.data, self.beta, self.num_modules = name, data, beta, len(modules)
        self.delays = staleness or [delay_of(name, self.num_modules, k) for k in range(self.num_modules)]
        self.history = [[[each.numpy() for each in weights(module)]] for module in modules]
        self.speed = [[np.zeros_like(each) for each in history[0]] for history in self.history]
        self.output = lru_cache(None)(self.output)

    def output(self, k, batch):
        """Output of module k, or the data for k = -1, at the weights of the iteration of its forward pass."""
        if k < 0:
            return self.data[batch][0].numpy()
        weight, bias = self.history[k][batch + forward_lag(self.name, k)]
        return np.tanh(self.output(k - 1, batch) @ weight.T + bias)

    def back(self, k, batch):
        """Gradients of module k's weights, and the error that it hands on."""
        there = batch + forward_lag(self.name, k)
        weight, bias = self.history[k][there + (self.delays[k] if self.name == "dsp" else 0)]
        inputs = self.output(k - 1, batch)
        output = np.tanh(inputs @ weight.T + bias)
        if k == self.num_modules - 1:
            error = 2 * (output - self.data[batch][1].numpy()) / len(output)
        else:
            error = self.beta * self.back(k + 1, batch)[1]
        slope = error * (1 - output**2)
        return [slope.T @ inputs, slope.sum(axis=0)], slope @ weight

    def iterate(self, t):
        for k in range(self.num_modules):
            now = self.history[k][t]
            batch = t - forward_lag(self.name, k) - self.delays[k]
            if 0 <= batch < len(self.data):
                found, _ = self.back(k, batch)
                self.speed[k] = [MOMENTUM * v + g for v, g in zip(self.speed[k], found, strict=True)]
                now = [w - RATE * v for w, v in zip(now, self.speed[k], strict=True)]
            self.history[k].append(now)


SETTINGS = [
    *[(name, num_modules, {}) for name in METHODS for num_modules in (1, 2, 4)],
    ("fdg", 4, {"beta": 0.5}),
    ("dsp", 3, {"staleness": (4, 2, 0)}),
    ("dsp", 3, {"staleness": (7, 3, 0)}),
]


@pytest.mark.parametrize(("name", "num_modules", "settings"), SETTINGS)
def test_every_update_is_the_rule_unrolled_by_hand(name, num_modules, settings):
    modules, data = network(num_modules), batches()
    oracle = Unrolled(name, modules, data, **settings)
    for t, outcome in enumerate(iterations(training(modules, name, **settings), data)):
        oracle.iterate(t)
        for k, module in enumerate(modules):
            for found, expected in zip(weights(module), oracle.history[k][t + 1], strict=True):
                close(found, expected)
        if outcome:
            close(outcome.output, oracle.output(num_modules - 1, outcome.entered))
    assert all(np.abs(each[-1][0] - each[0][0]).max() > 0.01 for each in oracle.history)


@pytest.mark.parametrize("beta", [1.0, 0.5])
@pytest.mark.parametrize("num_modules", [1, 2, 4])
@pytest.mark.parametrize("name", METHODS)
def test_with_weights_that_stand_still_gradients_are_those_of_back_propagation_later(name, num_modules, beta):
    if beta < 1 and not METHODS[name].takes_beta:
        return
    modules, data = network(num_modules), batches()
    exact = [exact_gradients(modules, *batch) for batch in data]
    seen = [0] * num_modules
    for t, _ in enumerate(iterations(training(modules, name, rate=0.0, beta=beta), data)):
        for k, module in enumerate(modules):
            batch = t - forward_lag(name, k) - delay_of(name, num_modules, k)
            if not 0 <= batch < len(data):
                assert gradients(module) == [None, None]
                continue
            seen[k] += 1
            for found, expected in zip(gradients(module), exact[batch][k], strict=True):
                close(found, beta ** (num_modules - 1 - k) * expected.numpy())
    assert seen == [len(data)] * num_modules


@pytest.mark.parametrize("name", METHODS)
def test_one_module_is_plain_training_bit_for_bit(name):
    modules, plain, data = network(1), network(1)[0], batches()
    trained, optimizer = training(modules, name), sgd()(plain.parameters())
    for inputs, targets in data:
        outcome = trained.step(inputs, targets)
        optimizer.zero_grad()
        loss = loss_of(plain(inputs), targets)
        loss.backward()
        optimizer.step()
        assert torch.equal(outcome.loss, loss) and not trained.under_way
        assert all(map(torch.equal, weights(modules[0]), weights(plain)))


def test_back_propagation_in_modules_is_plain_training():
    modules, data = network(4), batches()
    plain = nn.Sequential(*network(4))
    trained = DelayedTraining(modules, torch.optim.Adam, loss_of, make_method("backpropagation", len(modules)))
    optimizer = torch.optim.Adam(plain.parameters())
    for inputs, targets in data:
        trained.step(inputs, targets)
        optimizer.zero_grad()
        loss_of(plain(inputs), targets).backward()
        optimizer.step()
    assert all(map(torch.equal, weights(nn.Sequential(*modules)), weights(plain)))


def test_ddg_is_the_gradient_at_the_whole_networks_old_weights():
    modules, data = network(3), batches()
    trained, expected = training(modules, "ddg"), []
    for t, (inputs, targets) in enumerate(data):
        expected.append(exact_gradients(modules, inputs, targets))
        trained.step(inputs, targets)
        for k, module in enumerate(modules):
            if t >= 2 - k:
                for found, exact in zip(gradients(module), expected[t - (2 - k)][k], strict=True):
                    close(found, exact)


def test_dsp_is_the_gradient_of_the_weights_of_now_on_the_stored_input():
    """The first of two modules: the error arrived an iteration ago, and no input of it is older than two."""
    modules, data = network(2), batches()
    trained = training(modules, "dsp")
    errors, outputs = {}, {}
    for t, (inputs, targets) in enumerate(data):
        first = modules[0](data[t - 2][0]) if t >= 2 else None
        exact = torch.autograd.grad(first, list(modules[0].parameters()), errors[t - 2]) if t >= 2 else None
        if t >= 1:
            leaf = outputs[t - 1].requires_grad_()
            errors[t - 1] = torch.autograd.grad(loss_of(modules[1](leaf), data[t - 1][1]), leaf)[0]
        outputs[t] = modules[0](inputs).detach()
        trained.step(inputs, targets)
        for found, expected in zip(gradients(modules[0]) if exact else (), exact or (), strict=True):
            close(found, expected)
    assert trained.modules[0].updates == len(data) - 2


# ---- what is kept


@pytest.mark.parametrize("num_modules", [1, 2, 4])
@pytest.mark.parametrize("name", METHODS)
def test_what_is_kept_is_what_the_table_says(name, num_modules):
    trained = training(network(num_modules), name)
    assert trained.kept == (Kept(),) * num_modules
    list(trained.data_pass(batches(2 * 6 + 1)))  # twice the longest delay, and one: all versions differ
    expected = {
        "backpropagation": [Kept(1, 0, 1) for k in range(num_modules)],
        "ddg": [Kept(num_modules - k, 0, num_modules - k) for k in range(num_modules)],
        "fdg": [Kept(*[2 * (num_modules - 1 - k) + 1 if n else 0 for n in (1, 0, 1)]) for k in range(num_modules)],
        "dsp": [Kept(1, 2 * (num_modules - 1 - k), 1) for k in range(num_modules)],
    }
    assert list(trained.kept) == expected[name] == list(trained.method.kept)


@pytest.mark.parametrize("count", [1, 2, 8])
@pytest.mark.parametrize("name", METHODS)
def test_a_data_pass_uses_every_batch_once_and_leaves_nothing(name, count):
    trained = training(network(3), name)
    for number in (1, 2):
        outcomes = list(trained.data_pass(batches(count)))
        assert len(outcomes) == count and not trained.under_way
        assert [each.updates for each in trained.modules.values()] == [number * count] * 3
        assert trained.iteration == number * (count + trained.method.drain)
        assert not any(each.waiting for each in trained.modules.values())
    assert list(trained.drain()) == []


@pytest.mark.parametrize("name", METHODS)
def test_two_data_passes_are_one_and_another_with_its_weights_and_optimizers(name):
    data = batches()
    whole, halves = training(network(3), name), training(network(3), name)
    for trained in (whole, halves):
        list(trained.data_pass(data))
    resumed = training([each.module for each in halves.modules.values()], name)
    for old, new in zip(halves.modules.values(), resumed.modules.values(), strict=True):
        new.optimizer.load_state_dict(old.optimizer.state_dict())
    for trained in (whole, resumed):
        list(trained.data_pass(data))
    for one, other in zip(whole.modules.values(), resumed.modules.values(), strict=True):
        assert all(map(torch.equal, weights(one.module), weights(other.module)))


# ---- batch normalisation, dropout, layers that work in place, modules without weights


def noisy_network():
    torch.manual_seed(0)
    begin = nn.Sequential(nn.Linear(3, 5), nn.BatchNorm1d(5), nn.Dropout(0.5))
    middle = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(5, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
    return [each.double() for each in (begin, middle, nn.ReLU(inplace=True), nn.Linear(4, 2))]


@pytest.mark.parametrize("name", METHODS)
def test_running_averages_move_once_a_batch_and_only_then(name):
    data, modules, plain = batches(), noisy_network(), nn.Sequential(*noisy_network())
    for each in (*modules, plain):
        for layer in each.modules():
            layer.p = 0.0  # of dropout
    list(training(modules, name, rate=0.0).data_pass(data))
    for inputs, _ in data:
        plain(inputs)
    found = dict(nn.Sequential(*modules).named_buffers())
    assert int(found["0.1.num_batches_tracked"]) == len(data)
    for key, expected in plain.named_buffers():
        close(found[key], expected.numpy())


def test_a_recomputation_draws_the_dropout_of_the_first_pass_and_disturbs_no_other():
    runs = []
    for name in ("fdg", "dsp"):
        modules = noisy_network()
        torch.manual_seed(5)
        trained, steps = training(modules, name, rate=0.0), []
        for _ in iterations(trained, batches()):
            steps.append([each for module in modules for each in gradients(module)])
        runs.append((steps, torch.rand(3)))
    (kept, one), (computed_again, other) = runs
    assert torch.equal(one, other)
    for ours, theirs in zip(kept, computed_again, strict=True):
        assert all(a is b is None or torch.equal(a, b) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("name", METHODS)
def test_data_are_not_changed_by_layers_in_place_and_modules_may_have_no_weights(name):
    torch.manual_seed(0)
    modules = [nn.ReLU(inplace=True), nn.Linear(3, 2).double(), nn.Tanh()]
    data = batches()
    before = [each.clone() for batch in data for each in batch]
    list(training(modules, name).data_pass(data))
    assert all(map(torch.equal, before, [each for batch in data for each in batch]))
    assert not torch.equal(modules[1].weight, nn.Linear(3, 2).double().weight)


@pytest.mark.parametrize("name", METHODS)
def test_frozen_weights_stay_and_let_the_error_through(name):
    modules = network(3)
    modules[1].requires_grad_(False)
    before = [weights(module) for module in modules]
    list(training(modules, name).data_pass(batches()))
    same = [all(map(torch.equal, old, weights(module))) for old, module in zip(before, modules, strict=True)]
    assert same == [False, True, False]


# ---- the entries and the sentences


def test_every_entry_says_what_it_is_and_what_it_trades():
    for name, entry in METHODS.items():
        assert callable(entry.load()) and entry.title and entry.reference and entry.description.endswith("."), name
        method = make_method(name, 4)
        assert list(method.delays) == [delay_of(name, 4, k) for k in range(4)]
        assert method.num_modules == 4 and method.factor(0) == 1
    assert make_method("fdg", 4, beta=0.5).factor(1) == 0.25


SHARED = nn.Linear(2, 2)


@pytest.mark.parametrize(
    ("made", "sentence"),
    [
        (lambda: training(network(2), "fdg", beta=0), "beta: must be above 0 and at most 1, got 0$"),
        (lambda: training(network(2), "fdg", beta=1.5), "beta: must be above 0 and at most 1, got 1.5"),
        (lambda: make_method("fdg", 2, beta=float("nan")), "beta: must be above 0 and at most 1, got nan"),
        (
            lambda: make_method("ddg", 2, beta=0.5),
            r"beta: must be 1 for DDG \(decoupled backward\), got 0.5; less is for: FDG \(fully decoupled\)",
        ),
        (lambda: training([], "ddg"), "modules: must be at least one module, got 0"),
        (lambda: training([SHARED, nn.Tanh(), SHARED], "ddg"), "modules: must share no parameters, .* both 0 and 2"),
        (lambda: make_method("ddg", 0), "num_modules: must be at least 1, got 0"),
        (lambda: make_method("dps", 2), "method: unknown 'dps'; did you mean 'dsp'. choices: backpropagation, ddg"),
        (lambda: make_method("dsp", 3, staleness=(2, 0)), "staleness: must have a value for each of the 3 .* got 2"),
        (lambda: make_method("dsp", 3, staleness=(3, 2, 0)), "staleness: must fall by at least 2 .* got 3, 2, 0"),
        (lambda: make_method("dsp", 1, staleness=(1,)), "staleness: must fall .* and end with 0, got 1"),
        (
            lambda: make_method("fdg", 2, staleness=(2, 0)),
            r"staleness: must not be set for FDG .*got 2, 0; it is for: DSP",
        ),
    ],
)
def test_what_cannot_be_is_a_sentence(made, sentence):
    with pytest.raises(ValueError, match=sentence):
        made()
