from __future__ import annotations

import numpy as np
import pytest

from hyperpcm.baselines import kernel
from hyperpcm.baselines.kernel import KernelChoice, KernelNeighbours
from small_tables import inputs_of, random_table, table, thirds


def tanimoto_of(a, b):
    a, b = a > 0, b > 0
    either = (a | b).sum()
    return (a & b).sum() / either if either else 0.0


def score_by_loops(inputs, train, row, choice):
    """The double sum over the training rows, as it is written in the description."""
    table_ = inputs.interactions
    similarity = inputs.target_similarity[table_.target_index[row]].astype(np.float64)
    known = np.unique(table_.target_index[train])
    near = sorted(known, key=lambda target: -similarity[target])[: choice.nearest]
    above = below = 0.0
    for other in train:
        if table_.target_index[other] in near:
            compounds = inputs.compound_counts[table_.compound_index[[row, other]]]
            weight = tanimoto_of(*compounds) ** choice.compound_exponent
            weight *= similarity[table_.target_index[other]] ** choice.target_exponent
            above += weight * table_.values[other]
            below += weight
    return above / below if below > 0 else table_.values[train].mean()


def fitted_on(inputs, parts):
    baseline = KernelNeighbours()
    baseline.fit(inputs, parts[0], parts[1], seed=0)
    return baseline


@pytest.mark.parametrize("axis", ["compound", "target"])
def test_scores_equal_the_double_sum_over_training_rows(axis):
    interactions = random_table(1)
    inputs = inputs_of(interactions)
    train, _valid, test = parts = thirds(interactions, axis)
    baseline = fitted_on(inputs, parts)
    wanted = [score_by_loops(inputs, train, row, baseline.choice) for row in test]
    np.testing.assert_allclose(baseline.predict(test), wanted, rtol=2e-4)


def test_every_setting_of_the_grid_is_judged_by_its_own_double_sum():
    interactions = random_table(2)
    inputs = inputs_of(interactions)
    train, valid, _ = parts = thirds(interactions, "target")
    baseline = fitted_on(inputs, parts)
    for choice in [
        KernelChoice(1, 1, None),
        KernelChoice(4, 3, 5),
        KernelChoice(32, 12, 20),
        KernelChoice(2, 6, 5),
    ]:
        scores = np.array([score_by_loops(inputs, train, row, choice) for row in valid])
        wanted = np.mean((scores - interactions.values[valid]) ** 2)
        assert baseline.errors[choice] == pytest.approx(wanted, rel=1e-3)
    assert baseline.errors[baseline.choice] == min(baseline.errors.values())


def test_a_large_table_looks_only_at_the_nearest_targets(monkeypatch):
    interactions = random_table(3, targets=15)
    inputs = inputs_of(interactions)
    train, _valid, test = parts = thirds(interactions, "target")
    whole = fitted_on(inputs, parts)
    monkeypatch.setattr(kernel, "_WHOLE_MATRIX", 1)
    np.testing.assert_allclose(fitted_on(inputs, parts).predict(test), whole.predict(test), rtol=1e-5)
    labels = np.bincount(interactions.target_index[train], minlength=15)
    monkeypatch.setattr(kernel, "_MEMORY_LABELS", int(labels.max()))
    monkeypatch.setattr(kernel, "NEAREST_TARGETS", (None,))
    near = fitted_on(inputs, parts)
    for row in test:
        order = [
            t for t in np.argsort(-inputs.target_similarity[interactions.target_index[row]]) if labels[t]
        ]
        held, kept = np.cumsum(labels[order]), None
        kept = max(1, int((held <= labels.max()).sum()))
        wanted = score_by_loops(
            inputs, train, row, KernelChoice(near.choice.compound_exponent, near.choice.target_exponent, kept)
        )
        assert near.predict(np.array([row]))[0] == pytest.approx(wanted, rel=2e-4)


def test_repeated_measurements_of_one_pair_all_count():
    interactions = table([0, 0, 0, 0], [0, 0, 1, 2], [5.0, 8.0, 6.0, 6.0])
    baseline = KernelNeighbours()
    baseline.fit(inputs_of(interactions), np.array([0, 1]), np.array([2]), seed=0)
    assert baseline.predict(np.array([3]))[0] == pytest.approx(6.5)


def test_what_is_like_nothing_gets_the_mean_training_label():
    interactions = table([0, 1, 2, 3], [0, 1, 0, 1], [5.0, 8.0, 6.0, 6.0])
    inputs = inputs_of(interactions)
    inputs.compound_counts[:] = 0
    inputs.compound_counts[0, 0] = 1
    baseline = KernelNeighbours()
    baseline.fit(inputs, np.array([0, 1]), np.array([2]), seed=0)
    assert baseline.predict(np.array([3]))[0] == pytest.approx(6.5)


def test_high_powers_of_small_similarities_do_not_vanish():
    interactions = table([0, 1, 2, 2, 2], [0, 0, 1, 2, 1], [5.0, 8.0, 6.0, 6.0, 6.0])
    inputs = inputs_of(interactions)
    inputs.target_similarity[:] = 1e-4
    inputs.compound_counts[:] = 0
    inputs.compound_counts[:3, :] = np.eye(3, 64, k=1, dtype=np.uint8) + np.eye(3, 64, k=30, dtype=np.uint8)
    inputs.compound_counts[2, :31] = 1  # shares two places with compound 0, and one or two with compound 1
    inputs.compound_counts[1, 31:] = 1
    baseline = KernelNeighbours()
    baseline.fit(inputs, np.array([0, 1]), np.array([2]), seed=0)
    baseline.choice = KernelChoice(32, 12, None)
    assert baseline.predict(np.array([3]))[0] == pytest.approx(5.0, abs=1e-4)


def test_settings_are_chosen_on_whole_targets_when_there_are_many_rows(monkeypatch):
    monkeypatch.setattr(kernel, "_CHOICE_ROWS", 10)
    target_index = np.repeat(np.arange(8), 4)
    rows = np.arange(32)
    chosen = kernel._whole_targets(target_index, rows, seed=3)
    assert 10 <= len(chosen) < 14
    assert all(np.isin(rows[target_index == t], chosen).all() for t in np.unique(target_index[chosen]))
    assert {tuple(kernel._whole_targets(target_index, rows, seed=s)) for s in range(9)} != {tuple(chosen)}
