"""A file becomes vectors row by row: the right ones, in their places, with few rows in memory."""

from __future__ import annotations

import gzip
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from hyperpcm.chem import standardise
from hyperpcm.datasets.output import write_table
from hyperpcm.embedding import embed_file
from hyperpcm.encoders import EmbeddingStore, compound_encoder, target_encoder
from hyperpcm.errors import DiskFullError, InputError, OutputError, TableError

ECFP = compound_encoder("ecfp", options={"ecfp": {"width": 64}})


def chains(number: int) -> list[str]:
    """Different small compounds: the digits of a number to the base three, in carbon, nitrogen, oxygen."""
    return [
        "FC" + "".join("CNO"[number // 3**place % 3] for place in range(12)) + "CCl"
        for number in range(number)
    ]


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hyperpcm.embedding.rows.BATCH", 7)


def vectors_of(path: Path) -> np.ndarray:
    column = pq.read_table(path).column("embedding").combine_chunks()
    return column.flatten().to_numpy().reshape(len(column), -1)


@pytest.mark.parametrize(
    ("ending", "processes"),
    [("smi", 1), ("smi", 2), ("smi.gz", 1), ("csv", 1), ("tsv.gz", 1), ("parquet", 1), ("sdf", 2)],
)
def test_every_kind_of_file_gives_the_vectors_of_its_standardised_compounds(
    ending, processes, tmp_path, monkeypatch
):
    monkeypatch.setattr("hyperpcm.encoders.parallel.WARM_UP_S", -1.0)
    smiles, path = chains(20), tmp_path / f"a.{ending}"
    write_compounds(path, smiles)
    with EmbeddingStore() as store:
        found = embed_file(path, ECFP, store, out=tmp_path / "a.npy", processes=processes)
    assert (found.rows, found.embedded, found.computed, found.found) == (20, 20, 20, 0)
    expected = ECFP.encode([standardise(one).smiles for one in smiles])
    np.testing.assert_array_equal(np.load(tmp_path / "a.npy"), expected)


def write_compounds(path: Path, smiles: list[str]) -> None:
    if path.name.endswith("parquet"):
        write_table(path, {"smiles": smiles})
    elif path.name.endswith("sdf"):
        from rdkit import Chem

        blocks = [Chem.MolToMolBlock(Chem.MolFromSmiles(one)) for one in smiles]
        path.write_text("".join(f"{block}$$$$\n" for block in blocks))
    else:
        separator = "\t" if ".tsv" in path.name else ","
        table = f"smiles{separator}name\n" + "".join(f"{one}{separator}x\n" for one in smiles)
        text = "".join(f"{one}\n" for one in smiles) if ".smi" in path.name else table
        path.write_bytes(gzip.compress(text.encode()) if path.name.endswith("gz") else text.encode())


@pytest.mark.parametrize("form", ["fasta", "fasta.gz", "csv", "parquet"])
def test_proteins_are_read_from_fasta_and_from_tables(form, tmp_path):
    sequences = ["M" + "ACDEFGHIKL"[number] * 12 for number in range(10)]
    path = tmp_path / f"p.{form}"
    if form == "parquet":
        write_table(path, {"target_id": [f"t{number}" for number in range(10)], "sequence": sequences})
    else:
        text = "".join(f">t{number} some\n{one}\n" for number, one in enumerate(sequences))
        if form == "csv":
            text = "target_id,sequence\n" + "".join(f"t{n},{one}\n" for n, one in enumerate(sequences))
        path.write_bytes(gzip.compress(text.encode()) if form.endswith("gz") else text.encode())
    encoder = target_encoder("composition")
    with EmbeddingStore() as store:
        assert embed_file(path, encoder, store, out=tmp_path / "out.parquet").embedded == 10
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.column("id").to_pylist() == [f"t{number}" for number in range(10)]
    assert table.column("text").to_pylist() == sequences
    np.testing.assert_array_equal(vectors_of(tmp_path / "out.parquet"), encoder.encode(sequences))


def test_a_row_that_cannot_be_used_keeps_its_place_and_is_reported(tmp_path):
    good = chains(20)
    lines = [*good[:3], "C1CC", *good[3:12], "[Fe+2]", *good[12:]]
    (tmp_path / "a.smi").write_text("".join(f"{one} n{row}\n" for row, one in enumerate(lines)))
    refused, progress = [], []
    with EmbeddingStore() as store:
        for out in ("a.parquet", "a.npy"):
            refused.clear()
            found = embed_file(
                tmp_path / "a.smi",
                ECFP,
                store,
                out=tmp_path / out,
                refused=refused.extend,
                progress=progress.append,
            )
            assert (found.rows, found.embedded) == (22, 20)
            assert [(one.row, one.text, one.code) for one in refused] == [
                (3, "C1CC", "PARSE"),
                (13, "[Fe+2]", "NO_ORGANIC"),
            ]
    assert progress == [7, 14, 21, 22] * 2
    table, array = pq.read_table(tmp_path / "a.parquet"), np.load(tmp_path / "a.npy")
    assert table.column("id").to_pylist() == [f"n{row}" for row in range(22)]
    assert [row for row, text in enumerate(table.column("text").to_pylist()) if text is None] == [3, 13]
    rows = table.column("embedding").to_pylist()
    for row, one in enumerate(lines):
        if row in (3, 13):
            assert rows[row] is None
            assert np.isnan(array[row]).all()
        else:
            expected = ECFP.encode([standardise(one).smiles])[0]
            np.testing.assert_array_equal(np.array(rows[row], dtype=np.float32), expected)
            np.testing.assert_array_equal(array[row], expected)


def test_rows_that_the_encoder_refuses_are_reported_like_the_others(tmp_path, monkeypatch):
    from hyperpcm.encoders.ecfp import EcfpEncoder
    from hyperpcm.errors import InvalidSmilesError

    encode = EcfpEncoder._encode

    def picky(self, items):
        if any("O" in item for item in items):
            raise InvalidSmilesError("TOO_LARGE", "oxygen")
        return encode(self, items)

    monkeypatch.setattr(EcfpEncoder, "_encode", picky)
    (tmp_path / "a.smi").write_text("CCN\nC1CC\nCCO\nCCC\nCCO\n")
    refused = []
    with EmbeddingStore() as store:
        found = embed_file(
            tmp_path / "a.smi", ECFP, store, out=tmp_path / "a.parquet", refused=refused.extend
        )
    assert (found.rows, found.embedded) == (5, 2)
    assert [(one.row, one.code, one.text) for one in refused] == [
        (1, "PARSE", "C1CC"),
        (2, "TOO_LARGE", "CCO"),
        (4, "TOO_LARGE", "CCO"),
    ]
    assert pq.read_table(tmp_path / "a.parquet").column("text").to_pylist() == [
        "CCN",
        None,
        None,
        "CCC",
        None,
    ]


def test_what_is_stored_is_not_computed_again_and_joined_encoders_share(tmp_path):
    write_compounds(tmp_path / "a.smi", chains(30))
    with EmbeddingStore(tmp_path / "e.sqlite") as store:
        embed_file(tmp_path / "a.smi", compound_encoder("maccs"), store)
        found = embed_file(tmp_path / "a.smi", compound_encoder("maccs+descriptors"), store)
    assert (found.computed, found.found) == (30, 30)


def test_nothing_usable_is_an_error_and_leaves_no_file(tmp_path):
    (tmp_path / "a.smi").write_text("C1CC\n[Fe]\n")
    with EmbeddingStore() as store, pytest.raises(InputError, match="none of its 2 rows"):
        embed_file(tmp_path / "a.smi", ECFP, store, out=tmp_path / "a.parquet")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.smi"]


def test_a_broken_line_far_down_leaves_no_file_and_what_was_stored(tmp_path):
    (tmp_path / "a.csv").write_text("smiles,name\n" + "".join(f"{one},x\n" for one in chains(50)) + "C,x,y\n")
    with EmbeddingStore() as store:
        with pytest.raises(TableError, match="line 52"):
            embed_file(tmp_path / "a.csv", ECFP, store, out=tmp_path / "a.npy")
        assert store.info().computed >= 42
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.csv"]


def test_outputs_are_refused_before_the_work(tmp_path):
    write_compounds(tmp_path / "a.smi", chains(3))
    (tmp_path / "there.npy").write_bytes(b"")
    with EmbeddingStore() as store:
        for out in ("there.npy", "a.csv", "none/a.npy"):
            with pytest.raises(OutputError):
                embed_file(tmp_path / "a.smi", ECFP, store, out=tmp_path / out)
        assert store.info().computed == 0


def test_a_disk_that_fills_up_leaves_no_output(tmp_path, small_disk):
    write_compounds(tmp_path / "a.smi", chains(300))
    with EmbeddingStore() as store, pytest.raises(DiskFullError):
        embed_file(tmp_path / "a.smi", compound_encoder("ecfp"), store, out=small_disk / "a.npy")
    assert list(small_disk.iterdir()) == []


def test_few_batches_are_in_memory_at_a_time(tmp_path, monkeypatch):
    import hyperpcm.embedding.rows as rows

    write_compounds(tmp_path / "a.smi", chains(700))
    drawn, done, parts = [0], [0], rows.compound_parts

    def counted(*given, **options):
        for part in parts(*given, **options):
            drawn[0] += len(part.smiles)
            assert drawn[0] - done[0] <= 4 * 7
            yield part

    monkeypatch.setattr(rows, "compound_parts", counted)
    with EmbeddingStore() as store:
        for _ in range(2):  # computed, then found
            drawn[0] = done[0] = 0
            embed_file(tmp_path / "a.smi", ECFP, store, progress=lambda count: done.__setitem__(0, count))
            assert drawn[0] == done[0] == 700


def peak_mb(path: Path, out: Path) -> float:
    command = [sys.executable, "-m", "hyperpcm", "embed", str(path), "-e", "ecfp", "--out", str(out)]
    options = ["--processes", "1", "--store", f"{out}.sqlite"]
    child = subprocess.Popen([*command, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return usage.ru_maxrss / 1024


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts memory as Linux does")
def test_ten_times_the_rows_need_no_more_memory(tmp_path):
    write_compounds(tmp_path / "small.smi", chains(5_000))
    write_compounds(tmp_path / "large.smi", chains(50_000))
    small = peak_mb(tmp_path / "small.smi", tmp_path / "small.npy")
    large = peak_mb(tmp_path / "large.smi", tmp_path / "large.npy")
    assert np.load(tmp_path / "large.npy", mmap_mode="r").shape == (50_000, 2048)
    assert large < small + 60, f"{small:.0f} MB, then {large:.0f} MB"  # the vectors alone are 410 MB
