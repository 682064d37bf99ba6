"""Substitutions of residues: read as people write them, applied to a sequence, and all those of a position.

Positions are counted as people count them: from 1, or from the number that the first residue of the sequence
has (``first``), where the sequence is a part of the protein or begins elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hyperpcm.errors import InputError
from hyperpcm.protein.sequence import AMINO_ACIDS

__all__ = [
    "Mutation",
    "Substitution",
    "check_mutations",
    "fitting_starts",
    "mutated",
    "parse_mutation",
    "single_substitutions",
]

_ONE: Final = re.compile(r"([A-Z])(\d{1,5})([A-Z])")
_JOINED: Final = re.compile(rf"{_ONE.pattern}(?:[/+-]?{_ONE.pattern})*")
_RANGE: Final = re.compile(r"(-?\d{1,5})(?:-(-?\d{1,5}))?")
_SHOWN: Final = 3  # ways to number a sequence that a message names


@dataclass(frozen=True, order=True, slots=True)
class Substitution:
    """One residue in place of another.

    Attributes:
        position: of the residue, as numbered by whoever wrote it.
        wild_type: the residue that stands there.
        residue: the one that takes its place.
    """

    position: int
    wild_type: str
    residue: str

    def __str__(self) -> str:
        return f"{self.wild_type}{self.position}{self.residue}"


@dataclass(frozen=True, order=True, slots=True)
class Mutation:
    """One or more substitutions at different positions, in their order along the sequence."""

    substitutions: tuple[Substitution, ...]

    def __str__(self) -> str:
        return "/".join(map(str, self.substitutions))


def parse_mutation(text: str) -> Mutation:
    """Give the mutation that a text stands for: ``T315I``, or several joined as ``L858R/T790M``.

    Several may be joined by ``/``, ``+``, ``-`` or nothing. Lower case is understood.

    Raises:
        InputError: it is none, a letter is none of the 20 amino acids, a residue is replaced by itself, or
            one position is named twice.

    Example:
        >>> str(parse_mutation("t790m+L858R"))
        'T790M/L858R'
    """
    written = text.strip().upper()
    if not _JOINED.fullmatch(written):
        raise InputError(
            f"{text!r} is no substitution. Write the residue, its position and the new residue, as T315I; "
            "several at once as L858R/T790M."
        )
    found = sorted(Substitution(int(number), old, new) for old, number, new in _ONE.findall(written))
    for one in found:
        stray = next((letter for letter in (one.wild_type, one.residue) if letter not in AMINO_ACIDS), None)
        if stray is not None:
            raise InputError(f"{one}: {stray} is none of the 20 amino acids ({AMINO_ACIDS}).")
        if one.wild_type == one.residue:
            raise InputError(f"{one} replaces a residue by itself, which changes nothing.")
    positions = [one.position for one in found]
    if len(set(positions)) < len(positions):
        raise InputError(f"{text!r} names one position twice.")
    return Mutation(tuple(found))


def mutated(sequence: str, mutation: Mutation, *, first: int = 1) -> str:
    """Give the sequence with the substitutions made.

    Args:
        sequence: validated.
        mutation: what to change.
        first: number of the first residue.

    Raises:
        InputError: a position outside the sequence, or another residue stands there; where the wanted
            residues stand at a constant shift, the message says which.

    Example:
        >>> mutated("MKTAYI", parse_mutation("T3S"))
        'MKSAYI'
    """
    check_mutations(sequence, [mutation], first=first)
    letters = list(sequence)
    for one in mutation.substitutions:
        letters[one.position - first] = one.residue
    return "".join(letters)


def check_mutations(sequence: str, mutations: Sequence[Mutation], *, first: int = 1) -> None:
    """Refuse mutations of which one cannot be made; the hint at another numbering heeds all of them.

    Raises:
        InputError: as `mutated`.
    """
    for one in (one for mutation in mutations for one in mutation.substitutions):
        place = one.position - first
        if not 0 <= place < len(sequence):
            last = first + len(sequence) - 1
            raise InputError(
                f"{one}: there is no residue {one.position}; the sequence has the residues {first} to "
                f"{last}. {_hint(sequence, mutations)}"
            )
        if sequence[place] != one.wild_type:
            raise InputError(
                f"{one}: residue {one.position} is {sequence[place]}, not {one.wild_type}. "
                f"{_hint(sequence, mutations)}"
            )


def fitting_starts(sequence: str, mutations: Sequence[Mutation]) -> tuple[int, ...]:
    """Give the numbers of the first residue with which every wild-type residue stands at its position.

    Those that need the least shift from 1 come first. Of one position alone many fit by chance: one in
    twenty; of three, about one in eight thousand.

    Example:
        >>> fitting_starts("MKTAYIAKQRQISF", [parse_mutation("T103S"), parse_mutation("Y105F")])
        (101,)
    """
    wanted = {one.position: one.wild_type for of in mutations for one in of.substitutions}
    if not wanted:
        return ()
    least, most = min(wanted), max(wanted)
    starts = range(most - len(sequence) + 1, least + 1)
    fitting = [
        start
        for start in starts
        if all(sequence[position - start] == letter for position, letter in wanted.items())
    ]
    return tuple(sorted(fitting, key=lambda start: abs(start - 1)))


def _hint(sequence: str, mutations: Sequence[Mutation]) -> str:
    """What the numbering of the sequence may be; one position alone would tell nothing."""
    positions = len({one.position for of in mutations for one in of.substitutions})
    if positions < 2:
        return "Check the sequence and the number of its first residue (--first)."
    starts = fitting_starts(sequence, mutations)
    if not starts:
        return "With no other number of the first residue do all of them fit: check the sequence."
    shown = " or ".join(map(str, starts[:_SHOWN]))
    return (
        f"All {positions} positions fit where the first residue has the number {shown}: use --first "
        f"{starts[0]} if that is how the protein is numbered."
    )


def single_substitutions(sequence: str, positions: str, *, first: int = 1) -> list[Mutation]:
    """Give every substitution of some positions: 19 of each, in the order of positions and of letters.

    Args:
        sequence: validated.
        positions: numbers and ranges, as ``315`` or ``300-320,350``.
        first: number of the first residue.

    Raises:
        InputError: no such numbers, or positions outside the sequence.

    Example:
        >>> [str(one) for one in single_substitutions("MK", "2")][:3]
        ['K2A', 'K2C', 'K2D']
    """
    found: dict[int, None] = {}
    for part in positions.split(","):
        written = _RANGE.fullmatch(part.strip())
        if not written:
            raise InputError(f"{part.strip()!r}: positions are numbers and ranges, as 315 or 300-320.")
        start = int(written[1])
        end = start if written[2] is None else int(written[2])
        last = first + len(sequence) - 1
        if end < start or start < first or end > last:
            raise InputError(
                f"positions {part.strip()}: the sequence has the residues {first} to {last}; a range goes "
                "from the lower number to the higher."
            )
        found |= dict.fromkeys(range(start, end + 1))
    return [
        Mutation((Substitution(position, sequence[position - first], residue),))
        for position in sorted(found)
        for residue in AMINO_ACIDS
        if residue != sequence[position - first]
    ]
