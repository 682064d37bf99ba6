"""What a hit rests on is what its target alone says of it, each structure looked at once."""

from __future__ import annotations

import numpy as np
import pytest

from hyperpcm.screening import Hit, backing, backing_of_hits
from small_calibrations import calibrated_model
from small_models import PLAIN, QUERY, SEQUENCES, SMALL, made_model, many_smiles


def hits_of(smiles: list[str]) -> tuple[Hit, ...]:
    return tuple(Hit(-float(row), -row, one, f"m{row}") for row, one in enumerate(smiles))


def test_each_hit_has_the_nearest_landmark_of_its_own_target(monkeypatch: pytest.MonkeyPatch):
    few = SMALL | {"retrieval": {"max_landmarks": 3, "ridge": False}}
    targets = {
        "all": made_model(SMALL).compile_target(QUERY),
        "few": made_model(few).compile_target(SEQUENCES[2]),
        "none": made_model(PLAIN).compile_target(QUERY),
        "not asked": made_model(SMALL).compile_target(QUERY),
    }
    smiles = many_smiles(30)
    hits = {"few": hits_of(smiles[10:]), "all": hits_of(smiles[:20]), "none": hits_of(smiles[:3])}
    computed, counts = [], backing.morgan_counts

    def counted(structures, **options):
        computed.extend(structures)
        return counts(structures, **options)

    monkeypatch.setattr(backing, "morgan_counts", counted)
    told = backing_of_hits(hits | {"not asked": (), "gone": hits["none"]}, targets.get)
    found = {name: one.nearest for name, one in told.items()}
    assert all(one.intervals is None for one in told.values())
    for name, own in hits.items():
        assert found[name] == targets[name].nearest_landmarks([hit.smiles for hit in own])
    assert found["none"] == (None, None, None)
    assert found["gone"] == (None, None, None)
    assert found["not asked"] == ()
    assert {one.smiles for one in found["few"]} <= set(targets["few"].prior.compounds)
    assert sorted(computed) == sorted(smiles), "a structure that is a hit twice was looked at twice"


def test_hits_on_a_calibrated_target_have_its_intervals():
    target = calibrated_model().compile_target(QUERY)
    smiles = many_smiles(12)
    (found,) = backing_of_hits({"one": hits_of(smiles)}, {"one": target}.get, level=0.9).values()
    expected = target.score(smiles, level=0.9).intervals
    np.testing.assert_array_equal(found.intervals.lower, expected.lower)
    assert found.intervals.verdicts == expected.verdicts
    assert found.intervals.level == 0.9
