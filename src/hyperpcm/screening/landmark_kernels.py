"""Kernels of compounds and landmarks: sums over present bits, and functions of similarities by lookup.

A Tanimoto similarity is a fraction of two small integers, shared bits over bits of either. There are a few
ten thousand such fractions, so each kernel of them is computed once and looked up, with the same digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int
from torch import Tensor

from hyperpcm.screening.bag import BagProduct
from hyperpcm.screening.tensors import Entries

__all__ = ["LandmarkKernels", "LandmarkSimilarities"]

_STEP = 64  # tables grow by so many sizes at a time


@dataclass(frozen=True, eq=False)
class LandmarkSimilarities:
    """Similarities of compounds to landmarks, as places in the tables of kernels.

    Attributes:
        places: of each compound and landmark [n, j].
        tables: of each kernel, the value at every place, in double precision.
    """

    places: Int[Tensor, "n j"]
    tables: Sequence[Float[Tensor, "p"]]

    def kernels(self, numbers: Iterable[int]) -> Iterator[Float[Tensor, "n j"]]:
        """Yield kernels of compounds and landmarks, in double precision, each in the place of the one before.

        Args:
            numbers: of the kernels.
        """
        places = self.places
        if places.device.type != "cpu":
            yield from (self.tables[number][places] for number in numbers)
            return
        found = torch.empty(places.shape, dtype=torch.float64)
        for number in numbers:  # twice as fast as torch's own lookup; no place is outside
            self.tables[number].numpy().take(places.numpy(), out=found.numpy(), mode="clip")
            yield found


class LandmarkKernels:
    """Functions of the Tanimoto similarity to landmarks; any number of threads may ask at once.

    Args:
        landmarks: Morgan counts, uint8 [j, w].
        kernels: functions of similarities, elementwise, in double precision.
        device: where they are looked up.
    """

    def __init__(
        self,
        landmarks: npt.NDArray[np.uint8],
        kernels: Sequence[Callable[[Tensor], Tensor]],
        device: torch.device,
    ) -> None:
        bits = landmarks > 0
        self.device, self._kernels = device, tuple(kernels)
        self._shared = BagProduct(torch.from_numpy(bits.T.astype(np.float32)), device)
        sizes = bits.sum(axis=1)
        self._most = int(sizes.max(initial=0))
        self._sizes = torch.from_numpy(sizes.astype(np.float32)).to(device)
        self._tables: tuple[int, tuple[Tensor, ...]] = (0, ())  # below which unions, and of what value

    def __len__(self) -> int:
        return len(self._sizes)

    def __call__(self, bits: Entries) -> LandmarkSimilarities:
        """Return the similarities of compounds to the landmarks.

        Args:
            bits: of the compounds.
        """
        sizes = bits.sizes
        unions, tables = self._covering(int(sizes.max() if len(sizes) else 0) + self._most + 1)
        shared = self._shared(bits)
        # shared · unions + (a + b − shared), exact in single precision: below 16.7 million
        places = shared.mul_(unions - 1)
        places += sizes.float()[:, None]
        places += self._sizes
        return LandmarkSimilarities(places.int() if self.device.type == "cpu" else places.long(), tables)

    def _covering(self, unions: int) -> tuple[int, tuple[Tensor, ...]]:
        """Return tables for unions below some number, at least this one, and that number.

        They are replaced together: whoever reads the old ones meanwhile goes on with them.
        """
        covered = self._tables
        if unions <= covered[0]:
            return covered
        most = -(-unions // _STEP) * _STEP
        shared = np.arange(self._most + 1, dtype=np.float32)[:, None]
        union = np.maximum(np.arange(most, dtype=np.float32), 1)[None]
        similarity = torch.from_numpy(shared / union).double().flatten()
        covered = (most, tuple(kernel(similarity).to(self.device) for kernel in self._kernels))
        self._tables = covered
        return covered
