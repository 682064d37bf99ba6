"""Compounds with what a target said of them before anything was measured, which measurements then correct."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol, Self

import numpy as np
import numpy.typing as npt
import torch

from hyperpcm.chem import morgan_counts, standardise_all
from hyperpcm.encoders.sparse_rows import SparseRows
from hyperpcm.errors import InputError, Rejection
from hyperpcm.screening.adapted import kernels_of, profiles_of
from hyperpcm.screening.chunk import Chunk, Copy
from hyperpcm.screening.panel import Panel
from hyperpcm.screening.recipe import CompoundRecipe, PreparedCompounds
from hyperpcm.screening.tensors import Entries
from hyperpcm.target_model import TargetModel
from hyperpcm.target_model.adapting import fingerprint, unadapted
from hyperpcm.target_model.residual_prior import profile_weights

__all__ = ["CompoundPool", "CompoundScorer", "HeldCompounds", "ScoredCompounds"]

_CPU: Final = torch.device("cpu")
_NUMBERS: Final = 4_000_000  # similarities held at once, 32 MB
_BLOCK: Final = 4096


@dataclass(frozen=True, eq=False)
class ScoredCompounds:
    """Some compounds, and all that a correction of their scores reads.

    Attributes:
        rows: of the library, from 0, int64 [n].
        smiles: standardised structures [n].
        names: what the library calls them [n].
        scores: of the target before anything was measured, in label units, float32 [n].
        profiles: ψ of the target's residual prior, float32 [n, r].
        bits: present bits of the fingerprints that compounds are compared by.
        copies: rows of a block of a library whose structure an earlier row had, wherever that lies; ``place``
            is the row of the library. Compounds that are taken or joined have none.
    """

    rows: npt.NDArray[np.int64]
    smiles: list[str]
    names: list[str]
    scores: npt.NDArray[np.float32]
    profiles: npt.NDArray[np.float32]
    bits: SparseRows
    copies: tuple[Copy, ...] = ()

    def __len__(self) -> int:
        return len(self.scores)

    def taken(self, places: npt.NDArray[np.integer]) -> Self:
        """Return some of them, in the order given."""
        return dataclasses.replace(
            self,
            rows=self.rows[places],
            smiles=[self.smiles[place] for place in places],
            names=[self.names[place] for place in places],
            scores=self.scores[places],
            profiles=self.profiles[places],
            bits=self.bits.taken(places),
            copies=(),
        )

    @classmethod
    def joined(cls, blocks: Sequence[Self]) -> Self:
        """Return the compounds of one block or more, one block after the other."""
        return cls(
            rows=np.concatenate([block.rows for block in blocks]),
            smiles=[text for block in blocks for text in block.smiles],
            names=[name for block in blocks for name in block.names],
            scores=np.concatenate([block.scores for block in blocks]),
            profiles=np.concatenate([block.profiles for block in blocks]),
            bits=SparseRows.joined([block.bits for block in blocks]),
        )


class CompoundPool(Protocol):
    """Compounds to choose from, of any number."""

    def __len__(self) -> int:
        """How many there are."""

    def blocks(self) -> Iterator[ScoredCompounds]:
        """Yield all of them in their order, some thousand at a time; a block may hold copies alone."""

    def taken(self, places: npt.NDArray[np.integer]) -> ScoredCompounds:
        """Return some of them, in the order given."""


class CompoundScorer:
    """Gives `ScoredCompounds`: what one target says before anything is measured.

    Args:
        target: adapted or not; what it has learned from measurements is left out.

    Raises:
        ConfigError: the target reads the graphs of compounds, which libraries do not keep.
    """

    def __init__(self, target: TargetModel) -> None:
        bare = unadapted(target)
        self._panel = Panel([bare], ["target"])
        self.fingerprint = fingerprint(bare)
        residuals = bare.residual_prior
        self._profiles = np.zeros((0, 0), dtype=np.float32) if residuals is None else residuals.profiles
        self._landmarks = None
        if residuals is not None and bare.prior is not None and residuals.covariance.profile > 0:
            self._landmarks = kernels_of(bare.prior.landmarks, profile_weights, _CPU)

    @property
    def recipe(self) -> CompoundRecipe:
        """What has to be computed of a compound."""
        return self._panel.recipe

    def of_chunk(self, chunk: Chunk, start: int) -> ScoredCompounds:
        """Return the compounds of a chunk that was prepared by the recipe.

        Args:
            chunk: with the copies of other rows apart.
            start: row of the library that it begins with.
        """
        compounds = chunk.compounds
        if not isinstance(compounds, PreparedCompounds):
            raise TypeError("this chunk was moved to a device; take the one that was prepared")
        radius, width = self.fingerprint
        bits = compounds.prints.get(self.fingerprint)
        if bits is None:
            bits = SparseRows.of(morgan_counts(chunk.smiles, radius=radius, width=width), bits=True)
        return ScoredCompounds(
            rows=np.array(chunk.places, dtype=np.int64) + start,
            smiles=chunk.smiles,
            names=chunk.names,
            scores=self._panel.score_prepared(compounds)[0],
            profiles=self._profiles_of(bits),
            bits=bits,
            copies=tuple(dataclasses.replace(one, place=start + one.place) for one in chunk.copies),
        )

    def of_smiles(
        self, smiles: Sequence[object], names: Sequence[str] | None = None
    ) -> tuple[ScoredCompounds, tuple[Rejection, ...]]:
        """Return the different compounds of a list, each at its first row, and the rows that cannot be used.

        Args:
            smiles: one per row.
            names: of them; None: none.
        """
        found, rejections = standardise_all(smiles)
        called = [""] * len(smiles) if names is None else list(names)
        first, copies = dict[str, int](), list[Copy]()
        for row, compound in enumerate(found):
            if compound is not None and first.setdefault(compound.smiles, row) != row:
                copies.append(Copy(row, first[compound.smiles], called[row]))
        every, rows = list(first), list(first.values())
        own, made = [called[row] for row in rows], self.recipe.prepared(every)
        chunk = Chunk(len(smiles), rows, every, own, made, [], tuple(copies))
        return self.of_chunk(chunk, 0), tuple(rejections)

    def _profiles_of(self, bits: SparseRows) -> npt.NDArray[np.float32]:
        entries, size = Entries.of(bits, _CPU), max(64, _NUMBERS // max(1, len(self._landmarks or ())))
        found = [
            profiles_of(self._landmarks, entries[start : start + size], self._profiles).astype(np.float32)
            for start in range(0, len(bits), size)
        ]
        return np.concatenate([np.zeros((0, self._profiles.shape[1]), dtype=np.float32), *found])


class HeldCompounds:
    """A small pool in memory.

    Args:
        compounds: all of them.
        rejections: rows that could not be used.

    Raises:
        InputError: there are none.
    """

    def __init__(self, compounds: ScoredCompounds, rejections: tuple[Rejection, ...] = ()) -> None:
        if not len(compounds):
            raise InputError("none of the compounds can be used, so there is nothing to choose from.")
        self._compounds, self.rejections = compounds, rejections

    @classmethod
    def of(
        cls, target: TargetModel, smiles: Sequence[object], names: Sequence[str] | None = None
    ) -> HeldCompounds:
        """Return the pool of a list of compounds, as the target sees them.

        Raises:
            InputError: none can be used.
            ConfigError: as `CompoundScorer`.
        """
        return cls(*CompoundScorer(target).of_smiles(smiles, names))

    def __len__(self) -> int:
        return len(self._compounds)

    def blocks(self) -> Iterator[ScoredCompounds]:
        """Yield all of them in their order."""
        for start in range(0, len(self), _BLOCK):
            block = self._compounds.taken(np.arange(start, min(start + _BLOCK, len(self))))
            yield block if start else dataclasses.replace(block, copies=self._compounds.copies)

    def taken(self, places: npt.NDArray[np.integer]) -> ScoredCompounds:
        """Return some of them, in the order given."""
        return self._compounds.taken(places)
