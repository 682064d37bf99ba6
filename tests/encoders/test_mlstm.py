"""The multiplicative LSTM, against a plain loop in double precision; no published weights are needed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from hyperpcm.encoders.mlstm import MultiplicativeLstm

TOKENS, EMBEDDED, UNITS = 7, 3, 5


def made_weights(seed: int = 0) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(seed)
    shapes = {
        "embedding": (TOKENS, EMBEDDED),
        "wmx": (EMBEDDED, UNITS),
        "wmh": (UNITS, UNITS),
        "wx": (EMBEDDED, 4 * UNITS),
        "wh": (UNITS, 4 * UNITS),
        "gmx": (UNITS,),
        "gmh": (UNITS,),
        "gx": (4 * UNITS,),
        "gh": (4 * UNITS,),
        "b": (4 * UNITS,),
    }
    return {name: generator.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}


def made_chains(lengths: list[int], seed: int = 1) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    return [generator.integers(0, TOKENS, length).astype(np.uint8) for length in lengths]


def one_by_one(
    weights: dict[str, np.ndarray], chain: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mean and last hidden state and last cell state: the equations of one unit after the other."""
    own = {name: array.astype(np.float64) for name, array in weights.items()}
    matrix = {
        name: np.stack(
            [
                own[f"g{name}"][column]
                * own[f"w{name}"][:, column]
                / np.linalg.norm(own[f"w{name}"][:, column])
                for column in range(own[f"w{name}"].shape[1])
            ],
            axis=1,
        )
        for name in ("mx", "mh", "x", "h")
    }
    hidden, cell, all_hidden = np.zeros(UNITS), np.zeros(UNITS), []
    for token in chain:
        x = own["embedding"][token]
        factor = (x @ matrix["mx"]) * (hidden @ matrix["mh"])
        z = x @ matrix["x"] + factor @ matrix["h"] + own["b"]
        enter, forget, leave = (1 / (1 + np.exp(-z[k * UNITS : (k + 1) * UNITS])) for k in range(3))
        cell = forget * cell + enter * np.tanh(z[3 * UNITS :])
        hidden = leave * np.tanh(cell)
        all_hidden.append(hidden)
    return np.mean(all_hidden, axis=0), hidden, cell


@pytest.mark.parametrize("side_by_side", [1, 2, 64])
def test_states_are_those_of_the_equations_however_many_chains_run_side_by_side(side_by_side):
    weights, chains = made_weights(), made_chains([4, 1, 30, 7, 7, 2, 12])
    states = MultiplicativeLstm.of_weights(weights).run(chains, side_by_side=side_by_side)
    for row, chain in enumerate(chains):
        mean, hidden, cell = one_by_one(weights, chain)
        np.testing.assert_allclose(states.mean[row], mean, atol=2e-6)
        np.testing.assert_allclose(states.hidden[row], hidden, atol=2e-6)
        np.testing.assert_allclose(states.cell[row], cell, atol=2e-5)


def test_the_lengths_of_the_directions_do_not_matter():
    weights = made_weights()
    scaled = {
        name: array * 8 if name in ("wmx", "wmh", "wx", "wh") else array for name, array in weights.items()
    }
    chains = made_chains([9])
    ours, theirs = (MultiplicativeLstm.of_weights(each).run(chains) for each in (weights, scaled))
    np.testing.assert_allclose(ours.mean, theirs.mean, atol=1e-6)


def test_a_chain_of_the_longest_protein_beside_short_ones_stays_finite():
    states = MultiplicativeLstm.of_weights(made_weights()).run(made_chains([40_001, 3, 1]))
    for found in (states.mean, states.hidden, states.cell):
        assert found.dtype == np.float32
        assert found.shape == (3, UNITS)
        assert np.isfinite(found).all()


def test_half_precision_is_near_and_not_the_same():
    weights, chains = made_weights(), made_chains([20, 5])
    exact = MultiplicativeLstm.of_weights(weights).run(chains)
    rough = MultiplicativeLstm.of_weights(weights, torch.bfloat16).run(chains)
    difference = np.abs(exact.mean - rough.mean).max()
    assert 0 < difference < 0.05


def test_no_chains_give_no_rows():
    assert MultiplicativeLstm.of_weights(made_weights()).run([]).mean.shape == (0, UNITS)


def test_running_needs_no_gradients_and_leaves_the_weights():
    network = MultiplicativeLstm.of_weights(made_weights())
    before = network.to_gates.clone()
    network.run(made_chains([5]))
    assert torch.equal(network.to_gates, before)
    assert torch.is_grad_enabled()
