"""Prepared compounds as tensors, in the memory of the device that scores them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from hyperpcm.encoders.sparse_rows import SparseRows
from hyperpcm.nn.scaling import Standardiser
from hyperpcm.screening.recipe import PreparedCompounds

__all__ = ["CompoundTensors", "Entries"]


@dataclass(frozen=True)
class Entries:
    """Rows of a wide table by their entries; the tensors of a `SparseRows`.

    Attributes:
        starts: where the entries of each row begin, and where the last one's end, int32 [n + 1].
        columns: of the entries, int32 [m].
        values: of the entries, float32 [m]; None: all are 1.
        width: number of columns.
    """

    starts: Tensor
    columns: Tensor
    values: Tensor | None
    width: int

    @classmethod
    def of(cls, rows: SparseRows, device: torch.device) -> Self:
        """Return the tensors of some rows."""
        values = None if rows.values is None else torch.from_numpy(rows.values).to(device)
        starts = torch.from_numpy(rows.starts.astype(np.int32)).to(device)
        return cls(starts, torch.from_numpy(rows.columns).to(device), values, rows.width)

    def __len__(self) -> int:
        return len(self.starts) - 1

    def __getitem__(self, rows: slice) -> Self:
        """Return consecutive rows."""
        first, stop, step = rows.indices(len(self))
        if step != 1:
            raise ValueError("only consecutive rows can be taken")
        starts = self.starts[first : max(first, stop) + 1]
        entries = slice(int(starts[0]), int(starts[-1]))
        values = None if self.values is None else self.values[entries]
        return type(self)(starts - starts[0], self.columns[entries], values, self.width)

    @property
    def sizes(self) -> Tensor:
        """Number of entries of each row [n]."""
        return self.starts.diff()

    def scaled(self, scaler: Standardiser) -> Self | Float[Tensor, "n w"]:
        """Return the rows standardised; by entries where zero stays zero.

        Args:
            scaler: of these columns.
        """
        if scaler.mean.any():
            found: Tensor = scaler(self.dense())
            return found
        values = torch.ones_like(self.columns, dtype=torch.float32) if self.values is None else self.values
        values = values / scaler.scale[self.columns]
        if scaler.clip is not None:
            values = values.clamp(-scaler.clip, scaler.clip)
        return type(self)(self.starts, self.columns, values, self.width)

    def dense(self) -> Float[Tensor, "n w"]:
        """Return the rows as a table."""
        return self.only(np.arange(self.width), self.width)

    def only(self, places: npt.NDArray[np.integer], width: int) -> Float[Tensor, "n u"]:
        """Return some columns as a table.

        Args:
            places: where each column goes; −1: nowhere [w].
            width: of the table.
        """
        device = self.columns.device
        rows = torch.arange(len(self), device=device).repeat_interleave(self.sizes)
        at = torch.from_numpy(places).to(device)[self.columns]
        kept = at >= 0
        table = torch.zeros(len(self), width, device=device)
        table[rows[kept], at[kept]] = 1.0 if self.values is None else self.values[kept]
        return table


@dataclass(frozen=True)
class CompoundTensors:
    """What a panel reads of some compounds, on one device.

    Attributes:
        parts: unscaled embeddings, one part for each encoder.
        prints: present bits of fingerprints by (radius, width).
    """

    parts: tuple[Entries | Tensor, ...]
    prints: Mapping[tuple[int, int], Entries]

    @classmethod
    def of(cls, compounds: PreparedCompounds, device: torch.device) -> Self:
        """Return the tensors of prepared compounds; bits that are the entries of a part share its memory."""
        parts = tuple(
            Entries.of(part, device) if isinstance(part, SparseRows) else torch.from_numpy(part).to(device)
            for part in compounds.parts
        )
        prints = {}
        for kind, bits in compounds.prints.items():
            for given, part in zip(compounds.parts, parts, strict=True):
                if (
                    isinstance(given, SparseRows)
                    and isinstance(part, Entries)
                    and given.columns is bits.columns
                ):
                    prints[kind] = Entries(part.starts, part.columns, None, part.width)
            if kind not in prints:
                prints[kind] = Entries.of(bits, device)
        return cls(parts, prints)

    def __len__(self) -> int:
        return len(self.parts[0])

    def __getitem__(self, rows: slice) -> Self:
        """Return consecutive compounds."""
        return type(self)(
            tuple(part[rows] for part in self.parts), {kind: bits[rows] for kind, bits in self.prints.items()}
        )

    def scaled(self, scaler: Standardiser) -> list[Entries | Tensor]:
        """Return the parts of the embeddings standardised; sparse ones by entries where zero stays zero.

        Args:
            scaler: of whole embeddings, on the same device.
        """
        found: list[Entries | Tensor] = []
        start = 0
        for part in self.parts:
            width = part.width if isinstance(part, Entries) else part.shape[1]
            own = Standardiser(width, clip=scaler.clip)
            own.mean = scaler.mean[start : start + width]
            own.scale = scaler.scale[start : start + width]
            found.append(part.scaled(own) if isinstance(part, Entries) else own(part))
            start += width
        return found
