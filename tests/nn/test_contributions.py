"""Contributions of inputs sum to the score minus the baseline, and are products in a linear network."""

from __future__ import annotations

import pytest
import torch

from hyperpcm.nn.contributions import qsar_contributions
from hyperpcm.nn.qsar import GeneratedLayer, QsarNetwork, qsar_scores

WIDTH = 12


def layer(generator: torch.Generator, out: int, width: int) -> GeneratedLayer:
    return GeneratedLayer(
        bias=torch.randn(1, out, generator=generator),
        delta=torch.randn(1, out, width, generator=generator) / width**0.5,
    )


def made(activation: str, *, head: bool, hidden: tuple[int, ...] = (16, 8), seed: int = 0) -> QsarNetwork:
    generator = torch.Generator().manual_seed(seed)
    noise_head = layer(generator, 10, WIDTH) if head else None
    width, layers = WIDTH + (10 if head else 0), []
    for out in (*hidden, 1):
        layers.append(layer(generator, out, width))
        width = out
    return QsarNetwork(layers=tuple(layers), noise_head=noise_head, activation=activation)


@pytest.mark.parametrize("activation", ["relu", "selu"])
@pytest.mark.parametrize("head", [False, True])
@pytest.mark.parametrize("hidden", [(), (16,), (16, 8)])
def test_they_sum_to_the_score_minus_that_of_the_baseline(activation: str, head: bool, hidden):
    network = made(activation, head=head, hidden=hidden)
    inputs = torch.randn(40, WIDTH, generator=torch.Generator().manual_seed(1))
    baseline = torch.zeros(WIDTH)
    found = qsar_contributions(network, inputs, baseline)
    expected = qsar_scores(network, inputs[None])[0] - qsar_scores(network, baseline[None, None])[0]
    torch.testing.assert_close(found.sum(1), expected, rtol=1e-5, atol=1e-5)


def test_in_a_linear_network_each_is_a_weight_times_a_difference():
    network = made("relu", head=False, hidden=())
    inputs, baseline = torch.randn(5, WIDTH), torch.randn(WIDTH)
    weight = network.layers[0].dense()[0, 0]
    torch.testing.assert_close(qsar_contributions(network, inputs, baseline), weight * (inputs - baseline))


def test_inputs_that_equal_the_baseline_contribute_nothing():
    network = made("relu", head=True)
    inputs, baseline = torch.randn(7, WIDTH), torch.randn(WIDTH)
    inputs[:, :4] = baseline[:4]
    found = qsar_contributions(network, inputs, baseline)
    torch.testing.assert_close(found[:, :4], torch.zeros(7, 4))
    same = qsar_contributions(network, baseline[None], baseline)
    torch.testing.assert_close(same, torch.zeros(1, WIDTH))


def test_a_unit_of_one_input_carries_its_whole_difference():
    """One ReLU of one input: from −1 to 3 its output grows by 3, whatever the slope at either end."""
    one = GeneratedLayer(bias=torch.zeros(1, 1), delta=torch.ones(1, 1, 1))
    network = QsarNetwork(layers=(one, one))
    found = qsar_contributions(network, torch.tensor([[3.0]]), torch.tensor([-1.0]))
    torch.testing.assert_close(found, torch.tensor([[3.0]]))
