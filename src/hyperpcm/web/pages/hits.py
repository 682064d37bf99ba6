"""The table of a result: its rows as they are shown, and the addresses that sort, filter and page it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlencode

from hyperpcm.web.asked import SORTABLE, ResultQuery, SortColumn
from hyperpcm.web.pages.drawings import drawing
from hyperpcm.web.pages.words import Scale, counted, number, scale_of, short_title, unit

if TYPE_CHECKING:
    from markupsafe import Markup

    from hyperpcm.web.answers import CompoundScore, ResultPage

__all__ = ["HitRow", "hits_view", "query_of"]

PER_PAGE: Final = 50
_DESCENDING: Final = ("score", "lower", "upper", "nearest_similarity")  # the largest is what one looks for
_DOMAINS: Final = ("inside", "edge", "outside")
_FARTHEST: Final = 10**7


@dataclass(frozen=True)
class HitRow:
    """A compound as the table shows it; places are those of the drawing of its interval."""

    rank: str
    name: str
    smiles: str
    drawing: Markup | None
    score: str
    range: str
    domain: str | None
    nearest: str
    measured: str
    at: float
    start: float | None
    end: float | None
    evidence: str


def query_of(asked: Mapping[str, str]) -> ResultQuery:
    """Return what the address of a table asks for; what makes no sense in it is left out.

    >>> query_of({"sort": "score", "order": "down", "least": "6,5", "page": "3"}).offset
    100
    """
    sort = asked.get("sort", "rank")
    domain = asked.get("domain", "")
    return ResultQuery(
        offset=max(0, min(_whole(asked.get("page", "")), _FARTHEST) - 1) * PER_PAGE,
        limit=PER_PAGE,
        sort=sort if sort in SORTABLE else "rank",
        descending=asked.get("order") == "down",
        domain=cast(Any, domain) if domain in _DOMAINS else None,
        at_least=_decimal(asked.get("least", "")),
        search=asked.get("find", "").strip()[:200],
    )


def _whole(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 1


def _decimal(text: str) -> float | None:
    try:
        value = float(text.strip().replace(",", "."))
    except ValueError:
        return None
    return value if abs(value) < 1e12 else None


def hits_view(page: ResultPage, query: ResultQuery, address: str, target: str) -> dict[str, Any]:
    """Return what the template of the table needs.

    Args:
        page: the rows.
        query: that they answer.
        address: of the page of the result.
        target: by which the evidence of a row is asked for.
    """
    rows, active_at = page.rows, page.quantity.active_at
    with_intervals = any(one.lower is not None for one in rows) or query.domain is not None
    scale = scale_of([value for one in rows for value in (one.lower, one.upper, one.score)], active_at)
    return {
        "rows": [_row(one, scale, target) for one in rows],
        "scale": scale,
        "title": short_title(page.quantity),
        "with_intervals": with_intervals,
        "with_measured": any(one.measured is not None for one in rows),
        "with_nearest": any(one.nearest_similarity is not None for one in rows),
        "columns": _columns(page, query, address, with_intervals=with_intervals),
        "told": _told(page),
        "pages_of_table": _pages(page, query, address),
        "query": _fields(query),
    }


def _row(one: CompoundScore, scale: Scale, target: str) -> HitRow:
    known = one.lower is not None and one.upper is not None
    return HitRow(
        rank=f"{one.rank:,}",
        name=one.name,
        smiles=one.smiles,
        drawing=drawing(one.smiles),
        score=number(one.score),
        range=f"{number(one.lower)} to {number(one.upper)}" if known else "",
        domain=one.domain,
        nearest="" if one.nearest_similarity is None else number(one.nearest_similarity),
        measured="" if one.measured is None else number(one.measured),
        at=scale.at(one.score),
        start=scale.at(one.lower) if one.lower is not None else None,
        end=scale.at(one.upper) if one.upper is not None else None,
        evidence=f"/evidence?{urlencode({'target': target, 'smiles': one.smiles, 'name': one.name})}",
    )


def _columns(
    page: ResultPage, query: ResultQuery, address: str, *, with_intervals: bool
) -> list[dict[str, Any]]:
    level = next((one.level for one in page.rows if one.level is not None), None)
    interval = "Interval" if level is None else f"{100 * level:g} % interval"
    shown: list[tuple[str, SortColumn | None, bool]] = [
        ("Structure", None, False),
        ("Rank", "rank", True),
        ("Compound", "name", False),
        (short_title(page.quantity), "score", True),
    ]
    if with_intervals:
        shown += [(interval, "lower", False), ("Domain", None, False)]
    if any(one.measured is not None for one in page.rows):
        shown.append(("Measured", None, True))
    if any(one.nearest_similarity is not None for one in page.rows):
        shown.append(("Nearest known", "nearest_similarity", True))
    columns: list[dict[str, Any]] = [_column(*one, query, address) for one in shown]
    columns[3]["unit"] = unit(page.quantity)
    return [*columns, _column("Evidence", None, False, query, address)]


def _column(
    title: str, name: SortColumn | None, is_number: bool, query: ResultQuery, address: str
) -> dict[str, Any]:
    is_sorted = name is not None and query.sort == name
    descending = not query.descending if is_sorted else name in _DESCENDING
    return {
        "title": title,
        "unit": "",
        "number": is_number,
        "sorted": ("descending" if query.descending else "ascending") if is_sorted else None,
        "arrow": ("▼" if query.descending else "▲") if is_sorted else "",
        "address": None
        if name is None
        else _address(address, dataclasses.replace(query, sort=name, descending=descending, offset=0)),
    }


def _fields(query: ResultQuery) -> dict[str, str]:
    """The query as fields of a form, and as parts of an address."""
    return {
        "sort": query.sort,
        "order": "down" if query.descending else "up",
        "find": query.search,
        "least": "" if query.at_least is None else f"{query.at_least:g}",
        "domain": query.domain or "",
        "page": str(query.offset // PER_PAGE + 1),
    }


def _address(address: str, query: ResultQuery) -> str:
    default = _fields(ResultQuery())
    fields = {name: value for name, value in _fields(query).items() if value and value != default[name]}
    return f"{address}?{urlencode(fields)}" if fields else address


def _told(page: ResultPage) -> str:
    if page.matching == page.total:
        return f"{counted(page.total, 'compound')}."
    return f"{page.matching:,} of {counted(page.total, 'compound')} pass the filters."


def _pages(page: ResultPage, query: ResultQuery, address: str) -> dict[str, Any]:
    last = page.offset + len(page.rows)
    links: Sequence[tuple[str, int]] = [
        *([("Previous", max(0, page.offset - PER_PAGE))] if page.offset > 0 else []),
        *([("Next", page.offset + PER_PAGE)] if last < page.matching else []),
    ]
    return {
        "several": bool(links),
        "told": f"{page.offset + 1:,} to {last:,} of {page.matching:,}",
        "links": [
            (_address(address, dataclasses.replace(query, offset=offset)), name) for name, offset in links
        ],
    }
