"""The tensors of one run: every compound and target encoded once, every pair's retrieved labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hyperpcm.chem import tanimoto
from hyperpcm.config import RunConfig
from hyperpcm.datasets.interactions import Interactions
from hyperpcm.datasets.splits import Split
from hyperpcm.encoders import EmbeddingStore, Encoder, compound_encoder, target_encoder
from hyperpcm.encoders.axes import compound_counts, target_similarity
from hyperpcm.encoders.base import Json
from hyperpcm.errors import ConfigError
from hyperpcm.model import ContextMemory, HyperPCM
from hyperpcm.model.compiling import (
    collapse_labels,
    collapse_ridge,
    collapse_trees,
    reference_landmarks,
)
from hyperpcm.nn.kernel_ridge import ridge_scores
from hyperpcm.nn.molecular_graphs import MolecularGraphs, PlacedGraphs
from hyperpcm.target_model.prior import prior_columns
from hyperpcm.training.hiding import Hidden, OwnLabelFinder, nearest_similarity, relatives_bound
from hyperpcm.training.series import series_of

__all__ = ["EncodedData", "Progress", "Retrieved", "build_model", "encode", "retrieve_pairs", "retrieve_rows"]

Progress = Callable[[str, int, int], None]
_PAIRS = 2048  # compounds of one target whose similarity to the landmarks is computed at a time
_KEPT_NEAR = 50_000_000  # similarities of compounds to landmarks that are worth keeping: 0.2 GB


@dataclass(frozen=True, eq=False)
class EncodedData:
    """Everything a training step looks up, on the axes of the interactions.

    Attributes:
        compounds: embeddings, float32 [n_compounds, d_c].
        targets: embeddings, float32 [n_targets, d_t].
        counts: Morgan counts, uint8 [n_compounds, w].
        labels: point labels, float32 [n], unscaled.
        censored: 1, 0 or −1 per label, int8 [n].
        compound_index: int64 [n].
        target_index: int64 [n].
        learned: the interactions that are learned from and that the memory holds, int64 [k].
        memory_targets: target of each memory row, int64 [m].
        similarity: alignment similarity of every target to the memory rows, float32 [n_targets, m]; None
            where the model needs none.
        allowed: False where a memory row is the target itself or a relative that validation does not
            find either (`relatives_bound`), bool [n_targets, m].
        memory_row: of each target of the table, −1 for one that is not in the memory, int64 [n_targets].
        landmark_of: landmark of each compound of the table, −1 for none, int64 [n_compounds].
        series: of each compound of the table (`series_of`), int64 [n_compounds]; None where validation asks
            for none.
        near: Tanimoto similarity of every compound to every landmark, float32 [n_compounds, j]; None where
            that is too much to keep.
        graphs: of the compounds, where the model learns an encoder of them; None elsewhere.
        retrieved: label features of each interaction, float32 [n, f], zero where not asked for.
        ridge: score of each interaction by ridge regression, float32 [n], likewise.
        contrast: what that tells apart, as of `Retrieved`, float32 [n], likewise.
        prior: what the networks are added to, in scaled label units, float32 [n], likewise.
        nearest: Tanimoto similarity of each interaction's compound to the nearest landmark that its target
            keeps, float32 [n], likewise.
        binned: whether each label is the centre of a bin, bool [n]; None where all that are not censored are
            what the quantity says.
    """

    compounds: Tensor
    targets: Tensor
    counts: npt.NDArray[np.uint8]
    labels: Tensor
    censored: Tensor
    compound_index: npt.NDArray[np.int64]
    target_index: npt.NDArray[np.int64]
    learned: npt.NDArray[np.int64]
    memory_targets: npt.NDArray[np.int64]
    similarity: Tensor | None
    allowed: Tensor
    memory_row: npt.NDArray[np.int64]
    landmark_of: npt.NDArray[np.int64]
    series: npt.NDArray[np.int64] | None = None
    near: npt.NDArray[np.float32] | None = None
    graphs: MolecularGraphs | None = None
    retrieved: Tensor | None = None
    ridge: Tensor | None = None
    contrast: Tensor | None = None
    prior: Tensor | None = None
    nearest: Tensor | None = None
    binned: Tensor | None = None

    def graphs_of(self, rows: npt.NDArray[np.int64]) -> PlacedGraphs | None:
        """Return the graphs of the compounds of some interactions, each once; None where there are none.

        Args:
            rows: interactions [t, c].
        """
        if self.graphs is None:
            return None
        compounds, places = np.unique(self.compound_index[rows], return_inverse=True)
        chosen = self.graphs.take(torch.from_numpy(compounds))
        return PlacedGraphs(chosen, torch.from_numpy(places.reshape(rows.shape)))

    def retrieved_for(self, rows: Tensor) -> Retrieved | None:
        """Return what was retrieved for some interactions, int64 [n]; None where nothing was."""
        if self.retrieved is None or self.prior is None or self.nearest is None:
            return None
        ridge, contrast = (None if one is None else one[rows] for one in (self.ridge, self.contrast))
        return Retrieved(self.retrieved[rows], ridge, contrast, self.prior[rows], self.nearest[rows])

    def similarity_to(
        self, landmarks: npt.NDArray[np.int64], compounds: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.float32]:
        """Return the Tanimoto similarity of some compounds to some landmarks, float32 [n, j].

        Args:
            landmarks: positions among the landmarks, ascending.
            compounds: positions in the table.
        """
        if self.near is not None:
            rows = self.near[compounds]
            return rows if len(landmarks) == rows.shape[1] else rows[:, landmarks]
        known = np.flatnonzero(self.landmark_of >= 0)
        return tanimoto(self.counts[compounds], self.counts[known[landmarks]])


def encode(
    config: RunConfig,
    interactions: Interactions,
    split: Split,
    store: EmbeddingStore | None = None,
    progress: Progress | None = None,
    *,
    learned: npt.NDArray[np.int64] | None = None,
) -> EncodedData:
    """Return the encoded table; nothing in it depends on a label that is not learned from.

    Args:
        config: all settings.
        interactions: the table.
        split: its division.
        store: where embeddings are kept.
        progress: called with a stage, what is done and what there is.
        learned: the rows that are learned from; None: those of the training side. The memory holds their
            targets, each once.
    """
    learned = split.train if learned is None else learned
    store = EmbeddingStore() if store is None else store

    def tell(stage: str, total: int) -> Callable[[int], None]:
        return lambda done: progress(stage, done, total) if progress is not None else None

    compounds, targets = interactions.compounds, interactions.targets
    encoder, own_encoder = encoders_of(config)
    embedded = store.encode(encoder, compounds, tell("compound embeddings", len(compounds)))
    proteins = store.encode(own_encoder, targets, tell("target embeddings", len(targets)))
    memory_targets = np.unique(interactions.target_index[learned])
    similarity, bound = None, float("inf")
    if config.model.needs_alignment:
        aligned = target_similarity(
            targets,
            store,
            threads=max(1, config.threads),
            progress=tell("alignment to the memory", len(targets)),
        )
        similarity = torch.from_numpy(np.ascontiguousarray(aligned[:, memory_targets]))
        bound = relatives_bound(
            aligned, interactions.target_index[split.train], interactions.target_index[split.valid]
        )
    memory_row = _positions(memory_targets, len(targets))
    allowed = np.arange(len(targets))[:, None] != memory_targets[None]
    if similarity is not None:
        allowed &= similarity.numpy() <= bound
    counts = compound_counts(compounds, store, radius=config.encoders.radius, width=config.encoders.width)
    landmarks = np.unique(interactions.compound_index[learned])
    near = None
    if config.model.retrieval.enabled and len(compounds) * len(landmarks) <= _KEPT_NEAR:
        near = tanimoto(counts, counts[landmarks])
    return EncodedData(
        compounds=torch.from_numpy(embedded),
        targets=torch.from_numpy(proteins),
        counts=counts,
        labels=torch.from_numpy(interactions.point().copy()),
        censored=torch.from_numpy(interactions.relations.copy()),
        binned=None if interactions.binned is None else torch.from_numpy(interactions.binned.copy()),
        compound_index=interactions.compound_index,
        target_index=interactions.target_index,
        learned=learned,
        memory_targets=memory_targets,
        similarity=similarity,
        allowed=torch.from_numpy(allowed),
        memory_row=memory_row,
        landmark_of=_positions(landmarks, len(compounds)),
        series=series_of(interactions, split) if config.model.retrieval.enabled else None,
        near=near,
        graphs=(
            None
            if config.model.compound.learned == "none"
            else MolecularGraphs.of_smiles(compounds, tell("compound graphs", len(compounds)))
        ),
    )


def _positions(chosen: npt.NDArray[np.int64], size: int) -> npt.NDArray[np.int64]:
    """Return the place of each entry of an axis among the chosen ones, −1 for one that is not."""
    positions = np.full(size, -1, dtype=np.int64)
    positions[chosen] = np.arange(len(chosen))
    return positions


def encoders_of(config: RunConfig) -> tuple[Encoder, Encoder]:
    """Return the compound and the target encoder that the settings name.

    Raises:
        ConfigError: names or options that do not exist, or options of an encoder that is not named.
    """
    chosen = config.encoders
    options: dict[str, dict[str, Json]] = {name: {**given} for name, given in chosen.options.items()}
    stray = sorted(set(options) - set(chosen.compound) - set(chosen.target))
    if stray:
        raise ConfigError(f"encoders.options: {', '.join(stray)} is not among the encoders that are named")
    if "ecfp" in chosen.compound:
        options["ecfp"] = {"radius": chosen.radius, "width": chosen.width, **options.get("ecfp", {})}
    return (
        compound_encoder(chosen.compound, options=_of(chosen.compound, options)),
        target_encoder(chosen.target, options=_of(chosen.target, options)),
    )


def _of(names: Sequence[str], options: dict[str, dict[str, Json]]) -> dict[str, dict[str, Json]]:
    """The options of these encoders."""
    return {name: options[name] for name in names if name in options}


def build_model(config: RunConfig, interactions: Interactions, data: EncodedData) -> HyperPCM:
    """Return an untrained model with its memory and scalers set from the rows that are learned from."""
    encoder, own_encoder = encoders_of(config)
    train, memory_targets = data.learned, data.memory_targets
    landmarks, columns = np.unique(interactions.compound_index[train], return_inverse=True)
    memory = ContextMemory(
        sequences=tuple(interactions.targets[target] for target in memory_targets),
        names=tuple(interactions.target_names[target] for target in memory_targets),
        embeddings=data.targets.numpy()[memory_targets],
        compounds=tuple(interactions.compounds[compound] for compound in landmarks),
        landmarks=data.counts[landmarks],
        rows=np.searchsorted(memory_targets, interactions.target_index[train]),
        columns=columns.astype(np.int64),
        values=data.labels.numpy()[train],
        similarity=None if data.similarity is None else data.similarity.numpy()[memory_targets],
    )
    model = HyperPCM(
        config.model, interactions.quantity, memory, encoder, own_encoder, radius=config.encoders.radius
    )
    measured, rows = (torch.from_numpy(axis.copy()) for axis in (landmarks, train))
    model.fit_scalers(data.compounds[measured], data.labels[rows])
    return model


@dataclass(frozen=True, eq=False)
class Retrieved:
    """What the memory's labels say about some pairs.

    Attributes:
        features: label features, float32 [n, f].
        ridge: scores of the ridge regression in scaled label units, float32 [n]; None where there is none.
        contrast: what that says of a compound beyond the mean without trees, less its level for the target
            (`CompiledRidge`), likewise.
        prior: what the networks are added to, likewise, float32 [n].
        nearest: Tanimoto similarity of each compound to the nearest landmark that its target keeps,
            float32 [n].
    """

    features: Tensor
    ridge: Tensor | None
    contrast: Tensor | None
    prior: Tensor
    nearest: Tensor


@torch.no_grad()
def retrieve_pairs(
    model: HyperPCM,
    data: EncodedData,
    compounds: npt.NDArray[np.int64],
    targets: npt.NDArray[np.int64],
    progress: Progress | None = None,
    *,
    hidden: Hidden | None = None,
) -> Retrieved | None:
    """Return what is retrieved for each pair; None where the model retrieves no labels.

    Args:
        model: whose memory is asked.
        data: the encoded table.
        compounds: of each pair, int64 [n].
        targets: of each pair, int64 [n].
        progress: called with the number of targets done.
        hidden: what training queries must not see; None: nothing is hidden, as for a compiled target. Ridge
            regression and trees were fitted to the training labels and are left out where it is given.
    """
    if model.retrieval is None or data.similarity is None:
        return None
    features = torch.zeros(len(targets), model.retrieval.width)
    prior, nearest = torch.zeros(len(targets)), torch.zeros(len(targets))
    ridge = torch.zeros(len(targets)) if model.ridge is not None and hidden is None else None
    contrast = None if ridge is None else torch.zeros(len(targets))
    references = np.empty(0, dtype=np.int64)
    if contrast is not None:
        references = np.flatnonzero(data.landmark_of >= 0)[reference_landmarks(model)]
    label_memory = model.label_memory()
    finder = None
    if hidden is not None:
        finder = OwnLabelFinder(model, label_memory, hidden, data.landmark_of, data.series)
    different = np.unique(targets)
    for number, target in enumerate(different):
        one, row = slice(int(target), int(target) + 1), int(data.memory_row[target])
        similarity = data.similarity[one]
        allowed = data.allowed[one] if hidden is not None and hidden.targets else None
        collapsed, kept = collapse_labels(model, label_memory, similarity, allowed)
        linear = None if ridge is None else collapse_ridge(model, similarity, kept)
        trees = None if hidden is not None else collapse_trees(model, data.targets[one], similarity)
        own = np.flatnonzero(targets == target)
        for start in range(0, len(own), _PAIRS):
            block = own[start : start + _PAIRS]
            near = torch.from_numpy(data.similarity_to(kept, compounds[block]))[None]
            unseen = None
            if finder is not None and row >= 0:
                unseen = finder.of(collapsed, kept, row, float(similarity[0, row]), compounds[block])
            features[block] = model.retrieval(collapsed, near, unseen)[0]
            nearest[block] = nearest_similarity(near, unseen)[0]
            if model.ridge is not None and ridge is not None and linear is not None:
                ridge[block] = ridge_scores(linear, model.ridge.compound_exponents, near)[0]
            linear_scores = None if ridge is None else ridge[block]
            prior[block] = model.prior_mean(features[block], linear_scores)
            if contrast is not None and linear_scores is not None:
                contrast[block] = linear_scores - prior[block]
            if trees is not None:
                embedded = data.compounds[torch.from_numpy(compounds[block])]
                columns = prior_columns(features[block], linear_scores, prior[block], embedded)
                prior[block] = trees.mixed(columns, prior[block])
        if contrast is not None and model.ridge is not None and linear is not None:
            near = torch.from_numpy(data.similarity_to(kept, references))[None]
            said = ridge_scores(linear, model.ridge.compound_exponents, near)[0]
            level = (said - model.prior_mean(model.retrieval(collapsed, near)[0], said)).mean()
            at = torch.from_numpy(own)
            contrast[at] -= level
            prior[at] += model.ridge_contrast[int(row >= 0)] * contrast[at]
        if progress is not None:
            progress("label retrieval", number + 1, len(different))
    return Retrieved(features, ridge, contrast, prior, nearest)


def retrieve_rows(
    model: HyperPCM,
    data: EncodedData,
    rows: npt.NDArray[np.int64],
    progress: Progress | None = None,
    *,
    hidden: Hidden | None = None,
) -> EncodedData:
    """Return the data with what is retrieved for the given interactions filled in, others as they were."""
    compounds, targets = data.compound_index[rows], data.target_index[rows]
    found = retrieve_pairs(model, data, compounds, targets, progress, hidden=hidden)
    if found is None:
        return data
    at, size = torch.from_numpy(rows.copy()), len(data.labels)
    return replace(
        data,
        retrieved=_filled(data.retrieved, size, at, found.features),
        ridge=_filled(data.ridge, size, at, found.ridge),
        contrast=_filled(data.contrast, size, at, found.contrast),
        prior=_filled(data.prior, size, at, found.prior),
        nearest=_filled(data.nearest, size, at, found.nearest),
    )


def _filled(before: Tensor | None, size: int, at: Tensor, values: Tensor | None) -> Tensor | None:
    if values is None:
        return before
    filled = torch.zeros(size, *values.shape[1:]) if before is None else before.clone()
    filled[at] = values
    return filled
