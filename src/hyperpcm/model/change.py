"""What lies between two states of a memory: labels that came and went, and the scores that move most."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float

from hyperpcm.chem import morgan_counts, tanimoto
from hyperpcm.model.compiling import unmeasured_target
from hyperpcm.model.hyperpcm import HyperPCM
from hyperpcm.nn.molecular_graphs import MolecularGraphs

__all__ = ["MemoryChange", "Move", "Moves", "TargetChange", "memory_change", "moved_scores"]

TARGETS: Final = 32
"""Known targets that are scored before and after a change."""
COMPOUNDS: Final = 256
"""Known compounds that they score."""
LISTED: Final = 20
"""Moves that are told."""


@dataclass(frozen=True)
class TargetChange:
    """What a change does to one target.

    Attributes:
        name: of the target.
        sequence: of it.
        labels: pairs that came or went.
        is_whole: whether the target itself came or went with them.
    """

    name: str
    sequence: str
    labels: int
    is_whole: bool


@dataclass(frozen=True)
class MemoryChange:
    """What lies between two memories.

    Attributes:
        added: by target, in the order of the memory after.
        removed: by target, in the order of the memory before.
        changed: by target, pairs that have another label now.
        compounds_added: SMILES of landmark compounds that were none before.
        compounds_removed: of those that are none any more.
    """

    added: tuple[TargetChange, ...]
    removed: tuple[TargetChange, ...]
    changed: tuple[TargetChange, ...]
    compounds_added: tuple[str, ...]
    compounds_removed: tuple[str, ...]

    @property
    def sequences(self) -> tuple[str, ...]:
        """The targets that something is said of, each once."""
        every = itertools.chain(self.added, self.removed, self.changed)
        return tuple(dict.fromkeys(one.sequence for one in every))


@dataclass(frozen=True)
class Move:
    """One score before and after a change, in label units or as a probability."""

    target: str
    compound: str
    before: float
    after: float

    @property
    def change(self) -> float:
        """By how much it moved."""
        return self.after - self.before


@dataclass(frozen=True)
class Moves:
    """What a change does to scores.

    Attributes:
        targets: known targets that were scored.
        compounds: known compounds that each of them scored.
        root_mean_square: of the changes of all scores.
        largest: the moves that are largest, the largest first.
    """

    targets: int
    compounds: int
    root_mean_square: float
    largest: tuple[Move, ...]

    def record(self) -> dict[str, Any]:
        """Return the moves as JSON values."""
        return {
            "targets": self.targets,
            "compounds": self.compounds,
            "root_mean_square": round(self.root_mean_square, 6),
            "largest": [
                {
                    "target": one.target,
                    "compound": one.compound,
                    "before": round(one.before, 6),
                    "after": round(one.after, 6),
                }
                for one in self.largest
            ],
        }


def memory_change(before: HyperPCM, after: HyperPCM) -> MemoryChange:
    """Return what lies between the memories of two models.

    Args:
        before: not mutated.
        after: not mutated.
    """
    targets = {
        one: row for row, one in enumerate(dict.fromkeys(before.memory_sequences + after.memory_sequences))
    }
    compounds = {
        one: place
        for place, one in enumerate(dict.fromkeys(before.landmark_compounds + after.landmark_compounds))
    }
    width = max(len(compounds), 1)
    (old, old_values), (new, new_values) = (_labels(model, targets, compounds) for model in (before, after))
    both, at_old, at_new = np.intersect1d(old, new, return_indices=True)
    others = both[old_values[at_old] != new_values[at_new]]
    names = dict(zip(before.memory_sequences, before.memory_names, strict=True))
    names |= dict(zip(after.memory_sequences, after.memory_names, strict=True))

    def by_target(pairs: npt.NDArray[np.int64], model: HyperPCM, other: HyperPCM) -> tuple[TargetChange, ...]:
        counts = np.bincount(pairs // width, minlength=len(targets))
        there = set(other.memory_sequences)
        return tuple(
            TargetChange(names[one], one, int(counts[targets[one]]), one not in there)
            for one in model.memory_sequences
            if counts[targets[one]] or one not in there
        )

    told = tuple(one for one in by_target(others, after, after) if one.labels)
    return MemoryChange(
        added=by_target(np.setdiff1d(new, old), after, before),
        removed=by_target(np.setdiff1d(old, new), before, after),
        changed=told,
        compounds_added=_without(after.landmark_compounds, before.landmark_compounds),
        compounds_removed=_without(before.landmark_compounds, after.landmark_compounds),
    )


@torch.no_grad()
def moved_scores(
    before: HyperPCM,
    after: HyperPCM,
    change: MemoryChange,
    *,
    targets: int = TARGETS,
    compounds: int = COMPOUNDS,
    listed: int = LISTED,
    progress: Callable[[int, int], None] | None = None,
) -> Moves:
    """Return which scores move most between two models, of a sample of known targets and known compounds.

    Half of either sample are those that something was said of, where there are so many; the others are
    evenly drawn. Deterministic.

    Args:
        before: put into evaluation mode.
        after: likewise.
        change: from one to the other.
        targets: most that are scored; each is compiled twice.
        compounds: most that each of them scores.
        listed: moves that are told.
        progress: called with the targets done, and how many there are.
    """
    names = dict(zip(before.memory_sequences, before.memory_names, strict=True))
    names |= dict(zip(after.memory_sequences, after.memory_names, strict=True))
    sequences = _sample(change.sequences, tuple(names), targets)
    every = tuple(dict.fromkeys(before.landmark_compounds + after.landmark_compounds))
    smiles = _sample((*change.compounds_added, *change.compounds_removed), every, compounds)
    if not sequences or not smiles:
        return Moves(len(sequences), len(smiles), 0.0, ())
    asked = _Asked(before, smiles)
    scores = np.zeros((len(sequences), 2, len(smiles)))
    for row, sequence in enumerate(sequences):
        for side, model in enumerate((before, after)):
            scores[row, side] = asked.of(model, sequence)
        if progress is not None:
            progress(row + 1, len(sequences))
    changes = scores[:, 1] - scores[:, 0]
    largest = np.argsort(-np.abs(changes), axis=None, kind="stable")[:listed]
    moves = (
        Move(names[sequences[row]], smiles[place], float(scores[row, 0, place]), float(scores[row, 1, place]))
        for row, place in zip(*np.unravel_index(largest, changes.shape), strict=True)
    )
    return Moves(
        targets=len(sequences),
        compounds=len(smiles),
        root_mean_square=float(np.sqrt(np.square(changes).mean())),
        largest=tuple(one for one in moves if one.change),
    )


class _Asked:
    """Compounds that many targets score, encoded once."""

    def __init__(self, model: HyperPCM, smiles: Sequence[str]) -> None:
        self.embeddings = torch.from_numpy(model.compound_encoder.encode(smiles))
        self.counts = morgan_counts(smiles, radius=model.radius, width=model.landmark_width)
        self.graphs = None if model.learned_compounds is None else MolecularGraphs.of_smiles(smiles)

    def of(self, model: HyperPCM, sequence: str) -> npt.NDArray[np.float64]:
        """The score of each compound for one target."""
        compiled = unmeasured_target(model, sequence)
        near: Float[torch.Tensor, "n j"] | None = None
        if compiled.prior is not None:
            near = torch.from_numpy(tanimoto(self.counts, compiled.prior.landmarks))
        learned = None
        if compiled.learned_compounds is not None and self.graphs is not None:
            learned = compiled.learned_compounds.vectors(self.graphs)
        scores: npt.NDArray[np.float64] = (
            compiled.score_embedded(self.embeddings, near, learned).double().numpy()
        )
        return scores


def _labels(
    model: HyperPCM, targets: dict[str, int], compounds: dict[str, int]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """The measured pairs as one number each, ascending, and the mean label of each."""
    rows = np.array([targets[one] for one in model.memory_sequences], dtype=np.int64)
    columns = np.array([compounds[one] for one in model.landmark_compounds], dtype=np.int64)
    own_rows, own_columns = model.memory_rows.cpu().numpy(), model.memory_columns.cpu().numpy()
    pairs = rows[own_rows] * max(len(compounds), 1) + columns[own_columns]
    found, place = np.unique(pairs, return_inverse=True)
    values = model.memory_values.cpu().numpy().astype(np.float64)
    return found, np.bincount(place, weights=values) / np.bincount(place)


def _without(contents: Iterable[str], others: Iterable[str]) -> tuple[str, ...]:
    there = set(others)
    return tuple(one for one in contents if one not in there)


def _sample(first: Sequence[str], every: Sequence[str], most: int) -> tuple[str, ...]:
    """So many of all: up to half of them from the first, the others evenly drawn."""
    chosen = _evenly(first, max(most // 2, most - len(every)))
    there = set(chosen)
    rest = [one for one in every if one not in there]
    return (*chosen, *_evenly(rest, most - len(chosen)))


def _evenly(contents: Sequence[str], most: int) -> tuple[str, ...]:
    if len(contents) <= most:
        return tuple(contents)
    places = np.unique(np.linspace(0, len(contents) - 1, most).astype(np.int64))
    return tuple(contents[place] for place in places[:most])
