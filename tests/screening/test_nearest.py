"""The nearest landmark of each hit is what its target alone says, each structure looked at once."""

from __future__ import annotations

import pytest

from hyperpcm.screening import Hit, nearest, nearest_of_hits
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
    computed, counts = [], nearest.morgan_counts

    def counted(structures, **options):
        computed.extend(structures)
        return counts(structures, **options)

    monkeypatch.setattr(nearest, "morgan_counts", counted)
    found = nearest_of_hits(hits | {"not asked": (), "gone": hits["none"]}, targets.get)
    for name, own in hits.items():
        assert found[name] == targets[name].nearest_landmarks([hit.smiles for hit in own])
    assert found["none"] == (None, None, None)
    assert found["gone"] == (None, None, None)
    assert found["not asked"] == ()
    assert {one.smiles for one in found["few"]} <= set(targets["few"].prior.compounds)
    assert sorted(computed) == sorted(smiles), "a structure that is a hit twice was looked at twice"
