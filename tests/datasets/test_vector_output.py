"""Vectors in files: what was written is read back, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hyperpcm.datasets.vector_output import VectorWriter
from hyperpcm.errors import OutputError


def batches(width: int, sizes: tuple[int, ...]):
    generator = np.random.default_rng(0)
    for size in sizes:
        vectors = generator.normal(size=(size, width)).astype(np.float32)
        texts: list[str | None] = [f"C{row}" for row in range(size)]
        if size > 1:
            texts[1], vectors[1] = None, np.nan
        yield [f"n{row}" for row in range(size)], texts, vectors


@pytest.mark.parametrize("group", [1, 40, 1 << 25])
@pytest.mark.parametrize("sizes", [(), (1,), (3, 5, 0, 2)])
def test_parquet_gives_back_names_texts_and_vectors(tmp_path: Path, sizes, group, monkeypatch):
    monkeypatch.setattr("hyperpcm.datasets.vector_output._GROUP_BYTES", group)
    path, width = tmp_path / "a.parquet", 5
    with VectorWriter(path, width, about={"encoder": json.dumps({"a": 1})}) as writer:
        for batch in batches(width, sizes):
            writer.write(*batch)
        assert not path.exists()
    table = pq.read_table(path, page_checksum_verification=True)
    assert table.schema.field("embedding").type == pa.list_(pa.float32(), width)
    assert json.loads(table.schema.metadata[b"hyperpcm.encoder"]) == {"a": 1}
    expected = [row for batch in batches(width, sizes) for row in zip(*batch, strict=True)]
    assert table.column("id").to_pylist() == [name for name, _, _ in expected]
    assert table.column("text").to_pylist() == [text for _, text, _ in expected]
    for found, (_, text, vector) in zip(table.column("embedding").to_pylist(), expected, strict=True):
        assert found == (None if text is None else vector.tolist())


@pytest.mark.parametrize("sizes", [(), (1,), (3, 5, 0, 2), (9,) * 12])
def test_an_array_has_a_row_for_each_and_nan_for_those_without(tmp_path: Path, sizes):
    path = tmp_path / "a.npy"
    with VectorWriter(path, 5) as writer:
        for batch in batches(5, sizes):
            writer.write(*batch)
    found = np.load(path, allow_pickle=False)
    expected = [vectors for _, _, vectors in batches(5, sizes)]
    assert (found.dtype, found.shape) == (np.float32, (sum(sizes), 5))
    np.testing.assert_array_equal(found, np.concatenate(expected) if expected else np.empty((0, 5)))
    assert np.load(path, mmap_mode="r").shape == found.shape


@pytest.mark.parametrize("name", ["a.parquet", "a.npy"])
def test_nothing_carries_the_name_after_an_error(tmp_path: Path, name: str):
    def stop(writer: VectorWriter) -> None:
        writer.write(*next(batches(5, (3,))))
        raise KeyError

    with pytest.raises(KeyError), VectorWriter(tmp_path / name, 5) as writer:
        stop(writer)
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_fit_is_refused(tmp_path: Path):
    with pytest.raises(OutputError, match=r"\.parquet or \.npy"):
        VectorWriter(tmp_path / "a.csv", 5)
    writer = VectorWriter(tmp_path / "a.npy", 5)
    with pytest.raises(OutputError, match="not open"):
        writer.write(*next(batches(5, (3,))))
    with pytest.raises(OutputError, match="2 names, 1 texts and 1 vectors"), writer:
        writer.write(["a", "b"], ["C"], np.zeros((1, 5), dtype=np.float32))
