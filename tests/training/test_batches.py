"""Which rows make up a step: as often as published, seeded by run and epoch, from the training side only."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from hyperpcm.training.batches import TargetSampler

SIZES = {0: 1, 1: 3, 2: 4, 3: 5, 4: 8, 5: 13, 6: 40}  # measurements of each target
COMPOUNDS = 4


def table() -> tuple[np.ndarray, np.ndarray]:
    """Target of each row, and the rows of the training side: every row of some targets, shuffled."""
    target_index = np.concatenate([np.full(size, target) for target, size in SIZES.items()] * 2)
    order = np.random.default_rng(0).permutation(len(target_index))
    target_index = target_index[order]
    rows, seen = [], Counter()
    for row, target in enumerate(target_index):
        if seen[target] < SIZES[target]:
            rows.append(row)
            seen[target] += 1
    return target_index, np.array(rows)


def sampler(seed: int = 0, targets: int = 3) -> TargetSampler:
    target_index, rows = table()
    return TargetSampler(rows, target_index, targets=targets, compounds=COMPOUNDS, seed=seed)


def test_a_target_enters_once_and_once_more_for_each_full_batch_of_measurements():
    for epoch in range(3):
        entries = Counter(np.concatenate([step.targets for step in sampler().epoch(epoch)]).tolist())
        assert entries == {target: 1 + size // COMPOUNDS for target, size in SIZES.items()}


def test_steps_have_the_asked_size_and_the_last_may_have_less():
    entries = sum(1 + size // COMPOUNDS for size in SIZES.values())
    for targets in (4, 5):
        steps = sampler(targets=targets).epoch(1)
        sizes = [len(step.targets) for step in steps]
        assert sizes[:-1] == [targets] * (len(steps) - 1)
        assert 0 < sizes[-1] <= targets
        assert sum(sizes) == entries
        assert all(step.rows.shape == (len(step.targets), COMPOUNDS) for step in steps)
        assert len(sampler(targets=targets)) == len(steps)
    assert len(sampler(targets=1000)) == 1


def test_rows_belong_to_their_target_and_to_the_training_side():
    target_index, rows = table()
    for step in sampler().epoch(2):
        assert (target_index[step.rows] == step.targets[:, None]).all()
        assert np.isin(step.rows, rows).all()


def test_many_measurements_are_drawn_without_and_few_with_replacement():
    for epoch in range(4):
        for step in sampler().epoch(epoch):
            for target, rows in zip(step.targets.tolist(), step.rows, strict=True):
                different = len(set(rows.tolist()))
                if SIZES[target] >= COMPOUNDS:
                    assert different == COMPOUNDS
                else:
                    assert different <= SIZES[target]


def test_every_training_row_is_drawn_sooner_or_later_and_no_other():
    drawn = {
        row for epoch in range(40) for step in sampler().epoch(epoch) for row in step.rows.ravel().tolist()
    }
    assert drawn == set(table()[1].tolist())


def plan(seed: int, epoch: int) -> list[list]:
    return [[step.targets.tolist(), step.rows.tolist()] for step in sampler(seed).epoch(epoch)]


def test_the_plan_follows_from_seed_and_epoch_alone():
    made = sampler(3)
    made.epoch(1)  # what was planned before does not matter
    made.epoch(7)
    assert [[s.targets.tolist(), s.rows.tolist()] for s in made.epoch(2)] == plan(3, 2)
    assert plan(3, 2) != plan(3, 3)
    assert plan(3, 2) != plan(4, 2)
    assert plan(3, 2) != plan(2, 3)


def test_the_order_of_the_training_rows_does_not_matter_for_what_a_target_is():
    target_index, rows = table()
    shuffled = np.random.default_rng(1).permutation(rows)
    made = TargetSampler(shuffled, target_index, targets=3, compounds=COMPOUNDS, seed=0)
    for step in made.epoch(1):
        assert (target_index[step.rows] == step.targets[:, None]).all()


@pytest.mark.parametrize("compounds", [1, 32])
def test_a_single_interaction_makes_an_epoch(compounds: int):
    made = TargetSampler(np.array([4]), np.arange(6), targets=8, compounds=compounds, seed=0)
    entries = 1 + 1 // compounds
    (step,) = made.epoch(1)
    assert step.targets.tolist() == [4] * entries
    assert step.rows.tolist() == [[4] * compounds] * entries
