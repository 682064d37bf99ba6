"""What generated networks read where an encoder of compounds is learned along."""

from __future__ import annotations

import pytest
import torch

from contracts import COMPOUNDS
from hyperpcm.nn.learned_compounds import LearnedCompounds
from hyperpcm.nn.molecular_graphs import MolecularGraphs, PlacedGraphs

GRAPHS = MolecularGraphs.of_smiles(COMPOUNDS)
PLACES = torch.tensor([[0, 2, 1], [3, 3, 0]])


def learned(dropout: float = 0.0, *, beside: bool = True) -> LearnedCompounds:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LearnedCompounds(12, 2, dropout, beside=beside).eval()


@pytest.mark.parametrize("beside", [True, False])
def test_vectors_stand_beside_the_embedding_or_alone(beside: bool):
    made = learned(beside=beside)
    embedded = torch.rand(2, 3, 5)
    vectors = made.vectors(GRAPHS)
    found = made(embedded, PlacedGraphs(GRAPHS, PLACES))
    assert found.shape[-1] == made.inputs(5) == (17 if beside else 12)
    expected = torch.cat([embedded, vectors[PLACES]], dim=-1) if beside else vectors[PLACES]
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(made(embedded, vectors[PLACES]), expected)


def test_a_vector_has_mean_0_and_variance_1_at_the_start():
    vectors = learned().vectors(GRAPHS)
    torch.testing.assert_close(vectors.mean(1), torch.zeros(len(COMPOUNDS)), atol=1e-5, rtol=0)
    torch.testing.assert_close(vectors.var(1, unbiased=False), torch.ones(len(COMPOUNDS)), atol=1e-2, rtol=0)


def test_vectors_of_some_are_those_of_all():
    made = learned()
    chosen = torch.tensor([2, 0])
    assert torch.equal(made.vectors(GRAPHS, chosen), made.vectors(GRAPHS)[chosen])
    assert made.vectors(GRAPHS, chosen[:0]).shape == (0, 12)
    assert not made.vectors(GRAPHS).requires_grad


def test_dropout_is_part_of_training_only():
    made, embedded, placed = learned(0.5), torch.zeros(2, 3, 5), PlacedGraphs(GRAPHS, PLACES)
    assert torch.equal(made(embedded, placed), made(embedded, placed))
    made.train()
    dropped = (made(embedded, placed)[..., 5:] == 0).float().mean()
    assert 0.2 < float(dropped) < 0.8
