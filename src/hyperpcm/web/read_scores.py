"""Scores of compounds that were read before: what is left of scoring once RDKit has done its part."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import torch

from hyperpcm.chem import ComparedTable, tanimoto
from hyperpcm.screening.recipe import PreparedCompounds
from hyperpcm.target_model import Adaptation, Intervals, NearestLandmark, RetrievedPrior, TargetModel
from hyperpcm.target_model.nearest import nearest_by_similarity
from hyperpcm.target_model.verdicts import nearest_known, scored_intervals
from hyperpcm.web.reading import ReadCompound

__all__ = ["Landmarks", "ScoresOfRead", "score_read"]

_TABLES: Final = 3  # tables of landmarks that are held; the targets of one model have the same


class Landmarks:
    """The landmarks of the targets in memory: those that are the same are held once, and turned once."""

    def __init__(self) -> None:
        self._tables: list[ComparedTable] = []
        self._lock = threading.Lock()

    def shared(self, target: TargetModel) -> TargetModel:
        """Return the same target, with the landmarks that are held where its own are equal."""
        prior = target.prior
        if prior is None:
            return target
        with self._lock:
            tables = [one.table for one in self._tables]
        same = next((table for table in tables if np.array_equal(table, prior.landmarks)), None)
        if same is None:
            return target
        return dataclasses.replace(target, prior=dataclasses.replace(prior, landmarks=same))

    def of(self, prior: RetrievedPrior) -> ComparedTable:
        """Return the landmarks of a target, ready to be compared with."""
        with self._lock:
            found = next((one for one in self._tables if one.table is prior.landmarks), None)
            if found is None:
                found = ComparedTable(prior.landmarks)
                self._tables = [*self._tables, found][-_TABLES:]
            return found


@dataclass(frozen=True)
class ScoresOfRead:
    """What a target says of compounds.

    Attributes:
        values: float32 [n].
        intervals: how far each score may be off; None where the target was not calibrated.
        nearest: most similar landmark of each; None where it was not asked for or there is none.
    """

    values: npt.NDArray[np.float32]
    intervals: Intervals | None
    nearest: Sequence[NearestLandmark | None]


def score_read(
    target: TargetModel,
    compounds: Sequence[ReadCompound],
    landmarks: Landmarks,
    *,
    level: float,
    nearest: bool,
) -> ScoresOfRead:
    """Return the scores that `TargetModel.score` gives, bit for bit, and nearest landmarks.

    Args:
        target: one that the reader of the compounds serves.
        compounds: one or more.
        landmarks: of targets.
        level: share of the labels that intervals hold.
        nearest: tell the most similar landmark of each.

    Raises:
        ConfigError: there are no intervals of this level.
    """
    prepared = PreparedCompounds.joined([one.prepared for one in compounds])
    prior, near = target.prior, None
    found: Sequence[NearestLandmark | None] = [None] * len(compounds)
    if prior is not None:
        bits = prepared.prints[prior.radius, prior.landmarks.shape[1]].dense().astype(np.uint8)
        near = landmarks.of(prior).tanimoto(bits)
        if nearest:
            found = nearest_by_similarity(prior, near)
    measured = None if target.adaptation is None else _to_anchors(target.adaptation, prepared, compounds)
    similarity = None if near is None else torch.from_numpy(near)
    values, difficulty = target.assess_embedded(
        torch.from_numpy(prepared.embeddings), similarity, measured=measured
    )
    scores, intervals = values.numpy(), None
    if target.calibration is not None and difficulty is not None:
        smiles = [one.smiles for one in compounds]
        closest = nearest_known(len(compounds), similarity, measured)
        intervals = scored_intervals(
            target.calibration,
            prior,
            target.adaptation,
            smiles,
            scores,
            difficulty=difficulty.numpy(),
            nearest=closest,
            level=level,
        )
    return ScoresOfRead(scores, intervals, found)


def _to_anchors(
    adaptation: Adaptation, prepared: PreparedCompounds, compounds: Sequence[ReadCompound]
) -> torch.Tensor:
    """Similarity to the measured compounds of an adapted target [n, z]."""
    bits = prepared.prints.get((adaptation.radius, adaptation.anchors.shape[1]))
    if bits is None:
        return torch.from_numpy(adaptation.similarity([one.smiles for one in compounds]))
    return torch.from_numpy(tanimoto(bits.dense().astype(np.uint8), adaptation.anchors))
