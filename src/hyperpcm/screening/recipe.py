"""What a panel needs of a compound: its embedding, and fingerprints to compare with landmarks.

It is the expensive part of a score and depends on no target, so it is computed once, in any process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import numpy.typing as npt
from rdkit.rdBase import BlockLogs

from hyperpcm.chem.count_entries import morgan_entries
from hyperpcm.chem.reading import molecules_of
from hyperpcm.encoders import EcfpEncoder, Encoder
from hyperpcm.encoders.base import ConcatenatedEncoder, check_items
from hyperpcm.encoders.molecules import MoleculeEncoder, Rows
from hyperpcm.encoders.sparse_rows import SparseRows
from hyperpcm.errors import InvalidSmilesError

if TYPE_CHECKING:
    from rdkit import Chem

__all__ = ["CompoundRecipe", "PreparedCompounds", "parts_of"]


def parts_of(encoder: Encoder) -> tuple[Encoder, ...]:
    """Return the encoders whose vectors an encoder puts side by side: itself where it is one."""
    return encoder.parts if isinstance(encoder, ConcatenatedEncoder) else (encoder,)


@dataclass(frozen=True)
class PreparedCompounds:
    """Some compounds as a panel reads them.

    Attributes:
        parts: unscaled embeddings, one part for each encoder; side by side they are the embedding.
        prints: present bits of Morgan fingerprints by (radius, width).
    """

    parts: tuple[Rows, ...]
    prints: Mapping[tuple[int, int], SparseRows]

    def __len__(self) -> int:
        return len(self.parts[0])

    def taken(self, rows: npt.NDArray[np.integer]) -> Self:
        """Return some compounds, in the order given."""
        return type(self)(
            tuple(part.taken(rows) if isinstance(part, SparseRows) else part[rows] for part in self.parts),
            {kind: bits.taken(rows) for kind, bits in self.prints.items()},
        )

    @classmethod
    def joined(cls, blocks: Sequence[Self]) -> Self:
        """Return the compounds of one block or more, one block after the other."""
        parts = zip(*(block.parts for block in blocks), strict=True)
        kinds = blocks[0].prints
        return cls(
            tuple(_joined_rows(part) for part in parts),
            {kind: SparseRows.joined([block.prints[kind] for block in blocks]) for kind in kinds},
        )

    @property
    def embeddings(self) -> npt.NDArray[np.float32]:
        """Unscaled embeddings, float32 [n, d]."""
        return np.concatenate(
            [part.dense() if isinstance(part, SparseRows) else part for part in self.parts], axis=1
        )


@dataclass(frozen=True)
class CompoundRecipe:
    """How compounds are prepared; picklable.

    Attributes:
        encoder: gives the embedding.
        fingerprints: radius and width of each kind of Morgan fingerprint.
    """

    encoder: Encoder
    fingerprints: tuple[tuple[int, int], ...]

    @property
    def reads_stereo(self) -> bool:
        """Whether an encoder looks at what could be a stereocentre in a molecule that is handed to it."""
        return any(isinstance(part, MoleculeEncoder) and part.reads_stereo for part in parts_of(self.encoder))

    def prepared(
        self, smiles: Sequence[str], molecules: Sequence[Chem.Mol | None] | None = None
    ) -> PreparedCompounds:
        """Return the compounds of standardised SMILES, prepared; each is read once, whatever reads it.

        Args:
            smiles: the compounds.
            molecules: what reading them gives, as `hyperpcm.chem.column.read_all` hands it on; None where one
                is still to be read.

        Raises:
            InvalidSmilesError: the encoder cannot read one of them.
        """
        check_items(smiles)
        read = _all_read(smiles, molecules)
        parts = [_said(encoder, smiles, read) for encoder in parts_of(self.encoder)]
        prints = {}
        for kind in self.fingerprints:
            same = self.same_bits(kind)
            shared = None if same is None else parts[same]
            prints[kind] = shared.bits() if isinstance(shared, SparseRows) else _bits(kind, smiles, read)
        return PreparedCompounds(tuple(parts), prints)

    def same_bits(self, kind: tuple[int, int]) -> int | None:
        """Return which part of the embedding is not zero where this fingerprint has a bit; None: no part."""
        for place, encoder in enumerate(parts_of(self.encoder)):
            if (
                isinstance(encoder, EcfpEncoder)
                and not encoder.chirality
                and (encoder.radius, encoder.width) == kind
            ):
                return place
        return None


def _all_read(smiles: Sequence[str], molecules: Sequence[Chem.Mol | None] | None) -> list[Chem.Mol] | None:
    """The molecule of each compound; None where one cannot be read, which its encoder has to say."""
    if molecules is None:
        molecules = [None] * len(smiles)
    unread = [text for text, molecule in zip(smiles, molecules, strict=True) if molecule is None]
    try:
        with BlockLogs():
            fresh = molecules_of(unread)
            return [next(fresh) if molecule is None else molecule for molecule in molecules]
    except InvalidSmilesError:
        return None


def _said(encoder: Encoder, smiles: Sequence[str], read: Sequence[Chem.Mol] | None) -> Rows:
    """What one encoder says of some compounds."""
    if read is not None and isinstance(encoder, MoleculeEncoder):
        return encoder.encode_molecules(read)
    vectors = encoder.encode(smiles)
    return SparseRows.of(vectors) if encoder.sparse else vectors


def _bits(kind: tuple[int, int], smiles: Sequence[str], read: Sequence[Chem.Mol] | None) -> SparseRows:
    """Present bits of the Morgan fingerprints of some compounds."""
    radius, width = kind
    entries = morgan_entries(molecules_of(smiles) if read is None else read, radius=radius, width=width)
    return SparseRows.of_sizes(entries.sizes, entries.columns, None, width)


def _joined_rows(blocks: Sequence[Rows]) -> Rows:
    sparse = [block for block in blocks if isinstance(block, SparseRows)]
    dense = [block for block in blocks if not isinstance(block, SparseRows)]
    return SparseRows.joined(sparse) if sparse else np.concatenate(dense)
