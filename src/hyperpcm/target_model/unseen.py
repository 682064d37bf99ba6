"""What of held-out rows training had not seen, in words: all that is promised is promised about such rows."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["UNSEEN"]

UNSEEN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "target": "new targets",
        "compound": "new compounds",
        "both": "new compounds on new targets",
        "mixed": "new targets, and new compounds or pairs on known ones",
        "pair": "new pairs of known targets and compounds",
    }
)
