"""Whether a model can tell mutants apart, judged on measured ones: differences to the wild type.

A model that knows a wild type and nothing of what a substitution does still predicts a difference: the score
of an unknown protein lies nearer to the mean, and to its relatives, than the label of a known one, with its
luck and its noise, and so does the next measurement. Two controls take that out. *Random substitutions*
elsewhere in the same proteins must explain the measured differences less well than the real ones; and
*mutants of one protein* must be told from one another, where the label of the wild type plays no part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from hyperpcm import metrics
from hyperpcm.trust.differences import Differences

__all__ = [
    "CLEAR",
    "LEAST_MUTANTS",
    "MutantFigures",
    "MutantTest",
    "Verdict",
    "judged",
]

LEAST_MUTANTS: Final = 5
"""Mutants below which nothing is said."""
CLEAR: Final = 0.5
"""Measured difference, in label units, from which its sign counts."""
_RESAMPLES: Final = 2000

Verdict = Literal["can_tell", "cannot_tell", "untested"]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class MutantFigures:
    """How predicted differences follow measured ones.

    Attributes:
        mutants: how many.
        proteins: how many wild types they have.
        differences: measured ones.
        compounds: how many different ones.
        pearson: over all differences; None where one side is constant.
        spearman: likewise.
        mean_pearson: mean of the correlations within each mutant that has one.
        sign_agreement: share of the measured differences of `CLEAR` or more whose sign was predicted; None
            where there is none.
        clear: how many those are.
        rmse: root of the mean squared error of predicted differences, in label units.
        no_change_rmse: that of predicting that nothing changes.
        interval: of ``pearson``, 95 %, by resampling of mutants; None where it is.
        random_pearson: mean correlation of measured differences with those predicted of random
            substitutions; None where none were tried or those are constant.
        gain: ``pearson`` minus that.
        gain_interval: of the gain, 95 %, on the same resamples.
        among: correlation of differences between mutants of one protein on one compound, each from their
            mean; None where fewer than `LEAST_MUTANTS` have such company, or one side is constant.
        among_interval: of that, 95 %, by resampling of mutants.
        among_mutants: how many have company.
    """

    mutants: int
    proteins: int
    differences: int
    compounds: int
    pearson: float | None
    spearman: float | None
    mean_pearson: float | None
    sign_agreement: float | None
    clear: int
    rmse: float | None
    no_change_rmse: float | None
    interval: tuple[float, float] | None
    random_pearson: float | None
    gain: float | None
    gain_interval: tuple[float, float] | None
    among: float | None
    among_interval: tuple[float, float] | None
    among_mutants: int

    @classmethod
    def of(cls, found: Differences, seed: int = 0) -> MutantFigures:
        """Return the figures of some differences.

        Args:
            found: one or more.
            seed: of the resampling.
        """
        measured, predicted = found.measured, found.predicted
        clear = np.abs(measured) >= CLEAR
        within = [
            metrics.pearson(measured[found.mutant == one], predicted[found.mutant == one])
            for one in np.unique(found.mutant)
        ]
        interval, random, gain, gain_interval = _resampled(found, seed)
        company = _from_their_mean(found)
        enough = len(company.mutants) >= LEAST_MUTANTS
        among = _number(metrics.pearson(company.measured, company.predicted)) if enough else None
        signs = np.sign(measured[clear]) == np.sign(predicted[clear])
        return cls(
            mutants=len(found.mutants),
            proteins=len(set(found.wild_types)),
            differences=len(measured),
            compounds=len(np.unique(found.compound)),
            pearson=_number(metrics.pearson(measured, predicted)),
            spearman=_number(metrics.spearman(measured, predicted)),
            mean_pearson=_number(np.nanmean(within)) if np.isfinite(within).any() else None,
            sign_agreement=_number(signs.mean()) if clear.any() else None,
            clear=int(clear.sum()),
            rmse=_number(metrics.rmse(measured, predicted)),
            no_change_rmse=_number(metrics.rmse(measured, np.zeros(len(measured)))),
            interval=interval,
            random_pearson=random,
            gain=gain,
            gain_interval=gain_interval,
            among=among,
            among_interval=None if among is None else _resampled(company, seed)[0],
            among_mutants=len(company.mutants),
        )

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> MutantFigures:
        """Return the figures that ``dataclasses.asdict`` wrote as JSON."""
        pairs = {key: _pair(record[key]) for key in ("interval", "gain_interval", "among_interval")}
        return cls(**{**record, **pairs})


@dataclass(frozen=True)
class MutantTest:
    """The verdict on a model.

    Attributes:
        verdict: ``can_tell`` where the correlation is above 0, the error is below that of predicting no
            change, and real substitutions are told from random ones and, where there are enough, from those
            of other mutants of the protein; all but the second with 95 % confidence. ``untested`` with fewer
            than `LEAST_MUTANTS` mutants that are new to it.
        new: figures of mutants of which training had no label; None where there are none.
        known: those of the others, which the model recalls; likewise.
    """

    verdict: Verdict
    new: MutantFigures | None
    known: MutantFigures | None

    def sentence(self) -> str:
        """Return the verdict and the numbers that it rests on."""
        new = self.new
        if self.verdict == "untested" or new is None:
            number = 0 if new is None else new.mutants
            return (
                f"Untested: the data hold {number} mutant{'' if number == 1 else 's'} without a label in "
                "training that compounds were measured on as well as on the wild type, and "
                f"{LEAST_MUTANTS} are needed."
            )
        over = (
            f"over {new.differences:,} differences of {new.mutants} mutants of {new.proteins} "
            f"protein{'' if new.proteins == 1 else 's'} that training had no label of"
        )
        if self.verdict == "can_tell":
            return (
                f"The model can tell mutants apart: {over}, measured and predicted changes correlate with "
                f"r = {_told(new.pearson)}{_told_interval(new.interval)}, and the error (RMSE "
                f"{_told(new.rmse)}) is below that of “no change” ({_told(new.no_change_rmse)})."
            )
        return f"The model cannot tell mutants apart: {over}, {'; '.join(_faults(new))}."

    def record(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "verdict": self.verdict,
            "new": None if self.new is None else asdict(self.new),
            "known": None if self.known is None else asdict(self.known),
        }

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> MutantTest:
        """Return the test that `record` wrote."""
        new, known = (
            None if record[key] is None else MutantFigures.of_record(record[key]) for key in ("new", "known")
        )
        return cls(record["verdict"], new, known)


def judged(found: Differences, seed: int = 0) -> MutantTest:
    """Return the verdict that measured mutants give.

    Args:
        found: all of them, new and known; may be none.
        seed: of the resampling.
    """
    new, known = found.of(new=True), found.of(new=False)
    figures = MutantFigures.of(new, seed) if len(new.measured) else None
    recalled = MutantFigures.of(known, seed) if len(known.measured) else None
    if figures is None or figures.mutants < LEAST_MUTANTS:
        return MutantTest("untested", figures, recalled)
    return MutantTest("cannot_tell" if _faults(figures) else "can_tell", figures, recalled)


def _faults(new: MutantFigures) -> list[str]:
    """What keeps the model from being believed, in words; nothing where it can tell mutants apart."""
    if new.pearson is None or new.interval is None or new.rmse is None or new.no_change_rmse is None:
        return ["predicted or measured changes are all the same"]
    faults = []
    if new.interval[0] <= 0:
        faults.append(
            f"that measured and predicted changes correlate is not certain: r = {_told(new.pearson)}"
            f"{_told_interval(new.interval)}"
        )
    if new.rmse >= new.no_change_rmse:
        faults.append(
            f"the error of predicted changes (RMSE {_told(new.rmse)}) is not below that of “no change” "
            f"({_told(new.no_change_rmse)})"
        )
    if new.gain_interval is not None and new.gain_interval[0] <= 0:
        faults.append(
            "random substitutions in the same proteins would explain the measured changes as well (r = "
            f"{_told(new.random_pearson)}, real ones {_told(new.pearson)})"
        )
    if new.among_mutants >= LEAST_MUTANTS and (new.among_interval is None or new.among_interval[0] <= 0):
        faults.append(
            f"{new.among_mutants} mutants are not told from others of the same protein: r = "
            f"{_told(new.among)}{_told_interval(new.among_interval)}"
        )
    return faults


def _from_their_mean(found: Differences) -> Differences:
    """Differences to the mean of all mutants of the protein on that compound; those without company go.

    What was measured on the wild type, and what is predicted of it, is the same for all of them and goes out.
    """
    proteins = np.unique(found.wild_types, return_inverse=True)[1].astype(np.int64)
    size = int(found.compound.max(initial=0)) + 1
    _, group = np.unique(proteins[found.mutant] * size + found.compound, return_inverse=True)
    members = np.bincount(group)
    rows = np.flatnonzero(members[group] > 1)

    def centred(values: Floats) -> Floats:
        means: Floats = np.bincount(group, values) / np.maximum(members, 1)
        return values - means[group]

    own = Differences(
        mutants=found.mutants,
        wild_types=found.wild_types,
        mutations=found.mutations,
        is_new=np.isin(np.arange(len(found.mutants)), found.mutant[rows]),
        mutant=found.mutant[rows],
        compound=found.compound[rows],
        measured=centred(found.measured)[rows],
        predicted=centred(found.predicted)[rows],
        random=np.zeros((len(rows), 0)),
    )
    return own.of(new=True)


def _resampled(
    found: Differences, seed: int
) -> tuple[tuple[float, float] | None, float | None, float | None, tuple[float, float] | None]:
    """Interval of the correlation, mean correlation of random substitutions, and the gain over it."""
    number = len(found.mutants)
    drawn = np.random.default_rng(seed).multinomial(number, np.full(number, 1 / number), size=_RESAMPLES)
    own = _moments(found, found.predicted)
    whole = float(_correlations(own, np.ones((1, number)))[0])
    samples = _correlations(own, drawn)
    interval = _interval(samples) if np.isfinite(whole) else None
    columns = [column for column in found.random.T if np.isfinite(column).all()]
    if not columns:
        return interval, None, None, None
    moments = [_moments(found, column) for column in columns]
    at_random = _mean([_correlations(one, np.ones((1, number))) for one in moments])
    gained = samples - _mean([_correlations(one, drawn) for one in moments])
    # Random substitutions that change nothing explain nothing.
    gain = None if interval is None else whole - float(at_random[0])
    return interval, float(at_random[0]), gain, None if gain is None else _interval(gained)


def _moments(found: Differences, predicted: Floats) -> Floats:
    """Sums over the differences of each mutant, from which any resample has its correlation, [m, 6]."""
    x, y = found.measured, predicted
    columns = (np.ones(len(x)), x, y, x * x, y * y, x * y)
    size = len(found.mutants)
    return np.stack([np.bincount(found.mutant, column, minlength=size) for column in columns], axis=1)


def _correlations(moments: Floats, times: npt.NDArray[Any]) -> Floats:
    """Pearson's r where each mutant counts so many times [b, m]; NaN where a side is constant."""
    n, x, y, xx, yy, xy = (times @ moments).T
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = (n * xx - x * x) * (n * yy - y * y)
        found: Floats = np.where(spread > 1e-12, (n * xy - x * y) / np.sqrt(spread), np.nan)
    return found


def _mean(of_each: Sequence[Floats]) -> Floats:
    """Mean over random substitutions; one that changes nothing counts 0."""
    mean: Floats = np.mean([np.nan_to_num(one) for one in of_each], axis=0)
    return mean


def _interval(samples: Floats) -> tuple[float, float] | None:
    """The middle 95 % of the samples; one that is constant on a side counts 0."""
    low, high = np.quantile(np.nan_to_num(samples), [0.025, 0.975])
    return float(low), float(high)


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _pair(given: Any) -> tuple[float, float] | None:
    return None if given is None else (float(given[0]), float(given[1]))


def _told(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}".replace("-", "−")


def _told_interval(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f" (95 % interval {_told(interval[0])} to {_told(interval[1])})"
