"""What a score loses when an atom is masked, for encoders that say nothing of single atoms."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
import torch

from hyperpcm.encoders import compound_encoder
from hyperpcm.errors import ConfigError, InvalidSmilesError
from hyperpcm.nn.molecular_graphs import MolecularGraphs
from hyperpcm.nn.qsar import QsarNetwork
from hyperpcm.trust import atom_contributions, masked_atoms
from hyperpcm.trust.attribution import reads_fingerprint
from small_models import ACTIVE, PLAIN, QUERY, SMALL, SMILES, made_model

LEARNED_ALONE = {
    **PLAIN,
    "compound": {"learned": "dmpnn", "width": 12, "depth": 2, "beside": False},
}


def compiled(settings=LEARNED_ALONE, **options):
    return made_model(settings, **options).compile_target(QUERY, name="query", exact=True)


def test_a_loss_is_the_score_less_that_with_a_wildcard_for_the_atom():
    target = compiled()
    found = masked_atoms(target, "CCO")
    texts = ["CCO", "*CO", "C*O", "CC*"]
    learned = target.learned_compounds.vectors(MolecularGraphs.of_smiles(texts))
    scores = target.score_embedded(torch.zeros(4, target.encoder.width), learned=learned).numpy()
    np.testing.assert_allclose(found.losses, scores[0] - scores[1:], atol=1e-6)
    assert found.score == pytest.approx(float(target.score(["CCO"]).values[0]), abs=1e-6)
    assert np.abs(found.losses).min() > 0


def test_where_only_a_learned_encoder_is_read_contributions_say_nothing_and_masks_do():
    target = compiled()
    assert not atom_contributions(target, SMILES[3], orders=1).atoms.any()
    assert (np.abs(masked_atoms(target, SMILES[3]).losses) > 0).all()


def test_what_is_retrieved_is_retrieved_for_the_masked_compound():
    settings = SMALL | {"context": {"enabled": False}, "qsar": {"hidden": [4]}}  # the networks add nothing
    target = compiled(settings)
    found = masked_atoms(target, SMILES[1])
    assert (np.abs(found.losses) > 0).all()
    embedding = torch.from_numpy(target.encoder.encode([SMILES[1], "*1ccccc1"]))
    near = torch.from_numpy(target.prior.similarity([SMILES[1], "*1ccccc1"]))
    scores = target.score_embedded(embedding, near).numpy()
    np.testing.assert_allclose(found.losses, scores[0] - scores[1], atol=1e-5)


def test_atoms_that_are_alike_lose_alike():
    losses = masked_atoms(compiled(), "c1ccccc1").losses
    np.testing.assert_allclose(losses, losses[0], atol=1e-5)


def test_a_network_that_reads_nothing_loses_nothing():
    target = compiled()
    silent = dataclasses.replace(target, networks=(QsarNetwork.nothing(12),))
    assert not masked_atoms(silent, SMILES[4]).losses.any()


def test_probabilities_are_told_on_the_scale_of_logits():
    target = compiled(quantity=ACTIVE)
    found = masked_atoms(target, SMILES[2])
    probability = float(target.score([SMILES[2]]).values[0])
    assert 1 / (1 + np.exp(-found.score)) == pytest.approx(probability, abs=1e-4)


def test_the_difference_of_two_targets_is_that_of_their_losses():
    one, other = compiled(), compiled(seed=1)
    mine, theirs = (masked_atoms(target, SMILES[4]) for target in (one, other))
    np.testing.assert_allclose(mine.minus(theirs).losses, mine.losses - theirs.losses)
    with pytest.raises(ValueError, match="no difference"):
        mine.minus(masked_atoms(other, SMILES[0]))


def test_an_encoder_without_a_fingerprint_can_be_masked_and_not_attributed():
    target = compiled(PLAIN)
    assert reads_fingerprint(target)
    other = dataclasses.replace(
        target, encoder=compound_encoder("atom_pair", options={"atom_pair": {"width": 64}})
    )
    assert not reads_fingerprint(other)
    with pytest.raises(ConfigError, match="masked_atoms"):
        atom_contributions(other, SMILES[3])
    assert masked_atoms(other, SMILES[3]).losses.any()


def test_the_values_are_json():
    found = masked_atoms(compiled(), "CCO")
    told = json.loads(json.dumps(found.as_dict()))
    assert told == {"smiles": "CCO", "score": found.score, "losses": found.losses.tolist()}


def test_what_is_no_compound_is_refused():
    with pytest.raises(InvalidSmilesError):
        masked_atoms(compiled(), "not a molecule")
