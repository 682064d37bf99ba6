"""Some rows of a library as a screen takes them, and the bytes in which an index keeps them."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hyperpcm.encoders.base import ConcatenatedEncoder, Encoder
from hyperpcm.errors import Rejection
from hyperpcm.screening.recipe import CompoundRecipe, PreparedCompounds

__all__ = ["Chunk", "packed_chunk", "unpacked_chunk"]

_NARROW: Final = 1 << 16  # columns that a place of 16 bits can name


@dataclass(frozen=True)
class Chunk:
    """Some rows of a library: those that can be used, prepared, and the others with reasons.

    Attributes:
        rows: how many rows there are.
        places: of the rows that can be used, counted from the first row of the chunk.
        smiles: their standardised structures.
        names: what the library calls them.
        compounds: as a panel reads them.
        rejections: the other rows; ``row`` counts likewise.
    """

    rows: int
    places: list[int]
    smiles: list[str]
    names: list[str]
    compounds: PreparedCompounds
    rejections: list[Rejection]


def packed_chunk(chunk: Chunk, recipe: CompoundRecipe) -> bytes:
    """Return a chunk as bytes: embeddings exactly, sparse ones by their entries; fingerprints as bits.

    Args:
        chunk: what to keep.
        recipe: how its compounds were prepared.
    """
    arrays: dict[str, npt.NDArray[Any]] = {"places": np.array(chunk.places, dtype=np.int32)}
    for name, texts in (("smiles", chunk.smiles), ("names", chunk.names)):
        arrays |= _packed_texts(name, texts)
    refused = [[one.row, one.text, one.code, one.reason] for one in chunk.rejections]
    about = json.dumps({"rows": chunk.rows, "refused": refused}).encode()
    arrays["about"] = np.frombuffer(about, dtype=np.uint8)
    start = 0
    for number, part in enumerate(_parts(recipe.encoder)):
        values = chunk.compounds.embeddings[:, start : start + part.width]
        arrays |= _packed_embedding(f"e{number}", values, sparse=part.sparse)
        start += part.width
    for number, kind in enumerate(recipe.fingerprints):
        arrays[f"f{number}"] = np.packbits(chunk.compounds.counts[kind] > 0, axis=1)
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **arrays)
    return stream.getvalue()


def unpacked_chunk(content: bytes, recipe: CompoundRecipe) -> Chunk:
    """Return the chunk that `packed_chunk` gave; of fingerprints only what is present is known.

    Raises:
        ValueError, KeyError, OSError, zipfile.BadZipFile: the bytes are something else.
    """
    with np.load(io.BytesIO(content), allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    about = json.loads(arrays["about"].tobytes())
    number = len(arrays["places"])
    parts = [
        _unpacked_embedding(f"e{place}", arrays, (number, part.width))
        for place, part in enumerate(_parts(recipe.encoder))
    ]
    counts = {
        kind: np.unpackbits(arrays[f"f{place}"], axis=1, count=kind[1])
        for place, kind in enumerate(recipe.fingerprints)
    }
    return Chunk(
        rows=about["rows"],
        places=arrays["places"].tolist(),
        smiles=_unpacked_texts("smiles", arrays),
        names=_unpacked_texts("names", arrays),
        compounds=PreparedCompounds(np.concatenate(parts, axis=1), counts),
        rejections=[Rejection(*one) for one in about["refused"]],
    )


def _parts(encoder: Encoder) -> Sequence[Encoder]:
    return encoder.parts if isinstance(encoder, ConcatenatedEncoder) else (encoder,)


def _packed_embedding(
    name: str, values: npt.NDArray[np.float32], *, sparse: bool
) -> dict[str, npt.NDArray[Any]]:
    if not sparse:
        return {name: np.ascontiguousarray(values)}
    rows, columns = np.nonzero(values)
    narrow = np.uint16 if values.shape[1] <= _NARROW else np.uint32
    return {
        f"{name}.number": np.bincount(rows, minlength=len(values)).astype(np.int32),
        f"{name}.column": columns.astype(narrow),
        f"{name}.value": values[rows, columns],
    }


def _unpacked_embedding(
    name: str, arrays: Mapping[str, npt.NDArray[Any]], shape: tuple[int, int]
) -> npt.NDArray[np.float32]:
    if name in arrays:
        dense: npt.NDArray[np.float32] = arrays[name].reshape(shape)
        return dense
    values = np.zeros(shape, dtype=np.float32)
    rows = np.repeat(np.arange(shape[0]), arrays[f"{name}.number"])
    values[rows, arrays[f"{name}.column"]] = arrays[f"{name}.value"]
    return values


def _packed_texts(name: str, texts: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    return {
        f"{name}.length": np.array([len(one) for one in encoded], dtype=np.int32),
        f"{name}.text": np.frombuffer(b"".join(encoded), dtype=np.uint8),
    }


def _unpacked_texts(name: str, arrays: Mapping[str, npt.NDArray[Any]]) -> list[str]:
    whole, ends = (
        arrays[f"{name}.text"].tobytes(),
        np.cumsum(arrays[f"{name}.length"], dtype=np.int64).tolist(),
    )
    return [
        whole[start:end].decode("utf-8", "surrogatepass")
        for start, end in zip([0, *ends], ends, strict=False)
    ]
