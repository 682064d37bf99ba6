"""Standardisation: the training side decides, and the buffers carry it."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.preprocessing import StandardScaler

from hyperpcm.nn.scaling import Standardiser


def test_it_equals_scikit_learn_and_has_an_inverse():
    values = np.random.default_rng(0).normal(3.0, 5.0, size=(40, 4)).astype(np.float32)
    scaler = Standardiser(4)
    scaler.fit(torch.from_numpy(values))
    expected = StandardScaler().fit_transform(values.astype(np.float64))
    scaled = scaler(torch.from_numpy(values))
    np.testing.assert_allclose(scaled.numpy(), expected, atol=1e-5)
    np.testing.assert_allclose(scaler.inverse(scaled).numpy(), values, rtol=1e-5, atol=1e-5)


def test_a_constant_column_is_centred_and_not_blown_up():
    values = torch.tensor([[2.0, 1.0], [2.0, 3.0]])
    scaler = Standardiser(2)
    scaler.fit(values)
    assert scaler(torch.tensor([[2.5, 1.0]])).tolist() == [[0.5, -1.0]]


def test_odd_inputs_are_clipped_and_no_others():
    scaler = Standardiser(1, clip=8.0)
    scaler.fit(torch.tensor([[-1.0], [1.0]]))
    assert scaler(torch.tensor([[7.5], [1e9], [-1e9]]))[:, 0].tolist() == [7.5, 8.0, -8.0]


def test_without_centring_the_mean_stays():
    scaler = Standardiser(1)
    scaler.fit(torch.tensor([[1.0], [3.0]]), centre=False)
    assert scaler(torch.tensor([[3.0]])).tolist() == [[3.0]]


def test_the_state_carries_mean_and_scale():
    scaler, other = Standardiser(2), Standardiser(2)
    scaler.fit(torch.tensor([[1.0, 5.0], [3.0, 9.0]]))
    other.load_state_dict(scaler.state_dict())
    assert torch.equal(other(torch.ones(1, 2)), scaler(torch.ones(1, 2)))
    assert not list(scaler.parameters())  # nothing that training could change
