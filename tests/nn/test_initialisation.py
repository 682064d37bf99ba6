"""Initialisation: variances as the formulas say, and signals that stay stable."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from hyperpcm.nn.hypernetwork import Hypernetwork, QsarShape
from hyperpcm.nn.initialisation import initialise_bias_head, initialise_weight_head

TRUNK = 64  # d_k


@pytest.mark.parametrize("trunk_variance", [1.0, 0.5])
@pytest.mark.parametrize(("fan_in", "fan_out"), [(80, 30), (30, 80)])
def test_hyperfan_variances_are_the_literal_ones(fan_in: int, fan_out: int, trunk_variance: float):
    """Chang et al. 2020, Table 1, with r = 2 for ReLU and c = 2 for a generated bias."""
    torch.manual_seed(0)
    r, c = 2.0, 2.0
    expected = {
        "hyperfan_in": (r / (c * fan_in * TRUNK * trunk_variance), r / (2 * TRUNK * trunk_variance)),
        "hyperfan_out": (
            r / (c * fan_out * TRUNK * trunk_variance),
            max(r * (1 - fan_in / fan_out) / (TRUNK * trunk_variance), 0.0),
        ),
    }
    for rule, (weights, biases) in expected.items():
        head, bias_head = nn.Linear(TRUNK, fan_out * fan_in), nn.Linear(TRUNK, fan_out)
        initialise_weight_head(head, fan_in, fan_out, rule, trunk_variance)
        initialise_bias_head(bias_head, fan_in, fan_out, rule, trunk_variance)
        assert head.weight.var().item() == pytest.approx(weights, rel=0.02)
        assert bias_head.weight.var().item() == pytest.approx(biases, rel=0.1, abs=1e-12)
        assert not head.bias.any()
        assert not bias_head.bias.any()


def test_published_scaling_is_exact():
    for initialise, size in ((initialise_weight_head, 8 * 5), (initialise_bias_head, 5)):
        torch.manual_seed(1)
        head = nn.Linear(TRUNK, size)
        weight, bias = head.weight.detach().clone(), head.bias.detach().clone()
        initialise(head, 8, 5, "published")
        torch.testing.assert_close(head.weight.detach(), weight / math.sqrt(2 * 8), rtol=1e-6, atol=0)
        torch.testing.assert_close(head.bias.detach(), bias / math.sqrt(2), rtol=1e-6, atol=0)


def test_default_leaves_the_head_alone():
    for initialise in (initialise_weight_head, initialise_bias_head):
        head = nn.Linear(TRUNK, 40)
        before = head.weight.detach().clone()
        initialise(head, 8, 5, "default")
        assert torch.equal(head.weight, before)


def test_initialisation_follows_the_seed():
    def weight(seed: int) -> Tensor:
        torch.manual_seed(seed)
        return Hypernetwork(4, QsarShape(6, (5,))).heads[0].delta.weight.detach()

    assert torch.equal(weight(1), weight(1))
    assert not torch.equal(weight(1), weight(2))


@pytest.mark.parametrize("parts", ["full", "low_rank"])
def test_hyperfan_in_keeps_the_signal_stable_through_a_generated_relu_layer(parts: str):
    torch.manual_seed(0)
    hypernetwork = Hypernetwork(200, QsarShape(100, (128, 128)), parts=parts, rank=8).eval()
    with torch.no_grad():
        network = hypernetwork(torch.randn(40, 200))
    inputs = torch.randn(40, 30, 100)
    signal = inputs
    for layer in network.layers[:-1]:
        before = float(signal.square().mean())
        outputs = layer.apply(signal)
        # Half of the variance from weights, half from the bias; both together that of the input.
        weights = float((outputs - layer.bias[:, None]).var())
        assert weights == pytest.approx(before, rel=0.25)
        assert float(layer.bias.var()) == pytest.approx(1.0, rel=0.25)
        signal = torch.relu(outputs)
        assert 0.5 < float(signal.square().mean()) / before < 2.0


def share_between_targets(weights: Tensor) -> float:
    """Which part of the variance of the generated weights [t, out, in] differs between targets."""
    return float(weights.var(0, correction=0).mean() / weights.var(correction=0))


def test_published_initialisation_starts_as_almost_one_network_for_all_targets():
    """Measured for this project: 3 to 5 %, against about two thirds for literal hyperfan-in."""
    shares = {}
    for rule in ("published", "hyperfan_in"):
        torch.manual_seed(0)
        # The published widths, but for the outputs: their number does not enter the variance.
        hypernetwork = Hypernetwork(400, QsarShape(512, (16,), noise_head=512), rule=rule).eval()
        targets = torch.randn(60, 400)
        shares[rule] = share_between_targets(hypernetwork(targets).layers[0].dense().detach())
    assert 0.005 < shares["published"] < 0.08
    assert 0.55 < shares["hyperfan_in"] < 0.8


def test_hyperfan_in_gives_weights_the_variance_of_a_fan_in_matrix():
    torch.manual_seed(0)
    hypernetwork = Hypernetwork(200, QsarShape(100, (128,)), rule="hyperfan_in").eval()
    weight = hypernetwork(torch.randn(60, 200)).layers[0].dense().detach()
    assert float(weight.var()) == pytest.approx(1 / 100, rel=0.2)  # r / (c · d_j)
