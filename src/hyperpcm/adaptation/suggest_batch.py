"""A batch out of a whole library: the most promising compounds are looked at together, then others.

A joint choice takes the square of its candidates in numbers, so it sees some thousand. Those that a budget
needs, the cheapest of the library, are among them; where likeness leaves a batch short, it is filled up from
the compounds that follow.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hyperpcm.adaptation.acquisition import BELIEVERS, BatchLimits, believed, chosen, payable, promise
from hyperpcm.adaptation.suggest_candidates import CandidateSearch
from hyperpcm.adaptation.suggest_compounds import CompoundPool, ScoredCompounds
from hyperpcm.adaptation.suggest_posterior import TargetPosterior
from hyperpcm.adaptation.suggest_survey import Survey
from hyperpcm.chem import tanimoto
from hyperpcm.errors import InputError
from hyperpcm.screening.filters import StructureFilter

__all__ = ["BatchChoice", "Limits"]

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]
Found = tuple[Places, ScoredCompounds]

_CANDIDATES: Final = 1024  # looked at together: enough that others hardly ever win a draw
_FOR_EACH: Final = 8  # candidates for each compound of a batch, at least
_MOST_CANDIDATES: Final = 4096  # 128 MB of covariance
_MORE: Final = 2  # times as many where limits leave a batch too small
_MOST_WAITING: Final = 1024  # compounds on order that count as measured, the most promising
_COMPARED: Final = 1024  # compounds compared together with those that were chosen


@dataclass(frozen=True)
class Limits:
    """What a batch has to keep to.

    Attributes:
        batch: compounds wanted.
        most_similar: largest Tanimoto similarity of two of them.
        budget: what they may cost together; None: any price.
    """

    batch: int
    most_similar: float = 1.0
    budget: float | None = None


class BatchChoice:
    """Chooses one batch.

    Args:
        library: to choose from.
        posterior: what is known of its compounds.
        survey: of all of them.
        strategy: of `STRATEGIES`.
        best: value to improve on.
        only: which structures may be chosen.
        seed: of the draws.
    """

    def __init__(
        self,
        library: CompoundPool,
        posterior: TargetPosterior,
        survey: Survey,
        strategy: str,
        best: float,
        only: StructureFilter,
        seed: list[int],
    ) -> None:
        self._library, self._posterior, self._survey = library, posterior, survey
        self._strategy, self._best, self._only, self._seed = strategy, best, only, seed
        on_order = survey.on_order if strategy in BELIEVERS else survey.on_order[:0]
        self._on_order = library.taken(self._promising(on_order)[:_MOST_WAITING])

    def batch(self, limits: Limits) -> Found:
        """Return the places and compounds of the batch, in the order of choice; limits may leave fewer.

        Raises:
            InputError: no compound can be chosen.
        """
        survey, budget = self._survey, limits.budget
        free = np.flatnonzero(survey.prices <= (np.inf if budget is None else payable(budget)))
        if not len(free):
            raise InputError(
                f"none of the {len(survey.mean):,} compounds of the library can be suggested: all were "
                "measured, are pending, are missing in the table or fail its conditions, or cost more than "
                "the budget."
            )
        order = self._promising(free)
        search, limit = (
            CandidateSearch(self._library, order, self._only),
            max(_CANDIDATES, _FOR_EACH * limits.batch),
        )
        cheap = None
        if budget is not None and len(order) > limit:
            by_price = order[np.argsort(survey.prices[order], kind="stable")]
            cheap = CandidateSearch(self._library, by_price, self._only).first(limits.batch)
        while True:
            candidates = _with_others(search.first(limit), cheap)
            if not len(candidates[0]):
                raise InputError(f"no compound of the library is {' and free of '.join(self._only.names)}.")
            generator = np.random.default_rng(self._seed)
            found = self._chosen(candidates, limits, None, generator)
            is_whole = self._is_whole(found, free, limits)
            if is_whole or not search.has_more(limit) or limit >= _MOST_CANDIDATES:
                break
            limit = min(limit * _MORE, _MOST_CANDIDATES)
        looked_at, window = candidates[0], list[Found]()
        for block in () if is_whole else search.after(limit):
            for start in range(0, len(block[0]), _COMPARED):
                window.append(self._possible(block, start, looked_at, found[1], limits))
                if sum(len(places) for places, _ in window) >= _CANDIDATES:
                    found, window = self._filled(found, window, limits, generator), []
                    if self._is_whole(found, free, limits):
                        return found
        return self._filled(found, window, limits, generator)

    def _is_whole(self, found: Found, free: Places, limits: Limits) -> bool:
        """Whether nothing can be added to a batch: it has all compounds, or the budget pays for no other."""
        if len(found[0]) == limits.batch or limits.budget is None:
            return len(found[0]) == limits.batch
        prices = self._survey.prices
        others = np.setdiff1d(free, found[0])
        left = payable(limits.budget) - prices[found[0]].sum()
        return not len(others) or float(prices[others].min()) > left

    def _promising(self, places: Places) -> Places:
        """Places in the order in which they are looked at."""
        mean, deviation = self._survey.mean[places], self._survey.deviation[places]
        return places[np.argsort(-promise(self._strategy, mean, deviation, self._best), kind="stable")]

    def _chosen(
        self,
        candidates: Found,
        limits: Limits,
        before: ScoredCompounds | None,
        generator: np.random.Generator,
    ) -> Found:
        """What is chosen of some candidates, after what is on order and what was chosen before."""
        places, compounds = candidates
        waiting = [] if before is None or self._strategy not in BELIEVERS else [before]
        every = ScoredCompounds.joined([self._on_order, *waiting, compounds])
        number = len(every) - len(compounds)
        mean, covariance = self._posterior.joint(every)
        noise = self._posterior.noise(every)
        narrowed, best = believed(
            self._strategy, mean, covariance, waiting=number, best=self._best, noise=noise
        )
        picks = chosen(
            self._strategy,
            mean[number:],
            narrowed,
            BatchLimits(
                limits.batch,
                compounds.bits.dense().astype(np.uint8),
                most_similar=limits.most_similar,
                prices=self._survey.prices[places],
                budget=limits.budget,
            ),
            batch=limits.batch,
            best=best,
            noise=noise[number:],
            generator=generator,
        )
        return places[picks], compounds.taken(np.array(picks, dtype=np.int64))

    def _possible(
        self, block: Found, start: int, looked_at: Places, chosen_before: ScoredCompounds, limits: Limits
    ) -> Found:
        """Some compounds of a block, as far as they are new and not too much like what was chosen."""
        places = block[0][start : start + _COMPARED]
        kept = np.flatnonzero(~np.isin(places, looked_at))
        compounds = block[1].taken(start + kept)
        if limits.most_similar < 1 and len(kept):
            bits = (one.bits.dense().astype(np.uint8) for one in (compounds, chosen_before))
            near = np.flatnonzero(tanimoto(*bits).max(axis=1, initial=0.0) <= limits.most_similar)
            kept, compounds = kept[near], compounds.taken(near)
        return places[kept], compounds

    def _filled(
        self, found: Found, window: Sequence[Found], limits: Limits, generator: np.random.Generator
    ) -> Found:
        """A batch and what is added to it out of further candidates."""
        further = _joined(window) if window else None
        if further is None or not len(further[0]):
            return found
        left = Limits(
            limits.batch - len(found[0]),
            limits.most_similar,
            None if limits.budget is None else max(0.0, limits.budget - self._survey.prices[found[0]].sum()),
        )
        return _joined([found, self._chosen(further, left, found[1], generator)])


def _joined(found: Sequence[Found]) -> Found:
    places = np.concatenate([own for own, _ in found])
    return places, ScoredCompounds.joined([compounds for _, compounds in found])


def _with_others(found: Found, others: Found | None) -> Found:
    """Candidates and those of some others that are not among them."""
    if others is None:
        return found
    new = np.flatnonzero(~np.isin(others[0], found[0]))
    return _joined([found, (others[0][new], others[1].taken(new))])
