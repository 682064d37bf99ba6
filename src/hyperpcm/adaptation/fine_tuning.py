"""Rivals of the posterior: gradient descent, on a target's generated weights or on its embedding alone.

What is tuned is the change δ from what was generated, on the residuals r of the measured compounds:

    Σ (r - network_δ(c) + network_0(c))² + ρ g |δ|²

in units of what the networks say. g is the mean square of the gradient of that with respect to δ, so that ρ
means the same whatever is tuned: to first order, how many measurements "nothing changes" is worth. ρ and the
number of steps are chosen on validation targets. Where the validation side left the networks no share of the
score, all of their change counts.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, Self, TypeAlias, final

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from scipy.optimize import minimize
from torch import Tensor

from hyperpcm.adaptation.views import TargetView, TargetViews
from hyperpcm.datasets.few_shot import FewShotTask
from hyperpcm.errors import LabelError
from hyperpcm.nn.qsar import GeneratedLayer, QsarNetwork, qsar_scores

__all__ = ["FineTuning", "Tunable", "tunable_embedding", "tunable_weights"]

logger = logging.getLogger(__name__)

Floats = npt.NDArray[np.float64]

PULLS: Final = (0.25, 1.0, 4.0, 16.0, 64.0)
"""ρ that are tried."""
STEPS: Final = (5, 40)
"""Numbers of steps of L-BFGS that are tried."""
_GRADIENTS: Final = 4  # compounds of each validation target whose gradients are measured


@dataclass(frozen=True)
class Tunable:
    """What of a target is tuned.

    Attributes:
        size: numbers of δ.
        networks: returns the networks for a δ [size]; those of 0 are the generated ones.
    """

    size: int
    networks: Callable[[Tensor], tuple[QsarNetwork, ...]]


def tunable_weights(view: TargetView, measured: Float[Tensor, "n z"]) -> Tunable:
    """Return all weights and biases of the generated networks but those of a noise head.

    Of the weights of the first layer, what the measured compounds can tell: no gradient changes the rest.

    Args:
        view: of the target.
        measured: coordinates of the measured compounds, as in `TargetView.reduced`.
    """
    generated = view.reduced_networks
    basis: Tensor | None = None
    if generated[0].noise_head is None and len(measured) < measured.shape[1]:
        basis = torch.linalg.qr(measured.double().T)[0].float()
    sizes = []
    for network in generated:
        for place, layer in enumerate(network.layers):
            dense = layer.dense()[0]
            columns = dense.shape[1] if place or basis is None else basis.shape[1]
            sizes += [len(dense) * columns, len(dense)]

    def networks(change: Tensor) -> tuple[QsarNetwork, ...]:
        parts, moved = iter(torch.split(change, sizes)), []
        for network in generated:
            layers = []
            for place, layer in enumerate(network.layers):
                within = None if place else basis
                layers.append(_moved(layer, next(parts), next(parts), within))
            moved.append(QsarNetwork(tuple(layers), network.noise_head, network.activation))
        return tuple(moved)

    return Tunable(sum(sizes), networks)


def tunable_embedding(view: TargetView, measured: Float[Tensor, "n z"]) -> Tunable:
    """Return the embedding of the target as the frozen hypernetwork of each member reads it.

    Args:
        view: of the target.
        measured: plays no part.
    """
    hypernetworks, _ = view.reduced

    def networks(change: Tensor) -> tuple[QsarNetwork, ...]:
        moved = view.represented + change.view_as(view.represented)
        return tuple(one(row[None]) for one, row in zip(hypernetworks, moved, strict=True))

    return Tunable(view.represented.numel(), networks)


MakesTunable: TypeAlias = Callable[[TargetView, Tensor], Tunable]
"""`tunable_weights` or `tunable_embedding`."""


@final
class FineTuning:
    """Zero-shot scores and what a few steps of L-BFGS with a pull towards the generated change in them."""

    uses_zero_shot = True

    def __init__(
        self,
        name: str,
        views: TargetViews,
        tunable: MakesTunable,
        pull: float,
        steps: int,
    ) -> None:
        """Make an adapter.

        Args:
            name: of it.
            views: of the targets.
            tunable: what of a target is tuned.
            pull: ρ g, above 0.
            steps: of L-BFGS at most.
        """
        self.name, self.pull, self.steps = name, pull, steps
        self._views, self._tunable = views, tunable
        model = views.model
        share = float(model.share_of())
        self._unit = model.label_scale.unit * (share if share > 0 else 1.0)

    @classmethod
    def tuned(
        cls,
        name: str,
        views: TargetViews,
        tunable: MakesTunable,
        tasks: Sequence[tuple[FewShotTask, npt.NDArray[np.floating]]],
    ) -> Self:
        """Return it with the pull and the steps that make the least squared error on validation targets.

        Args:
            name: of it.
            views: of the targets.
            tunable: what of a target is tuned.
            tasks: of validation targets, with the labels of their query, target by target.

        Raises:
            LabelError: there is no task.
        """
        if not tasks:
            raise LabelError(f"{name}: no validation target has compounds enough to choose its settings on.")
        size = cls(name, views, tunable, 1.0, 1)._squared_gradient(task for task, _ in tasks)
        tried = list(itertools.product(PULLS, STEPS))
        candidates = [cls(name, views, tunable, pull * size, steps) for pull, steps in tried]
        errors = np.zeros(len(candidates))
        for task, labels in tasks:
            for place, one in enumerate(candidates):
                errors[place] += float(np.mean((one.scores(task, seed=0) - labels) ** 2))
        best = int(errors.argmin())
        logger.info("%s: pull %g, %d steps, from %d tasks", name, *tried[best], len(tasks))
        return candidates[best]

    def scores(self, task: FewShotTask, *, seed: int) -> npt.NDArray[np.floating]:
        """Score the query compounds: float64 [q]."""
        if len(task.support) == 0:
            return task.zero_shot_query
        view = self._views(task.target)
        _, coordinates = view.reduced
        measured, scored = (
            coordinates[torch.from_numpy(view.of(side))] for side in (task.support, task.query)
        )
        tunable = self._tunable(view, measured)
        residuals = torch.from_numpy(task.labels - task.zero_shot_support) / self._unit
        nothing = torch.zeros(tunable.size)
        with torch.no_grad():
            before = _mean_scores(tunable.networks(nothing), torch.cat([measured, scored]))
        of_measured, of_scored = torch.split(before, [len(measured), len(scored)])

        def loss(change: Tensor) -> Tensor:
            off = residuals + of_measured - _mean_scores(tunable.networks(change), measured)
            total: Tensor = off.square().sum() + self.pull * change.square().sum()
            return total

        change = _least(loss, nothing, self.steps)
        with torch.no_grad():
            moved = _mean_scores(tunable.networks(change), scored) - of_scored
        scores: Floats = task.zero_shot_query.astype(np.float64) + self._unit * moved.double().numpy()
        return scores

    def _squared_gradient(self, tasks: Iterable[FewShotTask]) -> float:
        """The mean square of the gradient of a raw score with respect to δ, where nothing is changed."""
        found = []
        for task in tasks:
            view = self._views(task.target)
            _, coordinates = view.reduced
            for place in view.of(task.support[:_GRADIENTS]).tolist():
                compound = coordinates[place : place + 1]
                tunable = self._tunable(view, compound)
                change = torch.zeros(tunable.size, requires_grad=True)
                score = _mean_scores(tunable.networks(change), compound)
                (gradient,) = torch.autograd.grad(score.sum(), change)
                found.append(float(gradient.square().sum()))
        return max(float(np.mean(found)), 1e-12) if found else 1.0


def _moved(layer: GeneratedLayer, weight: Tensor, bias: Tensor, basis: Tensor | None) -> GeneratedLayer:
    dense = layer.dense()
    change = weight.view(1, dense.shape[1], -1)
    if basis is not None:
        change = change @ basis.T
    return GeneratedLayer(bias=layer.bias + bias.view_as(layer.bias), delta=dense + change)


def _mean_scores(networks: Sequence[QsarNetwork], compounds: Tensor) -> Tensor:
    """Raw scores [n], the mean over networks."""
    return torch.stack([qsar_scores(network, compounds[None])[0] for network in networks]).mean(0)


def _least(loss: Callable[[Tensor], Tensor], start: Tensor, steps: int) -> Tensor:
    """Where so many steps of L-BFGS come to."""

    def value_and_gradient(at: Floats) -> tuple[float, Floats]:
        point = torch.from_numpy(at).float().requires_grad_()
        value = loss(point)
        (gradient,) = torch.autograd.grad(value, point)
        return float(value.detach()), gradient.double().numpy()

    first = start.double().numpy()
    found = minimize(value_and_gradient, first, jac=True, method="L-BFGS-B", options={"maxiter": steps})
    return torch.from_numpy(found.x).float()
