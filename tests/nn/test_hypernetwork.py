"""What generates the networks: every choice of parts, its shapes, its start and its gradients."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from hyperpcm.nn.hypernetwork import GeneratedParts, Hypernetwork, QsarShape
from hyperpcm.nn.qsar import QsarNetwork, qsar_scores

PARTS: tuple[GeneratedParts, ...] = ("full", "low_rank", "gates", "last_layer")
SHAPE = QsarShape(inputs=6, hidden=(8, 5), noise_head=3)


def made(parts: GeneratedParts, **options) -> Hypernetwork:
    torch.manual_seed(0)
    return Hypernetwork(4, options.pop("shape", SHAPE), trunk=(16,), parts=parts, rank=2, **options).eval()


def layers_of(network: QsarNetwork) -> tuple:
    return (network.noise_head, *network.layers)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("parts", PARTS)
def test_each_choice_of_parts_generates_networks_of_the_asked_shape(parts: GeneratedParts, shared: bool):
    network = made(parts, shared=shared)(torch.randn(3, 4))
    shapes = [(3, 3, 6), (3, 8, 9), (3, 5, 8), (3, 1, 5)]
    assert [tuple(layer.dense().shape) for layer in layers_of(network)] == shapes
    assert [tuple(layer.bias.shape) for layer in layers_of(network)] == [shape[:2] for shape in shapes]
    assert qsar_scores(network, torch.randn(3, 7, 6)).shape == (3, 7)


def test_only_the_chosen_parts_are_there():
    def present(parts: GeneratedParts, shared: bool) -> list[set[str]]:
        network = made(parts, shared=shared)(torch.randn(2, 4))
        names = ("shared", "gate", "delta", "left", "right")
        return [{name for name in names if getattr(layer, name) is not None} for layer in layers_of(network)]

    assert present("full", False) == [{"delta"}] * 4
    assert present("full", True) == [{"shared", "delta"}] * 4
    assert present("low_rank", False) == [{"left", "right"}] * 3 + [{"delta"}]
    assert present("low_rank", True) == [{"shared", "left", "right"}] * 3 + [{"shared", "delta"}]
    assert present("gates", False) == [{"shared", "gate"}] * 3 + [{"delta"}]
    assert present("last_layer", False) == [{"shared"}] * 3 + [{"delta"}]


@pytest.mark.parametrize("parts", PARTS)
def test_two_targets_get_different_networks(parts: GeneratedParts):
    network = made(parts)(torch.randn(2, 4))
    generated = layers_of(network)[-1:] if parts == "last_layer" else layers_of(network)
    for layer in generated:
        weight = layer.dense()
        assert not torch.allclose(weight[0], weight[1])
    for layer in layers_of(network)[: 4 - len(generated)]:
        weight = layer.dense()
        assert torch.equal(weight[0], weight[1])
    compounds = torch.randn(1, 5, 6).expand(2, 5, 6)
    scores = qsar_scores(network, compounds)
    assert not torch.allclose(scores[0], scores[1])


def test_last_layer_has_no_heads_for_hidden_layers():
    hypernetwork = made("last_layer")
    generating = [
        name for name, _ in hypernetwork.named_parameters() if ".delta." in name or ".bias." in name
    ]
    assert {name.split(".")[1] for name in generating} == {"3"}


@pytest.mark.parametrize("parts", PARTS)
def test_a_zero_output_scores_zero_and_still_learns(parts: GeneratedParts):
    hypernetwork = made(parts, shared=True, zero_output=True)
    targets, compounds, labels = torch.randn(3, 4), torch.randn(3, 7, 6), torch.randn(3, 7)
    optimiser = torch.optim.SGD(hypernetwork.parameters(), lr=0.1)

    def step() -> torch.Tensor:
        scores = qsar_scores(hypernetwork(targets), compounds)
        optimiser.zero_grad()
        functional.mse_loss(scores, labels).backward()
        return scores

    assert torch.equal(step(), torch.zeros(3, 7))
    last = hypernetwork.heads[-1]
    assert float(last.delta.weight.grad.abs().sum()) > 0
    assert float(last.shared_weight.grad.abs().sum()) > 0
    optimiser.step()
    assert float(step().detach().abs().sum()) > 0
    heads = hypernetwork.heads[-1:] if parts == "last_layer" else hypernetwork.heads
    for head in heads:
        generated = [part for part in (head.delta, head.gate, head.left, head.right) if part is not None]
        assert generated
        assert all(float(part.weight.grad.abs().sum()) > 0 for part in generated)
        assert float(head.scale.grad.abs()) > 0
    assert float(hypernetwork.trunk[0].weight.grad.abs().sum()) > 0


@pytest.mark.parametrize("parts", ["full", "low_rank"])
def test_shared_base_and_scaled_delta_add_up(parts: GeneratedParts):
    hypernetwork = made(parts, shared=True, delta_scale=0.1)
    targets = torch.randn(2, 4)
    small = hypernetwork(targets)
    with torch.no_grad():
        for head in hypernetwork.heads:
            assert float(head.scale) == pytest.approx(0.1)
            head.scale.mul_(3)
    large = hypernetwork(targets)
    for head, one, other in zip(hypernetwork.heads, layers_of(small), layers_of(large), strict=True):
        torch.testing.assert_close(3 * (one.dense() - head.shared_weight), other.dense() - head.shared_weight)
        torch.testing.assert_close(3 * (one.bias - head.shared_bias), other.bias - head.shared_bias)


def test_the_trunk_has_the_asked_layers_and_activation():
    torch.manual_seed(0)
    selu = Hypernetwork(400, SHAPE, trunk=(300, 200), activation="selu", dropout=0.05)
    kinds = [type(module).__name__ for module in selu.trunk]
    assert kinds == ["Linear", "SELU", "AlphaDropout"] * 2
    assert selu.trunk[0].weight.std().item() == pytest.approx(1 / 400**0.5, rel=0.02)  # LeCun
    relu = Hypernetwork(400, SHAPE, trunk=(300,), dropout=0.25)
    assert [type(module).__name__ for module in relu.trunk] == ["Linear", "ReLU", "Dropout"]
    assert relu.trunk[0].weight.var().item() == pytest.approx(2 / 400, rel=0.02)  # He


def test_dropout_is_in_the_trunk_in_training_only():
    hypernetwork, targets = made("full"), torch.randn(3, 4)
    assert torch.equal(hypernetwork(targets).layers[0].dense(), hypernetwork(targets).layers[0].dense())
    hypernetwork.train()
    assert not torch.equal(hypernetwork(targets).layers[0].dense(), hypernetwork(targets).layers[0].dense())


def test_a_linear_qsar_model_can_be_generated():
    network = made("full", shape=QsarShape(inputs=6, hidden=()))(torch.randn(2, 4))
    compounds = torch.randn(2, 3, 6)
    expected = torch.einsum("tcd,td->tc", compounds, network.layers[0].delta[:, 0]) + network.layers[0].bias
    torch.testing.assert_close(qsar_scores(network, compounds), expected)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("parts", PARTS)
def test_over_a_basis_coordinates_get_the_scores_of_the_compounds(parts: GeneratedParts, shared: bool):
    whole = made(parts, shared=shared, shape=QsarShape(inputs=6, hidden=(8, 5)))
    before = {name: value.clone() for name, value in whole.state_dict().items()}
    basis, _ = torch.linalg.qr(torch.randn(6, 3))
    coordinates, targets = torch.randn(2, 7, 3), torch.randn(2, 4)
    with torch.no_grad():
        few = qsar_scores(whole.over_basis(basis)(targets), coordinates)
        torch.testing.assert_close(few, qsar_scores(whole(targets), coordinates @ basis.T))
    assert whole.shape.inputs == 6
    assert all(torch.equal(value, before[name]) for name, value in whole.state_dict().items())


def test_networks_with_a_noise_head_are_not_written_over_a_basis():
    with pytest.raises(ValueError, match="noise head"):
        made("full").over_basis(torch.eye(6)[:, :2])
