"""What has to be known to take overlays off a memory again: them, and what they changed of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor

from hyperpcm.model.overlay import Overlay
from hyperpcm.target_model.parts import add_part, tensors_of

__all__ = ["Overlaid"]


@dataclass(frozen=True, eq=False)
class Overlaid:
    """The overlays of a model, and its memory from before as far as it is not the beginning of the new one.

    Attributes:
        overlays: in the order in which they were laid; at least one.
        targets: m₀, memory rows from before.
        compounds: landmark compounds from before.
        ridge_landmarks: j₀, of them in the ridge regression.
        values: labels from before, float32 [n₀].
        coefficients: of the ridge regression from before; of size 0 where there is none.
        origin: sha256 of the model from before, as `HyperPCM.origin`; empty where it came from no file.
    """

    overlays: tuple[Overlay, ...]
    targets: int
    compounds: int
    ridge_landmarks: int
    values: Float[Tensor, "n0"]
    coefficients: Float[Tensor, "k m0 j0"]
    origin: str

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return tensors and JSON header from which `from_state` rebuilds it."""
        tensors = {"values": self.values, "coefficients": self.coefficients}
        headers: dict[str, Any] = {}
        for number, overlay in enumerate(self.overlays):
            add_part(str(number), overlay, tensors, headers)
        return tensors, {
            "overlays": list(headers.values()),
            "targets": self.targets,
            "compounds": self.compounds,
            "ridge_landmarks": self.ridge_landmarks,
            "origin": self.origin,
        }

    @classmethod
    def from_state(cls, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> Overlaid:
        """Return what `state` described.

        Raises:
            IncompatibleModelError: the parts of an overlay do not belong together.
        """
        overlays = enumerate(header["overlays"])
        return cls(
            overlays=tuple(
                Overlay.from_state(tensors_of(str(number), tensors), own) for number, own in overlays
            ),
            targets=int(header["targets"]),
            compounds=int(header["compounds"]),
            ridge_landmarks=int(header["ridge_landmarks"]),
            values=tensors["values"],
            coefficients=tensors["coefficients"],
            origin=str(header["origin"]),
        )
