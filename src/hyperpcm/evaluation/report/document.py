"""The content of a report as JSON: the numbers themselves, for programs."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from hyperpcm import metrics
from hyperpcm.evaluation.report.inputs import DataSummary, ReportInputs, ScoredRows
from hyperpcm.evaluation.report.plain import plain_words

__all__ = ["report_document"]


def report_document(inputs: ReportInputs) -> dict[str, Any]:
    """Return what the page shows as JSON values; a number that is not finite is None.

    Args:
        inputs: of the report.
    """
    quantity, test = inputs.data.quantity, inputs.test
    found: dict[str, Any] = {
        "title": inputs.title,
        "warnings": list(inputs.warnings),
        "words": plain_words(inputs),
        "data": _data(inputs.data),
        "split": inputs.split,
        "training": inputs.training,
        "model": inputs.model,
        "results": [row.as_dict() for row in inputs.results],
        "targets": None if test is None else _targets(test, is_binary=quantity.kind == "binary"),
        "trust": inputs.trust,
        "mutants": inputs.mutants,
        "compiled": inputs.compiled,
        "facts": dict(inputs.facts),
        "settings": inputs.settings,
    }
    plain: dict[str, Any] = _plain(found)
    return plain


def _data(data: DataSummary) -> dict[str, Any]:
    return {
        "quantity": data.quantity,
        "description": data.description,
        "source": data.source,
        "rejections": data.rejections,
    }


def _targets(test: ScoredRows, *, is_binary: bool) -> list[dict[str, Any]]:
    """The skill on each target of the test side; None where it cannot be judged."""
    active = test.labels >= 0.5 if is_binary else None
    found = metrics.per_target(test.labels, test.scores, test.target_index, active)
    skills = {"auroc": found.auroc} if is_binary else {"pearson": found.pearson, "spearman": found.spearman}
    skills["mse"] = found.mse
    return [
        {"name": test.target_names[target], "n": found.n[place]}
        | {name: values[place] for name, values in skills.items()}
        for place, target in enumerate(found.targets.tolist())
    ]


def _plain(value: Any) -> Any:
    """The value in types that JSON has."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, (list, tuple, np.ndarray)):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)
