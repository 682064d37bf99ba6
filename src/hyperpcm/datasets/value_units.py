"""In which unit each value of a user's table is: told by a unit column, a column's name or the user."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.columns import Columns, plain_name, split_unit
from hyperpcm.datasets.table import RawTable
from hyperpcm.datasets.units import CONCENTRATIONS, P_SCALES, P_UNIT, Problems, Unit, unit_of
from hyperpcm.errors import LabelError

__all__ = ["named_unit", "read_units"]


def read_units(
    table: RawTable,
    columns: Columns,
    name: str,
    quantity: str | None,
    unit: str | None,
    problems: Problems,
    notes: list[str],
) -> tuple[list[Unit], npt.NDArray[np.int64]]:
    """The units that occur, and which of them each row has [n].

    A unit column wins; where it is blank, the unit that was given or that the value column's name tells
    stands in. A row whose unit nobody tells, or for which column and name disagree, gets -1 and becomes a
    problem.

    Args:
        table: the table.
        columns: its roles.
        name: the column of values.
        quantity: what the user calls the values.
        unit: the unit the user gave.
        problems: rows that cannot be used; added to.
        notes: what is remarkable; added to.

    Raises:
        LabelError: given unit and name disagree, or concentrations without any unit.
    """
    named = named_unit(name)
    given = unit_of(unit) if unit is not None else None
    if given is not None and named is not None and given != named:
        raise LabelError(
            f"{table.path}: column {name!r} is in {named.name} by its name, and unit={unit!r} was given. "
            "Leave the unit out or rename the column."
        )
    fixed = given or named
    column = columns.names.get("unit")
    if column and named is not None and named.is_p and "unit" not in columns.given:
        notes.append(f"Column {column!r} is not used: {name!r} is {P_UNIT} by its name.")
        column = None
    if column is None:
        fixed = fixed or _assumed_unit(table, name, quantity)
        return [fixed], np.zeros(len(table), np.int64)
    return _units_of_rows(table, column, fixed, named, problems)


def _units_of_rows(
    table: RawTable, column: str, fixed: Unit | None, named: Unit | None, problems: Problems
) -> tuple[list[Unit], npt.NDArray[np.int64]]:
    places: dict[Unit, int] = {}
    known: dict[str | None, int | tuple[str, str]] = {}
    which = np.full(len(table), -1, np.int64)
    for row, text in enumerate(table.columns[column]):
        if text not in known:
            unit = unit_of(text) if text is not None and text.strip() else fixed
            if unit is None:
                known[text] = ("UNIT", f"there is no unit in column {column!r}")
            elif named is not None and unit != named:
                known[text] = (
                    "UNIT",
                    f"the unit column says {unit.name}, the name of the value column {named.name}",
                )
            else:
                known[text] = places.setdefault(unit, len(places))
        found = known[text]
        if isinstance(found, tuple):
            problems.setdefault(row, found)
        else:
            which[row] = found
    return list(places) or [fixed or Unit("")], which


def named_unit(name: str) -> Unit | None:
    """The unit that the name of a column of values tells: ``Ki (nM)``, ``pKd``."""
    base, unit = split_unit(name)
    return unit or (Unit(P_UNIT, is_p=True) if plain_name(base) in P_SCALES else None)


def _assumed_unit(table: RawTable, name: str, quantity: str | None) -> Unit:
    """The unit where neither a column, nor a name, nor the user says one."""
    plain, wanted = plain_name(split_unit(name)[0]), plain_name(quantity or "")
    concentration = plain in CONCENTRATIONS or wanted in CONCENTRATIONS
    if concentration or (plain == "standardvalue" and not quantity):
        raise LabelError(
            f"{table.path}: column {name!r} holds concentrations, and nothing says in which unit. Give it: "
            "--unit nM (or uM, mM, M, pM; pKd if the numbers are negative logarithms already)."
        )
    return Unit(P_UNIT, is_p=True) if wanted in P_SCALES else Unit("")
