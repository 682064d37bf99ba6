"""SeqVec from a user's file: the network equals one written out in loops; the weights here are tiny."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from contracts import ODD_TARGETS, TARGETS, UNREADABLE_TARGETS, EncoderContract
from hyperpcm.encoders.base import Encoder
from hyperpcm.encoders.registry import build_encoder
from hyperpcm.encoders.seqvec import SeqVecEncoder
from hyperpcm.errors import ConfigError, DataUnavailableError, MissingExtraError

h5py = pytest.importorskip("h5py", reason="the extra seqvec (h5py) is not installed")

FILTERS = ((1, 4), (2, 5), (3, 7))
CHARACTER, UNITS, CELLS = 3, 6, 9
Arrays = dict[str, np.ndarray]


def made_arrays(seed: int = 0, *, loud: bool = False) -> Arrays:
    """Random weights of the published layout; loud ones so large that cells and outputs are clipped.

    Loud ones also make a rounding error grow from residue to residue, so they are for short sequences.
    """
    random = np.random.default_rng(seed)

    def normal(*shape: int, scale: float = 0.5) -> np.ndarray:
        return random.normal(0, scale, shape).astype(np.float32)

    features = sum(number for _, number in FILTERS)
    arrays = {"char_embed": normal(261, CHARACTER)}
    for number, (width, count) in enumerate(FILTERS):
        arrays[f"CNN/W_cnn_{number}"] = normal(1, width, CHARACTER, count)
        arrays[f"CNN/b_cnn_{number}"] = normal(count)
    for number in range(2):
        for gate in ("transform", "carry"):
            arrays[f"CNN_high_{number}/W_{gate}"] = normal(features, features, scale=0.2)
            arrays[f"CNN_high_{number}/b_{gate}"] = normal(features)
    arrays["CNN_proj/W_proj"], arrays["CNN_proj/b_proj"] = normal(features, UNITS), normal(UNITS)
    for direction in ("RNN_0", "RNN_1"):
        for layer in range(2):
            cell = f"{direction}/RNN/MultiRNNCell/Cell{layer}/LSTMCell"
            arrays[f"{cell}/W_0"] = normal(2 * UNITS, 4 * CELLS, scale=0.8 if loud else 0.2)
            arrays[f"{cell}/B"] = normal(4 * CELLS)
            arrays[f"{cell}/W_P_0"] = normal(CELLS, UNITS, scale=1.5 if loud else 0.3)
    return arrays


def written(arrays: Arrays, path: Path) -> Path:
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values
    return path


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def word(arrays: Arrays, content: int) -> np.ndarray:
    """One word, its characters filled up to fifty."""
    characters = arrays["char_embed"][[258, content, 259, *[260] * 47]]
    values = []
    for number, (width, count) in enumerate(FILTERS):
        kernel, bias = arrays[f"CNN/W_cnn_{number}"][0], arrays[f"CNN/b_cnn_{number}"]
        for one in range(count):
            places = range(50 - width + 1)
            values.append(max(float((characters[p : p + width] * kernel[:, :, one]).sum()) for p in places))
            values[-1] = max(0.0, values[-1] + float(bias[one]))
    x = np.array(values)
    for number in range(2):
        name = f"CNN_high_{number}"
        carry = sigmoid(x @ arrays[f"{name}/W_carry"] + arrays[f"{name}/b_carry"])
        new = np.maximum(x @ arrays[f"{name}/W_transform"] + arrays[f"{name}/b_transform"], 0)
        x = carry * new + (1 - carry) * x
    return x @ arrays["CNN_proj/W_proj"] + arrays["CNN_proj/b_proj"]


def direction(arrays: Arrays, name: str, words: list[np.ndarray]) -> tuple[list[list[np.ndarray]], int]:
    """Outputs of every layer in the order read, the words first; and how many numbers were clipped."""
    layers, clipped = [words], 0
    for number in range(2):
        cell_name = f"{name}/RNN/MultiRNNCell/Cell{number}/LSTMCell"
        weight, bias, project = (arrays[f"{cell_name}/{part}"] for part in ("W_0", "B", "W_P_0"))
        cell, output, outputs = np.zeros(CELLS), np.zeros(UNITS), []
        for x in layers[-1]:
            i, j, f, o = np.split(np.concatenate([x, output]) @ weight + bias, 4)
            raw = sigmoid(f + 1.0) * cell + sigmoid(i) * np.tanh(j)
            cell = np.clip(raw, -3, 3)
            projected = (sigmoid(o) * np.tanh(cell)) @ project
            output = np.clip(projected, -3, 3)
            clipped += int((np.abs(raw) > 3).sum() + (np.abs(projected) > 3).sum())
            outputs.append(output)
        if number > 0:
            outputs = [one + before for one, before in zip(outputs, layers[-1], strict=True)]
        layers.append(outputs)
    return layers, clipped


def expected(arrays: Arrays, sequence: str) -> tuple[np.ndarray, int]:
    words = [word(arrays, token) for token in (256, *sequence.encode(), 257)]
    forward, one = direction(arrays, "RNN_0", words)
    backward, other = direction(arrays, "RNN_1", words[::-1])
    backward = [layer[::-1] for layer in backward]
    layers = [
        [np.concatenate([a, b]) for a, b in zip(first, second, strict=True)]
        for first, second in zip(forward, backward, strict=True)
    ]
    return np.sum([np.mean(layer[1:-1], axis=0) for layer in layers], axis=0), one + other


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HYPERPCM_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return written(made_arrays(), tmp_path / "weights.hdf5")


class TestSeqVecEncoder(EncoderContract):
    rounding = 1e-5

    @pytest.fixture
    def encoder(self, file: Path) -> Encoder:
        return SeqVecEncoder(file=str(file))

    @pytest.fixture
    def items(self) -> list[str]:
        return TARGETS

    @pytest.fixture
    def odd_items(self) -> list[str]:
        return ODD_TARGETS

    @pytest.fixture
    def unusable_items(self) -> list[str]:
        return UNREADABLE_TARGETS


def test_the_network_is_the_one_written_out_in_loops(tmp_path: Path):
    arrays = made_arrays(loud=True)
    file = written(arrays, tmp_path / "loud.hdf5")
    sequences = ["MKT", "M", "ACDEFGHIKLMNPQRSTVWYX", "WYWYWYWYWY" * 4]
    found = SeqVecEncoder(file=str(file)).encode(sequences)
    clipped = 0
    for row, sequence in zip(found, sequences, strict=True):
        values, number = expected(arrays, sequence)
        clipped += number
        np.testing.assert_allclose(row, values, atol=1e-4)
    assert clipped > 10  # so that the bounds are tested too


def test_what_training_did_not_know_is_read_as_x(file: Path):
    encoder = SeqVecEncoder(file=str(file))
    first, second = encoder.encode(["MKUZOT", "MKXXXT"])
    np.testing.assert_allclose(first, second, atol=1e-5)


def test_batches_by_length_change_nothing(file: Path, monkeypatch: pytest.MonkeyPatch):
    encoder = SeqVecEncoder(file=str(file))
    items = [TARGETS[0][:length] for length in (40, 3, 117, 8, 60, 1)]
    before = encoder.encode(items)
    monkeypatch.setattr("hyperpcm.encoders.seqvec._RESIDUES", 70)
    np.testing.assert_allclose(encoder.encode(items), before, atol=1e-5)


def test_a_long_protein_is_read_to_its_end(file: Path):
    encoder = SeqVecEncoder(file=str(file))
    long = TARGETS[0] * 60
    first, second = encoder.encode([long, f"{long[:-30]}{'W' * 30}"])
    assert np.isfinite(first).all()
    assert np.abs(first - second).max() > 1e-4


def test_the_spec_finds_the_weights_when_the_file_is_gone(file: Path):
    encoder = SeqVecEncoder(file=str(file))
    before = encoder.encode(TARGETS)
    file.unlink()
    np.testing.assert_array_equal(build_encoder(encoder.spec()).encode(TARGETS), before)


def test_files_that_are_no_such_network_are_refused_with_the_reason(tmp_path: Path, data_folder: Path):
    cases: dict[str, Arrays] = {}
    for name, said in (
        ("char_embed", "char_embed"),
        ("CNN/W_cnn_0", "filters that do not fit"),
        ("CNN_proj/b_proj", "b_proj"),
        ("RNN_1/RNN/MultiRNNCell/Cell1/LSTMCell/W_0", "W_0"),
    ):
        cases[said] = {key: values for key, values in made_arrays().items() if key != name}
    cases["2 layers forwards and 1 backwards"] = {
        key: values for key, values in made_arrays().items() if "RNN_1/RNN/MultiRNNCell/Cell1" not in key
    }
    cases["100 characters"] = made_arrays() | {"char_embed": made_arrays()["char_embed"][:100]}
    cell = "RNN_0/RNN/MultiRNNCell/Cell0/LSTMCell"
    cases["do not fit the projection"] = made_arrays() | {
        f"{cell}/W_0": made_arrays()[f"{cell}/W_0"][:-1],
    }
    for number, (said, arrays) in enumerate(cases.items()):
        path = written(arrays, tmp_path / f"{number}.hdf5")
        with pytest.raises(ConfigError, match=f"{said}.*weights.hdf5"):
            SeqVecEncoder(file=str(path))
    (tmp_path / "text").write_text("no weights")
    with pytest.raises(ConfigError, match=r"does not hold.*weights\.hdf5"):
        SeqVecEncoder(file=str(tmp_path / "text"))
    assert not list(data_folder.rglob("*"))


def test_what_is_missing_is_said(tmp_path: Path):
    with pytest.raises(ConfigError, match=r"needs the option 'file': where the published weights\.hdf5"):
        SeqVecEncoder()
    with pytest.raises(DataUnavailableError, match="fetch seqvec --from FILE"):
        SeqVecEncoder(content="0" * 64)


def test_without_the_extra_the_install_command_is_said(file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'hyperpcm\[seqvec\]'"):
        SeqVecEncoder(file=str(file))
