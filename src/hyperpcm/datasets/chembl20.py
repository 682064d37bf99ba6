"""Read ChEMBL 20 as Axen et al. (2017) published it: for each target, the compounds that reach a threshold.

A row of the table names a target, a threshold in nM and all compounds that bind at least that well, so a
compound stands in every row up to its own affinity: the strongest of them is its bin. Structures are ChemAxon
protomers, the first of each compound is taken; sequences come from the FASTA file of ChEMBL.

Source: Axen et al. 2017, J Med Chem 60:7393; ChEMBL 20 and 25.
"""

from __future__ import annotations

import bz2
import contextlib
import gzip
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np

from hyperpcm.datasets.assembly import Measurements, assemble
from hyperpcm.datasets.interactions import ABOVE, EXACT, Interactions
from hyperpcm.datasets.records import DATASETS
from hyperpcm.errors import TableError
from hyperpcm.public_files.pinned import Progress

__all__ = ["read_chembl20"]

_HEADER = "target id,name,affinity,molecules,description"
# Threshold in nM as written → lower edge of the bin in -log10(M). "0" is 0.1 nM without its decimals.
_LOWER_EDGE = MappingProxyType({"10000": 5, "1000": 6, "100": 7, "10": 8, "1": 9, "0": 10})
_OPEN_EDGE = 10
_FASTA_TITLE = re.compile(r">\s*(CHEMBL\d+(?:,CHEMBL\d+)*)\s")
_PROTOMER = re.compile(r"(CHEMBL\d+)-(\d+)")


def read_chembl20(files: Mapping[str, Path], *, progress: Progress | None = None) -> Interactions:
    """The ChEMBL 20 set: the affinity bin of every compound and single-protein target, repeats not merged.

    A value with relation ``=`` is the lower edge of a bin one log unit wide; ``>`` 10 is the open top one.
    A target without a sequence, or with several (a complex, a family), is left out and counted. Minutes of
    work: the structures of 290,000 compounds are standardised.

    Args:
        files: ``binding``, ``smiles`` and ``sequences`` of the catalog.
        progress: called with a stage, how much is done and how much there is.

    Raises:
        TableError: a file that is not in the layout described above.
    """
    bins, entry_names = _strongest_bins(files["binding"])
    chains = _chains(files["sequences"])
    single = [target for target in bins if len(chains.get(target, ())) == 1]
    absent = sum(target not in chains for target in bins)
    notes = [
        f"{len(bins) - len(single):,} of {len(bins):,} targets left out: "
        f"{len(bins) - len(single) - absent:,} have several chains, {absent:,} have no sequence."
    ]
    targets = {target: place for place, target in enumerate(single)}
    triples = [
        (compound, targets[target], edge) for target in single for compound, edge in bins[target].items()
    ]
    compounds = {
        name: place for place, name in enumerate(dict.fromkeys(compound for compound, _, _ in triples))
    }
    structures = _first_protomers(files["smiles"])
    # A compound without a structure gets an empty SMILES, so that it is reported like an unreadable one.
    smiles = {compound: structures.get(compound, "") for compound in compounds}
    edges = np.array([edge for _, _, edge in triples], dtype=np.float64)
    rows = Measurements(
        compound=np.array([compounds[compound] for compound, _, _ in triples], dtype=np.int64),
        target=np.array([target for _, target, _ in triples], dtype=np.int64),
        values=edges,
        relations=np.where(edges == _OPEN_EDGE, ABOVE, EXACT).astype(np.int8),
    )
    return assemble(
        "chembl20",
        DATASETS["chembl20"].quantity,
        smiles,
        {f"{target} {entry_names[target]}": chains[target][0] for target in single},
        rows,
        notes=notes,
        progress=progress,
    )


@contextlib.contextmanager
def _text_lines(path: Path) -> Iterator[Iterator[str]]:
    """The lines of a gzip or bzip2 file; one that is damaged or not UTF-8 raises TableError."""
    with (gzip.open if path.suffix == ".gz" else bz2.open)(
        path, "rt", encoding="utf-8", newline="\n"
    ) as file:
        try:
            yield iter(file)
        except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
            raise TableError(f"{path}: it cannot be unpacked to text ({error}).") from error


def _strongest_bins(path: Path) -> tuple[dict[str, dict[str, int]], dict[str, str]]:
    """Lower edge of the strongest bin by target and compound, and the entry name of each target."""
    bins: dict[str, dict[str, int]] = {}
    names: dict[str, str] = {}
    with _text_lines(path) as lines:
        if next(lines, "").strip() != _HEADER:
            raise TableError(f"{path}: the first line is not {_HEADER!r}.")
        for number, line in enumerate(lines, start=2):
            # Only the last column, the description, may hold commas.
            fields = line.rstrip("\r\n").split(",", 4)
            edge = _LOWER_EDGE.get(fields[2]) if len(fields) == 5 else None
            if edge is None:
                raise TableError(f"{path}: line {number} has no threshold among {', '.join(_LOWER_EDGE)} nM.")
            names[fields[0]] = fields[1]
            reached = bins.setdefault(fields[0], {})
            for compound in fields[3].split(":"):
                reached[compound] = max(edge, reached.get(compound, edge))
    return bins, names


def _chains(path: Path) -> dict[str, list[str]]:
    """All sequences of each ChEMBL target; a title names every target that its chain belongs to."""
    chains: dict[str, list[str]] = {}
    lines_of: list[tuple[list[str], list[str]]] = []
    with _text_lines(path) as lines:
        for number, line in enumerate(lines, start=1):
            if line.startswith(">"):
                title = _FASTA_TITLE.match(line)
                if title is None:
                    raise TableError(f"{path}: line {number} is a title without a ChEMBL identifier.")
                lines_of.append((title[1].split(","), []))
            elif not lines_of:
                raise TableError(f"{path}: line {number} stands before the first title.")
            else:
                lines_of[-1][1].append(line.strip())
    for targets, sequence in lines_of:
        for target in targets:
            chains.setdefault(target, []).append("".join(sequence))
    return chains


def _first_protomers(path: Path) -> dict[str, str]:
    """The SMILES with the lowest number of each compound."""
    best: dict[str, tuple[int, str]] = {}
    with _text_lines(path) as lines:
        for number, line in enumerate(lines, start=1):
            smiles, _, name = line.strip().rpartition(" ")
            protomer = _PROTOMER.fullmatch(name)
            if protomer is None or not smiles:
                raise TableError(f"{path}: line {number} is not a SMILES and a numbered ChEMBL identifier.")
            rank = int(protomer[2])
            if protomer[1] not in best or rank < best[protomer[1]][0]:
                best[protomer[1]] = (rank, smiles)
    return {compound: smiles for compound, (_, smiles) in best.items()}
