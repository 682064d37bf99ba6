"""The contract of every encoder, and the encoder that joins several.

An encoder turns one item, a SMILES or an amino-acid sequence, into a vector of a fixed width. It is a value:
immutable, described completely by `Encoder.spec`, and what it returns for an item depends on nothing but the
item and the spec. So embeddings can be cached by content, and a model can refuse another encoder's vectors.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Final, Literal, TypeAlias, final

import numpy as np
import numpy.typing as npt

from hyperpcm.errors import ConfigError, InputError, InvalidSequenceError, InvalidSmilesError

__all__ = ["ConcatenatedEncoder", "Encoder", "Json", "Side", "integer_option", "parts_of", "stacked_rows"]

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None
"""Whatever JSON can hold."""

Side: TypeAlias = Literal["compound", "target"]
"""Which half of an interaction an encoder reads."""

BLOCK: Final = 1024
"""Items encoded at once: bounds the memory used beside the output."""


class Encoder(ABC):
    """Turns items into vectors; abstract. A concrete encoder is final and immutable.

    A subclass states the five properties, its `options`, and how one block of items is encoded; checking
    items, cutting into blocks and checking the result happen here, once, for all of them.
    """

    @property
    @abstractmethod
    def name(self) -> str:
        """Short name in the registry, such as ``ecfp``."""

    @property
    @abstractmethod
    def side(self) -> Side:
        """``compound`` when items are SMILES, ``target`` when they are sequences."""

    @property
    @abstractmethod
    def width(self) -> int:
        """Length of each vector, at least 1."""

    @property
    @abstractmethod
    def licence(self) -> str:
        """SPDX name of the licence of whatever the numbers come from (weights, tables, code)."""

    @property
    @abstractmethod
    def revision(self) -> str:
        """Version of the rule that makes the numbers; it changes whenever they would change."""

    @property
    def sparse(self) -> bool:
        """Whether most values are zero, so that a store should compress them."""
        return False

    def libraries(self) -> tuple[str, ...]:
        """Names and versions of the third-party libraries that the numbers may depend on."""
        return ()

    @abstractmethod
    def options(self) -> dict[str, Json]:
        """Every argument of the constructor by name: what `spec` adds to name and revision."""

    @abstractmethod
    def _encode(self, items: Sequence[str]) -> npt.NDArray[np.float32]:
        """Vectors of one non-empty block of checked strings: float32 [n, width], in the order given."""

    @final
    def spec(self) -> dict[str, Json]:
        """JSON-able description from which `registry.build_encoder` makes an equal encoder."""
        return {"encoder": self.name, "revision": self.revision, **self.options()}

    @final
    def key(self) -> str:
        """Sha256 (64 hex digits) of the spec: equal for encoders that are the same encoder.

        A model keeps this key and refuses vectors of another encoder.
        """
        return _sha256_of_json(self.spec())

    @final
    def cache_key(self) -> str:
        """Sha256 (64 hex digits) of the spec and the library versions: what stored vectors are filed under.

        It is stricter than `key`: after a library was updated, vectors are computed anew although models stay
        usable.
        """
        return _sha256_of_json([self.spec(), list(self.libraries())])

    @final
    def encode(
        self, items: Sequence[str], *, numbers: Sequence[int] | None = None
    ) -> npt.NDArray[np.float32]:
        """Encode items.

        Deterministic, and each row depends on its own item only: not on the order, the neighbours or the
        number of items. Where an encoder runs a neural network over several items at once, that holds to
        rounding; the encoder says so.

        Args:
            items: SMILES or sequences; may be empty, may hold repeats.
            numbers: what errors call each item, for a caller that hands on a selection; by default the
                position.

        Returns:
            float32 [n, width], finite, in the order of the items; [0, width] for no items.

        Raises:
            InputError: an item is not a string, is blank, holds white space (validate it first), or cannot be
                read; the message holds its number.
        """
        check_items(items)
        numbers = range(len(items)) if numbers is None else numbers
        vectors = np.empty((len(items), self.width), dtype=np.float32)
        for start in range(0, len(items), BLOCK):
            block = list(items[start : start + BLOCK])
            vectors[start : start + len(block)] = self._checked_block(
                block, numbers[start : start + len(block)]
            )
        return vectors

    def _checked_block(self, block: list[str], numbers: Sequence[int]) -> npt.NDArray[np.float32]:
        """Encode one block, naming an item that cannot be read."""
        try:
            vectors = self._encode(block)
        except (InvalidSmilesError, InvalidSequenceError):
            self._blame(block, numbers)
            raise
        if vectors.shape != (len(block), self.width) or not np.isfinite(vectors).all():
            raise RuntimeError(
                f"encoder {self.name!r} of width {self.width} gave {vectors.shape} for {len(block)} items, "
                "or values that are not finite. This is a fault of the encoder."
            )
        return vectors

    def _read(self, item: str) -> None:
        """Raise the error of one unreadable item; for an encoder that can do so without encoding it."""
        self._encode([item])

    def _blame(self, block: list[str], numbers: Sequence[int]) -> None:
        """Raise the error of the first unreadable item again, with its number and text."""
        for number, item in zip(numbers, block, strict=True):
            try:
                self._read(item)
            except InvalidSmilesError as error:
                raise InvalidSmilesError(error.code, _located(error.reason, number, item)) from error
            except InvalidSequenceError as error:
                reason = _located(error.reason, number, item)
                raise InvalidSequenceError(error.code, reason, error.position) from error


@final
@dataclasses.dataclass(frozen=True)
class ConcatenatedEncoder(Encoder):
    """Joins the vectors of several encoders of one side, in the order given.

    Attributes:
        parts: two or more different encoders that read the same side.

    Raises:
        ConfigError: fewer than two parts, parts of different sides, or one encoder twice.
    """

    parts: tuple[Encoder, ...]

    def __post_init__(self) -> None:
        if len(self.parts) < 2:
            raise ConfigError(f"joining encoders needs at least two of them, {len(self.parts)} given")
        sides = {part.side for part in self.parts}
        if len(sides) > 1:
            named = ", ".join(f"{part.name} ({part.side})" for part in self.parts)
            raise ConfigError(f"encoders of compounds and of targets cannot be joined: {named}")
        if len({part.key() for part in self.parts}) < len(self.parts):
            raise ConfigError(f"{self.name}: the same encoder is given twice. Name each of them once.")

    @property
    def name(self) -> str:
        """The names of the parts joined by ``+``."""
        return "+".join(part.name for part in self.parts)

    @property
    def side(self) -> Side:
        """The side that all parts read."""
        return self.parts[0].side

    @property
    def width(self) -> int:
        """Sum of the widths of the parts."""
        return sum(part.width for part in self.parts)

    @property
    def licence(self) -> str:
        """The licences of the parts, each once, joined by ``AND``."""
        return " AND ".join(dict.fromkeys(part.licence for part in self.parts))

    @property
    def revision(self) -> str:
        """Version of the rule that joins them; each part carries its own revision in the spec."""
        return "1"

    @property
    def sparse(self) -> bool:
        """Whether the wider half of the vector comes from sparse parts."""
        return 2 * sum(part.width for part in self.parts if part.sparse) > self.width

    def libraries(self) -> tuple[str, ...]:
        """What any of the parts depends on, each once."""
        return tuple(dict.fromkeys(library for part in self.parts for library in part.libraries()))

    def options(self) -> dict[str, Json]:
        """The specs of the parts."""
        return {"parts": [part.spec() for part in self.parts]}

    def _encode(self, items: Sequence[str]) -> npt.NDArray[np.float32]:
        return np.concatenate([part._encode(items) for part in self.parts], axis=1)


def parts_of(encoder: Encoder) -> tuple[Encoder, ...]:
    """Return the encoders whose vectors an encoder puts side by side: itself where it is one."""
    return encoder.parts if isinstance(encoder, ConcatenatedEncoder) else (encoder,)


def stacked_rows(
    items: Sequence[str], width: int, row_of: Callable[[str], npt.NDArray[np.float64]]
) -> npt.NDArray[np.float32]:
    """Stack one row per item, computed in double precision one by one: float32 [n, width]."""
    rows = np.empty((len(items), width), dtype=np.float32)
    for row, item in enumerate(items):
        rows[row] = row_of(item)
    return rows


def integer_option(encoder: str, option: str, value: object, low: int, high: int) -> None:
    """Check an integer argument of an encoder.

    Raises:
        ConfigError: not an integer, or outside low to high (both allowed).
    """
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ConfigError(
            f"encoder {encoder!r}: {option} must be an integer from {low} to {high}, not {value!r}"
        )


def check_items(items: Sequence[str]) -> None:
    """Check that items are texts without white space, before anything else looks at them.

    Raises:
        InputError: the first that is not; the message holds its position.
    """
    if isinstance(items, str | bytes):
        raise InputError("an encoder takes a list of items, not one string. Put it into a list.")
    for position, item in enumerate(items):
        if not isinstance(item, str):
            raise InputError(f"TYPE: item {position} is {item!r}, not text")
        if not item.strip():
            raise InputError(f"EMPTY: item {position} is blank")
        if item.split() != [item]:
            shown = item[:200]
            raise InputError(
                f"TRAILING_TEXT: item {position} ({shown!r}) holds white space; validate it first"
            )


def _located(reason: str, number: int, item: str) -> str:
    return f"item {number} ({item[:200]!r}): {reason}"


def _sha256_of_json(value: object) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return hashlib.sha256(text.encode("ascii")).hexdigest()
