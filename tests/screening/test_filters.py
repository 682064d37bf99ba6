"""Filters of structures, and subsets that differ most."""

from __future__ import annotations

import numpy as np
import pytest

from hyperpcm.chem import morgan_counts, tanimoto
from hyperpcm.chem.rules import lipinski_violations, pains_alerts
from hyperpcm.errors import ConfigError, InvalidSmilesError
from hyperpcm.screening import StructureFilter, diverse
from small_models import many_smiles

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
CYCLOSPORIN_LIKE = "CC(C)CC(NC(=O)CNC(=O)C(CC(C)C)NC(=O)CNC(=O)C(CC(C)C)NC(=O)CNC(=O)C(N)CC(C)C)C(=O)NCC(=O)O"
QUINONE = "O=C1C=CC(=O)C=C1"


def test_lipinski_counts_the_limits_that_are_exceeded():
    assert lipinski_violations(ASPIRIN) == 0
    assert lipinski_violations("C" * 30) == 1  # log P alone
    assert lipinski_violations(CYCLOSPORIN_LIKE) == 3
    assert StructureFilter(["lipinski"]).accepts("C" * 30)
    assert not StructureFilter(["lipinski"]).accepts(CYCLOSPORIN_LIKE)


def test_pains_are_named():
    assert pains_alerts(ASPIRIN) == []
    assert pains_alerts(QUINONE) == ["quinone_A(370)"]
    assert not StructureFilter(["pains"]).accepts(QUINONE)
    assert StructureFilter(["lipinski"]).accepts(QUINONE)
    for rule in (lipinski_violations, pains_alerts):
        with pytest.raises(InvalidSmilesError, match="not a molecule"):
            rule("C1CC")


def test_hits_are_unlike_known_actives():
    only = StructureFilter(actives=[ASPIRIN, "CCO"], most_similar=0.4)
    close = "CC(=O)Oc1ccccc1C(=O)OC"
    assert tanimoto(morgan_counts([close]), morgan_counts([ASPIRIN]))[0, 0] > 0.4
    assert not only.accepts(close)
    assert not only.accepts(ASPIRIN)
    assert only.accepts("c1ccc2[nH]ccc2c1")
    assert StructureFilter(actives=[ASPIRIN]).accepts(ASPIRIN)


def test_what_there_is_not_is_refused():
    with pytest.raises(ConfigError, match=r"no filter 'nice'; there are lipinski, pains"):
        StructureFilter(["nice"])
    with pytest.raises(ConfigError, match="between 0 and 1"):
        StructureFilter(actives=[ASPIRIN], most_similar=2)


def test_each_of_a_diverse_subset_is_the_least_similar_to_those_before():
    smiles = many_smiles(60)
    near = tanimoto(morgan_counts(smiles), morgan_counts(smiles))
    taken = [0]
    while len(taken) < 12:
        left = [place for place in range(60) if place not in taken]
        taken.append(min(left, key=lambda place: (near[place, taken].max(), place)))
    assert diverse(smiles, 12) == sorted(taken)
    some, first = diverse(smiles, 12), list(range(12))
    mean = lambda places: near[np.ix_(places, places)].mean()  # noqa: E731
    assert mean(some) < mean(first)
    assert diverse(smiles, 99) == list(range(60))
