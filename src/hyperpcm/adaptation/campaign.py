"""A campaign of measurements on one target: ask what to measure, tell what was measured, ask again."""

from __future__ import annotations

import collections
import dataclasses
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hyperpcm.adaptation.acquisition import BatchLimits, check_strategy, chosen, promise
from hyperpcm.adaptation.library_state import target_digest
from hyperpcm.adaptation.suggest_compounds import CompoundPool, ScoredCompounds
from hyperpcm.adaptation.suggest_conditions import CompoundTable
from hyperpcm.adaptation.suggest_outlook import Outlook, chance_above, top_threshold
from hyperpcm.adaptation.suggest_posterior import TargetPosterior
from hyperpcm.datasets.output_files import atomic_file
from hyperpcm.errors import ConfigError, InputError
from hyperpcm.screening.filters import StructureFilter
from hyperpcm.target_model import Measurement, TargetModel
from hyperpcm.target_model.adapting import adapted, unadapted

__all__ = ["Campaign", "Suggestion"]

Floats = npt.NDArray[np.float64]

_CANDIDATES: Final = 1024  # looked at together: enough that others hardly ever win a draw
_FOR_EACH: Final = 8  # candidates for each compound of a batch, at least
_MOST_CANDIDATES: Final = 4096  # 128 MB of covariance
_MORE: Final = 2  # times as many where limits leave a batch too small
_DRAWS: Final = 2000  # of the values of a batch, for what its best is expected to be
_VERSION: Final = 1


@dataclass(frozen=True, eq=False)
class Suggestion:
    """The compounds to measure next, in the order of choice.

    Attributes:
        strategy: that chose them.
        compounds: with their scores before anything was measured.
        mean: of what is known of their values, in label units, float64 [b].
        deviation: standard deviation of it [b].
        chance: probability of each to belong to the best 1 % of the library [b].
        prices: of them; None where no table was given [b].
        outlook: what measuring them is expected to bring.
        candidates: compounds of the library that could be chosen.
    """

    strategy: str
    compounds: ScoredCompounds
    mean: Floats
    deviation: Floats
    chance: Floats
    prices: Floats | None
    outlook: Outlook
    candidates: int

    def __len__(self) -> int:
        return len(self.compounds)


@dataclass(frozen=True, eq=False)
class _Survey:
    """What is known of all compounds of a library.

    Attributes:
        mean: of their values [n].
        deviation: standard deviation [n].
        prices: NaN for what cannot be chosen [n].
        measured: values of those that were measured, by their place.
    """

    mean: Floats
    deviation: Floats
    prices: Floats
    measured: dict[int, float]


class Campaign:
    """Asks and tells; the same seed, measurements and questions give the same answers.

    Args:
        target: adapted or not; what it has measured is known from the start.
        library: compounds to choose from, scored by this target before anything was measured:
            `scored_library` or `HeldCompounds.of`.
        seed: of all draws.
        table: which compounds may be bought, for how much; None: all, for nothing.
        only: which structures may be chosen; None: all.
        never: standardised structures that are not suggested, as if they were on order.
    """

    def __init__(
        self,
        target: TargetModel,
        library: CompoundPool,
        *,
        seed: int = 0,
        table: CompoundTable | None = None,
        only: StructureFilter | None = None,
        never: Collection[str] = (),
    ) -> None:
        self.target, self.library, self.seed = target, library, seed
        self.rounds = 0
        self._table, self._only = table, StructureFilter() if only is None else only
        self._pending = set(never)
        self._scores: dict[str, float] = {}  # of what was suggested, so that it is not scored again

    @property
    def measured(self) -> tuple[Measurement, ...]:
        """All measurements that the target has seen."""
        adaptation = self.target.adaptation
        return () if adaptation is None else adaptation.measurements

    @property
    def pending(self) -> frozenset[str]:
        """Structures that were suggested, or never are to be, and were not measured."""
        return frozenset(self._pending)

    def release(self) -> None:
        """Forget what is pending: what was suggested and not measured may be suggested again."""
        self._pending.clear()

    def tell(self, measurements: Sequence[Measurement]) -> None:
        """Let the target learn from measurements; those of compounds that were not asked for count as well.

        Raises:
            ConfigError: the model cannot be adapted; it says why.
            LabelError: a value that is not finite.
        """
        self.target = adapted(self.target, measurements, scores=self._scores)
        self._pending -= {one.smiles for one in measurements}

    def ask(
        self,
        batch: int,
        strategy: str = "ucb",
        *,
        most_similar: float = 1.0,
        budget: float | None = None,
    ) -> Suggestion:
        """Return which compounds to measure next; none that was measured or is pending.

        Args:
            batch: how many; fewer where conditions allow no more.
            strategy: of `STRATEGIES`.
            most_similar: largest Tanimoto similarity of two of them, by the target's fingerprint.
            budget: what they may cost together.

        Raises:
            ConfigError: an unknown strategy, one that needs to know how sure scores are where the target
                does not, a number out of range, or a budget without prices.
            InputError: no compound is left, or the table tells none of the library.
        """
        self._check(batch, strategy, budget)
        posterior = TargetPosterior(self.target)
        survey = self._surveyed(posterior)
        free = np.isfinite(survey.prices) & (survey.prices <= (np.inf if budget is None else budget))
        if not free.any():
            raise InputError(
                f"none of the {len(free):,} compounds of the library can be suggested: all were measured, "
                "are pending, are missing in the table or fail its conditions, or cost more than the budget."
            )
        best = self._best(survey.mean)
        order = np.flatnonzero(free)
        first = promise(strategy, survey.mean[order], survey.deviation[order], best)
        order = order[np.argsort(-first, kind="stable")]
        key, limit = [self.seed, self.rounds, len(self.measured)], max(_CANDIDATES, _FOR_EACH * batch)
        while True:
            generator = np.random.default_rng(key)
            places, candidates = self._candidates(order, limit)
            if not len(candidates):
                raise InputError(f"no compound of the library is {' and free of '.join(self._only.names)}.")
            limits = BatchLimits(
                batch,
                candidates.bits.dense().astype(np.uint8),
                most_similar=most_similar,
                prices=survey.prices[places],
                budget=budget,
            )
            mean, covariance = posterior.joint(candidates)
            picks = chosen(
                strategy, mean, covariance, limits, batch=batch, best=best, noise=posterior.noise,
                generator=generator,
            )  # fmt: skip
            if len(picks) == batch or limit >= min(len(order), _MOST_CANDIDATES):
                break
            limit = min(limit * _MORE, _MOST_CANDIDATES)
        self.rounds += 1
        taken, at = candidates.taken(np.array(picks)), places[picks]
        self._pending |= set(taken.smiles)
        self._scores |= dict(zip(taken.smiles, taken.scores.tolist(), strict=True))
        gain = _improvement(mean[picks], covariance[np.ix_(picks, picks)], best, generator)
        outlook = self._outlook(survey, at, best, gain, posterior.noise)
        return Suggestion(
            strategy=strategy,
            compounds=taken,
            mean=survey.mean[at],
            deviation=survey.deviation[at],
            chance=chance_above(survey.mean[at], survey.deviation[at], outlook.threshold),
            prices=None if self._table is None else survey.prices[at],
            outlook=outlook,
            candidates=int(free.sum()),
        )

    def save(self, path: Path) -> None:
        """Write what the campaign knows to a JSON file, whole or not at all; not the library or conditions.

        Raises:
            OutputError: it cannot be written.
        """
        record = {
            "version": _VERSION,
            "target": target_digest(self.target),
            "seed": self.seed,
            "rounds": self.rounds,
            "pending": sorted(self._pending),
            "measurements": [dataclasses.asdict(one) for one in self.measured],
        }
        with atomic_file(path, overwrite=True) as file:
            file.write(json.dumps(record, indent=1).encode())

    @classmethod
    def load(cls, path: Path, target: TargetModel, library: CompoundPool, **conditions: Any) -> Campaign:
        """Return the campaign that `save` wrote; it goes on as if it had never been left.

        Args:
            path: of the file.
            target: the same, adapted or not; what it has seen is what the file says.
            library: scored by it.
            conditions: ``table`` and ``only``, as for `Campaign`.

        Raises:
            InputError: the file cannot be read, or it is of another target.
        """
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            if record["version"] != _VERSION:
                raise ValueError(f"version {record['version']}")
            digest, seed, rounds = record["target"], int(record["seed"]), int(record["rounds"])
            measurements = [Measurement(**one) for one in record["measurements"]]
            pending = [str(one) for one in record["pending"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: this is not a saved campaign, or it is damaged ({error}).") from None
        if digest != target_digest(target):
            raise InputError(f"{path}: is the campaign of another target. Give the one that it began with.")
        found = cls(unadapted(target), library, seed=seed, never=pending, **conditions)
        if measurements:
            found.target = found.target.adapt(measurements)
        found.rounds = rounds
        return found

    def _check(self, batch: int, strategy: str, budget: float | None) -> None:
        check_strategy(strategy)
        if batch < 1:
            raise ConfigError(f"a batch holds 1 compound at least, not {batch}.")
        if budget is not None and self._table is None:
            raise ConfigError("a budget needs prices: give a table with a column of prices.")
        if strategy != "greedy" and self.target.residual_prior is None:
            reason = self.target.provenance.get("model", {}).get("no_adaptation")
            raise ConfigError(
                f"the strategy {strategy!r} needs to know how sure scores are, and this target does not: "
                f"{reason or 'an older version trained it; train it again.'} Use greedy instead."
            )

    def _best(self, mean: Floats) -> float:
        """The largest measured value; where there is none, the largest expected one."""
        return max((one.value for one in self.measured if one.relation >= 0), default=float(mean.max()))

    def _surveyed(self, posterior: TargetPosterior) -> _Survey:
        known = collections.defaultdict[str, list[float]](list)
        for one in self.measured:
            known[one.smiles].append(one.value)
        barred, is_told, start = self._pending | set(known), self._table is None, 0
        parts, measured = list[tuple[Floats, Floats, Floats]](), dict[int, float]()
        for block in self.library.blocks():
            prices = np.zeros(len(block))
            if self._table is not None:
                prices = self._table.of(block.names, block.smiles)
                is_told |= bool(np.isfinite(prices).any())
            for place in [at for at, smiles in enumerate(block.smiles) if smiles in barred]:
                prices[place] = np.nan
                if block.smiles[place] in known:
                    measured[start + place] = float(np.mean(known[block.smiles[place]]))
            parts.append((*posterior.marginal(block), prices))
            start += len(block)
        if not is_told and self._table is not None:
            raise InputError(
                "no compound of the library is in the table with all its conditions; they are joined by "
                f"{self._table.joined_by}. Check that both call compounds alike."
            )
        mean, deviation, every = (np.concatenate(part) for part in zip(*parts, strict=True))
        return _Survey(mean, deviation, every, measured)

    def _outlook(
        self, survey: _Survey, at: npt.NDArray[np.int64], best: float, gain: float, noise: float
    ) -> Outlook:
        mean, deviation = survey.mean.copy(), survey.deviation.copy()
        for place, value in survey.measured.items():
            mean[place], deviation[place] = value, 0.0
        threshold = top_threshold(mean, deviation)
        chance = chance_above(mean, deviation, threshold)
        expected = float(chance[at].sum())
        chance[[*at, *survey.measured]] = 0.0
        return Outlook(
            batch=len(at),
            threshold=threshold,
            expected_top=expected,
            expected_left=float(chance.sum()),
            measured_top=len({one.smiles for one in self.measured if one.value > threshold}),
            best=best,
            is_measured=bool(self.measured),
            improvement=gain,
            noise=float(np.sqrt(noise)),
        )

    def _candidates(
        self, order: npt.NDArray[np.int64], limit: int
    ) -> tuple[npt.NDArray[np.int64], ScoredCompounds]:
        """The first so many compounds of an order that the filter accepts."""
        places, blocks, number = list[npt.NDArray[np.int64]](), list[ScoredCompounds](), 0
        for start in range(0, len(order), limit):
            own = order[start : start + limit]
            block = self.library.taken(own)
            kept = np.array([self._only.accepts(smiles) for smiles in block.smiles], dtype=np.bool_)
            at = np.flatnonzero(kept)[: limit - number]
            places.append(own[at])
            blocks.append(block.taken(at))
            number += len(at)
            if number == limit:
                break
        return np.concatenate(places), ScoredCompounds.joined(blocks)


def _improvement(mean: Floats, covariance: Floats, best: float, generator: np.random.Generator) -> float:
    """By how much the best of some compounds is expected to exceed the best so far, at least 0."""
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    draws = mean[:, None] + root @ generator.standard_normal((len(mean), _DRAWS))
    return float(np.maximum(draws.max(axis=0) - best, 0.0).mean())
