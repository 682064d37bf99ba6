"""Grows the boosted trees of the prior, on what training rows find when their own labels are hidden."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from hyperpcm.baselines.lightgbm_fit import LEAST_ROWS, grow
from hyperpcm.config import RunConfig
from hyperpcm.model import HyperPCM
from hyperpcm.nn.trees import BoostedTrees, Tree
from hyperpcm.training.correction import supported_share
from hyperpcm.training.encoded import EncodedData, Progress
from hyperpcm.training.hiding import Hiding
from hyperpcm.training.processes import solving_device
from hyperpcm.training.ridge_fit import ridge_out_of_fold

__all__ = ["fit_trees", "refit_trees", "trees_of"]

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

_COMPOUND_COLUMNS: Final = 768  # of the embedding, those that divide the training compounds best
_JUDGED: Final = 20_000  # training compounds at most that decide which columns those are
_CARRY: Final = 0.5  # one of the two sums of trees is added to the mean, and the other one stands alone
_WEIGHTS: Final = (_CARRY, 1 - _CARRY)


@dataclass(frozen=True, eq=False)
class _Columns:
    """The chosen columns of every row, put together in blocks.

    Attributes:
        of_rows: what is retrieved for each row, its ridge score and its mean, float32 [n, f + 2].
        of_compounds: chosen columns of the embedding, float32 [n_compounds, d].
        of_targets: float32 [n_targets, d].
        compound_index: of every row, int64 [n].
        target_index: likewise.
        places: of each chosen column among those of `collapse_trees`, int64.
    """

    of_rows: Floats
    of_compounds: Floats
    of_targets: Floats
    compound_index: Integers
    target_index: Integers
    places: Integers

    def rows(self, rows: Integers) -> Floats:
        """Return the columns of some rows, float32 [n, d]."""
        parts = (
            self.of_rows[rows],
            self.of_compounds[self.compound_index[rows]],
            self.of_targets[self.target_index[rows]],
        )
        return np.concatenate(parts, axis=1)


def fit_trees(
    model: HyperPCM,
    data: EncodedData,
    valid: Integers,
    config: RunConfig,
    hiding: Hiding,
    progress: Progress | None = None,
) -> None:
    """Grow two sums of trees, and find how much of their mean the validation side supports.

    One sum is added to the mean of what is retrieved and the ridge score, and one stands alone; they see the
    same columns: what is retrieved, the ridge score, and what is known of compound and target. A training row
    has what it finds while its own labels are hidden, and the ridge score without its own part of the rows.
    Without a share of the trees that validation supports the model keeps none. The numbers of trees go to the
    model's card.

    Args:
        model: with retrieval and ridge regression fitted; changed in place.
        data: with what is retrieved for training and validation rows.
        valid: validation rows, int64 [n].
        config: the run's settings.
        hiding: what training queries must not see.
        progress: called with a stage, what is done and what there is.
    """
    if model.retrieval is None or data.retrieved is None or not config.model.trees.enabled:
        return
    if len(data.learned) < LEAST_ROWS:
        return
    table = _columns(model, data, config, hiding, progress)
    boosters = _grown(model, data, table, valid, (config.model.trees.most,) * 2, config, progress)
    model.card["trees"] = [int(booster.best_iteration) for booster in boosters]
    base = table.of_rows[valid, -1]
    said = _CARRY * base
    for booster, weight in zip(boosters, _WEIGHTS, strict=True):
        said = said + weight * booster.predict(table.rows(valid), num_threads=max(1, config.threads))
    labels = model.label_scale.to_scaled(data.labels).numpy()[valid]
    units = (data.target_index[valid], data.compound_index[valid])
    share = supported_share(labels - base, said.astype(np.float32) - base, *units)
    if share > 0:
        _keep(model, table, boosters, share)


def refit_trees(
    model: HyperPCM,
    data: EncodedData,
    chosen: HyperPCM,
    config: RunConfig,
    hiding: Hiding,
    progress: Progress | None = None,
) -> None:
    """Grow as many trees as another model has, on the rows that are learned from; with its share of them.

    Args:
        model: with retrieval and ridge regression fitted; changed in place.
        data: with what is retrieved for the rows that are learned from.
        chosen: the model that was fitted with validation; nothing happens where it has no trees.
        config: the run's settings.
        hiding: what training queries must not see.
        progress: called with a stage, what is done and what there is.
    """
    share = float(chosen.trees_share)
    if share == 0:
        return
    table = _columns(model, data, config, hiding, progress)
    numbers = tuple(chosen.card["trees"])
    _keep(model, table, _grown(model, data, table, None, numbers, config, progress), share)
    model.card["trees"] = list(numbers)


def _grown(
    model: HyperPCM,
    data: EncodedData,
    table: _Columns,
    valid: Integers | None,
    most: tuple[int, ...],
    config: RunConfig,
    progress: Progress | None,
) -> list[Any]:
    """The two boosters: the one that starts at the mean, and the one that stands alone."""
    labels = model.label_scale.to_scaled(data.labels).numpy()
    boosters = []
    for number, start in enumerate((table.of_rows[:, -1], None)):
        if progress is not None:
            progress("boosted trees", number, 2)
        booster = grow(
            table,
            labels,
            data.learned,
            valid,
            start=start,
            trees=most[number],
            patience=config.model.trees.patience,
            threads=max(1, config.threads),
            seed=config.seed,
        )
        boosters.append(booster)
    if progress is not None:
        progress("boosted trees", 2, 2)
    return boosters


def _keep(model: HyperPCM, table: _Columns, boosters: list[Any], share: float) -> None:
    sums: list[Tree] = []
    for booster, weight in zip(boosters, _WEIGHTS, strict=True):
        sums += trees_of(booster, table.places, weight)
    model.trees = BoostedTrees.of(sums)
    model.trees_share.fill_(share)
    model.trees_carry.fill_(_CARRY)


def _columns(
    model: HyperPCM,
    data: EncodedData,
    config: RunConfig,
    hiding: Hiding,
    progress: Progress | None,
) -> _Columns:
    assert data.retrieved is not None
    assert model.retrieval is not None
    ridge = (model.retrieval.scores(data.retrieved) if data.ridge is None else data.ridge).clone()
    if model.ridge is not None:
        device = solving_device(config.training)
        for hidden, rows in hiding.of(data.learned):
            settings = (config.model.retrieval, hidden, config.seed, progress)
            said = ridge_out_of_fold(model, data, *settings, device=device)
            ridge[torch.from_numpy(rows)] = said[torch.from_numpy(np.isin(data.learned, rows))]
    mean = model.prior_mean(data.retrieved, ridge)
    chosen = _dividing(data.compounds.numpy(), np.unique(data.compound_index[data.learned]))
    with torch.no_grad():
        described = model.described(data.targets, data.similarity).numpy()
    components = model.alignment.memory.shape[1] or described.shape[1]
    first = model.retrieval.width + 2
    of_target = np.arange(described.shape[1] - components, described.shape[1])
    places = (np.arange(first), first + chosen, first + data.compounds.shape[1] + of_target)
    return _Columns(
        of_rows=torch.cat([data.retrieved, ridge[:, None], mean[:, None]], dim=1).numpy(),
        of_compounds=data.compounds.numpy()[:, chosen],
        of_targets=described[:, of_target],
        compound_index=data.compound_index,
        target_index=data.target_index,
        places=np.concatenate(places),
    )


def _dividing(embeddings: Floats, known: Integers) -> Integers:
    """Return the columns in which most known compounds differ: those whose median divides them best."""
    rows = embeddings[known[:: -(-len(known) // _JUDGED)]]
    above = (rows > np.median(rows, axis=0)).sum(axis=0).astype(np.int64)
    variation = above * (len(rows) - above)
    order = np.argsort(-variation, kind="stable")[:_COMPOUND_COLUMNS]
    return np.sort(order[variation[order] > 0])


def trees_of(booster: Any, places: Integers, weight: float) -> list[Tree]:
    """Return what a LightGBM booster has grown, its columns renamed and its leaves weighted."""
    return [_tree(entry["tree_structure"], places, weight) for entry in booster.dump_model()["tree_info"]]


def _tree(root: dict[str, Any], places: Integers, weight: float) -> Tree:
    nodes, children = [root], []
    for position, node in enumerate(nodes):  # grows while it is walked through
        if "split_feature" not in node:
            children.append((position, position))
            continue
        if node["decision_type"] != "<=" or node["missing_type"] != "None":
            raise ValueError(
                f"a split of the kind {node['decision_type']}, {node['missing_type']} is not expected."
            )
        children.append((len(nodes), len(nodes) + 1))
        nodes += [node["left_child"], node["right_child"]]
    is_inner = np.array(["split_feature" in node for node in nodes])
    column = [
        places[node["split_feature"]] if inner else -1 for node, inner in zip(nodes, is_inner, strict=True)
    ]
    values = np.array(
        [
            node["threshold"] if inner else weight * node["leaf_value"]
            for node, inner in zip(nodes, is_inner, strict=True)
        ]
    )
    rounded = values.astype(np.float32)
    # Columns are of single precision: a threshold between two of them must not be rounded onto the upper one.
    is_above = is_inner & (rounded > values)
    rounded[is_above] = np.nextafter(rounded[is_above], np.float32(-np.inf))
    left, right = np.array(children, dtype=np.int32).T
    return Tree(np.array(column, dtype=np.int32), rounded, left, right)
