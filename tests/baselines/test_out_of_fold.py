from __future__ import annotations

import numpy as np
import pytest

from hyperpcm.baselines.out_of_fold import FOLDS, cold_axes, fold_of_rows, label_means
from small_tables import inputs_of, random_table, thirds


def means_by_loops(interactions, train, left_out):
    """Mean labels of compound and target of every training row, over the rows that it may look at."""
    everything = interactions.values[train].mean(dtype=np.float64)
    found = []
    for place, row in enumerate(train):
        line = []
        for axis in (interactions.compound_index, interactions.target_index):
            same = [
                r for r, out in zip(train, left_out[place], strict=True) if not out and axis[r] == axis[row]
            ]
            line.append(interactions.values[same].mean(dtype=np.float64) if same else everything)
        found.append(line)
    return np.array(found)


def folds_that_differ(fold):
    return fold[:, None] == fold[None, :]


@pytest.mark.parametrize("cold", ["compound", "target", "both", "neither"])
def test_means_of_a_training_row_equal_loops_that_leave_its_fold_out_as_validation_is_new(cold):
    interactions = random_table(1, compounds=20, targets=14)
    compound, target = interactions.compound_index, interactions.target_index
    if cold == "neither":
        rows = np.random.default_rng(0).permutation(len(interactions))
        train, valid = np.sort(rows[:150]), rows[150:]
    elif cold == "both":
        train = np.flatnonzero((compound < 14) & (target < 10))
        valid = np.flatnonzero((compound >= 14) & (target >= 10))
    else:
        train, valid, _ = thirds(interactions, cold)
    inputs = inputs_of(interactions)
    assert cold_axes(inputs, train, valid) == (cold in ("compound", "both"), cold in ("target", "both"))
    by_compound = folds_that_differ(fold_of_rows(compound, train, whole=True, seed=3))
    by_target = folds_that_differ(fold_of_rows(target, train, whole=True, seed=3))
    by_row = folds_that_differ(fold_of_rows(compound, train, whole=False, seed=3))
    left_out = {
        "compound": by_compound,
        "target": by_target,
        "both": by_compound | by_target,
        "neither": by_row,
    }[cold]
    found = label_means(inputs, train, cold_axes(inputs, train, valid), seed=3)
    np.testing.assert_allclose(found[train], means_by_loops(interactions, train, left_out), rtol=1e-6)
    rest = np.setdiff1d(np.arange(len(interactions)), train)
    for row in rest:
        for column, axis in enumerate((compound, target)):
            same = train[axis[train] == axis[row]]
            wanted = interactions.values[same if len(same) else train].mean(dtype=np.float64)
            assert found[row, column] == pytest.approx(wanted, rel=1e-6)


def test_on_a_new_axis_training_sees_the_global_mean_as_a_test_row_does():
    interactions = random_table(2)
    train, _, test = thirds(interactions, "target")
    found = label_means(inputs_of(interactions), train, (False, True), seed=0)
    assert len(np.unique(found[np.concatenate([train, test]), 1])) == 1
    assert len(np.unique(found[train, 0])) > 3


def test_the_label_of_a_row_does_not_enter_its_own_means():
    interactions = random_table(3)
    rows = np.random.default_rng(0).permutation(len(interactions))
    train = rows[:60]
    before = label_means(inputs_of(interactions), train, (False, False), seed=0)[train]
    values = interactions.values.copy()
    fold = fold_of_rows(interactions.compound_index, train, whole=False, seed=0) == 2
    values[train[fold]] += (
        0.5 * (-1.0) ** np.arange(fold.sum()) * (np.arange(fold.sum()) < fold.sum() // 2 * 2)
    )
    changed = inputs_of(type(interactions)(**{**vars(interactions), "values": values}))
    after = label_means(changed, train, (False, False), seed=0)[train]
    np.testing.assert_allclose(after[fold], before[fold], atol=1e-6)
    assert np.abs(after[~fold] - before[~fold]).max() > 0.01


def test_whole_compounds_stay_in_one_fold_and_folds_are_equally_many():
    interactions = random_table(4, compounds=40)
    rows = np.arange(len(interactions))
    fold = fold_of_rows(interactions.compound_index, rows, whole=True, seed=0)
    sizes = np.zeros(FOLDS, dtype=int)
    for compound in range(40):
        (only,) = set(fold[interactions.compound_index == compound].tolist())
        sizes[only] += 1
    assert sizes.max() - sizes.min() <= 1
    assert (fold != fold_of_rows(interactions.compound_index, rows, whole=True, seed=1)).any()
