"""What has to be known to take overlays off a memory again: them, and what they changed of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor

from hyperpcm.model.overlay import Overlay

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
        headers = []
        for number, overlay in enumerate(self.overlays):
            own, header = overlay.state()
            headers.append(header)
            tensors |= {f"{number}.{name}": tensor for name, tensor in own.items()}
        return tensors, {
            "overlays": headers,
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
        overlays = []
        for number, own in enumerate(header["overlays"]):
            prefix = f"{number}."
            parts = {
                name.removeprefix(prefix): one for name, one in tensors.items() if name.startswith(prefix)
            }
            overlays.append(Overlay.from_state(parts, own))
        return cls(
            overlays=tuple(overlays),
            targets=int(header["targets"]),
            compounds=int(header["compounds"]),
            ridge_landmarks=int(header["ridge_landmarks"]),
            values=tensors["values"],
            coefficients=tensors["coefficients"],
            origin=str(header["origin"]),
        )
