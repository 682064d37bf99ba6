"""Contributions of atoms and a baseline make up the score, exactly or to what random orders leave open."""

from __future__ import annotations

import numpy as np
import pytest

from hyperpcm.errors import ConfigError, InvalidSmilesError
from hyperpcm.trust import atom_contributions
from small_models import ACTIVE, GRAPHS, PLAIN, PUBLISHED, QUERY, SMALL, SMILES, made_model


def compiled(settings=SMALL, **options):
    return made_model(settings, **options).compile_target(QUERY, name="query", exact=True)


def total(found) -> float:
    return float(found.atoms.sum() + found.whole + found.baseline)


@pytest.mark.parametrize("settings", [PLAIN, PUBLISHED])
def test_contributions_to_a_network_over_fingerprints_are_exact(settings):
    target = compiled(settings)
    for smiles in SMILES:
        found = atom_contributions(target, smiles)
        assert found.is_exact
        assert found.score == pytest.approx(float(target.score([smiles]).values[0]), abs=1e-5)
        assert total(found) == pytest.approx(found.score, abs=1e-4)
        assert not found.errors.any()


@pytest.mark.parametrize("settings", [SMALL, GRAPHS])
def test_those_to_a_model_with_retrieved_labels_sum_to_its_score_too(settings):
    target = compiled(settings)
    for smiles in SMILES[:4]:
        found = atom_contributions(target, smiles, orders=3)
        assert not found.is_exact
        assert found.score == pytest.approx(float(target.score([smiles]).values[0]), abs=1e-5)
        assert total(found) == pytest.approx(found.score, abs=1e-6)
        assert (found.errors >= 0).all()


def test_more_orders_bring_the_same_contributions_nearer_to_one_another():
    target = compiled()
    one, other = (atom_contributions(target, SMILES[3], orders=40, seed=seed) for seed in (0, 1))
    spread = np.hypot(one.errors, other.errors)
    assert (np.abs(one.atoms - other.atoms) <= 5 * spread + 1e-9).all()
    assert atom_contributions(target, SMILES[3], orders=4).errors.mean() > one.errors.mean()


def test_the_same_seed_gives_the_same_numbers():
    target = compiled()
    one, other = (atom_contributions(target, SMILES[2], orders=2) for _ in range(2))
    np.testing.assert_array_equal(one.atoms, other.atoms)


def test_atoms_that_are_alike_contribute_alike():
    """The two carbons of ethane have the same substructures."""
    found = atom_contributions(compiled(PLAIN), "CC")
    assert found.atoms[0] == pytest.approx(found.atoms[1])


def test_probabilities_are_explained_on_the_scale_of_logits():
    target = compiled(SMALL, quantity=ACTIVE)
    found = atom_contributions(target, SMILES[2], orders=2)
    probability = float(target.score([SMILES[2]]).values[0])
    assert 1 / (1 + np.exp(-found.score)) == pytest.approx(probability, abs=1e-4)
    assert total(found) == pytest.approx(found.score, abs=1e-6)


def test_the_difference_of_two_targets_is_that_of_their_contributions():
    one, other = compiled(PLAIN), made_model(PLAIN).compile_target("MSHHWGYGKHNGPEHWHKDFPIAKGER")
    mine, theirs = (atom_contributions(target, SMILES[4]) for target in (one, other))
    found = mine.minus(theirs)
    np.testing.assert_allclose(found.atoms, mine.atoms - theirs.atoms)
    assert total(found) == pytest.approx(mine.score - theirs.score, abs=1e-4)
    with pytest.raises(ValueError, match="no difference"):
        mine.minus(atom_contributions(other, SMILES[0]))


def test_what_cannot_be_explained_is_refused():
    target = compiled()
    with pytest.raises(InvalidSmilesError):
        atom_contributions(target, "not a molecule")
    with pytest.raises(ConfigError, match="orders must be 1 or more"):
        atom_contributions(target, "CCO", orders=0)


@pytest.mark.parametrize("settings", [PLAIN, SMALL])
def test_those_to_a_calibrated_probability_sum_to_its_logit(settings):
    model = made_model(settings, quantity=ACTIVE)
    model.logit_map = (0.6, -1.2)
    target = model.compile_target(QUERY, exact=True)
    for smiles in SMILES[:3]:
        found = atom_contributions(target, smiles, orders=2)
        p = float(target.score([smiles]).values[0])
        assert found.score == pytest.approx(np.log(p / (1 - p)), abs=1e-4)
        assert total(found) == pytest.approx(found.score, abs=1e-4)
