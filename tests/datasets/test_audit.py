"""The audit and the leak check on tables whose leaks are known."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter

import numpy as np
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem.rdFingerprintGenerator import GetMorganGenerator

from hyperpcm.datasets.audit import audit, check_cold
from hyperpcm.datasets.interactions import BELOW, Interactions, Quantity
from hyperpcm.datasets.splits import Split, make_splits
from hyperpcm.errors import SplitError

RINGS = ["c1ccccc1", "c1ccncc1", "C1CCCCC1", "C1CCNCC1", "c1ccsc1", "c1ccoc1"]
COMPOUNDS = tuple("C" * chain + ring for ring in RINGS for chain in range(1, 3))
ALPHABET = "ACDEFGHIKLMNPQRSTVWY"


def targets() -> tuple[str, ...]:
    """Eight random sequences; the last differs from the first in one residue."""
    generator = np.random.default_rng(4)
    made = ["".join(generator.choice(list(ALPHABET), 80)) for _ in range(7)]
    return (*made, made[0][:40] + ("A" if made[0][40] != "A" else "G") + made[0][41:])


def table() -> Interactions:
    """Every compound on every target, and the first twelve rows measured twice."""
    n_targets = 8
    compound, target = np.divmod(np.arange(len(COMPOUNDS) * n_targets), n_targets)
    compound, target = (np.concatenate([index, index[:12]]) for index in (compound, target))
    values = np.linspace(5, 9, compound.size).astype(np.float32)
    relations = np.zeros(compound.size, dtype=np.int8)
    relations[:10] = BELOW
    return Interactions(
        name="made",
        quantity=Quantity("pKd", "-log10(M)", active_at=7.0),
        compounds=COMPOUNDS,
        targets=targets(),
        compound_names=COMPOUNDS,
        target_names=targets(),
        compound_index=compound,
        target_index=target,
        values=values,
        relations=relations,
    )


def by_hand(test, valid, name="cold_target", n=108) -> Split:
    sides = np.zeros(n, dtype=int)
    sides[np.asarray(valid)] = 1
    sides[np.asarray(test)] = 2
    rows = [np.flatnonzero(sides == side) for side in range(3)]
    return Split(name, 0, 1, 0, *rows, how="By hand.", unused=0)


def test_counts_equal_those_of_plain_sets():
    data = table()
    split = make_splits(data, "cold_compound", folds=3)[0]
    split = dataclasses.replace(split, name="random")
    mixed = by_hand(test=np.r_[0:20, 96:100], valid=np.arange(20, 40))
    for division in (split, mixed):
        report = audit(data, division, similarity=False)
        pair = list(zip(data.compound_index.tolist(), data.target_index.tolist(), strict=True))
        seen = {pair[row] for row in np.concatenate([division.train, division.valid])}
        tested = [pair[row] for row in division.test]
        assert report.test_in_seen.rows == sum(one in seen for one in tested)
        assert report.test_in_seen.pairs == len(set(tested) & seen)
        assert report.test_in_seen.compounds == len({c for c, _ in tested} & {c for c, _ in seen})
        assert report.test_in_seen.targets == len({t for _, t in tested} & {t for _, t in seen})
        assert report.test.rows == len(tested)
        assert report.test.compounds == len({c for c, _ in tested})
        assert report.test.targets == len({t for _, t in tested})
        assert report.test.censored == pytest.approx(np.mean(data.relations[division.test] != 0))
        assert report.test.active == pytest.approx(np.mean(data.values[division.test] >= 7))
        assert report.repeats == sum(count - 1 for count in Counter(pair).values()) == 12
        assert report.nearest_compound is report.nearest_target is report.known_scaffolds is None


def test_nearest_compounds_equal_those_of_rdkit():
    data = table()
    split = make_splits(data, "cold_compound", folds=3)[0]
    report = audit(data, split)
    generator = GetMorganGenerator(radius=2, fpSize=2048)
    prints = [generator.GetFingerprint(Chem.MolFromSmiles(text)) for text in COMPOUNDS]
    test = sorted(set(data.compound_index[split.test]))
    seen = sorted(set(data.compound_index) - set(test))
    nearest = [max(DataStructs.BulkTanimotoSimilarity(prints[c], [prints[s] for s in seen])) for c in test]
    assert report.nearest_compound.mean == pytest.approx(np.mean(nearest), abs=1e-6)
    assert report.nearest_compound.shares[0.85] == pytest.approx(np.mean(np.array(nearest) >= 0.85))
    assert report.nearest_compound.shares[1.0] == pytest.approx(np.mean(np.array(nearest) > 0.9999))
    assert report.nearest_compound.examined == report.nearest_compound.of == len(test)
    close = {compound for compound, similarity in zip(test, nearest, strict=True) if similarity >= 0.85}
    rows = [compound in close for compound in data.compound_index[split.test]]
    assert report.nearest_compound.row_shares[0.85] == pytest.approx(np.mean(rows))
    known = [c for c in test if c // 2 in {s // 2 for s in seen}]
    assert report.known_scaffolds == pytest.approx(len(known) / len(test))


def test_a_scaffold_split_has_no_known_scaffold():
    data = table()
    for split in make_splits(data, "scaffold", folds=3):
        assert audit(data, split).known_scaffolds == 0.0
        check_cold(data, split)


def test_a_nearly_identical_target_in_training_is_seen():
    data = table()
    test = np.flatnonzero(data.target_index == 0)
    split = by_hand(test, np.flatnonzero(data.target_index == 3))
    report = audit(data, split)
    assert report.test_in_seen.targets == 0
    assert report.nearest_target.shares == {0.4: 1.0, 0.9: 1.0}
    check_cold(data, split)
    with pytest.raises(SplitError, match=r"LEAK.*1 of 1 test targets are more than 0.9 similar"):
        check_cold(data, split, max_target_similarity=0.9)


def test_only_as_many_are_examined_as_asked_for():
    data = table()
    split = make_splits(data, "random")[0]
    report = audit(data, split, max_compounds=3, max_targets=2)
    assert (report.nearest_compound.examined, report.nearest_target.examined) == (3, 2)
    assert report.nearest_compound.of == report.test.compounds
    assert report.nearest_compound.mean == report.nearest_target.mean == 1.0
    with pytest.raises(SplitError, match="at least 1"):
        audit(data, split, max_targets=0)


def test_the_report_is_readable_and_plain_json():
    data = table()
    report = audit(data, make_splits(data, "random")[0])
    assert json.loads(json.dumps(report.as_dict(), allow_nan=False)) == report.as_dict()
    text = "\n".join(report.lines())
    for part in (
        "12 repeated",
        "active",
        "rows repeat a pair",
        "seen scaffold",
        "nearest seen target",
        "at 0.85",
    ):
        assert part in text


def test_a_division_without_a_test_side_has_nothing_that_crosses_it():
    split = by_hand(range(20), range(20, 50))
    found, whole = audit(table(), split, similarity=False), audit(table(), split.without_test(table()))
    assert (whole.test.rows, whole.test.compounds, whole.test.active) == (0, 0, None)
    assert whole.train.rows + whole.valid.rows == found.train.rows + found.valid.rows + found.test.rows
    assert whole.train.rows > found.train.rows
    assert whole.valid.compounds == found.valid.compounds
    assert (whole.test_in_seen.rows, whole.known_scaffolds, whole.nearest_target) == (0, None, None)
    json.dumps(whole.as_dict())
    assert any(line.startswith("test: 0 rows") for line in whole.lines())


def test_without_a_threshold_there_is_no_share_of_actives():
    data = dataclasses.replace(table(), quantity=Quantity("pKd", "-log10(M)"))
    report = audit(data, make_splits(data, "random")[0], similarity=False)
    assert report.test.active is None
    assert "active" not in "\n".join(report.lines())


@pytest.mark.parametrize(
    "name", ["cold_compound", "cold_target", "cold_both", "scaffold", "compound_cluster"]
)
def test_what_make_splits_gives_passes_the_check(name):
    data = table()
    for split in make_splits(data, name, folds=3, valid_share=0.3):
        check_cold(data, split)


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("cold_target", "target"),
        ("homology_target", "target"),
        ("cold_compound", "compound"),
        ("compound_cluster", "compound"),
        ("cold_both", "compound"),
    ],
)
def test_a_random_division_under_a_cold_name_is_a_leak(name, what):
    data = table()
    split = dataclasses.replace(make_splits(data, "random")[0], name=name)
    with pytest.raises(SplitError, match=rf"LEAK: split {name}, .* {what}\(s\)"):
        check_cold(data, split)


def test_validation_may_not_leak_either():
    data = table()
    row_of_target = data.target_index
    whole = by_hand(np.flatnonzero(row_of_target == 1), np.flatnonzero(row_of_target == 2))
    check_cold(data, whole)
    torn = by_hand(np.flatnonzero(row_of_target == 1), np.flatnonzero(row_of_target == 2)[1:])
    with pytest.raises(SplitError, match="the train and the valid side share 1 target"):
        check_cold(data, torn)


def test_a_cold_compound_split_under_the_name_scaffold_is_a_leak():
    data = table()
    split = by_hand(np.flatnonzero(data.compound_index == 0), np.flatnonzero(data.compound_index == 4))
    check_cold(data, dataclasses.replace(split, name="cold_compound"))
    with pytest.raises(SplitError, match=r"LEAK.*scaffold\(s\)"):
        check_cold(data, dataclasses.replace(split, name="scaffold"))


def test_given_groups_and_limits_are_checked_under_any_name():
    data = table()
    split = by_hand(
        np.flatnonzero(data.target_index == 0), np.flatnonzero(data.target_index == 3), name="random"
    )
    check_cold(data, split)
    check_cold(data, split, target_groups=np.arange(8))
    with pytest.raises(SplitError, match=r"LEAK.*target group\(s\)"):
        check_cold(data, split, target_groups=[0, 1, 2, 3, 4, 5, 6, 0])
    with pytest.raises(SplitError, match=r"LEAK.*compound group\(s\)"):
        check_cold(data, split, compound_groups=np.arange(len(COMPOUNDS)))
    with pytest.raises(SplitError, match=r"LEAK.*test compounds are more than 0.99 similar"):
        check_cold(data, split, max_compound_similarity=0.99)
    with pytest.raises(SplitError, match="needs one label for each of 8"):
        check_cold(data, split, target_groups=[0, 1])


def test_a_split_of_another_table_is_refused():
    data = table()
    split = make_splits(data, "random")[0]
    shorter = data.select(np.arange(100))
    for check in (audit, check_cold):
        with pytest.raises(SplitError, match="made for another one"):
            check(shorter, split)


def test_half_a_million_rows_are_counted_in_seconds():
    data = table()
    generator = np.random.default_rng(0)
    rows = generator.integers(0, len(data), 460_000)
    large = data.select(rows)
    report = audit(large, make_splits(large, "random")[0], similarity=False)
    assert report.repeats == 460_000 - len(COMPOUNDS) * 8
    assert report.test_in_seen.rows == 0
