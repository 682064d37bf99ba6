"""Kronecker ridge regression beside scikit-learn's kernel ridge on the product kernel."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge

from hyperpcm.baselines import build_baseline
from hyperpcm.baselines.kronecker import PENALTIES, KroneckerRidge
from hyperpcm.chem import tanimoto
from hyperpcm.errors import ConfigError
from small_tables import inputs_of, random_table, thirds


def oracle(inputs, train, rows, penalty):
    table = inputs.interactions
    values, vectors = np.linalg.eigh(
        inputs.target_similarity[np.ix_(*[np.unique(table.target_index[train])] * 2)].astype(float)
    )
    known = np.unique(table.target_index[train])
    positive = (vectors * values.clip(0)) @ vectors.T  # an alignment kernel may have negative eigenvalues
    near = tanimoto(inputs.compound_counts, inputs.compound_counts).astype(float)
    t, c = np.searchsorted(known, table.target_index[train]), table.compound_index[train]
    labels = table.point()
    mean = labels[train].astype(float).mean()
    model = KernelRidge(alpha=penalty, kernel="precomputed")
    model.fit(positive[np.ix_(t, t)] * near[np.ix_(c, c)], labels[train] - mean)
    across = inputs.target_similarity[np.ix_(table.target_index[rows], known)].astype(float)
    across = across @ vectors[:, values > 0] @ vectors[:, values > 0].T  # as the kernel was clipped
    return mean + model.predict(across[:, t] * near[np.ix_(table.compound_index[rows], c)])


@pytest.mark.parametrize("axis", ["compound", "target"])
def test_scores_are_those_of_kernel_ridge_with_the_penalty_that_validates_best(axis):
    interactions = random_table(1)
    inputs = inputs_of(interactions)
    train, valid, test = thirds(interactions, axis)
    baseline = KroneckerRidge()
    baseline.fit(inputs, train, valid, seed=0)
    labels = interactions.point()
    errors = {p: float(np.mean((oracle(inputs, train, valid, p) - labels[valid]) ** 2)) for p in PENALTIES}
    assert baseline.penalty == min(errors, key=errors.__getitem__)
    expected = oracle(inputs, train, test, baseline.penalty)
    np.testing.assert_allclose(baseline.predict(test), expected, rtol=5e-3, atol=5e-3)


def test_fewer_landmarks_are_drawn_by_the_seed_and_still_score_everything():
    interactions = random_table(2)
    inputs = inputs_of(interactions)
    train, valid, test = thirds(interactions, "target")
    scores = []
    for seed in (1, 1, 2):
        baseline = build_baseline("kronecker_ridge", options={"landmarks": 3})
        baseline.fit(inputs, train, valid, seed=seed)
        scores.append(baseline.predict(test))
    assert np.isfinite(scores[0]).all()
    np.testing.assert_array_equal(scores[0], scores[1])
    assert not np.allclose(scores[0], scores[2])


def test_no_landmark_is_refused():
    with pytest.raises(ConfigError, match="landmarks"):
        build_baseline("kronecker_ridge", options={"landmarks": 0})
