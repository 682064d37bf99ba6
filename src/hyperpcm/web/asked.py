"""What the service is asked: targets, compounds and rows of a result, as pages and the API give them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from hyperpcm.errors import InputError

__all__ = [
    "SORTABLE",
    "AskedTarget",
    "GivenCompound",
    "MeasuredTable",
    "ResultQuery",
    "SortColumn",
    "check_listed",
    "compounds_of_text",
]

SortColumn = Literal["rank", "score", "lower", "upper", "name", "smiles", "row", "nearest_similarity"]
SORTABLE: Final[tuple[SortColumn, ...]] = (
    "rank", "score", "lower", "upper", "name", "smiles", "row", "nearest_similarity",
)  # fmt: skip
"""Columns by which a result is sorted."""


@dataclass(frozen=True)
class AskedTarget:
    """A target: exactly one of the first three is given.

    Attributes:
        sequence: an amino-acid sequence, or FASTA with one record.
        known: name of a known target of the model.
        id: of a target that was compiled or adapted before.
        name: what to call it; None: as the FASTA does, or the known target.
    """

    sequence: str | None = None
    known: str | None = None
    id: str | None = None
    name: str | None = None


@dataclass(frozen=True)
class GivenCompound:
    """A compound as somebody wrote it."""

    smiles: str
    name: str = ""


@dataclass(frozen=True)
class ResultQuery:
    """Which rows of a result, and in which order.

    Attributes:
        offset: of the first row among those that fit.
        limit: most rows.
        sort: column.
        descending: the largest first.
        domain: only rows with this verdict; None: all.
        at_least: only rows with this score or a higher one; None: all.
        search: only rows whose name or structure holds this text, whatever the case.
    """

    offset: int = 0
    limit: int = 50
    sort: SortColumn = "rank"
    descending: bool = False
    domain: Literal["inside", "edge", "outside"] | None = None
    at_least: float | None = None
    search: str = ""


def compounds_of_text(text: str) -> list[GivenCompound]:
    """Return the compounds of pasted lines: a SMILES, and after white space perhaps a name.

    Example:
        >>> compounds_of_text("CCO ethanol\\n\\nc1ccccc1\\tbenzene ring\\n")
        [GivenCompound(smiles='CCO', name='ethanol'), GivenCompound(smiles='c1ccccc1', name='benzene ring')]
    """
    found: list[GivenCompound] = []
    for line in text.splitlines():
        words = line.strip().split(maxsplit=1)
        if words and not (not found and words[0].lower() in ("smiles", "canonical_smiles")):
            found.append(GivenCompound(words[0], words[1].strip() if len(words) > 1 else ""))
    return found


def check_listed(compounds: Sequence[GivenCompound], most: int) -> None:
    """Refuse no compound, and more than are scored at once.

    Raises:
        InputError: there is none, or too many.
    """
    if not compounds:
        raise InputError("compounds: none is given.")
    if len(compounds) > most:
        raise InputError(
            f"compounds: {len(compounds):,} are given, and {most:,} are scored at once. Upload them as a "
            "file to be screened."
        )


@dataclass(frozen=True)
class MeasuredTable:
    """Measurements of compounds on one target, as somebody pasted them.

    Attributes:
        text: a table with a header (CSV or TSV) as `hyperpcm adapt` reads it, or lines of a SMILES and a
            value, which may have ``<`` or ``>`` before it.
        quantity: what the values are, where the table does not tell; without a header the model's quantity.
        unit: of the values, likewise.
        source: what these measurements are called.
        columns: of the table, the columns of roles where names do not tell.
    """

    text: str
    quantity: str | None = None
    unit: str | None = None
    source: str = "pasted"
    columns: dict[str, str] | None = None
