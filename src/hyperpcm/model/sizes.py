"""Sizes of a model that are settled when it is made and stay when its memory loses or gains targets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from hyperpcm.config import ModelConfig
from hyperpcm.errors import IncompatibleModelError
from hyperpcm.model.memory import ContextMemory
from hyperpcm.nn.kernel_ridge import landmark_number

__all__ = ["ModelSizes"]


@dataclass(frozen=True)
class ModelSizes:
    """Sizes that follow from settings and memory together.

    Attributes:
        components: axes along which the similarities to the memory rows are read.
        ridge_landmarks: landmark compounds of the ridge regression.
    """

    components: int
    ridge_landmarks: int

    @classmethod
    def of(cls, config: ModelConfig, memory: ContextMemory) -> ModelSizes:
        """Return the sizes of a new model."""
        return cls(
            min(config.alignment_components, len(memory.sequences)),
            landmark_number(len(memory.compounds), config.retrieval.ridge_landmarks),
        )

    @classmethod
    def stored(cls, tensors: Mapping[str, Tensor], config: ModelConfig, memory: ContextMemory) -> ModelSizes:
        """Return the sizes of a model that was made before.

        Args:
            tensors: of its state.
            config: its settings.
            memory: what it holds now; targets may have been taken out of it or added.

        Raises:
            IncompatibleModelError: nothing that is done to a memory leaves such sizes.
        """
        axes, columns = tensors.get("alignment.axes"), tensors.get("ridge_columns")
        if axes is None or columns is None or axes.ndim != 2 or columns.ndim != 1:
            raise IncompatibleModelError(
                "settings and weights do not fit: the axes of the alignment or the columns of the ridge "
                "regression are missing or of another shape."
            )
        found = cls(axes.shape[1], len(columns))
        compounds = len(memory.compounds)
        if found.components > config.alignment_components or found.ridge_landmarks > compounds:
            raise IncompatibleModelError(
                f"the weights do not fit the settings stored with them: {found.components} axes of the "
                f"alignment and {found.ridge_landmarks} landmarks of the ridge regression, where settings "
                f"and memory allow {config.alignment_components} and {compounds}."
            )
        return found
