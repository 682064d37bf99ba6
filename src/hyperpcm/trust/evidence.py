"""What a target or a score rests on: the known targets that are retrieved, and the score without each."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from hyperpcm.chem import morgan_counts, standardise, tanimoto
from hyperpcm.encoders import target_encoder
from hyperpcm.errors import ConfigError
from hyperpcm.model import HyperPCM, without_targets
from hyperpcm.model.compiling import unmeasured_target
from hyperpcm.model.known_compounds import known_compounds
from hyperpcm.target_model.scores import LEVEL, Scores
from hyperpcm.trust.attribution import atom_contributions
from hyperpcm.trust.card import Evidence, MeasuredCompound, RetrievedTarget
from hyperpcm.trust.retrieval import RetrievalWeights, attention_on_targets, retrieval_weights

__all__ = ["NEIGHBOURS", "TOP", "TargetEvidence", "evidence_card"]

TOP: Final = 5
"""Known targets on a card, those with the largest weight."""
NEIGHBOURS: Final = 3
"""Measured compounds of each of them."""


def evidence_card(
    model: HyperPCM,
    sequence: str,
    smiles: str | None = None,
    *,
    name: str = "",
    top: int = TOP,
    neighbours: int = NEIGHBOURS,
    level: float = LEVEL,
    orders: int = 0,
) -> Evidence:
    """Return the evidence card of a target, or of a target and a compound.

    For several compounds of one target, `TargetEvidence` prepares the target once.

    Args:
        model: with its memory; put into evaluation mode.
        sequence: of the target, known or not.
        smiles: of the compound; None: of the target alone, without scores.
        name: what to call the target.
        top: known targets on the card.
        neighbours: measured compounds of each.
        level: of the interval.
        orders: of atoms, for what each of them adds (`atom_contributions`); 0 leaves it out.

    Raises:
        InvalidSequenceError: the sequence cannot be used.
        InvalidSmilesError: the compound cannot be used.
        ConfigError: a negative number, or no intervals of this level.
    """
    structure = None if smiles is None else standardise(smiles).smiles
    asked = TargetEvidence(model, sequence, name, top=top, neighbours=neighbours)
    if structure is None:
        return asked.of_target()
    card = asked.of_compounds([structure], level=level)[0]
    if not orders:
        return card
    return dataclasses.replace(card, atoms=atom_contributions(asked.compiled, structure, orders=orders))


class TargetEvidence:
    """What the memory holds for one target: prepared once, asked about many compounds.

    Args:
        model: with its memory; put into evaluation mode.
        sequence: of the target, known or not.
        name: what to call it.
        top: known targets on a card.
        neighbours: measured compounds of each.

    Attributes:
        compiled: the target with all digits of its weights, whose scores the cards tell.

    Raises:
        InvalidSequenceError: the sequence cannot be used.
        ConfigError: a negative number.
    """

    def __init__(
        self, model: HyperPCM, sequence: str, name: str = "", *, top: int = TOP, neighbours: int = NEIGHBOURS
    ) -> None:
        if top < 0 or neighbours < 0:
            raise ConfigError(f"a card shows 0 known targets and compounds or more, not {top}, {neighbours}.")
        self.model, self.top, self.neighbours = model, top, neighbours
        self.compiled = unmeasured_target(model, sequence, name)
        sequence = self.compiled.sequence
        known = model.memory_sequences
        self._own = known.index(sequence) if sequence in known else None
        device = model.memory_embeddings.device
        aligner = target_encoder("alignment", references=known)
        self._similarity = torch.from_numpy(aligner.encode([sequence])).to(device)
        embedding = torch.from_numpy(model.target_encoder.encode([sequence])).to(device)
        self._attention = attention_on_targets(
            model, embedding, self._similarity, is_learned=model.learned_from(sequence)
        )
        scale = model.target_scaler.scale[: embedding.shape[1]]
        self._distance = ((model.memory_embeddings - embedding) / scale).square().mean(1).sqrt()

    def of_target(self) -> Evidence:
        """Return the card of the target alone: weights are means over known compounds, nothing is scored."""
        near = known_compounds(self.model, with_ranking=False).similarity
        if near is None or not len(near):
            near = torch.zeros(1, len(self.model.landmark_compounds))
        weights = self._weights(near).mean()
        return self._card(weights, self._order(weights))

    def of_compounds(
        self,
        smiles: Sequence[str],
        *,
        level: float = LEVEL,
        progress: Callable[[int, int], None] | None = None,
    ) -> tuple[Evidence, ...]:
        """Return the card of each compound with the target.

        Each known target that is on a card is taken out of the memory once, and the target compiled again.

        Args:
            smiles: of the compounds.
            level: of the intervals.
            progress: called with the removals done, and how many there are.

        Raises:
            InvalidSmilesError: one of them cannot be used.
            ConfigError: there are no intervals of this level.
        """
        structures = [standardise(one).smiles for one in smiles]
        model = self.model
        counts = morgan_counts(structures, radius=model.radius, width=model.landmark_width)
        near = torch.from_numpy(tanimoto(counts, model.landmark_bits()))
        weights = self._weights(near)
        scores = self.compiled.score(structures, level=level)
        orders = [self._order(weights.of(place)) for place in range(len(structures))]
        without = self._without(structures, orders, progress)
        nearest = self.compiled.nearest_landmarks(structures)
        cards = []
        for place, rows in enumerate(orders):
            card = self._card(weights.of(place), rows, near[place])
            told = tuple(
                one
                if (place, one.row) not in without
                else dataclasses.replace(
                    one,
                    score_without=without[place, one.row],
                    change=without[place, one.row] - float(scores.values[place]),
                )
                for one in card.retrieved
            )
            card = dataclasses.replace(card, retrieved=told, nearest=nearest[place])
            cards.append(_scored(card, scores, place))
        return tuple(cards)

    def _without(
        self,
        structures: Sequence[str],
        orders: Sequence[Sequence[int]],
        progress: Callable[[int, int], None] | None,
    ) -> dict[tuple[int, int], float]:
        """Scores by place of the compound and row of the target that is not in the memory."""
        asking: dict[int, list[int]] = {}
        for place, rows in enumerate(orders):
            for row in rows:
                asking.setdefault(row, []).append(place)
        if len(self.model.memory_sequences) == 1:
            return {}
        found: dict[tuple[int, int], float] = {}
        for done, (row, places) in enumerate(asking.items(), start=1):
            reduced = without_targets(self.model, [row])
            similarity = self._similarity[:, torch.arange(self._similarity.shape[1]) != row]
            compiled = unmeasured_target(reduced, self.compiled.sequence, similarity=similarity)
            values = compiled.score([structures[place] for place in places]).values
            found |= {(place, row): float(value) for place, value in zip(places, values, strict=True)}
            if progress is not None:
                progress(done, len(asking))
        return found

    def _weights(self, near: Float[Tensor, "n j"]) -> RetrievalWeights:
        prior = self.compiled.prior
        with_ridge = prior is not None and prior.ridge is not None
        near = near.to(self._similarity.device)
        return retrieval_weights(self.model, self._similarity, near, with_ridge=with_ridge)

    def _order(self, weights: RetrievalWeights) -> list[int]:
        """The rows with the largest weights, by attention where no labels are retrieved."""
        if weights.labels is not None:
            by = weights.labels[0]
        elif self._attention is not None:
            by = self._attention[0].cpu().numpy()
        else:
            return []
        order = np.argsort(-by, kind="stable")[: self.top]
        return [int(row) for row in order if by[row] > 0]

    def _card(
        self, weights: RetrievalWeights, rows: Sequence[int], near: Float[Tensor, "j"] | None = None
    ) -> Evidence:
        own = None if self._own is None else self.model.memory_names[self._own]
        return Evidence(
            target=self.compiled.name or own or "",
            own=own,
            targets=len(self.model.memory_sequences),
            retrieved=tuple(self._retrieved(row, weights, near) for row in rows),
            of_mean=None if weights.of_mean is None else float(weights.of_mean[0]),
            entropy=None if self._attention is None else self._attention[1],
        )

    def _retrieved(
        self, row: int, weights: RetrievalWeights, near: Float[Tensor, "j"] | None
    ) -> RetrievedTarget:
        scale = self.model.label_scale
        columns, labels = self._measured(row)
        weight = None if weights.labels is None else float(weights.labels[0, row])
        mean = None
        if weight and weights.sums is not None:
            mean = float(weights.sums[0, row]) / weight * scale.scale + scale.centre
        return RetrievedTarget(
            name=self.model.memory_names[row],
            row=row,
            is_own=row == self._own,
            similarity=float(self._similarity[0, row]),
            distance=float(self._distance[row]),
            labels=len(columns),
            weight=weight,
            mean_label=mean,
            ridge=None if weights.ridge is None else float(weights.ridge[0, row]) * scale.scale,
            attention=None if self._attention is None else float(self._attention[0][row]),
            nearest=() if near is None else self._nearest(near.numpy()[columns], columns, labels),
        )

    def _measured(self, row: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """The landmark compounds measured on a known target, and the mean label of each."""
        own = (self.model.memory_rows == row).cpu().numpy()
        columns, place = np.unique(self.model.memory_columns.cpu().numpy()[own], return_inverse=True)
        values = self.model.memory_values.cpu().numpy()[own].astype(np.float64)
        return columns.astype(np.int64), np.bincount(place, weights=values) / np.bincount(place)

    def _nearest(
        self,
        similarity: npt.NDArray[np.float32],
        columns: npt.NDArray[np.int64],
        labels: npt.NDArray[np.float64],
    ) -> tuple[MeasuredCompound, ...]:
        order = np.argsort(-similarity, kind="stable")[: self.neighbours]
        compounds = self.model.landmark_compounds
        return tuple(
            MeasuredCompound(compounds[columns[one]], float(similarity[one]), float(labels[one]))
            for one in order
        )


def _scored(card: Evidence, scores: Scores, place: int) -> Evidence:
    """The card with the score of its compound, and the interval where there is one."""
    found = dataclasses.replace(card, smiles=scores.smiles[place], score=float(scores.values[place]))
    intervals = scores.intervals
    if intervals is None:
        return found
    return dataclasses.replace(
        found,
        interval=(float(intervals.lower[place]), float(intervals.upper[place])),
        level=intervals.level,
        domain=intervals.verdicts[place],
    )
