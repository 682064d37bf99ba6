"""What intervals and verdicts are worth, measured on rows that neither training nor calibration saw."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hyperpcm.errors import ConfigError
from hyperpcm.target_model.calibration import VERDICTS, Calibration
from hyperpcm.trust.conformal import HeldOut

__all__ = [
    "LEVELS",
    "Coverage",
    "coverage_by_level",
    "coverage_of_kinds",
    "half_widths",
    "measured_coverage",
    "summarised",
    "thirds",
]

LEVELS: Final = (0.8, 0.9)
"""Levels that coverage is measured at."""
_CURVE: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
_KINDS: Final = ("new_targets", "known_targets")
_BINS: Final = 3  # of the test targets, by the similarity of the nearest known one
_ABSTAINED: Final = 0.3


@dataclass(frozen=True)
class Coverage:
    """What intervals of one model hold on one test side.

    Attributes:
        rows: of the test side.
        targets: of the test side.
        held: share of the labels inside their interval, by level.
        held_by_bin: that share in each third of the targets, from those far from every known target to those
            near one, by level.
        width: mean width of the intervals in label units, by level.
        width_ratio: of that to the width of the interval that holds as many training labels, by level; None
            where these labels are all the same.
        rmse_by_verdict: root of the mean squared error of the rows of each verdict.
        share_by_verdict: share of the rows with each verdict.
        mse: of all rows.
        abstain_mse_ratio: mean squared error without the three tenths of the rows that look hardest, over
            that of all.
    """

    rows: int
    targets: int
    held: dict[str, float]
    held_by_bin: dict[str, list[float]]
    width: dict[str, float]
    width_ratio: dict[str, float | None]
    rmse_by_verdict: dict[str, float]
    share_by_verdict: dict[str, float]
    mse: float
    abstain_mse_ratio: float

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return dataclasses.asdict(self)


def half_widths(calibration: Calibration, test: HeldOut, level: float) -> npt.NDArray[np.float32]:
    """Return half the width of the interval of each row, each by its own group, in label units.

    Args:
        calibration: of a model, not of one target.
        test: the rows.
        level: in hundredths.

    Raises:
        ConfigError: there are no intervals of this level.
    """
    group = np.searchsorted(calibration.bounds, test.nearest_target, "right")
    half = np.zeros(len(group), dtype=np.float32)
    for one in np.unique(group):
        half[group == one] = calibration.half_widths(test.difficulty[group == one], level, int(one))
    return half


def coverage_by_level(calibration: Calibration, test: HeldOut) -> list[dict[str, float]]:
    """Return the share of the labels inside intervals of each level that there is (JSON values).

    Args:
        calibration: of a model, not of one target.
        test: rows that were neither learned from nor calibrated on.
    """
    errors, found = np.abs(test.errors), []
    for level in _CURVE:
        try:
            half = half_widths(calibration, test, level)
        except ConfigError:  # too few rows to calibrate on for so high a level
            continue
        found.append(
            {"level": level, "held": float((errors <= half).mean()), "width": float(2 * half.mean())}
        )
    return found


def measured_coverage(
    calibration: Calibration, test: HeldOut, known_labels: npt.NDArray[np.float32]
) -> Coverage:
    """Return what the intervals of a calibration hold.

    Args:
        calibration: of a model, not of one target.
        test: rows that were neither learned from nor calibrated on.
        known_labels: labels of the training side; their quantiles are the interval of whoever knows nothing
            of target and compound.
    """
    errors = np.abs(test.errors)
    held, by_bin, width = {}, {}, {}
    ratio: dict[str, float | None] = {}
    bins = thirds(test.target, test.nearest_target)
    for level in LEVELS:
        half = half_widths(calibration, test, level)
        inside, name = errors <= half, f"{level:g}"
        held[name] = float(inside.mean())
        by_bin[name] = [float(inside[bins == one].mean()) for one in np.unique(bins)]
        low, high = np.quantile(known_labels, [(1 - level) / 2, (1 + level) / 2])
        width[name] = float(2 * half.mean())
        ratio[name] = width[name] / float(high - low) if high > low else None
    verdicts = np.array(calibration.verdicts(test.difficulty, test.nearest_target, test.nearest_compound))
    squares = test.errors**2
    kept = np.argsort(test.difficulty, kind="stable")[: round((1 - _ABSTAINED) * len(errors))]
    present = [verdict for verdict in VERDICTS if (verdicts == verdict).any()]
    return Coverage(
        rows=len(errors),
        targets=len(np.unique(test.target)),
        held=held,
        held_by_bin=by_bin,
        width=width,
        width_ratio=ratio,
        rmse_by_verdict={one: float(np.sqrt(squares[verdicts == one].mean())) for one in present},
        share_by_verdict={one: float((verdicts == one).mean()) for one in present},
        mse=float(squares.mean()),
        abstain_mse_ratio=float(squares[kept].mean() / squares.mean()),
    )


def coverage_of_kinds(
    calibration: Calibration,
    test: HeldOut,
    known: npt.NDArray[np.int64],
    known_labels: npt.NDArray[np.float32],
) -> dict[str, Any]:
    """Return what intervals hold on new targets and on known ones by themselves (JSON values).

    Args:
        calibration: of a model, not of one target.
        test: as of `measured_coverage`.
        known: targets that training has labels of.
        known_labels: as of `measured_coverage`.

    Returns:
        ``new_targets`` and ``known_targets``, each as from `Coverage.as_dict`; nothing where the division
        asks about one kind only.
    """
    on_known = np.isin(test.target, known)
    if test.unseen != "mixed" or on_known.all() or not on_known.any():
        return {}
    parts = (test.of(~on_known, "target"), test.of(on_known, "compound"))
    return {
        name: measured_coverage(calibration, part, known_labels).as_dict()
        for name, part in zip(_KINDS, parts, strict=True)
    }


def summarised(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the means of several parts (JSON values).

    Args:
        parts: as from `Coverage.as_dict`, one of each fold or seed.

    Returns:
        ``coverage`` and ``width`` by level; ``worst_bin_coverage_0.8``, the least of the coverages of the
        thirds, each averaged over the parts; ``width_ratio`` at 0.8; ``abstain_30_mse_ratio``;
        ``rmse_by_verdict``; where parts tell new targets and known ones apart, the same under
        ``new_targets`` and ``known_targets``.
    """
    kinds = {
        name: summarised([part[name] for part in parts])
        for name in _KINDS
        if all(name in part for part in parts)
    }
    return _summarised(parts) | kinds


def _summarised(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    usual = f"{LEVELS[0]:g}"
    bins = max(len(part["held_by_bin"][usual]) for part in parts)
    of_bins = [
        _mean(
            [part["held_by_bin"][usual][place] for part in parts if place < len(part["held_by_bin"][usual])]
        )
        for place in range(bins)
    ]
    present = [verdict for verdict in VERDICTS if any(verdict in part["rmse_by_verdict"] for part in parts)]
    return {
        "coverage": {f"{level:g}": _mean([part["held"][f"{level:g}"] for part in parts]) for level in LEVELS},
        "coverage_by_third_0.8": of_bins,
        "worst_bin_coverage_0.8": min(of_bins),
        "width": {f"{level:g}": _mean([part["width"][f"{level:g}"] for part in parts]) for level in LEVELS},
        "width_ratio": _mean_of_known([part["width_ratio"][usual] for part in parts]),
        "abstain_30_mse_ratio": _mean([part["abstain_mse_ratio"] for part in parts]),
        "rmse_by_verdict": {
            verdict: _mean(
                [part["rmse_by_verdict"][verdict] for part in parts if verdict in part["rmse_by_verdict"]]
            )
            for verdict in present
        },
    }


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values))


def _mean_of_known(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return _mean(known) if known else None


def thirds(target: npt.NDArray[np.int64], nearest_target: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Return the third of the targets, by how near the nearest known one is, that each row belongs to.

    Args:
        target: of each row [n].
        nearest_target: similarity of the nearest known target of each row [n].
    """
    _, first = np.unique(target, return_index=True)
    edges = np.quantile(nearest_target[first], np.arange(1, _BINS) / _BINS)
    return np.searchsorted(edges, nearest_target, side="right").astype(np.int64)
