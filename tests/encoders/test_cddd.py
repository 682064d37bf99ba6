"""CDDD from a user's ONNX file: spelling, domain and file; the network is a tiny one of its signature."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from contracts import COMPOUNDS, UNREADABLE_COMPOUNDS, EncoderContract
from hyperpcm.encoders.base import Encoder
from hyperpcm.encoders.cddd import _NUMBER, _TOKENS, CdddEncoder
from hyperpcm.encoders.registry import build_encoder
from hyperpcm.errors import ConfigError, DataUnavailableError, InvalidSmilesError, MissingExtraError

pytest.importorskip("onnxruntime", reason="the extra cddd (onnxruntime) is not installed")
onnx = pytest.importorskip("onnx", reason="onnx, which writes the tiny network, is not installed")


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HYPERPCM_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


TABLE = np.random.default_rng(0).normal(size=(40, 8)).astype(np.float32)
TABLE[0] = 0.0  # of the end token, which also pads
MIXED = np.random.default_rng(1).normal(size=(8, 512)).astype(np.float32)


def write_network(path: Path, *, names: tuple[str, str] | None = None, width: int = 512) -> Path:
    """tanh of the mean row of a table over the tokens, times a matrix."""
    from onnx import TensorProto, helper, numpy_helper

    tokens, lengths = names or ("Input/Placeholder:0", "Input/Placeholder_1:0")
    nodes = [
        helper.make_node("Gather", ["table", tokens], ["rows"]),
        helper.make_node("ReduceSum", ["rows", "axis"], ["sum"], keepdims=0),
        helper.make_node("Cast", [lengths], ["float"], to=TensorProto.FLOAT),
        helper.make_node("Unsqueeze", ["float", "axis"], ["column"]),
        helper.make_node("Div", ["sum", "column"], ["mean"]),
        helper.make_node("MatMul", ["mean", "matrix"], ["product"]),
        helper.make_node("Tanh", ["product"], ["out"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [
            helper.make_tensor_value_info(tokens, TensorProto.INT32, ["n", "l"]),
            helper.make_tensor_value_info(lengths, TensorProto.INT32, ["n"]),
        ],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, ["n", width])],
        [
            numpy_helper.from_array(TABLE, "table"),
            numpy_helper.from_array(MIXED[:, :width], "matrix"),
            numpy_helper.from_array(np.array([1], dtype=np.int64), "axis"),
        ],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(made)
    onnx.save(made, path)
    return path


def expected(spelling: list[str]) -> np.ndarray:
    numbers = [_NUMBER[token] for token in ("<s>", *spelling, "</s>")]
    return np.tanh(TABLE[numbers].sum(0) / len(numbers) @ MIXED)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_network(tmp_path / "encoder.onnx")


class TestCdddEncoder(EncoderContract):
    rounding = 1e-6

    @pytest.fixture
    def encoder(self, file: Path) -> Encoder:
        return CdddEncoder(file=str(file))

    @pytest.fixture
    def items(self) -> list[str]:
        return COMPOUNDS[1:]  # ethanol is below the domain

    @pytest.fixture
    def odd_items(self) -> list[str]:
        return ["C[N+](C)(C)C.[Cl-]", "OB(O)c1ccccc1", "C12C3C4C1C5C2C3C45", "CCCC", "FC(F)(F)CBr"]

    @pytest.fixture
    def unusable_items(self) -> list[str]:
        return [*UNREADABLE_COMPOUNDS, "CCO", "[Na+]", "C" * 60, "C[Si](C)(C)C"]


def test_the_vocabulary_is_the_published_one():
    assert len(_TOKENS) == len(set(_TOKENS)) == 40
    known = {"</s>": 0, "#": 1, "(": 4, ")": 3, "0": 8, "1": 7, "9": 15, "C": 20, "H": 24, "[": 29}
    known |= {"c": 31, "n": 34, "s": 36, "Cl": 37, "Br": 38, "<s>": 39}
    assert {token: _NUMBER[token] for token in known} == known


@pytest.mark.parametrize(
    ("smiles", "spelling"),
    [
        ("Clc1ccccc1Br", ["Cl", *"c1ccccc1", "Br"]),
        ("C[C@H](N)C(=O)O", list("CC(N)C(=O)O")),  # stereo is not read
        ("CC(=O)[O-].[Na+]", list("CC(=O)[O-]")),  # nor is a salt's other half
        ("CCCCCC.OCCCO", list("CCCCCC")),  # of two parts the larger
    ],
)
def test_what_is_read_is_the_spelling_of_the_largest_part(smiles: str, spelling: list[str], file: Path):
    found = CdddEncoder(file=str(file)).encode(["CCCCCCCCCCCCC", smiles])[1]
    np.testing.assert_allclose(found, expected(spelling), atol=1e-5)


@pytest.mark.parametrize(
    ("smiles", "said"),
    [
        ("C[Si](C)(C)C", "it holds Si"),
        ("CCO", "3 heavy atoms"),
        ("C1CCCCC1" * 9, "54 heavy atoms"),
        ("FC(F)(F)C(F)(F)C(F)(F)C(F)(F)C(F)(F)C(F)(F)C(F)(F)C(F)(F)C(F)(F)C(F)(F)C(F)(F)Br", "weight is 649"),
        ("CCCCCCCCCCCCCCCCCCCCCCCC", "logP is 9"),
    ],
)
def test_a_compound_outside_the_published_domain_is_refused_with_the_reason(
    smiles: str, said: str, file: Path
):
    with pytest.raises(InvalidSmilesError, match=rf"OUTSIDE.*item 1.*{said}|OUTSIDE.*{said}.*item 1"):
        CdddEncoder(file=str(file)).encode(["c1ccccc1", smiles])


def test_any_domain_reads_what_can_be_spelled(file: Path):
    encoder = CdddEncoder(file=str(file), domain="any")
    assert encoder.key() != CdddEncoder(file=str(file)).key()
    np.testing.assert_allclose(encoder.encode(["CCO"])[0], expected(list("CCO")), atol=1e-5)
    with pytest.raises(InvalidSmilesError, match="no token for 'u'"):
        encoder.encode(["CCCC[Cu]"])


def test_the_spec_finds_the_network_when_the_file_is_gone(file: Path):
    encoder = CdddEncoder(file=str(file))
    before = encoder.encode(COMPOUNDS[1:])
    file.unlink()
    np.testing.assert_array_equal(build_encoder(encoder.spec()).encode(COMPOUNDS[1:]), before)


def test_another_network_is_refused_and_not_kept(tmp_path: Path, data_folder: Path, file: Path):
    cases: dict[str, Path] = {
        "another network: it reads a, b": write_network(tmp_path / "names.onnx", names=("a", "b")),
        "gives 300 numbers": write_network(tmp_path / "width.onnx", width=300),
    }
    (tmp_path / "text.onnx").write_text("no network")
    cases["no ONNX file"] = tmp_path / "text.onnx"
    for said, path in cases.items():
        with pytest.raises(ConfigError, match=f"{said}.*zenodo"):
            CdddEncoder(file=str(path))
    assert not list(data_folder.rglob("*"))
    with pytest.raises(ConfigError, match="cannot be read"):
        CdddEncoder(file=str(tmp_path / "nowhere.onnx"))
    with pytest.raises(ConfigError, match="holds another network"):
        CdddEncoder(content="0" * 64, file=str(file))


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({}, ConfigError, "where you have put encoder.onnx of https://zenodo"),
        ({"domain": "all"}, ConfigError, "published or any"),
        ({"content": "0" * 64}, DataUnavailableError, "fetch cddd --from FILE"),
    ],
)
def test_what_is_missing_is_said(options: dict[str, str], error: type[Exception], said: str):
    with pytest.raises(error, match=said):
        CdddEncoder(**options)


def test_without_the_runtime_the_install_command_is_said(file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'hyperpcm\[cddd\]'"):
        CdddEncoder(file=str(file))
