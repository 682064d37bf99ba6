"""Encoders: SMILES or sequences to vectors of a fixed width, and the store that remembers them.

The names below are resolved when first used, so importing this package loads neither RDKit nor an aligner.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperpcm.lazy import lazy_names

if TYPE_CHECKING:
    from hyperpcm.encoders.alignment import AlignmentEncoder
    from hyperpcm.encoders.base import ConcatenatedEncoder, Encoder
    from hyperpcm.encoders.composition import CompositionEncoder
    from hyperpcm.encoders.descriptors import DescriptorEncoder
    from hyperpcm.encoders.ecfp import EcfpEncoder
    from hyperpcm.encoders.registry import build_encoder, compound_encoder, target_encoder
    from hyperpcm.encoders.store import EmbeddingStore
    from hyperpcm.encoders.table import ENCODERS

__all__ = [
    "ENCODERS",
    "AlignmentEncoder",
    "CompositionEncoder",
    "ConcatenatedEncoder",
    "DescriptorEncoder",
    "EcfpEncoder",
    "EmbeddingStore",
    "Encoder",
    "build_encoder",
    "compound_encoder",
    "target_encoder",
]

_HOMES = {
    "ENCODERS": "table",
    "AlignmentEncoder": "alignment",
    "CompositionEncoder": "composition",
    "ConcatenatedEncoder": "base",
    "DescriptorEncoder": "descriptors",
    "EcfpEncoder": "ecfp",
    "EmbeddingStore": "store",
    "Encoder": "base",
    "build_encoder": "registry",
    "compound_encoder": "registry",
    "target_encoder": "registry",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
