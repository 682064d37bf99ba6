from __future__ import annotations

import numpy as np
import pytest

from hyperpcm.baselines import nearest
from hyperpcm.baselines.nearest import NearestNeighbour, nearest_compounds
from hyperpcm.chem import tanimoto
from small_tables import CLASSES, inputs_of, random_table, table, thirds


@pytest.mark.parametrize("block", [7, 100])
@pytest.mark.parametrize("width", [64, 2048])
def test_the_nearest_compounds_are_those_of_all_similarities(monkeypatch, block, width):
    monkeypatch.setattr(nearest, "_MEMORY_BLOCK", block)
    counts = np.random.default_rng(0).poisson(0.4, size=(60, width)).astype(np.uint8)
    counts[50] = counts[3]
    counts[9] = counts[3]
    counts[51] = 0
    queries, memory = np.arange(30, 60), np.arange(0, 40)
    found, similarity = nearest_compounds(counts, queries, memory)
    wanted = tanimoto(counts[queries], counts[memory])
    np.testing.assert_array_equal(found, memory[wanted.argmax(axis=1)])
    np.testing.assert_allclose(similarity, wanted.max(axis=1), rtol=1e-6)
    assert found[20] == 3
    assert similarity[21] == 0


def test_a_score_is_the_mean_label_of_the_nearest_training_compound_whatever_the_target():
    interactions = random_table(1)
    inputs = inputs_of(interactions)
    train, valid, test = thirds(interactions, "compound")
    baseline = NearestNeighbour()
    baseline.fit(inputs, train, valid, seed=0)
    known = np.unique(interactions.compound_index[train])
    for row, score in zip(test, baseline.predict(test), strict=True):
        query = inputs.compound_counts[interactions.compound_index[row]][None]
        best = known[tanimoto(query, inputs.compound_counts[known])[0].argmax()]
        labels = interactions.values[train][interactions.compound_index[train] == best]
        assert score == pytest.approx(labels.mean(), rel=1e-6)


def test_what_is_like_nothing_gets_the_mean_of_all_training_labels():
    interactions = table([0, 0, 1, 2], [0, 1, 0, 1], [5.0, 6.0, 8.0, 6.0])
    inputs = inputs_of(interactions)
    inputs.compound_counts[:] = 0
    baseline = NearestNeighbour()
    baseline.fit(inputs, np.array([0, 1, 2]), np.array([3]), seed=0)
    assert baseline.predict(np.array([3]))[0] == pytest.approx(19 / 3)


def test_of_classes_it_compares_the_nearest_active_with_the_nearest_inactive():
    interactions = random_table(2, compounds=30, quantity=CLASSES)
    inputs = inputs_of(interactions)
    train, valid, test = thirds(interactions, "compound")
    baseline = NearestNeighbour()
    baseline.fit(inputs, train, valid, seed=0)
    similarity = tanimoto(inputs.compound_counts, inputs.compound_counts)
    for row, score in zip(test, baseline.predict(test), strict=True):
        of = similarity[interactions.compound_index[row]]
        active, inactive = (
            max(of[interactions.compound_index[r]] for r in train if interactions.values[r] == value)
            for value in (1, 0)
        )
        assert score == pytest.approx((1 + active - inactive) / 2, rel=1e-5)


def test_one_class_alone_counts_against_a_similarity_of_zero():
    interactions = table([0, 1, 2], [0, 1, 0], [1.0, 1.0, 0.0], quantity=CLASSES)
    inputs = inputs_of(interactions)
    baseline = NearestNeighbour()
    baseline.fit(inputs, np.array([0, 1]), np.array([2]), seed=0)
    best = tanimoto(inputs.compound_counts[2:], inputs.compound_counts[:2]).max()
    assert baseline.predict(np.array([2, 0])).tolist() == pytest.approx([(1 + best) / 2, 1.0])


def test_no_more_than_memory_compounds_are_looked_at():
    interactions = random_table(3, compounds=30)
    inputs = inputs_of(interactions)
    train, valid, _ = thirds(interactions, "compound")
    scores = []
    for seed in (0, 0, 1):
        baseline = NearestNeighbour(memory=1)
        baseline.fit(inputs, train, valid, seed=seed)
        scores.append(baseline.predict(np.arange(len(interactions))))
        assert len(set(scores[-1])) == 1
    assert scores[0][0] == scores[1][0] != scores[2][0]
