"""Tables of interactions: where they come from, what their values mean, how they are divided.

Public names are resolved on first use, so that looking at the catalog imports neither RDKit nor pyarrow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperpcm.lazy import lazy_names

if TYPE_CHECKING:
    from hyperpcm.datasets.catalog import DATASETS, fetch
    from hyperpcm.datasets.interactions import Interactions, Quantity
    from hyperpcm.datasets.loading import load
    from hyperpcm.datasets.merge import merge_repeats
    from hyperpcm.datasets.splits import Split, make_splits
    from hyperpcm.datasets.user_table import read_table

__all__ = [
    "DATASETS",
    "Interactions",
    "Quantity",
    "Split",
    "fetch",
    "load",
    "make_splits",
    "merge_repeats",
    "read_table",
]

_HOMES = {
    "DATASETS": "catalog",
    "Interactions": "interactions",
    "Quantity": "interactions",
    "Split": "splits",
    "fetch": "catalog",
    "load": "loading",
    "make_splits": "splits",
    "merge_repeats": "merge",
    "read_table": "user_table",
}

__getattr__, __dir__ = lazy_names(__name__, _HOMES)
