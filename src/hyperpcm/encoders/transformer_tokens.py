"""From a sequence or a SMILES to token numbers, as the tokenizer of a model has them.

Residues are looked up one by one in the vocabulary: what a tokenizer does with the letters joined, or with
spaces between them, without its side effects (lower-casing, a word mark before the first letter, a silent
"unknown"). SMILES go through the tokenizer, since their tokens are not letters.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from typing import Any, Final

from hyperpcm.chem import canonical_smiles
from hyperpcm.encoders.transformer_config import Family
from hyperpcm.errors import ConfigError
from hyperpcm.protein import validate_sequence
from hyperpcm.protein.sequence import AMINO_ACIDS

__all__ = ["ResidueTokens", "SmilesTokens", "Tokens"]

_RARE: Final = "BJOUZ"
_READ_AS_X: Final[dict[Family, str]] = {"esm": "J", "bert": _RARE, "t5": _RARE}
"""Letters given to a model as X. ESM learned B, O, U and Z, and has no J. ProtBERT and ProtT5 were trained
with B, O, U and Z written as X (Elnaggar et al. 2022), so the tokens they have for them say nothing."""

_AROUND: Final[dict[Family, tuple[str | None, str]]] = {
    "esm": ("cls_token_id", "eos_token_id"),
    "bert": ("cls_token_id", "sep_token_id"),
    "roberta": ("cls_token_id", "sep_token_id"),
    "t5": (None, "eos_token_id"),
}
_CONTINUED: Final = "##"  # what WordPiece puts before a piece that does not begin a word
_WORD_MARK: Final = "▁"  # what SentencePiece puts before the letter of a word


@dataclasses.dataclass(frozen=True)
class Tokens(ABC):
    """Token numbers of items; abstract.

    Attributes:
        before: special tokens before the item: one, or none for T5.
        after: special tokens after it.
        padding: number of the padding token.
        unknown: number of the token for what the vocabulary lacks; None where there is none.
    """

    before: tuple[int, ...]
    after: tuple[int, ...]
    padding: int
    unknown: int | None

    @abstractmethod
    def read(self, item: str) -> tuple[list[int], bool]:
        """Give the token numbers of a checked item, one at least and none special, and whether all is known.

        Not all is known where a letter or a sign is read as X or as the unknown token, or is passed over.

        Raises:
            InvalidSequenceError: not a protein.
            InvalidSmilesError: not a compound.
        """


@dataclasses.dataclass(frozen=True)
class ResidueTokens(Tokens):
    """One token for each residue."""

    of_letter: dict[str, int]

    @classmethod
    def of(cls, tokenizer: Any, family: Family, where: str) -> ResidueTokens:
        """Look the letters up in the vocabulary of a tokenizer.

        Raises:
            ConfigError: the vocabulary lacks one of the 20 amino acids, an X, or a special token.
        """
        vocabulary = tokenizer.get_vocab()
        marked = all(_WORD_MARK + letter in vocabulary for letter in AMINO_ACIDS)
        found = {
            letter: vocabulary.get(_WORD_MARK + letter if marked else letter)
            for letter in (*AMINO_ACIDS, *_RARE, "X")
        }
        missing = [letter for letter in (*AMINO_ACIDS, "X") if found[letter] is None]
        if missing:
            raise ConfigError(
                f"the tokenizer in {where} has no token for {', '.join(missing)}: "
                "it does not read proteins residue by residue."
            )
        unknown = found["X"]
        for letter in _RARE:
            if letter in _READ_AS_X.get(family, _RARE) or found[letter] is None:
                found[letter] = unknown
        of_letter = {letter: int(number) for letter, number in found.items() if number is not None}
        return cls(*_special(tokenizer, family, where), of_letter=of_letter)

    def read(self, item: str) -> tuple[list[int], bool]:
        """One number for each residue; a residue that the model never learned is its X."""
        sequence = validate_sequence(item).sequence
        anything = self.of_letter["X"]
        known = all(letter == "X" or self.of_letter[letter] != anything for letter in set(sequence))
        return [self.of_letter[letter] for letter in sequence], known


@dataclasses.dataclass(frozen=True)
class SmilesTokens(Tokens):
    """What the tokenizer makes of the canonical SMILES, so that two spellings of a compound are one."""

    tokenizer: Any

    @classmethod
    def of(cls, tokenizer: Any, family: Family, where: str) -> SmilesTokens:
        """Take the special tokens of a tokenizer.

        Raises:
            ConfigError: it lacks one of them.
        """
        return cls(*_special(tokenizer, family, where), tokenizer=tokenizer)

    def read(self, item: str) -> tuple[list[int], bool]:
        """The numbers of the canonical SMILES; a compound of which nothing is known is one unknown token."""
        text = canonical_smiles(item)
        numbers = [int(number) for number in self.tokenizer(text, add_special_tokens=False)["input_ids"]]
        if not numbers:
            return [self.padding if self.unknown is None else self.unknown], False
        pieces = self.tokenizer.convert_ids_to_tokens(numbers)
        read = sum(len(piece.removeprefix(_CONTINUED)) for piece in pieces)
        return numbers, self.unknown not in numbers and read == len(text)


def _special(
    tokenizer: Any, family: Family, where: str
) -> tuple[tuple[int, ...], tuple[int, ...], int, int | None]:
    """Special tokens before and after an item, padding and unknown."""
    before, after = _AROUND[family]
    names = [name for name in (before, after, "pad_token_id") if name is not None]
    missing = [name.removesuffix("_id") for name in names if getattr(tokenizer, name) is None]
    if missing:
        raise ConfigError(f"the tokenizer in {where} has no {' and no '.join(missing)}.")
    start = () if before is None else (int(getattr(tokenizer, before)),)
    unknown = tokenizer.unk_token_id
    return (
        start,
        (int(getattr(tokenizer, after)),),
        int(tokenizer.pad_token_id),
        None if unknown is None else int(unknown),
    )
