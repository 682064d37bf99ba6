"""One training step shared by several processes, so that together they do what one would have done.

Each process takes some of the step's targets. Noise and dropout are drawn for the whole step everywhere and
cut to the process's own targets, losses are weighted by the share of targets, and gradients are added up:
what is left of a difference to one process is the order in which numbers are summed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from hyperpcm.training.batches import StepRows

__all__ = ["StepPart", "add_gradients", "agreed", "same_start", "total"]

_ALPHA = 1.7580993408473766  # of SELU's dropout: −α is what a dropped unit becomes


@dataclass(frozen=True)
class StepPart:
    """The targets of a step that one process takes.

    Attributes:
        lines: lines of the whole step, t.
        own: the lines taken; never empty: where there are fewer targets than processes, some compute the
            first line along and count it with weight 0.
        weight: share of the step's targets that they stand for; over all processes the weights add up to 1.
    """

    lines: int
    own: slice
    weight: float

    @classmethod
    def of(cls, lines: int, rank: int, processes: int) -> StepPart:
        """Return the part of one process; the parts of all are disjoint and leave no target out."""
        start, end = lines * rank // processes, lines * (rank + 1) // processes
        if start == end:
            return cls(lines, slice(0, 1), 0.0)
        return cls(lines, slice(start, end), (end - start) / lines)

    def rows(self, step: StepRows) -> StepRows:
        """Return the own lines of a step."""
        return StepRows(step.targets[self.own], step.rows[self.own])

    def noise(self) -> AbstractContextManager[Any]:
        """Return a context in which dropout and noise are the own lines of those of the whole step."""
        whole = self.own.stop - self.own.start == self.lines
        return nullcontext() if whole else _StepNoise(self.lines, self.own)


class _StepNoise(TorchFunctionMode):
    """Draws for all lines of the step, so that the generator's numbers are used as by one process."""

    def __init__(self, lines: int, own: slice) -> None:
        super().__init__()
        self.lines, self.own = lines, own

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        del types
        kwargs = kwargs or {}
        if func is functional.dropout:
            return self._dropout(*args, **kwargs)
        if func is functional.alpha_dropout:
            return self._alpha_dropout(*args, **kwargs)
        if func is torch.randn:
            return self._randn(*args, **kwargs)
        if getattr(func, "__name__", "") in _OTHER_NOISE:
            raise NotImplementedError(
                f"a training step on several processes cannot share out the numbers of torch.{func.__name__}"
            )
        return func(*args, **kwargs)

    def _whole(self, shape: torch.Size) -> tuple[int, ...]:
        if not shape or shape[0] != self.own.stop - self.own.start:
            raise NotImplementedError(
                f"noise of shape {tuple(shape)} does not have the targets as its first axis"
            )
        return (self.lines, *shape[1:])

    def _dropout(
        self, values: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
    ) -> Tensor:
        del inplace
        if not training or p == 0:
            return values
        return values * functional.dropout(values.new_ones(self._whole(values.shape)), p)[self.own]

    def _alpha_dropout(
        self, values: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
    ) -> Tensor:
        del inplace
        if not training or p == 0:
            return values
        # Source: Klambauer et al., "Self-Normalizing Neural Networks", NeurIPS 2017: a dropped unit becomes
        # −α, and an affine map then restores mean and variance; what is not x times a factor is the shift.
        shift = functional.alpha_dropout(values.new_zeros(self._whole(values.shape)), p, True)[self.own]
        factor = 1 / math.sqrt((_ALPHA**2 * p + 1) * (1 - p))
        return values * (factor * (shift > 0).to(values.dtype)) + shift

    def _randn(self, *shape: Any, **options: Any) -> Tensor:
        size = torch.Size(shape if shape and isinstance(shape[0], int) else shape[0])
        return torch.randn(self._whole(size), **options)[self.own]


_OTHER_NOISE = frozenset(
    {
        "rand",
        "rand_like",
        "randn_like",
        "randint",
        "randperm",
        "normal",
        "normal_",
        "uniform_",
        "bernoulli",
        "bernoulli_",
        "exponential_",
        "multinomial",
        "dropout1d",
        "dropout2d",
        "dropout3d",
        "feature_alpha_dropout",
        "rrelu",
    }
)


def same_start(fabric: Fabric, tensors: Iterable[Tensor]) -> None:
    """Give every process the numbers of the first; in place."""
    if fabric.world_size > 1:
        for tensor in tensors:
            torch.distributed.broadcast(tensor.detach(), 0)


def add_gradients(fabric: Fabric, parameters: Iterable[Tensor]) -> None:
    """Replace each gradient by its sum over all processes, the same bits everywhere; in place."""
    if fabric.world_size == 1:
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    for work in [torch.distributed.all_reduce(gradient, async_op=True) for gradient in gradients]:
        work.wait()


def total(fabric: Fabric, value: float) -> float:
    """Return the sum of a number over all processes."""
    return _reduced(fabric, value, torch.distributed.ReduceOp.SUM) if fabric.world_size > 1 else value


def agreed(fabric: Fabric, number: int) -> int:
    """Return the largest of the processes' numbers."""
    return int(_reduced(fabric, number, torch.distributed.ReduceOp.MAX)) if fabric.world_size > 1 else number


def _reduced(fabric: Fabric, value: float, operation: Any) -> float:
    tensor = torch.tensor([value], dtype=torch.float64, device=fabric.device)
    torch.distributed.all_reduce(tensor, op=operation)
    return float(tensor)
