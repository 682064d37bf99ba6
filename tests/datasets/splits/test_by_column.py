"""Splits by a fold column, a mark of the new, and the registration number, beside plain loops."""

from __future__ import annotations

import numpy as np
import pytest

from hyperpcm.datasets import Interactions, Quantity, make_splits
from hyperpcm.datasets.splits.by_axis import compound_clusters
from hyperpcm.errors import SplitError


def table(folds=None, names=None, rows=60) -> Interactions:
    generator = np.random.default_rng(3)
    compounds = tuple("C" * length for length in range(1, 21))
    return Interactions(
        name="made",
        quantity=Quantity("pKd", "-log10(M)", active_at=7.0),
        compounds=compounds,
        targets=("MK", "ML", "MV"),
        compound_names=names or tuple(f"CHEMBL{place}" for place in range(20)),
        target_names=("a", "b", "c"),
        compound_index=np.arange(rows) % 20,
        target_index=np.arange(rows) // 20,
        values=generator.normal(6, 1, rows).astype(np.float32),
        relations=np.zeros(rows, dtype=np.int8),
        folds=folds or {},
    )


def test_fold_zero_of_ten_parts_validates_on_eight_and_tests_on_nine():
    part = np.arange(60) % 10
    first = make_splits(table({"lpo": part}), "published_folds", folds=1, column="lpo")[0]
    assert set(part[first.valid]) == {8}
    assert set(part[first.test]) == {9}
    assert set(part[first.train]) == set(range(8))


def test_all_published_folds_test_each_part_once_and_leave_out_rows_of_no_part():
    part = np.arange(60) % 11 - 1
    made = make_splits(table({"lpo": part}), "published_folds", folds=10, column="lpo")
    assert [set(part[one.test]) for one in made] == [{9 - fold} for fold in range(10)]
    assert [set(part[one.valid]) for one in made] == [{(8 - fold) % 10} for fold in range(10)]
    assert {one.unused for one in made} == {int((part == -1).sum())}


@pytest.mark.parametrize("by", ["compound", "target"])
def test_forward_tests_all_new_rows_and_groups_validation(by):
    new = (np.arange(60) % 20 >= 14).astype(np.int64)
    made = table({"new": new})
    (split,) = make_splits(made, "forward", column="new", valid_share=0.4, valid_by=by)
    assert split.test.tolist() == np.flatnonzero(new).tolist()
    group = made.compound_index if by == "compound" else made.target_index
    assert not set(group[split.valid]) & set(group[split.train])
    assert split.valid.size <= 0.4 * (new == 0).sum()
    assert split.unused == 0


def test_forward_validates_on_whole_clusters_of_known_compounds():
    new = (np.arange(60) % 20 >= 14).astype(np.int64)
    made = table({"new": new})
    known = np.flatnonzero(new == 0)
    options = {"column": "new", "valid_share": 0.4, "valid_by": "cluster", "similarity": 0.4}
    (split,) = make_splits(made, "forward", **options)
    cluster = np.full(len(made), -1)
    cluster[known] = compound_clusters(made, known, similarity=0.4)
    assert 2 < len(set(cluster[known])) < len(set(made.compound_index[known]))
    assert not set(cluster[split.valid]) & set(cluster[split.train])
    assert sorted([*split.valid, *split.train]) == known.tolist()
    assert "cluster of compounds at Tanimoto 0.4" in split.how
    with pytest.raises(SplitError, match="similarity"):
        make_splits(made, "forward", **(options | {"similarity": 1.5}))
    with pytest.raises(SplitError, match="'compound', 'cluster' or 'target'"):
        make_splits(made, "forward", **(options | {"valid_by": "scaffold"}))


def test_pseudo_temporal_follows_the_smallest_registration_number():
    names = tuple(f"CHEMBL{500 + place}|CHEMBL{100 - place}" for place in range(20))
    made = table(names=names)
    (split,) = make_splits(made, "pseudo_temporal")
    newest_first = [set(made.compound_index[side]) for side in (split.test, split.valid, split.train)]
    assert newest_first == [{0, 1}, {2, 3}, set(range(4, 20))]


def test_what_the_table_does_not_have_is_refused_with_what_it_has():
    with pytest.raises(SplitError, match=r"no fold column 'lpo' \(it has: random\)"):
        make_splits(table({"random": np.arange(60) % 10}), "published_folds", column="lpo")
    with pytest.raises(SplitError, match="holds more than 0"):
        make_splits(table({"after_chembl20": np.arange(60) % 3}), "forward")
    with pytest.raises(SplitError, match="'aspirin' of 'made' has no registration"):
        make_splits(table(names=("aspirin", *(f"CHEMBL{n}" for n in range(19)))), "pseudo_temporal")
    with pytest.raises(SplitError, match="at most as many folds as parts"):
        make_splits(table({"published": np.arange(60) % 4}), "published_folds", folds=5)
