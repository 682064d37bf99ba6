"""Some rows of a library as a screen takes them, and the bytes in which an index keeps them."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np
import numpy.typing as npt

from hyperpcm.encoders.base import parts_of
from hyperpcm.encoders.sparse_rows import SparseRows
from hyperpcm.errors import Rejection
from hyperpcm.screening.half_precision import narrowest
from hyperpcm.screening.recipe import CompoundRecipe, PreparedCompounds
from hyperpcm.screening.seen import SeenStructures

if TYPE_CHECKING:
    from hyperpcm.screening.tensors import CompoundTensors

__all__ = [
    "Chunk",
    "Copy",
    "packed_chunk",
    "packed_rows",
    "packed_texts",
    "unpacked_chunk",
    "unpacked_rows",
    "unpacked_texts",
]

_NARROW: Final = 1 << 16  # columns that a place of 16 bits can name


@dataclass(frozen=True)
class Copy:
    """A row whose structure the library had before.

    Attributes:
        place: counted from the first row of the chunk.
        first: row of the library, from 0, that had the structure first.
        name: what the library calls it here.
    """

    place: int
    first: int
    name: str


@dataclass(frozen=True)
class Chunk:
    """Some rows of a library: those that can be used, prepared, and the others with reasons.

    Attributes:
        rows: how many rows there are.
        places: of the rows that can be used, counted from the first row of the chunk.
        smiles: their standardised structures.
        names: what the library calls them.
        compounds: as a panel reads them, or their tensors on a device.
        rejections: rows that cannot be used; ``row`` counts likewise.
        copies: rows left out because their structure is an earlier row's.
    """

    rows: int
    places: list[int]
    smiles: list[str]
    names: list[str]
    compounds: PreparedCompounds | CompoundTensors
    rejections: list[Rejection]
    copies: tuple[Copy, ...] = ()

    @classmethod
    def joined(cls, chunks: Sequence[Self]) -> Self:
        """Return one chunk or more, none with copies, as one."""
        if len(chunks) == 1:
            return chunks[0]
        starts = [0, *accumulate(chunk.rows for chunk in chunks)]
        pairs = list(zip(starts, chunks, strict=False))
        prepared = [_prepared(chunk) for chunk in chunks]
        return cls(
            rows=starts[-1],
            places=[start + place for start, chunk in pairs for place in chunk.places],
            smiles=[text for chunk in chunks for text in chunk.smiles],
            names=[name for chunk in chunks for name in chunk.names],
            compounds=prepared[0].joined(prepared),
            rejections=[
                replace(one, row=start + one.row) for start, chunk in pairs for one in chunk.rejections
            ],
        )

    @property
    def scored(self) -> int:
        """Rows that can be used, by themselves or as copies of others."""
        return self.rows - len(self.rejections)

    def without_copies(self, seen: SeenStructures, start: int) -> Chunk:
        """Return the chunk without structures that were seen, and add its own to them.

        Args:
            seen: structures of all rows before.
            start: row of the library that the chunk begins with.
        """
        rows = np.array(self.places, dtype=np.int64) + start
        first = seen.add(self.smiles, rows.tolist())
        kept = np.flatnonzero(first == rows)
        if len(kept) == len(rows):
            return self
        return replace(
            self,
            places=[self.places[place] for place in kept],
            smiles=[self.smiles[place] for place in kept],
            names=[self.names[place] for place in kept],
            compounds=_prepared(self).taken(kept),
            copies=tuple(
                Copy(self.places[place], int(first[place]), self.names[place])
                for place in np.flatnonzero(first != rows)
            ),
        )


def packed_chunk(chunk: Chunk, recipe: CompoundRecipe) -> bytes:
    """Return a chunk as bytes: embeddings exactly, sparse ones by their entries; fingerprints by their bits.

    Dense embeddings take half precision where they are exactly that, as those of learned encoders are.

    A fingerprint whose bits are the entries of an embedding is not kept twice.

    Args:
        chunk: what to keep.
        recipe: how its compounds were prepared.
    """
    arrays: dict[str, npt.NDArray[Any]] = {"places": np.array(chunk.places, dtype=np.int32)}
    for name, texts in (("smiles", chunk.smiles), ("names", chunk.names)):
        arrays |= packed_texts(name, texts)
    refused = [[one.row, one.text, one.code, one.reason] for one in chunk.rejections]
    copies = [[one.place, one.first, one.name] for one in chunk.copies]
    about = json.dumps({"rows": chunk.rows, "refused": refused, "copies": copies}).encode()
    arrays["about"] = np.frombuffer(about, dtype=np.uint8)
    compounds = _prepared(chunk)
    for number, part in enumerate(compounds.parts):
        name = f"e{number}"
        arrays |= packed_rows(name, part) if isinstance(part, SparseRows) else {name: narrowest(part)}
    for number, kind in enumerate(recipe.fingerprints):
        if recipe.same_bits(kind) is None:
            arrays |= packed_rows(f"f{number}", compounds.prints[kind])
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    return stream.getvalue()


def unpacked_chunk(content: bytes, recipe: CompoundRecipe) -> Chunk:
    """Return the chunk that `packed_chunk` gave.

    Raises:
        ValueError, KeyError, OSError, zipfile.BadZipFile: the bytes are something else.
    """
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    about = json.loads(arrays["about"].tobytes())
    parts = tuple(
        unpacked_rows(f"e{place}", arrays, part.width)
        if part.sparse
        else arrays[f"e{place}"].astype(np.float32, copy=False)
        for place, part in enumerate(parts_of(recipe.encoder))
    )
    prints = {}
    for number, kind in enumerate(recipe.fingerprints):
        same = recipe.same_bits(kind)
        own = unpacked_rows(f"f{number}", arrays, kind[1]) if same is None else parts[same].bits()
        prints[kind] = own
    return Chunk(
        rows=about["rows"],
        places=arrays["places"].tolist(),
        smiles=unpacked_texts("smiles", arrays),
        names=unpacked_texts("names", arrays),
        compounds=PreparedCompounds(parts, prints),
        rejections=[Rejection(*one) for one in about["refused"]],
        copies=tuple(Copy(*one) for one in about["copies"]),
    )


def _prepared(chunk: Chunk) -> PreparedCompounds:
    if not isinstance(chunk.compounds, PreparedCompounds):
        raise TypeError("this chunk was moved to a device; take the one that was prepared")
    return chunk.compounds


def packed_rows(name: str, rows: SparseRows) -> dict[str, npt.NDArray[Any]]:
    """Return sparse rows as arrays whose names begin so."""
    narrow = np.uint16 if rows.width <= _NARROW else np.uint32
    arrays: dict[str, npt.NDArray[Any]] = {
        f"{name}.number": rows.sizes.astype(np.int32),
        f"{name}.column": rows.columns.astype(narrow),
    }
    return arrays if rows.values is None else {**arrays, f"{name}.value": rows.values}


def unpacked_rows(name: str, arrays: Mapping[str, npt.NDArray[Any]], width: int) -> SparseRows:
    """Return the rows that `packed_rows` gave."""
    numbers = arrays[f"{name}.number"]
    columns = arrays[f"{name}.column"].astype(np.int32)
    return SparseRows.of_sizes(numbers, columns, arrays.get(f"{name}.value"), width)


def packed_texts(name: str, texts: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
    """Return texts as arrays whose names begin so."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    return {
        f"{name}.length": np.array([len(one) for one in encoded], dtype=np.int32),
        f"{name}.text": np.frombuffer(b"".join(encoded), dtype=np.uint8),
    }


def unpacked_texts(name: str, arrays: Mapping[str, npt.NDArray[Any]]) -> list[str]:
    """Return the texts that `packed_texts` gave."""
    whole, ends = (
        arrays[f"{name}.text"].tobytes(),
        np.cumsum(arrays[f"{name}.length"], dtype=np.int64).tolist(),
    )
    return [
        whole[start:end].decode("utf-8", "surrogatepass")
        for start, end in zip([0, *ends], ends, strict=False)
    ]
