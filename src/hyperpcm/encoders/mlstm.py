"""A multiplicative LSTM over chains of tokens, many chains side by side.

    m  = (x W_mx) * (h W_mh)
    z  = x W_x + m W_h + b,  whose quarters are i, f, o and u
    c' = σ(f) * c + σ(i) * tanh(u)
    h' = σ(o) * tanh(c')

An input x is one of a few tokens, so x W_mx and x W_x + b are tables with a row for each token, and a step
costs two matrix products. Axis letters: ``r`` chains side by side, ``k`` tokens, ``n`` units.

Source: Krause, Lu, Murray, Renals, "Multiplicative LSTM for sequence modelling", arXiv:1609.07959; weights
are normalised as in Salimans and Kingma, "Weight normalization", NeurIPS 2016, equation 2.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import linear

__all__ = ["ChainStates", "MultiplicativeLstm"]

_SIDE_BY_SIDE: Final = 64
"""Chains at once: reading the weights from memory then costs little beside using them."""


@dataclasses.dataclass(frozen=True, eq=False)
class ChainStates:
    """What is kept of each chain, float32 [chains, n].

    Attributes:
        mean: of the hidden states after every token.
        hidden: after the last token.
        cell: after the last token.
    """

    mean: npt.NDArray[np.float32]
    hidden: npt.NDArray[np.float32]
    cell: npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True, eq=False)
class MultiplicativeLstm:
    """The weights, ready to run; the products are computed in the type of the weights, all else in float32.

    Attributes:
        factor_table: x W_mx for each token, float32 [k, n].
        gate_table: x W_x + b for each token, float32 [k, 4 n].
        to_factor: W_mh transposed, [n, n].
        to_gates: W_h transposed, [4 n, n].
    """

    factor_table: Tensor
    gate_table: Tensor
    to_factor: Tensor
    to_gates: Tensor

    @classmethod
    def of_weights(
        cls, weights: Mapping[str, npt.NDArray[np.float32]], dtype: torch.dtype = torch.float32
    ) -> MultiplicativeLstm:
        """Prepare the weights.

        Args:
            weights: ``embedding`` [k, e]; the directions ``wmx`` [e, n], ``wmh`` [n, n], ``wx`` [e, 4 n] and
                ``wh`` [n, 4 n] with their lengths ``gmx``, ``gmh``, ``gx`` and ``gh``, one for each column;
                ``b`` [4 n].
            dtype: of the two matrix products of a step.
        """
        given = {name: torch.from_numpy(array) for name, array in weights.items()}
        matrix = {name: _normalised(given[f"w{name}"], given[f"g{name}"]) for name in ("mx", "mh", "x", "h")}
        embedding = given["embedding"]
        return cls(
            embedding @ matrix["mx"],
            embedding @ matrix["x"] + given["b"],
            matrix["mh"].T.to(dtype).contiguous(),
            matrix["h"].T.to(dtype).contiguous(),
        )

    @property
    def width(self) -> int:
        """Number of units, n."""
        return self.factor_table.shape[1]

    @torch.inference_mode()
    def run(
        self, chains: Sequence[npt.NDArray[np.integer]], *, side_by_side: int = _SIDE_BY_SIDE
    ) -> ChainStates:
        """Run over every chain from a state of zeros.

        The longest begin; where a chain ends, the next begins in its place, so nothing is padded and memory
        beside the result does not grow with the length or number of chains.

        Args:
            chains: tokens, at least one in each.
            side_by_side: most chains at once; changes the result by rounding only.
        """
        mean, hidden, cell = (np.empty((len(chains), self.width), dtype=np.float32) for _ in range(3))
        waiting = sorted(range(len(chains)), key=lambda number: len(chains[number]))
        running = _Running(self.width)
        while waiting or running.numbers:
            free = side_by_side - len(running.numbers)
            running.begin([waiting.pop() for _ in range(min(free, len(waiting)))])
            rests = [
                chains[number][done:] for number, done in zip(running.numbers, running.done, strict=True)
            ]
            steps = min(map(len, rests))
            tokens = np.stack([rest[:steps] for rest in rests], axis=1)
            self._advance(running, torch.from_numpy(tokens.astype(np.int64)))
            for row, number in enumerate(running.numbers):
                if len(rests[row]) == steps:
                    mean[number] = (running.total[row] / len(chains[number])).float().numpy()
                    hidden[number], cell[number] = running.hidden[row].numpy(), running.cell[row].numpy()
            running.keep([row for row, rest in enumerate(rests) if len(rest) > steps])
        return ChainStates(mean, hidden, cell)

    def _advance(self, running: _Running, tokens: Tensor) -> None:
        """Take the chains that are running through some more tokens [steps, r]."""
        hidden, cell, dtype = running.hidden, running.cell, self.to_factor.dtype
        for token in tokens:
            factor = linear(hidden.to(dtype), self.to_factor).float().mul_(self.factor_table[token])
            gates = linear(factor.to(dtype), self.to_gates).float().add_(self.gate_table[token])
            enter, forget, leave, update = gates.chunk(4, dim=1)
            cell = torch.sigmoid(forget).mul_(cell).addcmul_(torch.sigmoid(enter), torch.tanh(update))
            hidden = torch.sigmoid(leave).mul_(torch.tanh(cell))
            running.total += hidden
        running.hidden, running.cell = hidden, cell
        running.done = [done + len(tokens) for done in running.done]


class _Running:
    """The chains under way: which they are, how far they are, and their states [r, n]."""

    def __init__(self, width: int) -> None:
        self.numbers: list[int] = []
        self.done: list[int] = []
        self.hidden, self.cell = torch.zeros(0, width), torch.zeros(0, width)
        self.total = torch.zeros(0, width, dtype=torch.float64)  # of hidden states, over up to 40,000 steps

    def begin(self, numbers: list[int]) -> None:
        """Put further chains beside those that run."""
        self.numbers += numbers
        self.done += [0] * len(numbers)
        self.hidden, self.cell, self.total = (
            torch.cat([state, state.new_zeros(len(numbers), state.shape[1])])
            for state in (self.hidden, self.cell, self.total)
        )

    def keep(self, rows: list[int]) -> None:
        """Drop all chains but those in these rows."""
        self.numbers = [self.numbers[row] for row in rows]
        self.done = [self.done[row] for row in rows]
        self.hidden, self.cell, self.total = (state[rows] for state in (self.hidden, self.cell, self.total))


def _normalised(direction: Tensor, length: Tensor) -> Tensor:
    """The matrix whose columns have these directions and these lengths."""
    norms: Tensor = torch.linalg.vector_norm(direction, dim=0)
    return direction * (length / norms)
