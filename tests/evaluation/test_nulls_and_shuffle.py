from __future__ import annotations

import numpy as np
import pytest

from hyperpcm.baselines import NULLS, build_baseline
from hyperpcm.datasets import Split
from hyperpcm.errors import SplitError
from hyperpcm.evaluation import choose_threshold, evaluate_scores, run_nulls, run_shuffled, shuffled_targets
from hyperpcm.evaluation.measure import peak_memory_mb
from hyperpcm.evaluation.tables import NULL_ROWS
from small_tables import inputs_of, random_table, thirds


def division(interactions, fold=2):
    train, valid, test = thirds(interactions, "target")
    return Split("cold_target", fold, 5, 0, train, valid, test, how="by hand", unused=0)


def test_every_null_gets_a_row_with_the_metrics_of_its_own_scores():
    interactions = random_table(0, compounds=25)
    inputs, split = inputs_of(interactions), division(interactions)
    seen = []
    rows = run_nulls(inputs, split, [build_baseline(name) for name in NULLS], seed=4, progress=seen.append)
    assert [row.model for row in rows] == seen == list(NULLS)
    for row in rows:
        assert (row.fold, row.seed, row.n) == (2, 4, len(split.test))
        assert row.seconds > 0
        baseline = build_baseline(row.model)
        baseline.fit(inputs, split.train, split.valid, seed=4)
        threshold = choose_threshold(interactions, split.valid, baseline.predict(split.valid))
        wanted = evaluate_scores(interactions, split.test, baseline.predict(split.test), threshold=threshold)
        assert row.metrics == wanted


def test_all_nulls_are_known_to_the_tables():
    assert set(NULLS) < set(NULL_ROWS)


def test_peak_memory_counts_what_was_held():
    before = peak_memory_mb()
    block = np.ones(40_000_000)
    after = peak_memory_mb()
    assert block.sum() == 40_000_000
    assert before is not None
    assert after is not None
    assert 100 < after < 100_000
    assert after >= before


def test_no_target_stays_and_each_stands_in_for_one_other():
    index = np.array([7, 3, 3, 9, 7, 1, 12, 9])
    for seed in range(20):
        shuffled = shuffled_targets(index, seed)
        assert (shuffled != index).all()
        pairs = set(zip(index.tolist(), shuffled.tolist(), strict=True))
        assert len(pairs) == 5
        assert {new for _, new in pairs} == set(index.tolist())


def test_the_permutation_follows_the_seed_alone():
    index = np.arange(30)
    np.testing.assert_array_equal(shuffled_targets(index, 5), shuffled_targets(index, 5))
    assert len({tuple(shuffled_targets(index, seed)) for seed in range(10)}) == 10
    np.testing.assert_array_equal(shuffled_targets(index[::-1], 5)[::-1], shuffled_targets(index, 5))


@pytest.mark.parametrize("index", [[], [4], [4, 4, 4]])
def test_fewer_than_two_targets_cannot_be_shuffled(index):
    with pytest.raises(SplitError, match="two different targets"):
        shuffled_targets(np.array(index, dtype=np.int64), 0)


def test_a_model_that_knows_the_answers_loses_them_by_shuffling_but_not_its_threshold():
    interactions = random_table(3, compounds=30, share=1.0)
    split = division(interactions)
    matrix = interactions.values.reshape(30, 9)
    asked = []

    def score(compound, target):
        asked.append((compound, target))
        return matrix[compound, target]

    row = run_shuffled(interactions, split, score, seed=1)
    assert row.model == "hyperpcm_shuffled"
    (_, valid_targets), (test_compounds, test_targets) = asked
    np.testing.assert_array_equal(valid_targets, interactions.target_index[split.valid])
    np.testing.assert_array_equal(test_compounds, interactions.compound_index[split.test])
    assert set(test_targets) == set(interactions.target_index[split.test])
    true = interactions.values[split.test].astype(float)
    given = matrix[test_compounds, test_targets].astype(float)
    assert row.metrics["mse"] == pytest.approx(np.mean((true - given) ** 2))
    assert row.metrics["mse"] > 0.1
    threshold = choose_threshold(interactions, split.valid, interactions.values[split.valid])
    wanted = evaluate_scores(interactions, split.test, given, threshold=threshold)
    assert row.metrics["mcc"] == wanted["mcc"]
