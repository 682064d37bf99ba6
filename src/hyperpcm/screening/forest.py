"""Trees of a compiled target for many compounds: LightGBM's own way down on a CPU, ours on another device.

The way down is LightGBM's because it takes a third of the time; the trees, and what they say, are the same.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from hyperpcm.nn.trees import BoostedTrees

__all__ = ["Forest"]


class Forest:
    """A sum of trees over the columns that they look at.

    Args:
        trees: over all columns.
        width: number of all columns.
        device: where they are.
    """

    def __init__(self, trees: BoostedTrees, width: int, device: torch.device) -> None:
        column = trees.column.cpu().numpy()
        self.used: npt.NDArray[np.int64] = np.unique(column[column >= 0]).astype(np.int64)
        place = np.full(width + 1, -1, dtype=np.int32)  # the last is for leaves
        place[self.used] = np.arange(len(self.used))
        self._narrow = BoostedTrees(*trees.size)
        self._narrow.load_state_dict({**trees.state_dict(), "column": torch.from_numpy(place[column])})
        self._narrow.to(device)
        self._booster: Any = None
        if device.type == "cpu" and len(self.used):
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
