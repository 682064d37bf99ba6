"""Davis with the sequences of its mutants: from names, at the right shift, and left out where that fails."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hyperpcm.datasets import catalog, load
from hyperpcm.datasets.davis_mutants import read_davis_mutants, with_mutations
from hyperpcm.datasets.deep_dta import read_davis
from hyperpcm.datasets.interactions import Interactions
from hyperpcm.protein import mutant_pairs
from hyperpcm.public_files.pinned import mirrored

WILD = "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQAPILSRVGDGTQDNLSGAEKAVQ"


def raw_files(mirror: Path) -> dict[str, Path]:
    found = {key: mirrored(pinned, mirror) for key, pinned in catalog.record("davis").files.items()}
    return {key: path for key, path in found.items() if path is not None}


@pytest.fixture(scope="module")
def davis(mirror: Path) -> Interactions:
    return read_davis(raw_files(mirror))


@pytest.fixture(scope="module")
def mutants(mirror: Path) -> Interactions:
    return read_davis_mutants(raw_files(mirror))


def test_names_make_sequences():
    names = ("KIN", "KIN(T3S)", "KIN(T3S)p", "KIN(T3S/Y5F)", "KIN(JH1domain-catalytic)", "OTHER")
    found = with_mutations(dict.fromkeys(names, WILD))
    assert found.sequences["KIN"] == found.sequences["KIN(JH1domain-catalytic)"] == WILD
    assert found.sequences["KIN(T3S)"] == found.sequences["KIN(T3S)p"] == "MKS" + WILD[3:]
    assert found.sequences["KIN(T3S/Y5F)"] == "MKSAF" + WILD[5:]
    assert list(found.sequences) == list(names)
    assert not found.rejections


def test_a_shift_is_used_where_three_positions_give_it_away_and_no_other_fits():
    told = ("KIN(T203S)", "KIN(Y205F)", "KIN(Q209A)")
    found = with_mutations(dict.fromkeys(("KIN", *told), WILD))
    assert found.sequences["KIN(Y205F)"] == "MKTAF" + WILD[5:]
    assert any("KIN from 201" in note for note in found.notes)
    refused = with_mutations(dict.fromkeys(("KIN", *told[:2]), WILD))
    assert list(refused.sequences) == ["KIN"]
    assert [(one.row, one.code) for one in refused.rejections] == [
        (1, "UNKNOWN_SEQUENCE"),
        (2, "UNKNOWN_SEQUENCE"),
    ]


@pytest.mark.parametrize("variant", ["E746A750del", "L747E749del", "ITD"])
def test_deletions_and_duplications_are_left_out(variant: str):
    found = with_mutations({"KIN": WILD, f"KIN({variant})": WILD})
    assert list(found.sequences) == ["KIN"]
    assert found.rejections[0].text == f"KIN({variant})"


@pytest.mark.mirror
def test_every_published_mutant_has_the_sequence_of_its_wild_type(davis: Interactions):
    """The reason why this data set is there: the published sequences know no mutant."""
    assert mutant_pairs(davis.targets, davis.target_names) == []
    (abl1,) = [name for name in davis.target_names if "ABL1(T315I)" in name]
    assert {"ABL1", "ABL1(E255K)", "ABL1(T315I)p"} <= set(abl1.split("|"))


@pytest.mark.mirror
def test_mutants_are_told_apart(mutants: Interactions):
    pairs = mutant_pairs(mutants.targets, mutants.target_names)
    assert len(pairs) == 39
    wild = {mutants.target_names[pair.wild_type].split("|")[0] for pair in pairs}
    assert wild == {"ABL1", "BRAF", "EGFR", "FLT3", "KIT", "LRRK2", "MET", "PIK3CA"}
    names = {mutants.target_names[pair.mutant]: str(pair.mutation) for pair in pairs}
    assert names["EGFR(L858RT790M)"] == "T790M/L858R"
    assert names["ABL1(T315I)|ABL1(T315I)p"] == "T352I"  # the published sequence begins at -36
    assert names["PIK3CA(H1047L)"] == "H1048L"


@pytest.mark.mirror
def test_rows_are_those_of_davis_but_for_what_is_left_out(davis: Interactions, mutants: Interactions):
    left_out = {one.text for one in mutants.rejections}
    assert len(left_out) == 10
    assert {"FLT3(ITD)", "RET(V804L)", "FGFR3(G697C)", "EGFR(L747T751del)"} <= left_out
    assert len(mutants) == len(davis) - 68 * len(left_out)
    assert not left_out & set("|".join(mutants.target_names).split("|"))
    assert (mutants.folds["published"] == -1).sum() <= (davis.folds["published"] == -1).sum()
    (place,) = [n for n, name in enumerate(mutants.target_names) if name == "EGFR(T790M)"]
    compounds = mutants.compound_index[mutants.target_index == place]
    assert len(np.unique(compounds)) == 68


@pytest.mark.mirror
@pytest.mark.usefixtures("mirror")
def test_the_catalog_loads_it_with_the_counts_of_its_record():
    table = load("davis_mutants", merge=False)
    told = catalog.record("davis_mutants")
    assert (len(table), len(table.compounds), len(table.targets)) == (
        told.interactions,
        told.compounds,
        told.targets,
    )
