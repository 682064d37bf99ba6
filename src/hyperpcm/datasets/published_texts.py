"""The SMILES of a table's compounds as their source wrote them, before standardisation."""

from __future__ import annotations

import importlib
import logging
from types import MappingProxyType

from hyperpcm.datasets import catalog
from hyperpcm.datasets.interactions import Interactions

__all__ = ["published_smiles"]

logger = logging.getLogger(__name__)

_READERS = MappingProxyType({"dude": "dude", "dude_small": "dude"})


def published_smiles(interactions: Interactions) -> tuple[str, ...]:
    """For each compound of the table, in the order of its axis, the SMILES that its source published.

    Known for DUD-E, where the spelling differs between actives and decoys. Of several spellings of one
    structure, the first in the order of the files is given. Elsewhere, and where the files are no longer in
    the data folder (which is logged), it is the standardised SMILES.

    Args:
        interactions: a table, merged or not, whole or a selection.
    """
    name = interactions.name
    if name not in _READERS:
        return interactions.compounds
    if not catalog.is_local(name):
        logger.warning("%s: its raw files are not in the data folder; standardised SMILES are used.", name)
        return interactions.compounds
    module = importlib.import_module(f"hyperpcm.datasets.{_READERS[name]}")
    texts = module.published_smiles(
        {key: catalog.local_path(name, key) for key in catalog.record(name).files}
    )
    found = [texts.get(names.split("|", 1)[0]) for names in interactions.compound_names]
    if None in found:  # a table of one's own that is called like a public one
        return interactions.compounds
    return tuple(found)
