"""Read the quantitative pChEMBL set out of its three tidy tables, and check a copy that is given."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.records import DATASETS
from hyperpcm.datasets.tidy_folder import join_tables
from hyperpcm.datasets.user_table import read_table
from hyperpcm.errors import TableError
from hyperpcm.public_files.pinned import Progress

__all__ = ["check_chembl_quant", "read_chembl_quant"]


def check_chembl_quant(files: Mapping[str, Path]) -> None:
    """Refuse a copy of chembl_quant that cannot be read as such.

    Raises:
        TableError: as for `read_tidy_folder`, or there is no column after_chembl20 of true and false.
    """
    path = files["interactions"]
    if "after_chembl20" not in join_tables(path.parent, files).folds:
        raise TableError(f"{path}: there is no column 'after_chembl20' of true and false.")


def read_chembl_quant(files: Mapping[str, Path], *, progress: Progress | None = None) -> Interactions:
    """The quantitative pChEMBL set with its fold columns, repeats not merged.

    Args:
        files: ``compounds``, ``targets`` and ``interactions`` of the catalog.
        progress: called with a stage, how much is done and how much there is.

    Raises:
        TableError: as for `read_tidy_folder`.
        LabelError: no row can be used.
    """
    quantity = DATASETS["chembl_quant"].quantity
    table = read_table(
        files["interactions"].parent,
        columns={"value": "value"},
        quantity=quantity.name,
        active_at=quantity.active_at,
        merge=False,
        progress=None if progress is None else lambda done: progress("standardising compounds", done, 0),
    )
    return dataclasses.replace(table, name="chembl_quant", quantity=quantity)
