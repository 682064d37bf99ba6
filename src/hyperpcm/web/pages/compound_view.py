"""One compound on the panel as its page shows it: a heat map, and the targets for which it stands out."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from hyperpcm.web.pages.drawings import drawing
from hyperpcm.web.pages.words import counted, number, shade, titled

if TYPE_CHECKING:
    from hyperpcm.web.answers import CompoundOnPanel, PanelAnswer, TargetOfPanel

__all__ = ["compound_view", "facts"]

_IN_HEAT_MAP: Final = 240
_IN_TABLE: Final = 30
_FISHED: Final = (
    "Some targets give high scores to everything. Targets are therefore ordered by how far the score stands "
    "above what the target usually gives, in its own standard deviations."
)
_BY_SCORE: Final = "Targets by score; this panel does not tell what each target usually gives."


def compound_view(answer: PanelAnswer, known: Collection[str]) -> dict[str, Any]:
    """Return what the template of the page needs.

    Args:
        answer: of one compound.
        known: names of the known targets, whose evidence can be asked for by name.
    """
    (one,) = answer.compounds
    scores = [target.score for target in one.targets]
    low, high = (min(scores), max(scores)) if scores else (0.0, 1.0)
    unusual = any(target.above_usual is not None for target in one.targets)
    return {
        "smiles": one.smiles,
        "drawing": drawing(one.smiles, 300, 200),
        "targets": f"{len(one.targets):,}",
        "title": titled(answer.quantity),
        "facts": facts(one, answer),
        "heat": [
            {"name": target.target, "score": number(target.score), "shade": shade(target.score, low, high)}
            for target in one.targets[:_IN_HEAT_MAP]
        ],
        "more": f"{counted(len(scores) - _IN_HEAT_MAP, 'weaker target')} are not drawn."
        if len(scores) > _IN_HEAT_MAP
        else "",
        "low": number(low),
        "high": number(high),
        "with_unusual": unusual,
        "fishing": _FISHED if unusual else _BY_SCORE,
        "rows": _rows(one, known),
    }


def facts(one: CompoundOnPanel, answer: PanelAnswer) -> list[tuple[str, str]]:
    """Return what is told of the selectivity of a compound: name and value."""
    found = [("strongest on", one.strongest)]
    if one.share is not None:
        active = answer.quantity.active_at
        where = "" if active is None else f", {answer.quantity.name} from {active:g} on"
        found.append(("share of targets hit", f"{100 * one.share:.1f}\N{NO-BREAK SPACE}%{where}"))
    if one.entropy is not None:
        found.append(("selectivity entropy", f"{one.entropy:.2f} (0: one target alone)"))
    return found


def _rows(one: CompoundOnPanel, known: Collection[str]) -> list[dict[str, Any]]:
    """The targets that stand out most, or else the strongest."""
    ranked = sorted(one.targets, key=_standing)[:_IN_TABLE]
    most = max((target.above_usual or 0.0 for target in ranked), default=0.0)
    return [
        {
            "rank": rank,
            "name": target.target,
            "score": number(target.score),
            "unusual": number(target.above_usual),
            "share": round(100 * max(0.0, target.above_usual or 0.0) / most, 1) if most > 0 else 0,
            "evidence": f"/evidence?{urlencode({'known': target.target, 'smiles': one.smiles})}"
            if target.target in known
            else "",
        }
        for rank, target in enumerate(ranked, start=1)
    ]


def _standing(target: TargetOfPanel) -> tuple[float, int]:
    return (-target.above_usual if target.above_usual is not None else 0.0, target.rank)
