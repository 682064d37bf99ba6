from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from hyperpcm.baselines import build_baseline
from small_tables import CLASSES, inputs_of, table

WORDS = ["CCO", "CCN", "CCCl", "c1ccccc1", "CC(=O)O", "C1CCCCC1", "CCBr", "OCCO", "NCCN", "CC#N"]


def spelled_table(seed: int = 0):
    """Actives hold a chlorine in their text, but for one in ten; the target says nothing."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, 300)
    seen = np.where(rng.random(300) < 0.1, 1 - labels, labels)
    smiles = ["".join(rng.choice(WORDS, 3)) + ("Cl" if one else "Br") + "C" * n for n, one in enumerate(seen)]
    made = table(range(300), rng.integers(0, 5, 300), labels, quantity=CLASSES, sizes=(300, 5))
    return dataclasses.replace(made, compounds=tuple(smiles)), labels, smiles


def test_it_ranks_as_well_as_logistic_regression_on_the_same_n_grams():
    interactions, labels, smiles = spelled_table()
    train, valid, test = np.arange(150), np.arange(150, 200), np.arange(200, 300)
    baseline = build_baseline("raw_string")
    baseline.fit(inputs_of(interactions), train, valid, seed=0)
    scores = baseline.predict(test)
    assert 0 <= scores.min() < scores.max() <= 1
    grams = CountVectorizer(analyzer="char", ngram_range=(1, 4), lowercase=False)
    rows = grams.fit_transform([smiles[row] for row in train])
    oracle = LogisticRegression(max_iter=2000).fit(rows, labels[train])
    reference = oracle.predict_proba(grams.transform([smiles[row] for row in test]))[:, 1]
    ours, theirs = roc_auc_score(labels[test], scores), roc_auc_score(labels[test], reference)
    assert ours > 0.75
    assert ours > theirs - 0.1


def test_it_is_blind_to_the_protein():
    interactions, _, _ = spelled_table()
    rows = np.arange(300)
    moved = dataclasses.replace(interactions, target_index=(interactions.target_index + 1) % 5)
    scores = []
    for one in (interactions, moved):
        baseline = build_baseline("raw_string")
        baseline.fit(inputs_of(one), rows[:150], rows[150:200], seed=0)
        scores.append(baseline.predict(rows))
    np.testing.assert_array_equal(*scores)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_training_labels_of_one_class_give_that_class(value):
    interactions, _, _ = spelled_table()
    constant = dataclasses.replace(interactions, values=np.full(300, value, dtype=np.float32))
    baseline = build_baseline("raw_string")
    baseline.fit(inputs_of(constant), np.arange(10), np.arange(10, 20), seed=0)
    assert set(baseline.predict(np.arange(300))) == {np.float32(value)}
