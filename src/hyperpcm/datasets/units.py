"""Texts of measurements: number and relation, unit, and the way to the scale -log10(M).

On that scale (pKd, pKi, pIC50, …) higher is stronger, so a relation turns round on the way: a concentration
above 10,000 nM is a p value below 5.
"""

from __future__ import annotations

import dataclasses
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.interactions import ABOVE, BELOW, EXACT
from hyperpcm.errors import LabelError

__all__ = [
    "CONCENTRATIONS",
    "P_SCALES",
    "P_UNIT",
    "BadValueError",
    "Problems",
    "Unit",
    "has_decimal_comma",
    "known_unit",
    "parse_relation",
    "parse_value",
    "to_p_scale",
    "unit_of",
]

CONCENTRATIONS: Mapping[str, str] = {
    "ki": "pKi", "kd": "pKd", "ic50": "pIC50", "ec50": "pEC50", "ac50": "pAC50", "xc50": "pXC50",
}  # fmt: skip
"""Quantities that are concentrations (plain lower case), and what each is called on the p scale."""

P_SCALES: Mapping[str, str] = {
    **{name.lower(): name for name in CONCENTRATIONS.values()},
    "pchembl": "pChEMBL", "pchemblvalue": "pChEMBL", "paffinity": "pAffinity", "pactivity": "pActivity",
}  # fmt: skip
"""Quantities that are negative decimal logarithms of a concentration in M, and how they are written."""

P_UNIT = "-log10(M)"
"""How the unit of the p scale is written."""

Problems = dict[int, tuple[str, str]]
"""Code and reason of each row of a table that cannot be used."""

_RELATIONS: Mapping[str, int] = {
    "": EXACT, "=": EXACT, "==": EXACT, "~": EXACT, "≈": EXACT, "~=": EXACT, "ca": EXACT, "ca.": EXACT,
    ">": ABOVE, ">=": ABOVE, "=>": ABOVE, ">>": ABOVE, "≥": ABOVE, "⩾": ABOVE, "≫": ABOVE, ">~": ABOVE,
    "<": BELOW, "<=": BELOW, "=<": BELOW, "<<": BELOW, "≤": BELOW, "⩽": BELOW, "≪": BELOW, "<~": BELOW,
}  # fmt: skip
_APPROXIMATE = frozenset(("~", "≈", "~=", "ca", "ca."))
_MISSING = frozenset(
    ("", "nan", "na", "n/a", "n.a.", "null", "none", "nil", "-", "--", "?", "nd", "n.d.", "#n/a")
)
_SIGN = re.compile(r"(?:[<>=~≈≥≤⩾⩽≫≪]+|ca\.?(?=[\s\d]))", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_COMMA_NUMBER = re.compile(r"[+-]?[0-9]*,[0-9]+(?:[eE][+-]?[0-9]+)?")
_GROUPED = re.compile(r"[+-]?[1-9][0-9]{0,2}(?:[,' \u00a0\u202f][0-9]{3})+(?:\.[0-9]*)?")
_LARGEST = float(np.finfo(np.float32).max)
_MOLAR_WORDS = {
    "femtomolar": -15,
    "picomolar": -12,
    "nanomolar": -9,
    "micromolar": -6,
    "millimolar": -3,
    "molar": 0,
}
_PREFIXES = {"f": -15, "p": -12, "n": -9, "u": -6, "m": -3, "": 0}
_MOL_PER_LITRE = re.compile(r"([fpnum]?)mol(?:/l|·l-1|\.l-1|l-1|l\^-1|/dm3)")
_P_TEXT = re.compile(r"-?p?lo?g(?:10)?[(\[]?m(?:olar)?[)\]]?|-log(?:10)?|p-?scale|px")


class BadValueError(Exception):
    """One cell that gives no label; caught by the reader of the table and turned into a rejection."""

    def __init__(self, code: str, reason: str) -> None:
        self.code, self.reason = code, reason
        super().__init__(f"{code}: {reason}")


@dataclasses.dataclass(frozen=True, slots=True)
class Unit:
    """What a number counts.

    Attributes:
        name: how it is written: ``nM``, ``-log10(M)``, or the text of any other unit.
        exponent: a concentration is the number times ten to this power, in M; ``None`` for anything else.
        is_p: whether the number already is -log10(M).
    """

    name: str
    exponent: int | None = None
    is_p: bool = False

    @property
    def is_convertible(self) -> bool:
        """Whether it has a place on the p scale."""
        return self.is_p or self.exponent is not None


def unit_of(text: str) -> Unit:
    """The unit a text names; one that is not known stands for itself and is never converted."""
    return known_unit(text) or Unit(text.strip())


def known_unit(text: str) -> Unit | None:
    """The concentration or p scale a text names, or ``None``.

    ``nM``, ``µM``, ``nmol/L``, ``nanomolar``; ``pKd``, ``pChEMBL``, ``-log10(M)``. Case matters only where
    it tells milli from mega: ``MM`` is not known.

    Example:
        >>> known_unit("µM")
        Unit(name='uM', exponent=-6, is_p=False)
    """
    written = unicodedata.normalize("NFKC", text).replace("μ", "u").replace("µ", "u").replace("−", "-")
    written = "".join(written.split())
    lower = written.lower()
    if lower in P_SCALES or (_P_TEXT.fullmatch(lower) and lower.startswith(("-", "p"))):
        return Unit(P_UNIT, is_p=True)
    exponent = _MOLAR_WORDS.get(lower)
    if written == "M" or (lower in ("fm", "pm", "nm", "um", "mm") and written != "MM"):
        exponent = _PREFIXES[lower[:-1]]
    elif per_litre := _MOL_PER_LITRE.fullmatch(lower):
        exponent = _PREFIXES[per_litre[1]]
    if exponent is None:
        return None
    prefix = next(prefix for prefix, power in _PREFIXES.items() if power == exponent)
    return Unit(f"{prefix}M", exponent)


def parse_relation(text: str) -> tuple[int, bool]:
    """Relation of a text such as ``>=`` (`ABOVE`) or ``'='``, and whether it only means "about".

    Raises:
        BadValueError: no relation is written so (``RELATION``).
    """
    plain = text.strip().strip("'\"").strip().lower()
    if plain in _MISSING and plain != "":
        plain = ""
    if plain not in _RELATIONS:
        raise BadValueError("RELATION", f"relation {text.strip()[:20]!r} is none of =, >, >=, <, <=, ~")
    return _RELATIONS[plain], plain in _APPROXIMATE


def parse_value(text: str, *, decimal_comma: bool = False) -> tuple[float, str]:
    """Number of a measurement and the sign before it (``""`` if there is none).

    Example:
        >>> parse_value(">= 10")
        (10.0, '>=')

    Raises:
        BadValueError: with the code ``NO_VALUE``, ``RELATION`` (unknown sign), ``AMBIGUOUS_NUMBER``
            (thousands separators), ``NOT_FINITE`` (infinite, or too large for float32) or ``NOT_A_NUMBER``.
    """
    plain = text.strip().replace("−", "-")
    sign = ""
    if not _NUMBER.fullmatch(plain):
        if found := _SIGN.match(plain):
            sign, plain = found[0], plain[found.end() :].strip()
            parse_relation(sign)
        if decimal_comma and _COMMA_NUMBER.fullmatch(plain):
            plain = plain.replace(",", ".")
        if not _NUMBER.fullmatch(plain):
            raise _unreadable(plain, text)
    value = float(plain)
    if not abs(value) <= _LARGEST:
        raise BadValueError(
            "NOT_FINITE", f"{text.strip()[:40]!r} is beyond the largest number that can be held"
        )
    return value, sign


def _unreadable(plain: str, text: str) -> BadValueError:
    shown = repr(text.strip()[:40])
    lower = plain.lower()
    if lower in _MISSING:
        return BadValueError("NO_VALUE", "there is no value")
    if lower.lstrip("+-") in ("inf", "infinity", "∞"):
        return BadValueError("NOT_FINITE", f"{shown} is not a finite number")
    if _GROUPED.fullmatch(plain) or ("," in plain and re.fullmatch(r"[0-9.,'eE+-]+", plain)):
        return BadValueError(
            "AMBIGUOUS_NUMBER",
            f"{shown} has a comma or a thousands separator; write it with a decimal point only",
        )
    number = _NUMBER.match(plain)
    if number and known_unit(plain[number.end() :]):
        return BadValueError("NOT_A_NUMBER", f"{shown} holds its unit; give units in a column of their own")
    return BadValueError("NOT_A_NUMBER", f"{shown} is not a number")


def has_decimal_comma(texts: Iterable[str | None], delimiter: str, where: Callable[[int], str]) -> bool:
    """Whether the numbers of a column are written with a decimal comma.

    Never where cells are separated by commas or come from Parquet. Elsewhere, if there is a comma in some
    number and a point in none; numbers such as ``7,125`` alone prove nothing, unless semicolons separate the
    cells, as programs write where the comma is the decimal sign.

    Args:
        texts: the column.
        delimiter: what separates cells.
        where: name of the 0-based row, for messages.

    Raises:
        LabelError: both conventions in one column, or numbers that fit both.
    """
    if delimiter in (",", ""):
        return False
    point, comma, certain = -1, -1, -1
    for row, text in enumerate(texts):
        if text is None or ("," not in text and "." not in text):
            continue
        plain = _SIGN.sub("", text.strip(), count=1).strip()
        if "," not in plain:
            point = row if point < 0 and _NUMBER.fullmatch(plain) else point
        elif _COMMA_NUMBER.fullmatch(plain):
            comma = row if comma < 0 else comma
            certain = row if certain < 0 and not _GROUPED.fullmatch(plain) else certain
    if comma < 0:
        return False
    if point >= 0:
        raise LabelError(
            f"{where(comma)} has a number with a comma and {where(point)} one with a point: a decimal comma "
            "or thousands? Write every number with a decimal point only."
        )
    if certain < 0 and delimiter != ";":
        raise LabelError(
            f"{where(comma)}: every comma among the values is followed by three digits: a decimal comma or "
            "thousands? Write every number with a decimal point only."
        )
    return True


def to_p_scale(
    values: npt.NDArray[np.float64],
    relations: npt.NDArray[np.int8],
    units: Sequence[Unit],
    which: npt.NDArray[np.int64],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int8]]:
    """Values [n] as -log10(M) with their relations [n]; what is no positive concentration becomes NaN.

    Args:
        values: numbers [n] in their own units.
        relations: their relations [n].
        units: the units that occur.
        which: position in ``units`` of each value's [n]; -1 and units without a place on the p scale give
            NaN.

    Source:
        p = -log10(c / M); a monotonically falling map, so ``>`` and ``<`` change places.
    """
    scaled, turned = np.full(len(values), math.nan), relations.copy()
    for place, unit in enumerate(units):
        rows = which == place
        if unit.is_p:
            scaled[rows] = values[rows]
        elif unit.exponent is not None:
            rows &= values > 0
            scaled[rows] = -(np.log10(values[rows]) + unit.exponent)
            turned[rows] = -relations[rows]
    return scaled, turned
