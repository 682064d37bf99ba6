"""Scores that were told lately: who asks for the same compounds again, on any page, has them at once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from hyperpcm.errors import Rejection
from hyperpcm.target_model import Intervals, NearestLandmark, TargetModel
from hyperpcm.target_model.told import told_interval
from hyperpcm.web.read_scores import Landmarks, score_read
from hyperpcm.web.reading import CompoundReader, ReadCompound

__all__ = ["KeptScores", "ScoredText"]


@dataclass(frozen=True, slots=True)
class ScoredText:
    """What became of the text of a compound.

    Attributes:
        smiles: standardised.
        score: of it.
        lower: of the interval; None where there is none.
        upper: likewise.
        domain: where it lies in the domain; likewise.
        nearest: training compound; None where it was not asked for, or there is none.
    """

    smiles: str
    score: float
    lower: float | None
    upper: float | None
    domain: str | None
    nearest: NearestLandmark | None


Key = tuple[str, float, bool, str]


class KeptScores:
    """The last scores, by target, level and text. A score does not depend on what is scored with it.

    Args:
        most: scores that are kept.
        reader: reads compounds for the targets that it serves; None: each target reads them by itself.
    """

    def __init__(self, most: int, reader: CompoundReader | None = None) -> None:
        self._most, self._reader, self.landmarks = most, reader, Landmarks()
        self._held: OrderedDict[Key, ScoredText | Rejection] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._held)

    def score(
        self, id: str, model: TargetModel, texts: Sequence[str], *, level: float, nearest: bool
    ) -> list[ScoredText | Rejection]:
        """Return what becomes of each text; the ``row`` of a rejection is not that of the list.

        Args:
            id: of the target.
            model: it.
            texts: SMILES as given.
            level: share of the labels that intervals hold.
            nearest: tell the most similar training compound of each.

        Raises:
            ConfigError: there are no intervals of this level.
            BusyError: the process that read the compounds was lost.
        """
        keys = [(id, level, nearest, text) for text in texts]
        found: dict[Key, ScoredText | Rejection] = {}
        with self._lock:
            for key in keys:
                if key in self._held:
                    self._held.move_to_end(key)
                    found[key] = self._held[key]
        missing = [key for key in dict.fromkeys(keys) if key not in found]
        if missing:
            made = self._scored(model, [key[3] for key in missing], level=level, nearest=nearest)
            found |= zip(missing, made, strict=True)
            self._keep(dict(zip(missing, made, strict=True)))
        return [found[key] for key in keys]

    def _scored(
        self, model: TargetModel, texts: Sequence[str], *, level: float, nearest: bool
    ) -> list[ScoredText | Rejection]:
        if self._reader is None or not self._reader.serves(model):
            return _scored(model, texts, level=level, nearest=nearest)
        read = self._reader.read(texts)
        compounds = [one for one in read if isinstance(one, ReadCompound)]
        if not compounds:
            return [one for one in read if isinstance(one, Rejection)]
        scores = score_read(model, compounds, self.landmarks, level=level, nearest=nearest)
        values = enumerate(scores.values.tolist())
        scored = (
            _told(one.smiles, value, scores.intervals, row, scores.nearest[row])
            for one, (row, value) in zip(compounds, values, strict=True)
        )
        return [next(scored) if isinstance(one, ReadCompound) else one for one in read]

    def _keep(self, made: dict[Key, ScoredText | Rejection]) -> None:
        with self._lock:
            # A text as long as a book would not be worth its room.
            self._held.update({key: one for key, one in made.items() if len(key[3]) <= 500})
            while len(self._held) > self._most:
                self._held.popitem(last=False)


def _scored(
    model: TargetModel, texts: Sequence[str], *, level: float, nearest: bool
) -> list[ScoredText | Rejection]:
    scores = model.score(texts, level=level)
    refused = {one.row: one for one in scores.rejections}
    near: Sequence[NearestLandmark | None] = [None] * len(texts)
    if nearest:
        near = model.nearest_landmarks(scores.smiles)
    found: list[ScoredText | Rejection] = []
    for row, smiles in enumerate(scores.smiles):
        if smiles is None:
            found.append(refused[row])
            continue
        found.append(_told(smiles, float(scores.values[row]), scores.intervals, row, near[row]))
    return found


def _told(
    smiles: str, score: float, intervals: Intervals | None, row: int, nearest: NearestLandmark | None
) -> ScoredText:
    told = told_interval(intervals, row)
    return ScoredText(smiles, score, told.get("lower"), told.get("upper"), told.get("domain"), nearest)
