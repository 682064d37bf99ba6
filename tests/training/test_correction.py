"""Shares beside least squares of scikit-learn, a jackknife over targets and losses summed row by row."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from hyperpcm.training.correction import cautious_logit_share, cautious_share, supported_share


def made(
    share: float, noise: float, *, between: float = 0.0, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Errors that are a share of the corrections, which may differ between targets, and noise."""
    generator = np.random.default_rng(seed)
    targets = np.repeat(np.arange(30), generator.integers(3, 20, 30))
    corrections = generator.normal(size=len(targets)).astype(np.float32)
    shares = (share + between * generator.normal(size=30))[targets]
    errors = shares * corrections + generator.normal(0, noise, len(targets))
    return errors.astype(np.float32), corrections, targets


def least_squares(errors: np.ndarray, corrections: np.ndarray) -> float:
    return float(LinearRegression(fit_intercept=False).fit(corrections[:, None], errors).coef_[0])


def jackknife(errors: np.ndarray, corrections: np.ndarray, targets: np.ndarray) -> float:
    """The standard error of the share of least squares, from leaving out one target of the 30 at a time."""
    left_out = [least_squares(errors[targets != t], corrections[targets != t]) for t in range(30)]
    return float(np.sqrt(29 / 30 * np.square(np.array(left_out) - np.mean(left_out)).sum()))


@pytest.mark.parametrize("between", [0.0, 0.4])
@pytest.mark.parametrize("noise", [0.5, 1.5])
def test_it_is_least_squares_shrunk_by_its_error_over_targets(noise: float, between: float):
    errors, corrections, targets = made(0.6, noise, between=between)
    share, doubt = least_squares(errors, corrections), jackknife(errors, corrections, targets)
    expected = share * (1 - doubt**2 / share**2)
    assert supported_share(errors, corrections, targets) == pytest.approx(expected, rel=0.02)


def test_without_noise_it_is_the_share_itself():
    assert supported_share(*made(0.6, 0.0)) == pytest.approx(0.6, rel=1e-5)


def test_a_share_that_differs_between_targets_is_trusted_less_than_its_rows_suggest():
    errors, corrections, targets = made(0.3, 0.0, between=0.6)
    alone = np.arange(len(targets))  # as if every row were a target of its own
    assert supported_share(errors, corrections, targets) < supported_share(errors, corrections, alone)


def test_the_unit_with_the_most_doubt_counts():
    errors, corrections, targets = made(0.3, 0.0, between=0.6)
    alone = np.arange(len(targets))
    assert supported_share(errors, corrections, alone, targets) == supported_share(
        errors, corrections, targets
    )
    both = cautious_share(errors, corrections, alone, targets)
    assert both == cautious_share(errors, corrections, targets) < cautious_share(errors, corrections, alone)
    active, logits, change, units = classes(1, 0.3)
    rows = np.arange(len(units))
    both = cautious_logit_share(active, logits, change, rows, units)
    assert both == min(
        cautious_logit_share(active, logits, change, rows),
        cautious_logit_share(active, logits, change, units),
    )


def test_it_stays_between_nothing_and_all():
    assert supported_share(*made(-0.5, 0.1)) == 0.0
    assert supported_share(*made(3.0, 0.1)) == 1.0
    assert supported_share(*made(0.02, 2.0)) == 0.0


def test_a_correction_of_nothing_has_no_share():
    errors, corrections, targets = made(0.6, 0.5)
    assert supported_share(errors, 0 * corrections, targets) == 0.0
    assert cautious_share(errors, 0 * corrections, targets) == 0.0


@pytest.mark.parametrize("between", [0.0, 0.4])
@pytest.mark.parametrize("noise", [0.5, 1.5])
def test_the_cautious_share_is_least_squares_less_a_standard_error(noise: float, between: float):
    errors, corrections, targets = made(0.6, noise, between=between)
    share, doubt = least_squares(errors, corrections), jackknife(errors, corrections, targets)
    cautious = cautious_share(errors, corrections, targets)
    assert cautious == pytest.approx(share - doubt, rel=0.03)
    assert cautious < supported_share(errors, corrections, targets)


def test_the_best_of_many_useless_corrections_gets_a_smaller_share_by_the_cautious_rule():
    """As the best of many epochs has by chance some use on the rows that it was chosen by."""
    bold, cautious = [], []
    for seed in range(40):
        generator = np.random.default_rng(seed)
        targets = np.repeat(np.arange(30), 10)
        errors = generator.normal(size=300).astype(np.float32)
        tried = generator.normal(size=(12, 300)).astype(np.float32)
        shares = [supported_share(errors, one, targets) for one in tried]
        best = int(
            np.argmin([np.mean((errors - s * one) ** 2) for s, one in zip(shares, tried, strict=True)])
        )
        bold.append(shares[best])
        cautious.append(cautious_share(errors, tried[best], targets))
    assert np.mean(bold) > 0.03
    assert np.mean(cautious) < 0.7 * np.mean(bold)


def test_the_cautious_share_stays_between_nothing_and_all():
    assert cautious_share(*made(-0.5, 0.1)) == 0.0
    assert cautious_share(*made(3.0, 0.0)) == pytest.approx(1.0)
    assert cautious_share(*made(0.6, 0.0)) == pytest.approx(0.6, rel=1e-4)


def logit_losses(active, logits, corrections, targets, share) -> np.ndarray:
    """Summed log loss of each target, row by row."""
    sums = {}
    for row in range(len(active)):
        p = 1 / (1 + math.exp(-(logits[row] + share * corrections[row])))
        sums[targets[row]] = sums.get(targets[row], 0.0) - math.log(p if active[row] else 1 - p)
    return np.array([sums[target] for target in sorted(sums)])


def classes(seed: int, skill: float):
    generator = np.random.default_rng(seed)
    targets = np.repeat(np.arange(20), 30)
    active = generator.random(600) < 0.4
    logits = np.zeros(600, dtype=np.float32)
    corrections = (skill * (2.0 * active - 1) + generator.normal(0, 1, 600)).astype(np.float32)
    return active, logits, corrections, targets


def test_a_correction_of_logits_that_tells_classes_apart_is_added():
    assert cautious_logit_share(*classes(0, 2.0)) >= 0.8


def test_a_correction_of_logits_without_skill_is_left_out():
    assert cautious_logit_share(*classes(0, 0.0)) == 0.0


@pytest.mark.parametrize("skill", [0.1, 0.3, 0.6])
def test_the_logit_share_is_the_smallest_within_one_standard_error(skill: float):
    data = classes(1, skill)
    losses = [logit_losses(*data, share) for share in np.linspace(0, 1, 11)]
    best = min(losses, key=lambda each: each.sum())
    expected = 1.0
    for share, each in zip(np.linspace(0, 1, 11), losses, strict=True):
        difference = each - best
        if difference.sum() <= math.sqrt(len(difference)) * difference.std():
            expected = float(share)
            break
    assert cautious_logit_share(*data) == pytest.approx(expected)


def test_one_target_or_one_compound_alone_supports_nothing():
    errors, corrections, targets = made(0.6, 0.01)
    alone = np.zeros_like(targets)
    assert supported_share(errors, corrections, targets) > 0.5
    assert supported_share(errors, corrections, alone) == 0
    assert supported_share(errors, corrections, targets, alone) == 0
    assert cautious_share(errors, corrections, targets) > 0.5
    assert cautious_share(errors, corrections, alone) == 0
    assert cautious_share(errors, corrections, targets, alone) == 0
    logits = np.zeros(len(errors), dtype=np.float32)
    active = corrections > 0
    assert cautious_logit_share(active, logits, corrections, targets) == 1
    assert cautious_logit_share(active, logits, corrections, alone) == 0
