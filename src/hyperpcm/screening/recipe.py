"""What a panel needs of a compound: its embedding, and fingerprints to compare with landmarks.

It is the expensive part of a score and depends on no target, so it is computed once, in any process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hyperpcm.chem import morgan_counts
from hyperpcm.encoders import Encoder

__all__ = ["CompoundRecipe", "PreparedCompounds"]


@dataclass(frozen=True)
class PreparedCompounds:
    """Some compounds as a panel reads them.

    Attributes:
        embeddings: unscaled, float32 [n, d].
        counts: Morgan counts by (radius, width), uint8 [n, w].
    """

    embeddings: npt.NDArray[np.float32]
    counts: Mapping[tuple[int, int], npt.NDArray[np.uint8]]


@dataclass(frozen=True)
class CompoundRecipe:
    """How compounds are prepared; picklable.

    Attributes:
        encoder: gives the embedding.
        fingerprints: radius and width of each kind of Morgan counts.
    """

    encoder: Encoder
    fingerprints: tuple[tuple[int, int], ...]

    def prepared(self, smiles: Sequence[str]) -> PreparedCompounds:
        """Return the compounds of standardised SMILES, prepared.

        Raises:
            InvalidSmilesError: the encoder cannot read one of them.
        """
        counts = {
            (radius, width): morgan_counts(smiles, radius=radius, width=width)
            for radius, width in self.fingerprints
        }
        return PreparedCompounds(self.encoder.encode(smiles), counts)
