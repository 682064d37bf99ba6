from __future__ import annotations

import torch

from hyperpcm.nn.deep_pcm import DeepPCMNetwork, NoiseHead


def test_scores_equal_the_layers_one_by_one():
    torch.manual_seed(0)
    network = DeepPCMNetwork(5, 4, hidden=(7, 6)).eval()
    compounds, targets = torch.randn(3, 5), torch.randn(3, 4)
    weights = network.state_dict()

    def affine(name, x):
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    joined = torch.cat(
        [
            affine("compound_head.linear", compounds).clamp_min(0),
            compounds,
            affine("target_head.linear", targets).clamp_min(0),
            targets,
        ],
        dim=1,
    )
    hidden = affine("hidden.1", affine("hidden.0", joined).clamp_min(0)).clamp_min(0)
    torch.testing.assert_close(network(compounds, targets), affine("output", hidden)[:, 0])


def test_the_published_widths_and_one_pair():
    network = DeepPCMNetwork(5, 4).eval()
    assert [(layer.in_features, layer.out_features) for layer in network.hidden] == [
        (512 + 5 + 512 + 4, 2048),
        (2048, 1024),
    ]
    assert network(torch.zeros(1, 5), torch.zeros(1, 4)).shape == (1,)


def test_noise_and_dropout_are_part_of_training_only_and_leave_the_clean_input_alone():
    torch.manual_seed(0)
    head = NoiseHead(200, width=1000)
    inputs = torch.randn(4, 200)
    noisy = head(inputs)
    torch.testing.assert_close(noisy[:, 1000:], inputs)
    torch.testing.assert_close(head.eval()(inputs), head(inputs))
    kept = noisy[:, :1000] != 0
    open_ = head(inputs)[:, :1000] > 0.05
    assert 0.75 < kept[open_].float().mean() < 0.85
    head.train().dropout = 0.0
    difference = (head(inputs) - head.eval()(inputs))[:, :1000][open_]
    wanted = 0.01 * head.linear.weight.norm(dim=1).mean()
    assert 0.8 < difference.std() / wanted < 1.2


def test_gradients_reach_every_parameter():
    torch.manual_seed(0)
    network = DeepPCMNetwork(5, 4, hidden=(7, 6))
    network(torch.randn(30, 5), torch.randn(30, 4)).square().sum().backward()
    assert all(
        parameter.grad is not None and parameter.grad.abs().sum() > 0 for parameter in network.parameters()
    )
