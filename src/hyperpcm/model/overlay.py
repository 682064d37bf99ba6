"""An overlay: the measurements of one project, as they are laid over the memory of a trained model."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hyperpcm.chem import morgan_counts
from hyperpcm.datasets.classes import is_of_threshold
from hyperpcm.datasets.interactions import ABOVE, BELOW, EXACT, Interactions, Quantity
from hyperpcm.datasets.units import P_UNIT
from hyperpcm.errors import IncompatibleModelError, InputError, LabelError

if TYPE_CHECKING:
    from hyperpcm.model.hyperpcm import HyperPCM

__all__ = ["Overlay", "check_name", "check_new_name", "check_quantity", "overlay_of"]

_LONGEST = 100  # letters of a name
_ARRAYS = {
    "embeddings": np.float32,
    "fingerprints": np.uint8,
    "rows": np.int32,
    "columns": np.int32,
    "values": np.float32,
    "relations": np.int8,
}


@dataclasses.dataclass(frozen=True, eq=False)
class Overlay:
    """The measurements of one project, with all that a memory holds of their targets and compounds.

    Attributes:
        name: of the project; what it is removed by.
        sequences: different targets that were measured [t].
        names: display name of each.
        compounds: different standardised SMILES [c].
        embeddings: of the targets, float32 [t, d_t], unscaled.
        fingerprints: presence bits of the compounds' Morgan counts, packed, uint8 [c, w / 8].
        rows: target of each label, int32 [n].
        columns: compound of each label, int32 [n].
        values: point labels, float32 [n].
        relations: as in `Interactions`, int8 [n].
        origin: where they come from (JSON values).
    """

    name: str
    sequences: tuple[str, ...]
    names: tuple[str, ...]
    compounds: tuple[str, ...]
    embeddings: npt.NDArray[np.float32]
    fingerprints: npt.NDArray[np.uint8]
    rows: npt.NDArray[np.int32]
    columns: npt.NDArray[np.int32]
    values: npt.NDArray[np.float32]
    relations: npt.NDArray[np.int8]
    origin: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __len__(self) -> int:
        """Number of labels."""
        return len(self.values)

    def pairs(self) -> list[tuple[str, str]]:
        """Sequence and SMILES of each label."""
        return [
            (self.sequences[row], self.compounds[column])
            for row, column in zip(self.rows, self.columns, strict=True)
        ]

    def only(self, labels: npt.NDArray[np.bool_]) -> Overlay:
        """Return the overlay with some of its labels, and with the targets and compounds that those are of.

        Args:
            labels: which are kept [n].
        """
        targets, rows = np.unique(self.rows[labels], return_inverse=True)
        compounds, columns = np.unique(self.columns[labels], return_inverse=True)
        return dataclasses.replace(
            self,
            sequences=tuple(self.sequences[row] for row in targets),
            names=tuple(self.names[row] for row in targets),
            compounds=tuple(self.compounds[column] for column in compounds),
            embeddings=self.embeddings[targets],
            fingerprints=self.fingerprints[compounds],
            rows=rows.astype(np.int32),
            columns=columns.astype(np.int32),
            values=self.values[labels],
            relations=self.relations[labels],
        )

    def digest(self) -> str:
        """Return one sha256 that stands for all it holds."""
        tensors, header = self.state()
        digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
        for name in _ARRAYS:
            digest.update(tensors[name].numpy().tobytes())
        return digest.hexdigest()

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return tensors and JSON header from which `from_state` rebuilds it."""
        header = {
            "name": self.name,
            "sequences": list(self.sequences),
            "names": list(self.names),
            "compounds": list(self.compounds),
            "origin": dict(self.origin),
        }
        return {name: torch.from_numpy(getattr(self, name).copy()) for name in _ARRAYS}, header

    @classmethod
    def from_state(cls, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> Overlay:
        """Return the overlay that `state` described.

        Raises:
            IncompatibleModelError: its parts do not belong together.
        """
        arrays = {name: tensors[name].numpy() for name in _ARRAYS}
        texts = {name: tuple(map(str, header[name])) for name in ("sequences", "names", "compounds")}
        parts: dict[str, Any] = {**texts, **arrays}
        found = cls(name=str(header["name"]), origin=dict(header["origin"]), **parts)
        found._check()
        return found

    def _check(self) -> None:
        labels = self.values.shape
        axes = ((self.rows, self.sequences), (self.columns, self.compounds))
        fits = (
            all(getattr(self, name).dtype == kind for name, kind in _ARRAYS.items())
            and len(labels) == 1
            and self.relations.shape == labels
            and bool(np.isin(self.relations, (BELOW, EXACT, ABOVE)).all())
            and all(index.shape == labels for index, _ in axes)
            and all(len(set(content)) == len(content) for _, content in axes)
            and all(((index >= 0) & (index < len(content))).all() for index, content in axes)
            and len(self.names) == len(self.sequences) == len(self.embeddings)
            and len(self.compounds) == len(self.fingerprints)
            and self.embeddings.ndim == self.fingerprints.ndim == 2
        )
        if not fits:
            raise IncompatibleModelError(f"the parts of the overlay {self.name!r} do not belong together.")


def overlay_of(
    model: HyperPCM, measurements: Interactions, name: str, origin: Mapping[str, Any] | None = None
) -> Overlay:
    """Return measurements as an overlay, encoded as the model encodes its memory.

    Args:
        model: not mutated.
        measurements: each pair once, as `hyperpcm.datasets.read_table` gives them.
        name: of the project.
        origin: where they come from (JSON values).

    Raises:
        InputError: the name cannot be used, or there are no measurements.
        LabelError: they are of another quantity than the model's labels.
    """
    check_new_name(model, name)
    check_quantity(model.quantity, measurements.quantity, measurements.name)
    if not len(measurements):
        raise InputError(f"{measurements.name}: holds no measurement that can be added.")
    targets, rows = np.unique(measurements.target_index, return_inverse=True)
    compounds, columns = np.unique(measurements.compound_index, return_inverse=True)
    sequences = tuple(measurements.targets[target] for target in targets)
    smiles = tuple(measurements.compounds[compound] for compound in compounds)
    counts = morgan_counts(smiles, radius=model.radius, width=model.landmark_width)
    return Overlay(
        name=name,
        sequences=sequences,
        names=tuple(measurements.target_names[target] for target in targets),
        compounds=smiles,
        embeddings=model.target_encoder.encode(sequences),
        fingerprints=np.packbits(counts > 0, axis=1),
        rows=rows.astype(np.int32),
        columns=columns.astype(np.int32),
        values=measurements.point(),
        relations=measurements.relations,
        origin=dict(origin or {}),
    )


def check_name(name: str, taken: Iterable[str]) -> None:
    """Refuse a name of an overlay that could not be typed again or is taken.

    Raises:
        InputError: it is empty, too long, has letters that do not print, or names other measurements.
    """
    if not name.strip() or name != name.strip() or not name.isprintable() or len(name) > _LONGEST:
        raise InputError(
            f"{name!r} cannot be the name of an overlay: give up to {_LONGEST} letters that print, without "
            "white space at the ends."
        )
    if name in taken:
        raise InputError(
            f"{name}: the model holds measurements of this name already. Choose another, or remove what was "
            "added under this one (hyperpcm memory remove --source)."
        )


def check_new_name(model: HyperPCM, name: str) -> None:
    """Refuse a name of an overlay that cannot be added to a model.

    Raises:
        InputError: as `check_name`, or the model's training data are called so.
    """
    check_name(name, (one.name for one in model.overlays))
    if name == model.trained_on:
        raise InputError(
            f"{name}: the data that the model was trained on have this name, and what was added would not be "
            "told from them. Choose another."
        )


def check_quantity(known: Quantity, given: Quantity, where: str) -> None:
    """Refuse measurements that mean something else than the labels of a model.

    Args:
        known: of the model.
        given: of the measurements.
        where: what the measurements are called in the message.

    Raises:
        LabelError: the message says what would make them comparable.
    """
    if known.kind != given.kind:
        if known.kind == "binary":
            advice = (
                f"its labels are two classes, {known.name}. Say from which value on a compound is active "
                "(--active-at), or give a column of 0 and 1."
            )
        else:
            advice = f"its labels are values of {_named(known)}, and no class becomes a value again."
        raise LabelError(f"{where}: holds {_named(given)}, which does not go with this model: {advice}")
    if is_of_threshold(known) and is_of_threshold(given) and known.name != given.name:
        raise LabelError(
            f"{where}: its actives are {given.name}, and those of the model {known.name}. Make classes as "
            "the model has them: --active-at, and --quantity where the values mean the same."
        )
    if known.kind == "binary" or (known.name, known.unit) == (given.name, given.unit):
        return
    if known.unit == given.unit:
        advice = (
            f"Nothing converts one into the other. If both mean the same here, say so: --quantity "
            f"'{known.name}'."
        )
    elif known.unit == P_UNIT:
        advice = (
            f"Concentrations (pM to M) are converted to {known.name} = {P_UNIT} where the unit is known: "
            "name it in a unit column, in the column's name as in 'Kd (nM)', or with --unit and --quantity."
        )
    else:
        unit = f"in {known.unit}" if known.unit else "without a unit"
        advice = f"Give values of {known.name} {unit}; nothing is converted to that scale."
    raise LabelError(
        f"{where}: holds {_named(given)}, and the labels of the model are {_named(known)}. {advice}"
    )


def _named(quantity: Quantity) -> str:
    if quantity.kind == "binary":
        return f"two classes ({quantity.name})"
    return f"{quantity.name} [{quantity.unit}]" if quantity.unit else quantity.name
