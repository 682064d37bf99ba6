"""Substructures atom by atom add up to the fingerprint, and parts of a compound to those within the part."""

from __future__ import annotations

import numpy as np
import pytest

from hyperpcm.chem import morgan_counts
from hyperpcm.chem.atom_environments import atom_environments
from hyperpcm.errors import InvalidSmilesError
from small_models import SMILES


@pytest.mark.parametrize("smiles", SMILES)
@pytest.mark.parametrize(("radius", "width"), [(2, 2048), (3, 64), (0, 128)])
def test_all_atoms_together_give_the_fingerprint(smiles: str, radius: int, width: int):
    found = atom_environments(smiles, radius=radius, width=width)
    whole = found.counts(np.ones((1, found.atoms), dtype=bool))
    np.testing.assert_array_equal(whole, morgan_counts([smiles], radius=radius, width=width))


def test_a_part_has_the_substructures_that_lie_within_it():
    found = atom_environments("CCO")
    without_oxygen = np.array([[True, True, False]])
    inside = [not row[2] for row in found.members]
    expected = np.bincount(found.columns[inside], minlength=2048)
    np.testing.assert_array_equal(found.counts(without_oxygen)[0], expected)
    assert found.counts(np.zeros((1, 3), dtype=bool)).sum() == 0


def test_shares_sum_to_what_the_columns_had():
    found = atom_environments(SMILES[3])
    values = np.zeros(2048)
    values[np.unique(found.columns)] = np.random.default_rng(0).normal(size=len(np.unique(found.columns)))
    shares = found.shares(values)
    assert shares.shape == (found.atoms,)
    assert shares.sum() == pytest.approx(values.sum())


def test_unreadable_text_is_refused():
    with pytest.raises(InvalidSmilesError):
        atom_environments("C1CC")
