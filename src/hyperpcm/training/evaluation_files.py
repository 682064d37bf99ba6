"""What evaluation leaves in the folder of a run beside its results: scores row by row, and their trust."""

from __future__ import annotations

import json
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.output import write_table
from hyperpcm.datasets.splits import Split
from hyperpcm.model import HyperPCM
from hyperpcm.target_model import Calibration
from hyperpcm.target_model.scores import LEVEL
from hyperpcm.training.run_folder import RunFolder
from hyperpcm.trust import HeldOut, coverage_by_level, coverage_of_kinds, half_widths, measured_coverage
from hyperpcm.trust.conformal import table_by

__all__ = ["write_scores", "write_trust"]

_DIGITS: Final = 6  # of similarities
_PARTS: Final = 8  # of the test rows, by similarity, in the tables of errors


def write_scores(
    folder: RunFolder,
    interactions: Interactions,
    split: Split,
    valid: npt.NDArray[np.float32],
    test: npt.NDArray[np.float32],
    held_out: HeldOut,
    calibration: Calibration | None,
) -> None:
    """Write ``scores.parquet``: labels and scores of both sides, and whether to believe the test side's.

    Args:
        folder: of the run.
        interactions: the table.
        split: its division.
        valid: scores of the validation rows, in label units, float32 [n].
        test: of the test rows, likewise.
        held_out: the test rows, in the order of the division.
        calibration: of the model; None: it has no intervals.
    """
    rows = np.concatenate([split.valid, split.test])
    relation = np.array(["<", "=", ">"])[interactions.relations[rows] + 1]
    unknown = [None] * len(split.valid)
    columns: dict[str, Any] = {
        "row": rows.tolist(),
        "side": ["valid"] * len(split.valid) + ["test"] * len(split.test),
        "compound": [interactions.compounds[index] for index in interactions.compound_index[rows]],
        "target": [interactions.target_names[index] for index in interactions.target_index[rows]],
        "label": [float(value) for value in interactions.values[rows]],
        "relation": relation.tolist(),
        "score": [float(value) for value in np.concatenate([valid, test])],
    }
    columns |= {
        name: unknown + [round(float(one), _DIGITS) for one in values]
        for name, values in _axes(held_out).items()
    }
    if calibration is not None:
        half = half_widths(calibration, held_out, LEVEL)
        columns |= {
            "lower": unknown + (test - half).tolist(),
            "upper": unknown + (test + half).tolist(),
            "difficulty": unknown + held_out.difficulty.tolist(),
            "domain": unknown
            + list(
                calibration.verdicts(held_out.difficulty, held_out.nearest_target, held_out.nearest_compound)
            ),
        }
    write_table(folder.scores_path, columns, overwrite=True)


def write_trust(
    folder: RunFolder,
    held_out: HeldOut,
    model: HyperPCM,
    known: npt.NDArray[np.int64],
    known_labels: npt.NDArray[np.float32],
) -> None:
    """Write ``trust.json``: errors by how near the known is, and what intervals held, or why there are none.

    Args:
        folder: of the run.
        held_out: the test rows.
        model: that was evaluated.
        known: targets of the training side.
        known_labels: labels of the training side.
    """
    calibration = model.calibration
    record: dict[str, Any] = {
        f"by_{axis}": table_by(values, held_out.errors, _PARTS) for axis, values in _axes(held_out).items()
    }
    if calibration is None:
        record["no_intervals"] = model.card.get("no_intervals")
    else:
        record |= {
            "coverage": measured_coverage(calibration, held_out, known_labels).as_dict(),
            "coverage_of_kinds": coverage_of_kinds(calibration, held_out, known, known_labels),
            "levels": coverage_by_level(calibration, held_out),
            "calibrated_on": dict(calibration.held_out),
        }
    RunFolder.write_text(folder.trust_path, json.dumps(record, indent=2, allow_nan=False))


def _axes(held_out: HeldOut) -> dict[str, npt.NDArray[np.float32]]:
    """How near the nearest known target and compound are, where the model looks at that."""
    found = {"nearest_target": held_out.nearest_target, "nearest_compound": held_out.nearest_compound}
    return {axis: values for axis, values in found.items() if values.any()}
