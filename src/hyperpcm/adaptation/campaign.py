"""A campaign of measurements on one target: ask what to measure, tell what was measured, ask again."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hyperpcm.adaptation.campaign_file import CampaignRecord
from hyperpcm.adaptation.library_state import target_digest
from hyperpcm.adaptation.suggest_batch import BatchChoice, Limits
from hyperpcm.adaptation.suggest_compounds import CompoundPool, ScoredCompounds
from hyperpcm.adaptation.suggest_conditions import CompoundTable
from hyperpcm.adaptation.suggest_outlook import Outlook
from hyperpcm.adaptation.suggest_posterior import TargetPosterior
from hyperpcm.adaptation.suggest_question import check_question
from hyperpcm.adaptation.suggest_survey import Survey, measured_values, surveyed
from hyperpcm.errors import ConfigError, InputError
from hyperpcm.screening.filters import StructureFilter
from hyperpcm.target_model import Measurement, TargetModel
from hyperpcm.target_model.adapting import adapted, unadapted

__all__ = ["Campaign", "Suggestion"]

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

_DRAWS: Final = 2000  # of the values of a batch, for what its best is expected to be


@dataclass(frozen=True, eq=False)
class Suggestion:
    """The compounds to measure next, in the order of choice.

    Attributes:
        strategy: that chose them.
        compounds: with their scores before anything was measured.
        mean: of what is known of their values, in label units, float64 [b].
        deviation: standard deviation of it [b]; None where the target does not know it.
        chance: probability of each to belong to the best 1 % of the library, likewise [b].
        prices: of them; None where no table was given [b].
        outlook: what measuring them is expected to bring; None where the target does not know deviations.
        candidates: compounds of the library that could be chosen, before structures are filtered.
    """

    strategy: str
    compounds: ScoredCompounds
    mean: Floats
    deviation: Floats | None
    chance: Floats | None
    prices: Floats | None
    outlook: Outlook | None
    candidates: int

    def __len__(self) -> int:
        return len(self.compounds)


class Campaign:
    """Asks and tells; the same seed, measurements and questions give the same answers.

    Args:
        target: adapted or not; what it has measured is known from the start.
        library: compounds to choose from, scored by this target before anything was measured:
            `scored_library` or `HeldCompounds.of`.
        seed: of all draws.
        table: which compounds may be bought, for how much; None: all, for nothing.
        only: which structures may be chosen; None: all.
        ordered: standardised structures that are on order: not suggested, whatever is released, and their
            values will be known.
        never: standardised structures that are not suggested either, and of which nothing will be known.

    Raises:
        ConfigError: a seed below 0.
    """

    def __init__(
        self,
        target: TargetModel,
        library: CompoundPool,
        *,
        seed: int = 0,
        table: CompoundTable | None = None,
        only: StructureFilter | None = None,
        ordered: Collection[str] = (),
        never: Collection[str] = (),
    ) -> None:
        if seed < 0:
            raise ConfigError(f"a seed is a number from 0 on, not {seed}.")
        self.target, self.library, self.seed = target, library, seed
        self.rounds = 0
        self._table, self._only = table, StructureFilter() if only is None else only
        self._pending, self._ordered, self._never = set[str](), frozenset(ordered), frozenset(never)
        self._scores: dict[str, float] = {}  # of what was suggested, so that it is not scored again

    @property
    def measured(self) -> tuple[Measurement, ...]:
        """All measurements that the target has seen."""
        adaptation = self.target.adaptation
        return () if adaptation is None else adaptation.measurements

    @property
    def pending(self) -> frozenset[str]:
        """Structures that were suggested and not measured."""
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

        For ``ucb`` and ``ei`` what is pending or on order, the 1,024 most promising of it, counts as measured
        with the value that is expected.

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
        check_question(
            self.target, batch, strategy, most_similar=most_similar, budget=budget, table=self._table
        )
        posterior, key = TargetPosterior(self.target), [self.seed, self.rounds, len(self.measured)]
        survey = surveyed(
            self.library,
            posterior,
            self.measured,
            on_order=self._pending | self._ordered,
            never=self._never,
            table=self._table,
            seed=[*key, 1],
        )
        best = max(measured_values(self.measured).values(), default=float(survey.mean.max()))
        choice = BatchChoice(self.library, posterior, survey, strategy, best, self._only, key)
        at, taken = choice.batch(Limits(batch, most_similar, budget))
        self.rounds += 1
        self._pending |= set(taken.smiles)
        self._scores |= dict(zip(taken.smiles, taken.scores.tolist(), strict=True))
        is_sure = not posterior.has_deviations
        return Suggestion(
            strategy=strategy,
            compounds=survey.as_bought(at, taken),
            mean=survey.mean[at],
            deviation=None if is_sure else survey.deviation[at],
            chance=None if is_sure else survey.chance[at],
            prices=None if self._table is None else survey.prices[at],
            outlook=None if is_sure else _outlook(self.measured, posterior, survey, at, taken, best, key),
            candidates=int(np.isfinite(survey.prices).sum()),
        )

    def save(self, path: Path) -> None:
        """Write what the campaign knows to a JSON file, whole or not at all; not the library or conditions.

        Raises:
            OutputError: it cannot be written.
        """
        CampaignRecord(
            target=target_digest(self.target),
            seed=self.seed,
            rounds=self.rounds,
            pending=frozenset(self._pending),
            ordered=self._ordered,
            never=self._never,
            measurements=self.measured,
        ).write(path)

    @classmethod
    def load(cls, path: Path, target: TargetModel, library: CompoundPool, **conditions: Any) -> Campaign:
        """Return the campaign that `save` wrote; it goes on as if it had never been left.

        Args:
            path: of the file.
            target: the same, adapted or not; what it has seen is what the file says.
            library: scored by it.
            conditions: ``table`` and ``only``, as for `Campaign`; ``ordered`` and ``never`` add to what the
                file says.

        Raises:
            InputError: the file cannot be read, or it is of another target.
        """
        record = CampaignRecord.read(path)
        if record.target != target_digest(target):
            raise InputError(f"{path}: is the campaign of another target. Give the one that it began with.")
        for kind in ("ordered", "never"):
            conditions[kind] = getattr(record, kind) | set(conditions.get(kind, ()))
        found = cls(unadapted(target), library, seed=record.seed, **conditions)
        if record.measurements:
            found.target = found.target.adapt(record.measurements)
        found.rounds, found._pending = record.rounds, set(record.pending)
        return found


def _outlook(
    measured: Sequence[Measurement],
    posterior: TargetPosterior,
    survey: Survey,
    at: Places,
    taken: ScoredCompounds,
    best: float,
    key: list[int],
) -> Outlook:
    chance = survey.chance.copy()
    chance[[*at, *survey.seen]] = 0.0
    mean, covariance = posterior.joint(taken)
    return Outlook(
        batch=len(at),
        threshold=survey.threshold,
        expected_top=float(survey.chance[at].sum()),
        expected_left=float(chance.sum()),
        measured_top=sum(value > survey.threshold for value in survey.measured.values()),
        best=best,
        is_measured=any(one.relation >= 0 for one in measured),
        improvement=_improvement(mean, covariance, best, np.random.default_rng([*key, 2])),
        noise=float(np.sqrt(posterior.noise(taken).mean())),
    )


def _improvement(mean: Floats, covariance: Floats, best: float, generator: np.random.Generator) -> float:
    """By how much the best of some compounds is expected to exceed the best so far, at least 0."""
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.maximum(values, 0.0))
    draws = mean[:, None] + root @ generator.standard_normal((len(mean), _DRAWS))
    return float(np.maximum(draws.max(axis=0) - best, 0.0).mean())
