"""The results file of one data set and split: which model had which metrics on which fold.

The file lies at ``<folder>/accuracy/<data set>/<split>.json`` and holds ``{"protocol", "rows": [{"model",
"fold", "seed", "n", "metrics", "seconds", "peak_mb"}], "versions", "commit", "machine"}``. All its rows
were made under one protocol and, unless somebody says otherwise, by one commit.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from hyperpcm.datasets.output_files import atomic_file
from hyperpcm.errors import OutputError, TableError
from hyperpcm.evaluation.surroundings import Surroundings

__all__ = ["AccuracyResults", "ResultRow", "accuracy_path", "read_json", "write_json"]


_OPTIONAL: Final = frozenset({"commit", "settings"})


@dataclasses.dataclass(frozen=True)
class ResultRow:
    """One model on the test side of one fold.

    Attributes:
        model: ``hyperpcm`` for the default model, or the name of a null or variant.
        fold: number of the fold, from 0.
        seed: what the fit was seeded with.
        n: number of test rows.
        metrics: as `evaluate.evaluate_scores` gives them.
        seconds: wall-clock time of fitting and scoring.
        peak_mb: peak resident memory of the process at the end, in 10⁶ bytes; None where it is not known. It
            never falls within a process, so it is an upper bound for every row but the first.
        commit: of the code that made the row, where it differs from that of the file; None otherwise.
        settings: digest of the row's file in a benchmark, so that a changed one is noticed; None otherwise.
    """

    model: str
    fold: int
    seed: int
    n: int
    metrics: Mapping[str, Any]
    seconds: float
    peak_mb: float | None = None
    commit: str | None = None
    settings: str | None = None

    def key(self) -> tuple[str, int, int]:
        """What identifies a row within a file: model, fold and seed."""
        return self.model, self.fold, self.seed

    def as_dict(self) -> dict[str, Any]:
        """The row as it is written; ``commit`` and ``settings`` only where there are some."""
        row = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        row["metrics"] = dict(self.metrics)
        return {name: value for name, value in row.items() if value is not None or name not in _OPTIONAL}

    @classmethod
    def from_dict(cls, row: Any, where: str) -> ResultRow:
        """The row that `as_dict` gave.

        Raises:
            TableError: missing or unknown entries, or one of another type; the message begins with ``where``.
        """
        wanted = {field.name for field in dataclasses.fields(cls)} - _OPTIONAL
        _check_keys(row, wanted, where, set(_OPTIONAL))
        return _row(row, where)


@dataclasses.dataclass(frozen=True)
class AccuracyResults:
    """The content of one results file; `merged_with` adds rows, nothing changes in place.

    Attributes:
        protocol: how the numbers were made: data set with fingerprint, split with options, folds, quantity.
        rows: ordered by fold, seed and model as they were added.
        versions: as in `surroundings.Surroundings`.
        commit: likewise.
        machine: likewise.
    """

    protocol: Mapping[str, Any]
    rows: tuple[ResultRow, ...]
    versions: Mapping[str, str]
    commit: str | None
    machine: Mapping[str, Any]

    @classmethod
    def of(
        cls, protocol: Mapping[str, Any], rows: Iterable[ResultRow], where: Surroundings
    ) -> AccuracyResults:
        """Results of this process.

        Raises:
            TableError: two rows of one model, fold and seed.
        """
        results = cls(protocol, tuple(rows), where.versions, where.commit, where.machine)
        keys = [row.key() for row in results.rows]
        if len(set(keys)) < len(keys):
            repeated = next(key for key in keys if keys.count(key) > 1)
            raise TableError(
                f"results hold two rows of model {repeated[0]!r}, fold {repeated[1]}, seed {repeated[2]}."
            )
        return results

    @classmethod
    def read(cls, path: Path) -> AccuracyResults:
        """Read a results file.

        Raises:
            TableError: no such file, or it is not a results file; the message names what is wrong.
        """
        record = read_json(path)
        _check_keys(record, set(_ENTRIES), str(path))
        for entry, kind in _ENTRIES.items():
            if not isinstance(record[entry], kind):
                raise TableError(f"{path}: {entry} is {record[entry]!r:.80}.")
        rows = []
        for number, row in enumerate(record["rows"]):
            rows.append(ResultRow.from_dict(row, f"{path}, row {number}"))
        where_from = Surroundings(record["versions"], record["commit"], record["machine"])
        return cls.of(record["protocol"], rows, where_from)

    def merged_with(self, later: AccuracyResults, *, other_commit: bool = False) -> AccuracyResults:
        """These results with the rows of later ones; a later row of the same model, fold and seed replaces.

        Versions, commit and machine become those of the later results; with ``other_commit``, rows that stay
        keep the commit they were made by.

        Raises:
            TableError: another protocol, or another commit without ``other_commit``.
        """
        if _canonical(self.protocol) != _canonical(later.protocol):
            difference = _difference(self.protocol, later.protocol)
            raise TableError(
                f"these results were made under another protocol: {difference}. "
                "Write them to a file of their own."
            )
        if self.commit != later.commit and not other_commit:
            raise TableError(
                f"the file holds results of commit {self.commit}, these are of {later.commit}. "
                "Run all rows again, or say that rows of several commits may stand together (other_commit)."
            )
        rows = {row.key(): row for row in self.rows}
        if self.commit != later.commit:
            rows = {
                key: dataclasses.replace(row, commit=row.commit or self.commit) for key, row in rows.items()
            }
        rows |= {row.key(): row for row in later.rows}
        ordered = sorted(rows.values(), key=lambda row: (row.fold, row.seed))
        return dataclasses.replace(later, rows=tuple(ordered))

    def write(self, path: Path) -> None:
        """Write the file, whole or not at all; its folder is made. NaN and infinities become null.

        Raises:
            OutputError: the folder cannot be written to.
            DiskFullError: no space is left.
        """
        record = {
            "protocol": self.protocol,
            "rows": [row.as_dict() for row in self.rows],
            "versions": self.versions,
            "commit": self.commit,
            "machine": self.machine,
        }
        write_json(path, record)

    def add_to(self, path: Path, *, other_commit: bool = False) -> AccuracyResults:
        """Merge these results into the file at ``path`` (made where there is none), and return its content.

        Raises:
            TableError: as `read` and `merged_with`.
            OutputError: as `write`.
        """
        merged = self
        if path.exists():
            merged = AccuracyResults.read(path).merged_with(self, other_commit=other_commit)
        merged.write(path)
        return merged


_ENTRIES: Final[Mapping[str, Any]] = MappingProxyType(
    {"protocol": dict, "rows": list, "versions": dict, "commit": (str, type(None)), "machine": dict}
)


def accuracy_path(folder: Path, dataset: str, split: str) -> Path:
    """Where the results of a data set and split lie below ``folder``."""
    return folder / "accuracy" / dataset / f"{split}.json"


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a file.

    Raises:
        TableError: no such file, not UTF-8, not JSON or not an object.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise TableError(f"{path}: no results can be read from it: {error}.") from error
    if not isinstance(record, dict):
        raise TableError(f"{path}: this is not a results file; it holds a JSON {type(record).__name__}.")
    return record


def write_json(path: Path, record: Mapping[str, Any]) -> None:
    """Write a record as indented JSON, whole or not at all; NaN and infinities become null.

    Raises:
        OutputError: the folder cannot be written to.
        DiskFullError: no space is left.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{path}: its folder cannot be made ({error.strerror}).") from error
    text = json.dumps(_plain(record), indent=1, ensure_ascii=False, allow_nan=False)
    with atomic_file(path, overwrite=True) as stream:
        stream.write(text.encode() + b"\n")


def _plain(value: Any) -> Any:
    """The value as plain JSON types, with None for what is not finite."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "item") and not isinstance(value, (str, bytes)):
        value = value.item()  # a NumPy number
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _canonical(value: Any) -> str:
    return json.dumps(_plain(value), sort_keys=True)


def _difference(one: Mapping[str, Any], other: Mapping[str, Any]) -> str:
    """The first entry in which two protocols differ, in words."""
    for key in sorted({*one, *other}):
        if _canonical(one.get(key)) != _canonical(other.get(key)):
            return f"{key} is {one.get(key)!r} in the file and {other.get(key)!r} here"
    return "the same entries"


def _check_keys(record: Any, wanted: set[str], where: str, allowed: set[str] | None = None) -> None:
    if not isinstance(record, dict):
        raise TableError(f"{where}: an object is expected, not {record!r:.80}.")
    strange = sorted((set(record) ^ wanted) - (allowed or set()))
    if strange:
        raise TableError(f"{where}: missing or unknown entries: {', '.join(strange)}.")


def _row(row: dict[str, Any], where: str) -> ResultRow:
    """A typed row; raises `TableError` for an entry of another type."""
    kinds: dict[str, Any] = {"model": str, "fold": int, "seed": int, "n": int, "metrics": dict}
    kinds |= {"seconds": (int, float), "peak_mb": (int, float, type(None))}
    kinds |= {name: str for name in _OPTIONAL if row.get(name) is not None}
    for name, kind in kinds.items():
        if not isinstance(row[name], kind) or isinstance(row[name], bool):
            raise TableError(f"{where}: {name} is {row[name]!r:.80}.")
    return ResultRow(**row)
