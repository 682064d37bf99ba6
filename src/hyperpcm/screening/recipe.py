"""What a panel needs of a compound: its embedding, and fingerprints to compare with landmarks.

It is the expensive part of a score and depends on no target, so it is computed once, in any process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from hyperpcm.chem import morgan_counts
from hyperpcm.encoders import EcfpEncoder, Encoder
from hyperpcm.encoders.base import parts_of
from hyperpcm.screening.half_precision import in_half_where_learned
from hyperpcm.screening.sparse_rows import SparseRows

__all__ = ["CompoundRecipe", "Part", "PreparedCompounds"]

Part = SparseRows | npt.NDArray[np.float32]
"""What one encoder says of some compounds: by entries where it is sparse, else float32 [n, w]."""


@dataclass(frozen=True)
class PreparedCompounds:
    """Some compounds as a panel reads them.

    Attributes:
        parts: unscaled embeddings, one part for each encoder; side by side they are the embedding.
        prints: present bits of Morgan fingerprints by (radius, width).
    """

    parts: tuple[Part, ...]
    prints: Mapping[tuple[int, int], SparseRows]

    def __len__(self) -> int:
        return len(self.parts[0])

    def taken(self, rows: npt.NDArray[np.integer]) -> Self:
        """Return some compounds, in the order given."""
        return type(self)(
            tuple(part.taken(rows) if isinstance(part, SparseRows) else part[rows] for part in self.parts),
            {kind: bits.taken(rows) for kind, bits in self.prints.items()},
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

    def prepared(self, smiles: Sequence[str]) -> PreparedCompounds:
        """Return the compounds of standardised SMILES, prepared; learned embeddings in half precision.

        Raises:
            InvalidSmilesError: the encoder cannot read one of them.
        """
        parts, encoders = [], parts_of(self.encoder)
        for encoder in encoders:
            said = encoder.encode(smiles)
            parts.append(SparseRows.of(said) if encoder.sparse else in_half_where_learned(encoder, said))
        prints = {}
        for radius, width in self.fingerprints:
            same = self.same_bits((radius, width))
            shared = None if same is None else parts[same]
            if isinstance(shared, SparseRows):
                prints[radius, width] = shared.bits()
            else:
                prints[radius, width] = SparseRows.of(
                    morgan_counts(smiles, radius=radius, width=width), bits=True
                )
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
