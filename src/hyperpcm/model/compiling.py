"""Compiling: the memory's labels, the regression, the trees and the networks as one target sees them."""

from __future__ import annotations

import copy
import dataclasses
import zlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from hyperpcm.chem import tanimoto
from hyperpcm.encoders.licences import licences_of
from hyperpcm.errors import ConfigError
from hyperpcm.model.known_compounds import KnownCompounds, known_compounds
from hyperpcm.nn.label_memory import LabelMemory
from hyperpcm.nn.learned_compounds import LearnedCompounds
from hyperpcm.nn.molecular_graphs import MolecularGraphs
from hyperpcm.nn.qsar import QsarNetwork
from hyperpcm.nn.retrieval import CollapsedLabels, LabelRetrieval
from hyperpcm.protein import validate_sequence
from hyperpcm.target_model import Calibration, CompiledRidge, CompiledTrees, RetrievedPrior, TargetModel
from hyperpcm.target_model.calibration import target_constants
from hyperpcm.target_model.landmarks import influence, with_landmarks
from hyperpcm.target_model.rounding import rounded_within_tolerance

if TYPE_CHECKING:
    from hyperpcm.model.hyperpcm import HyperPCM

__all__ = [
    "collapse_labels",
    "collapse_ridge",
    "collapse_trees",
    "compile_target",
    "reference_landmarks",
    "unmeasured_target",
]

_MEASURED: Final = 10_000_000  # similarities to all landmarks, at most, by which one target is measured
_REFERENCES: Final = 64  # compounds that tell the level of a target's regression


@torch.no_grad()
def compile_target(
    model: HyperPCM,
    sequence: str,
    name: str = "",
    *,
    exact: bool,
    limit: int | None,
    landmark_tolerance: float,
) -> TargetModel:
    """Return the frozen model of one protein; see `HyperPCM.compile_target`."""
    if limit is not None and limit < 1:
        raise ConfigError(f"a target keeps 1 landmark compound at least, not {limit}")
    if not landmark_tolerance >= 0:
        raise ConfigError(f"the tolerance of landmarks is a share from 0 on, not {landmark_tolerance}")
    compiled = _compiled(model, sequence, name, every=True)
    return _shortened(model, compiled, exact=exact, limit=limit, tolerance=landmark_tolerance)


@torch.no_grad()
def unmeasured_target(
    model: HyperPCM,
    sequence: str,
    name: str = "",
    *,
    similarity: Float[Tensor, "1 m"] | None = None,
    label_memory: LabelMemory | None = None,
) -> TargetModel:
    """Return the frozen model of one protein as it scores in training and evaluation.

    It has the landmarks that `HyperPCM.compile_target` keeps where none are asked for, and all digits. What
    leaving landmarks out changes is not measured, nor what the target gives to known compounds in general:
    where a model knows many compounds, that takes most of the time of compiling.

    Args:
        sequence: amino acids; validated first.
        name: what to call the target.
        similarity: alignment similarity of the sequence to the memory rows, where that is at hand.
        label_memory: as from `HyperPCM.label_memory`, likewise; one does for all targets.

    Raises:
        InvalidSequenceError: the sequence cannot be used.
    """
    return _compiled(model, sequence, name, every=False, similarity=similarity, label_memory=label_memory)


def _compiled(
    model: HyperPCM,
    sequence: str,
    name: str,
    *,
    every: bool,
    similarity: Tensor | None = None,
    label_memory: LabelMemory | None = None,
) -> TargetModel:
    """Return the target over all landmarks, or over those that it sees in training and evaluation."""
    target = validate_sequence(sequence, name=name)
    model.eval()
    device = model.memory_embeddings.device
    embedding = torch.from_numpy(model.target_encoder.encode([target.sequence])).to(device)
    if not model.config.needs_alignment:
        similarity = None
    elif similarity is None:
        similarity = torch.from_numpy(model.aligner.encode([target.sequence])).to(device)
    else:
        similarity = similarity.to(device)
    kind = int(model.learned_from(target.sequence))
    share = float(model.correction[kind])
    networks = _networks(model, embedding, similarity, share)
    licences = {"licences": licences_of(model.compound_encoder, model.target_encoder)}
    prior, residual_prior = None, model.residual_prior
    if similarity is not None and model.retrieval is not None:
        labels = model.label_memory() if label_memory is None else label_memory
        prior, kept = _prior(model, model.retrieval, labels, embedding, similarity, every=every)
        prior = _contrasted(model, prior, model.ridge_contrast[kind], every=every)
        if residual_prior is not None and not every:
            residual_prior = residual_prior.only(kept)
    return TargetModel(
        name=target.name or name,
        sequence=target.sequence,
        quantity=model.quantity,
        encoder=model.compound_encoder,
        networks=networks,
        compound_scaler=copy.deepcopy(model.compound_scaler).cpu(),
        label_scale=model.label_scale,
        prior=prior,
        learned_compounds=_learned_compounds(model, share),
        calibration=_calibration(model, similarity),
        residual_prior=residual_prior,
        provenance={
            "model": licences | copy.deepcopy(model.card),
            "model_sha256": model.origin,
            "domain": _domain(model, similarity),
            "changes": list(target.changes),
        },
    )


def _prior(
    model: HyperPCM,
    retrieval: LabelRetrieval,
    label_memory: LabelMemory,
    embedding: Tensor,
    similarity: Tensor,
    *,
    every: bool,
) -> tuple[RetrievedPrior, Tensor]:
    """Return what a target retrieves from the memory, and the positions of these landmarks."""
    collapsed, kept = collapse_labels(model, label_memory, similarity, every=every)
    trees = collapse_trees(model, embedding, similarity)
    if trees is not None:
        trees.trees.cpu()
    prior = RetrievedPrior(
        copy.deepcopy(retrieval).cpu().requires_grad_(False),
        collapsed.cpu(),
        model.landmark_bits(kept),
        model.radius,
        _ridge(model, similarity, kept),
        trees,
        tuple(model.landmark_compounds[place] for place in kept.tolist()),
    )
    return prior, torch.from_numpy(kept)


def _contrasted(model: HyperPCM, prior: RetrievedPrior, contrast: float, *, every: bool) -> RetrievedPrior:
    """Return the prior with what the contrast of its regression adds; its level is that of training."""
    if prior.ridge is None or contrast == 0:
        return prior
    seen = prior.only(torch.from_numpy(_of_training(model, prior.collapsed))) if every else prior
    near = tanimoto(model.landmark_bits(reference_landmarks(model)), seen.landmarks)
    level = seen.ridge_level(torch.from_numpy(near))
    return dataclasses.replace(prior, ridge=dataclasses.replace(prior.ridge, contrast=contrast, level=level))


def _shortened(
    model: HyperPCM, compiled: TargetModel, *, exact: bool, limit: int | None, tolerance: float
) -> TargetModel:
    """Return the target with fewer landmarks and digits; what that changes stands in the provenance."""
    number = 0 if compiled.prior is None else len(compiled.prior.landmarks)
    is_ranking = number > 0 and (tolerance > 0 or (limit is not None and limit < number))
    known = known_compounds(model, with_ranking=is_ranking)
    similarity, learned = known.similarity, None
    if compiled.learned_compounds is not None and known.smiles:
        learned = compiled.learned_compounds.vectors(MolecularGraphs.of_smiles(known.smiles))
    measured: dict[str, Any] = {}
    if compiled.prior is not None and similarity is not None:
        order, most = _ordered(model, compiled.prior, known, limit, is_ranking=is_ranking)
        some = slice(None) if is_ranking else slice(None, None, _every_which(*similarity.shape))
        compiled, kept, choice = with_landmarks(
            compiled,
            order,
            known.embeddings[some],
            similarity[some],
            None if learned is None else learned[some],
            limit=most,
            tolerance=tolerance,
        )
        similarity = similarity[:, kept]
        measured["landmarks"] = choice.record() | {"limit": model.landmark_limit(limit)}
    rounding: dict[str, Any] = {"weights": "single", "largest_difference": 0.0, "compounds": 0}
    if exact:
        values = compiled.score_embedded(known.embeddings, similarity, learned)
    else:
        compiled, rounding, values = rounded_within_tolerance(compiled, known.embeddings, similarity, learned)
    measured |= {"background": _background(values.double()), "rounding": rounding}
    return dataclasses.replace(compiled, provenance={**compiled.provenance, **measured})


def _every_which(known: int, landmarks: int) -> int:
    """Return that each so-manieth known compound tells what leaving landmarks out changes.

    Nothing is chosen by it unless landmarks are put in order: then all known compounds are scored with all.
    """
    return max(1, known * landmarks // _MEASURED)


def _ordered(
    model: HyperPCM, prior: RetrievedPrior, known: KnownCompounds, limit: int | None, *, is_ranking: bool
) -> tuple[Tensor, int]:
    """Return all landmarks, those first that are to be kept, and how many may be.

    Unless a limit or a tolerance is asked for, they are those of training and evaluation.
    """
    if is_ranking and known.ranking_similarity is not None:
        counts = influence(prior, known.ranking_similarity, known.ranking)
        return counts.argsort(descending=True, stable=True), model.landmark_limit(limit)
    every = torch.arange(len(prior.landmarks))
    if limit is not None:
        return every, len(every)
    kept = torch.from_numpy(_of_training(model, prior.collapsed))
    return torch.cat([kept, every[~torch.isin(every, kept)]]), len(kept)


def _of_training(model: HyperPCM, collapsed: CollapsedLabels) -> npt.NDArray[np.int64]:
    """Return the landmarks that one target sees in training and evaluation, ascending."""
    landmarks, most = collapsed.evidence.shape[-1], model.config.retrieval.max_landmarks
    if landmarks <= most:
        return np.arange(landmarks)
    kept = _largest(collapsed.evidence.detach()[0].amin(0).cpu().numpy(), most)
    return kept if model.ridge is None else np.union1d(kept, model.ridge_columns.cpu().numpy())


def _background(values: Float[Tensor, "n"]) -> dict[str, Any]:
    """Return what the target gives to known compounds in general (JSON values).

    It tells a score that is high from one that is high for this target.
    """
    if not len(values):
        return {"compounds": 0}
    return {
        "compounds": len(values),
        "mean": float(values.mean()),
        "deviation": float(values.std(correction=0)),
    }


def collapse_labels(
    model: HyperPCM,
    label_memory: LabelMemory,
    similarity: Float[Tensor, "1 m"],
    allowed: Bool[Tensor, "1 m"] | None = None,
    *,
    every: bool = False,
) -> tuple[CollapsedLabels, npt.NDArray[np.int64]]:
    """Return what the memory's labels say about one target, and the landmark compounds that it keeps.

    Args:
        label_memory: as from `HyperPCM.label_memory`.
        similarity: alignment similarity of the target to the memory rows.
        allowed: False where the target must not see a memory row.
        every: whether all landmarks are kept.

    Returns:
        The collapsed labels over the kept landmarks, and their positions [j], ascending. With more
        landmarks than ``retrieval.max_landmarks`` those with the most evidence are kept, and those of the
        ridge regression.
    """
    if model.retrieval is None:
        raise ValueError("this model retrieves no labels (model.retrieval.enabled = false)")
    collapsed = model.retrieval.collapse(model.retrieval.target_weights(similarity, allowed), label_memory)
    landmarks = collapsed.evidence.shape[-1]
    kept = np.arange(landmarks) if every else _of_training(model, collapsed)
    if len(kept) == landmarks:
        return collapsed, kept
    at = torch.from_numpy(kept).to(similarity.device)
    parts = (collapsed.evidence, collapsed.first, collapsed.second)
    return CollapsedLabels(*(part[..., at] for part in parts)), kept


def collapse_ridge(
    model: HyperPCM, similarity: Float[Tensor, "1 m"], kept: npt.NDArray[np.int64]
) -> Float[Tensor, "1 k j"] | None:
    """Return one target's linear model over the kept landmarks; None where there is no ridge regression.

    Args:
        similarity: alignment similarity of the target to the memory rows.
        kept: positions of the landmarks, as from `collapse_labels`.
    """
    if model.ridge is None:
        return None
    collapsed = model.ridge.collapse(similarity)
    over_kept = collapsed.new_zeros(*collapsed.shape[:2], len(kept))
    at = torch.from_numpy(np.searchsorted(kept, model.ridge_columns.cpu().numpy()))
    over_kept[..., at.to(collapsed.device)] = collapsed
    return over_kept


@torch.no_grad()
def collapse_trees(
    model: HyperPCM, target: Float[Tensor, "1 d_t"], similarity: Float[Tensor, "1 m"]
) -> CompiledTrees | None:
    """Return the boosted trees as one target sees them; None where there are none.

    Args:
        target: unscaled embedding.
        similarity: alignment similarity of the target to the memory rows.
    """
    if model.retrieval is None or not model.trees.size[0]:
        return None
    described = model.described(target, similarity)[0]
    of_compounds = model.retrieval.width + 2 + model.compound_encoder.width
    values = torch.cat([described.new_zeros(of_compounds), described])
    is_constant = torch.arange(len(values), device=values.device) >= of_compounds
    trees = model.trees.folded(is_constant, values)
    return CompiledTrees(trees, float(model.trees_carry), float(model.trees_share))


def _networks(
    model: HyperPCM, embedding: Tensor, similarity: Tensor | None, share: float
) -> tuple[QsarNetwork, ...]:
    """Return what the networks add; one layer of zeros where validation left them no share."""
    if share == 0:
        retrieved = 0 if model.retrieval is None else model.retrieval.width
        return (QsarNetwork.nothing(model.compound_encoder.width + retrieved),)
    generated = model.generate(embedding, similarity)
    return tuple(network.densified(share).cpu() for network in generated)


def _domain(model: HyperPCM, similarity: Tensor | None) -> dict[str, Any]:
    """Return what the scores rest on: how much is known, and which known target is nearest (JSON values)."""
    values = model.memory_values
    domain: dict[str, Any] = {
        "known_targets": len(model.memory_sequences),
        "known_compounds": len(model.landmark_compounds),
        "known_labels": len(values),
        "label_range": [float(values.min()), float(values.max())] if len(values) else [],
    }
    if similarity is not None:
        nearest = int(similarity[0].argmax())
        domain["nearest_target"] = model.memory_names[nearest]
        domain["nearest_similarity"] = round(float(similarity[0, nearest]), 4)
    return domain


def _calibration(model: HyperPCM, similarity: Tensor | None) -> Calibration | None:
    if model.calibration is None:
        return None
    known = torch.zeros(1, 0) if similarity is None else similarity.cpu()
    return model.calibration.for_target(target_constants(known)[0])


def _learned_compounds(model: HyperPCM, share: float) -> LearnedCompounds | None:
    """Return a copy of the encoder that the networks read; None where they say nothing."""
    if model.learned_compounds is None or share == 0:
        return None
    return copy.deepcopy(model.learned_compounds).cpu().eval().requires_grad_(False)


def _ridge(model: HyperPCM, similarity: Tensor, kept: npt.NDArray[np.int64]) -> CompiledRidge | None:
    collapsed, share = collapse_ridge(model, similarity, kept), float(model.ridge_share)
    if model.ridge is None or collapsed is None:
        return None
    if share == 0 and model.ridge_contrast == (0.0, 0.0) and not model.trees.size[0]:
        return None
    exponents = model.ridge.compound_exponents.cpu().clone()
    return CompiledRidge(collapsed[0].cpu(), exponents, share)


def reference_landmarks(model: HyperPCM) -> npt.NDArray[np.int64]:
    """Return the landmarks that tell what a target's regression says of all compounds alike.

    They are up to 64 of those that the regression runs over, by a number that each structure has: what a
    memory gains or loses moves few of them.
    """
    columns = np.sort(model.ridge_columns.cpu().numpy().astype(np.int64))
    numbers = [zlib.crc32(model.landmark_compounds[place].encode()) for place in columns.tolist()]
    return np.sort(columns[np.argsort(numbers, kind="stable")[:_REFERENCES]])


def _largest(values: npt.NDArray[np.float32], number: int) -> npt.NDArray[np.int64]:
    """Return the positions of the largest values, ascending; of equal ones those that come first."""
    least = np.partition(values, -number)[-number]
    above, equal = np.flatnonzero(values > least), np.flatnonzero(values == least)
    return np.union1d(above, equal[: number - len(above)])
