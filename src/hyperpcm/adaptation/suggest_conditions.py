"""What a table says of the compounds of a library: which may be bought, and for how much."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal, Self

import numpy as np
import numpy.typing as npt

from hyperpcm.chem import standardise_all
from hyperpcm.datasets.columns import find_column, listed
from hyperpcm.datasets.table import RawTable, read_raw_table
from hyperpcm.errors import ConfigError, TableError

__all__ = ["CompoundTable", "Condition"]

_OPERATORS: Final[Mapping[str, Callable[[Any, Any], bool]]] = MappingProxyType(
    {
        "<=": operator.le,
        ">=": operator.ge,
        "!=": operator.ne,
        "==": operator.eq,
        "=": operator.eq,
        "<": operator.lt,
        ">": operator.gt,
    }
)
_PATTERN: Final = re.compile(r"\s*(.*?\S)\s*(<=|>=|!=|==|=|<|>)\s*(.*\S)\s*")


@dataclass(frozen=True)
class Condition:
    """A condition on a column: ``stock > 0``, ``vendor = Acme``.

    Attributes:
        column: its name.
        sign: one of ``< <= > >= = == !=``.
        value: to compare with, as given.
    """

    column: str
    sign: str
    value: str

    @classmethod
    def parsed(cls, text: str) -> Self:
        """Return the condition that a text states.

        Raises:
            ConfigError: it is not of the form ``column sign value``, its value begins with a sign, or it
                compares the size of a text.

        Example:
            >>> Condition.parsed("stock >= 5")
            Condition(column='stock', sign='>=', value='5')
        """
        found = _PATTERN.fullmatch(text)
        if found is None:
            raise ConfigError(f"--where {text!r}: write a column, one of < <= > >= = !=, and a value.")
        condition = cls(*found.groups())
        if condition.value[0] in "<>=":
            raise ConfigError(
                f"--where {text!r}: the value {condition.value!r} begins with a sign; the signs are "
                "< <= > >= = !=."
            )
        if condition.sign in ("<", "<=", ">", ">=") and _number(condition.value) is None:
            raise ConfigError(f"--where {text!r}: {condition.value!r} is no number; use = or != for texts.")
        return condition

    def holds(self, cell: str | None) -> bool:
        """Whether a cell fulfils it: as numbers where both are, else as texts; an empty cell never does."""
        if cell is None:
            return False
        wanted, own = _number(self.value), _number(cell)
        if wanted is not None and own is not None:
            return _OPERATORS[self.sign](own, wanted)
        if self.sign in ("=", "==", "!="):
            return _OPERATORS[self.sign](cell.strip(), self.value)
        return False


@dataclass(frozen=True)
class CompoundTable:
    """The compounds of a table that fulfil all conditions, and their prices.

    Attributes:
        joined_by: what tells its compounds: the ``name`` that the library has too, or the standardised
            ``smiles``.
        prices: of each of them; 0 where there is no column of prices.
    """

    joined_by: Literal["name", "smiles"]
    prices: Mapping[str, float]

    @classmethod
    def read(
        cls,
        path: Path,
        *,
        price_column: str | None = None,
        where: Sequence[Condition] = (),
        columns: Mapping[str, str] | None = None,
    ) -> Self:
        """Read a table; of a compound that it holds several times the cheapest row that fulfils all counts.

        All rows of the columns needed are held while it is read, and an entry for each compound after that.

        Args:
            path: CSV, TSV or Parquet, with a column of names, or else of SMILES.
            price_column: its column of prices; a row without a price cannot be bought. None: all are free.
            where: conditions, all of which have to hold.
            columns: the columns of the roles ``compound_id`` and ``smiles``, where names do not tell.

        Raises:
            TableError: the table cannot be read, a column is missing, or a price is no number from 0 on.
        """
        keys: list[tuple[Literal["name", "smiles"], str]] = []

        def choose(header: tuple[str, ...]) -> list[str]:
            keys.append(_key(header, path, columns or {}))
            needed = [*([] if price_column is None else [price_column]), *(one.column for one in where)]
            for name in needed:
                if name not in header:
                    raise TableError(f"{path}: no column {name!r}. Its columns are {listed(header)}.")
            return list(dict.fromkeys([keys[0][1], *needed]))

        table = read_raw_table(path, choose=choose)
        joined_by, key = keys[0]
        rows = [
            row
            for row in range(len(table))
            if table.columns[key][row] is not None
            and all(one.holds(table.columns[one.column][row]) for one in where)
        ]
        called = [str(table.columns[key][row]).strip() for row in rows]
        if joined_by == "smiles":
            called = [one.smiles if one is not None else "" for one in standardise_all(called)[0]]
        prices: dict[str, float] = {}
        for name, row in zip(called, rows, strict=True):
            price = 0.0 if price_column is None else _price(table, price_column, row)
            if name and price is not None:
                prices[name] = min(price, prices.get(name, np.inf))
        return cls(joined_by, MappingProxyType(prices))

    def of(self, names: Sequence[str], smiles: Sequence[str]) -> npt.NDArray[np.float64]:
        """Return the prices of compounds of a library [n]; NaN for those that may not be chosen.

        White space around names does not count.
        """
        keys = names if self.joined_by == "name" else smiles
        return np.array([self.prices.get(key.strip(), np.nan) for key in keys], dtype=np.float64)


def _key(
    header: tuple[str, ...], path: Path, columns: Mapping[str, str]
) -> tuple[Literal["name", "smiles"], str]:
    """What compounds are joined by, and the column that holds it."""
    roles: tuple[tuple[Literal["name", "smiles"], str], ...] = (("name", "compound_id"), ("smiles", "smiles"))
    for joined_by, role in roles:
        found = columns.get(role) or find_column(role, header, path)
        if found:
            if found not in header:
                raise TableError(f"{path}: no column {found!r}. Its columns are {listed(header)}.")
            return joined_by, found
    raise TableError(
        f"{path}: no column tells the compounds, by name or SMILES. Its columns are {listed(header)}. "
        "Call one of them compound_id or smiles."
    )


def _price(table: RawTable, column: str, row: int) -> float | None:
    cell = table.columns[column][row]
    if cell is None:
        return None
    price = _number(cell)
    if price is None or price < 0:
        raise TableError(
            f"{table.path}, {table.where(row)}: the price {cell!r} in {column!r} is no number from 0 on. "
            "Leave the cell empty where there is no price."
        )
    return price


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None
