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

from hyperpcm.chem.count_entries import morgan_collector
from hyperpcm.chem.reading import molecule_of, molecules_of
from hyperpcm.encoders import EcfpEncoder, Encoder
from hyperpcm.encoders.base import check_items, parts_of
from hyperpcm.encoders.molecules import Gathering, MoleculeEncoder, Rows
from hyperpcm.encoders.sparse_rows import SparseRows
from hyperpcm.screening.half_precision import in_half_where_learned

if TYPE_CHECKING:
    from rdkit import Chem

__all__ = ["CompoundGathering", "CompoundRecipe", "PreparedCompounds"]


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

    def gathering(self) -> CompoundGathering:
        """Return what takes compounds one by one and prepares them."""
        return CompoundGathering(self)

    def prepared(self, smiles: Sequence[str]) -> PreparedCompounds:
        """Return the compounds of standardised SMILES, prepared; each is read once, whatever reads it.

        Learned embeddings are in half precision.

        Raises:
            InvalidSmilesError: the encoder cannot read one of them.
        """
        check_items(smiles)
        gathering = self.gathering()
        with BlockLogs():
            for text in smiles:
                gathering.add(text)
            return gathering.prepared()

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


class CompoundGathering:
    """Prepares compounds one by one, so that no molecule is kept.

    Args:
        recipe: how they are prepared.
    """

    def __init__(self, recipe: CompoundRecipe) -> None:
        self.recipe = recipe
        self.smiles: list[str] = []
        self._is_readable = True
        self._parts: list[Gathering | None] = [
            part.gathering() if isinstance(part, MoleculeEncoder) else None
            for part in parts_of(recipe.encoder)
        ]
        self._prints = {
            (radius, width): morgan_collector(radius=radius, width=width)
            for radius, width in recipe.fingerprints
            if recipe.same_bits((radius, width)) is None
        }
        self._add = [part.add for part in self._parts if part is not None]
        self._add += [collector.add for collector in self._prints.values()]

    def add(self, smiles: str, molecule: Chem.Mol | None = None) -> None:
        """Take one more compound.

        Args:
            smiles: standardised.
            molecule: what reading it gives, as `hyperpcm.chem.column.ColumnReader` hands it on; None: it
                is still to be read.
        """
        self.smiles.append(smiles)
        if not self._is_readable or not self._add:
            return
        if molecule is None:
            molecule = molecule_of(smiles)
        if molecule is None or not molecule.GetNumAtoms():
            self._is_readable = False
            return
        for add in self._add:
            add(molecule)

    def prepared(self) -> PreparedCompounds:
        """Return all compounds so far.

        Raises:
            InvalidSmilesError: an encoder cannot read one of them; the message is its own.
        """
        recipe = self.recipe
        parts = [
            _as_scored(
                encoder, self._said(encoder) if gathered is None or not self._is_readable else gathered.rows()
            )
            for encoder, gathered in zip(parts_of(recipe.encoder), self._parts, strict=True)
        ]
        prints = {}
        for kind in recipe.fingerprints:
            same = recipe.same_bits(kind)
            shared = None if same is None else parts[same]
            prints[kind] = shared.bits() if isinstance(shared, SparseRows) else self._bits(kind)
        return PreparedCompounds(tuple(parts), prints)

    def _said(self, encoder: Encoder) -> Rows:
        """What an encoder says of the SMILES."""
        vectors = encoder.encode(self.smiles)
        return SparseRows.of(vectors) if encoder.sparse else vectors

    def _bits(self, kind: tuple[int, int]) -> SparseRows:
        """Present bits of the Morgan fingerprints."""
        collector, (radius, width) = self._prints[kind], kind
        if not self._is_readable:  # this raises, as an encoder that does not read molecules has not
            collector = morgan_collector(radius=radius, width=width)
            collector.added(molecules_of(self.smiles))
        entries = collector.entries()
        return SparseRows.of_sizes(entries.sizes, entries.columns, None, width)


def _as_scored(encoder: Encoder, rows: Rows) -> Rows:
    return rows if isinstance(rows, SparseRows) else in_half_where_learned(encoder, rows)


def _joined_rows(blocks: Sequence[Rows]) -> Rows:
    sparse = [block for block in blocks if isinstance(block, SparseRows)]
    dense = [block for block in blocks if not isinstance(block, SparseRows)]
    return SparseRows.joined(sparse) if sparse else np.concatenate(dense)
