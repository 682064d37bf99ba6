"""What the report shows of trust: errors by distance from the known, verdicts, and what intervals held."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from hyperpcm.evaluation.report.inputs import ScoredRows
from hyperpcm.evaluation.report.trust_figures import coverage_chart, error_by_similarity
from hyperpcm.evaluation.report.words import count, decimals, percent, several
from hyperpcm.target_model.unseen import UNSEEN

__all__ = ["trust_view"]

_MEASURES: Final = (("target", "alignment"), ("compound", "Tanimoto"))
_THIRDS: Final = ("farthest", "middle", "nearest")


def trust_view(trust: Mapping[str, Any], test: ScoredRows) -> dict[str, Any]:
    """Charts, verdicts and coverage of the test side.

    Args:
        trust: as ``trust.json`` of a run has it.
        test: labels and scores of the test side.
    """
    overall = float(np.sqrt(np.mean((test.labels.astype(np.float64) - test.scores) ** 2)))
    charts = [
        error_by_similarity(trust.get(f"by_nearest_{kind}", ()), kind, measure, overall)
        for kind, measure in _MEASURES
    ]
    charts.append(coverage_chart(trust.get("levels", ())))
    coverage = trust.get("coverage")
    return {
        "charts": [chart for chart in charts if chart is not None],
        "no_intervals": trust.get("no_intervals"),
        "verdicts": [] if coverage is None else _verdicts(coverage),
        "facts": [] if coverage is None else _facts(coverage) + _kinds(trust.get("coverage_of_kinds", {})),
        "rests": None if coverage is None else _rests(trust["calibrated_on"]),
    }


def _verdicts(coverage: Mapping[str, Any]) -> list[dict[str, str]]:
    """Share and error of the rows of each verdict."""
    return [
        {
            "name": verdict,
            "share": percent(coverage["share_by_verdict"][verdict]),
            "rmse": decimals(rmse, 2),
        }
        for verdict, rmse in coverage["rmse_by_verdict"].items()
    ]


def _facts(coverage: Mapping[str, Any]) -> list[tuple[str, str]]:
    found = []
    for level, held in coverage["held"].items():
        found.append((f"labels in their {100 * float(level):g} % interval", percent(held)))
        parts = coverage["held_by_bin"][level]
        if len(parts) == len(_THIRDS):
            told = ", ".join(f"{name} {percent(one)}" for name, one in zip(_THIRDS, parts, strict=True))
            found.append(("by thirds of the targets, by nearness", told))
        ratio = coverage["width_ratio"][level]
        width = f"{decimals(coverage['width'][level], 2)}"
        if ratio is not None:
            width += f", {decimals(ratio, 2)} of that of the interval of all training labels"
        found.append(("mean width", width))
    ratio = coverage["abstain_mse_ratio"]
    found.append(("MSE without the three tenths that look hardest", f"{percent(ratio)} of that of all rows"))
    return found


def _kinds(kinds: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What intervals and scores are worth on new targets and on known ones, where both were tested."""
    return [
        (
            f"on {name.replace('_', ' ')}",
            f"{several(int(coverage['rows']), 'row')} of {several(int(coverage['targets']), 'target')}: "
            f"MSE {decimals(coverage['mse'], 2)}; "
            + ", ".join(
                f"{percent(held)} in the {100 * float(level):g} % interval"
                for level, held in coverage["held"].items()
            ),
        )
        for name, coverage in kinds.items()
    ]


def _rests(held_out: Mapping[str, Any]) -> str:
    return (
        f"Intervals and verdicts rest on {several(int(held_out['rows']), 'held-out row')} "
        f"({count(int(held_out['targets']))} targets): {UNSEEN[held_out['unseen']]}."
    )
