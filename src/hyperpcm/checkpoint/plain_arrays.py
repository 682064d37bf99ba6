"""A target model as arrays and a header, for the forms that run without torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hyperpcm.errors import DivergedError, IncompatibleModelError

if TYPE_CHECKING:
    from hyperpcm.target_model import TargetModel

__all__ = ["plain_arrays"]


def plain_arrays(target_model: TargetModel) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
    """Return what `TargetModel.state` gives of what scoring needs, its tensors as arrays.

    Raises:
        IncompatibleModelError: the target reads the graphs of compounds with a network of its own, or it was
            adapted to measurements.
        DivergedError: a number is NaN or infinite.
    """
    if target_model.learned_compounds is not None:
        raise IncompatibleModelError(
            "this target model reads the graphs of compounds with a network of its own, which only the "
            "compiled target itself has (--format hpcm); NumPy and ONNX files do not hold it."
        )
    if target_model.adaptation is not None:
        raise IncompatibleModelError(
            "this target model was adapted to measurements, which only the compiled target itself keeps "
            "(--format hpcm); NumPy and ONNX files do not hold them."
        )
    tensors, header = target_model.state()
    header.pop("residuals", None)
    arrays = {
        name: tensor.detach().cpu().numpy()
        for name, tensor in tensors.items()
        if name != "prior.compounds" and not name.startswith("residuals.")
    }
    for name, array in arrays.items():
        if not np.isfinite(array).all():
            raise DivergedError(f"the target model is not written, for {name!r} holds NaN or infinity.")
    return arrays, header
