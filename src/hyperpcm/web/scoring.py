"""Targets, scores and evidence as the service answers them."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from hyperpcm.chem import standardise
from hyperpcm.encoders.licences import noncommercial_notice
from hyperpcm.errors import ConfigError, Rejection
from hyperpcm.protein import Target
from hyperpcm.target_model import Calibration, TargetModel
from hyperpcm.target_model.adapting import summary
from hyperpcm.target_model.card import target_card_text
from hyperpcm.target_model.told import interval_notes, nearest_target, probability_notes
from hyperpcm.trust import Evidence
from hyperpcm.trust.explained import Explained, atom_weights, atoms_of, evidence_record, other_weight
from hyperpcm.web.answers import Atoms, CompoundEvidence, CompoundScore, Refused, ScoreAnswer, TargetAnswer
from hyperpcm.web.asked import GivenCompound
from hyperpcm.web.kept_scores import KeptScores, ScoredText
from hyperpcm.web.served import ServedModel, quantity_answer

__all__ = ["check_level", "evidence_answer", "intervals_of", "score_answer", "target_answer"]

_LEVELS: Final = (0.5, 0.8, 0.9, 0.95)


def check_level(model: TargetModel, level: float) -> None:
    """Refuse a level that a calibrated target has no intervals of.

    Raises:
        ConfigError: there are none.
    """
    if model.calibration is not None:
        model.calibration.half_widths(np.zeros(0, dtype=np.float32), level)


def intervals_of(calibration: Calibration) -> tuple[float, ...]:
    """Return usual levels of which a calibration has intervals."""
    nothing, found = np.zeros(0, dtype=np.float32), []
    for level in _LEVELS:
        with contextlib.suppress(ConfigError):
            calibration.half_widths(nothing, level)
            found.append(level)
    return tuple(found)


def target_answer(id: str, model: TargetModel, known: str | None, changes: Sequence[str]) -> TargetAnswer:
    """Return what is told of a compiled target.

    Args:
        id: of it.
        model: it.
        known: name of the known target with its sequence.
        changes: what was changed when its sequence was read.
    """
    notice = noncommercial_notice(model.licences)
    return TargetAnswer(
        id=id,
        name=model.name,
        sequence=model.sequence,
        residues=len(model.sequence),
        changes=tuple(changes),
        known=known,
        nearest_target=nearest_target(model),
        quantity=quantity_answer(model.quantity),
        has_intervals=model.calibration is not None,
        adapted=None if model.adaptation is None else summary(model.adaptation),
        notes=(*([] if notice is None else [notice]), *interval_notes(model), *probability_notes(model)),
        card=target_card_text(model),
    )


def score_answer(
    target: TargetAnswer,
    model: TargetModel,
    kept: KeptScores,
    compounds: Sequence[GivenCompound],
    measured: Mapping[str, float],
    *,
    level: float,
    nearest: bool,
) -> ScoreAnswer:
    """Return compounds ranked for a target.

    Args:
        target: what is told of it.
        model: it.
        kept: scores that are at hand.
        compounds: as given.
        measured: labels that are known of the target, by standardised SMILES.
        level: share of the labels that intervals hold.
        nearest: tell the most similar training compound of each.

    Raises:
        ConfigError: there are no intervals of this level.
    """
    texts = [one.smiles for one in compounds]
    found = kept.score(target.id, model, texts, level=level, nearest=nearest)
    scored = [(row, one) for row, one in enumerate(found) if isinstance(one, ScoredText)]
    scored.sort(key=lambda one: -one[1].score)  # stable: of equal scores the earlier row
    refused = (
        Refused(row + 1, one.text, one.code, one.reason)
        for row, one in enumerate(found)
        if isinstance(one, Rejection)
    )
    ranked = (
        _ranked(one, rank, row + 1, compounds[row].name, level, measured.get(one.smiles))
        for rank, (row, one) in enumerate(scored, start=1)
    )
    return ScoreAnswer(target, tuple(ranked), tuple(refused))


def _ranked(
    one: ScoredText, rank: int, row: int, name: str, level: float, measured: float | None
) -> CompoundScore:
    return CompoundScore(
        rank=rank,
        row=row,
        name=name,
        smiles=one.smiles,
        score=one.score,
        lower=one.lower,
        upper=one.upper,
        level=None if one.lower is None else level,
        domain=one.domain,
        nearest_compound=None if one.nearest is None else one.nearest.smiles,
        nearest_similarity=None if one.nearest is None else round(one.nearest.similarity, 4),
        measured=measured,
    )


def evidence_answer(
    target: TargetAnswer,
    model: TargetModel,
    served: ServedModel,
    kept: KeptScores,
    compound: GivenCompound,
    *,
    known: int,
    level: float,
    mask: bool,
) -> CompoundEvidence:
    """Return what the score of a compound rests on; an adapted target tells no known targets.

    Args:
        target: what is told of it.
        model: it.
        served: the model that it was compiled from.
        kept: scores that are at hand.
        compound: as given.
        known: known targets that are told.
        level: of the interval.
        mask: tell what is lost when an atom is masked, even where the target reads a fingerprint.

    Raises:
        InvalidSmilesError: the compound cannot be used.
    """
    smiles = standardise(compound.smiles).smiles
    measured = served.labels_on(model.sequence)
    answer = score_answer(target, model, kept, [compound], measured, level=level, nearest=True)
    scored = answer.scores[0]
    card: Evidence | None = None
    if known and model.adaptation is None:
        protein = Target(model.sequence, model.name, ())
        card = served.evidence(protein, [smiles], top=known, level=level)[0]
    return CompoundEvidence(
        target=target,
        compound=scored,
        atoms=_atoms(model, smiles, mask=mask),
        own=target.known,
        of_mean=None if card is None else card.of_mean,
        other_targets=None if card is None else other_weight(card),
        entropy=None if card is None else card.entropy,
        retrieved=() if card is None else tuple(evidence_record(card)["retrieved"]),
    )


def _atoms(model: TargetModel, smiles: str, *, mask: bool) -> Atoms | None:
    """What atoms add; None where neither that nor masking can be told of what the target reads."""
    try:
        adds, masked = atoms_of(model, smiles, mask=mask)
    except ConfigError:
        return None
    told = Explained(0, None, smiles, adds, masked, None)
    return Atoms(
        adds=None if adds is None else tuple(adds.atoms.tolist()),
        whole=None if adds is None else float(adds.whole),
        baseline=None if adds is None else float(adds.baseline),
        is_exact=None if adds is None else adds.is_exact,
        losses=None if masked is None else tuple(masked.losses.tolist()),
        weights=tuple(atom_weights(told)),
        score=float(told.score),
    )
