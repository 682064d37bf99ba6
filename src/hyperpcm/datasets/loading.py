"""From the name of a public data set to its table: fetch, read (once), merge."""

from __future__ import annotations

import importlib
import logging
from types import MappingProxyType

from hyperpcm.datasets import catalog
from hyperpcm.datasets.interactions import Interactions
from hyperpcm.public_files.pinned import Progress

__all__ = ["load"]

logger = logging.getLogger(__name__)

_READERS = MappingProxyType(
    {
        "davis": ("deep_dta", "read_davis"),
        "davis_mutants": ("davis_mutants", "read_davis_mutants"),
        "kiba": ("deep_dta", "read_kiba"),
        "chembl20": ("chembl20", "read_chembl20"),
        "chembl_quant": ("chembl_quant", "read_chembl_quant"),
        "chembl": ("chembl", "read_chembl"),
        "lenselink": ("lenselink", "read_lenselink"),
        "dude": ("dude", "read_dude"),
        "dude_small": ("dude", "read_dude_small"),
        "kiba_sample": ("wheel_samples", "read_kiba_sample"),
        "bindingdb_sample": ("wheel_samples", "read_bindingdb_sample"),
    }
)


def load(name: str, *, merge: bool = True, progress: Progress | None = None) -> Interactions:
    """The public data set ``name`` as a table; its files are fetched and verified first, if need be.

    What was read is kept beside the raw files, so the second call takes a second or two.

    Args:
        name: one of the names of `hyperpcm.datasets.catalog.DATASETS`.
        merge: one row for each (compound, target), by the rule of `hyperpcm.datasets.merge.merge_repeats`.
            Without, the rows are those of the publication, and its folds apply.
        progress: called with a stage, how much is done and how much there is.

    Raises:
        ConfigError: there is no such data set.
        DataUnavailableError: a file cannot be had (`ChecksumError`: it is not the pinned one).
        DiskFullError: no space left.
        OutputError: the data folder may not be written and the files are not in it.
    """
    files = catalog.fetch(name, progress=progress)
    from hyperpcm.datasets.parsed_cache import cache_key, parsed_once

    module, function = _READERS[name]

    def read() -> Interactions:
        reader = getattr(importlib.import_module(f"hyperpcm.datasets.{module}"), function)
        table: Interactions = reader(files, progress=progress)
        return table

    key = cache_key(name, f"hyperpcm.datasets.{module}", catalog.file_hashes(name))
    table = parsed_once(catalog.local_path(name), key, read)
    if merge:
        from hyperpcm.datasets.merge import merge_repeats

        table = merge_repeats(table)
    logger.info(
        "%s: %s interactions of %s compounds and %s targets.",
        name,
        f"{len(table):,}",
        f"{len(table.compounds):,}",
        f"{len(table.targets):,}",
    )
    return table
