"""Solves the kernel ridge regression of `hyperpcm.nn.kernel_ridge` by conjugate gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn import functional

from hyperpcm.nn.kernel_ridge import KernelPart, RidgeProblem, similarity_power

__all__ = ["coefficients_of", "known_scores", "solve_ridge", "solve_weights"]

_JITTER = 1e-4  # on the diagonal of the landmark kernel, against rounding
_ROWS = (
    16_384  # interactions of one target whose kernel rows are held at once where compounds go by landmarks
)


@torch.no_grad()
def solve_ridge(
    problem: RidgeProblem,
    parts: Sequence[KernelPart],
    noise: float,
    *,
    iterations: int = 100,
    tolerance: float = 3e-3,
    by_target: bool | None = None,
    progress: Callable[[int], None] | None = None,
) -> Float[Tensor, "k m j"]:
    """Return the coefficients A of the ridge solution: (K + noise · I) α = labels by conjugate gradients.

    With every compound a landmark the kernel is exact and A holds α by target and compound; with fewer it
    is the Nyström approximation. An iteration costs m·q² products where exact, else about n·j for each part.

    Args:
        problem: similarities and labels.
        parts: of the kernel.
        noise: added to the kernel's diagonal; variance of a label's noise over that of the prior.
        iterations: most steps; stopping early shrinks a little more.
        tolerance: stop when the residual's norm falls below this share of the labels' norm.
        by_target: multiply the rows of one target at a time, as suits a CPU, or of many at once, as suits a
            GPU, where starting so many products takes longer than they do; None: as suits the device.
        progress: called with the steps done.
    """
    problem, operators = _operators(problem, parts, by_target)[1:]
    solution = _solved(problem.labels, operators, noise, iterations, tolerance, progress)
    return torch.stack([operator.coefficients(solution) for operator in operators])


@torch.no_grad()
def solve_weights(
    problem: RidgeProblem,
    parts: Sequence[KernelPart],
    noise: float,
    *,
    iterations: int = 100,
    tolerance: float = 3e-3,
    progress: Callable[[int], None] | None = None,
) -> Float[Tensor, "n"]:
    """Return α, the weight of each label, where `solve_ridge` gives coefficients; arguments as there."""
    order, problem, operators = _operators(problem, parts, None)
    solution = _solved(problem.labels, operators, noise, iterations, tolerance, progress)
    return torch.empty_like(solution).scatter_(0, order, solution)


@torch.no_grad()
def coefficients_of(
    problem: RidgeProblem, parts: Sequence[KernelPart], weights: Float[Tensor, "n"]
) -> Float[Tensor, "k m j"]:
    """Return the coefficients A that weights of the labels, as from `solve_weights`, amount to.

    Args:
        problem: whose labels and similarities of targets are not read.
        parts: of the kernel.
        weights: of the labels, in the order of the problem.
    """
    order, problem, operators = _operators(problem, parts, None)
    return torch.stack([operator.coefficients(weights[order]) for operator in operators])


def _operators(
    problem: RidgeProblem, parts: Sequence[KernelPart], by_target: bool | None
) -> tuple[Tensor, RidgeProblem, list[_Operator]]:
    """Return the order of the labels by target, the problem in it, and what multiplies by each part."""
    order = torch.argsort(problem.targets, stable=True)
    problem = problem.only(order)
    by_target = problem.labels.device.type == "cpu" if by_target is None else by_target
    return order, problem, [_Operator(problem, part, by_target=by_target) for part in parts]


def _solved(
    labels: Float[Tensor, "n"],
    operators: Sequence[_Operator],
    noise: float,
    iterations: int,
    tolerance: float,
    progress: Callable[[int], None] | None,
) -> Float[Tensor, "n"]:
    """Return α by conjugate gradients."""
    active = [operator for operator in operators if operator.part.weight > 0]

    def product(vector: Tensor) -> Tensor:
        return noise * vector + torch.stack([operator.apply(vector) for operator in active]).sum(0)

    solution = torch.zeros_like(labels)
    residual = labels.clone()
    direction, square = residual.clone(), residual @ residual
    enough = tolerance**2 * float(square)
    for step in range(iterations):
        if float(square) <= enough:
            break
        image = product(direction)
        length = square / (direction @ image)
        solution += length * direction
        residual -= length * image
        before, square = square, residual @ residual
        direction = residual + square / before * direction
        if progress is not None:
            progress(step + 1)
    return solution


@torch.no_grad()
def known_scores(
    problem: RidgeProblem,
    parts: Sequence[KernelPart],
    coefficients: Float[Tensor, "k m j"],
    targets: Int[Tensor, "n"],
    compounds: Int[Tensor, "n"],
) -> Float[Tensor, "n"]:
    """Return the scores of pairs of known targets and known compounds, in scaled label units.

    Args:
        problem: whose similarities are read; its labels are not.
        parts: of the kernel.
        coefficients: as from `solve_ridge`.
        targets: known target of each pair.
        compounds: known compound of each pair.
    """
    scores = problem.labels.new_zeros(len(targets))
    for part, of_part in zip(parts, coefficients, strict=True):
        if part.weight <= 0:
            continue
        state = part.weight * similarity_power(problem.similarity, part.target_exponent) @ of_part
        kernel = similarity_power(problem.tanimoto, part.compound_exponent)
        for rows in _blocks(len(targets)):
            scores[rows] += (kernel[compounds[rows]] * state[targets[rows]]).sum(1)
    return scores


class _Operator:
    """Multiplies by one part of the kernel between labelled pairs in the order of their targets.

    Where compounds go by landmarks, sums over the labels of a target add up kernel rows where they lie. For
    products with them rows are gathered: those of one target at a time, and the rest is one product of a
    matrix and a vector; or those of many at once.
    """

    def __init__(self, problem: RidgeProblem, part: KernelPart, *, by_target: bool) -> None:
        self.problem, self.part, self.by_target = problem, part, by_target
        if part.weight <= 0:
            return
        self.of_compounds = similarity_power(problem.tanimoto, part.compound_exponent)
        self.factor: Tensor | None = None
        if not problem.is_exact:
            kernel = self.of_compounds[problem.landmarks].double()
            kernel.diagonal().add_(_JITTER)
            self.factor = torch.linalg.cholesky(kernel).float()
            self.blocks = _blocks_of_targets(problem.targets)
            sizes = torch.bincount(problem.targets, minlength=len(problem.similarity))
            self.starts = torch.cat([sizes.new_zeros(1), sizes.cumsum(0)])

    @cached_property
    def of_targets(self) -> Float[Tensor, "m m"]:
        """The kernel of the targets, with the weight of the part."""
        kernel = similarity_power(self.problem.similarity, self.part.target_exponent)
        return self.part.weight * _positive(kernel)

    def _kernel(self, rows: slice) -> Float[Tensor, "b j"]:
        return self.of_compounds.index_select(0, self.problem.compounds[rows])

    def apply(self, vector: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
        """Return this part of the kernel times a vector over the labels."""
        problem = self.problem
        state = self.of_targets @ self.coefficients(vector)
        if problem.is_exact:
            product: Tensor = (state @ self.of_compounds)[problem.targets, problem.compounds]
            return product
        out = torch.empty_like(vector)
        if self.by_target:
            for target, rows in self.blocks:
                torch.mv(self._kernel(rows), state[target], out=out[rows])
        else:
            for rows in _blocks(len(vector)):
                out[rows] = (self._kernel(rows) * state[problem.targets[rows]]).sum(1)
        return out

    def coefficients(self, vector: Float[Tensor, "n"]) -> Float[Tensor, "m j"]:
        """Return what a vector over the labels amounts to by known target and landmark."""
        problem = self.problem
        if self.part.weight <= 0 or self.factor is None:
            sums = problem.labels.new_zeros(len(problem.similarity), problem.tanimoto.shape[1])
            if self.part.weight <= 0:
                return sums
            return sums.index_put_((problem.targets, problem.compounds), vector, accumulate=True)
        sums = functional.embedding_bag(
            problem.compounds,
            self.of_compounds,
            self.starts,
            mode="sum",
            per_sample_weights=vector,
            include_last_offset=True,
        )
        solved: Tensor = torch.cholesky_solve(sums.T, self.factor)
        return solved.T


def _blocks_of_targets(targets: Int[Tensor, "n"]) -> list[tuple[int, slice]]:
    """Return each target, and where its labels are in an order by target, in blocks of bounded size."""
    found, sizes = torch.unique_consecutive(targets, return_counts=True)
    ends = sizes.cumsum(0).tolist()
    return [
        (target, slice(start, min(start + _ROWS, end)))
        for target, begin, end in zip(found.tolist(), [0, *ends], ends, strict=False)
        for start in range(begin, end, _ROWS)
    ]


def _blocks(size: int) -> Iterator[slice]:
    return (slice(start, start + _ROWS) for start in range(0, size, _ROWS))


def _positive(kernel: Float[Tensor, "m m"]) -> Float[Tensor, "m m"]:
    """Return the nearest kernel without negative eigenvalues; alignment similarity may have some."""
    values, vectors = torch.linalg.eigh(kernel.double())
    clipped: Tensor = (vectors * values.clamp_min(0)) @ vectors.T
    return clipped.float()
