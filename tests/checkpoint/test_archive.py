from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import pickle
import stat
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from hypothesis import given
from hypothesis import strategies as st

from hyperpcm import __version__
from hyperpcm.checkpoint import FORMAT_VERSIONS, archive_kind, read_archive, write_archive
from hyperpcm.checkpoint.archive import MAX_HEADER_BYTES
from hyperpcm.errors import (
    CorruptModelError,
    DiskFullError,
    DivergedError,
    IncompatibleModelError,
    InputError,
    OutputError,
)

HEADER = {"quantity": "pKd", "widths": [3, 2.5], "nested": {"none": None, "true": True, "text": 'β "\\ \n'}}


def some_tensors() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {
        "weight": torch.randn(3, 4, generator=generator),
        "bias": torch.randn(3, generator=generator, dtype=torch.float64),
        "flags": torch.tensor([True, False, True]),
        "codes": torch.arange(5, dtype=torch.uint8),
        "empty": torch.zeros(0, 2),
        "scalar": torch.tensor(7),
    }


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    write_archive(path, "model", some_tensors(), HEADER)
    return path


def document_of(path: Path) -> dict:
    with safetensors.safe_open(path, framework="pt") as opened:
        return json.loads(opened.metadata()["hyperpcm"])


def seal(document: dict) -> dict:
    """Seal anew, as a program that knows the format would."""
    content = {name: value for name, value in document.items() if name != "document_sha256"}
    text = json.dumps(content, separators=(",", ":"))
    return {**content, "document_sha256": hashlib.sha256(text.encode()).hexdigest()}


def rewrite(path: Path, document: dict, tensors: dict[str, torch.Tensor] | None = None) -> None:
    """Put a document, and other tensors, into a file with the library's own writer."""
    kept = safetensors.torch.load_file(path) if tensors is None else tensors
    text = json.dumps(document, separators=(",", ":"))
    safetensors.torch.save_file(kept, path, metadata={"hyperpcm": text})


def same(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Equal in type, shape and every bit: 0.0 and -0.0 differ."""
    alike = one.dtype == other.dtype and one.shape == other.shape
    return alike and one.numpy().tobytes() == other.numpy().tobytes()


# What comes back


def test_tensors_and_header_come_back_as_they_went_in(file):
    archive = read_archive(file, "model")
    expected = some_tensors()
    assert archive.tensors.keys() == expected.keys()
    assert all(same(archive.tensors[name], tensor) for name, tensor in expected.items())
    assert archive.header == HEADER
    assert (archive.kind, archive.hyperpcm_version) == ("model", __version__)


names = st.text(st.characters(codec="utf-8", categories=("L", "N", "P")), min_size=1, max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
kinds = st.sampled_from(["float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"])


@st.composite
def made_tensors(draw) -> torch.Tensor:
    shape = tuple(draw(st.lists(st.integers(0, 4), max_size=3)))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    values = rng.normal(size=shape) * draw(st.sampled_from([1e-3, 1.0, 100.0]))
    return torch.from_numpy(np.asarray(values).astype(draw(kinds), casting="unsafe"))


@given(
    tensors=st.dictionaries(names.filter(lambda name: name != "__metadata__"), made_tensors(), max_size=4),
    header=st.dictionaries(st.text(), json_values, max_size=4),
    kind=st.sampled_from(["model", "target_model", "training_state"]),
)
def test_any_tensors_and_any_json_survive_the_round_trip(tmp_path_factory, tensors, header, kind):
    path = tmp_path_factory.mktemp("any") / "archive.safetensors"
    write_archive(path, kind, tensors, header)
    archive = read_archive(path, kind)
    assert archive.tensors.keys() == tensors.keys()
    assert all(same(archive.tensors[name], tensor) for name, tensor in tensors.items())
    assert json.dumps(archive.header) == json.dumps(header), "with types, signs of zero and order"
    assert all(same(found, tensors[name]) for name, found in safetensors.torch.load_file(path).items())


def test_bfloat16_comes_back(tmp_path):
    tensor = torch.tensor([1.5, -0.0], dtype=torch.bfloat16)
    write_archive(tmp_path / "a", "model", {"half": tensor}, {})
    found = read_archive(tmp_path / "a").tensors["half"]
    assert found.dtype == torch.bfloat16
    assert torch.equal(found.view(torch.int16), tensor.view(torch.int16))


def test_any_safetensors_reader_opens_the_file(file):
    found = safetensors.torch.load_file(file)
    assert {name: same(tensor, found[name]) for name, tensor in some_tensors().items()} == dict.fromkeys(
        some_tensors(), True
    )
    document = document_of(file)
    assert (document["format"], document["format_version"], document["kind"]) == ("hyperpcm", 2, "model")
    assert document["header"] == HEADER


def test_each_tensor_starts_at_a_multiple_of_its_item_size(file):
    raw = file.read_bytes()
    length = struct.unpack("<Q", raw[:8])[0]
    entries = json.loads(raw[8 : 8 + length])
    assert (8 + length) % 8 == 0
    for name, tensor in some_tensors().items():
        assert entries[name]["data_offsets"][0] % tensor.element_size() == 0


def test_tensors_that_share_memory_or_have_strides_or_a_graph_are_stored_by_value(tmp_path):
    base = torch.arange(12.0).reshape(3, 4)
    tensors = {
        "all": base,
        "row": base[1],
        "turned": base.T,
        "again": base,
        "learned": torch.nn.Parameter(base),
    }
    write_archive(tmp_path / "a", "model", tensors, {})
    found = read_archive(tmp_path / "a").tensors
    assert all(torch.equal(found[name], tensor) for name, tensor in tensors.items())
    assert all(tensor.is_contiguous() and not tensor.requires_grad for tensor in found.values())
    found["all"].zero_()
    assert torch.equal(found["again"], base)


def test_what_was_read_stays_when_the_file_is_overwritten_in_place(file):
    archive = read_archive(file)
    file.write_bytes(bytes(file.stat().st_size))
    assert same(archive.tensors["weight"], some_tensors()["weight"])


def test_an_archive_may_hold_nothing(tmp_path):
    write_archive(tmp_path / "a", "training_state", {}, {})
    archive = read_archive(tmp_path / "a", "training_state")
    assert (archive.tensors, archive.header) == ({}, {})


def test_equal_content_gives_equal_files_and_other_content_another_digest(tmp_path, file):
    reordered = dict(reversed(some_tensors().items()))
    write_archive(tmp_path / "b", "model", reordered, HEADER)
    assert (tmp_path / "b").read_bytes() == file.read_bytes()
    digests = {read_archive(file).sha256, read_archive(tmp_path / "b").sha256}
    assert len(digests) == 1
    write_archive(tmp_path / "c", "model", {**some_tensors(), "bias": torch.zeros(3)}, HEADER)
    write_archive(tmp_path / "d", "model", some_tensors(), {**HEADER, "quantity": "pKi"})
    write_archive(tmp_path / "e", "target_model", some_tensors(), HEADER)
    digests |= {read_archive(tmp_path / name).sha256 for name in "cde"}
    assert len(digests) == 4


# Writing


def test_an_existing_file_stays_unless_it_may_be_replaced(file):
    before = file.read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        write_archive(file, "model", {}, {})
    assert file.read_bytes() == before
    write_archive(file, "model", {}, {"new": 1}, overwrite=True)
    assert read_archive(file).header == {"new": 1}


@pytest.mark.parametrize("place", ["missing/model.safetensors", "file/model.safetensors", ".", "n" * 300])
def test_a_path_that_cannot_be_written_is_a_clear_refusal(tmp_path, place):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError):
        write_archive(tmp_path / place, "model", some_tensors(), HEADER)
    assert [found.name for found in tmp_path.iterdir()] == ["file"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_is_read_only_is_a_clear_refusal(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    with pytest.raises(OutputError, match="cannot be written"):
        write_archive(folder / "a", "model", some_tensors(), HEADER)


def test_a_full_disk_is_one_error_leaves_no_file_and_work_goes_on_once_there_is_room(small_disk):
    path, tensors = small_disk / "model.safetensors", {"weight": torch.zeros(200_000)}
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(600_000))
    with pytest.raises(DiskFullError, match=r"model\.safetensors: no space left"):
        write_archive(path, "model", tensors, {})
    assert list(small_disk.iterdir()) == [ballast]
    ballast.unlink()
    write_archive(path, "model", tensors, {})
    assert same(read_archive(path).tensors["weight"], tensors["weight"])


def test_a_full_disk_leaves_the_file_that_was_to_be_replaced(small_disk):
    path = small_disk / "model.safetensors"
    write_archive(path, "model", {"weight": torch.ones(150_000)}, {})
    with pytest.raises(DiskFullError):
        write_archive(path, "model", {"weight": torch.zeros(200_000)}, {}, overwrite=True)
    assert list(small_disk.iterdir()) == [path]
    assert torch.equal(read_archive(path).tensors["weight"], torch.ones(150_000))


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_fault_of_the_disk_at_the_last_moment_leaves_no_file(tmp_path, monkeypatch, call, number):
    def fault(*_, **__):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(os, call, fault)
        with pytest.raises(OutputError if number == errno.EIO else DiskFullError):
            write_archive(tmp_path / "a", "model", some_tensors(), HEADER)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
def test_a_weight_that_is_no_number_is_not_written(tmp_path, value, dtype):
    tensors = {"good": torch.ones(2), "layer.bad": torch.tensor([[1.0, value]], dtype=dtype)}
    with pytest.raises(DivergedError, match=r"'layer\.bad' holds 1 (NaN|infinite)"):
        write_archive(tmp_path / "a", "model", tensors, {})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("header", "where"),
    [
        ({"a": np.float64(1)}, r"header\['a'\] is a numpy\.float64"),
        ({"a": np.int64(1)}, "numpy.int64"),
        ({"a": [np.bool_(True)]}, r"header\['a'\]\[0\]"),
        ({"a": np.zeros(1)}, "ndarray"),
        ({"a": (1, 2)}, "tuple"),
        ({"a": {1: 2}}, "the key 1 is a int"),
        ({"a": {"b": {3}}}, r"header\['a'\]\['b'\]"),
        ({"a": torch.ones(1)}, "Tensor"),
        ({"a": Path("x")}, "Path"),
        ({"a": b"x"}, "bytes"),
        ({0: "a"}, "key 0"),
    ],
)
def test_a_header_that_json_would_change_is_our_bug(tmp_path, header, where):
    with pytest.raises(TypeError, match=where):
        write_archive(tmp_path / "a", "model", {}, header)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_header_number_that_is_not_finite_is_our_bug(tmp_path, value):
    with pytest.raises(ValueError, match=r"header\['loss'\]\[1\]"):
        write_archive(tmp_path / "a", "model", {}, {"loss": [0.5, value]})


@pytest.mark.parametrize(
    ("tensors", "error"),
    [
        ({"a": np.zeros(2)}, TypeError),
        ({"a": [1.0]}, TypeError),
        ({"a": torch.zeros(2, dtype=torch.complex64)}, TypeError),
        ({"a": torch.eye(2).to_sparse()}, TypeError),
        ({1: torch.zeros(2)}, TypeError),
        ({"": torch.zeros(2)}, ValueError),
        ({"a\udc80": torch.zeros(2)}, ValueError),
        ({"__metadata__": torch.zeros(2)}, ValueError),
    ],
)
def test_what_is_no_named_dense_tensor_is_our_bug(tmp_path, tensors, error):
    with pytest.raises(error):
        write_archive(tmp_path / "a", "model", tensors, {})
    assert list(tmp_path.iterdir()) == []


def test_a_kind_that_does_not_exist_is_our_bug(file, tmp_path):
    with pytest.raises(ValueError, match="modle"):
        write_archive(tmp_path / "a", "modle", {}, {})
    with pytest.raises(ValueError, match="modle"):
        read_archive(file, "modle")


def test_a_header_beyond_the_bound_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="at most"):
        write_archive(tmp_path / "a", "model", {}, {"text": "x" * MAX_HEADER_BYTES})
    assert list(tmp_path.iterdir()) == []


def test_one_line_is_logged_per_file(tmp_path, caplog):
    with caplog.at_level(logging.INFO, logger="hyperpcm"):
        write_archive(tmp_path / "a", "model", some_tensors(), {})
    assert len(caplog.messages) == 1
    assert "model of 6 tensors" in caplog.messages[0]


# Reading what is damaged


def test_a_flipped_bit_anywhere_in_the_file_is_noticed(file):
    good = file.read_bytes()
    data = 8 + struct.unpack("<Q", good[:8])[0]
    flips = [(position, position % 8) for position in range(data)]
    flips += [(position, bit) for position in range(data, len(good)) for bit in range(8)]
    assert len(flips) > 1500
    for position, bit in flips:
        damaged = bytearray(good)
        damaged[position] ^= 1 << bit
        file.write_bytes(damaged)
        with pytest.raises(CorruptModelError, match=r"model\.safetensors"):
            read_archive(file)


def test_every_bit_of_the_format_version_is_vouched_for(file):
    good = file.read_bytes()
    position = good.index(b"format_version") + len(b'format_version\\":')
    assert good[position : position + 1] == str(FORMAT_VERSIONS["model"]).encode()
    for bit in range(8):
        damaged = bytearray(good)
        damaged[position] ^= 1 << bit
        file.write_bytes(damaged)
        with pytest.raises(CorruptModelError):
            read_archive(file)


def test_a_file_cut_anywhere_or_longer_than_it_was_is_noticed(file):
    good = file.read_bytes()
    for length in [*range(0, len(good), 7), len(good) - 1]:
        file.write_bytes(good[:length])
        with pytest.raises(CorruptModelError):
            read_archive(file)
    file.write_bytes(good + b"\0")
    with pytest.raises(CorruptModelError):
        read_archive(file)


@given(st.binary(max_size=64))
def test_any_bytes_are_refused_with_a_sentence(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("bytes") / "model.safetensors"
    for beginning in (b"", struct.pack("<Q", len(content) + 1) + b"{"):
        path.write_bytes(beginning + content)
        with pytest.raises(CorruptModelError, match=r"model\.safetensors: "):
            read_archive(path)


def test_an_empty_file_is_called_empty(tmp_path):
    (tmp_path / "a").touch()
    with pytest.raises(CorruptModelError, match="is empty"):
        read_archive(tmp_path / "a")


@pytest.mark.parametrize("length", [MAX_HEADER_BYTES + 1, 2**40, 2**64 - 1])
def test_a_huge_header_is_refused_before_it_is_read(tmp_path, length):
    (tmp_path / "a").write_bytes(struct.pack("<Q", length) + b'{"__metadata__":{}}')
    with pytest.raises(CorruptModelError, match="announces a header"):
        read_archive(tmp_path / "a")


class Evil:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


@pytest.mark.parametrize("name", ["model.pt", "model.pkl", "model.safetensors"])
@pytest.mark.parametrize("how", ["torch", "old torch", "pickle", "text pickle"])
def test_a_pickle_under_any_name_is_refused_and_never_run(tmp_path, name, how):
    path, trace = tmp_path / name, tmp_path / "executed"
    content = {"weight": Evil(trace)}
    if how.endswith("torch"):
        torch.save(content, path, _use_new_zipfile_serialization=how == "torch")
    else:
        path.write_bytes(pickle.dumps(content, protocol=0 if how == "text pickle" else 4))
    with pytest.raises(CorruptModelError, match="not a model file" if how == "text pickle" else "pickle"):
        read_archive(path)
    assert not trace.exists()
    if how == "pickle":
        pickle.loads(path.read_bytes())  # noqa: S301 - shows that the file would have acted
        assert trace.exists()


def test_other_files_are_refused_with_a_sentence(tmp_path):
    (tmp_path / "text").write_text("SMILES,pKd\nCCO,5.0\n")
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        archive.writestr("x", "y")
    np.save(tmp_path / "array.npy", np.zeros(3))
    for name in ("text", "zip", "array.npy"):
        with pytest.raises(CorruptModelError, match=name):
            read_archive(tmp_path / name)


def test_a_safetensors_file_of_somebody_else_is_refused(tmp_path):
    safetensors.torch.save_file({"a": torch.zeros(2)}, tmp_path / "a")
    with pytest.raises(CorruptModelError, match="hyperpcm did not write it"):
        read_archive(tmp_path / "a")
    safetensors.torch.save_file({"a": torch.zeros(2)}, tmp_path / "a", metadata={"format": "pt"})
    with pytest.raises(CorruptModelError, match="hyperpcm did not write it"):
        read_archive(tmp_path / "a")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "1",
        "{}",
        "{",
        '{"format":"hyperpcm"}',
        '{"a":1e999}',
        '{"a":NaN}',
        "[" * 100_000,
        "9" * 5000,
    ],
)
def test_a_document_that_is_none_is_refused(tmp_path, text):
    safetensors.torch.save_file({}, tmp_path / "a", metadata={"hyperpcm": text})
    with pytest.raises(CorruptModelError):
        read_archive(tmp_path / "a")


def test_a_document_that_was_edited_is_refused(file):
    document = document_of(file)
    document["header"]["quantity"] = "pKi"
    rewrite(file, document)
    with pytest.raises(CorruptModelError, match="header was altered"):
        read_archive(file)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": "other"}, "not a file of hyperpcm"),
        ({"format_version": "1"}, "format_version"),
        ({"format_version": True}, "format_version"),
        ({"format_version": 0}, "format_version"),
        ({"kind": 3}, "kind"),
        ({"header": []}, "header"),
        ({"sha256": None}, "sha256"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_a_sealed_document_that_makes_no_sense_is_refused(file, change, words):
    rewrite(file, seal({**document_of(file), **change}))
    with pytest.raises(CorruptModelError, match=words):
        read_archive(file)


@pytest.mark.parametrize("name", ["format", "format_version", "kind", "hyperpcm_version", "sha256", "header"])
def test_a_sealed_document_without_one_of_its_entries_is_refused(file, name):
    document = document_of(file)
    del document[name]
    rewrite(file, seal(document))
    with pytest.raises(CorruptModelError):
        read_archive(file)


def test_a_document_sealed_as_it_was_is_accepted(file):
    rewrite(file, seal(document_of(file)))
    assert read_archive(file).header == HEADER, "the tests above are refused for their change alone"


@pytest.mark.parametrize("kind", [*FORMAT_VERSIONS, "panel"])
def test_a_newer_format_version_names_both_versions_and_what_to_do(file, kind):
    newest = FORMAT_VERSIONS.get(kind, max(FORMAT_VERSIONS.values()))
    changes = {"kind": kind, "format_version": newest + 1, "hyperpcm_version": "9.9", "more": 1}
    newer = {**document_of(file), **changes}
    rewrite(file, seal(newer))
    with pytest.raises(IncompatibleModelError) as caught:
        read_archive(file)
    for words in (
        f"version {newest + 1}",
        "9.9",
        f"up to {newest}",
        __version__,
        "pip install",
    ):
        assert words in str(caught.value)


def test_a_kind_of_a_later_version_is_refused_by_name(file):
    rewrite(file, seal({**document_of(file), "kind": "panel"}))
    with pytest.raises(IncompatibleModelError, match="'panel'"):
        read_archive(file)


def test_a_file_of_another_kind_says_what_it_is(file):
    with pytest.raises(
        IncompatibleModelError, match=r"a trained model .*, not the compiled model of one target"
    ):
        read_archive(file, "target_model")


@pytest.mark.parametrize("kind", ["swapped", "type", "shape", "missing", "extra", "renamed", "number"])
def test_tensors_that_are_not_those_announced_are_refused(file, kind):
    tensors = some_tensors()
    if kind == "swapped":
        tensors["weight"] = tensors["weight"].flip(0)
    elif kind == "type":
        tensors["weight"] = tensors["weight"].view(torch.int32)
    elif kind == "shape":
        tensors["empty"] = torch.zeros(0, 3)
    elif kind == "missing":
        del tensors["bias"]
    elif kind == "extra":
        tensors["surplus"] = torch.zeros(1)
    elif kind == "renamed":
        tensors["bias2"] = tensors.pop("bias")
    else:
        tensors["scalar"] = torch.tensor(8)
    rewrite(file, document_of(file), tensors)
    with pytest.raises(
        CorruptModelError, match="altered" if kind in ("swapped", "type", "number") else "empty|surplus|bias"
    ):
        read_archive(file)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_file_whose_sums_fit_but_that_holds_no_numbers_is_refused(file, value):
    bad = torch.tensor([1.0, value])
    digest = hashlib.sha256(b"F32 [2]\n" + bad.numpy().tobytes()).hexdigest()
    rewrite(file, seal({**document_of(file), "sha256": {"bad": digest}}), {"bad": bad})
    with pytest.raises(CorruptModelError, match="'bad' holds 1"):
        read_archive(file)
    good = torch.tensor([1.0, 2.0])
    digest = hashlib.sha256(b"F32 [2]\n" + good.numpy().tobytes()).hexdigest()
    rewrite(file, seal({**document_of(file), "sha256": {"bad": digest}}), {"bad": good})
    assert torch.equal(read_archive(file).tensors["bad"], good)


@pytest.mark.parametrize("dtype", [torch.float8_e4m3fn, torch.complex64])
def test_a_tensor_of_a_type_that_is_not_written_is_refused(file, dtype):
    rewrite(
        file, seal({**document_of(file), "sha256": {"odd": "0" * 64}}), {"odd": torch.zeros(2, dtype=dtype)}
    )
    with pytest.raises(CorruptModelError, match="of a type"):
        read_archive(file)


def test_a_path_without_a_file_is_the_users_mistake(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_archive(tmp_path / "missing.safetensors")
    with pytest.raises(InputError, match="not a file"):
        read_archive(tmp_path)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="not a file"):
        read_archive(tmp_path / "pipe")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_the_users_mistake(file):
    file.chmod(0)
    with pytest.raises(InputError, match="cannot be read"):
        read_archive(file)


def test_reading_leaves_file_and_folder_as_they_are(file):
    before = file.read_bytes()
    read_archive(file)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_the_kind_is_told_without_reading_a_tensor(file: Path):
    content = bytearray(file.read_bytes())
    content[-1] ^= 1  # of a tensor
    file.write_bytes(content)
    assert archive_kind(file) == "model"
    with pytest.raises(CorruptModelError, match="was altered"):
        read_archive(file)
    file.write_bytes(bytes(content).replace(b"pKd", b"pKi", 1))
    with pytest.raises(CorruptModelError, match="the header was altered"):
        archive_kind(file)
