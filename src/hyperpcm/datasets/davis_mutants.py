"""Davis with its mutants told apart: the substitutions in the names of targets are made in their sequences.

The published files give a mutant the sequence of its wild type. Where the name says which residues were
replaced, and they stand in the sequence at those positions or all at one constant shift, the sequence is
made; where a name says that the protein was altered and the sequence cannot be made, the target is left out,
as its labels are not those of the wild type.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from hyperpcm.datasets.deep_dta import TargetTexts, read_layout
from hyperpcm.datasets.interactions import Interactions
from hyperpcm.errors import InputError, Rejection
from hyperpcm.protein import Mutation, fitting_starts, mutated, parse_mutation
from hyperpcm.public_files.pinned import Progress

__all__ = ["read_davis_mutants", "with_mutations"]

_NAME: Final = re.compile(r"(?P<protein>[^()]+)\((?P<variant>[^()]+)\)(?P<state>p?)")
_ALTERED: Final = re.compile(r"ITD|(?:[A-Z]\d+)+del")  # an internal duplication, a deletion
_TELLING: Final = 3  # positions that give a shift away; fewer fit by chance


def read_davis_mutants(files: Mapping[str, Path], *, progress: Progress | None = None) -> Interactions:
    """The Davis set with the sequences of its mutants, repeats not merged.

    Args:
        files: as for `hyperpcm.datasets.deep_dta.read_davis`.
        progress: called with a stage, how much is done and how much there is.

    Raises:
        TableError: a file that is not in the layout of DeepDTA.
    """
    return read_layout("davis_mutants", files, progress, targets=with_mutations)


def with_mutations(sequences: Mapping[str, str]) -> TargetTexts:
    """Give the targets with the substitutions made that their names tell.

    A name such as ``EGFR(L858R)`` or ``ABL1(T315I)p`` holds them; others, such as that of a domain, leave the
    sequence as it is. The number of a protein's first residue is 1 where all wild-type residues that its
    names tell fit, otherwise the only number with which they do, if they are three positions or more.

    Args:
        sequences: by name of the target.
    """
    variants = {name: _NAME.fullmatch(name) for name in sequences}
    mutations = {name: _mutation(found["variant"]) for name, found in variants.items() if found}
    by_protein: dict[str, dict[str, Mutation]] = {}
    for name, found in variants.items():
        own = mutations.get(name)
        if found and own is not None:
            by_protein.setdefault(found["protein"], {})[name] = own
    made, rejections, shifts = dict(sequences), [], []
    for protein, told in by_protein.items():
        first = _first(sequences[next(iter(told))], list(told.values()))
        if first is None:
            for name in told:
                rejections.append(
                    _refused(sequences, name, "the residues that it names are not in its sequence")
                )
                del made[name]
            continue
        if first != 1:
            shifts.append(f"{protein} from {first}")
        made |= {name: mutated(sequences[name], mutation, first=first) for name, mutation in told.items()}
    for name, found in variants.items():
        if found and _ALTERED.fullmatch(found["variant"]):
            rejections.append(
                _refused(sequences, name, "its residues were deleted or repeated, not replaced")
            )
            del made[name]
    changed = sum(made[name] != sequences[name] for name in made)
    notes = [f"{changed} of {len(sequences)} targets got the substitutions in their names."]
    if shifts:
        notes.append(f"Residues are numbered as the names have it: {', '.join(shifts)}.")
    if rejections:
        notes.append(f"{len(rejections)} altered targets left out: their sequence cannot be made.")
    return TargetTexts(made, tuple(sorted(rejections, key=lambda one: one.row)), tuple(notes))


def _mutation(variant: str) -> Mutation | None:
    try:
        return parse_mutation(variant)
    except InputError:
        return None


def _first(sequence: str, mutations: list[Mutation]) -> int | None:
    """The number of the first residue; None where it cannot be told."""
    starts = fitting_starts(sequence, mutations)
    if 1 in starts:
        return 1
    positions = {one.position for mutation in mutations for one in mutation.substitutions}
    return starts[0] if len(starts) == 1 and len(positions) >= _TELLING else None


def _refused(sequences: Mapping[str, str], name: str, reason: str) -> Rejection:
    return Rejection(list(sequences).index(name), name, "UNKNOWN_SEQUENCE", f"{reason}; left out.")
