"""A model as tensors and a JSON header, and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from torch import Tensor
from torch.nn import init
from torch.overrides import TorchFunctionMode

from hyperpcm.config import ModelConfig
from hyperpcm.datasets.interactions import Quantity
from hyperpcm.encoders import build_encoder
from hyperpcm.errors import ConfigError, IncompatibleModelError
from hyperpcm.model.memory import ContextMemory
from hyperpcm.model.overlaid import Overlaid
from hyperpcm.model.sizes import ModelSizes
from hyperpcm.nn.trees import BoostedTrees
from hyperpcm.target_model import Calibration, ResidualPrior
from hyperpcm.target_model.parts import add_part, is_of_part, tensors_of

if TYPE_CHECKING:
    from hyperpcm.model.hyperpcm import HyperPCM

__all__ = ["model_state", "stored_model"]

_DRAWS: Final = frozenset(
    {Tensor.uniform_, Tensor.normal_, init.uniform_, init.normal_, init.kaiming_uniform_}
)
_PARTS: Final = ("calibration", "residuals", "overlaid")  # what belongs to no module


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
    if model.ridge_contrast != (0.0, 0.0):
        header["ridge_contrast"] = list(model.ridge_contrast)
    tensors = dict(model.state_dict())
    parts = (model.calibration, model.residual_prior, model.overlaid)
    for name, part in zip(_PARTS, parts, strict=True):
        add_part(name, part, tensors, header)
    return tensors, header


class _Undrawn(TorchFunctionMode):
    """Leaves out the drawing of first weights, which takes a while: stored ones replace them all."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        if func in _DRAWS:
            return given["tensor"] if "tensor" in given else args[0]
        return func(*args, **given)


def stored_model(kind: type[HyperPCM], tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> HyperPCM:
    """Return the model that `model_state` described; see `HyperPCM.from_state`."""
    try:
        compound, target = (build_encoder(header[f"{side}_encoder"]) for side in ("compound", "target"))
    except ConfigError as error:
        raise IncompatibleModelError(f"this model needs an encoder that is not here: {error}") from None
    config = ModelConfig.model_validate(header["config"])
    memory = ContextMemory.from_state(tensors, header)
    with _Undrawn():
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
        model.calibration = Calibration.from_state(tensors_of("calibration", tensors), header["calibration"])
    if "residuals" in header:
        model.residual_prior = ResidualPrior.from_state(tensors_of("residuals", tensors), header["residuals"])
    if "overlaid" in header:
        model.overlaid = Overlaid.from_state(tensors_of("overlaid", tensors), header["overlaid"])
    if "logit_map" in header:
        slope, intercept = map(float, header["logit_map"])
        model.logit_map = (slope, intercept)
    on_new, on_known = map(float, header.get("ridge_contrast", (0.0, 0.0)))
    model.ridge_contrast = (on_new, on_known)
    own = {name: value for name, value in tensors.items() if not is_of_part(name, _PARTS)}
    try:
        model.load_state_dict(own)
    except RuntimeError as error:
        raise IncompatibleModelError(
            f"the weights do not fit the settings stored with them: {error}"
        ) from None
    model.card = dict(header["card"])
    model.eval()
    return model
