"""A target model as an ONNX graph: from embedding and fingerprint to scores, in any runtime.

Inputs are ``embedding`` (float32 [n, d], as the compound encoder gives it, unscaled) and, where the target
retrieves measured labels, ``fingerprint`` (uint8 [n, w], presence or counts of Morgan environments). The
output is ``score`` (float32 [n]). What the numbers mean stands in the metadata of the file.

Source: https://onnx.ai/onnx/operators (operators of opset 17, and of ai.onnx.ml 3 for trees).
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from hyperpcm import __version__
from hyperpcm.checkpoint.plain_arrays import plain_arrays
from hyperpcm.datasets.output_files import atomic_file
from hyperpcm.errors import MissingExtraError
from hyperpcm.target_model.numpy_form import LITTLE, RETRIEVAL_FLOOR, RIDGE_FLOOR, SELU
from hyperpcm.target_model.scores import FREQUENCIES

if TYPE_CHECKING:
    from hyperpcm.target_model import TargetModel

__all__ = ["check_onnx", "onnx_bytes", "save_onnx_file"]

_OPSETS: Final = (("", 17), ("ai.onnx.ml", 3))
_IR_VERSION: Final = 8  # of onnx 1.12 and onnxruntime 1.12, 2022: older runtimes cannot read it
_LEAF: Final = -1


def save_onnx_file(target_model: TargetModel, path: Path, *, overwrite: bool = False) -> None:
    """Write a target model as an ONNX file.

    Args:
        target_model: not mutated.
        path: of the file.
        overwrite: whether a file that is there may be replaced.

    Raises:
        IncompatibleModelError: it reads the graphs of compounds with a network of its own.
        MissingExtraError: the package onnx is not installed.
        DivergedError: a number is NaN or infinite.
        OutputError: the path exists and ``overwrite`` is not set, or it cannot be written.
        DiskFullError: no space is left; what was at the path before is still there.
    """
    content = onnx_bytes(target_model)
    with atomic_file(path, overwrite=overwrite) as stream:
        stream.write(content)


def onnx_bytes(target_model: TargetModel) -> bytes:
    """Return the content of the ONNX file of a target model; errors as `save_onnx_file`."""
    graph = _Graph(*plain_arrays(target_model))
    graph.build()
    return graph.serialised(target_model.encoder.width)


class _Graph:
    """Operators one after the other; a method adds some and returns the name of their result."""

    def __init__(self, arrays: Mapping[str, npt.NDArray[Any]], header: Mapping[str, Any]) -> None:
        self.onnx = _onnx()
        self.arrays, self.header = arrays, header
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def build(self) -> None:
        """Add everything from the inputs to ``score``."""
        scale, clip = self.header["label_scale"], self.header["clip"]
        inputs = self.add("Sub", "embedding", self.constant(self.arrays["scaler.mean"]))
        inputs = self.add("Div", inputs, self.constant(self.arrays["scaler.scale"]))
        if clip is not None:
            inputs = self.clipped(inputs, -clip, clip)
        base = None
        if self.header["prior"] is not None:
            features, mean, ridge = self.retrieved(self.similarity())
            base = self.contrasted(self.with_trees(features, mean, ridge), mean, ridge)
            if scale["binary"]:
                frequency = self.clipped(self.affine(base, scale["scale"], scale["centre"]), *FREQUENCIES)
                odds = self.add("Div", frequency, self.affine(frequency, -1.0, 1.0))
                base = self.add("Log", odds)
            inputs = self.add("Concat", inputs, features, axis=1)
        number = int(self.header["networks"])
        raw = self.network(0, inputs)
        for place in range(1, number):
            raw = self.add("Add", raw, self.network(place, inputs))
        if number > 1:
            raw = self.add("Div", raw, self.scalar(number))
        if base is not None:
            raw = self.add("Add", base, raw)
        if scale["binary"]:
            raw = self.add("Sigmoid", self.affine(raw, scale["slope"], scale["intercept"]))
        else:
            raw = self.affine(raw, scale["scale"], scale["centre"])
        self.add("Reshape", raw, self.constant(np.array([-1], dtype=np.int64)), output="score")

    def similarity(self) -> str:
        """Tanimoto similarity to the landmarks, double [n, j]; as `hyperpcm.chem.tanimoto`."""
        width = int(self.header["prior"]["width"])
        bits = np.unpackbits(self.arrays["prior.landmarks"], axis=1, count=width)
        given = self.add("Cast", self.add("Cast", "fingerprint", to=self.bool), to=self.float)
        landmarks = self.add("Cast", self.constant(bits.T), to=self.float)  # stored in bytes, for size
        shared = self.add("MatMul", given, landmarks)
        size = self.add("MatMul", given, self.constant(np.ones((width, 1), dtype=np.float32)))
        union = self.add(
            "Sub", self.add("Add", size, self.constant(bits.sum(1, dtype=np.float32)[None])), shared
        )
        union = self.add("Max", union, self.scalar(1.0))
        return self.add("Cast", self.add("Div", shared, union), to=self.double)

    def retrieved(self, similarity: str) -> tuple[str, str, str]:
        """Label features [n, f], prior mean and ridge score [n, 1], single; as the NumPy form has them."""
        logarithm = self.add("Log", self.clipped(similarity, RETRIEVAL_FLOOR, 1.0, double=True))
        fallback = np.exp(self.of_prior("log_fallback"))
        sums, little = self.of_prior("sums")[:, 0], self.scalar(LITTLE, double=True)
        mean, means, spreads, evidences = None, [], [], []
        for level, exponent in enumerate(self.of_prior("compound_exponent")):
            totals = self.add("MatMul", self.powers(logarithm, exponent), self.constant(sums[:, level].T))
            evidence, first, second = (self.column(totals, place) for place in range(3))
            weight = self.scalar(fallback[level], double=True)
            above = first if mean is None else self.add("Add", first, self.add("Mul", weight, mean))
            mean = self.add("Div", above, self.add("Add", evidence, weight))
            some = self.add("Add", evidence, little)
            centre = self.add("Div", first, some)
            square = self.add("Mul", centre, centre)
            variance = self.add("Sub", self.add("Div", self.add("Add", second, little), some), square)
            means.append(mean)
            spreads.append(self.add("Sqrt", self.add("Max", variance, little)))
            evidences.append(self.add("Log", some))
        assert mean is not None  # a retrieval has one level at least
        ridge, share = mean, self.header["prior"]["ridge_share"]
        if share is not None:
            ridge = self.ridge(similarity)
            mean = self.add("Add", mean, self.affine(self.add("Sub", ridge, mean), share, 0.0, double=True))
        features = self.add("Concat", *means, *spreads, *evidences, axis=1)
        single = [self.add("Cast", name, to=self.float) for name in (features, mean, ridge)]
        return single[0], single[1], single[2]

    def ridge(self, similarity: str) -> str:
        logarithm = self.add("Log", self.clipped(similarity, RIDGE_FLOOR, 1.0, double=True))
        parts = zip(self.of_prior("ridge.exponents"), self.of_prior("ridge.coefficients"), strict=True)
        said = [
            self.add("MatMul", self.powers(logarithm, exponent), self.constant(beta[:, None]))
            for exponent, beta in parts
        ]
        return said[0] if len(said) == 1 else self.add("Sum", *said)

    def with_trees(self, features: str, mean: str, ridge: str) -> str:
        """The prior mean with the trees mixed in, single [n, 1]."""
        held = self.header["prior"]["trees"]
        if held is None:
            return mean
        columns = self.add("Concat", features, ridge, mean, "embedding", axis=1)
        said = self.affine(mean, held["carry"], 0.0)
        attributes, constant = _trees({name: self.arrays[f"prior.trees.{name}"] for name in _TREE_ARRAYS})
        if attributes:
            grown = self.add("TreeEnsembleRegressor", columns, domain="ai.onnx.ml", **attributes)
            said = self.add("Add", said, grown)
        said = self.affine(said, 1.0, constant)
        return self.add("Add", mean, self.affine(self.add("Sub", said, mean), held["share"], 0.0))

    def contrasted(self, base: str, mean: str, ridge: str) -> str:
        """The prior mean with the contrast of the regression added, single [n, 1]."""
        held = self.header["prior"]
        contrast, level = (float(held.get(f"ridge_{key}", 0.0)) for key in ("contrast", "level"))
        if contrast == 0:
            return base
        beyond = self.affine(self.add("Sub", ridge, mean), contrast, -contrast * level)
        return self.add("Add", base, beyond)

    def network(self, place: int, inputs: str) -> str:
        """What one generated network says, single [n, 1]."""
        first, hidden, last = 0, inputs, int(self.header["layers"]) - 1
        if self.header["noise_head"]:
            first, hidden = 1, self.add("Concat", self.hidden(place, 0, inputs), inputs, axis=1)
        for position in range(first, last):
            hidden = self.hidden(place, position, hidden)
        return self.layer(place, last, hidden)

    def hidden(self, place: int, position: int, values: str) -> str:
        product = self.layer(place, position, values)
        if self.header["activation"] == "selu":
            return self.add("Selu", product, alpha=SELU[0], gamma=SELU[1])
        return self.add("Relu", product)

    def layer(self, place: int, position: int, values: str) -> str:
        weight, bias = (self.arrays[f"network{place}.{position}.{part}"] for part in ("weight", "bias"))
        return self.add("Gemm", values, self.constant(weight), self.constant(bias), transB=1)

    def powers(self, logarithm: str, exponent: float) -> str:
        return self.add("Exp", self.add("Mul", logarithm, self.scalar(exponent, double=True)))

    def affine(self, values: str, factor: float, shift: float, *, double: bool = False) -> str:
        if factor != 1.0:
            values = self.add("Mul", values, self.scalar(factor, double=double))
        return values if shift == 0.0 else self.add("Add", values, self.scalar(shift, double=double))

    def clipped(self, values: str, low: float, high: float, *, double: bool = False) -> str:
        return self.add("Clip", values, self.scalar(low, double=double), self.scalar(high, double=double))

    def column(self, values: str, place: int) -> str:
        return self.add("Gather", values, self.constant(np.array([place], dtype=np.int64)), axis=1)

    def of_prior(self, name: str) -> npt.NDArray[np.float64]:
        values: npt.NDArray[np.float64] = self.arrays[f"prior.{name}"].astype(np.float64)
        return values

    def scalar(self, value: float, *, double: bool = False) -> str:
        return self.constant(np.array(value, dtype=np.float64 if double else np.float32))

    def constant(self, value: npt.NDArray[Any]) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(self.onnx.numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, operator: str, *inputs: str, output: str | None = None, **attributes: Any) -> str:
        name = output or f"v{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(operator, inputs, [name], **attributes))
        return name

    @property
    def float(self) -> int:
        """The type of single precision."""
        return int(self.onnx.TensorProto.FLOAT)

    @property
    def double(self) -> int:
        """The type of double precision."""
        return int(self.onnx.TensorProto.DOUBLE)

    @property
    def bool(self) -> int:
        """The type of truth values."""
        return int(self.onnx.TensorProto.BOOL)

    def serialised(self, width: int) -> bytes:
        """Return the file; ``width`` is that of the embedding."""
        helper, proto = self.onnx.helper, self.onnx.TensorProto
        inputs = [helper.make_tensor_value_info("embedding", proto.FLOAT, ["n", width])]
        prior = self.header["prior"]
        if prior is not None:
            inputs.append(
                helper.make_tensor_value_info("fingerprint", proto.UINT8, ["n", int(prior["width"])])
            )
        outputs = [helper.make_tensor_value_info("score", proto.FLOAT, ["n"])]
        graph = helper.make_graph(self.nodes, "target_model", inputs, outputs, self.constants)
        opsets = [helper.make_opsetid(domain, version) for domain, version in _OPSETS]
        model = helper.make_model(
            graph, opset_imports=opsets, ir_version=_IR_VERSION, producer_name="hyperpcm"
        )
        model.producer_version = __version__
        facts = {name: self.header[name] for name in ("quantity", "encoder", "provenance")}
        if prior is not None:
            facts["fingerprint"] = {"kind": "morgan", "radius": prior["radius"], "width": prior["width"]}
        texts = {name: self.header[name] for name in ("name", "sequence")}
        helper.set_model_props(model, texts | {name: json.dumps(value) for name, value in facts.items()})
        self.onnx.checker.check_model(model)
        content: bytes = model.SerializeToString()
        return content


_TREE_ARRAYS: Final = ("roots", "column", "threshold", "left", "right")


def _trees(arrays: Mapping[str, npt.NDArray[Any]]) -> tuple[dict[str, Any], float]:
    """Trees as attributes of ONNX, and the sum of those that are one leaf; no attributes where all are."""
    column, threshold, left, right = (arrays[name].tolist() for name in _TREE_ARRAYS[1:])
    nodes: dict[str, list[Any]] = {
        name: []
        for name in ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids")
    }
    leaves: dict[str, list[Any]] = {name: [] for name in ("treeids", "nodeids", "ids", "weights")}
    constant, tree = 0.0, 0
    for root in arrays["roots"].tolist():
        if column[root] == _LEAF:
            constant += threshold[root]
            continue
        places, waiting = {root: 0}, [root]
        while waiting:
            node = waiting.pop()
            is_leaf = column[node] == _LEAF
            if not is_leaf:
                for child in (left[node], right[node]):
                    places[child] = len(places)
                    waiting.append(child)
            row = (
                tree,
                places[node],
                max(column[node], 0),
                0.0 if is_leaf else threshold[node],
                "LEAF" if is_leaf else "BRANCH_LEQ",
                0 if is_leaf else places[left[node]],
                0 if is_leaf else places[right[node]],
            )
            for values, value in zip(nodes.values(), row, strict=True):
                values.append(value)
            if is_leaf:
                for values, value in zip(
                    leaves.values(), (tree, places[node], 0, threshold[node]), strict=True
                ):
                    values.append(value)
        tree += 1
    if not tree:
        return {}, constant
    attributes = {f"nodes_{name}": values for name, values in nodes.items()}
    attributes |= {f"target_{name}": values for name, values in leaves.items()}
    return attributes | {"n_targets": 1, "aggregate_function": "SUM"}, constant


def check_onnx() -> None:
    """Refuse to begin where the package onnx is missing.

    Raises:
        MissingExtraError: the message holds the install command.
    """
    _onnx()


def _onnx() -> Any:
    try:
        onnx = importlib.import_module("onnx")
        for part in ("helper", "numpy_helper", "checker"):
            importlib.import_module(f"onnx.{part}")
        return onnx
    except ModuleNotFoundError as error:
        raise MissingExtraError("onnx", "onnx") from error
