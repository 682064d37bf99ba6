"""Which of some compounds to measure next: four strategies over what is known of their values.

    ucb       mean plus two standard deviations
    greedy    the highest mean
    ei        expected improvement over the best measured value
    thompson  one joint draw of all values for each compound of the batch: the best of the draw

A batch is chosen one by one. For ``ei`` and ``ucb`` each choice counts as measured, with the value that is
expected of it, before the next: that narrows what is known of similar compounds, so that a batch spreads.

Source: Hernández-Lobato et al., "Parallel and distributed Thompson sampling", ICML 2017; Ginsbourger et al.,
"Kriging is well-suited to parallelize optimization", 2010 (the believer); Desautels et al., "Parallelizing
exploration-exploitation tradeoffs in Gaussian process bandit optimization", JMLR 2014.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import linalg
from scipy.special import ndtr

from hyperpcm.chem import tanimoto
from hyperpcm.errors import ConfigError

__all__ = [
    "BELIEVERS",
    "STRATEGIES",
    "BatchLimits",
    "believed",
    "check_limits",
    "check_strategy",
    "chosen",
    "expected_improvement",
    "payable",
    "promise",
]

Floats = npt.NDArray[np.float64]
Score = Callable[[Floats, Floats, float], Floats]

STRATEGIES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ucb": "mean plus two standard deviations",
        "greedy": "the highest expected value",
        "ei": "expected improvement over the best measured value",
        "thompson": "Thompson sampling: the best compound of one joint draw of all values, for each choice",
    }
)
"""Each strategy, and what it chooses."""

BELIEVERS: Final = ("ucb", "ei")
"""Strategies that count what was chosen, or is on order, as measured."""

_DEVIATIONS: Final = 2.0  # of `ucb`, and of what may still win a draw
_JITTER: Final = 1e-6
_ROUNDING: Final = 1e-9


class BatchLimits:
    """What else a batch has to keep to; says after each choice which compounds may still be chosen.

    Where there is a budget, a compound may be chosen only if what is left then still pays for as many others
    as the budget can, up to a full batch.

    Args:
        batch: compounds wanted.
        bits: of the fingerprints of the candidates, uint8 [n, w].
        most_similar: largest Tanimoto similarity of two compounds of the batch.
        prices: of the candidates [n]; None: they cost nothing.
        budget: what the batch may cost; None: any price.

    Raises:
        ConfigError: a similarity outside 0 to 1, or a budget below 0.
    """

    def __init__(
        self,
        batch: int,
        bits: npt.NDArray[np.uint8],
        *,
        most_similar: float = 1.0,
        prices: Floats | None = None,
        budget: float | None = None,
    ) -> None:
        check_limits(most_similar, budget)
        self._wanted, self._bits, self._most_similar = batch, bits, most_similar
        self._prices = np.zeros(len(bits)) if prices is None else prices
        self._left = np.inf if budget is None else payable(budget)
        self._free = np.ones(len(bits), dtype=np.bool_)

    @property
    def open(self) -> npt.NDArray[np.bool_]:
        """Which candidates may be chosen next [n]."""
        paid: npt.NDArray[np.bool_] = self._free & (self._prices <= self._left)
        if not np.isfinite(self._left):
            return paid
        cheapest = np.sort(self._prices[self._free])
        others = min(self._wanted, int((np.cumsum(cheapest) <= self._left).sum())) - 1  # after this one
        if others < 1:
            return paid
        is_cheap = self._prices <= cheapest[others - 1]
        whole = np.where(is_cheap, cheapest[: others + 1].sum(), self._prices + cheapest[:others].sum())
        paid &= whole <= self._left
        return paid

    def take(self, place: int) -> None:
        """Note that a candidate was chosen."""
        self._free[place] = False
        self._wanted -= 1
        self._left -= self._prices[place]
        if self._most_similar < 1:
            near = tanimoto(self._bits, self._bits[place : place + 1])[:, 0]
            self._free &= near <= self._most_similar


def check_limits(most_similar: float, budget: float | None) -> None:
    """Refuse limits that no batch could keep.

    Raises:
        ConfigError: a similarity outside 0 to 1, or a budget below 0.
    """
    if not 0 <= most_similar <= 1:
        raise ConfigError(f"a Tanimoto similarity is between 0 and 1, not {most_similar}.")
    if budget is not None and not budget >= 0:
        raise ConfigError(f"a budget is a number from 0 on, not {budget}.")


def payable(budget: float) -> float:
    """Return the largest sum of prices that a budget pays for: sums of decimal fractions are not exact."""
    return budget * (1 + _ROUNDING)


def check_strategy(name: str) -> None:
    """Refuse a strategy that is not known.

    Raises:
        ConfigError: it is not.
    """
    if name not in STRATEGIES:
        raise ConfigError(f"there is no strategy {name!r}; there are {', '.join(STRATEGIES)}.")


def expected_improvement(mean: Floats, deviation: Floats, best: float) -> Floats:
    """Return by how much each value is expected to exceed the best one, E max(value − best, 0).

    Args:
        mean: of the values [n].
        deviation: standard deviation of them [n]; may be 0.
        best: to compare with.

    Source: Jones, Schonlau and Welch, "Efficient global optimization of expensive black-box functions", J.
        Glob. Optim. 1998, equation 15.

    Example:
        >>> expected_improvement(np.array([1.0, 3.0]), np.array([0.0, 0.0]), 2.0).tolist()
        [0.0, 1.0]
    """
    gain = mean - best
    safe = np.where(deviation > 0, deviation, 1.0)
    z = gain / safe
    found = gain * ndtr(z) + safe * np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    return np.where(deviation > 0, found, np.maximum(gain, 0.0))


def _expected(mean: Floats, deviation: Floats, best: float) -> Floats:
    """Expected improvement; where it is 0 to rounding, the nearer to the best the higher."""
    found = expected_improvement(mean, deviation, best)
    return np.where(found > 0, found, np.minimum(mean - best, 0.0))


def _optimistic(mean: Floats, deviation: Floats, _best: float) -> Floats:
    return mean + _DEVIATIONS * deviation


def _mean(mean: Floats, _deviation: Floats, _best: float) -> Floats:
    return mean


_SCORES: Final[Mapping[str, Score]] = MappingProxyType(
    {"thompson": _optimistic, "ei": _expected, "ucb": _optimistic, "greedy": _mean}
)


def promise(strategy: str, mean: Floats, deviation: Floats, best: float) -> Floats:
    """Return what puts compounds in order before the joint choice: those that come first are looked at.

    Args:
        strategy: of `STRATEGIES`.
        mean: of the values [n].
        deviation: standard deviation of them [n].
        best: measured so far.

    Raises:
        ConfigError: the strategy is not known.
    """
    check_strategy(strategy)
    return _SCORES[strategy](mean, deviation, best)


def chosen(
    strategy: str,
    mean: Floats,
    covariance: Floats,
    limits: BatchLimits,
    *,
    batch: int,
    best: float,
    noise: npt.ArrayLike,
    generator: np.random.Generator,
) -> list[int]:
    """Return the places of a batch in the order of choice; fewer where the limits allow no more.

    Args:
        strategy: of `STRATEGIES`.
        mean: of the values of the candidates [n].
        covariance: of them [n, n].
        limits: what the batch has to keep to; it is used up.
        batch: compounds wanted.
        best: measured so far.
        noise: variance of a measurement of each candidate [n], or of any.
        generator: of the draws.

    Raises:
        ConfigError: the strategy is not known.
    """
    check_strategy(strategy)
    if strategy == "thompson":
        return _best_of_draws(mean, covariance, limits, batch, generator)
    score, places, left = _SCORES[strategy], list[int](), covariance.copy()
    noises, believes = np.broadcast_to(np.asarray(noise, dtype=np.float64), mean.shape), strategy in BELIEVERS
    while len(places) < batch and (free := limits.open).any():
        deviation = np.sqrt(np.maximum(left.diagonal(), 0.0))
        place = int(np.where(free, score(mean, deviation, best), -np.inf).argmax())
        limits.take(place)
        places.append(place)
        if believes:
            best = max(best, float(mean[place]))
            total = left[place, place] + noises[place]
            if total > 0:
                left -= np.outer(left[place], left[place]) / total
    return places


def believed(
    strategy: str, mean: Floats, covariance: Floats, *, waiting: int, best: float, noise: Floats
) -> tuple[Floats, float]:
    """Return covariance and best value once the first compounds count as measured, with what is expected.

    Args:
        strategy: of `STRATEGIES`; one that does not count choices as measured leaves all as it is.
        mean: of the values, of compounds that are on order or chosen first, then of candidates [n].
        covariance: of them [n, n].
        waiting: how many come first.
        best: measured so far.
        noise: variance of a measurement of each [n].

    Returns:
        The covariance of the candidates [n - waiting, n - waiting], and the best.
    """
    if strategy not in BELIEVERS:
        return covariance[waiting:, waiting:], best
    if not waiting:
        return covariance, best
    measured = covariance[:waiting, :waiting] + np.diag(noise[:waiting])
    measured.flat[:: waiting + 1] += _JITTER**2 * max(float(measured.diagonal().mean()), _JITTER)
    half = linalg.solve_triangular(
        linalg.cholesky(measured, lower=True), covariance[:waiting, waiting:], lower=True
    )
    return covariance[waiting:, waiting:] - half.T @ half, max(best, float(mean[:waiting].max()))


def _best_of_draws(
    mean: Floats, covariance: Floats, limits: BatchLimits, batch: int, generator: np.random.Generator
) -> list[int]:
    jittered = covariance.copy()
    jittered.flat[:: len(jittered) + 1] += _JITTER * max(float(covariance.diagonal().mean()), _JITTER)
    lower = linalg.cholesky(jittered, lower=True)
    draws = mean[:, None] + lower @ generator.standard_normal((len(mean), batch))
    places = list[int]()
    for draw in draws.T:
        free = limits.open
        if not free.any():
            break
        places.append(int(np.where(free, draw, -np.inf).argmax()))
        limits.take(places[-1])
    return places
