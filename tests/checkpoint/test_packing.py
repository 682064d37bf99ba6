"""Packed tensors come back bit for bit, take fewer bytes, and are refused where they do not fit."""

from __future__ import annotations

import hashlib
import json
import zlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from hyperpcm.checkpoint import load_target_model, read_archive, save_target_model, write_archive
from hyperpcm.checkpoint.archive import _beginning, _bytes
from hyperpcm.checkpoint.packing import packed, unpacked
from hyperpcm.errors import CorruptModelError, IncompatibleModelError
from hyperpcm.target_model.rounding import rounded
from small_models import PUBLISHED, QUERY, SMALL, made_model, many_smiles
from small_trees import with_trees

GENERATOR = torch.Generator().manual_seed(0)
NORMAL = torch.randn(60, 40, generator=GENERATOR)
IN_BYTES = torch.randint(-127, 128, (60, 40), generator=GENERATOR) * (2.0 ** torch.arange(-30, 30))[:, None]
IN_BYTES[:, 0] = 127 * 2.0 ** torch.arange(-30, 30)
IN_BYTES[7] = 0
EXAMPLES = {
    "any weights": (NORMAL, "float32"),
    "half precision": (NORMAL.half().float(), "float16"),
    "bytes": (IN_BYTES, "int8"),
    "zeros": (torch.zeros(60, 40), "int8"),
    "zeros with a sign": (-torch.zeros(60, 40), "float16"),
    "three axes": (NORMAL.half().float().view(3, 20, 40), "float16"),
    "small numbers": (torch.arange(2400, dtype=torch.int32) % 200, "uint8"),
    "leaves": (torch.arange(2400, dtype=torch.int32) % 100 - 1, "int8"),
    "nodes": (torch.arange(30_000, dtype=torch.int32), "int16"),
    "many nodes": (torch.arange(0, 2**31 - 1, 100_000, dtype=torch.int32), "int32"),
    "bits": (torch.randint(0, 256, (40, 60), dtype=torch.uint8, generator=GENERATOR), "uint8"),
    "text": (torch.full((4000,), 67, dtype=torch.uint8), "uint8"),
    "double precision": (NORMAL.double(), "float64"),
    "a truth": (NORMAL > 0, "bool"),
    "a few": (torch.zeros(3, 4), "float32"),
    "none": (torch.zeros(0, 4), "float32"),
}


def same(one: Tensor, other: Tensor) -> bool:
    return (
        one.dtype == other.dtype and one.shape == other.shape and bytes(_bytes(one)) == bytes(_bytes(other))
    )


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_tensor_comes_back_bit_for_bit_from_the_narrowest_type(name: str):
    tensor, kept = EXAMPLES[name]
    stored, header = packed({"a": tensor, "b": torch.ones(2)}, {"name": "x"})
    kind = header["packing"].get("a", {"kept": str(tensor.dtype).removeprefix("torch.")})["kept"]
    assert kind == kept
    found, rest = unpacked(stored, json.loads(json.dumps(header)))
    assert rest == {"name": "x"}
    assert found.keys() == {"a", "b"}
    assert same(found["a"], tensor)
    assert same(found["b"], torch.ones(2))
    size = sum(part.numel() * part.element_size() for part in stored.values())
    assert size <= tensor.numel() * tensor.element_size() + 8


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**31 - 1),
    st.sampled_from([torch.float32, torch.float16, torch.int64, torch.int32, torch.uint8]),
    st.integers(0, 40),
)
def test_any_numbers_survive(seed: int, kind: torch.dtype, scale: int):
    numbers = torch.randn(33, 21, generator=torch.Generator().manual_seed(seed)) * 2.0 ** (scale - 20)
    tensor = numbers.abs().clamp_max(200).to(kind) if kind == torch.uint8 else numbers.to(kind)
    found, _ = unpacked(*packed({"a": tensor}, {}))
    assert same(found["a"], tensor)


@pytest.mark.parametrize("weights", ["byte", "half", "single"])
@pytest.mark.parametrize("model_settings", [SMALL, PUBLISHED])
def test_a_target_is_the_same_from_its_file_and_rounded_ones_are_smaller(
    weights: str, model_settings: dict, tmp_path: Path
):
    wide = model_settings | {"qsar": {**model_settings["qsar"], "hidden": [64]}}
    exact = made_model(wide).compile_target(QUERY, name="a", exact=True)
    target = rounded(exact, weights)
    if target.prior is not None:
        target = with_trees(target)
    save_target_model(target, tmp_path / "t.hpcm")
    loaded = load_target_model(tmp_path / "t.hpcm")
    ours, theirs = target.state(), loaded.state()
    assert ours[1] == theirs[1]
    assert ours[0].keys() == theirs[0].keys()
    assert all(same(ours[0][name], theirs[0][name]) for name in ours[0])
    smiles = many_smiles(80)
    assert loaded.score(smiles).values.tobytes() == target.score(smiles).values.tobytes()
    kept = {
        name: about["kept"] for name, about in read_archive(tmp_path / "t.hpcm").header["packing"].items()
    }
    expected = {"byte": "int8", "half": "float16"}.get(weights)
    assert kept.get("network0.0.weight") == expected


def as_before(path: Path, tensors: dict[str, Tensor], header: dict) -> Path:
    """A file of format version 1, as versions before packing wrote it."""
    write_archive(path, "target_model", tensors, header)
    stored = read_archive(path).tensors
    raw = path.read_bytes()
    entries = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
    document = json.loads(entries["__metadata__"]["hyperpcm"])
    del document["document_sha256"]
    document["format_version"] = 1
    spelt = json.dumps(document, separators=(",", ":"))
    document["document_sha256"] = hashlib.sha256(spelt.encode()).hexdigest()
    order = [name for name in entries if name != "__metadata__"]
    start = _beginning({name: stored[name] for name in order}, json.dumps(document, separators=(",", ":")))
    path.write_bytes(start + b"".join(bytes(_bytes(stored[name])) for name in order))
    return path


def test_a_file_of_the_version_before_is_read_as_it_was(tmp_path: Path):
    target = with_trees(made_model(SMALL).compile_target(QUERY, exact=True))
    tensors, header = target.state()
    tensors.pop("prior.compounds")  # landmark compounds had fingerprints alone
    del header["provenance"]["rounding"], header["prior"]["compounds"]
    path = as_before(tmp_path / "old.hpcm", tensors, header)
    assert read_archive(path).format_version == 1
    loaded = load_target_model(path)
    smiles = many_smiles(40)
    assert loaded.score(smiles).values.tobytes() == target.score(smiles).values.tobytes()
    assert loaded.nearest_landmarks(["CCO"]) == (None,)
    save_target_model(loaded, tmp_path / "new.hpcm")
    assert read_archive(tmp_path / "new.hpcm").format_version == 2
    again = load_target_model(tmp_path / "new.hpcm")
    assert again.score(smiles).values.tobytes() == target.score(smiles).values.tobytes()


@pytest.mark.parametrize("extra", ["prior.more", "prior.sums.steps"])
def test_a_file_of_the_version_before_with_more_in_it_is_refused(extra: str, tmp_path: Path):
    tensors, header = made_model(SMALL).compile_target(QUERY).state()
    path = as_before(tmp_path / "old.hpcm", tensors | {extra: torch.ones(3)}, header)
    with pytest.raises(IncompatibleModelError, match=extra):
        load_target_model(path)


def deflated(size: int) -> Tensor:
    return torch.from_numpy(np.frombuffer(zlib.compress(b"\x00" * size, 9), dtype=np.uint8).copy())


@pytest.mark.parametrize(
    "edit",
    [
        lambda packing, tensors: packing.update(more=packing["weight"]),
        lambda packing, tensors: packing["weight"].update(shape=[60, 41]),
        lambda packing, tensors: packing["weight"].update(kept="int16"),
        lambda packing, tensors: packing["weight"].update(kept="complex64"),
        lambda packing, tensors: packing["weight"].pop("type"),
        lambda packing, tensors: packing.update(weight=1),
        lambda packing, tensors: tensors.update({"weight.steps": torch.ones(1)}),
        lambda packing, tensors: tensors.update({"weight.steps": torch.ones(60, dtype=torch.int32)}),
        lambda packing, tensors: tensors.pop("weight.steps"),
        lambda packing, tensors: tensors.update(text=deflated(2**26)),
        lambda packing, tensors: tensors.update(text=deflated(3999)),
        lambda packing, tensors: packing["text"].update(shape=[2**40]),
        lambda packing, tensors: packing["text"].update(shape=[-1]),
        lambda packing, tensors: tensors.update(text=tensors["text"][:-3]),
        lambda packing, tensors: tensors.update(text=torch.cat([tensors["text"], tensors["text"][:1]])),
    ],
)
def test_tensors_that_are_packed_otherwise_than_the_header_says_are_refused(edit):
    plain = {"weight": IN_BYTES, "text": EXAMPLES["text"][0]}
    tensors, header = packed(plain, {})
    assert {name: about["kept"] for name, about in header["packing"].items()} == {
        "weight": "int8",
        "text": "uint8",
    }
    edit(header["packing"], tensors)
    with pytest.raises(CorruptModelError, match="packed otherwise"):
        unpacked(tensors, header)


def test_a_file_whose_packing_makes_no_sense_is_refused(tmp_path: Path):
    tensors, header = made_model(SMALL).compile_target(QUERY).state()
    for packing in ([], None, {"prior.sums": {}}):
        write_archive(
            tmp_path / "t.hpcm", "target_model", tensors, {**header, "packing": packing}, overwrite=True
        )
        with pytest.raises(CorruptModelError, match=r"t\.hpcm"):
            load_target_model(tmp_path / "t.hpcm")
