"""Measurements of compounds on one target, on the scale of the model that is to learn from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.interactions import Interactions, Quantity
from hyperpcm.datasets.labels import CONSTANT
from hyperpcm.datasets.units import CONCENTRATIONS, P_SCALES, P_UNIT
from hyperpcm.datasets.user_table import read_table
from hyperpcm.errors import LabelError, Rejection

__all__ = ["Assay", "read_assay"]

_ANY_OF: Final = {"pchembl": {"pki", "pkd", "pic50", "pec50", "pac50", "pxc50"}}
"""Quantities of a model that values of several others are."""


@dataclass(frozen=True, eq=False)
class Assay:
    """Measured compounds of one target, one row for each measurement.

    Attributes:
        smiles: standardised, one for each row.
        values: on the scale of the model, float64 [n].
        relations: 0: the value; 1: what was measured lies above it; -1: below, int8 [n].
        rejections: rows that cannot be used, with reasons.
        notes: what was converted or found remarkable.
    """

    smiles: tuple[str, ...]
    values: npt.NDArray[np.float64]
    relations: npt.NDArray[np.int8]
    rejections: tuple[Rejection, ...]
    notes: tuple[str, ...]


def read_assay(
    path: Path | str,
    model: Quantity,
    sequence: str,
    *,
    columns: Mapping[str, str] | None = None,
    quantity: str | None = None,
    unit: str | None = None,
) -> Assay:
    """Read a table of compounds and values; repeated measurements stay apart.

    Args:
        path: of a CSV, TSV or Parquet file, as `read_table` takes it; no column of targets is needed.
        model: the quantity that the values must be of. Where its labels are bins, scores are centres of bins,
            and values count as they are.
        sequence: of the target.
        columns: the column of a role, where its name does not tell.
        quantity: what the values are, where the column does not tell, or what they are to count as.
        unit: of the values, where the table does not tell.

    Raises:
        TableError: the file cannot be read, names several targets, or has the sequence of another.
        LabelError: values of another quantity than the model's; the message names the way, if there is one.
    """
    table = read_table(
        path,
        columns=columns,
        only_target=sequence,
        quantity=quantity,
        unit=unit,
        kind="regression",
        merge=False,
    )
    _check_quantity(Path(path), table, model)
    values = np.array([float(str(value)) for value in table.point()])  # 7.3, not the float32 next to it
    return Assay(
        smiles=tuple(table.compounds[place] for place in table.compound_index),
        values=values,
        relations=table.relations,
        rejections=tuple(table.rejections),
        notes=tuple(note for note in table.notes if not note.endswith(CONSTANT)),
    )


def _check_quantity(path: Path, table: Interactions, model: Quantity) -> None:
    found, wanted = table.quantity.name, model.name
    if found.lower() == wanted.lower() or found.lower() in _ANY_OF.get(wanted.lower(), ()):
        return
    is_p = [name.lower() in P_SCALES for name in (found, wanted)]
    is_concentration = wanted.lower() in (name.lower() for name in CONCENTRATIONS.values())
    kind = wanted.removeprefix("p") if is_concentration else wanted
    if all(is_p):
        raise LabelError(
            f"{path}: values are {found}, and the model predicts {wanted}. Both are {P_UNIT}, and differ by "
            f"what the assay does to them: to count them as {wanted}, whose offset is estimated with the "
            f"rest, say --quantity {kind}."
        )
    if is_p[1]:
        raise LabelError(
            f"{path}: values are {found}, and the model predicts {wanted} in {P_UNIT}. If they are "
            f"concentrations, say of which kind and in which unit, and they are converted: "
            f"--quantity {kind} --unit nM. If they are {wanted} already: "
            f"--quantity {wanted}."
        )
    raise LabelError(
        f"{path}: values are {found}, and the model predicts {wanted}; no conversion leads from one to the "
        f'other. If they are {wanted} under another name, say --quantity "{wanted}".'
    )
