"""From the errors of held-out rows to a calibration: quantiles of error over difficulty, and the domain.

Source: see `hyperpcm.target_model.calibration`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hyperpcm.errors import LabelError
from hyperpcm.nn.trees import BoostedTrees
from hyperpcm.target_model.calibration import GRID, NOT_THERE, VERDICTS, Calibration
from hyperpcm.target_model.unlike import is_unlike

__all__ = ["LEAST_ROWS", "LEAST_TARGETS", "HeldOut", "calibrate", "conformal_quantiles", "table_by"]

LEAST_ROWS: Final = 50
"""Held-out rows below which there is no calibration."""
LEAST_TARGETS: Final = 5
"""Held-out targets below which nothing is promised of new ones."""
_TARGETS_PER_GROUP, _GROUPS = 20, 3
_EDGES: Final = (0.7, 0.9)  # shares of held-out rows that are inside, and inside or at the edge
_ON_NEW_TARGETS: Final = ("target", "both", "mixed")  # some or all held-out rows are
_HANDFUL: Final = 20  # rows
_PARTS: Final = 4  # of the held-out rows, by similarity of target or compound, in the tables of errors


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Rows that training never saw.

    Attributes:
        errors: label minus score, in label units, float64 [n].
        difficulty: absolute error to be expected, in label units, float32 [n].
        nearest_target: similarity of the nearest known target, float32 [n]; zeros where none is known.
        nearest_compound: Tanimoto similarity of the nearest landmark, float32 [n]; likewise.
        target: of each row, int64 [n].
        unseen: what of a row training had not seen: a key of `UNSEEN`.
    """

    errors: npt.NDArray[np.float64]
    difficulty: npt.NDArray[np.float32]
    nearest_target: npt.NDArray[np.float32]
    nearest_compound: npt.NDArray[np.float32]
    target: npt.NDArray[np.int64]
    unseen: str

    def of(self, chosen: npt.NDArray[np.bool_], unseen: str) -> HeldOut:
        """Return some of the rows, with what of those training had not seen.

        Args:
            chosen: bool [n].
            unseen: a key of `UNSEEN`.
        """
        return HeldOut(
            errors=self.errors[chosen],
            difficulty=self.difficulty[chosen],
            nearest_target=self.nearest_target[chosen],
            nearest_compound=self.nearest_compound[chosen],
            target=self.target[chosen],
            unseen=unseen,
        )


def conformal_quantiles(ratios: npt.NDArray[np.float64]) -> npt.NDArray[np.float32]:
    """Return the quantile of each level of the grid, with the correction for a finite number of rows.

    Of n ratios, that of level p is the ⌈(n + 1) p⌉-th smallest; where that is more than n there is none.

    Args:
        ratios: absolute error over difficulty of each held-out row.
    """
    ordered, levels = np.sort(ratios), np.arange(1, GRID + 1)
    places = -(-(len(ratios) + 1) * levels // (GRID + 1))
    found = np.full(GRID, NOT_THERE, dtype=np.float32)
    there = places <= len(ratios)
    found[there] = ordered[places[there] - 1]
    return found


def calibrate(trees: BoostedTrees, columns: int, least: float, held_out: HeldOut) -> Calibration:
    """Return the calibration that held-out rows give.

    Rows are divided into up to three groups by how near the nearest known target is, where each has at least
    twenty held-out targets.

    Args:
        trees: that gave the difficulty.
        columns: how many they read.
        least: difficulty.
        held_out: the rows.

    Raises:
        LabelError: there are too few rows, or too few targets where targets are new; or no row has an error.
    """
    _check(held_out)
    errors, difficulty = np.abs(held_out.errors), held_out.difficulty.astype(np.float64)
    bounds = _bounds(held_out)
    group = np.searchsorted(bounds, held_out.nearest_target, side="right")
    ratios = errors / difficulty
    inside, edge = (float(np.quantile(held_out.difficulty, share)) for share in _EDGES)
    return Calibration(
        trees=trees,
        columns=columns,
        least=least,
        bounds=bounds,
        quantiles=np.stack([conformal_quantiles(ratios[group == one]) for one in range(len(bounds) + 1)]),
        edges=(inside, edge),
        reach=_reach(held_out),
        hardest=float(held_out.difficulty.max()),
        held_out=_record(held_out, (inside, edge)),
    )


def table_by(
    values: npt.NDArray[np.float32], errors: npt.NDArray[np.float64], parts: int = _PARTS
) -> list[dict[str, float]]:
    """Return the errors of rows in parts of equal size by a value (JSON values); ties stay together.

    Args:
        values: of each row.
        errors: label minus score of each row.
        parts: at most this many.
    """
    edges = np.unique(np.quantile(values, np.arange(1, parts) / parts))
    place = np.searchsorted(edges, values, side="left")
    return [
        {
            "from": float(values[place == part].min()),
            "to": float(values[place == part].max()),
            "rows": int((place == part).sum()),
            "rmse": float(np.sqrt(np.mean(errors[place == part] ** 2))),
        }
        for part in np.unique(place)
    ]


def _check(held_out: HeldOut) -> None:
    rows, targets = len(held_out.errors), len(np.unique(held_out.target))
    if rows < LEAST_ROWS:
        raise LabelError(f"intervals need {LEAST_ROWS} held-out rows or more; validation has {rows}.")
    if held_out.unseen in _ON_NEW_TARGETS and targets < LEAST_TARGETS:
        raise LabelError(
            f"intervals for new targets need {LEAST_TARGETS} held-out targets or more; validation has "
            f"{targets}."
        )
    if not np.any(held_out.errors):
        raise LabelError("every held-out label equals its score; nothing can be said about errors.")


def _reach(held_out: HeldOut) -> tuple[float, float]:
    """How far held-out rows go from what is known, in targets and in compounds."""
    return _least(held_out.nearest_target), _least(held_out.nearest_compound)


def _least(similarity: npt.NDArray[np.float32]) -> float:
    """Down to which similarity there are held-out rows to learn from: more than a handful."""
    return float(np.sort(similarity)[min(_HANDFUL, len(similarity)) - 1])


def _bounds(held_out: HeldOut) -> npt.NDArray[np.float32]:
    """Where groups of rows end, so that each has enough held-out targets."""
    _, first = np.unique(held_out.target, return_index=True)
    nearest = held_out.nearest_target[first]
    groups = min(_GROUPS, len(first) // _TARGETS_PER_GROUP)
    if held_out.unseen not in _ON_NEW_TARGETS or groups < 2:
        return np.zeros(0, dtype=np.float32)
    return np.unique(np.quantile(nearest, np.arange(1, groups) / groups)).astype(np.float32)


def _record(held_out: HeldOut, edges: tuple[float, float]) -> dict[str, Any]:
    errors = held_out.errors
    place = np.searchsorted(np.array(edges, dtype=np.float32), held_out.difficulty, side="left")
    place = np.where(
        is_unlike(held_out.nearest_target, held_out.nearest_compound, _reach(held_out)),
        len(VERDICTS) - 1,
        place,
    )
    return {
        "rows": len(errors),
        "targets": len(np.unique(held_out.target)),
        "unseen": held_out.unseen,
        "rmse": float(np.sqrt(np.mean(errors**2))),
        "verdicts": {
            verdict: {
                "rows": int((place == number).sum()),
                "rmse": float(np.sqrt(np.mean(errors[place == number] ** 2))),
            }
            for number, verdict in enumerate(VERDICTS)
            if (place == number).any()
        },
        "by_nearest_target": table_by(held_out.nearest_target, errors),
        "by_nearest_compound": table_by(held_out.nearest_compound, errors),
    }
