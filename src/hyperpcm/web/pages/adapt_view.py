"""What measurements made of a target model, as its page shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from hyperpcm.web.pages.words import counted, number, titled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from hyperpcm.web.answers import AdaptedCompound, AdaptedTarget, CurvePoint, Refused

__all__ = ["adapt_view", "refused_view"]

_REFUSED: Final = 50


def adapt_view(found: AdaptedTarget) -> dict[str, Any]:
    """Return what the template of the page needs."""
    target, about, title = found.target, found.summary, titled(found.target.quantity)
    name = target.name or target.known or "The target"
    exact = [one for one in found.compounds if one.relation == "="]
    return {
        "heading": f"{name}, adapted",
        "notes": [*found.notes, *target.notes],
        "tiles": _tiles(about, target.quantity.name),
        "choice": f"{found.in_words[:1].upper()}{found.in_words[1:]}.",
        "scatter": _scatter(exact, title),
        "curve": _curve(found.curve, title),
        "curve_told": _curve_told(found.curve),
        "rows": [_row(one) for one in found.compounds],
        "rejected": refused_view(found.rejected, len(found.rejected), "used"),
        "address": f"/adapt/{target.id}",
        "more": f"/adapt?{urlencode({'target': target.id})}",
        "download": f"/targets/{target.id}/file",
        "screen": f"/?{urlencode({'target': target.id})}",
    }


def refused_view(refused: Sequence[Refused], number: int, verb: str) -> dict[str, Any] | None:
    """Return rows that could not be used as a table of them; None where there are none.

    Args:
        refused: the first of them.
        number: of all.
        verb: what could not be done with them.
    """
    if not number:
        return None
    more = number - min(len(refused), _REFUSED)
    return {
        "told": f"{counted(number, 'row')} could not be {verb}",
        "rows": [
            {"row": f"{one.row:,}", "text": one.text[:200], "reason": one.reason}
            for one in refused[:_REFUSED]
        ],
        "more": f"{more:,} more are not shown." if more > 0 else "",
    }


def _tiles(about: dict[str, Any], quantity: str) -> list[tuple[str, str]]:
    tiles = [(f"{about['compounds']:,}", f"compounds with {counted(about['measurements'], 'measurement')}")]
    if about["rmse_before"] is not None:
        tiles.append((number(about["rmse_before"]), f"{quantity}: error before"))
        tiles.append((number(about["rmse_left_out"]), f"{quantity}: error told from the others"))
    return tiles


def _scatter(compounds: Sequence[AdaptedCompound], title: str) -> dict[str, Any]:
    measured = [round(one.measured, 4) for one in compounds]
    texts = [one.smiles for one in compounds]
    told = [one for one in compounds if one.left_out is not None]
    ends = [*measured, *(one.before for one in compounds)] or [0.0]
    low, high = round(min(ends), 2), round(max(ends), 2)
    return {
        "x": f"measured {title}",
        "y": f"predicted {title}",
        "series": [
            {
                "name": "equal",
                "mode": "lines",
                "x": [low, high],
                "y": [low, high],
                "text": ["", ""],
                "hover": "<extra></extra>",
                "colour": "--muted",
                "dash": "dot",
            },
            _points("before", measured, [one.before for one in compounds], texts, "--second", "diamond"),
            _points(
                "told from the others",
                [round(one.measured, 4) for one in told],
                [one.left_out or 0.0 for one in told],
                [one.smiles for one in told],
                "--first",
                "circle",
            ),
        ],
    }


def _points(
    name: str, x: Sequence[float], y: Sequence[float], text: Sequence[str], colour: str, symbol: str
) -> dict[str, Any]:
    return {
        "name": name,
        "mode": "markers",
        "x": list(x),
        "y": [round(value, 3) for value in y],
        "text": [one if len(one) <= 60 else f"{one[:59]}…" for one in text],
        "hover": "%{text}<br>measured %{x:.2f}, " + name + " %{y:.2f}<extra></extra>",
        "colour": colour,
        "symbol": symbol,
    }


def _curve(curve: Sequence[CurvePoint], title: str) -> dict[str, Any] | None:
    if len(curve) < 2:
        return None
    return {
        "x": "measured compounds learned from",
        "y": f"error, {title}",
        "from_zero": True,
        "ticks": [point.compounds for point in curve],
        "series": [
            {
                "name": "error on the others",
                "mode": "lines+markers",
                "x": [point.compounds for point in curve],
                "y": [round(point.rmse, 3) for point in curve],
                "above": [round(point.high - point.rmse, 3) for point in curve],
                "below": [round(point.rmse - point.low, 3) for point in curve],
                "text": [counted(point.draws, "draw") for point in curve],
                "hover": "%{x} compounds: %{y:.2f}, %{text}<extra></extra>",
                "colour": "--first",
                "symbol": "circle",
            }
        ],
    }


def _curve_told(curve: Sequence[CurvePoint]) -> str:
    if len(curve) < 2:
        return ""
    return (
        "The error on the compounds not learned from, against how many were: what more measurements of this "
        "kind may bring. Bars span the draws of compounds."
    )


def _row(one: AdaptedCompound) -> dict[str, str]:
    relation = "" if one.relation == "=" else f"{one.relation} "
    return {
        "smiles": one.smiles,
        "measured": f"{relation}{number(one.measured)}",
        "before": number(one.before),
        "after": number(one.left_out),
    }
