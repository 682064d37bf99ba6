"""Trees of compiled targets for many compounds: LightGBM's own way down on a CPU, all at once on a GPU.

On a CPU the way down is LightGBM's because it takes a third of the time. On a GPU the trees of all targets
are walked down together, since few trees at a time leave it idle. The trees, and what they say, are the same.
Axis names: ``t`` targets, ``n`` compounds, ``r`` columns that a target retrieves, ``u`` columns that trees
look at.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from hyperpcm.nn.trees import BoostedTrees
from hyperpcm.screening.tensors import Entries
from hyperpcm.screening.threads import in_threads

__all__ = ["Forest", "Forests", "JoinedForests"]


class Forest:
    """A sum of trees over the columns that they look at, on a CPU.

    Args:
        trees: over all columns.
        width: number of all columns.
    """

    def __init__(self, trees: BoostedTrees, width: int) -> None:
        column = trees.column.cpu().numpy()
        self.used: npt.NDArray[np.int64] = np.unique(column[column >= 0]).astype(np.int64)
        place = np.full(width + 1, -1, dtype=np.int32)  # the last is for leaves
        place[self.used] = np.arange(len(self.used))
        self._narrow = _relabelled(trees, place[column])
        self._booster: Any = None
        if len(self.used):
            import lightgbm

            self._booster = lightgbm.Booster(model_str=_model_text(self._narrow, len(self.used)))

    def __call__(self, columns: Float[Tensor, "n u"]) -> Float[Tensor, "n"]:
        """Return what the trees say.

        Args:
            columns: those of `used`.
        """
        if self._booster is None:
            found: Tensor = self._narrow(columns)
            return found
        said = self._booster.predict(columns.numpy(), num_threads=1, raw_score=True)
        return torch.from_numpy(np.asarray(said, dtype=np.float32))


class Forests:
    """The trees of some targets on a CPU, each thread at one target.

    Args:
        trees: of each target, over what it retrieves, then the embedding.
        retrieved: number of columns that a target retrieves.
        width: of the embedding.
    """

    def __init__(self, trees: Sequence[BoostedTrees], retrieved: int, width: int) -> None:
        self._retrieved = retrieved
        self._forests = [Forest(one, retrieved + width) for one in trees]

    def __call__(
        self, retrieved: Float[Tensor, "t n r"], parts: Sequence[Entries | Tensor]
    ) -> Float[Tensor, "t n"]:
        """Return what the trees of each target say of each compound.

        Args:
            retrieved: by each target for each compound.
            parts: of the embeddings.
        """

        def said(place: int) -> Tensor:
            forest = self._forests[place]
            own = forest.used[forest.used < self._retrieved]
            columns = retrieved[place][:, torch.from_numpy(own)]
            return forest(torch.cat([columns, *_columns(parts, forest.used - self._retrieved)], dim=1))

        threads = min(len(self._forests), torch.get_num_threads())
        return torch.stack(list(in_threads(said, range(len(self._forests)), threads)))


class JoinedForests:
    """The trees of some targets over one table: what each of them retrieves, then the embedding.

    Args:
        trees: of each target, over what it retrieves, then the embedding.
        retrieved: number of columns that a target retrieves.
        width: of the embedding.
        device: where they are.
    """

    def __init__(
        self, trees: Sequence[BoostedTrees], retrieved: int, width: int, device: torch.device
    ) -> None:
        columns = np.concatenate([one.column.cpu().numpy() for one in trees])
        used = np.unique(columns[columns >= retrieved]).astype(np.int64)
        self._used = used - retrieved
        parts = []
        for target, one in enumerate(trees):
            place = np.full(retrieved + width + 1, -1, dtype=np.int32)  # the last is for leaves
            place[:retrieved] = np.arange(retrieved) + target * retrieved
            place[used] = np.arange(len(used)) + len(trees) * retrieved
            parts.append(_relabelled(one, place[one.column.cpu().numpy()]))
        self._trees = BoostedTrees.joined(parts).to(device)
        self._own = _places_of_each(self._trees, parts).to(device)

    def __call__(
        self, retrieved: Float[Tensor, "t n r"], parts: Sequence[Entries | Tensor]
    ) -> Float[Tensor, "t n"]:
        """Return what the trees of each target say of each compound; as `Forests`."""
        beside = retrieved.transpose(0, 1).flatten(1)
        table = torch.cat([beside, *_columns(parts, self._used)], dim=1)
        sums = [
            torch.cat([said, said.new_zeros(len(said), 1)], dim=1)[:, self._own].sum(2)
            for said in self._trees.leaves(table)
        ]
        return torch.cat(sums).T


def _relabelled(trees: BoostedTrees, columns: npt.NDArray[np.int32]) -> BoostedTrees:
    """Return the trees over other columns.

    Args:
        trees: on any device.
        columns: that each node splits on.
    """
    found = BoostedTrees(*trees.size)
    found.load_state_dict({**trees.state_dict(), "column": torch.from_numpy(columns)})
    return found


def _places_of_each(joined: BoostedTrees, parts: Sequence[BoostedTrees]) -> Tensor:
    """Return where the trees of each part are among all [t, most]; one behind the last where it has fewer."""
    ends = np.cumsum([len(part.column) for part in parts])
    owners = np.searchsorted(ends, joined.roots.cpu().numpy(), side="right")
    own = [torch.from_numpy(np.flatnonzero(owners == part)) for part in range(len(parts))]
    return torch.nn.utils.rnn.pad_sequence(own, batch_first=True, padding_value=len(owners))


def _columns(parts: Sequence[Entries | Tensor], wanted: npt.NDArray[np.int64]) -> list[Tensor]:
    """Return some columns of the embedding, part by part; those below 0 are not of the embedding."""
    found, start = [], 0
    for part in parts:
        width = part.width if isinstance(part, Entries) else part.shape[1]
        own = wanted[(wanted >= start) & (wanted < start + width)] - start
        if isinstance(part, Entries):
            place = np.full(width, -1, dtype=np.int64)
            place[own] = np.arange(len(own))
            found.append(part.only(place, len(own)))
        else:
            found.append(part[:, torch.from_numpy(own).to(part.device)])
        start += width
    return found


def _model_text(trees: BoostedTrees, width: int) -> str:
    """The trees as LightGBM writes them; it takes nodes in any order, as long as the root is the first."""
    column, left, right, roots = (
        getattr(trees, name).numpy() for name in ("column", "left", "right", "roots")
    )
    values = trees.threshold.double().numpy().tolist()
    texts = [_tree_text(number, int(root), column, left, right, values) for number, root in enumerate(roots)]
    head = {
        "version": "v4",
        "num_class": 1,
        "num_tree_per_iteration": 1,
        "label_index": 0,
        "max_feature_idx": width - 1,
        "objective": "regression",
        "feature_names": " ".join(f"c{place}" for place in range(width)),
        "feature_infos": " ".join(["[-1e300:1e300]"] * width),
        "tree_sizes": " ".join(str(len(text)) for text in texts),
    }
    start = "tree\n" + "".join(f"{key}={value}\n" for key, value in head.items())
    end = "end of trees\n\nparameters:\nend of parameters\n\npandas_categorical:null\n"
    return f"{start}\n{''.join(texts)}{end}"


def _tree_text(
    number: int,
    root: int,
    column: npt.NDArray[np.int32],
    left: npt.NDArray[np.int32],
    right: npt.NDArray[np.int32],
    values: list[float],
) -> str:
    inner: list[int] = []
    leaves: list[int] = []
    name: dict[int, int] = {}
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if column[node] < 0:
            name[node] = -len(leaves) - 1
            leaves.append(node)
        else:
            name[node] = len(inner)
            inner.append(node)
            waiting += [int(right[node]), int(left[node])]
    lines: dict[str, object] = {"Tree": number, "num_leaves": len(leaves), "num_cat": 0}
    if inner:
        zeros, ones = " ".join("0" * len(inner)), " ".join("1" * len(leaves))
        lines |= {
            "split_feature": " ".join(str(column[node]) for node in inner),
            "split_gain": zeros,
            "threshold": " ".join(repr(values[node]) for node in inner),
            "decision_type": zeros,  # a number, not above the threshold: left; nothing is missing
            "left_child": " ".join(str(name[int(left[node])]) for node in inner),
            "right_child": " ".join(str(name[int(right[node])]) for node in inner),
            "internal_value": zeros,
            "internal_weight": zeros,
            "internal_count": zeros,
            "leaf_weight": ones,
            "leaf_count": ones,
        }
    lines |= {"leaf_value": " ".join(repr(values[node]) for node in leaves), "is_linear": 0, "shrinkage": 1}
    return "".join(f"{key}={value}\n" for key, value in lines.items()) + "\n\n"
