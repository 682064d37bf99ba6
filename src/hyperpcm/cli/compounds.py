"""Which compounds are meant: files, SMILES as they stand, or standard input."""

from __future__ import annotations

import dataclasses
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hyperpcm.errors import InputError, Rejection, TableError

if TYPE_CHECKING:
    from hyperpcm.datasets.compound_files import CompoundList

__all__ = ["COMPOUND_FILES", "GivenCompounds", "input_files", "read_all"]

COMPOUND_FILES: Final = (
    ".smi",
    ".smiles",
    ".csv",
    ".tsv",
    ".txt",
    ".tab",
    ".sdf",
    ".sd",
    ".mol",
    ".parquet",
    ".gz",
)
"""Endings of files of compounds."""


@dataclasses.dataclass
class GivenCompounds:
    """Compounds in the order given.

    Attributes:
        smiles: text of each row, not judged yet; ``None`` where ``rejections`` says that there is none.
        names: what the source calls each; empty where it does not say.
        rejections: rows without a SMILES.
    """

    smiles: list[str | None] = dataclasses.field(default_factory=list)
    names: list[str] = dataclasses.field(default_factory=list)
    rejections: list[Rejection] = dataclasses.field(default_factory=list)

    def add(self, found: CompoundList) -> None:
        """Append what a file holds; its rejections are renumbered."""
        start = len(self.smiles)
        self.smiles += found.smiles
        self.names += found.names
        self.rejections += [dataclasses.replace(one, row=one.row + start) for one in found.rejections]


def input_files(given: Sequence[str]) -> list[Path]:
    """The files among the arguments.

    Raises:
        InputError: an argument looks like a file, and there is none.
    """
    files = []
    for one in given:
        if _is_file(one):
            files.append(Path(one))
        elif one.lower().endswith(COMPOUND_FILES):
            raise InputError(f"{one}: there is no such file.")
    return files


def read_all(given: Sequence[str], *, columns: Mapping[str, str] | None = None) -> GivenCompounds:
    """The compounds of all arguments.

    Args:
        given: each a file, ``-`` for standard input, or a SMILES.
        columns: of tables, the columns of the roles ``smiles`` and ``compound_id``.

    Raises:
        InputError: an argument looks like a file, and there is none.
        TableError: a file cannot be read or holds no compound.
    """
    from hyperpcm.datasets.compound_files import read_compounds

    compounds = GivenCompounds()
    input_files(given)
    for one in given:
        if one == "-":
            compounds.add(_from_standard_input(columns))
        elif _is_file(one):
            compounds.add(read_compounds(Path(one), columns=columns))
        else:
            compounds.smiles.append(one)
            compounds.names.append("")
    return compounds


def _is_file(given: str) -> bool:
    try:
        return given != "-" and Path(given).is_file()
    except (OSError, ValueError):  # no name of a file has thousands of letters or a NUL
        return False


def _from_standard_input(columns: Mapping[str, str] | None) -> CompoundList:
    """Standard input as a file, which can be looked at twice: what it is decides its content."""
    from hyperpcm.datasets.compound_files import read_compounds

    with tempfile.TemporaryDirectory(prefix="hyperpcm-") as folder:
        path = Path(folder) / "standard input"
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        try:
            return read_compounds(path, columns=columns)
        except TableError as error:
            raise TableError(str(error).replace(str(path), path.name)) from error
