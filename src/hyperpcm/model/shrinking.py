"""A trained model made smaller: numbers rounded to few digits, and compounds of its memory left out.

Rounded numbers are whole multiples of a power of two, the same for all numbers of a table or of one of its
parts: few different ones are left, which a file tells in few bytes. The power follows from how widely the
numbers are spread, so that what rounding adds is a fixed share of that. Nothing is learned again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from hyperpcm.errors import ConfigError, InputError
from hyperpcm.model.card import SHRUNK, card_text
from hyperpcm.model.copying import bare_state, rebuilt

if TYPE_CHECKING:
    from hyperpcm.model.hyperpcm import HyperPCM

__all__ = ["Shrinking", "compounds_by_evidence", "shrunk"]

_SMALL: Final = 256  # numbers; a table with fewer stays as it is


@dataclass(frozen=True)
class Shrinking:
    """What is taken away. Steps are shares of a standard deviation; 0 rounds nothing.

    Attributes:
        networks: step of the weights of the context modules and hypernetworks.
        ridge: of the coefficients of the ridge regression, within each part of its kernel.
        targets: of the embeddings of the memory's targets and their places along the axes of the alignment,
            and of these axes, within each column.
        profiles: of the profiles of the landmark compounds.
        leaves: of what the boosted trees say at their leaves.
        thresholds: significant bits of what boosted trees split at; 0: all.
        labels: of the labels in the memory, a share of their standard deviation too.
        compounds: of the memory that stay; None: all.
    """

    networks: float = 0.0
    ridge: float = 0.0
    targets: float = 0.0
    profiles: float = 0.0
    leaves: float = 0.0
    thresholds: int = 0
    labels: float = 0.0
    compounds: int | None = None

    def record(self) -> dict[str, Any]:
        """Return it for the card (JSON values)."""
        return asdict(self)


@torch.no_grad()
def shrunk(model: HyperPCM, shrinking: Shrinking) -> HyperPCM:
    """Return a smaller model that scores nearly the same; its card says what was taken away.

    Args:
        model: not mutated.
        shrinking: what is taken away.

    Raises:
        InputError: overlays lie over its memory.
        ConfigError: no compound would stay, or fewer than the ridge regression reads.
    """
    if model.overlaid is not None:
        raise InputError(
            "overlays lie over the memory of this model, and a smaller one could not give them back. Write "
            "the trained model small, and lay them over that."
        )
    tensors, header = bare_state(model)
    before = {"compounds": len(model.landmark_compounds), "labels": len(model.memory_values)}
    if shrinking.compounds is not None and shrinking.compounds < before["compounds"]:
        _leave_compounds_out(model, shrinking.compounds, tensors, header)
    for name, tensor in tensors.items():
        tensors[name] = _rounded(name, tensor, shrinking, tensors)
    header["card"] = {
        **header["card"],
        SHRUNK: {
            "steps": shrinking.record(),
            "compounds": {"kept": len(header["landmark_compounds"]), "of": before["compounds"]},
            "labels": {"kept": len(tensors["memory_values"]), "of": before["labels"]},
            "model": model.origin,
        },
    }
    found = rebuilt(model, tensors, header)
    if "text" in found.card:
        found.card["text"] = card_text(found)
    return found


def compounds_by_evidence(model: HyperPCM) -> npt.NDArray[np.int64]:
    """Return the compounds of a memory, those first that should stay longest [j].

    First come those that the ridge regression reads, which has coefficients for them. Then compounds with
    more labels come before those with fewer; of these, evenly drawn ones first, so that each series of
    compounds that stand together keeps some.
    """
    number = len(model.landmark_compounds)
    labels = np.bincount(model.memory_columns.cpu().numpy(), minlength=number)
    of_ridge = np.zeros(number, dtype=np.bool_)
    of_ridge[model.ridge_columns.cpu().numpy()] = True
    return np.lexsort((_scattered(number), -labels, ~of_ridge))


def _scattered(number: int) -> npt.NDArray[np.float64]:
    """A number in [0, 1) for each place, such that those below any bound are evenly spread.

    Source: van der Corput, 1935; here the multiples of the golden ratio.
    """
    golden = (np.sqrt(5.0) - 1) / 2
    scattered: npt.NDArray[np.float64] = np.arange(number) * golden % 1.0
    return scattered


def _leave_compounds_out(
    model: HyperPCM, number: int, tensors: dict[str, Tensor], header: dict[str, Any]
) -> None:
    """Take compounds out of a state, with their labels; targets stay, and all that was learned."""
    least = max(1, len(model.ridge_columns) if model.ridge is not None else 1)
    if number < least:
        raise ConfigError(f"{least:,} compounds must stay at least, of which {number:,} were asked for.")
    kept = np.sort(compounds_by_evidence(model)[:number])
    columns = tensors["memory_columns"].numpy()
    of_kept = np.isin(columns, kept)
    at, known = torch.from_numpy(kept), torch.from_numpy(of_kept)
    tensors["memory_columns"] = torch.from_numpy(np.searchsorted(kept, columns[of_kept]).astype(np.int32))
    for name in ("memory_rows", "memory_values"):
        tensors[name] = tensors[name][known]
    tensors["landmarks"] = tensors["landmarks"][at]
    of_ridge = tensors["ridge_columns"].numpy()
    in_ridge = np.isin(of_ridge, kept)
    tensors["ridge_columns"] = torch.from_numpy(np.searchsorted(kept, of_ridge[in_ridge]).astype(np.int32))
    if model.residual_prior is not None:
        tensors["residuals.profiles"] = tensors["residuals.profiles"][at]
    header["landmark_compounds"] = [model.landmark_compounds[place] for place in kept]


def _rounded(name: str, tensor: Tensor, shrinking: Shrinking, tensors: Mapping[str, Tensor]) -> Tensor:
    """A tensor of the state as it is rounded."""
    if tensor.dtype != torch.float32 or tensor.numel() < _SMALL:
        return tensor
    if name.endswith("trees.threshold"):
        return _rounded_trees(tensor, tensors[name.removesuffix("threshold") + "column"] < 0, shrinking)
    step, kept = {
        "memory_embeddings": (shrinking.targets, 1),
        "alignment.axes": (shrinking.targets, 1),
        "alignment.memory": (shrinking.targets, 1),
        "memory_values": (shrinking.labels, None),
        "ridge.coefficients": (shrinking.ridge, 0),
        "residuals.profiles": (shrinking.profiles, None),
    }.get(name, (shrinking.networks if name.startswith("members.") and tensor.ndim > 1 else 0.0, None))
    return _on_grid(tensor, step, kept) if step > 0 else tensor


def _on_grid(tensor: Tensor, step: float, kept: int | None = None) -> Tensor:
    """The nearest multiples of a power of two, about ``step`` times the standard deviation.

    Args:
        kept: axis along which each slice has a power of its own; None: one for all.
    """
    axes = tuple(axis for axis in range(tensor.ndim) if axis != kept)
    spread = tensor.double().std(dim=axes, correction=0, keepdim=True)
    wide = torch.where(spread > 0, spread * step, 1.0)
    grid = torch.exp2(wide.log2().round())
    grid = torch.where(spread > 0, grid, 2.0**-24)
    return ((tensor / grid).round() * grid).float() + 0.0  # a zero has no sign


def _rounded_trees(threshold: Tensor, is_leaf: Tensor, shrinking: Shrinking) -> Tensor:
    """What trees say at leaves in steps, and what they split at in few significant bits."""
    found = threshold.clone()
    if shrinking.leaves > 0 and bool(is_leaf.any()):
        found[is_leaf] = _on_grid(threshold[is_leaf], shrinking.leaves)
    if shrinking.thresholds > 0:
        mantissa, exponent = torch.frexp(threshold[~is_leaf])
        scale = 2.0**shrinking.thresholds
        found[~is_leaf] = torch.ldexp((mantissa * scale).round() / scale, exponent)
    return found
