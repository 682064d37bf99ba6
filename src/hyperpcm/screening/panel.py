"""Panels: many compiled targets that score the same compounds as one batched product.

What compounds cost (standardising, encoding, similarity to landmarks, kernels) is paid once for the whole
panel. Axis names: ``t`` targets, ``n`` compounds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from hyperpcm.datasets.interactions import Quantity
from hyperpcm.errors import ConfigError, Rejection
from hyperpcm.screening.adapted import AdaptedScores
from hyperpcm.screening.device import device_of, dtype_of
from hyperpcm.screening.recipe import CompoundRecipe, PreparedCompounds
from hyperpcm.screening.stack import TargetStack
from hyperpcm.screening.tensors import CompoundTensors
from hyperpcm.target_model import TargetModel
from hyperpcm.target_model.scores import score_rows

__all__ = ["Panel", "PanelScores"]

_ROWS: Final = {"cpu": 1024, "cuda": 8192}
"""Compounds that are scored at a time."""

_COMPARING: Final = 7  # cost of comparing with a landmark over that of adding its sums to one target's


@dataclass(frozen=True)
class PanelScores:
    """What a panel says about a list of compounds.

    Attributes:
        values: float32 [t, n]; in the quantity's unit, or the probability of being active for a binary
            quantity; NaN where the compound was rejected.
        targets: name of each row.
        quantity: what the values mean.
        smiles: the standardised structure of each column, None where rejected.
        rejections: the compounds that could not be scored, with reasons.
        precision: of the dense layers.
    """

    values: npt.NDArray[np.float32]
    targets: tuple[str, ...]
    quantity: Quantity
    smiles: tuple[str | None, ...]
    rejections: tuple[Rejection, ...]
    precision: str = "float32"


class Panel:
    """Some compiled targets, stacked; each score is that of the target alone, to rounding.

    Targets of several trained models may stand in one panel, as long as they say the same thing: stacks are
    made of those whose networks and kernels have the same shape and settings.

    Args:
        targets: compiled targets; one at least.
        names: what to call them; None: their own names.
        device: where compounds are scored, as `device_of` takes it.
        precision: of dense layers, as `dtype_of` takes it; ``bfloat16`` is several times as fast on hardware
            that has it, and scores differ by up to `PRECISION_TOLERANCE`. Fingerprints, what is retrieved,
            and output layers are always computed in float32 or better.

    Raises:
        ConfigError: no such device or precision, no target, two of one name, or targets that read different
            encoders, mean different quantities or read the graphs of compounds.
    """

    def __init__(
        self,
        targets: Sequence[TargetModel],
        names: Sequence[str] | None = None,
        *,
        device: str = "cpu",
        precision: str = "float32",
    ) -> None:
        if not targets:
            raise ConfigError("a panel needs at least one compiled target")
        self.names = tuple(target.name for target in targets) if names is None else tuple(names)
        _check_same(targets, self.names)
        self.encoder, self.quantity = targets[0].encoder, targets[0].quantity
        self.device, self.precision = device_of(device), precision
        dtype = dtype_of(precision, self.device)
        kinds: dict[object, list[int]] = {}
        for place, target in enumerate(targets):
            kinds.setdefault(TargetStack.kind(target), []).append(place)
        self._places = [part for places in kinds.values() for part in _worth_stacking(targets, places)]
        self._stacks = [
            TargetStack([targets[place] for place in places], self.device, dtype) for places in self._places
        ]

        self._adapted = {
            place: AdaptedScores(target.adaptation, target.prior, self.device)
            for place, target in enumerate(targets)
            if target.adaptation is not None
        }

    def __len__(self) -> int:
        return len(self.names)

    def score(
        self, smiles: Sequence[object], *, progress: Callable[[int], None] | None = None
    ) -> PanelScores:
        """Score compounds given as SMILES on all targets.

        A compound that cannot be used gets NaN everywhere and one `Rejection`.

        Args:
            smiles: one per column.
            progress: is called with the number of compounds done.
        """
        columns: list[npt.NDArray[np.float32]] = []

        def score_block(block: list[str]) -> npt.NDArray[np.float32]:
            found = self.score_standardised(block)
            columns.append(found)
            return np.asarray(found[0])

        first = score_rows(smiles, self.quantity, score_block, progress=progress)
        values = np.full((len(self), len(first)), np.nan, dtype=np.float32)
        usable = [row for row, structure in enumerate(first.smiles) if structure is not None]
        if columns:
            values[:, usable] = np.concatenate(columns, axis=1)
        return PanelScores(values, self.names, self.quantity, first.smiles, first.rejections, self.precision)

    @property
    def recipe(self) -> CompoundRecipe:
        """What has to be computed of a compound before the panel can score it."""
        prints = {stack.fingerprint for stack in self._stacks if stack.fingerprint is not None}
        prints |= {adapted.fingerprint for adapted in self._adapted.values()}
        return CompoundRecipe(self.encoder, tuple(sorted(prints)))

    def score_standardised(self, smiles: Sequence[str]) -> npt.NDArray[np.float32]:
        """Score standardised SMILES on all targets: float32 [t, n]."""
        return self.score_prepared(self.recipe.prepared(smiles))

    @torch.no_grad()
    def score_prepared(self, compounds: PreparedCompounds | CompoundTensors) -> npt.NDArray[np.float32]:
        """Score compounds that `recipe` has prepared, in any process: float32 [t, n].

        Args:
            compounds: as from the recipe, or their tensors on the panel's device.
        """
        if isinstance(compounds, PreparedCompounds):
            compounds = CompoundTensors.of(compounds, self.device)
        values = np.empty((len(self), len(compounds)), dtype=np.float32)
        rows = _ROWS[self.device.type]
        for start in range(0, len(compounds), rows):
            block = compounds[start : start + rows]
            for places, stack in zip(self._places, self._stacks, strict=True):
                values[places, start : start + rows] = stack.scores(block).cpu().numpy()
            for place, adapted in self._adapted.items():
                own = values[place, start : start + rows]
                own[:] = adapted(own, block)
        return values


def _worth_stacking(targets: Sequence[TargetModel], places: list[int]) -> list[list[int]]:
    """All targets of one kind in one stack, or each in its own, whichever takes less work.

    A stack compares every compound with the landmarks of all its targets. Comparing with one landmark costs
    about seven times what adding its sums to one target's costs.
    """
    tables = [prior.landmarks for place in places if (prior := targets[place].prior) is not None]
    if len(tables) < 2:
        return [places]
    apart = sum(map(len, tables))
    different = len({row.tobytes() for table in tables for row in np.packbits(table > 0, axis=1)})
    if different * (_COMPARING + len(tables)) <= apart * (_COMPARING + 1):
        return [places]
    return [[place] for place in places]


def _check_same(targets: Sequence[TargetModel], names: Sequence[str]) -> None:
    """Refuse targets whose scores cannot stand side by side."""
    first = targets[0]
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        raise ConfigError(f"two targets of the panel are called {twice[0]!r}; give each a name of its own.")
    for name, target in zip(names, targets, strict=True):
        if target.learned_compounds is not None:
            raise ConfigError(
                f"target {name!r} reads the graphs of compounds with a network of its own; panels stack "
                "targets that read embeddings alone."
            )
        if target.quantity != first.quantity:
            raise ConfigError(
                f"target {name!r} scores {target.quantity.name} and {names[0]!r} scores "
                f"{first.quantity.name}: they cannot be compared. Make a panel of each."
            )
        if target.encoder.key() != first.encoder.key():
            raise ConfigError(
                f"target {name!r} reads {target.encoder.name} and {names[0]!r} reads {first.encoder.name}, "
                "or with other options: compounds would have to be encoded twice. Make a panel of each."
            )
