"""Adapting: a compiled target that has learned from measurements on it, in closed form."""

from __future__ import annotations

import collections
import dataclasses
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from hyperpcm.chem import morgan_counts
from hyperpcm.errors import ConfigError, LabelError
from hyperpcm.target_model.adaptation import Adaptation, fit_adaptation
from hyperpcm.target_model.measurement import Measurement
from hyperpcm.target_model.residual_prior import ResidualPrior, smoothed_profiles

if TYPE_CHECKING:
    from hyperpcm.datasets.assay import Assay
    from hyperpcm.target_model.model import TargetModel

__all__ = [
    "CHOICES",
    "CONTRADICTION",
    "adapted",
    "contradictions",
    "fingerprint",
    "measurements_of",
    "profiles_of",
    "summary",
    "unadapted",
    "without_seen",
]

CONTRADICTION: Final = 1.0
"""Label units: measurements of one compound further apart than that contradict one another."""

CHOICES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "posterior": "scores are corrected in full",
        "blend": "half of the correction is used: the measurements do not clearly speak for all of it",
        "none": "nothing is corrected: left out one at a time, the compounds are told better without the "
        "others",
    }
)
"""What is made of a correction, by the ``choice`` of an adaptation."""


_RADIUS: Final = 2  # of fingerprints where the target retrieves no labels
_WIDTH: Final = 2048
_BLOCK: Final = 512  # compounds whose similarities to the landmarks are held at once
_DISTANT: Final = 100  # standard deviations between value and score that no measurement explains


def adapted(
    target: TargetModel,
    measurements: Sequence[Measurement],
    *,
    scores: Mapping[str, float] | None = None,
) -> TargetModel:
    """Return the target with measurements added to those that it has seen; the order plays no part.

    Args:
        target: not mutated.
        measurements: in the quantity of the model; of each compound, values count with their mean, and bounds
            where there is no value.
        scores: before anything was measured, of compounds where they are at hand, by standardised SMILES; the
            others are scored.

    Returns:
        The target; the measurements that it keeps have standardised SMILES.

    Raises:
        ConfigError: the model cannot be adapted; it says why.
        LabelError: a value that is not finite, or far from anything that the model predicts; or a relation
            that is none.
        InvalidSmilesError: a SMILES that is no compound.
    """
    prior = target.residual_prior
    if prior is None:
        reason = target.provenance.get("model", {}).get("no_adaptation")
        said = reason or "an older version trained it; train it again."
        raise ConfigError(f"this target model cannot learn from measurements: {said}")
    _refuse_strange(measurements)
    before = unadapted(target)
    seen = () if target.adaptation is None else target.adaptation.measurements
    if not (seen or measurements):
        return before
    every, known = _scored(before, (*seen, *measurements), {} if scores is None else scores)
    compounds = list(dict.fromkeys(one.smiles for one in every))
    places = {smiles: place for place, smiles in enumerate(compounds)}
    rows = np.array([places[one.smiles] for one in every])
    of_rows = np.array([known[smiles] for smiles in compounds], dtype=np.float32)[rows]
    _refuse_distant(before, prior, every, of_rows)
    radius, width = fingerprint(before)
    counts = morgan_counts(compounds, radius=radius, width=width)[rows]
    psi = profiles_of(before, prior, compounds)[rows]
    found = fit_adaptation(prior, every, of_rows, None, counts, radius, profiles=psi)
    return dataclasses.replace(before, adaptation=found)


def _refuse_strange(measurements: Sequence[Measurement]) -> None:
    for one in measurements:
        if not np.isfinite(one.value):
            raise LabelError(f"{one.smiles}: the measured value is {one.value}, which is no number.")
        if one.relation not in (-1, 0, 1):
            raise LabelError(
                f"{one.smiles}: the relation of the measured value is {one.relation!r}. Say 0 for the value "
                "itself, 1 where what was measured lies above it, -1 where below."
            )


def _refuse_distant(
    target: TargetModel,
    prior: ResidualPrior,
    measurements: Sequence[Measurement],
    scores: npt.NDArray[np.float32],
) -> None:
    """Refuse values that are on another scale than the scores."""
    parts = dataclasses.astuple(prior.covariance)
    limit = _DISTANT * (prior.spread + float(np.sqrt(sum(parts))))
    off = np.abs(np.array([one.value for one in measurements]) - scores)
    worst = int(off.argmax())
    if off[worst] > limit:
        own, quantity = measurements[worst], target.quantity
        unit = f" in {quantity.unit}" if quantity.unit else ""
        raise LabelError(
            f"{own.smiles}: the measured value is {own.value:g}, and the model predicts {scores[worst]:.2f}: "
            f"they do not seem to be on one scale. Values have to be {quantity.name}{unit}."
        )


def _scored(
    target: TargetModel, measurements: Sequence[Measurement], known: Mapping[str, float]
) -> tuple[list[Measurement], dict[str, float]]:
    """The measurements with standardised SMILES, and the scores of these, those at hand as they are."""
    missing = [text for text in dict.fromkeys(one.smiles for one in measurements) if text not in known]
    scores, standard = dict(known), {}
    if missing:
        found = target.score(missing, strict=True)
        for text, smiles, value in zip(missing, found.smiles, found.values.tolist(), strict=True):
            standard[text] = text if smiles is None else smiles
            scores.setdefault(standard[text], value)
    every = [
        one if standard.get(one.smiles, one.smiles) == one.smiles
        else dataclasses.replace(one, smiles=standard[one.smiles])
        for one in measurements
    ]  # fmt: skip
    return every, scores


def profiles_of(target: TargetModel, prior: ResidualPrior, smiles: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return the profiles of standardised compounds [n, r]; of a few at a time, as landmarks may be many."""
    found = np.zeros((len(smiles), prior.profiles.shape[1]))
    if target.prior is None or not prior.profiles.shape[1]:
        return found
    for start in range(0, len(smiles), _BLOCK):
        near = target.prior.similarity(smiles[start : start + _BLOCK])
        found[start : start + _BLOCK] = smoothed_profiles(near, prior.profiles)
    return found


def fingerprint(target: TargetModel) -> tuple[int, int]:
    """Return radius and width of the fingerprints by which compounds are like measured ones."""
    prior = target.prior
    return (_RADIUS, _WIDTH) if prior is None else (prior.radius, prior.landmarks.shape[1])


def unadapted(target: TargetModel, forgotten: Callable[[Measurement], bool] | None = None) -> TargetModel:
    """Return the target as it would be had it never seen some measurements.

    Args:
        target: not mutated.
        forgotten: tells which; None: all of them.
    """
    bare = dataclasses.replace(target, adaptation=None)
    if forgotten is None or target.adaptation is None:
        return bare
    return adapted(bare, [one for one in target.adaptation.measurements if not forgotten(one)])


def without_seen(target: TargetModel, measurements: Sequence[Measurement]) -> list[Measurement]:
    """Return the measurements that the target has not seen: a file that is given again counts once.

    SMILES are standardised ones. A row is the same where compound, value (in single precision), relation and
    source are; of several equal rows of one file as many count as there are.
    """
    had = () if target.adaptation is None else target.adaptation.measurements
    seen = collections.Counter(_as_row(one) for one in had)
    found = []
    for one in measurements:
        row = _as_row(one)
        if seen[row]:
            seen[row] -= 1
        else:
            found.append(one)
    return found


def measurements_of(assay: Assay, source: str) -> list[Measurement]:
    """Return the rows of an assay as measurements.

    Args:
        assay: as read; on the scale of the model.
        source: what they are called.
    """
    rows = zip(assay.smiles, assay.values.tolist(), assay.relations.tolist(), strict=True)
    return [Measurement(smiles, value, relation, source) for smiles, value, relation in rows]


def contradictions(target: TargetModel, compounds: Collection[str]) -> dict[str, float]:
    """Return those of some compounds whose measurements are further apart than `CONTRADICTION`.

    Args:
        target: that has seen them.
        compounds: standardised SMILES.

    Returns:
        How far apart they are, in label units; the furthest first.
    """
    apart: dict[str, float] = {}
    measured: dict[str, list[Measurement]] = {smiles: [] for smiles in compounds}
    for one in () if target.adaptation is None else target.adaptation.measurements:
        if one.smiles in measured:
            measured[one.smiles].append(one)
    for smiles, own in measured.items():
        least = max((one.value for one in own if one.relation >= 0), default=-math.inf)
        most = min((one.value for one in own if one.relation <= 0), default=math.inf)
        if least - most > CONTRADICTION:
            apart[smiles] = least - most
    return dict(sorted(apart.items(), key=lambda one: (-one[1], one[0])))


def _as_row(one: Measurement) -> Measurement:
    return dataclasses.replace(one, value=float(np.float32(one.value)))


def summary(adaptation: Adaptation) -> dict[str, Any]:
    """Return what an adaptation rests on and says, as JSON values.

    Offset, in label units, and slope are those of the correction where scores are usual.
    """
    prior, mean = adaptation.prior, adaptation.weights.mean
    measured, covariance = adaptation.measurements, adaptation.prior.covariance
    usual = adaptation.share * float(prior.sizes([prior.centre])[0][0])
    exact = np.array([one.relation == 0 for one in measured])
    residuals = (np.array([one.value for one in measured]) - adaptation.before)[exact]
    left_out = residuals - adaptation.expected[exact]
    return {
        "measurements": len(measured),
        "compounds": len({one.smiles for one in measured}),
        "bounds": sum(one.relation != 0 for one in measured),
        "sources": sorted({one.source for one in measured if one.source}),
        "choice": adaptation.choice,
        "log_densities": dict(adaptation.densities),
        "rmse_before": _root_mean_square(residuals),
        "rmse_left_out": _root_mean_square(left_out),
        "offset": float(usual * mean[0] * np.sqrt(covariance.offset)),
        "slope": float(1 + usual * mean[1] * np.sqrt(covariance.slope) / prior.spread),
    }


def _root_mean_square(values: npt.NDArray[np.float64]) -> float | None:
    return float(np.sqrt(np.square(values).mean())) if len(values) else None
