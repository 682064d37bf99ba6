"""A benchmark as it is read from its folder: the protocol, its rows, and where its results lie."""

from __future__ import annotations

import dataclasses
import difflib
import hashlib
import json
from pathlib import Path
from typing import Any

from hyperpcm.benchmark.files import BenchmarkFile, RowFile, checked, read_toml
from hyperpcm.benchmark.registry import kind_named
from hyperpcm.config import RunConfig, validated
from hyperpcm.errors import ConfigError

__all__ = ["Benchmark", "Row", "all_benchmarks", "find_benchmark"]

_PROTOCOL = "benchmark.toml"
RESULTS = "results"


@dataclasses.dataclass(frozen=True)
class Row:
    """One row with what it takes over from the row it is a variant of.

    Attributes:
        name: of its file, and of the model in the results.
        file: what the file says, together with what it inherits.
        digest: of everything that decides the numbers; a row whose digest changed is run again.
    """

    name: str
    file: RowFile
    digest: str

    @property
    def title(self) -> str:
        """What the table calls it."""
        return self.file.title or self.name

    @property
    def is_shuffled_too(self) -> bool:
        """Whether the row of shuffled targets is made together with this one."""
        if self.file.baseline is not None or self.file.part == "prior":
            return False
        return self.file.shuffled is not False


@dataclasses.dataclass(frozen=True)
class Benchmark:
    """One folder of files.

    Attributes:
        name: of the folder.
        folder: where it lies.
        file: the protocol, of the schema of its kind.
        rows: the reference first, the others by name.
    """

    name: str
    folder: Path
    file: BenchmarkFile
    rows: tuple[Row, ...]

    @property
    def data_label(self) -> str:
        """What the data are called in paths: the catalogued name, or the stem of the table's file."""
        data = self.file.data
        return data.name or (data.path.stem if data.path is not None else "")

    @property
    def results_name(self) -> str:
        """Name of the results file: as given, else the split's if the benchmark is just that, or its own.

        So a benchmark with other rows on the same data and split never shares a file with the main table.
        """
        if self.file.results is not None:
            return self.file.results
        split = getattr(getattr(self.file, "split", None), "name", None)
        return str(split) if self.name == f"{self.data_label}_{split}" else self.name

    def row(self, name: str) -> Row:
        """The row of this name.

        Raises:
            ConfigError: there is none; the nearest one is named.
        """
        for row in self.rows:
            if row.name == name:
                return row
        names = [row.name for row in self.rows]
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"Its rows: {', '.join(names)}."
        raise ConfigError(f"benchmark {self.name!r} has no row {name!r}. {hint}")

    def config(self, row: Row, *, seed: int, threads: int, split: dict[str, Any]) -> RunConfig:
        """The settings of the model of a row.

        Raises:
            ConfigError: an unknown setting or a value out of range.
        """
        data = self.file.data.model_dump(exclude_defaults=True)
        settings = _merged(row.file.settings, self.file.settings())
        return _run_config(
            {"data": data, "split": split, "seed": seed, "threads": threads, **settings},
            self.folder / f"{row.name}.toml",
        )


def find_benchmark(root: Path, name: str) -> Benchmark:
    """The benchmark of this name below a root folder.

    Raises:
        ConfigError: there is none (the nearest one is named), or one of its files is wrong.
    """
    folder = root / name
    if (folder / _PROTOCOL).is_file():
        return _read(folder)
    names = _names(root)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(names) or 'none'}."
    raise ConfigError(f"{root}: there is no benchmark {name!r} (a folder with {_PROTOCOL}). {hint}")


def all_benchmarks(root: Path) -> list[Benchmark]:
    """Every benchmark below a root folder, by name.

    Raises:
        ConfigError: no such folder, a wrong file, or two benchmarks that would write to one results file.
    """
    if not root.is_dir():
        raise ConfigError(f"{root}: there is no such folder of benchmarks. Give another one with --root.")
    found = [_read(root / name) for name in _names(root)]
    places: dict[Path, str] = {}
    for benchmark in found:
        kind = kind_named(benchmark.file.kind, benchmark.folder)
        place = kind.results_path(benchmark, root / RESULTS)
        if place in places:
            raise ConfigError(
                f"benchmarks {places[place]!r} and {benchmark.name!r} would share one results file "
                f"({place}). Give one of them another name or `results`."
            )
        places[place] = benchmark.name
    return found


def _names(root: Path) -> list[str]:
    return sorted(path.parent.name for path in root.glob(f"*/{_PROTOCOL}"))


def _read(folder: Path) -> Benchmark:
    path = folder / _PROTOCOL
    content = read_toml(path)
    kind = kind_named(str(content.get("kind", "accuracy")), path)
    file = checked(kind.protocol, content, path)
    if file.data.path is not None and not file.data.path.is_absolute():
        data = file.data.model_copy(update={"path": folder / file.data.path})
        file = file.model_copy(update={"data": data})
    files = {
        one.stem: checked(kind.row, read_toml(one), one)
        for one in sorted(folder.glob("*.toml"))
        if one.name != _PROTOCOL
    }
    if file.reference not in files:
        near = difflib.get_close_matches(file.reference, files, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ConfigError(f"{path}: the reference row {file.reference!r} has no file beside it.{hint}")
    order = sorted(files, key=lambda name: (name != file.reference, name))
    rows = tuple(_row(name, files, folder) for name in order)
    benchmark = Benchmark(folder.name, folder, file, rows)
    kind.check(benchmark)
    return benchmark


def _row(name: str, files: dict[str, RowFile], folder: Path) -> Row:
    chain = [name]
    while (parent := files[chain[-1]].variant_of) is not None:
        path = folder / f"{chain[-1]}.toml"
        if parent not in files:
            near = difflib.get_close_matches(parent, files, n=1)
            hint = f" Did you mean {near[0]}?" if near else ""
            raise ConfigError(f"{path}: variant_of names {parent!r}, which is no row.{hint}")
        if parent in chain:
            raise ConfigError(f"{path}: rows are variants of each other in a circle: {' → '.join(chain)}.")
        chain.append(parent)
    inherited: dict[str, Any] = {}
    for ancestor in reversed(chain):
        own = files[ancestor].model_dump(exclude_unset=True)
        kept = {key: own[key] for key in own if key not in ("title", "note", "variant_of")}
        inherited = _merged(inherited, kept)
    mine = files[name]
    merged = checked(
        type(mine), {**inherited, "title": mine.title, "note": mine.note}, folder / f"{name}.toml"
    )
    row = Row(name, merged, _digest(merged))
    if merged.baseline is None:
        _run_config({"data": {"name": "davis"}, **merged.settings}, folder / f"{name}.toml")
    return row


def _digest(file: RowFile) -> str:
    """12 hex digits of what decides the numbers: not titles, notes and bounds."""
    decisive = file.model_dump(exclude={"title", "note", "variant_of", "folds", "seeds", "shuffled"})
    text = json.dumps(decisive, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _merged(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """The base with changes put into it, section by section."""
    result = dict(base)
    for key, value in change.items():
        below = result.get(key)
        result[key] = _merged(below, value) if isinstance(value, dict) and isinstance(below, dict) else value
    return result


def _run_config(settings: dict[str, Any], path: Path) -> RunConfig:
    try:
        return validated(settings)
    except ConfigError as error:
        raise ConfigError("\n".join(f"{path}: {line}" for line in str(error).splitlines())) from None
