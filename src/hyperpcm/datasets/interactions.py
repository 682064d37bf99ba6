"""The table of measured interactions between compounds and targets, and what its values mean.

Axis letters: ``n`` interactions. A row is one measurement (compound, target, value, relation); compounds and
targets are held once each, as content (canonical SMILES, sequence), and rows point at them by index.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from hyperpcm.errors import LabelError, Rejection

__all__ = ["ABOVE", "BELOW", "EXACT", "Interactions", "Quantity"]

EXACT = 0
"""Relation ``=``: the value was measured (or is the lower edge of its bin)."""
ABOVE = 1
"""Relation ``>``: the true value is above the one given."""
BELOW = -1
"""Relation ``<``: the true value is below the one given."""

_FINGERPRINT_VERSION = "interactions-1"


@dataclasses.dataclass(frozen=True)
class Quantity:
    """What a label means.

    Attributes:
        name: such as ``pKd``, ``KIBA score`` or ``activity``.
        unit: such as ``-log10(M)``; empty where there is none.
        kind: ``regression`` (real values, higher is stronger) or ``binary`` (0 inactive, 1 active).
        active_at: a value at or above it is active; ``None`` where no threshold is agreed on. A binary
            quantity gets 0.5.
        bin_width: ``None``: values are points. Otherwise a value with relation ``=`` is the lower edge of a
            bin that is this wide, in units of the value; a table may hold points beside bins
            (`Interactions.binned`).

    Raises:
        LabelError: unknown kind, a threshold or a bin width that is not a finite number, a binned
            binary label.
    """

    name: str
    unit: str
    kind: Literal["regression", "binary"] = "regression"
    active_at: float | None = None
    bin_width: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in ("regression", "binary"):
            raise LabelError(
                f"quantity {self.name!r}: kind {self.kind!r} is neither 'regression' nor 'binary'."
            )
        if self.active_at is None and self.kind == "binary":
            object.__setattr__(self, "active_at", 0.5)
        if self.active_at is not None and not math.isfinite(self.active_at):
            raise LabelError(
                f"quantity {self.name!r}: the threshold {self.active_at} is not a finite number."
            )
        if self.bin_width is None:
            return
        if self.kind == "binary" or not (math.isfinite(self.bin_width) and self.bin_width > 0):
            raise LabelError(
                f"quantity {self.name!r}: bin width {self.bin_width} of a {self.kind} label. "
                "Only regression labels are binned, and the width is a positive number."
            )


@dataclasses.dataclass(frozen=True, eq=False)
class Interactions:
    """Measured interactions of one quantity, with both axes held once and by content.

    Arrays are copied, cast and set read-only. Two tables with equal `fingerprint` hold the same content;
    ``==`` is identity.

    Attributes:
        name: what the table is called in reports.
        quantity: what ``values`` mean.
        compounds: unique standardised SMILES [n_compounds].
        targets: unique validated sequences [n_targets].
        compound_names: display name of each compound, several identifiers joined by ``|``.
        target_names: the same for targets.
        compound_index: int64 [n], position in ``compounds``.
        target_index: int64 [n], position in ``targets``.
        values: float32 [n], finite; 0 or 1 where the quantity is binary.
        relations: int8 [n]: `EXACT` (0), `ABOVE` (1), `BELOW` (-1).
        year: int16 [n], year of the measurement or publication, if known.
        binned: bool [n], which values are lower edges of bins, where the quantity has bins and the table
            holds points beside them; ``None``: all with relation ``=`` are what the quantity says.
        folds: published folds by name, int64 [n] each: -1 is the test part; 0, 1, … are the parts of a
            cross-validation.
        rejections: rows of the source that could not be used.
        notes: one sentence for each thing that was counted while reading.

    Raises:
        LabelError: lengths, types or ranges that contradict this description.
    """

    name: str
    quantity: Quantity
    compounds: tuple[str, ...]
    targets: tuple[str, ...]
    compound_names: tuple[str, ...]
    target_names: tuple[str, ...]
    compound_index: npt.NDArray[np.int64]
    target_index: npt.NDArray[np.int64]
    values: npt.NDArray[np.float32]
    relations: npt.NDArray[np.int8]
    year: npt.NDArray[np.int16] | None = None
    folds: Mapping[str, npt.NDArray[np.int64]] = dataclasses.field(default_factory=dict)
    rejections: tuple[Rejection, ...] = ()
    notes: tuple[str, ...] = ()
    binned: npt.NDArray[np.bool_] | None = None

    def __post_init__(self) -> None:
        for field in ("compounds", "targets", "compound_names", "target_names", "rejections", "notes"):
            object.__setattr__(self, field, tuple(getattr(self, field)))
        n = len(np.atleast_1d(np.asarray(self.values)))
        for field, dtype in _COLUMNS.items():
            object.__setattr__(self, field, _column(getattr(self, field), dtype, field, n))
        if self.year is not None:
            object.__setattr__(self, "year", _column(self.year, np.int16, "year", n))
        if self.binned is not None:
            object.__setattr__(self, "binned", _column(self.binned, np.bool_, "binned", n))
        folds = {key: _column(fold, np.int64, f"folds[{key!r}]", n) for key, fold in self.folds.items()}
        object.__setattr__(self, "folds", MappingProxyType(folds))
        _check_axis(self.compounds, self.compound_names, self.compound_index, "compound")
        _check_axis(self.targets, self.target_names, self.target_index, "target")
        self._check_labels()

    def _check_labels(self) -> None:
        bad = np.flatnonzero(~np.isfinite(self.values))
        if len(bad):
            raise LabelError(
                f"{self.name}: row {bad[0]} holds the value {self.values[bad[0]]} ({len(bad)} such rows)."
            )
        bad = np.flatnonzero(np.abs(self.relations.astype(np.int64)) > 1)
        if len(bad):
            raise LabelError(
                f"{self.name}: row {bad[0]} has the relation {self.relations[bad[0]]}, not -1, 0 or 1."
            )
        self._check_bins()
        for key, fold in self.folds.items():
            if len(fold) and fold.min() < -1:
                raise LabelError(
                    f"{self.name}: fold {key!r} holds {fold.min()}; -1 (test), 0, 1, … are expected."
                )
        if self.quantity.kind == "binary":
            bad = np.flatnonzero(~np.isin(self.values, (0.0, 1.0)) | (self.relations != EXACT))
            if len(bad):
                raise LabelError(
                    f"{self.name}: row {bad[0]} of a binary table holds {self.values[bad[0]]} with relation "
                    f"{self.relations[bad[0]]}; only 0 and 1 without a relation are labels of two classes."
                )

    def _check_bins(self) -> None:
        if self.binned is None:
            return
        if self.quantity.bin_width is None:
            raise LabelError(
                f"{self.name}: rows are marked as bins, and {self.quantity.name} has no bin width. "
                "Give the quantity one (bin_width)."
            )
        bad = np.flatnonzero(self.binned & (self.relations != EXACT))
        if len(bad):
            raise LabelError(
                f"{self.name}: row {bad[0]} is marked as a bin and as a bound; a bin has the relation '='."
            )

    def __len__(self) -> int:
        """Number of interactions."""
        return len(self.values)

    def __reduce__(self) -> tuple[Any, ...]:
        """Make the table picklable: a read-only view of a dict is not."""
        fields = [getattr(self, field.name) for field in dataclasses.fields(self)]
        return type(self), tuple(
            dict(value) if isinstance(value, MappingProxyType) else value for value in fields
        )

    def select(self, rows: npt.ArrayLike) -> Interactions:
        """The interactions at ``rows`` (indices [k] or a mask [n]), in that order; both axes stay.

        Raises:
            LabelError: a row number outside the table, or a mask of another length.
        """
        chosen = np.asarray(rows)
        if chosen.size == 0 and chosen.dtype != np.bool_:
            chosen = chosen.astype(np.int64)
        try:
            chosen = np.arange(len(self))[chosen]
        except IndexError as error:
            raise LabelError(
                f"{self.name}: rows that this table of {len(self)} does not have: {error}."
            ) from error
        return dataclasses.replace(
            self,
            **{field: getattr(self, field)[chosen] for field in _COLUMNS},
            year=None if self.year is None else self.year[chosen],
            binned=None if self.binned is None else self.binned[chosen],
            folds={key: fold[chosen] for key, fold in self.folds.items()},
        )

    def bounds(self) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
        """Between which values each true value lies: (lower, upper), float32 [n] each, in units of the label.

        Equal for a point; one bin apart for a binned value; infinite on the open side of a censored one.
        """
        infinity = np.float32(np.inf)
        width = np.float32(self.quantity.bin_width or 0.0)
        lower = np.where(self.relations == BELOW, -infinity, self.values)
        upper = np.where(self.relations == ABOVE, infinity, self.values + width * self.is_binned())
        return lower.astype(np.float32), upper.astype(np.float32)

    def point(self) -> npt.NDArray[np.float32]:
        """One number for each row, float32 [n]: value, centre of the bin, or bound of a censored one."""
        half = np.float32((self.quantity.bin_width or 0.0) / 2)
        return np.asarray(self.values + half * self.is_binned(), dtype=np.float32)

    def is_binned(self) -> npt.NDArray[np.bool_]:
        """Whether each value is the lower edge of a bin, bool [n]; not so for points and bounds."""
        if self.binned is not None:
            return self.binned
        return np.asarray((self.relations == EXACT) & (self.quantity.bin_width is not None))

    def is_active(self) -> npt.NDArray[np.bool_]:
        """Whether each true value is known to reach the threshold of the quantity, bool [n].

        A row that is censored across the threshold counts as not active; `activity_is_known` tells those
        apart.

        Raises:
            LabelError: the quantity has no threshold.
        """
        lower, _ = self.bounds()
        return np.asarray(lower >= self._threshold())

    def activity_is_known(self) -> npt.NDArray[np.bool_]:
        """Whether the bounds of each row lie on one side of the threshold, bool [n].

        Raises:
            LabelError: the quantity has no threshold.
        """
        lower, upper = self.bounds()
        threshold = self._threshold()
        # A point below the threshold, a '<' at or below it and a bin that ends at it are all inactive.
        return np.asarray(
            (lower >= threshold) | (upper < threshold) | ((upper == threshold) & (lower < upper))
        )

    def _threshold(self) -> np.float32:
        if self.quantity.active_at is None:
            raise LabelError(
                f"{self.name}: {self.quantity.name} has no threshold from which on a compound is active. "
                "Give the quantity one (active_at)."
            )
        return np.float32(self.quantity.active_at)

    def fingerprint(self) -> str:
        """Sha256 (hex) of the content: quantity, axes, rows, bins, years, folds. Equal on every machine.

        Display names, notes and rejections do not enter; the order of rows and axes does.
        """
        digest = hashlib.sha256()
        header = {
            "version": _FINGERPRINT_VERSION,
            "quantity": dataclasses.asdict(self.quantity),
            "axes": [len(self.compounds), len(self.targets)],
            "rows": len(self),
            "folds": sorted(self.folds),
            "year": self.year is not None,
        }
        if self.binned is not None:
            header["binned"] = True
        digest.update(json.dumps(header, sort_keys=True).encode())
        for text in (*self.compounds, *self.targets):
            encoded = text.encode()
            digest.update(len(encoded).to_bytes(8, "little") + encoded)
        columns = [getattr(self, field) for field in _COLUMNS]
        columns += [] if self.year is None else [self.year]
        columns += [] if self.binned is None else [self.binned]
        columns += [self.folds[key] for key in sorted(self.folds)]
        for column in columns:
            digest.update(np.ascontiguousarray(column, dtype=column.dtype.newbyteorder("<")).tobytes())
        return digest.hexdigest()

    def describe(self) -> dict[str, Any]:
        """Counts and ranges of the table as plain JSON values."""
        n = len(self)
        summary: dict[str, Any] = {
            "name": self.name,
            "quantity": dataclasses.asdict(self.quantity),
            "interactions": n,
            "compounds": len(np.unique(self.compound_index)),
            "targets": len(np.unique(self.target_index)),
            "exact": int((self.relations == EXACT).sum()),
            "binned": int(self.is_binned().sum()),
            "above": int((self.relations == ABOVE).sum()),
            "below": int((self.relations == BELOW).sum()),
            "lowest": float(self.values.min()) if n else None,
            "median": float(np.median(self.values)) if n else None,
            "highest": float(self.values.max()) if n else None,
            "active": int(self.is_active().sum()) if self.quantity.active_at is not None else None,
            "years": None if self.year is None or not n else [int(self.year.min()), int(self.year.max())],
            "folds": sorted(self.folds),
            "rejected": len(self.rejections),
            "notes": list(self.notes),
            "fingerprint": self.fingerprint(),
        }
        return summary


_COLUMNS: Mapping[str, type[np.generic]] = MappingProxyType(
    {"compound_index": np.int64, "target_index": np.int64, "values": np.float32, "relations": np.int8}
)


def _column(given: npt.ArrayLike, dtype: type[np.generic], name: str, n: int) -> npt.NDArray[Any]:
    """A read-only copy of ``given`` as ``dtype`` [n]; refuses another length and integers that do not fit."""
    array = np.asarray(given)
    if array.shape != (n,):
        raise LabelError(f"column {name} has the shape {array.shape}; ({n},) is expected, as values has.")
    if array.dtype.kind not in "biuf":
        raise LabelError(f"column {name} holds {array.dtype}, not numbers.")
    if array.dtype.kind == "f" and not np.isfinite(array).all() and np.issubdtype(dtype, np.integer):
        raise LabelError(f"column {name} holds numbers that are not finite where whole numbers are expected.")
    with np.errstate(over="ignore"):  # a float64 beyond float32 becomes infinite and is refused with its row
        column = array.astype(dtype)
    if not np.issubdtype(dtype, np.floating) and not np.array_equal(column, array):
        raise LabelError(f"column {name} holds numbers that do not fit {np.dtype(dtype).name}.")
    column.flags.writeable = False
    return column


def _check_axis(
    content: tuple[str, ...], names: tuple[str, ...], index: npt.NDArray[np.int64], what: str
) -> None:
    if len(names) != len(content):
        raise LabelError(
            f"{len(content)} {what}s and {len(names)} {what} names; one name for each is expected."
        )
    if len(set(content)) != len(content):
        raise LabelError(f"the {what} axis holds one {what} twice; group rows by content first.")
    if not all(content):
        raise LabelError(f"the {what} axis holds an empty text.")
    if len(index) and (index.min() < 0 or index.max() >= len(content)):
        raise LabelError(
            f"{what}_index runs from {index.min()} to {index.max()}; "
            f"there are {len(content)} {what}s, counted from 0."
        )
