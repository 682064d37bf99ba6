"""What the report shows of the test side and of a compiled target: per-target skill and drawn compounds."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from markupsafe import Markup

from hyperpcm import metrics
from hyperpcm.datasets.interactions import Quantity
from hyperpcm.errors import InvalidSmilesError
from hyperpcm.evaluation.report.figures import (
    Chart,
    class_scores,
    measured_against_predicted,
    per_target_histogram,
    reliability_diagram,
)
from hyperpcm.evaluation.report.inputs import CompiledTarget, RankedCompound, ScoredRows
from hyperpcm.evaluation.report.words import (
    count,
    decimals,
    joined_name,
    label_text,
    score_title,
    several,
    value_text,
)

__all__ = ["compiled_view", "test_view"]

_EXTREMES = 5  # targets listed at each end
_DRAWN_TARGETS, _OF_EACH = 2, 4  # of them at each end, those whose highest compounds are drawn
_DRAWN = 24  # compounds drawn
_DRAWING = (240, 168)  # pixels


def test_view(test: ScoredRows, quantity: Quantity) -> dict[str, Any]:
    """Charts of the test side, and the targets with the best and the worst order of compounds."""
    active = test.labels >= 0.5 if quantity.kind == "binary" else None
    found = metrics.per_target(test.labels, test.scores, test.target_index, active)
    name, title, chance = ("auroc", "AUROC", 0.5) if active is not None else ("pearson", "r", 0.0)
    skill = found.auroc if active is not None else found.pearson
    counted = np.flatnonzero(~np.isnan(skill))
    order = counted[np.argsort(-skill[counted], kind="stable")]
    lines = [_target_line(test, found, int(place), active is not None) for place in order]
    ends = (lines, []) if len(lines) <= 2 * _EXTREMES else (lines[:_EXTREMES], lines[-_EXTREMES:])
    drawn = list(dict.fromkeys([*order[:_DRAWN_TARGETS], *order[-_DRAWN_TARGETS:]]))
    lowest = 0.0 if active is not None else -1.0
    charts: list[Chart | None] = [
        class_scores(test) if active is not None else measured_against_predicted(test, quantity),
        per_target_histogram(skill[counted], f"{title} per target", chance, lowest),
        None if active is None else reliability_diagram(test),
    ]
    return {
        "charts": [chart for chart in charts if chart is not None],
        "title": title,
        "best": ends[0],
        "worst": ends[1],
        "counted": several(len(lines), "target"),
        "targets": count(found.targets.size),
        "too_few": found.targets.size - len(lines),
        "min_labels": found.min_labels,
        "mean": decimals(found.mean(name)),
        "is_binary": active is not None,
        "highest": [_highest(test, int(found.targets[place]), quantity) for place in drawn]
        if test.compound_index is not None
        else [],
        "unit": score_title(quantity),
    }


def _highest(test: ScoredRows, target: int, quantity: Quantity) -> dict[str, Any]:
    """The compounds of one target that the model puts highest, beside what was measured."""
    rows = np.flatnonzero(test.target_index == target)
    rows = rows[np.argsort(-test.scores[rows], kind="stable")][:_OF_EACH]
    relations = np.zeros(len(test.labels), dtype=np.int8) if test.relations is None else test.relations
    places = () if test.compound_index is None else test.compound_index[rows]
    compounds = [
        RankedCompound(
            smiles=test.compounds[place],
            score=float(test.scores[row]),
            label=float(test.labels[row]),
            relation=int(relations[row]),
        )
        for row, place in zip(rows, places, strict=True)
    ]
    return {
        "name": joined_name(test.target_names[target]),
        "compounds": [_compound(rank, one, quantity) for rank, one in enumerate(compounds, start=1)],
    }


def _target_line(test: ScoredRows, found: metrics.PerTarget, place: int, is_binary: bool) -> dict[str, str]:
    """One target with its numbers; ``place`` is its position among those measured."""
    target = int(found.targets[place])
    labels = test.labels[test.target_index == target]
    line = {"name": joined_name(test.target_names[target]), "n": count(int(found.n[place]))}
    if is_binary:
        active = int((labels >= 0.5).sum())
        return line | {"skill": decimals(float(found.auroc[place]), 2), "active": count(active)}
    return line | {
        "skill": decimals(float(found.pearson[place]), 2),
        "spearman": decimals(float(found.spearman[place]), 2),
        "mse": decimals(float(found.mse[place]), 2),
        "spread": f"{value_text(labels.min())} to {value_text(labels.max())}",
    }


def compiled_view(compiled: CompiledTarget, quantity: Quantity) -> dict[str, Any]:
    """The unseen target with its ranked compounds, the first of them drawn."""
    shown = [_compound(rank, one, quantity) for rank, one in enumerate(compiled.compounds[:_DRAWN], start=1)]
    scored = len(compiled.compounds) if compiled.scored is None else compiled.scored
    return {
        "name": joined_name(compiled.name),
        "length": count(len(compiled.sequence)),
        "sequence": compiled.sequence,
        "note": compiled.note,
        "compounds": shown,
        "scored": several(scored, "compound"),
        "shown": count(len(shown)),
        "measured": count(sum(one["label"] is not None for one in shown)),
        "unit": score_title(quantity),
        "threshold": None if quantity.active_at is None else value_text(quantity.active_at),
        "is_binary": quantity.kind == "binary",
    }


def _compound(rank: int, one: RankedCompound, quantity: Quantity) -> dict[str, Any]:
    known = one.label is not None and math.isfinite(one.label)
    return {
        "rank": rank,
        "name": one.name,
        "smiles": one.smiles,
        "drawing": _drawing(one.smiles),
        "score": value_text(one.score),
        "label": label_text(float(one.label), one.relation, quantity)
        if known and one.label is not None
        else None,
    }


def _drawing(smiles: str) -> Markup | None:
    """The structure; None where the text is not one that can be drawn."""
    from hyperpcm.chem import depict_svg

    try:
        return Markup(depict_svg(smiles, width=_DRAWING[0], height=_DRAWING[1]))  # holds no user text
    except InvalidSmilesError:
        return None
