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

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

__all__ = [
    "NOISE",
    "KernelPart",
    "RidgeProblem",
    "TwoAxisRidge",
    "added_landmarks",
    "landmark_number",
    "ridge_scores",
    "ridge_scores_for_all",
    "similarity_power",
]

NOISE = 0.1
"""Variance of the noise of a label over that of one part of a kernel."""

_FLOOR = 1e-6  # similarities below this count as this, so that every power is finite
_ENTRIES = 120_000_000  # similarities of known compounds to landmarks, where those are drawn


def landmark_number(compounds: int, most: int) -> int:
    """Return how many of the known compounds can be landmarks.

    Args:
        compounds: known compounds.
        most: asked for. All compounds where they are no more; else fewer than asked for where the table of
            similarities would exceed 0.5 GB, because a step of the solver reads it several times.
    """
    return compounds if compounds <= most else min(most, max(_ENTRIES // compounds, 1))


def added_landmarks(compounds: int, landmarks: int, added: int) -> int:
    """Return how many of the compounds that a memory gains can be landmarks beside those there are.

    Args:
        compounds: known compounds, those that are added among them.
        landmarks: there are.
        added: compounds; all of them where the table of similarities stays within 0.5 GB.
    """
    return min(added, max(_ENTRIES // max(compounds, 1) - landmarks, 0))


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
    """What `hyperpcm.nn.ridge_solver.solve_ridge` is fitted to.

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
    used = (collapsed != 0).flatten(0, 1).any(0).nonzero().squeeze(1)
    if 2 * len(used) < collapsed.shape[-1]:  # one that no part has a coefficient for adds nothing
        collapsed, tanimoto = collapsed[..., used], tanimoto[..., used]
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


def similarity_power(similarity: Float[Tensor, "..."], exponent: float | Float[Tensor, "..."]) -> Tensor:
    """Return the kernel of compounds, or of targets, of these similarities; exponents are broadcast."""
    return torch.exp(similarity.clamp(_FLOOR, 1.0).log() * exponent)
