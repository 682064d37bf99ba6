"""One division of a table of interactions into training, validation and test rows."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.interactions import Interactions
from hyperpcm.errors import SplitError

__all__ = ["Rows", "Split"]

Rows = npt.NDArray[np.int64]

_FORMAT = "hyperpcm split 1"
_SIDES = ("train", "valid", "test")


@dataclasses.dataclass(frozen=True, eq=False)
class Split:
    """Which rows of a table to fit, to choose by, and to test on. ``==`` is identity.

    Attributes:
        name: how it was made, one of `SPLIT_NAMES`.
        fold: number of this division, from 0.
        folds: how many divisions were made together.
        seed: what the random choices were drawn with.
        train: row numbers, int64, ascending, read-only.
        valid: the same, of the validation side.
        test: the same, of the test side; empty where nothing is held out (`without_test`).
        how: one sentence for reports.
        unused: how many rows of the table are on no side.

    Raises:
        SplitError: the training or validation side is empty, a side holds a row twice or a negative one, or
            two sides share a row.
    """

    name: str
    fold: int
    folds: int
    seed: int
    train: Rows
    valid: Rows
    test: Rows
    how: str
    unused: int

    def __post_init__(self) -> None:
        for side in _SIDES:
            rows = np.array(getattr(self, side))
            if (
                rows.ndim != 1
                or (rows.dtype.kind not in "iu" and rows.size)
                or not (rows.size or side == "test")
            ):
                raise SplitError(_empty(self.label(), side))
            rows = np.sort(rows.astype(np.int64))
            if (rows < 0).any() or (rows[1:] == rows[:-1]).any():
                raise SplitError(f"{self.label()}: the {side} side holds a negative row number or one twice.")
            rows.flags.writeable = False
            object.__setattr__(self, side, rows)
        everything = np.sort(np.concatenate([self.train, self.valid, self.test]))
        shared = int(np.count_nonzero(everything[1:] == everything[:-1]))
        if shared:
            raise SplitError(f"{self.label()}: {shared} row numbers are on more than one side.")

    @property
    def seen(self) -> Rows:
        """Row numbers of the training and the validation side, ascending: all that is not tested on."""
        return np.sort(np.concatenate([self.train, self.valid]))

    def label(self) -> str:
        """What this division is called in messages, such as ``split cold_target, fold 2 of 5``."""
        return f"split {self.name}, fold {self.fold} of {self.folds}"

    def check_tested(self) -> None:
        """Refuse a division without a test side.

        Raises:
            SplitError: the test side is empty.
        """
        if not self.test.size:
            raise SplitError(_empty(self.label(), "test"))

    def without_test(self, interactions: Interactions) -> Split:
        """This division with its test side learned from: nothing is left to test a model on.

        The validation side chooses as in the divisions that are tested: a target or compound that only it
        knows stays unknown to training, so its test rows join validation.

        Args:
            interactions: the table it divides.
        """
        own = np.zeros(self.test.size, dtype=bool)
        for index in (interactions.target_index, interactions.compound_index):
            own |= np.isin(index[self.test], np.setdiff1d(index[self.valid], index[self.train]))
        return dataclasses.replace(
            self,
            train=np.concatenate([self.train, self.test[~own]]),
            valid=np.concatenate([self.valid, self.test[own]]),
            test=np.empty(0, dtype=np.int64),
            how=f"{self.how} Nothing is held out for a test: what was to be tested is learned from.",
        )

    def to_json(self, interactions: Interactions) -> str:
        """This division as JSON text, tied to the content of the table it divides.

        Raises:
            SplitError: the table has another number of rows than this division accounts for.
        """
        self.check_rows(len(interactions))
        fields: dict[str, Any] = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        fields |= {side: fields[side].tolist() for side in _SIDES}
        record = {"format": _FORMAT, "interactions": interactions.fingerprint(), **fields}
        return json.dumps(record, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str, interactions: Interactions) -> Split:
        """The division that `to_json` wrote for this table.

        Raises:
            SplitError: the text is not such a record, or it was written for another table.
        """
        try:
            record = json.loads(text)
        except json.JSONDecodeError as error:
            raise SplitError(f"this is not a split: it is not JSON ({error}).") from error
        names = {field.name for field in dataclasses.fields(cls)}
        if not isinstance(record, dict) or record.get("format") != _FORMAT:
            raise SplitError(f"this is not a split: its format is not {_FORMAT!r}.")
        if set(record) != names | {"format", "interactions"}:
            strange = sorted(set(record) ^ (names | {"format", "interactions"}))
            raise SplitError(f"this split has missing or unknown entries: {', '.join(strange)}.")
        if record["interactions"] != interactions.fingerprint():
            raise SplitError(
                f"this split was made for another table than {interactions.name!r}: the fingerprints differ. "
                "Load the same data set, merged or not as before, or make the split again."
            )
        split = cls(**_fields(record))
        split.check_rows(len(interactions))
        return split

    def check_rows(self, n: int) -> None:
        """Refuse to be used on another table.

        Args:
            n: rows of the table.

        Raises:
            SplitError: the sides and the unused rows are not n in all, or a row number is not below n.
        """
        counted = self.train.size + self.valid.size + self.test.size + self.unused
        last = max(int(rows[-1]) for rows in (self.train, self.valid, self.test) if rows.size)
        if counted != n or last >= n or self.unused < 0:
            raise SplitError(
                f"{self.label()} accounts for {counted} rows, the last of them {last}; "
                f"the table has {n} rows. It was made for another one."
            )


def _empty(label: str, side: str) -> str:
    return (
        f"{label}: the {side} side is empty or not a list of row numbers. "
        "Use fewer folds, another validation share or more data."
    )


def _fields(record: dict[str, Any]) -> dict[str, Any]:
    """The constructor's arguments, with their types checked."""
    fields = {}
    for field in dataclasses.fields(Split):
        value = record[field.name]
        if field.name in _SIDES:
            rows = isinstance(value, list) and all(type(row) is int for row in value)
            if not rows:
                raise SplitError(f"this split has no list of row numbers under {field.name!r}.")
            try:
                value = np.array(value, dtype=np.int64)
            except OverflowError as error:
                raise SplitError(
                    f"this split holds a row number beyond 64 bits under {field.name!r}."
                ) from error
        elif type(value) is not (str if field.name in ("name", "how") else int):
            raise SplitError(f"this split holds {value!r} under {field.name!r}.")
        fields[field.name] = value
    return fields
