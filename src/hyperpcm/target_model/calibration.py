"""How far a score may be off: errors on rows that training never saw, set against how hard each row looked.

The error of a held-out row divided by its difficulty says how surprising it was; a quantile of these ratios
times the difficulty of a new row is half the width of its interval. Where the held-out rows are those of new
targets, so is the promise: an interval of 80 % holds the label of four rows of five of a protein that was
never measured. Rows are told apart by how near the nearest known target is, where there are enough targets.

Source: Papadopoulos, Gammerman and Vovk, "Normalized nonconformity measures for regression conformal
prediction", AIA 2008; Vovk, Lindsay, Nouretdinov and Gammerman, "Mondrian confidence machine", 2003.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from hyperpcm.errors import ConfigError
from hyperpcm.nn.trees import BoostedTrees
from hyperpcm.target_model.unlike import is_unlike

__all__ = [
    "GRID",
    "NEAREST_TARGETS",
    "NOT_THERE",
    "VERDICTS",
    "Calibration",
    "difficulty_columns",
    "target_constants",
]

GRID: Final = 99
"""Levels that intervals are kept for: 1 % to 99 %."""
NEAREST_TARGETS: Final = 3
"""Of how many known targets the similarity tells how hard a row is."""
VERDICTS: Final = ("inside", "edge", "outside")
"""Where in the domain a row lies, from where the model knows much to where it knows little."""
_USUAL: Final = 1.3
NOT_THERE: Final = -1.0
"""In place of a quantile that needs more held-out rows."""


def difficulty_columns(
    retrieved: Float[Tensor, "n f"], nearest: Float[Tensor, "n"], target: Float[Tensor, "k"]
) -> Float[Tensor, "n f+1+k"]:
    """Return the columns that tell how hard a row is.

    Args:
        retrieved: label features of each compound.
        nearest: Tanimoto similarity of each compound to the nearest landmark.
        target: as from `target_constants`.
    """
    constants = target.to(retrieved.dtype).expand(len(retrieved), -1)
    return torch.cat([retrieved, nearest.to(retrieved.dtype)[:, None], constants], dim=1)


def target_constants(similarity: Float[Tensor, "n m"]) -> Float[Tensor, "n k"]:
    """Return the similarities to the nearest known targets, the nearest first; 0 where there are fewer.

    Args:
        similarity: alignment similarity of each target to the known ones; 0 where one must not be seen.
    """
    number = min(NEAREST_TARGETS, similarity.shape[1])
    nearest = similarity.topk(number, dim=1).values
    return torch.nn.functional.pad(nearest, (0, NEAREST_TARGETS - number))


@dataclass(frozen=True, eq=False)
class Calibration:
    """What held-out rows say about the errors of a model, or of one target of it.

    Attributes:
        trees: the absolute error to be expected of a row, in label units, over `difficulty_columns`.
        columns: how many those are; in the calibration of a target those of the target are gone.
        least: a smaller difficulty than this counts as this.
        bounds: similarity of the nearest known target at which one group of rows ends and the next begins,
            ascending, float32 [b − 1].
        quantiles: of error over difficulty in each group, float32 [b, 99].
        edges: difficulty up to which a row is inside the domain, and up to which it is at its edge.
        reach: similarity of the nearest known target, and of the nearest landmark, below which held-out
            rows tell nothing.
        hardest: largest difficulty of a held-out row, which rows out there have at least.
        nearest_target: similarity of the known target nearest to the one that this is the calibration of;
            None for that of a model.
        held_out: what the numbers rest on (JSON values): how many rows and targets, what of them training
            had not seen, and the errors by verdict and by similarity of the nearest target and compound.
    """

    trees: BoostedTrees
    columns: int
    least: float
    bounds: Float[np.ndarray, "b-1"]
    quantiles: Float[np.ndarray, "b 99"]
    edges: tuple[float, float]
    reach: tuple[float, float]
    hardest: float
    held_out: Mapping[str, Any]
    nearest_target: float | None = None

    def for_target(self, constants: Float[Tensor, "k"]) -> Calibration:
        """Return what is left of it for one target: its own group, and trees over compounds alone.

        Args:
            constants: of the target, as from `target_constants`.
        """
        group = int(np.searchsorted(self.bounds, float(constants[0]), side="right"))
        first = self.columns - len(constants)
        values = torch.cat([constants.new_zeros(first), constants])
        return dataclasses.replace(
            self,
            trees=self.trees.folded(torch.arange(len(values)) >= first, values),
            columns=first,
            bounds=self.bounds[:0],
            quantiles=self.quantiles[group : group + 1],
            nearest_target=float(constants[0]),
        )

    def difficulty(self, columns: Float[Tensor, "n d"]) -> Float[Tensor, "n"]:
        """Return the absolute error to be expected of each row, in label units.

        Args:
            columns: as from `difficulty_columns`; those of the target are left out where this is the
                calibration of one.
        """
        features = self.columns - 1 - (NEAREST_TARGETS if self.nearest_target is None else 0)
        compound = columns[:, features]
        target = (
            compound.new_full(compound.shape, self.nearest_target)
            if self.nearest_target is not None
            else columns[:, features + 1]
        )
        expected: Tensor = self.trees(columns.float()).clamp_min(self.least)
        is_beyond = (target < self.reach[0]) | (compound < self.reach[1])
        return torch.where(is_beyond, expected.clamp_min(self.hardest), expected)

    def error_at(self, axis: Literal["target", "compound"], similarity: float) -> float | None:
        """Return the root mean squared error of held-out rows as near to what is known; None beyond them all.

        Args:
            axis: whose nearest known one it is.
            similarity: of that one.
        """
        table = self.held_out.get(f"by_nearest_{axis}", ())
        if not table or similarity < self.reach[0 if axis == "target" else 1]:
            return None
        below = [part for part in table if part["from"] <= similarity]
        return float((below or table)[-1 if below else 0]["rmse"])

    def half_widths(
        self, difficulty: npt.NDArray[np.float32], level: float, group: int = 0
    ) -> npt.NDArray[np.float32]:
        """Return half the width of the interval of each row, in label units.

        Args:
            difficulty: as from `difficulty`.
            level: share of the labels that the intervals hold, in hundredths.
            group: of rows; a target has one only.

        Raises:
            ConfigError: no such level, or one that needs more held-out rows.
        """
        place = round(level * (GRID + 1)) - 1
        if not 0 <= place < GRID or abs(level * (GRID + 1) - place - 1) > 1e-6:
            raise ConfigError(f"level: intervals are kept for 0.01, 0.02, … 0.99, not for {level:g}.")
        quantile = float(self.quantiles[group, place])
        if quantile == NOT_THERE:
            raise ConfigError(
                f"level: an interval of {100 * level:g} % needs more held-out rows than the "
                f"{self.held_out['rows']} that this model was calibrated on. Ask for a lower level."
            )
        return np.asarray(quantile * difficulty, dtype=np.float32)

    @property
    def usual_quantile(self) -> float:
        """Of error over difficulty, for intervals of 80 % of a target; 1.3 where there were too few rows."""
        found = float(self.quantiles[0, round(0.8 * (GRID + 1)) - 1])
        return _USUAL if found == NOT_THERE else found

    @property
    def is_unrelated(self) -> bool:
        """Whether it is that of a target to which no known one is related."""
        return bool(is_unlike(self.nearest_target, None, self.reach))

    def verdicts(
        self,
        difficulty: npt.NDArray[np.float32],
        nearest_target: npt.NDArray[np.float32] | None = None,
        nearest_compound: npt.NDArray[np.float32] | None = None,
    ) -> tuple[str | None, ...]:
        """Return where in the domain each row lies; None where its difficulty is NaN.

        What is hard lies at the edge or outside; what is unlike everything known lies outside, however easy
        it looks.

        Args:
            difficulty: as from `difficulty`.
            nearest_target: similarity of the nearest known target of each row; None: that of the target that
                this is the calibration of, if it is that of one.
            nearest_compound: similarity of the nearest known compound of each row; None: it is not asked.
        """
        places = np.searchsorted(np.array(self.edges, dtype=np.float32), difficulty, side="left")
        nearest = self.nearest_target if nearest_target is None else nearest_target
        places = np.where(is_unlike(nearest, nearest_compound, self.reach), len(VERDICTS) - 1, places)
        known = ~np.isnan(difficulty)
        return tuple(
            VERDICTS[place] if is_known else None for place, is_known in zip(places, known, strict=True)
        )

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return tensors and JSON header from which `from_state` rebuilds it."""
        tensors = {f"trees.{key}": value for key, value in self.trees.state_dict().items()}
        tensors["bounds"] = torch.from_numpy(self.bounds.copy())
        tensors["quantiles"] = torch.from_numpy(self.quantiles.copy())
        header = {
            "trees": list(self.trees.size),
            "columns": self.columns,
            "least": self.least,
            "edges": list(self.edges),
            "reach": list(self.reach),
            "hardest": self.hardest,
            "nearest_target": self.nearest_target,
            "held_out": dict(self.held_out),
        }
        return tensors, header

    @classmethod
    def from_state(cls, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> Calibration:
        """Return the calibration that `state` described."""
        trees = BoostedTrees(*map(int, header["trees"]))
        trees.load_state_dict({key: tensors[f"trees.{key}"] for key in trees.state_dict()})
        inside, edge = map(float, header["edges"])
        target, compound = map(float, header["reach"])
        return cls(
            trees=trees,
            columns=int(header["columns"]),
            least=float(header["least"]),
            bounds=tensors["bounds"].numpy(),
            quantiles=tensors["quantiles"].numpy(),
            edges=(inside, edge),
            reach=(target, compound),
            hardest=float(header["hardest"]),
            nearest_target=None if header["nearest_target"] is None else float(header["nearest_target"]),
            held_out=header["held_out"],
        )
