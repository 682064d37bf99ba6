"""Encoders: SMILES or sequences to vectors of a fixed width, and the store that remembers them.

The names below are resolved when first used, so importing this package loads neither RDKit nor an aligner.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

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


def __getattr__(name: str) -> Any:
    """Import the module that holds a public name when the name is first asked for."""
    modules = {
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
    if name not in modules:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{modules[name]}"), name)


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return list(__all__)
