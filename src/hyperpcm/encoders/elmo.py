"""The bidirectional language model ELMo from its published weights: letters, then two layers of LSTM.

Axis letters: ``n`` sequences, ``t`` tokens of the longest, ``d`` units of a direction, ``h`` cells.

Source: Peters et al., NAACL 2018, 2227, sections 3.1 and 3.4; the LSTM with a projection: Sak et al.,
Interspeech 2014, 338; highway layers: Srivastava et al., arXiv:1505.00387.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

__all__ = ["ElmoNetwork", "read_elmo"]

WORD: Final = 50  # characters that a word is filled up to
BEGIN, END = 256, 257  # of a sentence, where others have a byte
_WORD_BEGIN, _WORD_END, _FILL = 258, 259, 260
_CLIP: Final = 3.0  # bound of a cell and of a projected output
_FORGET: Final = 1.0  # added to the forget gate

Affine = tuple[Tensor, Tensor]


@dataclasses.dataclass(frozen=True, eq=False)
class _Layer:
    """One direction of one layer.

    Attributes:
        gates: of input and earlier output, in the order input, new, forget, output [2 d, 4 h]; bias [4 h].
        projection: [h, d].
    """

    gates: Affine
    projection: Tensor

    def run(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """Return the outputs from the first token to the last: float32 [n, t, d], 0 after the end."""
        n, steps, width = inputs.shape
        cell, output = inputs.new_zeros(n, len(self.projection)), inputs.new_zeros(n, width)
        outputs = inputs.new_zeros(n, steps, width)
        weight, bias = self.gates
        for step in range(steps):
            alive = int((lengths > step).sum())  # lengths fall: those that go on come first
            both = torch.cat([inputs[:alive, step], output[:alive]], dim=1)
            entering, new, forget, leaving = torch.addmm(bias, both, weight).chunk(4, dim=1)
            kept = torch.sigmoid(forget + _FORGET) * cell[:alive]
            cell = (kept + torch.sigmoid(entering) * torch.tanh(new)).clamp(-_CLIP, _CLIP)
            output = (torch.sigmoid(leaving) * torch.tanh(cell) @ self.projection).clamp(-_CLIP, _CLIP)
            outputs[:alive, step] = output
        return outputs


@dataclasses.dataclass(frozen=True, eq=False)
class ElmoNetwork:
    """The network; nothing in it is trained here.

    Attributes:
        characters: embedding of each byte and sign [261, c].
        filters: convolutions over the characters of a word, each [w, c, f] and bias [f].
        highways: pairs of transform and carry, each [f', f'] and bias [f'].
        projection: from all filters to the input of the layers.
        forward: layers that read from the first token.
        backward: layers that read from the last token.
    """

    characters: Tensor
    filters: tuple[Affine, ...]
    highways: tuple[tuple[Affine, Affine], ...]
    projection: Affine
    forward: tuple[_Layer, ...]
    backward: tuple[_Layer, ...]

    @property
    def width(self) -> int:
        """Numbers of a token in a layer: both directions."""
        return 2 * int(self.projection[0].shape[1])

    def word(self, content: int) -> Tensor:
        """Return the vector of a word of one byte, or of `BEGIN` or `END`: float32 [d]."""
        spelled = [_WORD_BEGIN, content, _WORD_END]
        spelled += [_FILL] * (WORD - len(spelled))
        embedded = self.characters[spelled]
        parts = []
        for weight, bias in self.filters:
            windows = embedded.unfold(0, weight.shape[0], 1).transpose(1, 2)  # [positions, w, c]
            parts.append((windows.flatten(1) @ weight.flatten(0, 1)).amax(0).add(bias).relu())
        vector = torch.cat(parts)
        for (transform, shift), (carry, offset) in self.highways:
            share = torch.sigmoid(vector @ carry + offset)
            vector = share * (vector @ transform + shift).relu() + (1 - share) * vector
        weight, bias = self.projection
        return vector @ weight + bias

    @torch.inference_mode()
    def mean_of_layers(self, sentences: Sequence[bytes]) -> Tensor:
        """Return the sum over layers, averaged over the tokens of each sentence: float32 [n, 2 d].

        Args:
            sentences: each token is one byte; none is empty.
        """
        used = sorted({BEGIN, END, *(token for sentence in sentences for token in sentence)})
        place = {token: number for number, token in enumerate(used)}
        words = torch.stack([self.word(token) for token in used])
        order = sorted(range(len(sentences)), key=lambda number: -len(sentences[number]))
        lengths = torch.tensor([len(sentences[number]) + 2 for number in order])
        steps = int(lengths.max())
        tokens = torch.zeros(len(order), steps, dtype=torch.int64)
        for line, number in enumerate(order):
            spelled = [BEGIN, *sentences[number], END]
            tokens[line, : len(spelled)] = torch.tensor([place[token] for token in spelled])
        at = torch.arange(steps)
        inner = ((at > 0) & (at < lengths[:, None] - 1)).float()[..., None]
        turned = (lengths[:, None] - 1 - at).clamp_min(0)  # the places from the last token to the first
        # Turned sentences stay turned: begin and end are left out of both, and a mean asks for no order.
        totals = (
            _layers(self.forward, words[tokens], lengths),
            _layers(self.backward, words[tokens.gather(1, turned)], lengths),
        )
        means = [(total * inner).sum(1) / (lengths[:, None] - 2) for total in totals]
        found = torch.cat(means, dim=1)
        rows = torch.empty_like(found)
        rows[order] = found
        return rows


def _layers(layers: Sequence[_Layer], inputs: Tensor, lengths: Tensor) -> Tensor:
    """Return the sum of the input and of the outputs of all layers, in the order read: float32 [n, t, d]."""
    total = inputs.clone()
    for number, layer in enumerate(layers):
        outputs = layer.run(inputs, lengths)
        inputs = outputs if number == 0 else outputs + inputs  # from the second layer on past it as well
        total += inputs
    return total


def read_elmo(path: Path) -> ElmoNetwork:
    """Read the weights as they are published, in HDF5.

    Raises:
        KeyError: an array is missing.
        ValueError: arrays whose shapes do not fit one another.
        OSError: no file of HDF5.
    """
    import h5py

    with h5py.File(path, "r") as file:

        def array(name: str) -> Tensor:
            held: Any = file[name]
            return torch.from_numpy(held[()]).float()

        def affine(weight: str, bias: str) -> Affine:
            return array(weight), array(bias)

        filters: list[Affine] = []
        while f"CNN/W_cnn_{len(filters)}" in file:
            number = len(filters)
            weight, bias = affine(f"CNN/W_cnn_{number}", f"CNN/b_cnn_{number}")
            filters.append((weight[0], bias))
        highways: list[tuple[Affine, Affine]] = []
        while f"CNN_high_{len(highways)}" in file:
            group = f"CNN_high_{len(highways)}"
            transform, carry = (
                affine(f"{group}/W_{gate}", f"{group}/b_{gate}") for gate in ("transform", "carry")
            )
            highways.append((transform, carry))
        directions = []
        for direction in ("RNN_0", "RNN_1"):
            layers: list[_Layer] = []
            while f"{direction}/RNN/MultiRNNCell/Cell{len(layers)}" in file:
                cell = f"{direction}/RNN/MultiRNNCell/Cell{len(layers)}/LSTMCell"
                layers.append(_Layer(affine(f"{cell}/W_0", f"{cell}/B"), array(f"{cell}/W_P_0")))
            directions.append(tuple(layers))
        network = ElmoNetwork(
            array("char_embed"),
            tuple(filters),
            tuple(highways),
            affine("CNN_proj/W_proj", "CNN_proj/b_proj"),
            *directions,
        )
    _check(network)
    return network


def _check(network: ElmoNetwork) -> None:
    """Raise `ValueError` where the shapes do not fit one another."""
    characters, units = network.characters.shape[1], network.width // 2
    if len(network.characters) != _FILL + 1:
        raise ValueError(f"{len(network.characters)} characters in place of {_FILL + 1}")
    if not network.filters or any(weight.shape[1] != characters for weight, _ in network.filters):
        raise ValueError("filters that do not fit the characters")
    features = sum(weight.shape[2] for weight, _ in network.filters)
    if network.projection[0].shape[0] != features:
        raise ValueError("a projection that does not fit the filters")
    if any(gate[0].shape != (features, features) for pair in network.highways for gate in pair):
        raise ValueError("highway layers that do not fit the filters")
    if len(network.forward) != len(network.backward) or not network.forward:
        raise ValueError(f"{len(network.forward)} layers forwards and {len(network.backward)} backwards")
    for layer in (*network.forward, *network.backward):
        cells = len(layer.projection)
        if layer.gates[0].shape != (2 * units, 4 * cells) or layer.projection.shape[1] != units:
            raise ValueError("layers that do not fit the projection")
