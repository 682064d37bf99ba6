"""Kronecker ridge regression: one linear model on products of the two similarities."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final, final

import numpy as np
import numpy.typing as npt

from hyperpcm.baselines.base import Baseline, BaselineInputs, Rows, count_setting, squared_error

if TYPE_CHECKING:
    from hyperpcm.nn.kernel_ridge import RidgeProblem, TwoAxisRidge

__all__ = ["KroneckerRidge"]

PENALTIES: Final = (0.1, 0.3, 1.0)
_BLOCK: Final = 4096  # rows scored at once


@final
class KroneckerRidge(Baseline):
    """Ridge regression with the kernel Tanimoto(compounds) · alignment(targets).

    The penalty is the one of `PENALTIES` with the smallest squared error on the validation rows. The solver
    is conjugate gradients with at most 100 steps. With more training compounds than ``landmarks`` the Nyström
    approximation on that many compounds, drawn with the seed, takes the place of the exact kernel (and of
    fewer, where the table of similarities would exceed 0.5 GB).

    Args:
        landmarks: most compounds that scores are expressed in, at least 1.

    Source: Pahikkala et al., Brief. Bioinform. 2015, 16, 325.
    """

    name: ClassVar[str] = "kronecker_ridge"

    def __init__(self, *, landmarks: int = 4096) -> None:
        super().__init__()
        self._most = count_setting("landmarks", landmarks)
        self._ridge: TwoAxisRidge | None = None

    def _fit(self, inputs: BaselineInputs, train: Rows, valid: Rows, seed: int) -> None:
        labels = inputs.interactions.point()[valid]
        self.errors: dict[float, float] = {}
        solutions = {}
        problem = self._problem(inputs, train, seed)
        for penalty in PENALTIES:
            solutions[penalty] = self._ridge = self._solved(problem, penalty)
            self.errors[penalty] = squared_error(labels, self._predict(inputs, valid))
        self.penalty = min(PENALTIES, key=self.errors.__getitem__)
        self._ridge = solutions[self.penalty]

    def _refit(self, inputs: BaselineInputs, rows: Rows, seed: int) -> None:
        self._ridge = self._solved(self._problem(inputs, rows, seed), self.penalty)

    def _problem(self, inputs: BaselineInputs, rows: Rows, seed: int) -> RidgeProblem:
        """The regression of the labels of these rows on drawn landmarks."""
        import torch

        from hyperpcm.chem import tanimoto
        from hyperpcm.nn.kernel_ridge import RidgeProblem, landmark_number

        table = inputs.interactions
        labels = table.point()[rows]
        self._mean = float(labels.astype(np.float64).mean())
        self._targets, targets = np.unique(table.target_index[rows], return_inverse=True)
        known, compounds = np.unique(table.compound_index[rows], return_inverse=True)
        size = landmark_number(len(known), self._most)
        chosen = np.sort(np.random.default_rng([seed, 13]).choice(len(known), size, replace=False))
        self._landmarks = known[chosen]
        counts = inputs.compound_counts
        return RidgeProblem(
            similarity=torch.from_numpy(inputs.target_similarity[np.ix_(self._targets, self._targets)]),
            tanimoto=torch.from_numpy(tanimoto(counts[known], counts[self._landmarks])),
            landmarks=torch.from_numpy(chosen),
            targets=torch.from_numpy(targets.astype(np.int64)),
            compounds=torch.from_numpy(compounds.astype(np.int64)),
            labels=torch.from_numpy(labels - np.float32(self._mean)),
        )

    def _solved(self, problem: RidgeProblem, penalty: float) -> TwoAxisRidge:
        from hyperpcm.nn.kernel_ridge import KernelPart, TwoAxisRidge
        from hyperpcm.nn.ridge_solver import solve_ridge

        part = KernelPart(1.0, 1.0, 1.0)
        ridge = TwoAxisRidge(1, len(self._targets), len(self._landmarks))
        ridge.set((part,), solve_ridge(problem, (part,), penalty))
        return ridge

    def _predict(self, inputs: BaselineInputs, rows: Rows) -> npt.NDArray[np.floating]:
        import torch

        from hyperpcm.chem import tanimoto
        from hyperpcm.nn.kernel_ridge import ridge_scores

        ridge = self._ridge
        assert ridge is not None  # `predict` has seen to that
        table = inputs.interactions
        targets, compounds = table.target_index[rows], table.compound_index[rows]
        scores = np.empty(len(rows), dtype=np.float32)
        near_known = torch.from_numpy(inputs.target_similarity[:, self._targets])
        for target in np.unique(targets):
            collapsed = ridge.collapse(near_known[int(target)][None])
            own = np.flatnonzero(targets == target)
            for start in range(0, len(own), _BLOCK):
                block = own[start : start + _BLOCK]
                counts = inputs.compound_counts
                near = tanimoto(counts[compounds[block]], counts[self._landmarks])
                found = ridge_scores(collapsed, ridge.compound_exponents, torch.from_numpy(near)[None])
                scores[block] = self._mean + found[0].numpy()
        return scores
