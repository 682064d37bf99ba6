"""Differences between labels, and between scores, of mutants and their wild types, compound by compound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Differences"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Differences:
    """Differences of mutants to their wild types, each of one compound that was measured on both.

    Attributes:
        mutants: name of each mutant [m].
        wild_types: name of the wild type of each.
        mutations: what was changed in each, such as ``L858R/T790M``.
        is_new: whether training had no label of the mutant, bool [m].
        mutant: of each difference, int64 [n].
        compound: of each difference, int64 [n].
        measured: label on the mutant minus label on the wild type, float64 [n].
        predicted: the same of scores, float64 [n].
        random: the same of scores on mutants with as many random substitutions, float64 [n, d]; NaN where
            none were tried.
    """

    mutants: tuple[str, ...]
    wild_types: tuple[str, ...]
    mutations: tuple[str, ...]
    is_new: npt.NDArray[np.bool_]
    mutant: npt.NDArray[np.int64]
    compound: npt.NDArray[np.int64]
    measured: Floats
    predicted: Floats
    random: Floats

    def of(self, *, new: bool) -> Differences:
        """Return those of mutants that are new to the model, or of those that are not."""
        mutants = np.flatnonzero(self.is_new == new)
        rows = np.flatnonzero(np.isin(self.mutant, mutants))
        return Differences(
            mutants=tuple(self.mutants[place] for place in mutants),
            wild_types=tuple(self.wild_types[place] for place in mutants),
            mutations=tuple(self.mutations[place] for place in mutants),
            is_new=self.is_new[mutants],
            mutant=np.searchsorted(mutants, self.mutant[rows]),
            compound=self.compound[rows],
            measured=self.measured[rows],
            predicted=self.predicted[rows],
            random=self.random[rows],
        )

    @staticmethod
    def joined(parts: Sequence[Differences]) -> Differences:
        """Return those of several models, such as those of all folds; each mutant of each counts.

        Args:
            parts: one or more, with as many random substitutions each.
        """
        starts = np.cumsum([0, *(len(part.mutants) for part in parts)])
        return Differences(
            mutants=tuple(name for part in parts for name in part.mutants),
            wild_types=tuple(name for part in parts for name in part.wild_types),
            mutations=tuple(name for part in parts for name in part.mutations),
            is_new=np.concatenate([part.is_new for part in parts]),
            mutant=np.concatenate([part.mutant + start for part, start in zip(parts, starts, strict=False)]),
            compound=np.concatenate([part.compound for part in parts]),
            measured=np.concatenate([part.measured for part in parts]),
            predicted=np.concatenate([part.predicted for part in parts]),
            random=np.concatenate([part.random for part in parts]),
        )

    def record(self) -> dict[str, Any]:
        """Return JSON values, rounded to what a plot shows."""
        return {
            "mutants": list(self.mutants),
            "wild_types": list(self.wild_types),
            "mutations": list(self.mutations),
            "is_new": self.is_new.tolist(),
            "mutant": self.mutant.tolist(),
            "compound": self.compound.tolist(),
            "measured": _rounded(self.measured),
            "predicted": _rounded(self.predicted),
            "random": [_rounded(column) for column in self.random.T],
        }

    @classmethod
    def of_record(cls, record: Mapping[str, Any]) -> Differences:
        """Return the differences that `record` wrote."""
        rows = len(record["mutant"])
        random = np.array(record["random"], dtype=np.float64).reshape(len(record["random"]), rows).T
        return cls(
            mutants=tuple(record["mutants"]),
            wild_types=tuple(record["wild_types"]),
            mutations=tuple(record["mutations"]),
            is_new=np.array(record["is_new"], dtype=np.bool_),
            mutant=np.array(record["mutant"], dtype=np.int64),
            compound=np.array(record["compound"], dtype=np.int64),
            measured=np.array(record["measured"], dtype=np.float64),
            predicted=np.array(record["predicted"], dtype=np.float64),
            random=random,
        )


def _rounded(values: Floats) -> list[float | None]:
    return [round(float(one), 4) if np.isfinite(one) else None for one in values]
