"""What each input of a generated network adds to its score, beside a baseline: the parts sum to the whole.

Source: Shrikumar, Greenside and Kundaje, "Learning important features through propagating activation
differences", ICML 2017, section 3.5.1 (the rescale rule).
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from hyperpcm.nn.qsar import GeneratedLayer, QsarNetwork

__all__ = ["qsar_contributions"]

_CLOSE = 1e-7  # inputs of a unit that differ by less: its slope is taken instead


@torch.no_grad()
def qsar_contributions(
    network: QsarNetwork, inputs: Float[Tensor, "c d"], baseline: Float[Tensor, "d"]
) -> Float[Tensor, "c d"]:
    """Return what each input adds to the raw score of each compound.

    A difference at the output of a unit is passed on to its inputs in proportion to what each contributes to
    the difference at the unit. Nothing is lost on the way: a row sums to the score minus the baseline's.

    Args:
        network: of one target (t = 1).
        inputs: as the network reads them.
        baseline: what an input is compared with.
    """
    rows = torch.cat([inputs, baseline[None]]).double()
    activate = functional.selu if network.activation == "selu" else functional.relu
    head_slope, hidden = None, rows
    if network.noise_head is not None:
        weight, before = _applied(network.noise_head, rows)
        after = activate(before)
        head_slope = _slope(before, after)[..., None] * weight
        hidden = torch.cat([after, rows], dim=1)
    slopes = []
    for layer in network.layers[:-1]:
        weight, before = _applied(layer, hidden)
        hidden = activate(before)
        slopes.append((_slope(before, hidden), weight))
    weight, _ = _applied(network.layers[-1], hidden)
    multipliers = weight.expand(len(inputs), -1)
    for slope, weight in reversed(slopes):
        multipliers = (multipliers * slope) @ weight
    if head_slope is not None:
        heads = head_slope.shape[1]
        through = torch.einsum("ch,chd->cd", multipliers[:, :heads], head_slope)
        multipliers = through + multipliers[:, heads:]
    return (multipliers * (rows[:-1] - rows[-1])).to(inputs.dtype)


def _applied(layer: GeneratedLayer, rows: Tensor) -> tuple[Tensor, Tensor]:
    """The weight of a layer, and what it makes of rows, in double precision."""
    weight = layer.dense()[0].double()
    return weight, rows @ weight.T + layer.bias[0].double()


def _slope(before: Tensor, after: Tensor) -> Tensor:
    """How much a difference from the last row, the baseline, grows from the input of a unit to its output."""
    difference = before[:-1] - before[-1]
    is_close = difference.abs() < _CLOSE
    slope = (after[:-1] - after[-1]) / torch.where(is_close, torch.ones_like(difference), difference)
    # Where input and baseline agree no difference passes; the slope to the right does for both activations.
    return torch.where(is_close, (before[:-1] > 0).to(slope.dtype), slope)
