"""The ridge regression over a model's memory: solved once more, or extended by labels that were added."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from hyperpcm.chem import tanimoto
from hyperpcm.nn.kernel_ridge import (
    NOISE,
    KernelPart,
    RidgeProblem,
    TwoAxisRidge,
    added_landmarks,
    ridge_scores,
)
from hyperpcm.nn.ridge_solver import coefficients_of, solve_ridge, solve_weights
from hyperpcm.protein import alignment_similarity

if TYPE_CHECKING:
    from hyperpcm.model.hyperpcm import HyperPCM

__all__ = [
    "ExtendedMemory",
    "extended_columns",
    "extended_ridge",
    "memory_similarity",
    "ridge_problem",
    "solve_again",
]


@dataclass(frozen=True, eq=False)
class ExtendedMemory:
    """A memory with labels that were added; rows, compounds and labels of before come first.

    Attributes:
        sequences: of the targets [m].
        rows: target of each label, int32 [n].
        columns: compound of each label, int32 [n].
        values: labels, float32 [n]; of those from before, some may be others now.
        landmarks: packed presence bits of the compounds, uint8 [q, w / 8].
        ridge_columns: compounds of the ridge regression, int32 [j].
        similarity: of the targets that were added to those from before, float32 [m − m₀, m₀].
    """

    sequences: tuple[str, ...]
    rows: Int[Tensor, "n"]
    columns: Int[Tensor, "n"]
    values: Float[Tensor, "n"]
    landmarks: UInt8[Tensor, "q b"]
    ridge_columns: Int[Tensor, "j"]
    similarity: Float[Tensor, "a m0"]


def ridge_problem(
    model: HyperPCM, similarity: Float[Tensor, "m m"], columns: npt.NDArray[np.int64]
) -> RidgeProblem:
    """Return the regression of all labels of a model's memory on some landmarks.

    Args:
        model: whose memory it is.
        similarity: alignment similarity of the memory rows to one another.
        columns: landmark compounds of the regression, int64 [j], ascending.
    """
    bits = model.landmark_bits()
    return RidgeProblem(
        similarity=similarity,
        tanimoto=torch.from_numpy(tanimoto(bits, bits[columns])),
        landmarks=torch.from_numpy(columns),
        targets=model.memory_rows.long(),
        compounds=model.memory_columns.long(),
        labels=model.label_scale.to_scaled(model.memory_values),
    )


def memory_similarity(model: HyperPCM, progress: Callable[[int], None] | None = None) -> Float[Tensor, "m m"]:
    """Return the alignment similarity of the memory rows to one another; the model keeps it.

    About 0.1 ms for each of the m²/2 pairs the first time.

    Args:
        model: whose memory it is.
        progress: called with the number of rows done.
    """
    if model.memory_similarity is None:
        threads = torch.get_num_threads()
        similarity = alignment_similarity(model.memory_sequences, threads=threads, progress=progress)
        model.memory_similarity = torch.from_numpy(similarity)
    return model.memory_similarity


@torch.no_grad()
def solve_again(model: HyperPCM) -> None:
    """Solve the regression for what the memory holds now, with its kernel; as after training.

    Args:
        model: on the CPU; changed in place. Left as it is where it has no ridge regression or no labels.
    """
    if model.ridge is None or not len(model.memory_values) or not len(model.ridge_columns):
        return
    kernel, columns = model.ridge.kernel_parts(), model.ridge_columns.numpy().astype(np.int64)
    if not _says_something(kernel):
        return
    problem = ridge_problem(model, memory_similarity(model), columns)
    steps = model.config.retrieval.ridge_iterations
    model.ridge.set(kernel, solve_ridge(problem, kernel, NOISE, iterations=steps))


def extended_columns(model: HyperPCM, added: int) -> Int[Tensor, "j"]:
    """Return the landmarks of the regression with those that compounds at the end of the memory give.

    Args:
        model: without them.
        added: compounds; where not all can be landmarks, evenly drawn ones are.
    """
    before, landmarks = len(model.landmark_compounds), model.ridge_columns.cpu()
    most = added_landmarks(before + added, len(landmarks), added)
    chosen = np.unique(np.linspace(0, max(added - 1, 0), most).astype(np.int32))
    return torch.cat([landmarks, torch.from_numpy(before + chosen).to(torch.int32)])


@torch.no_grad()
def extended_ridge(
    model: HyperPCM, memory: ExtendedMemory, weights: Float[Tensor, "n"] | None = None
) -> tuple[Float[Tensor, "k m j"], Float[Tensor, "n"]]:
    """Return the coefficients of the regression with what was added, and the weights of the labels in it.

    What the regression said before is taken as what the labels of before made it say. To it is added the
    solution, in closed form and with the same kernel and noise, that has what the new labels differ from it
    by as labels of the new pairs, and 0 as those of the others: the update of a Gaussian process by new
    observations. So the regression is the same as before where the new labels say nothing, and however
    it was solved.

    Args:
        model: on the CPU, with a ridge regression, from before.
        memory: with what was added.
        weights: as this function gave them for the same arguments, so that nothing is solved.
    """
    if model.ridge is None:
        raise ValueError("this model has no ridge regression (model.retrieval.ridge = false)")
    before, targets = model.ridge.coefficients.cpu(), len(memory.sequences)
    bits = np.unpackbits(memory.landmarks.numpy(), axis=1, count=model.landmark_width)
    columns, kernel = memory.ridge_columns.long(), model.ridge.kernel_parts()
    problem = RidgeProblem(
        similarity=torch.zeros(()).expand(targets, targets),
        tanimoto=torch.from_numpy(tanimoto(bits, bits[columns.numpy()])),
        landmarks=columns,
        targets=memory.rows.long(),
        compounds=memory.columns.long(),
        labels=torch.zeros(len(memory.values)),
    )
    if weights is None and not _says_something(kernel):
        weights = torch.zeros(len(memory.values))
    if weights is None:
        said = _differences(model, model.ridge, memory, problem.tanimoto)
        whole = replace(problem, similarity=_similarity(model, memory), labels=said)
        steps = model.config.retrieval.ridge_iterations
        weights = solve_weights(whole, kernel, NOISE, iterations=steps)
    coefficients = coefficients_of(problem, kernel, weights)
    coefficients[:, : before.shape[1], : before.shape[2]] += before
    return coefficients, weights


def _says_something(kernel: Sequence[KernelPart]) -> bool:
    """Whether any part of a kernel has weight, as in every regression that was fitted."""
    return any(part.weight > 0 for part in kernel)


def _differences(
    model: HyperPCM, ridge: TwoAxisRidge, memory: ExtendedMemory, tanimoto: Float[Tensor, "q j"]
) -> Float[Tensor, "n"]:
    """How much each scaled label differs from what the regression is taken to say of it."""
    known, landmarks = len(model.memory_values), len(model.ridge_columns)
    scale = model.label_scale
    values = scale.to_scaled(memory.values)
    said = torch.cat([scale.to_scaled(model.memory_values.cpu()), torch.zeros(len(values) - known)])
    rows = memory.rows[known:].long()
    for row in sorted(set(rows.tolist())):
        at = known + torch.nonzero(rows == row).flatten()
        collapsed = ridge.collapse(_to_before(model, memory, row))
        near = tanimoto[memory.columns[at].long()][:, :landmarks]
        said[at] = ridge_scores(collapsed, ridge.compound_exponents, near[None])[0]
    return values - said


def _to_before(model: HyperPCM, memory: ExtendedMemory, row: int) -> Float[Tensor, "1 m0"]:
    """The similarity of a target to those from before."""
    before = len(model.memory_sequences)
    if row < before:
        return memory_similarity(model)[row][None]
    return memory.similarity[row - before][None]


def _similarity(model: HyperPCM, memory: ExtendedMemory) -> Float[Tensor, "m m"]:
    """The similarity of all targets to one another."""
    before = len(model.memory_sequences)
    added = memory.sequences[before:]
    if not added:
        return memory_similarity(model)
    own = torch.from_numpy(alignment_similarity(added))
    upper = torch.cat([memory_similarity(model), memory.similarity.T], dim=1)
    return torch.cat([upper, torch.cat([memory.similarity, own], dim=1)])
