"""What a model's file holds beside its weights: calibration, the logit map, and the prior of residuals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from torch import Tensor

from hyperpcm.target_model import Calibration, ResidualPrior

if TYPE_CHECKING:
    from hyperpcm.model.hyperpcm import HyperPCM

__all__ = ["beside_weights", "take_beside"]

_CALIBRATION: Final = "calibration."  # what the names of its tensors begin with
_RESIDUALS: Final = "residuals."


def beside_weights(model: HyperPCM) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the tensors and the header of what stands beside the weights."""
    tensors: dict[str, Tensor] = {}
    header: dict[str, Any] = {}
    if model.logit_map != (1.0, 0.0):
        header["logit_map"] = list(model.logit_map)
    if model.calibration is not None:
        own, header["calibration"] = model.calibration.state()
        tensors |= {f"{_CALIBRATION}{key}": value for key, value in own.items()}
    if model.residual_prior is not None:
        own, header["residuals"] = model.residual_prior.state()
        tensors |= {f"{_RESIDUALS}{key}": value for key, value in own.items()}
    return tensors, header


def take_beside(
    model: HyperPCM, tensors: Mapping[str, Tensor], header: Mapping[str, Any]
) -> dict[str, Tensor]:
    """Give a model what `beside_weights` returned, and return the weights that are left."""
    if "calibration" in header:
        model.calibration = Calibration.from_state(_under(_CALIBRATION, tensors), header["calibration"])
    if "residuals" in header:
        model.residual_prior = ResidualPrior.from_state(_under(_RESIDUALS, tensors), header["residuals"])
    if "logit_map" in header:
        slope, intercept = map(float, header["logit_map"])
        model.logit_map = (slope, intercept)
    return {
        name: tensor for name, tensor in tensors.items() if not name.startswith((_CALIBRATION, _RESIDUALS))
    }


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors whose names start so, without that start."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
