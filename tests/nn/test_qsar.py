"""The generated networks: many at once equal each alone, and what is not generated costs nothing."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch.nn import functional

from hyperpcm.nn.hypernetwork import Hypernetwork, QsarShape
from hyperpcm.nn.qsar import GeneratedLayer, QsarNetwork, QsarRegularisation, qsar_hidden, qsar_scores


def random_layer(kind: str, fan_in: int, fan_out: int, targets: int = 3) -> GeneratedLayer:
    parts = {
        "shared": {"shared": torch.randn(fan_out, fan_in)},
        "delta": {"delta": torch.randn(targets, fan_out, fan_in)},
        "gates": {"shared": torch.randn(fan_out, fan_in), "gate": torch.randn(targets, fan_out)},
        "low_rank": {"left": torch.randn(targets, fan_out, 2), "right": torch.randn(targets, 2, fan_in)},
        "shared and low_rank": {
            "shared": torch.randn(fan_out, fan_in),
            "left": torch.randn(targets, fan_out, 2),
            "right": torch.randn(targets, 2, fan_in),
        },
        "everything": {
            "shared": torch.randn(fan_out, fan_in),
            "gate": torch.randn(targets, fan_out),
            "delta": torch.randn(targets, fan_out, fan_in),
            "left": torch.randn(targets, fan_out, 2),
            "right": torch.randn(targets, 2, fan_in),
        },
    }
    return GeneratedLayer(bias=torch.randn(targets, fan_out), **parts[kind])


KINDS = ["shared", "delta", "gates", "low_rank", "shared and low_rank", "everything"]


def weight_of(layer: GeneratedLayer, target: int) -> torch.Tensor:
    """W(t) = (1 + gate) ∘ W₀ + delta + left right, entry by entry."""
    fan_out = layer.bias.shape[1]
    fan_in = next(part.shape[-1] for part in (layer.shared, layer.delta, layer.right) if part is not None)
    weight = torch.zeros(fan_out, fan_in)
    for row in range(fan_out):
        for column in range(fan_in):
            entry = 0.0
            if layer.shared is not None:
                gate = 0.0 if layer.gate is None else float(layer.gate[target, row])
                entry += (1 + gate) * float(layer.shared[row, column])
            if layer.delta is not None:
                entry += float(layer.delta[target, row, column])
            if layer.left is not None and layer.right is not None:
                entry += sum(
                    float(layer.left[target, row, r]) * float(layer.right[target, r, column])
                    for r in range(layer.left.shape[2])
                )
            weight[row, column] = entry
    return weight


def random_network(
    *, noise_head: int = 4, hidden: tuple[int, ...] = (6, 5), activation: str = "relu", kind: str = "delta"
) -> QsarNetwork:
    widths = [5 + noise_head, *hidden, 1]
    layers = tuple(random_layer(kind, a, b) for a, b in itertools.pairwise(widths))
    head = random_layer(kind, 5, noise_head) if noise_head else None
    return QsarNetwork(layers=layers, noise_head=head, activation=activation)


@pytest.mark.parametrize("kind", KINDS)
def test_every_part_adds_to_the_weight_that_the_formula_gives(kind: str):
    torch.manual_seed(0)
    layer, inputs = random_layer(kind, 4, 3), torch.randn(3, 7, 4)
    outputs, dense = layer.apply(inputs), layer.dense()
    assert outputs.shape == (3, 7, 3)
    for target in range(3):
        weight = weight_of(layer, target)
        torch.testing.assert_close(dense[target], weight)
        torch.testing.assert_close(
            outputs[target], functional.linear(inputs[target], weight, layer.bias[target])
        )


@pytest.mark.parametrize("activation", ["relu", "selu"])
@pytest.mark.parametrize("noise_head", [0, 4])
@pytest.mark.parametrize("hidden", [(), (6,), (6, 5)])
def test_batched_scores_equal_one_network_at_a_time(
    activation: str, noise_head: int, hidden: tuple[int, ...]
):
    torch.manual_seed(1)
    network = random_network(noise_head=noise_head, hidden=hidden, activation=activation)
    compounds = torch.randn(3, 7, 5)
    scores = qsar_scores(network, compounds)
    activate = {"relu": functional.relu, "selu": functional.selu}[activation]
    for target in range(3):
        signal = compounds[target]
        if network.noise_head is not None:
            head = network.noise_head
            signal = torch.cat(
                [activate(functional.linear(signal, head.delta[target], head.bias[target])), signal], dim=1
            )
        for layer in network.layers[:-1]:
            signal = activate(functional.linear(signal, layer.delta[target], layer.bias[target]))
        last = network.layers[-1]
        alone = functional.linear(signal, last.delta[target], last.bias[target]).squeeze(1)
        torch.testing.assert_close(scores[target], alone)


@pytest.mark.parametrize("kind", KINDS)
def test_densified_networks_and_single_targets_score_the_same(kind: str):
    torch.manual_seed(2)
    network, compounds = random_network(kind=kind), torch.randn(3, 6, 5)
    scores = qsar_scores(network, compounds)
    dense = network.densified()
    assert all(layer.shared is None and layer.left is None and layer.gate is None for layer in dense.layers)
    torch.testing.assert_close(qsar_scores(dense, compounds), scores, rtol=1e-4, atol=1e-4)
    for target in range(3):
        own = qsar_scores(network.of_target(target), compounds[target : target + 1])
        assert own.shape == (1, 6)
        torch.testing.assert_close(own[0], scores[target], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("compounds", [1, 2, 64])
@pytest.mark.parametrize("targets", [1, 3])
def test_scores_keep_both_axes_even_for_one_compound(targets: int, compounds: int):
    network = random_network()
    if targets == 1:
        network = network.of_target(0)
    assert qsar_scores(network, torch.randn(targets, compounds, 5)).shape == (targets, compounds)
    assert qsar_hidden(network, torch.randn(targets, compounds, 5)).shape == (targets, compounds, 5)


def test_the_published_network_has_its_published_size():
    shape = QsarShape(inputs=512, hidden=(512,), noise_head=512)
    assert shape.parameters() == 787_969
    assert shape.layers()[0] == (512, 1024)  # what the first layer reads: 512 noised beside 512 clean
    small = Hypernetwork(3, QsarShape(inputs=8, hidden=(6, 4), noise_head=5), trunk=(4,))
    network = small(torch.randn(2, 3))
    layers = (network.noise_head, *network.layers)
    generated = sum(layer.delta[0].numel() + layer.bias[0].numel() for layer in layers)
    assert generated == small.shape.parameters() == 5 * 9 + 6 * 14 + 4 * 7 + 5


def test_scoring_without_regularisation_is_deterministic_and_draws_nothing():
    network, compounds = random_network(), torch.randn(3, 9, 5)
    before = torch.get_rng_state()
    first, second = qsar_scores(network, compounds), qsar_scores(network, compounds)
    assert torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), before)


def test_noise_reaches_the_noise_head_only_and_follows_its_generator():
    torch.manual_seed(3)
    network, compounds = random_network(), torch.randn(3, 9, 5)
    noisy = QsarRegularisation(noise=0.5)

    def hidden(seed: int, chosen: QsarNetwork) -> torch.Tensor:
        return qsar_hidden(chosen, compounds, noisy, torch.Generator().manual_seed(seed))

    assert torch.equal(hidden(1, network), hidden(1, network))
    assert not torch.equal(hidden(1, network), hidden(2, network))
    without = random_network(noise_head=0)
    assert torch.equal(hidden(1, without), qsar_hidden(without, compounds))
    draw = torch.randn(compounds.shape, generator=torch.Generator().manual_seed(1))
    only_head = QsarNetwork(layers=network.layers[:1], noise_head=network.noise_head)
    noised = functional.relu(only_head.noise_head.apply(compounds + 0.5 * draw))
    expected = only_head.layers[0].apply(torch.cat([noised, compounds], dim=-1))[..., 0]
    got = qsar_scores(
        QsarNetwork(
            layers=(
                GeneratedLayer(bias=network.layers[0].bias[:, :1], delta=network.layers[0].delta[:, :1]),
            ),
            noise_head=network.noise_head,
        ),
        compounds,
        noisy,
        torch.Generator().manual_seed(1),
    )
    torch.testing.assert_close(got, expected)


def test_dropout_drops_its_share_and_keeps_the_mean():
    torch.manual_seed(4)
    layer = GeneratedLayer(bias=torch.ones(1, 4000), delta=torch.zeros(1, 4000, 2))
    network = QsarNetwork(layers=(layer, random_layer("delta", 4000, 1, targets=1)))
    hidden = qsar_hidden(network, torch.zeros(1, 25, 2), QsarRegularisation(dropout=0.25))
    assert math.isclose(float((hidden == 0).float().mean()), 0.25, abs_tol=0.01)
    assert math.isclose(float(hidden.mean()), 1.0, abs_tol=0.02)
    assert sorted(set(hidden.flatten().tolist())) == [0.0, pytest.approx(1 / 0.75)]
