"""Strategies: against draws, and on problems whose answer is plain."""

from __future__ import annotations

import numpy as np
import pytest

from hyperpcm.adaptation.acquisition import (
    STRATEGIES,
    BatchLimits,
    believed,
    chosen,
    expected_improvement,
    promise,
)
from hyperpcm.errors import ConfigError


def pick(strategy, mean, covariance, *, batch=2, best=0.0, noise=0.01, seed=0, limits=None):
    mean = np.asarray(mean, dtype=np.float64)
    return chosen(
        strategy, mean, np.asarray(covariance, dtype=np.float64),
        BatchLimits(batch, np.eye(len(mean), dtype=np.uint8)) if limits is None else limits,
        batch=batch, best=best, noise=noise, generator=np.random.default_rng(seed),
    )  # fmt: skip


def test_expected_improvement_is_the_mean_of_draws():
    mean, deviation = np.array([0.2, 1.0, -2.0]), np.array([1.0, 0.3, 0.5])
    draws = mean + deviation * np.random.default_rng(0).standard_normal((400_000, 3))
    expected = np.maximum(draws - 0.9, 0).mean(axis=0)
    np.testing.assert_allclose(expected_improvement(mean, deviation, 0.9), expected, atol=2e-3)


def test_greedy_takes_the_highest_means_in_order():
    assert pick("greedy", [0.1, 0.9, 0.5], np.eye(3)) == [1, 2]


@pytest.mark.parametrize("strategy", ["ei", "ucb"])
def test_a_batch_leaves_out_what_its_first_choice_tells_already(strategy):
    same = np.array([[1.0, 0.999, 0.0], [0.999, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert pick(strategy, [1.0, 0.99, 0.5], same, best=0.9) == [0, 2]
    assert pick(strategy, [1.0, 0.99, 0.5], np.diag([1.0, 1.0, 1.0]), best=0.9) == [0, 1]


def test_thompson_takes_a_compound_as_often_as_it_is_the_best():
    mean, covariance = np.array([1.0, 1.2, 0.0]), np.array([[1.0, 0.8, 0], [0.8, 1.0, 0], [0, 0, 0.2]])
    draws = np.random.default_rng(1).multivariate_normal(mean, covariance, 100_000)
    expected = np.bincount(draws.argmax(axis=1), minlength=3) / 100_000
    first = [pick("thompson", mean, covariance, batch=1, seed=seed)[0] for seed in range(4000)]
    np.testing.assert_allclose(np.bincount(first, minlength=3) / 4000, expected, atol=0.03)


def test_thompson_follows_its_generator():
    arguments = ("thompson", np.zeros(50), np.eye(50))
    assert pick(*arguments, batch=5) == pick(*arguments, batch=5)
    assert pick(*arguments, batch=5) != pick(*arguments, batch=5, seed=1)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_batch_has_no_compound_twice_and_ends_where_there_are_no_more(strategy):
    places = pick(strategy, np.zeros(5), np.eye(5), batch=9)
    assert sorted(places) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_two_compounds_of_a_batch_are_no_more_alike_than_allowed(strategy):
    bits = np.array([[1, 1, 1, 0], [1, 1, 1, 0], [0, 1, 1, 1], [0, 0, 0, 1]], dtype=np.uint8)
    limits = BatchLimits(4, bits, most_similar=0.6)
    assert pick(strategy, [3.0, 2.9, 2.0, 1.0], 1e-4 * np.eye(4), batch=4, limits=limits) == [0, 2, 3]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_budget_pays_for_as_many_as_it_can(strategy):
    means, prices = [3.0, 2.9, 2.0, 1.0], np.array([5.0, 4.0, 1.0, 2.0])
    expected = {3.0: [2, 3], 6.0: [0, 2], 8.0: [0, 2], 9.0: [0, 1], 2.0: [2], 0.5: []}
    for budget, places in expected.items():
        limits = BatchLimits(2, np.eye(4, dtype=np.uint8), prices=prices, budget=budget)
        assert pick(strategy, means, 1e-4 * np.eye(4), batch=2, limits=limits) == places, budget


def test_what_cannot_be_is_refused():
    with pytest.raises(ConfigError, match="no strategy 'best'; there are ucb"):
        promise("best", np.zeros(1), np.zeros(1), 0.0)
    with pytest.raises(ConfigError, match="between 0 and 1, not 2"):
        BatchLimits(1, np.eye(2, dtype=np.uint8), most_similar=2)
    with pytest.raises(ConfigError, match="from 0 on, not -1"):
        BatchLimits(1, np.eye(2, dtype=np.uint8), budget=-1)


def test_far_below_the_best_expected_improvement_still_puts_compounds_in_order():
    order = promise("ei", np.array([-50.0, -40.0, -60.0]), np.full(3, 0.1), 0.0)
    assert order.argsort().tolist() == [2, 0, 1]


@pytest.mark.parametrize(("price", "batch"), [(0.1, 3), (1.1, 3), (19.99, 3), (4.35, 24), (20.1, 24)])
def test_a_budget_pays_for_what_it_is_the_decimal_sum_of(price, batch):
    limits = BatchLimits(
        batch, np.eye(40, dtype=np.uint8), prices=np.full(40, price), budget=round(batch * price, 2)
    )
    assert len(pick("greedy", np.arange(40.0), np.eye(40), batch=batch, limits=limits)) == batch
    short = BatchLimits(
        batch, np.eye(40, dtype=np.uint8), prices=np.full(40, price), budget=round(batch * price - 0.01, 2)
    )
    assert len(pick("greedy", np.arange(40.0), np.eye(40), batch=batch, limits=short)) == batch - 1


def test_each_choice_tells_as_much_as_its_own_noise_allows():
    covariance = np.array([[1.0, 0.9, 0.0], [0.9, 1.0, 0.0], [0.0, 0.0, 0.8]])
    assert pick("ucb", [1.0, 0.9, 0.9], covariance, noise=[0.01, 0.01, 0.01]) == [0, 2]
    assert pick("ucb", [1.0, 0.9, 0.9], covariance, noise=[50.0, 0.01, 0.01]) == [0, 1]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_what_is_on_order_narrows_as_conditioning_does_and_only_where_it_counts(strategy):
    root, noise = np.random.default_rng(0).normal(size=(5, 5)), np.array([0.3, 0.1, 0.2, 0.2, 0.2])
    mean, covariance = np.array([2.0, 1.0, 0.5, 3.0, 0.0]), root @ root.T
    found, best = believed(strategy, mean, covariance, waiting=2, best=1.5, noise=noise)
    if strategy in ("greedy", "thompson"):
        np.testing.assert_array_equal(found, covariance[2:, 2:])
        assert best == 1.5
        return
    inverse = np.linalg.inv(covariance[:2, :2] + np.diag(noise[:2]))
    expected = covariance[2:, 2:] - covariance[2:, :2] @ inverse @ covariance[:2, 2:]
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-9)
    assert best == 2.0
