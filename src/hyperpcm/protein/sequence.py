"""From an amino-acid sequence as somebody wrote it to a validated target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

from hyperpcm.errors import InvalidSequenceError

__all__ = ["AMINO_ACIDS", "MAX_RESIDUES", "Target", "validate_sequence"]

AMINO_ACIDS = "ACDEFGHIKLMNPQRSTVWY"
"""The 20 standard residues."""

MAX_RESIDUES = 40_000
"""Longest sequence accepted; human titin has about 35,000 residues."""

_AMBIGUOUS = "BJOUXZ"  # Asx, Leu/Ile, pyrrolysine, selenocysteine, any, Glx
_ACCEPTED = frozenset(AMINO_ACIDS + _AMBIGUOUS)
_NUCLEOTIDES = frozenset("ACGTUN")
_SHORT = 5
_NUCLEIC_FROM = 30  # residues from which a text of A, C, G, T, U and N alone is no accident
_MANY_UNKNOWN = 0.2
_WITHOUT_INVISIBLE = str.maketrans("", "", "\ufeff\u200b\u2060")


@dataclass(frozen=True, slots=True)
class Target:
    """One protein under its identity, the sequence.

    Attributes:
        sequence: upper-case one-letter codes: the 20 standard ones and B, J, O, U, X, Z.
        name: what its source calls it; may be empty, and says nothing about identity.
        changes: what was done or should be known, in order: ``UPPER_CASED``, ``SPACES_REMOVED``,
            ``STOP_REMOVED`` (a final ``*``), ``TOO_SHORT`` (1 to 5 residues), ``MANY_UNKNOWN`` (more than a
            fifth X), ``NON_STANDARD`` (holds B, J, O, U, X or Z). The last three are warnings.
    """

    sequence: str
    name: str = ""
    changes: tuple[str, ...] = ()


def validate_sequence(text: object, *, name: str = "") -> Target:
    """Give the target that a sequence stands for.

    Lower case, white space, line breaks and a final ``*`` are mended; anything else that is no residue is
    refused, since aligners and encoders would accept it silently. Idempotent in the sequence.

    Args:
        text: the sequence; anything but a `str` is refused.
        name: what to call it.

    Raises:
        InvalidSequenceError: with the code ``TYPE``, ``EMPTY``, ``BAD_RESIDUE`` (a gap, an inner stop, a
            digit or another sign; with its 1-based position after white space is removed), ``NUCLEIC``
            (DNA or RNA: at least 30 letters and all of them among ACGTUN) or ``TOO_LONG`` (more than
            40,000 residues).

    Example:
        >>> validate_sequence("mktay iakqr*", name="demo")
        Target(sequence='MKTAYIAKQR', name='demo', changes=('UPPER_CASED', 'SPACES_REMOVED', 'STOP_REMOVED'))
    """
    if not isinstance(text, str):
        raise InvalidSequenceError("TYPE", f"found {str(text)[:50]} ({type(text).__name__}), not a sequence.")
    trimmed = text.translate(_WITHOUT_INVISIBLE).strip()
    joined = "".join(trimmed.split())
    sequence = joined.upper() if joined.isascii() else joined  # 'ß'.upper() would be two residues
    changes = []
    if sequence != joined:
        changes.append("UPPER_CASED")
    if joined != trimmed:
        changes.append("SPACES_REMOVED")
    if sequence.endswith("*"):
        sequence = sequence[:-1]
        changes.append("STOP_REMOVED")
    _refuse_unusable(sequence)
    return Target(sequence, name, (*changes, *_warnings(sequence)))


def _refuse_unusable(sequence: str) -> None:
    if not sequence:
        raise InvalidSequenceError("EMPTY", "the sequence is empty.")
    if len(sequence) > MAX_RESIDUES:
        raise InvalidSequenceError(
            "TOO_LONG",
            f"{len(sequence)} residues; at most {MAX_RESIDUES} are accepted. Give one domain or chain.",
        )
    letters = set(sequence)
    if not letters <= _ACCEPTED:
        _refuse_residue(sequence)
    if len(sequence) >= _NUCLEIC_FROM and letters <= _NUCLEOTIDES:
        raise InvalidSequenceError(
            "NUCLEIC", "only the letters ACGTUN: this looks like DNA or RNA. Give the translated protein."
        )


def _refuse_residue(sequence: str) -> NoReturn:
    """Raise for the first letter that is no residue; the caller knows that there is one."""
    position, letter = next((i, one) for i, one in enumerate(sequence, start=1) if one not in _ACCEPTED)
    if letter == "*":
        what = "a stop inside the sequence; cut the sequence there"
    elif letter in "-.~":
        what = "a gap; give the sequence without alignment gaps"
    elif letter.isdigit():
        what = "a digit; remove residue numbers"
    else:
        what = "no residue; the 20 standard letters and B, J, O, U, X, Z are accepted"
    raise InvalidSequenceError("BAD_RESIDUE", f"{letter!r} at residue {position} is {what}.", position)


def _warnings(sequence: str) -> tuple[str, ...]:
    warnings = []
    if len(sequence) <= _SHORT:
        warnings.append("TOO_SHORT")
    if sequence.count("X") > _MANY_UNKNOWN * len(sequence):
        warnings.append("MANY_UNKNOWN")
    if any(letter in sequence for letter in _AMBIGUOUS):
        warnings.append("NON_STANDARD")
    return tuple(warnings)
