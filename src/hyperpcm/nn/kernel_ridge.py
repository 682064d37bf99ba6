"""Kernel ridge regression over both axes at once: a linear QSAR model per target, generated in closed form.

The kernel between interactions is a sum of products of powers of the two similarities,

    k((t, c), (r, j)) = Σ_i s_i · sim(t, r)^b_i · tanimoto(c, j)^a_i,

and the score of a compound for a target is Σ_i Σ_j tanimoto(c, j)^a_i · β_i[t, j] with
β_i[t, j] = s_i Σ_r sim(t, r)^b_i · A_i[r, j]. β depends on the target alone: it is what `collapse` generates
and what a target model keeps, one number per part and landmark compound.

Source: Pahikkala et al., "Toward more realistic drug-target interaction predictions", Brief. Bioinform. 2015
(Kronecker regularised least squares); Williams and Seeger, "Using the Nyström method to speed up kernel
machines", NeurIPS 2000 (landmarks).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

__all__ = [
    "KernelPart",
    "RidgeProblem",
    "TwoAxisRidge",
    "known_scores",
    "landmark_number",
    "ridge_scores",
    "ridge_scores_for_all",
    "similarity_power",
    "solve_ridge",
]

_FLOOR = 1e-6  # similarities below this count as this, so that every power is finite
_JITTER = 1e-4  # on the diagonal of the landmark kernel, against rounding
_ENTRIES = 120_000_000  # similarities of known compounds to landmarks, where those are drawn
_ROWS = (
    16_384  # interactions of one target whose kernel rows are held at once where compounds go by landmarks
)


def landmark_number(compounds: int, most: int) -> int:
    """Return how many of the known compounds can be landmarks.

    Args:
        compounds: known compounds.
        most: asked for. All compounds where they are no more; else fewer than asked for where the table of
            similarities would exceed 0.5 GB, because a step of the solver reads it several times.
    """
    return compounds if compounds <= most else min(most, max(_ENTRIES // compounds, 1))


@dataclass(frozen=True)
class KernelPart:
    """One product of the kernel.

    Attributes:
        weight: s, its share of the prior variance; 0 leaves the part out.
        target_exponent: b, power of the alignment similarity; 0: all targets alike.
        compound_exponent: a, power of the Tanimoto similarity; a whole number keeps the kernel positive.
    """

    weight: float
    target_exponent: float
    compound_exponent: float


@dataclass(frozen=True)
class RidgeProblem:
    """What `solve_ridge` is fitted to.

    Attributes:
        similarity: alignment similarity of the known targets to one another.
        tanimoto: similarity of the known compounds to the landmark compounds.
        landmarks: position of each landmark among the known compounds.
        targets: known target of each label.
        compounds: known compound of each label.
        labels: scaled labels (mean 0).
    """

    similarity: Float[Tensor, "m m"]
    tanimoto: Float[Tensor, "q j"]
    landmarks: Int[Tensor, "j"]
    targets: Int[Tensor, "n"]
    compounds: Int[Tensor, "n"]
    labels: Float[Tensor, "n"]

    def only(self, rows: Int[Tensor, "r"]) -> RidgeProblem:
        """Return the problem with these of its labels, in this order."""
        axes = {name: getattr(self, name)[rows] for name in ("targets", "compounds", "labels")}
        return replace(self, **axes)

    def to(self, device: torch.device | str) -> RidgeProblem:
        """Return the problem in the memory of a device."""
        return replace(self, **{one.name: getattr(self, one.name).to(device) for one in fields(self)})

    @property
    def is_exact(self) -> bool:
        """Whether every known compound is a landmark, in order."""
        return len(self.landmarks) == len(self.tanimoto)


class TwoAxisRidge(nn.Module):
    """Holds a solution and applies it.

    Args:
        parts: k, number of products in the kernel.
        targets: m, known targets.
        landmarks: j, landmark compounds.
    """

    weights: Tensor
    target_exponents: Tensor
    compound_exponents: Tensor
    coefficients: Tensor

    def __init__(self, parts: int, targets: int, landmarks: int) -> None:
        super().__init__()
        self.register_buffer("weights", torch.zeros(parts))
        self.register_buffer("target_exponents", torch.zeros(parts))
        self.register_buffer("compound_exponents", torch.ones(parts))
        self.register_buffer("coefficients", torch.zeros(parts, targets, landmarks))

    @torch.no_grad()
    def set(self, parts: Sequence[KernelPart], coefficients: Float[Tensor, "k m j"]) -> None:
        """Take over a solution."""
        for name in ("weight", "target_exponent", "compound_exponent"):
            getattr(self, f"{name}s").copy_(torch.tensor([getattr(part, name) for part in parts]))
        self.coefficients.copy_(coefficients)

    def kernel_parts(self) -> tuple[KernelPart, ...]:
        """Return the products of the kernel that the solution is of."""
        rows = zip(self.weights, self.target_exponents, self.compound_exponents, strict=True)
        return tuple(KernelPart(float(s), float(b), float(a)) for s, b, a in rows)

    def collapse(self, similarity: Float[Tensor, "t m"]) -> Float[Tensor, "t k j"]:
        """Return β: the coefficients of the linear model over landmark compounds of each target.

        Args:
            similarity: alignment similarity of the targets to the known ones.
        """
        powers = similarity_power(similarity[:, None], self.target_exponents[:, None])
        return torch.einsum("tkm,kmj->tkj", self.weights[:, None] * powers, self.coefficients)


def ridge_scores(
    collapsed: Float[Tensor, "t k j"], exponents: Float[Tensor, "k"], tanimoto: Float[Tensor, "t c j"]
) -> Float[Tensor, "t c"]:
    """Return the score of each compound for its target, in scaled label units.

    Args:
        collapsed: β of each target.
        exponents: of the compounds' similarity, one per part.
        tanimoto: similarity of each compound to the landmark compounds.
    """
    logarithm = tanimoto.clamp(_FLOOR, 1.0).log()
    scores = tanimoto.new_zeros(tanimoto.shape[:2])
    for part in range(len(exponents)):
        kernel = torch.exp(exponents[part] * logarithm)
        scores = scores + torch.bmm(kernel, collapsed[:, part, :, None]).squeeze(-1)
    return scores


def ridge_scores_for_all(
    collapsed: Float[Tensor, "t k j"], kernels: Iterable[Float[Tensor, "c j"]]
) -> Float[Tensor, "t c"]:
    """Return what `ridge_scores` returns where every target is asked about the same compounds.

    Args:
        collapsed: β of each target.
        kernels: of each compound and the landmark compounds, one per part, as from
            `similarity_power`.
    """
    return torch.stack([collapsed[:, part] @ kernel.T for part, kernel in enumerate(kernels)]).sum(0)


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
    problem = problem.only(torch.argsort(problem.targets, stable=True))
    by_target = problem.labels.device.type == "cpu" if by_target is None else by_target
    operators = [_Operator(problem, part, by_target=by_target) for part in parts]
    active = [operator for operator in operators if operator.part.weight > 0]

    def product(vector: Tensor) -> Tensor:
        return noise * vector + torch.stack([operator.apply(vector) for operator in active]).sum(0)

    solution = torch.zeros_like(problem.labels)
    residual = problem.labels.clone()
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
    return torch.stack([operator.coefficients(solution) for operator in operators])


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

    Where compounds go by landmarks, kernel rows are gathered: those of one target at a time, and the rest is
    one product of a matrix and a vector; or those of many at once.
    """

    def __init__(self, problem: RidgeProblem, part: KernelPart, *, by_target: bool) -> None:
        self.problem, self.part, self.by_target = problem, part, by_target
        if part.weight <= 0:
            return
        self.of_targets = part.weight * _positive(similarity_power(problem.similarity, part.target_exponent))
        self.of_compounds = similarity_power(problem.tanimoto, part.compound_exponent)
        self.factor: Tensor | None = None
        if not problem.is_exact:
            kernel = self.of_compounds[problem.landmarks].double()
            kernel.diagonal().add_(_JITTER)
            self.factor = torch.linalg.cholesky(kernel).float()
            self.blocks = _blocks_of_targets(problem.targets)

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
        sums = problem.labels.new_zeros(len(problem.similarity), problem.tanimoto.shape[1])
        if self.part.weight <= 0:
            return sums
        if self.factor is None:
            return sums.index_put_((problem.targets, problem.compounds), vector, accumulate=True)
        if self.by_target:
            for target, rows in self.blocks:
                sums[target] += vector[rows] @ self._kernel(rows)
        else:
            for rows in _blocks(len(vector)):
                sums.index_add_(0, problem.targets[rows], vector[rows, None] * self._kernel(rows))
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


def similarity_power(similarity: Float[Tensor, "..."], exponent: float | Float[Tensor, "..."]) -> Tensor:
    """Return the kernel of compounds, or of targets, of these similarities; exponents are broadcast."""
    return torch.exp(similarity.clamp(_FLOOR, 1.0).log() * exponent)


def _positive(kernel: Float[Tensor, "m m"]) -> Float[Tensor, "m m"]:
    """Return the nearest kernel without negative eigenvalues; alignment similarity may have some."""
    values, vectors = torch.linalg.eigh(kernel.double())
    clipped: Tensor = (vectors * values.clamp_min(0)) @ vectors.T
    return clipped.float()
