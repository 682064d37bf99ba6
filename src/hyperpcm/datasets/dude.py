"""Read DUD-E in the layout of DrugVQA: SMILES by target, sequences by chain, three lists of targets.

``<target>_actives_final.ism`` and ``<target>_decoys_final.ism`` hold one compound a line, its SMILES first
and its identifier last. A line of the file of sequences is ``SEQUENCE:target_chain_full``; the fold files
name targets in the same way. All of them are text.

Source: Mysinger et al. 2012, J Med Chem 55:6582; Zheng et al. 2020, Nat Mach Intell 2:134.
"""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from hyperpcm.datasets.assembly import Measurements, assemble
from hyperpcm.datasets.interactions import EXACT, Interactions
from hyperpcm.datasets.records import DATASETS
from hyperpcm.errors import TableError
from hyperpcm.public_files.pinned import Progress

__all__ = ["DECOYS_PER_ACTIVE", "published_smiles", "read_dude", "read_dude_small"]

DECOYS_PER_ACTIVE = 10
"""How many decoys for each active of its target `read_dude_small` keeps."""

_ACTIVES, _DECOYS = "_actives", "_decoys"
_FOLDS = ("fold_1", "fold_2", "fold_3")


@dataclasses.dataclass(frozen=True)
class _Target:
    """What the files say of one target: SMILES as published, in the order of the files."""

    name: str
    actives: tuple[str, ...]
    decoys: tuple[str, ...]


def read_dude(files: Mapping[str, Path], *, progress: Progress | None = None) -> Interactions:
    """DUD-E: 1 for the actives of a target, 0 for its decoys, repeats not merged.

    ``folds["published"]`` is the fold (0, 1, 2) whose test side a row's target belongs to. A target without
    a sequence is reported and its rows are left out and counted. Many minutes of work: the structures of 1.2
    million compounds are standardised.

    Args:
        files: ``sequences``, ``fold_1`` to ``fold_3``, and ``<target>_actives`` and ``<target>_decoys`` of
            each target.
        progress: called with a stage, how much is done and how much there is.

    Raises:
        TableError: a file that is not in the layout described above.
    """
    return _read("dude", files, None, progress)


def read_dude_small(files: Mapping[str, Path], *, progress: Progress | None = None) -> Interactions:
    """DUD-E with all actives and, for each, ten decoys of its target.

    Of each target, the decoys with the lowest sha256 of ``target|SMILES`` are kept, so the choice depends on
    nothing but the files.

    Args:
        files: as for `read_dude`.
        progress: as for `read_dude`.

    Raises:
        TableError: as for `read_dude`.
    """
    return _read("dude_small", files, DECOYS_PER_ACTIVE, progress)


def published_smiles(files: Mapping[str, Path]) -> dict[str, str]:
    """SMILES as published, by the identifier that `read_dude` gives to each of them.

    Args:
        files: as for `read_dude`.

    Raises:
        TableError: as for `read_dude`.
    """
    return {name: smiles for smiles, name in _contents(files)[1].items()}


def _read(
    name: str, files: Mapping[str, Path], decoys_per_active: int | None, progress: Progress | None
) -> Interactions:
    targets, names = _contents(files)
    notes = []
    if decoys_per_active is not None:
        before = sum(len(target.decoys) for target in targets)
        targets = [_with_fewer_decoys(target, decoys_per_active) for target in targets]
        kept = sum(len(target.decoys) for target in targets)
        notes.append(f"{kept:,} of {before:,} decoys kept: {decoys_per_active} for each active, by hash.")
    place: dict[str, int] = {}
    compound = [
        place.setdefault(smiles, len(place)) for one in targets for smiles in (*one.actives, *one.decoys)
    ]
    sizes = [(len(one.actives), len(one.decoys)) for one in targets]
    target = np.repeat(np.arange(len(targets)), [sum(size) for size in sizes])
    folds = _fold_of_each([one.name for one in targets], files)
    rows = Measurements(
        compound=np.array(compound, dtype=np.int64),
        target=target,
        values=np.repeat(np.tile([1.0, 0.0], len(targets)), np.ravel(sizes)),
        relations=np.full(len(compound), EXACT, dtype=np.int8),
        folds={"published": np.array(folds, dtype=np.int64)[target]},
    )
    sequences = _sequences(files["sequences"])
    return assemble(
        name,
        DATASETS[name].quantity,
        {names[smiles]: smiles for smiles in place},
        # A target without a sequence gets an empty one, so that it is reported like an unreadable one.
        {one.name: sequences.get(one.name, "") for one in targets},
        rows,
        notes=notes,
        progress=progress,
    )


def _contents(files: Mapping[str, Path]) -> tuple[list[_Target], dict[str, str]]:
    """The targets in alphabetical order, and a name of its own for each different SMILES.

    One identifier can have several SMILES (protonation states, spellings): the second is named ``id#2``.
    """
    targets, names = [], dict[str, str]()
    times: dict[str, int] = {}
    for target in sorted(key.removesuffix(_ACTIVES) for key in files if key.endswith(_ACTIVES)):
        if target + _DECOYS not in files:
            raise TableError(f"target {target!r} has a list of actives and none of decoys.")
        lists = []
        for kind in (_ACTIVES, _DECOYS):
            compounds = list(_compounds(files[target + kind]))
            lists.append(tuple(smiles for smiles, _ in compounds))
            for smiles, identifier in compounds:
                if smiles not in names:
                    times[identifier] = times.get(identifier, 0) + 1
                    again = times[identifier]
                    names[smiles] = identifier if again == 1 else f"{identifier}#{again}"
        targets.append(_Target(target, *lists))
    return targets, names


def _compounds(path: Path) -> Iterator[tuple[str, str]]:
    """SMILES and identifier of every line."""
    for number, line in enumerate(_text(path).splitlines(), start=1):
        fields = line.split()
        if len(fields) not in (2, 3):
            raise TableError(f"{path}: line {number} is not a SMILES and an identifier: {line[:80]!r}.")
        yield fields[0], fields[-1]


def _with_fewer_decoys(target: _Target, decoys_per_active: int) -> _Target:
    def digest(smiles: str) -> bytes:
        return hashlib.sha256(f"{target.name}|{smiles}".encode()).digest()

    ordered = sorted(dict.fromkeys(target.decoys), key=digest)
    kept = set(ordered[: decoys_per_active * len(target.actives)])
    chosen = dict.fromkeys(smiles for smiles in target.decoys if smiles in kept)
    return dataclasses.replace(target, decoys=tuple(chosen))


def _sequences(path: Path) -> dict[str, str]:
    """Sequence by target."""
    found: dict[str, str] = {}
    for number, line in enumerate(_text(path).splitlines(), start=1):
        sequence, colon, chain = line.strip().partition(":")
        if not (sequence and colon and chain):
            raise TableError(f"{path}: line {number} is not 'sequence:target_chain': {line[:80]!r}.")
        if found.setdefault(_target_of(chain), sequence) != sequence:
            raise TableError(f"{path}: line {number} gives {_target_of(chain)!r} a second sequence.")
    return found


def _fold_of_each(targets: list[str], files: Mapping[str, Path]) -> list[int]:
    """0, 1 or 2 for each target."""
    fold_of: dict[str, int] = {}
    for fold, key in enumerate(_FOLDS):
        for target in map(_target_of, _text(files[key]).split()):
            if target in fold_of:
                raise TableError(f"{files[key]}: target {target!r} is named twice by the lists of folds.")
            fold_of[target] = fold
    lost = [target for target in targets if target not in fold_of]
    if lost:
        raise TableError(
            f"{files[_FOLDS[0]].parent}: target {lost[0]!r} is in none of the folds ({len(lost)} such)."
        )
    return [fold_of[target] for target in targets]


def _target_of(chain: str) -> str:
    return chain.partition("_")[0]


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("ascii")
    except UnicodeDecodeError as error:
        raise TableError(
            f"{path}: byte {error.start + 1} is not ASCII text; the file is damaged or another one."
        ) from error
