"""Adapting: a compiled target that has learned from measurements on it, in closed form."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from hyperpcm.chem import morgan_counts
from hyperpcm.errors import ConfigError, LabelError
from hyperpcm.target_model.adaptation import Adaptation, Measurement, fit_adaptation

if TYPE_CHECKING:
    from hyperpcm.target_model.model import TargetModel

__all__ = ["adapted", "fingerprint", "summary", "unadapted", "without_seen"]

_RADIUS: Final = 2  # of fingerprints where the target retrieves no labels
_WIDTH: Final = 2048


def adapted(
    target: TargetModel,
    measurements: Sequence[Measurement],
    *,
    scores: Mapping[str, float] | None = None,
) -> TargetModel:
    """Return the target with measurements added to those that it has seen; the order plays no part.

    Args:
        target: not mutated.
        measurements: of standardised compounds, in the quantity of the model. Several of one compound each
            count, as far as the noise allows.
        scores: before anything was measured, of compounds where they are at hand, by standardised SMILES; the
            others are scored.

    Raises:
        ConfigError: the model cannot be adapted; it says why.
        LabelError: a value that is not finite.
    """
    prior = target.residual_prior
    if prior is None:
        reason = target.provenance.get("model", {}).get("no_adaptation")
        said = reason or "an older version trained it; train it again."
        raise ConfigError(f"this target model cannot learn from measurements: {said}")
    strange = [one for one in measurements if not np.isfinite(one.value)]
    if strange:
        raise LabelError(
            f"{strange[0].smiles}: the measured value is {strange[0].value}, which is no number."
        )
    before = unadapted(target)
    seen = () if target.adaptation is None else target.adaptation.measurements
    every = (*seen, *measurements)
    if not every:
        return before
    compounds = list(dict.fromkeys(one.smiles for one in every))
    of_compounds = _scores(before, compounds, {} if scores is None else scores)
    near = None if before.prior is None else before.prior.similarity(compounds)
    radius, width = fingerprint(before)
    counts = morgan_counts(compounds, radius=radius, width=width)
    places = {smiles: place for place, smiles in enumerate(compounds)}
    rows = np.array([places[one.smiles] for one in every])
    own_near = None if near is None else near[rows]
    found = fit_adaptation(prior, every, of_compounds[rows], own_near, counts[rows], radius)
    return dataclasses.replace(before, adaptation=found)


def _scores(
    target: TargetModel, smiles: Sequence[str], known: Mapping[str, float]
) -> npt.NDArray[np.float32]:
    """Scores of standardised SMILES, those at hand as they are."""
    missing = [text for text in dict.fromkeys(smiles) if text not in known]
    found = dict(zip(missing, target.score(missing, strict=True).values, strict=True)) if missing else {}
    return np.array([found[text] if text in found else known[text] for text in smiles], dtype=np.float32)


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

    A row is the same where compound, value, relation and source are; of several equal rows of one file as
    many count as there are.
    """
    seen = collections.Counter(() if target.adaptation is None else target.adaptation.measurements)
    found = []
    for one in measurements:
        if seen[one]:
            seen[one] -= 1
        else:
            found.append(one)
    return found


def summary(adaptation: Adaptation) -> dict[str, Any]:
    """Return what an adaptation rests on and says, as JSON values."""
    weights, prior = adaptation.weights, adaptation.prior
    measured = adaptation.measurements
    spread = prior.covariance
    exact = np.array([one.relation == 0 for one in measured])
    residuals = (np.array([one.value for one in measured]) - adaptation.before)[exact]
    left_out = residuals - adaptation.weights.expected[exact]
    return {
        "measurements": len(measured),
        "compounds": len({one.smiles for one in measured}),
        "bounds": sum(one.relation != 0 for one in measured),
        "sources": sorted({one.source for one in measured if one.source}),
        "choice": adaptation.choice,
        "log_densities": dict(adaptation.densities),
        "rmse_before": _root_mean_square(residuals),
        "rmse_left_out": _root_mean_square(left_out),
        "offset": float(weights.mean[0] * np.sqrt(spread.offset)),
        "slope": float(1 + weights.mean[1] * np.sqrt(spread.slope) / prior.spread),
    }


def _root_mean_square(values: npt.NDArray[np.float64]) -> float | None:
    return float(np.sqrt(np.square(values).mean())) if len(values) else None
