"""Kernels of compounds and landmarks: sums over present bits, and functions of similarities by lookup.

A Tanimoto similarity is a fraction of two small integers, shared bits over bits of either. There are a few
ten thousand such fractions, so each kernel of them is computed once and looked up, with the same digits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int
from torch import Tensor

from hyperpcm.screening.bag import BagProduct
from hyperpcm.screening.tensors import Entries

__all__ = ["LandmarkKernels"]

_STEP = 64  # tables grow by so many sizes at a time


class LandmarkKernels:
    """Functions of the Tanimoto similarity to landmarks.

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
        self._tables: list[Tensor] = []
        self._unions = 0

    def __len__(self) -> int:
        return len(self._sizes)

    def places(self, bits: Entries) -> Int[Tensor, "n j"]:
        """Return where each similarity stands in the tables of kernels.

        Args:
            bits: of the compounds.
        """
        sizes = bits.sizes
        self._cover(int(sizes.max() if len(sizes) else 0) + self._most + 1)
        shared = self._shared(bits)
        # shared · unions + (a + b − shared), exact in single precision: below 16.7 million
        places = shared.mul_(self._unions - 1)
        places += sizes.float()[:, None]
        places += self._sizes
        return places.int() if self.device.type == "cpu" else places.long()

    def at(self, places: Int[Tensor, "n j"], numbers: Iterable[int]) -> Iterator[Float[Tensor, "n j"]]:
        """Yield kernels of compounds and landmarks, in double precision, each in the place of the one before.

        Args:
            places: as from `places`.
            numbers: of the kernels.
        """
        if self.device.type != "cpu":
            yield from (self._tables[number][places] for number in numbers)
            return
        found = torch.empty(places.shape, dtype=torch.float64)
        for number in numbers:  # twice as fast as torch's own lookup; no place is outside
            self._tables[number].numpy().take(places.numpy(), out=found.numpy(), mode="clip")
            yield found

    def _cover(self, unions: int) -> None:
        """Have tables for unions below this."""
        if unions <= self._unions:
            return
        self._unions = -(-unions // _STEP) * _STEP
        shared = np.arange(self._most + 1, dtype=np.float32)[:, None]
        union = np.maximum(np.arange(self._unions, dtype=np.float32), 1)[None]
        similarity = torch.from_numpy(shared / union).double().flatten()
        self._tables = [kernel(similarity).to(self.device) for kernel in self._kernels]
