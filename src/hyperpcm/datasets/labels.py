"""The labels of a user's table: from its value, relation and unit columns to numbers of one quantity."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.columns import Columns, plain_name, split_unit
from hyperpcm.datasets.interactions import ABOVE, BELOW, EXACT, Quantity
from hyperpcm.datasets.table import RawTable
from hyperpcm.datasets.units import (
    CONCENTRATIONS,
    P_SCALES,
    P_UNIT,
    BadValueError,
    Problems,
    Unit,
    has_decimal_comma,
    parse_relation,
    parse_value,
    to_p_scale,
)
from hyperpcm.datasets.value_units import named_unit, read_units
from hyperpcm.errors import LabelError

__all__ = ["CONSTANT", "Kind", "Labels", "read_labels"]

Kind = Literal["regression", "binary"]

CONSTANT: Final = "nothing can be learned from a constant."
"""How the note ends that all values are equal."""

_CLASSES: Mapping[str, float] = {
    **dict.fromkeys(("1", "1.0", "active", "true", "yes", "binder"), 1.0),
    **dict.fromkeys(("0", "0.0", "inactive", "false", "no", "non-binder", "nonbinder", "not active"), 0.0),
}
_NUMERIC_CLASSES = frozenset(("0", "1", "0.0", "1.0"))
_P_RANGE = (0.0, 16.0)
_SIGNS = {EXACT: "=", ABOVE: ">", BELOW: "<"}


@dataclasses.dataclass(frozen=True, slots=True)
class Labels:
    """Labels of a table's rows.

    Attributes:
        quantity: what they mean.
        values: float64 [n]; NaN where the row is among ``problems``.
        relations: int8 [n].
        problems: why a row has no label.
        notes: what was converted, assumed or found remarkable.
    """

    quantity: Quantity
    values: npt.NDArray[np.float64]
    relations: npt.NDArray[np.int8]
    problems: Problems
    notes: tuple[str, ...]


def no_labels(rows: int) -> Labels:
    """Return labels of 0 for a table whose values are not read."""
    return Labels(Quantity("", ""), np.zeros(rows), np.zeros(rows, dtype=np.int8), {}, ())


def read_labels(
    table: RawTable,
    columns: Columns,
    *,
    quantity: str | None = None,
    unit: str | None = None,
    active_at: float | None = None,
    kind: Kind | None = None,
) -> Labels:
    """The label of each row; concentrations become -log10(M).

    Args:
        table: the table, with the columns that play a role.
        columns: which column plays which role.
        quantity: what the values are, such as ``Kd``; otherwise told by the column's name.
        unit: unit of the values where no unit column says it.
        active_at: threshold of the quantity, on the scale of the labels.
        kind: regression or binary; otherwise told by the values.

    Raises:
        LabelError: contradictory or missing units, an ambiguous decimal comma, a threshold on another scale.
    """
    name = columns.names.get("value") or columns.names["label"]
    if kind not in (None, "regression", "binary"):
        raise LabelError(f"kind {kind!r} is neither 'regression' nor 'binary'.")
    if (kind or _kind_of(table, columns, name, quantity, unit)) == "binary":
        if unit is not None or active_at is not None:
            raise LabelError(
                f"{table.path}: column {name!r} holds two classes, which have no unit and no threshold. "
                "Leave unit and active_at out, or say kind='regression'."
            )
        return _binary_labels(table, columns, name, quantity)
    return _regression_labels(table, columns, name, quantity, unit, active_at)


def _kind_of(table: RawTable, columns: Columns, name: str, quantity: str | None, unit: str | None) -> Kind:
    """Binary if every cell names a class and nothing says that 0 and 1 are measurements."""
    found = {text.strip().lower() for text in table.columns[name] if text is not None} - {"", "nan", "na"}
    classes = found & _CLASSES.keys()
    if classes - _NUMERIC_CLASSES:
        return "binary"
    if not found or found - classes or quantity is not None or unit is not None or "unit" in columns.names:
        return "regression"
    base, header_unit = split_unit(name)
    measured = header_unit is not None or plain_name(base) in CONCENTRATIONS.keys() | P_SCALES.keys()
    both = {_CLASSES[text] for text in found} == {0.0, 1.0}
    return "binary" if not measured and (both or columns.names.get("label") == name) else "regression"


def _binary_labels(table: RawTable, columns: Columns, name: str, quantity: str | None) -> Labels:
    problems: Problems = {}
    values = np.full(len(table), np.nan)
    for row, text in enumerate(table.columns[name]):
        value = _CLASSES.get(text.strip().lower()) if text is not None else None
        if value is not None:
            values[row] = value
        elif text is None or not text.strip() or text.strip().lower() in ("nan", "na", "n/a", "null"):
            problems[row] = ("NO_VALUE", "there is no label")
        else:
            problems[row] = (
                "NOT_A_CLASS",
                f"{text.strip()[:40]!r} is none of 0, 1, active, inactive, true, false",
            )
    relations = np.zeros(len(table), np.int8)
    for row, text in enumerate(table.columns.get(columns.names.get("relation", ""), ())):
        if text is not None and row not in problems and text.strip().strip("'\"") not in ("", "="):
            values[row] = np.nan
            problems[row] = (
                "RELATION",
                f"a label of two classes has no relation, and this row says {text[:20]!r}",
            )
    counts = {label: int((values == label).sum()) for label in (0.0, 1.0)}
    notes = [f"Column {name!r} holds two classes: {counts[1.0]:,} active, {counts[0.0]:,} inactive."]
    if sum(counts.values()) and not all(counts.values()):
        only = "active" if counts[1.0] else "inactive"
        notes.append(f"Every label is {only}: with one class only, no ranking can be learned or measured.")
    return Labels(Quantity(quantity or "activity", "", "binary"), values, relations, problems, tuple(notes))


def _regression_labels(
    table: RawTable,
    columns: Columns,
    name: str,
    quantity: str | None,
    unit: str | None,
    active_at: float | None,
) -> Labels:
    problems: Problems = {}
    notes: list[str] = []
    base, _ = split_unit(name)
    values, relations = _numbers(table, columns, name, problems, notes)
    units, which = read_units(table, columns, name, quantity, unit, problems, notes)
    _reject_doubtful_relations(columns, name, relations, problems)
    if any(one.is_convertible for one in units):
        known = np.array([one.is_convertible for one in units])
        _reject_units(units, which, ~known, problems, f"has no place on the scale {P_UNIT}")
        label = Quantity(_p_name(quantity, base, unit), P_UNIT, active_at=_checked_threshold(active_at))
        values, relations = _on_p_scale(table, values, relations, units, which, label.name, problems, notes)
    else:
        common = int(np.bincount(which[which >= 0], minlength=1).argmax())
        others = np.arange(len(units)) != common
        _reject_units(units, which, others, problems, f"differs from {units[common].name!r}, the usual one")
        label = Quantity(quantity or base, units[common].name, active_at=active_at)
        notes.append(f"Column {name!r} is taken as it is, higher meaning stronger; no unit was converted.")
    values[list(problems)] = np.nan
    usable = values[np.isfinite(values)]
    if len(usable) > 1 and usable.min() == usable.max():
        notes.append(f"Every value is {usable[0]:g}: {CONSTANT}")
    return Labels(label, values, relations, problems, tuple(notes))


def _numbers(
    table: RawTable, columns: Columns, name: str, problems: Problems, notes: list[str]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int8]]:
    """Numbers and relations as written; a relation column wins over a cell without a sign."""
    texts = table.columns[name]
    comma = has_decimal_comma(texts, table.delimiter, table.where)
    if comma:
        notes.append(f"Column {name!r} is read with a decimal comma.")
    said = table.columns[columns.names["relation"]] if "relation" in columns.names else [None] * len(table)
    values, relations = np.full(len(table), np.nan), np.zeros(len(table), np.int8)
    about = 0
    for row, text in enumerate(texts):
        try:
            values[row], sign = parse_value(text or "", decimal_comma=comma)
            relation, approximate = parse_relation(sign)
            column_says = said[row]
            if column_says is not None and column_says.strip():
                stated, is_about = parse_relation(column_says)
                if sign and stated != relation:
                    raise BadValueError(
                        "RELATION", f"the value says {sign!r} and the relation column {column_says.strip()!r}"
                    )
                relation, approximate = stated, approximate or is_about
            relations[row] = relation
            about += approximate
        except BadValueError as error:
            problems[row] = (error.code, error.reason)
    if about:
        notes.append(f"{about:,} values said to be approximate ('~') are taken as exact.")
    return values, relations


def _reject_doubtful_relations(
    columns: Columns, name: str, relations: npt.NDArray[np.int8], problems: Problems
) -> None:
    """A "standard relation" beside a p value may be that of the concentration, which points the other way."""
    column, named = columns.names.get("relation", ""), named_unit(name)
    if (
        named is None
        or not named.is_p
        or "relation" in columns.given
        or not plain_name(column).startswith("standard")
    ):
        return
    for row in np.flatnonzero(relations != EXACT):
        reason = (
            f"column {column!r} says {_SIGNS[int(relations[row])]!r}: of the concentration or of {name!r}? "
            f"If of {name!r}, say so: --column relation={column}"
        )
        problems.setdefault(int(row), ("RELATION", reason))


def _reject_units(
    units: list[Unit],
    which: npt.NDArray[np.int64],
    refused: npt.NDArray[np.bool_],
    problems: Problems,
    why: str,
) -> None:
    for place in np.flatnonzero(refused):
        for row in np.flatnonzero(which == place):
            problems.setdefault(int(row), ("UNIT", f"unit {units[place].name!r} {why}"))


def _p_name(quantity: str | None, base: str, unit: str | None) -> str:
    """How the quantity is called on the p scale, by the user, the column's name or the unit."""
    if quantity:
        plain = plain_name(quantity)
        return CONCENTRATIONS.get(plain) or P_SCALES.get(plain) or quantity
    for plain in (plain_name(base), plain_name(unit or "")):
        if plain in CONCENTRATIONS or plain in P_SCALES:
            return CONCENTRATIONS.get(plain) or P_SCALES[plain]
    return "pActivity"


def _checked_threshold(active_at: float | None) -> float | None:
    if active_at is not None and not _P_RANGE[0] <= active_at <= _P_RANGE[1]:
        raise LabelError(
            f"the threshold {active_at:g} is not on the scale of the labels, {P_UNIT}: 6 stands for 1 uM, 7 "
            "for 100 nM."
        )
    return active_at


def _on_p_scale(
    table: RawTable,
    values: npt.NDArray[np.float64],
    relations: npt.NDArray[np.int8],
    units: list[Unit],
    which: npt.NDArray[np.int64],
    name: str,
    problems: Problems,
    notes: list[str],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int8]]:
    molar = np.array([unit.exponent is not None for unit in units])[which] & (which >= 0)
    for row in np.flatnonzero(molar & (values <= 0)):
        problems.setdefault(int(row), ("NOT_POSITIVE", f"{values[row]:g} is not a positive concentration"))
    scaled, turned = to_p_scale(values, relations, units, which)
    usable = np.isfinite(scaled)
    usable[list(problems)] = False
    for unit in units:
        rows = usable & (which == units.index(unit))
        if unit.exponent is not None and rows.any():
            notes.append(
                f"{int(rows.sum()):,} values converted from {unit.name} to {name} = "
                f"{P_UNIT}{_turned_note(relations[rows])}."
            )
    odd = np.flatnonzero(usable & ((scaled < _P_RANGE[0]) | (scaled > _P_RANGE[1])))
    if len(odd):
        notes.append(
            f"Warning: {len(odd):,} values of {name} lie outside 0 to 16 (first: {scaled[odd[0]]:g} at "
            f"{table.where(int(odd[0]))}). Is the unit right?"
        )
    return scaled, turned


def _turned_note(relations: npt.NDArray[np.int8]) -> str:
    """How many relations changed direction with the scale, for a note."""
    turned = ""
    for sign in (ABOVE, BELOW):
        if count := int((relations == sign).sum()):
            turned += f"; {count:,} {_SIGNS[sign]!r} became {_SIGNS[-sign]!r}"
    return turned
