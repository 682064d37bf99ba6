"""Solves the kernel ridge regression of `hyperpcm.nn.kernel_ridge` by conjugate gradients.

Source: Chen et al., "Similarity-based classification: concepts and algorithms", JMLR 2009 (similarities that
are no kernel: negative eigenvalues are clipped, and those to others are projected alike).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from hyperpcm.nn.kernel_ridge import KernelPart, RidgeProblem, similarity_power

__all__ = ["coefficients_of", "known_scores", "solve_ridge", "solve_ridge_for", "solve_weights"]

_JITTER = 1e-4  # on the diagonal of the landmark kernel, against rounding
_ROUNDING = 1e-6  # negative eigenvalues smaller than this, over the largest one, are rounding
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
    A kernel of targets with negative eigenvalues, as parts of proteins beside the whole may give, counts
    without them; A is projected on what is left, so that it scores as it was solved.

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
    found: Tensor = solve_ridge_for(
        problem,
        torch.ones_like(problem.labels, dtype=torch.bool)[None],
        parts,
        noise,
        iterations=iterations,
        tolerance=tolerance,
        by_target=by_target,
        progress=progress,
    )[0]
    return found


@torch.no_grad()
def solve_ridge_for(
    problem: RidgeProblem,
    seen: Bool[Tensor, "s n"],
    parts: Sequence[KernelPart],
    noise: float,
    *,
    iterations: int = 100,
    tolerance: float = 3e-3,
    by_target: bool | None = None,
    progress: Callable[[int], None] | None = None,
) -> Float[Tensor, "s k m j"]:
    """Return the solutions that see some of the labels only; each as `solve_ridge` with these labels.

    They are solved side by side, so that rows of the kernel are gathered once for all of them.

    Args:
        problem: similarities and labels.
        seen: labels that each solution sees.
        parts: and all that follows, as for `solve_ridge`.
        noise: likewise.
        iterations: likewise.
        tolerance: likewise.
        by_target: likewise.
        progress: likewise.
    """
    order, problem, operators = _operators(problem, parts, by_target)
    seen = seen[:, order].T.contiguous()
    solutions = _solved(problem.labels, seen, operators, noise, iterations, tolerance, progress)
    return torch.stack(
        [operator.projected(operator.coefficients(solutions)) for operator in operators], dim=1
    )


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
    every = torch.ones_like(problem.labels, dtype=torch.bool)[:, None]
    solution = _solved(problem.labels, every, operators, noise, iterations, tolerance, progress)[:, 0]
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
    return torch.stack([operator.coefficients(weights[order, None])[0] for operator in operators])


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
    seen: Bool[Tensor, "n s"],
    operators: Sequence[_Operator],
    noise: float,
    iterations: int,
    tolerance: float,
    progress: Callable[[int], None] | None,
) -> Float[Tensor, "n s"]:
    """Return α of each solution by conjugate gradients, 0 where it does not see the label."""
    active = [operator for operator in operators if operator.part.weight > 0]

    def product(vectors: Tensor) -> Tensor:
        return noise * vectors + seen * torch.stack([operator.apply(vectors) for operator in active]).sum(0)

    residual = labels[:, None] * seen
    solution, direction = torch.zeros_like(residual), residual.clone()
    square = residual.square().sum(0)
    enough = tolerance**2 * square
    for step in range(iterations):
        going = square > enough
        if not going.any():
            break
        image = product(direction)
        length = torch.where(going, square / (direction * image).sum(0), 0.0)
        solution += length * direction
        residual -= length * image
        before, square = square, residual.square().sum(0)
        direction = residual + torch.where(going, square / before, 0.0) * direction
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
        for rows in _blocks(len(targets)):
            kernel = similarity_power(problem.tanimoto[compounds[rows]], part.compound_exponent)
            scores[rows] += (kernel * state[targets[rows]]).sum(1)
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
        """The kernel of the targets without its negative eigenvalues, with the weight of the part."""
        values, vectors = self._eigen
        clipped: Tensor = (vectors * values.clamp_min(0)) @ vectors.T
        return self.part.weight * clipped.float()

    @cached_property
    def _eigen(self) -> tuple[Float[Tensor, "m"], Float[Tensor, "m m"]]:
        kernel = similarity_power(self.problem.similarity, self.part.target_exponent)
        values, vectors = torch.linalg.eigh(kernel.double())
        return values, vectors

    def projected(self, coefficients: Float[Tensor, "s m j"]) -> Float[Tensor, "s m j"]:
        """Return coefficients that score with the kernel as it is as others do without negative parts."""
        if self.part.weight <= 0:
            return coefficients
        values, vectors = self._eigen
        negative = vectors[:, values < -_ROUNDING * values.abs().max()].float()
        if not negative.shape[1]:
            return coefficients
        return coefficients - negative @ (negative.T @ coefficients)

    def _kernel(self, rows: slice) -> Float[Tensor, "b j"]:
        return self.of_compounds.index_select(0, self.problem.compounds[rows])

    def apply(self, vectors: Float[Tensor, "n s"]) -> Float[Tensor, "n s"]:
        """Return this part of the kernel times vectors over the labels."""
        problem = self.problem
        states = self.of_targets @ self.coefficients(vectors)
        if problem.is_exact:
            products = [(state @ self.of_compounds)[problem.targets, problem.compounds] for state in states]
            return torch.stack(products, dim=1)
        out, by_target = torch.empty_like(vectors), states.permute(1, 2, 0).contiguous()
        if self.by_target:
            for target, rows in self.blocks:
                torch.mm(self._kernel(rows), by_target[target], out=out[rows])
        else:
            for rows in _blocks(len(vectors)):
                kernel = self._kernel(rows)
                for place, state in enumerate(states):
                    out[rows, place] = (kernel * state[problem.targets[rows]]).sum(1)
        return out

    def coefficients(self, vectors: Float[Tensor, "n s"]) -> Float[Tensor, "s m j"]:
        """Return what vectors over the labels amount to by known target and landmark."""
        return torch.stack([self._coefficients(vector) for vector in vectors.T.contiguous()])

    def _coefficients(self, vector: Float[Tensor, "n"]) -> Float[Tensor, "m j"]:
        problem = self.problem
        if self.part.weight > 0 and self.factor is not None:
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
        sums = problem.labels.new_zeros(len(problem.similarity), problem.tanimoto.shape[1])
        if self.part.weight > 0:
            sums.index_put_((problem.targets, problem.compounds), vector, accumulate=True)
        return sums


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
