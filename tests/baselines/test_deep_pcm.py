from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from hyperpcm.baselines.deep_pcm import DeepPCM
from hyperpcm.errors import ConfigError
from small_tables import CLASSES, inputs_of, random_table, table, thirds


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Narrow hidden layers: the widths are not what is tested here."""
    from hyperpcm.nn import deep_pcm

    monkeypatch.setattr(deep_pcm, "HIDDEN", (48, 24))


def warm(interactions, seed=0):
    rows = np.random.default_rng(seed).permutation(len(interactions))
    third = len(rows) // 4
    return rows[2 * third :], rows[:third], rows[third : 2 * third]


def fitted(inputs, parts, seed=0, **options):
    baseline = DeepPCM(**{"epochs": 30, "batch_size": 32, **options})
    baseline.fit(inputs, parts[0], parts[1], seed=seed)
    return baseline


def test_it_learns_a_product_of_both_sides_that_no_mean_holds():
    interactions = random_table(1, compounds=30, targets=20, share=1.0)
    parts = warm(interactions)
    scores = fitted(inputs_of(interactions), parts).predict(parts[2])
    labels = interactions.values[parts[2]]
    assert np.mean((labels - scores) ** 2) < 0.5 * labels.var()


def test_scores_of_classes_are_probabilities_that_rank_them():
    interactions = random_table(2, compounds=30, targets=20, share=1.0, quantity=CLASSES)
    parts = warm(interactions)
    scores = fitted(inputs_of(interactions), parts).predict(parts[2])
    assert 0 <= scores.min() <= scores.max() <= 1
    assert roc_auc_score(interactions.values[parts[2]], scores) > 0.8


def test_the_weights_of_the_best_epoch_are_kept():
    interactions = random_table(3, compounds=20)
    inputs, parts = inputs_of(interactions), thirds(interactions, "compound")

    def error(epochs):
        scores = fitted(inputs, parts, epochs=epochs, patience=40).predict(parts[1])
        return np.mean((scores - interactions.values[parts[1]]) ** 2)

    errors = [error(epochs) for epochs in (1, 2, 5, 12, 30)]
    assert errors == sorted(errors, reverse=True)


def test_the_random_state_outside_is_left_alone_and_equal_seeds_give_equal_scores():
    interactions = random_table(4)
    inputs, parts = inputs_of(interactions), thirds(interactions, "compound")
    threads = torch.get_num_threads()
    torch.manual_seed(7)
    before = torch.get_rng_state()
    one = fitted(inputs, parts, epochs=2).predict(parts[2])
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(8)
    np.testing.assert_array_equal(fitted(inputs, parts, epochs=2).predict(parts[2]), one)
    assert (fitted(inputs, parts, epochs=2, seed=1).predict(parts[2]) != one).all()
    assert torch.get_num_threads() == threads


def test_constant_labels_give_that_value():
    interactions = table([0, 1, 2], [0, 1, 0], [6.25, 6.25, 5.0])
    baseline = DeepPCM()
    baseline.fit(inputs_of(interactions), np.array([0, 1]), np.array([2]), seed=0)
    np.testing.assert_array_equal(baseline.predict(np.arange(3)), np.full(3, 6.25, dtype=np.float32))


def test_an_unknown_device_is_refused():
    with pytest.raises(ConfigError, match="auto, cpu or cuda"):
        DeepPCM(device="tpu")
