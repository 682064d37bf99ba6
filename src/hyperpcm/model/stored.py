"""A model as tensors and a JSON header, and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from torch import Tensor

from hyperpcm.config import ModelConfig
from hyperpcm.datasets.interactions import Quantity
from hyperpcm.encoders import build_encoder
from hyperpcm.errors import ConfigError, IncompatibleModelError
from hyperpcm.model.memory import ContextMemory
from hyperpcm.model.overlaid import Overlaid
from hyperpcm.model.sizes import ModelSizes
from hyperpcm.nn.trees import BoostedTrees
from hyperpcm.target_model import Calibration, ResidualPrior

if TYPE_CHECKING:
    from hyperpcm.model.hyperpcm import HyperPCM

__all__ = ["model_state", "stored_model"]

# What the names of the tensors begin with that belong to no module.
_CALIBRATION: Final = "calibration."
_OVERLAID: Final = "overlaid."
_RESIDUALS: Final = "residuals."


def model_state(model: HyperPCM) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return tensors and JSON header; see `HyperPCM.state`."""
    header: dict[str, Any] = {
        "config": model.config.model_dump(mode="json"),
        "quantity": dataclasses.asdict(model.quantity),
        "compound_encoder": model.compound_encoder.spec(),
        "target_encoder": model.target_encoder.spec(),
        "radius": model.radius,
        "landmark_width": model.landmark_width,
        "memory_sequences": list(model.memory_sequences),
        "memory_names": list(model.memory_names),
        "landmark_compounds": list(model.landmark_compounds),
        "trees": list(model.trees.size),
        "card": model.card,
    }
    if model.logit_map != (1.0, 0.0):
        header["logit_map"] = list(model.logit_map)
    tensors = dict(model.state_dict())
    if model.calibration is not None:
        own, header["calibration"] = model.calibration.state()
        tensors |= {f"{_CALIBRATION}{key}": value for key, value in own.items()}
    if model.residual_prior is not None:
        own, header["residuals"] = model.residual_prior.state()
        tensors |= {f"{_RESIDUALS}{key}": value for key, value in own.items()}
    if model.overlaid is not None:
        own, header["overlaid"] = model.overlaid.state()
        tensors |= {f"{_OVERLAID}{key}": value for key, value in own.items()}
    return tensors, header


def stored_model(kind: type[HyperPCM], tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> HyperPCM:
    """Return the model that `model_state` described; see `HyperPCM.from_state`."""
    try:
        compound, target = (build_encoder(header[f"{side}_encoder"]) for side in ("compound", "target"))
    except ConfigError as error:
        raise IncompatibleModelError(f"this model needs an encoder that is not here: {error}") from None
    config = ModelConfig.model_validate(header["config"])
    memory = ContextMemory.from_state(tensors, header)
    model = kind(
        config=config,
        quantity=Quantity(**header["quantity"]),
        memory=memory,
        compound_encoder=compound,
        target_encoder=target,
        radius=int(header["radius"]),
        sizes=ModelSizes.stored(tensors, config, memory),
    )
    model.trees = BoostedTrees(*map(int, header["trees"]))
    if "calibration" in header:
        model.calibration = Calibration.from_state(_under(_CALIBRATION, tensors), header["calibration"])
    if "residuals" in header:
        model.residual_prior = ResidualPrior.from_state(_under(_RESIDUALS, tensors), header["residuals"])
    if "overlaid" in header:
        model.overlaid = Overlaid.from_state(_under(_OVERLAID, tensors), header["overlaid"])
    if "logit_map" in header:
        slope, intercept = map(float, header["logit_map"])
        model.logit_map = (slope, intercept)
    beside = (_CALIBRATION, _OVERLAID, _RESIDUALS)
    own = {name: value for name, value in tensors.items() if not name.startswith(beside)}
    try:
        model.load_state_dict(own)
    except RuntimeError as error:
        raise IncompatibleModelError(
            f"the weights do not fit the settings stored with them: {error}"
        ) from None
    model.card = dict(header["card"])
    model.eval()
    return model


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}
