"""The D-MPNN against its equations written out bond by bond, and against chemprop with the same weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from rdkit import Chem

from contracts import COMPOUNDS
from hyperpcm.nn.message_passing import ATOM_WIDTH, BOND_WIDTH, MessagePassing
from hyperpcm.nn.molecular_graphs import MolecularGraphs

SALTS = ["[Na+]", "[Na+].[Cl-]", "C"]  # atoms without a bond


def graphs_of(smiles: list[str]) -> MolecularGraphs:
    return MolecularGraphs.of_smiles(smiles)


def network(width: int = 12, depth: int = 3, seed: int = 0) -> MessagePassing:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = MessagePassing(width, depth)
    torch.nn.init.constant_(made.output.bias, 0.1)
    return made.eval()


def written_out(made: MessagePassing, smiles: str) -> np.ndarray:
    """Equations 1 to 6 in NumPy, one directed bond after the other."""
    graphs = graphs_of([smiles])
    atoms = np.concatenate(
        [one_hot(graphs.atoms.numpy(), (38, 7, 6, 4, 6, 8, 2)), 0.01 * graphs.masses.numpy()[:, None]], axis=1
    )
    bonds = one_hot(graphs.bonds.numpy(), (5, 2, 2, 7))
    weights = {name: value.detach().numpy().astype(np.float64) for name, value in made.named_parameters()}
    directed = [
        (v, w, bond)
        for bond, pair in enumerate(graphs.ends.tolist())
        for v, w in (tuple(pair), tuple(reversed(pair)))
    ]
    start = {
        (v, w): weights["input.weight"] @ np.concatenate([atoms[v], bonds[bond]]) for v, w, bond in directed
    }
    states = {pair: np.maximum(value, 0) for pair, value in start.items()}
    zero = np.zeros(made.width)
    for _ in range(1, made.depth):
        states = {
            (v, w): np.maximum(
                start[v, w]
                + weights["hidden.weight"]
                @ sum((states[k, u] for k, u in states if u == v and k != w), zero),
                0,
            )
            for v, w in states
        }
    finals = []
    for v, atom in enumerate(atoms):
        gathered = sum((states[k, u] for k, u in states if u == v), zero)
        finals.append(
            np.maximum(
                weights["output.weight"] @ np.concatenate([atom, gathered]) + weights["output.bias"], 0
            )
        )
    return np.mean(finals, axis=0)


def one_hot(classes: np.ndarray, numbers: tuple[int, ...]) -> np.ndarray:
    columns = [
        column[:, None] if number == 2 else np.eye(number)[column]
        for column, number in zip(classes.T, numbers, strict=True)
    ]
    return np.concatenate(columns, axis=1).astype(np.float64)


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_the_numbers_are_those_of_the_equations(depth: int):
    made, smiles = network(depth=depth), [*COMPOUNDS, *SALTS]
    with torch.no_grad():
        found = made(graphs_of(smiles)).numpy()
    expected = np.stack([written_out(made, text) for text in smiles])
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert len(np.unique(found.round(4), axis=0)) > len(COMPOUNDS) / 2


def test_the_numbers_are_those_of_chemprop_with_the_same_weights():
    pytest.importorskip("chemprop", reason="the extra chemprop is not installed")
    from chemprop.data import BatchMolGraph
    from chemprop.featurizers import SimpleMoleculeMolGraphFeaturizer
    from chemprop.nn import BondMessagePassing, MeanAggregation

    made = network(width=16)
    theirs = BondMessagePassing(d_h=16, depth=3).eval()
    # Its columns: a chiral tag more, and of bonds "no bond" first where ours has "another type" fifth.
    of_atoms = [column for column in range(72) if column != 38 + 7 + 6 + 3]
    of_bonds = [1, 2, 3, 4, 0, *range(5, 14)]
    with torch.no_grad():
        theirs.W_i.weight[:, of_atoms] = made.input.weight[:, :ATOM_WIDTH]
        theirs.W_i.weight[:, [72 + column for column in of_bonds]] = made.input.weight[:, ATOM_WIDTH:]
        theirs.W_h.weight.copy_(made.hidden.weight)
        theirs.W_o.weight[:, of_atoms] = made.output.weight[:, :ATOM_WIDTH]
        theirs.W_o.weight[:, 72:] = made.output.weight[:, ATOM_WIDTH:]
        theirs.W_o.bias.copy_(made.output.bias)
    # Chiral tags differ by design: ours do not depend on how the SMILES was written.
    smiles = [Chem.CanonSmiles(text.replace("@", "")) for text in [*COMPOUNDS, *SALTS, "C/C=C/C", "C#CBr"]]
    featurizer = SimpleMoleculeMolGraphFeaturizer()
    batch = BatchMolGraph([featurizer(Chem.MolFromSmiles(text)) for text in smiles])
    with torch.no_grad():
        expected = MeanAggregation()(theirs(batch), batch.batch)
        torch.testing.assert_close(made(graphs_of(smiles)), expected, atol=1e-5, rtol=1e-5)


def test_a_vector_does_not_depend_on_the_others_bit_for_bit():
    made = network(width=40)
    smiles = [*COMPOUNDS, *SALTS] * 30 + ["C" * length for length in range(1, 60)]
    with torch.no_grad():
        all_of_them = made(graphs_of(smiles))
        for place in (0, 5, len(smiles) - 1):
            assert torch.equal(made(graphs_of([smiles[place]])), all_of_them[place : place + 1])
        order = torch.randperm(len(smiles), generator=torch.Generator().manual_seed(0))
        assert torch.equal(made(graphs_of(smiles).take(order)), all_of_them[order])
        assert made(graphs_of([])).shape == (0, 40)


def test_two_spellings_give_one_vector_and_two_enantiomers_two():
    made, smiles = network(), "C[C@H](N)C(=O)Oc1ccc(Cl)cc1"
    with torch.no_grad():
        expected = made(graphs_of([smiles]))
        for seed in range(5):
            (other,) = Chem.MolToRandomSmilesVect(Chem.MolFromSmiles(smiles), 1, randomSeed=seed)
            torch.testing.assert_close(made(graphs_of([other])), expected)
        assert not torch.allclose(made(graphs_of([smiles.replace("@", "@@")])), expected)


def test_every_weight_learns():
    made = network().train()
    made(graphs_of(COMPOUNDS)).square().sum().backward()
    for name, parameter in made.named_parameters():
        assert parameter.grad is not None
        assert (parameter.grad != 0).any(), name


def test_training_computes_the_same_numbers():
    made, graphs = network(), graphs_of(COMPOUNDS)
    with torch.no_grad():
        torch.testing.assert_close(made.train()(graphs), made.eval()(graphs))


@pytest.mark.parametrize("sizes", [(0, 3), (4, 0), (10, 3)])
def test_a_size_that_does_not_fit_is_refused(sizes: tuple[int, int]):
    with pytest.raises(ValueError, match="multiple of 4 and depth at least 1"):
        MessagePassing(*sizes)


def test_widths_are_those_of_the_description():
    assert (ATOM_WIDTH, BOND_WIDTH) == (71, 14)
