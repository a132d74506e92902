"""What is told of units that answer to no image, against networks that are looked at one by one."""

import pytest
import torch
from torch import nn

from ddlab.models.bank import Bank
from ddlab.models.spec import NetworkSpec
from ddlab.ranks import Ranks
from ddlab.registry.models import MODELS
from ddlab.training.health import Watch

SPEC = NetworkSpec((1, 12, 12), 3, width=0.5)
IMAGES = torch.randn(20, 3, 12, 12, generator=torch.Generator().manual_seed(0))


class TwoRanks(Ranks):
    """A rank that hears from another one what it would say itself, or what is given."""

    def gather(self, value):
        return [value, self.others[0] if self.others else value]

    others: list = []


def bank_of_three() -> Bank:
    """Of the second network the hidden layer is dead, of the third a channel of the first layer."""
    torch.manual_seed(0)
    bank = Bank(MODELS["cnn"].load()(SPEC), 3).eval()
    with torch.no_grad():
        for index, (name, units) in enumerate((("hidden.bias", 0), ("hidden.bias", ...), ("conv1_norm.bias", 2))):
            if index:
                state = bank.state_of(index)
                state[name][units] = -1e6
                bank.load_state_of(index, state)
    return bank


def seen(model: nn.Module, inputs: torch.Tensor, num_networks: int = 3) -> Watch:
    with torch.no_grad(), Watch(model, num_networks) as watch:
        for batch in inputs.split(8):
            watch.see(model(batch))
    return watch


def one_by_one(bank: Bank, index: int) -> dict[str, float]:
    """Share of dead units of every layer of one network, from its own activations of all images at once."""
    alone = Bank(bank.network, 1).eval()
    alone.load_state_of(0, bank.state_of(index))
    shares, features = {}, IMAGES[:, index : index + 1]
    with torch.no_grad():
        for name, layer in alone.networks.named_children():
            features = layer(features)
            if isinstance(layer, nn.ReLU):
                maxima = features.flatten(2).amax((0, 2)) if features.dim() > 2 else features.amax(0)
                shares[name.removesuffix("_relu")] = (maxima <= 0).double().mean().item()
    return shares


def test_it_is_what_every_network_shows_alone():
    bank = bank_of_three()
    for index, health in enumerate(seen(bank, IMAGES).health(Ranks(), Ranks())):
        shares = one_by_one(bank, index)
        assert health["worst_layer_dead"] == max(shares.values())
        assert shares[health["worst_layer"]] == max(shares.values())
        units = {"conv1": 8, "conv2": 16, "conv3": 32, "hidden": 32}
        dead = sum(shares[layer] * count for layer, count in units.items())
        assert health["dead_units"] == pytest.approx(dead / sum(units.values()))


def test_a_dead_hidden_layer_has_one_answer_for_all():
    healthy, dead, _ = seen(bank_of_three(), IMAGES).health(Ranks(), Ranks())
    assert (dead["worst_layer"], dead["worst_layer_dead"], dead["one_class"]) == ("hidden", 1.0, 1.0)
    assert healthy["worst_layer_dead"] < 1


def test_a_unit_is_alive_if_any_rank_has_an_image_for_it():
    bank = bank_of_three()
    whole = seen(bank, IMAGES).health(Ranks(), Ranks())
    first, second = seen(bank, IMAGES[:2]), seen(bank, IMAGES[2:])
    ranks = TwoRanks()
    ranks.others[:] = [second.answered]
    found = first.health(ranks, Ranks())
    ranks.others.clear()
    told = [{key: row[key] for key in row if key != "one_class"} for row in found]
    assert told == [{key: row[key] for key in row if key != "one_class"} for row in whole]


def test_a_rank_without_images_answers_too():
    watch = seen(bank_of_three(), IMAGES[:0])
    assert all(not flags.any() for flags in watch.answered.values())
    assert watch.named.shape == (3, 3)


def test_the_parts_of_a_model_count_together_and_its_dnn_once():
    torch.manual_seed(0)
    parts = nn.ModuleDict({"banks": nn.ModuleList([bank_of_three()]), "dnn": Bank(MODELS["mlp"].load()(SPEC), 1)})
    with torch.no_grad(), Watch(parts, 1) as watch:
        logits = parts["banks"][0](IMAGES)
        parts["dnn"](IMAGES[:, :1])
        watch.see(logits[:, :1])
    (alone,) = watch.health(Ranks(), Ranks())
    (together,) = watch.health(Ranks(), TwoRanks(rank=0, size=2))
    assert alone["worst_layer"] == "hidden"
    assert alone["worst_layer_dead"] == pytest.approx(
        sum(one_by_one(bank_of_three(), i)["hidden"] for i in range(3)) / 3
    )
    assert together["worst_layer_dead"] == alone["worst_layer_dead"]


def test_nothing_is_left_in_the_model():
    bank = bank_of_three()
    seen(bank, IMAGES)
    assert not any(module._forward_hooks for module in bank.modules())
