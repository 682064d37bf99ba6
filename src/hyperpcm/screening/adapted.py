"""What measurements change about the scores of one target of a panel, compound by compound."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hyperpcm.screening.landmark_kernels import LandmarkKernels
from hyperpcm.screening.tensors import CompoundTensors, Entries
from hyperpcm.target_model import Adaptation, RetrievedPrior
from hyperpcm.target_model.residual_prior import averaged_profiles, profile_weights

__all__ = ["AdaptedScores", "itself", "kernel_values", "kernels_of", "profiles_of"]

_NUMBERS: Final = 4_000_000  # similarities held at once, 32 MB


class AdaptedScores:
    """Corrects the scores of one adapted target; equal to those of the target alone, to rounding.

    Args:
        adaptation: of the target.
        prior: what the target retrieves; None where it retrieves nothing.
        device: where compounds are compared.
    """

    def __init__(self, adaptation: Adaptation, prior: RetrievedPrior | None, device: torch.device) -> None:
        self.fingerprint = (adaptation.radius, adaptation.anchors.shape[1])
        self._adaptation = adaptation
        self._anchors = kernels_of(adaptation.anchors, itself, device)
        self._landmarks: LandmarkKernels | None = None
        residuals = adaptation.prior
        if prior is not None and residuals.covariance.profile > 0:
            self._landmarks = kernels_of(prior.landmarks, profile_weights, device)

    def __call__(
        self, scores: npt.NDArray[np.float32], compounds: CompoundTensors
    ) -> npt.NDArray[np.float32]:
        """Return the scores of compounds with what was measured, in label units.

        Args:
            scores: without it [n].
            compounds: prepared for the panel, on its device.
        """
        bits, held = compounds.prints[self.fingerprint], len(self._landmarks or ()) + len(self._anchors or ())
        size = max(64, _NUMBERS // max(1, held))
        found = [
            self._corrected(scores[start : start + size], bits[start : start + size])
            for start in range(0, len(bits), size)
        ]
        return np.concatenate([np.zeros(0, dtype=np.float32), *found])

    def _corrected(self, scores: npt.NDArray[np.float32], bits: Entries) -> npt.NDArray[np.float32]:
        profiles = profiles_of(self._landmarks, bits, self._adaptation.prior.profiles)
        to_anchors = np.zeros((len(bits), 0)) if self._anchors is None else kernel_values(self._anchors, bits)
        return self._adaptation.corrected_from(scores, profiles, to_anchors).values.astype(np.float32)


def kernels_of(
    bits: npt.NDArray[np.uint8], kernel: Callable[[Tensor], Tensor], device: torch.device
) -> LandmarkKernels | None:
    """Return what gives a kernel of compounds and others; None where there are none.

    Args:
        bits: of the others, uint8 [j, w].
        kernel: a function of the similarity.
        device: where compounds are compared.
    """
    return LandmarkKernels(bits, [kernel], device) if len(bits) else None


def itself(similarity: Tensor) -> Tensor:
    """Return the similarity: the kernel of anchors."""
    return similarity


def kernel_values(kernels: LandmarkKernels, bits: Entries) -> npt.NDArray[np.float64]:
    """Return the kernel of some compounds and all others, float64 [n, j]."""
    (found,) = kernels(bits).kernels([0])
    values: npt.NDArray[np.float64] = found.cpu().numpy()
    return values


def profiles_of(
    landmarks: LandmarkKernels | None, bits: Entries, profiles: npt.NDArray[np.floating]
) -> npt.NDArray[np.float64]:
    """Return ψ of compounds, float64 [n, r].

    Args:
        landmarks: give the weights of the landmarks; None where profiles play no part: ψ is 0.
        bits: of the compounds.
        profiles: of the landmarks [j, r].
    """
    if landmarks is None:
        return np.zeros((len(bits), profiles.shape[1]))
    return averaged_profiles(kernel_values(landmarks, bits), profiles)
