"""Calibrates probabilities on held-out rows: a straight line from the logit to the calibrated logit.

A line has two numbers, which a few dozen targets tell, and is no other thing in any form of a target: a slope
and an intercept before the sigmoid. It never changes an order. Steps, as of isotonic regression, tie scores,
and each form would have to keep a table of them. How far the line goes from the identity is decided by
targets that it was not fitted on; where they do not gain more than chance gives, it is the identity.

Source: Platt, "Probabilistic outputs for support vector machines and comparisons to regularized likelihood
methods", 1999 (the line); Breiman et al., "Classification and Regression Trees", 1984 (one standard error).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hyperpcm.errors import LabelError
from hyperpcm.metrics import expected_calibration_error
from hyperpcm.metrics.reliability import BINS
from hyperpcm.target_model.label_scale import probabilities_of
from hyperpcm.trust.conformal import LEAST_ROWS, LEAST_TARGETS

__all__ = ["LogitMap", "fit_logit_map"]

_SHARES: Final = np.linspace(0.0, 1.0, 11)  # of the way from the identity to the fitted line
_FOLDS: Final = 10
_HARDLY: Final = 1e6  # inverse strength of the penalty: only where classes are told apart does it matter

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class LogitMap:
    """A calibrated logit is ``slope`` times the logit plus ``intercept``.

    Attributes:
        slope: above 0.
        intercept: of the line.
        held_out: what it rests on (JSON values): rows, targets, what of them training had not seen; the share
            of the fitted line that was taken; ``log_loss`` and ``ece`` over ``bins`` before, and after as
            found on targets that the line was not fitted on.
    """

    slope: float
    intercept: float
    held_out: dict[str, Any]


def fit_logit_map(
    active: npt.NDArray[np.bool_], logits: Floats, target: npt.NDArray[np.int64], unseen: str
) -> LogitMap:
    """Return the line that held-out rows support.

    Args:
        active: the class of each row [n].
        logits: what the model says of it [n].
        target: of each row [n]; rows of one target are held out together.
        unseen: what of a row training had not seen: a key of `UNSEEN`.

    Raises:
        LabelError: there are too few rows or targets, or all labels are equal.
    """
    _check(active, target)
    found = _out_of_fold(active, logits, target)
    losses = np.logaddexp(0.0, np.where(active, -1.0, 1.0) * found)
    chosen = _supported(losses, target)
    slope, intercept = _part(_line(active, logits), _SHARES[chosen])
    before, after = probabilities_of(found[0]), probabilities_of(found[chosen])
    return LogitMap(
        slope,
        intercept,
        {
            "rows": len(active),
            "targets": len(np.unique(target)),
            "unseen": unseen,
            "share": float(_SHARES[chosen]),
            "log_loss": {"before": float(losses[0].mean()), "after": float(losses[chosen].mean())},
            "ece": {
                "before": expected_calibration_error(active, before),
                "after": expected_calibration_error(active, after),
                "bins": BINS,
            },
        },
    )


def _check(active: npt.NDArray[np.bool_], target: npt.NDArray[np.int64]) -> None:
    rows, targets = len(active), len(np.unique(target))
    if rows < LEAST_ROWS:
        raise LabelError(
            f"calibrated probabilities need {LEAST_ROWS} held-out rows or more; validation has {rows}."
        )
    if targets < LEAST_TARGETS:
        raise LabelError(
            f"calibrated probabilities need {LEAST_TARGETS} held-out targets or more; validation has "
            f"{targets}."
        )
    if active.all() or not active.any():
        what = "active" if active.all() else "inactive"
        raise LabelError(f"all {rows} held-out labels are {what}; nothing can be said about probabilities.")


def _out_of_fold(
    active: npt.NDArray[np.bool_], logits: Floats, target: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """Logits of each share [s, n], by lines that were fitted on other targets."""
    from sklearn.model_selection import GroupKFold

    found = np.empty((len(_SHARES), len(logits)))
    folds = GroupKFold(min(_FOLDS, len(np.unique(target))))
    for fitted, held in folds.split(logits, active, target):
        line = _line(active[fitted], logits[fitted])
        for place, share in enumerate(_SHARES):
            slope, intercept = _part(line, share)
            found[place, held] = slope * logits[held] + intercept
    return found


def _line(active: npt.NDArray[np.bool_], logits: Floats) -> tuple[float, float]:
    """Slope and intercept with the least log loss; the identity where there is one class, or none rises."""
    from sklearn.linear_model import LogisticRegression

    if active.all() or not active.any():
        return 1.0, 0.0
    fitted = LogisticRegression(C=_HARDLY).fit(logits[:, None], active)
    slope, intercept = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    return (slope, intercept) if slope > 0 else (1.0, 0.0)


def _part(line: tuple[float, float], share: float) -> tuple[float, float]:
    """The line that goes this share of the way from the identity to another."""
    return 1 + float(share) * (line[0] - 1), float(share) * line[1]


def _supported(losses: npt.NDArray[np.float64], target: npt.NDArray[np.int64]) -> int:
    """The share with the least loss, where targets gain by it more than one standard error; else none."""
    best = int(losses.mean(1).argmin())
    gains = np.bincount(np.unique(target, return_inverse=True)[1], weights=losses[0] - losses[best])
    return best if gains.sum() > np.sqrt(len(gains)) * gains.std(ddof=1) else 0
