"""Boosted regression trees as tensors: scored without the library that grew them, and folded for one target.

A split on a column that is constant, as every column of the target is once the target is known, always goes
the same way. `BoostedTrees.folded` takes such splits out: what is left is a smaller set of trees over the
columns of the compound, which is what a target model keeps.

Source: Friedman, "Greedy function approximation: a gradient boosting machine", Ann. Stat. 2001; Jones, Gomard
and Sestoft, "Partial Evaluation and Automatic Program Generation", 1993.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

__all__ = ["BoostedTrees", "Tree"]

_ROWS = 256  # rows that go down the trees at a time on a CPU
_PLACES = 16_777_216  # rows times trees elsewhere: 128 MB of places, work enough for a GPU
_LEAF = -1  # in the place of a column


@dataclass(frozen=True)
class Tree:
    """One regression tree in arrays, its root first.

    Attributes:
        column: that a node splits on, −1 at a leaf [n].
        threshold: a row goes left where its column is not above this; at a leaf, what the tree says [n].
        left: node to go on with; at a leaf the leaf itself [n].
        right: likewise.
    """

    column: npt.NDArray[np.int32]
    threshold: npt.NDArray[np.float32]
    left: npt.NDArray[np.int32]
    right: npt.NDArray[np.int32]


class BoostedTrees(nn.Module):
    """A sum of regression trees, or none at all.

    Nodes of all trees lie in one array; a leaf leads to itself, so that a row may stay there while others go
    on. Trees are sorted by depth, deepest first.

    Args:
        trees: how many.
        nodes: of all of them together.
    """

    roots: Tensor
    depths: Tensor
    column: Tensor
    threshold: Tensor
    left: Tensor
    right: Tensor

    def __init__(self, trees: int = 0, nodes: int = 0) -> None:
        super().__init__()
        for name in ("roots", "depths"):
            self.register_buffer(name, torch.zeros(trees, dtype=torch.int32))
        for name in ("column", "left", "right"):
            self.register_buffer(name, torch.zeros(nodes, dtype=torch.int32))
        self.register_buffer("threshold", torch.zeros(nodes))

    @classmethod
    def of(cls, trees: Sequence[Tree]) -> BoostedTrees:
        """Return the sum of some trees."""
        sizes = np.array([len(tree.column) for tree in trees], dtype=np.int64)
        starts = np.cumsum(sizes) - sizes
        shift = np.repeat(starts, sizes)
        column, left, right = (
            np.concatenate([np.zeros(0, np.int32), *(getattr(tree, name) for tree in trees)])
            for name in ("column", "left", "right")
        )
        threshold = np.concatenate([np.zeros(0, np.float32), *(tree.threshold for tree in trees)])
        return cls._built(starts, column, threshold, left + shift, right + shift)

    @classmethod
    def joined(cls, parts: Sequence[BoostedTrees]) -> BoostedTrees:
        """Return one sum of several, one at least; nodes of each follow those of the one before."""
        starts = np.cumsum([0, *(len(part.column) for part in parts)])[:-1]
        roots, left, right = (
            np.concatenate(
                [getattr(part, name).cpu().numpy() + at for part, at in zip(parts, starts, strict=True)]
            )
            for name in ("roots", "left", "right")
        )
        column, threshold = (
            np.concatenate([getattr(part, name).cpu().numpy() for part in parts])
            for name in ("column", "threshold")
        )
        return cls._built(roots, column, threshold, left, right)

    @classmethod
    def _built(
        cls,
        roots: npt.NDArray[np.int64],
        column: npt.NDArray[np.int32],
        threshold: npt.NDArray[np.float32],
        left: npt.NDArray[np.int64],
        right: npt.NDArray[np.int64],
    ) -> BoostedTrees:
        depths = _depths(roots, column, left, right)
        order = np.argsort(-depths, kind="stable")
        made = cls(len(roots), len(column))
        arrays = {"roots": roots[order], "depths": depths[order], "column": column, "left": left}
        for name, array in (arrays | {"right": right}).items():
            getattr(made, name).copy_(torch.from_numpy(np.asarray(array, dtype=np.int32)))
        made.threshold.copy_(torch.from_numpy(threshold))
        return made

    @property
    def size(self) -> tuple[int, int]:
        """How many trees, and how many nodes."""
        return len(self.roots), len(self.column)

    def is_sound(self, width: int) -> bool:
        """Whether every way down ends at a leaf of its own within the stated depth, over columns that exist.

        Args:
            width: number of columns.
        """
        roots, column, left, right = (
            part.cpu().numpy().astype(np.int64) for part in (self.roots, self.column, self.left, self.right)
        )
        nodes = np.arange(len(column))
        inner = column != _LEAF
        if (
            not ((column >= _LEAF) & (column < width)).all()
            or not ((roots >= 0) & (roots < len(nodes))).all()
        ):
            return False
        for child in (left, right):  # nodes are numbered downwards, so that no way leads in a circle
            if not (np.where(inner, child > nodes, child == nodes) & (child < len(nodes))).all():
                return False
        ways = np.bincount(np.concatenate([roots, left[inner], right[inner]]), minlength=len(nodes))
        if (ways > 1).any():  # ways that meet would have to be followed again and again
            return False
        depths = self.depths.cpu().numpy()
        return bool((np.diff(depths) <= 0).all() and (depths == _depths(roots, column, left, right)).all())

    def forward(self, columns: Float[Tensor, "n d"]) -> Float[Tensor, "n"]:
        """Return the sum over the trees for each row."""
        sums = [said.sum(1) for said in self.leaves(columns)]
        return torch.cat(sums) if sums else columns.new_zeros(0)

    def leaves(self, columns: Float[Tensor, "n d"]) -> Iterator[Float[Tensor, "b t"]]:
        """Yield what each tree says of each row, some rows at a time; trees in the order of `roots`."""
        depths = self.depths.cpu()
        going = [int((depths > step).sum()) for step in range(int(depths.max()) if len(depths) else 0)]
        column, roots = self.column.clamp_min(0).long(), self.roots.long()
        below = torch.stack([self.right, self.left], dim=1).flatten().long()
        rows = _ROWS if columns.device.type == "cpu" else max(1, _PLACES // max(1, len(roots)))
        for start in range(0, len(columns), rows):
            block = columns[start : start + rows]
            at = roots.expand(len(block), -1).contiguous()
            for trees in going:
                node = at[:, :trees]
                goes_left = block.gather(1, column[node]) <= self.threshold[node]
                at[:, :trees] = below[2 * node + goes_left]
            yield self.threshold[at]

    def folded(self, constant: Bool[Tensor, "d"], values: Float[Tensor, "d"]) -> BoostedTrees:
        """Return trees that say the same of every row with these values in the constant columns.

        Args:
            constant: whether a column has one value for all rows to come.
            values: that value; not looked at in the other columns.
        """
        column, threshold = self.column.cpu().numpy(), self.threshold.cpu().numpy()
        left, right = self.left.cpu().numpy(), self.right.cpu().numpy()
        at = np.maximum(column, 0)
        is_known = (column >= 0) & constant.cpu().numpy()[at]
        chosen = np.where(values.cpu().numpy()[at] <= threshold, left, right)
        leads = np.where(is_known, chosen, np.arange(len(column)))
        while is_known[leads].any():
            leads = leads[leads]
        roots, left, right = leads[self.roots.cpu().numpy()], leads[left], leads[right]
        used = np.zeros(len(column), dtype=bool)
        frontier = np.unique(roots)
        while len(frontier):
            used[frontier] = True
            below = np.unique(np.concatenate([left[frontier], right[frontier]]))
            frontier = below[~used[below]]
        place = np.cumsum(used) - 1
        made = self._built(place[roots], column[used], threshold[used], place[left[used]], place[right[used]])
        return made.to(self.threshold.device)


def _depths(
    roots: npt.NDArray[np.int64],
    column: npt.NDArray[np.integer],
    left: npt.NDArray[np.int64],
    right: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """Return the number of splits on the longest way down each tree."""
    depths = np.zeros(len(roots), dtype=np.int64)
    nodes, trees = roots, np.arange(len(roots))
    while len(nodes):
        inner = column[nodes] != _LEAF
        nodes, trees = nodes[inner], trees[inner]
        depths[trees] += 1  # once for each tree, however many of its nodes are there
        nodes, trees = np.concatenate([left[nodes], right[nodes]]), np.concatenate([trees, trees])
    return depths
