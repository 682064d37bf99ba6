"""A panel gives each target's own scores, whatever stands beside it."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from hyperpcm.errors import ConfigError
from hyperpcm.screening import Panel
from hyperpcm.target_model import TargetModel
from small_models import (
    ACTIVE,
    GRAPHS,
    PKD,
    PLAIN,
    PUBLISHED,
    QUERY,
    SEQUENCES,
    SMALL,
    made_model,
    many_smiles,
)
from small_trees import with_trees

MIXED = ["CCO", "not a molecule", "", "c1ccccc1"]


def compiled(
    settings: dict,
    quantity=PKD,
    *,
    seed: int = 0,
    prefix: str = "",
    logit_map: tuple[float, float] = (1.0, 0.0),
) -> list[TargetModel]:
    """Targets of one model: its known ones, and one that it has never seen."""
    model = made_model(settings, quantity, seed)
    model.logit_map = logit_map
    if model.ridge is not None:
        with torch.no_grad():
            model.ridge.coefficients.normal_(generator=torch.Generator().manual_seed(seed))
        model.ridge_share.fill_(0.3)
        model.ridge_contrast = (0.4, 0.2)
    return [
        model.compile_target(sequence, name=f"{prefix}{number}")
        for number, sequence in enumerate([*SEQUENCES, QUERY])
    ]


@pytest.mark.parametrize(
    ("settings", "quantity"),
    [(SMALL, PKD), (PUBLISHED, PKD), (PLAIN, PKD), (SMALL, ACTIVE), (PLAIN, ACTIVE)],
    ids=["retrieval", "as published", "plain", "classes with retrieval", "classes"],
)
def test_each_row_is_what_the_target_says_alone(settings: dict, quantity):
    targets = compiled(settings, quantity)
    if targets[0].prior is not None:
        targets = [with_trees(target, seed) if seed % 2 else target for seed, target in enumerate(targets)]
    smiles = many_smiles(350) + ["C" * length for length in range(1, 200)]  # more than one block
    panel = Panel(targets)
    found = panel.score(smiles)
    assert (len(panel), found.targets, found.quantity) == (6, panel.names, quantity)
    expected = np.stack([target.score(smiles).values for target in targets])
    np.testing.assert_allclose(found.values, expected, atol=2e-5)
    assert np.ptp(expected, axis=0).max() > 0.005  # targets differ


@pytest.mark.parametrize("settings", [SMALL, PLAIN])
def test_calibrated_probabilities_are_those_of_each_target(settings: dict):
    one = compiled(settings, ACTIVE, logit_map=(0.5, -1.0), prefix="a")
    other = compiled(settings, ACTIVE, prefix="b")
    smiles = many_smiles(40)
    found = Panel([*one, *other]).score(smiles).values
    expected = np.stack([target.score(smiles).values for target in (*one, *other)])
    np.testing.assert_allclose(found, expected, atol=2e-5)
    calibrated, plain = expected[: len(one)].astype(float), expected[len(one) :].astype(float)
    line = 0.5 * np.log(plain / (1 - plain)) - 1.0
    np.testing.assert_allclose(calibrated, 1 / (1 + np.exp(-line)), atol=1e-5)


def test_targets_of_different_models_and_with_landmarks_of_their_own_stand_together():
    one, two = compiled(SMALL, prefix="a"), compiled(PLAIN, seed=1, prefix="b")
    prior = one[0].prior
    assert prior is not None
    kept = np.array([0, 2, 5])
    fewer = dataclasses.replace(
        prior,
        landmarks=prior.landmarks[kept],
        collapsed=dataclasses.replace(
            prior.collapsed,
            **{
                name: getattr(prior.collapsed, name)[..., torch.from_numpy(kept)]
                for name in ("evidence", "first", "second")
            },
        ),
        ridge=None
        if prior.ridge is None
        else dataclasses.replace(
            prior.ridge, coefficients=prior.ridge.coefficients[:, torch.from_numpy(kept)]
        ),
    )
    own = dataclasses.replace(one[0], name="fewer", prior=fewer)
    targets = [one[1], two[0], own, one[2], two[1]]
    smiles = many_smiles(40)
    expected = np.stack([target.score(smiles).values for target in targets])
    np.testing.assert_allclose(Panel(targets).score(smiles).values, expected, atol=2e-5)


def test_two_landmarks_of_one_fingerprint_count_twice():
    target = compiled(SMALL)[0]
    prior = target.prior
    assert prior is not None
    doubled = dataclasses.replace(
        prior, landmarks=np.concatenate([prior.landmarks[:1], prior.landmarks[:1], prior.landmarks[2:]])
    )
    own = dataclasses.replace(target, prior=doubled)
    smiles = many_smiles(20)
    np.testing.assert_allclose(Panel([own]).score(smiles).values[0], own.score(smiles).values, atol=2e-5)


def test_a_compound_that_cannot_be_used_has_no_score_anywhere_and_one_reason():
    targets = compiled(SMALL)
    found = Panel(targets).score(MIXED)
    assert np.isnan(found.values).all(0).tolist() == [False, True, True, False]
    assert np.isfinite(found.values[:, [0, 3]]).all()
    assert [one.row for one in found.rejections] == [1, 2]
    nothing = Panel(targets).score([])
    assert nothing.values.shape == (6, 0)
    assert Panel(targets).score(["", "?"]).values.shape == (6, 2)


def test_embeddings_and_fingerprints_are_made_once(monkeypatch: pytest.MonkeyPatch):
    from hyperpcm.chem import count_entries

    calls: list[object] = []

    class Counting(count_entries.CountCollector):
        def add(self, molecule):
            calls.append(molecule)
            super().add(molecule)

    panel = Panel(compiled(SMALL))
    monkeypatch.setattr(count_entries, "CountCollector", Counting)
    panel.score(many_smiles(30))
    assert len(calls) == 30


# Refusals


def test_targets_that_cannot_be_compared_are_refused():
    targets = compiled(SMALL)
    with pytest.raises(ConfigError, match="at least one"):
        Panel([])
    with pytest.raises(ConfigError, match="two targets of the panel are called '0'"):
        Panel([targets[0], targets[0]])
    assert len(Panel([targets[0], targets[0]], names=["a", "b"])) == 2
    with pytest.raises(ConfigError, match=r"target 'x' scores activity and '0' scores pKd"):
        Panel([targets[0], dataclasses.replace(targets[1], name="x", quantity=ACTIVE)])
    with pytest.raises(ConfigError, match="graphs of compounds"):
        Panel([compiled(GRAPHS)[0]])
    other = dataclasses.replace(targets[1], encoder=type(targets[1].encoder)(width=128))
    with pytest.raises(ConfigError, match="encoded twice"):
        Panel([targets[0], other])
