"""What the store holds, whether it is whole, and what goes."""

from __future__ import annotations

import logging
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from hyperpcm.encoders import EcfpEncoder, EmbeddingStore, compound_encoder
from hyperpcm.encoders.store_files import leftovers, store_bytes, stored_arrays
from hyperpcm.encoders.upkeep import remove_vectors, stored_encoders, verify_vectors
from hyperpcm.errors import DiskFullError, InputError, OutputError

CHAINS = ["C" * length for length in range(1, 41)]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A store with forty vectors of two encoders each."""
    path = tmp_path / "embeddings.sqlite"
    with EmbeddingStore(path) as store:
        store.encode(compound_encoder("ecfp+maccs"), CHAINS)
    return path


def change(file: Path, statement: str) -> int:
    connection = sqlite3.connect(file)
    with connection:
        changed = connection.execute(statement).rowcount
    connection.close()
    return changed


def test_each_encoder_is_listed_with_rows_bytes_and_spec(file: Path):
    found = {one.name: one for one in stored_encoders(file)}
    with EmbeddingStore(file) as store:
        held = {one.encoder: one for one in store.info().holdings}
    for name in ("ecfp", "maccs"):
        one, encoder = found[name], compound_encoder(name)
        assert (one.rows, one.data_bytes, one.width) == (40, held[name].data_bytes, encoder.width)
        assert (one.key, one.spec, one.state) == (encoder.cache_key(), encoder.spec(), "current")


def test_no_file_holds_nothing(tmp_path: Path):
    assert stored_encoders(tmp_path / "none.sqlite") == ()
    assert not (tmp_path / "none.sqlite").exists()


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("""UPDATE encoders SET key = 'ab' WHERE name = 'ecfp'""", "other versions than rdkit"),
        ("""UPDATE encoders SET spec = '{"encoder": "gone"}' WHERE name = 'ecfp'""", "'gone' is unknown"),
        (
            """UPDATE encoders SET spec = replace(spec, '"radius"', '"old"') WHERE name = 'ecfp'""",
            "no option",
        ),
        (
            """UPDATE encoders SET spec = replace(spec, '"revision": "1"', '"revision": "0"')
            WHERE name = 'ecfp'""",
            "has revision '1' here, not '0'",
        ),
        ("""UPDATE encoders SET spec = 'no JSON' WHERE name = 'ecfp'""", "needs the name"),
    ],
)
def test_what_nothing_looks_up_any_more_is_stale(file: Path, statement: str, reason: str):
    assert change(file, statement) == 1
    (stale,) = [one for one in stored_encoders(file) if one.state != "current"]
    assert (stale.name, stale.state) == ("ecfp", "stale")
    assert reason in stale.reason


def test_an_encoder_whose_extra_is_missing_is_not_called_stale(file: Path, monkeypatch):
    import dataclasses
    from types import MappingProxyType

    from hyperpcm.encoders.table import ENCODERS

    entry = dataclasses.replace(ENCODERS["ecfp"], extra="some", imports=("no_such_package",))
    monkeypatch.setattr("hyperpcm.encoders.upkeep.ENCODERS", MappingProxyType({**ENCODERS, "ecfp": entry}))
    (one,) = [one for one in stored_encoders(file) if one.name == "ecfp"]
    assert (one.state, one.reason) == ("unclear", "needs the extra 'some', which is not installed")


def test_a_whole_store_verifies_and_stays_as_it_is(file: Path):
    before, steps = file.read_bytes(), []
    found = verify_vectors(file, progress=lambda done, total: steps.append((done, total)))
    assert (found.rows, found.damaged, found.removed, found.replaced) == (80, {}, 0, "")
    assert steps == [(80, 80)]
    assert file.read_bytes() == before


def test_damaged_rows_are_counted_and_removed_so_that_they_are_computed_again(file: Path, monkeypatch):
    monkeypatch.setattr("hyperpcm.encoders.upkeep.STEP", 7)
    change(file, "UPDATE vectors SET data = zeroblob(LENGTH(data)) WHERE rowid IN (3, 50, 51)")
    change(file, "UPDATE vectors SET checksum = 'text' WHERE rowid = 20")
    change(file, "UPDATE vectors SET encoder = 99 WHERE rowid = 80")
    expected = {"ecfp": 2, "maccs": 2, "unknown": 1}
    assert verify_vectors(file).damaged == expected
    found = verify_vectors(file, repair=True)
    assert (found.rows, found.damaged, found.removed) == (80, expected, 5)
    assert verify_vectors(file).damaged == {}
    with EmbeddingStore(file) as store:
        vectors = store.encode(EcfpEncoder(), CHAINS)
        assert (store.info().computed, store.info().repaired) == (2, 0)
    np.testing.assert_array_equal(vectors, EcfpEncoder().encode(CHAINS))


def spoil_pages(file: Path) -> None:
    with EmbeddingStore(file) as store:
        store.encode(EcfpEncoder(width=4096, counts="count"), CHAINS * 3)
    content = bytearray(file.read_bytes())
    content[8192:] = b"\xa5" * (len(content) - 8192)
    file.write_bytes(content)


def test_damaged_pages_are_told_and_the_file_is_moved_aside_on_repair(file: Path, caplog):
    spoil_pages(file)
    with pytest.raises(InputError, match="damaged"):
        verify_vectors(file)
    with caplog.at_level(logging.WARNING):
        assert verify_vectors(file, repair=True).replaced
    assert "begun anew" in caplog.text
    assert len(leftovers(file)) >= 1
    EmbeddingStore(file).close()
    assert stored_encoders(file) == ()


@pytest.mark.parametrize("content", [b"compound,target\n" * 1000, b""])
def test_a_file_that_is_no_store_is_left_alone(tmp_path: Path, content: bytes):
    file = tmp_path / "embeddings.sqlite"
    file.write_bytes(content)
    for call in (stored_encoders, verify_vectors, lambda path: remove_vectors(path, ["a"])):
        with pytest.raises(InputError, match=r"embeddings\.sqlite"):
            call(file)
    assert file.read_bytes() == content


def test_another_programs_database_is_never_moved_aside(tmp_path: Path):
    file = tmp_path / "notes.sqlite"
    change(file, "CREATE TABLE notes (text TEXT)")
    with pytest.raises(InputError, match="another program"):
        verify_vectors(file, repair=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.sqlite"]


def test_removing_one_encoder_keeps_the_others_and_frees_space(file: Path, monkeypatch):
    monkeypatch.setattr("hyperpcm.encoders.upkeep.STEP", 9)
    large = EcfpEncoder(width=8192, counts="count")
    with EmbeddingStore(file) as store:
        store.encode(large, ["C" * length for length in range(1, 300)])
    before, steps = store_bytes(file), []
    removed = remove_vectors(
        file, [large.cache_key(), "no such key"], progress=lambda done, total: steps.append((done, total))
    )
    assert removed == 299
    assert steps[-1] == (299, 299)
    assert store_bytes(file) < before
    assert sorted(one.name for one in stored_encoders(file)) == ["ecfp", "maccs"]
    assert [one.rows for one in stored_encoders(file)] == [40, 40]


def test_a_store_that_another_process_keeps_locked_is_said(file: Path, monkeypatch):
    monkeypatch.setattr("hyperpcm.encoders.store_access.WAIT_S", 0.1)
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(InputError, match="locked"):
            remove_vectors(file, [EcfpEncoder().cache_key()])
        assert len(stored_encoders(file)) == 2, "readers are not kept out"
    finally:
        other.execute("ROLLBACK")
        other.close()


def test_removing_while_another_thread_writes_loses_nothing_of_the_others(file: Path):
    chains = ["N" + "C" * length for length in range(1, 120)]

    def write() -> None:
        with EmbeddingStore(file) as store:
            for start in range(0, len(chains), 4):
                store.encode(compound_encoder("maccs"), chains[start : start + 4])

    writer = threading.Thread(target=write)
    writer.start()
    assert remove_vectors(file, [EcfpEncoder().cache_key()]) == 40
    writer.join()
    assert [(one.name, one.rows) for one in stored_encoders(file)] == [("maccs", 40 + len(chains))]


def test_removing_on_a_full_disk_is_an_error_that_says_so(small_disk: Path):
    file, encoder = small_disk / "embeddings.sqlite", EcfpEncoder(width=4096)
    with EmbeddingStore(file) as store:
        store.encode(encoder, CHAINS * 4)
    ballast = small_disk / "ballast"
    with pytest.raises(OSError):
        ballast.write_bytes(bytes(2_000_000))
    with pytest.raises(DiskFullError):
        remove_vectors(file, [encoder.cache_key()])
    ballast.unlink()
    assert remove_vectors(file, [encoder.cache_key()]) == 40


READ_ONLY = """
import os, sys
from pathlib import Path
from hyperpcm.encoders.upkeep import remove_vectors, stored_encoders, verify_vectors
from hyperpcm.errors import OutputError
if os.getuid() == 0:
    os.setuid(65534)  # nobody; root may write anywhere
file = Path(sys.argv[1])
print([(one.name, one.rows) for one in stored_encoders(file)], verify_vectors(file).rows)
try:
    remove_vectors(file, [stored_encoders(file)[0].key])
except OutputError as error:
    print(error)
"""


def test_a_read_only_folder_can_be_looked_at_and_not_changed():
    with tempfile.TemporaryDirectory() as folder:  # not tmp_path, which other users may not enter
        Path(folder).chmod(0o755)
        file = Path(folder) / "embeddings.sqlite"
        with EmbeddingStore(file) as store:
            store.encode(compound_encoder("maccs"), CHAINS)
        file.chmod(0o444)
        Path(folder).chmod(0o555)
        done = subprocess.run([sys.executable, "-c", READ_ONLY, str(file)], capture_output=True, text=True)
        Path(folder).chmod(0o755)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first == "[('maccs', 40)] 40"
    assert "may not be written" in second


def test_arrays_and_leftovers_are_found_checked_and_removed(file: Path):
    with EmbeddingStore(file) as store:
        store.arrays.get("morgan-counts", "ab" * 32, lambda: np.arange(9))
        store.arrays.get("alignment", "cd" * 32, lambda: np.arange(9))
        folder = store.arrays.folder
    one, two = stored_arrays(file)
    assert (one.name, two.name) == ("alignment", "morgan-counts")
    assert one.size > 72
    assert one.is_whole()
    data = one.stem.with_suffix(".npy")
    data.write_bytes(data.read_bytes()[:-1] + b"\x07")
    assert [array.is_whole() for array in stored_arrays(file)] == [False, True]
    fresh, old = folder / ".a.npy.1-ab.part", folder / ".b.npy.1-cd.part"
    for path in (fresh, old):
        path.write_bytes(b"half")
    import os

    os.utime(old, (time.time() - 100_000,) * 2)
    aside = file.with_name(f"{file.name}.damaged-20260101T000000-1-1")
    aside.write_bytes(b"damaged")
    assert [(useless.path, useless.size) for useless in leftovers(file)] == [(aside, 7), (old, 4)]
    for each in (*stored_arrays(file), *leftovers(file)):
        each.remove()
    assert [path.name for path in folder.iterdir()] == [fresh.name]
    assert not aside.exists()


def test_a_file_that_cannot_be_deleted_is_named(file: Path):
    folder = file.with_name(f"{file.name}.damaged-folder")
    folder.mkdir()
    (useless,) = leftovers(file)
    with pytest.raises(OutputError, match="may not be deleted"):
        useless.remove()
