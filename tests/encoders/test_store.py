from __future__ import annotations

import dataclasses
import hashlib
import logging
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from contracts import COMPOUNDS, TARGETS
from hyperpcm.encoders.base import Encoder
from hyperpcm.encoders.composition import CompositionEncoder
from hyperpcm.encoders.database import Blob
from hyperpcm.encoders.ecfp import EcfpEncoder
from hyperpcm.encoders.registry import compound_encoder
from hyperpcm.encoders.sqlite_file import network_filesystem
from hyperpcm.encoders.store import EmbeddingStore
from hyperpcm.errors import DiskFullError, InputError, InvalidSmilesError


@dataclasses.dataclass(frozen=True)
class HashEncoder(Encoder):
    """Pseudo-random vectors from the sha256 of an item: quick, and different for every item; counts its
    work."""

    name: ClassVar[str] = "hash"
    side: ClassVar[str] = "compound"
    licence: ClassVar[str] = "MIT"
    revision: ClassVar[str] = "1"

    width: int = 32
    seen: list[str] = dataclasses.field(default_factory=list, compare=False)

    def options(self):
        return {"width": self.width}

    def _encode(self, items: Sequence[str]):
        self.seen.extend(items)
        rows = [hashlib.shake_128(item.encode()).digest(self.width) for item in items]
        return np.array([list(row) for row in rows], dtype=np.float32) / np.float32(7)


def names(number: int, start: int = 0) -> list[str]:
    return [f"item{index}" for index in range(start, start + number)]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "cache" / "embeddings.sqlite"


@pytest.mark.parametrize("encoder", [EcfpEncoder(), EcfpEncoder(counts="count"), CompositionEncoder()])
def test_stored_vectors_are_bit_for_bit_those_of_the_encoder(encoder, file):
    items = COMPOUNDS if encoder.side == "compound" else TARGETS
    expected = encoder.encode(items)
    for _ in range(2):
        with EmbeddingStore(file) as store:
            vectors = store.encode(encoder, items)
            assert vectors.dtype == np.float32
            assert vectors.tobytes() == expected.tobytes()
    with EmbeddingStore(file) as store:
        store.encode(encoder, items[::-1])
        assert (store.info().found, store.info().computed) == (len(items), 0)


@pytest.mark.parametrize("on_disk", [True, False])
def test_only_what_is_missing_is_computed_and_repeats_once(on_disk, file):
    encoder = HashEncoder()
    with EmbeddingStore(file if on_disk else None) as store:
        first = ["a", "b", "a", "c", "b", "a"]
        assert np.array_equal(store.encode(encoder, first), HashEncoder().encode(first))
        assert sorted(encoder.seen) == ["a", "b", "c"]
        second = ["d", "a", "d", "c"]
        assert np.array_equal(store.encode(encoder, second), HashEncoder().encode(second))
        assert encoder.seen[3:] == ["d"]
        assert (store.info().found, store.info().computed, store.info().repaired) == (2, 4, 0)


def test_no_items_give_an_array_without_rows(file):
    with EmbeddingStore(file) as store:
        assert store.encode(HashEncoder(width=5), []).shape == (0, 5)


def test_encoders_with_different_options_or_library_versions_do_not_share_vectors(file, monkeypatch):
    with EmbeddingStore(file) as store:
        store.encode(HashEncoder(width=8), names(5))
        assert store.encode(HashEncoder(width=9), names(5)).shape == (5, 9)
        monkeypatch.setattr(HashEncoder, "libraries", lambda self: ("another 2.0",))
        newer = HashEncoder(width=8)
        store.encode(newer, names(5))
        assert len(newer.seen) == 5


def test_batches_are_written_as_they_come_and_progress_counts_different_items(file, monkeypatch):
    monkeypatch.setattr("hyperpcm.encoders.store.BATCH", 10)
    calls = []
    with EmbeddingStore(file) as store:
        store.encode(HashEncoder(), [*names(25), *names(25)], calls.append)
    assert calls == [10, 20, 25]


def test_an_interrupted_call_keeps_the_batches_before(file, monkeypatch):
    monkeypatch.setattr("hyperpcm.encoders.store.BATCH", 10)

    def stop(done: int) -> None:
        if done == 20:
            raise KeyboardInterrupt

    with EmbeddingStore(file) as store, pytest.raises(KeyboardInterrupt):
        store.encode(HashEncoder(), names(50), stop)
    encoder = HashEncoder()
    with EmbeddingStore(file) as store:
        store.encode(encoder, names(50))
    assert encoder.seen == names(30, start=20)


def test_a_refused_item_is_named_by_its_position_in_the_whole_list(file, monkeypatch):
    monkeypatch.setattr("hyperpcm.encoders.store.BATCH", 3)
    encoder = EcfpEncoder(width=64)
    with EmbeddingStore(file) as store:
        store.encode(encoder, COMPOUNDS[:2])
        with pytest.raises(InvalidSmilesError, match=r"item 6 \('C1CC'\)"):
            store.encode(encoder, [COMPOUNDS[0], COMPOUNDS[0], COMPOUNDS[1], *COMPOUNDS[2:5], "C1CC"])
        with pytest.raises(InputError, match="item 1 is None"):
            store.encode(encoder, ["CCO", None])
        with pytest.raises(InputError, match="list"):
            store.encode(encoder, "CCO")


def test_sparse_vectors_take_little_room(file):
    with EmbeddingStore(file) as store:
        store.encode(EcfpEncoder(), COMPOUNDS)
        (holding,) = store.info().holdings
    assert holding.rows == len(COMPOUNDS)
    assert holding.data_bytes < 0.1 * 4 * 2048 * len(COMPOUNDS)


def test_info_counts_rows_and_bytes_of_each_encoder(file):
    with EmbeddingStore(file) as store:
        store.encode(HashEncoder(width=10), names(3))
        store.encode(HashEncoder(width=20), names(7))
        info = store.info()
        assert [(one.encoder, one.width, one.rows, one.data_bytes) for one in info.holdings] == [
            ("hash", 20, 7, 7 * 80),
            ("hash", 10, 3, 3 * 40),
        ]
        assert info.path == file
        assert info.file_bytes >= 7 * 80 + 3 * 40


def test_pruning_keeps_the_named_encoders_and_shrinks_the_file(file):
    kept, other = HashEncoder(width=16), HashEncoder(width=1000)
    with EmbeddingStore(file) as store:
        store.encode(kept, names(20))
        store.encode(other, names(500))
        before = store.info().file_bytes
        assert store.prune(keep=[kept]) == 500
        assert store.info().file_bytes < before / 5
        kept.seen.clear()
        store.encode(kept, names(20))
        assert kept.seen == []
        assert store.prune() == 20
        assert store.info().holdings == ()


def test_a_folder_holds_its_own_file(tmp_path):
    with EmbeddingStore(tmp_path) as store:
        assert store.path == tmp_path / "embeddings.sqlite"


def change(file: Path, statement: str) -> int:
    connection = sqlite3.connect(file)
    with connection:
        changed = connection.execute(statement).rowcount
    connection.close()
    return changed


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE vectors SET data = zeroblob(LENGTH(data)) WHERE rowid = 3",
        "UPDATE vectors SET data = SUBSTR(data, 1, 7) WHERE rowid = 3",
        "UPDATE vectors SET data = 'text' WHERE rowid = 3",
        "UPDATE vectors SET data = 7 WHERE rowid = 3",
        "UPDATE vectors SET compressed = 1 - compressed WHERE rowid = 3",
        "UPDATE vectors SET checksum = zeroblob(8) WHERE rowid = 3",
        "UPDATE vectors SET (data, checksum) = (SELECT data, checksum FROM vectors WHERE rowid = 1) "
        "WHERE rowid = 3",
    ],
)
@pytest.mark.parametrize("encoder", [HashEncoder(), EcfpEncoder(width=64)])
def test_a_damaged_row_is_computed_again_counted_and_mended(encoder, statement, file):
    items = COMPOUNDS
    with EmbeddingStore(file) as store:
        expected = store.encode(encoder, items)
    assert change(file, statement) == 1
    with EmbeddingStore(file) as store:
        assert np.array_equal(store.encode(encoder, items), expected)
        assert (store.info().computed, store.info().repaired) == (1, 1)
    with EmbeddingStore(file) as store:
        assert np.array_equal(store.encode(encoder, items), expected)
        assert store.info().repaired == 0


def test_a_vector_is_valid_in_its_own_place_only():
    vector = np.arange(4, dtype=np.float32)
    item, other = hashlib.sha256(b"a").digest(), hashlib.sha256(b"b").digest()
    blob = Blob.of(vector, "key", item, compress=True)
    assert np.array_equal(blob.vector("key", item, 4), vector)
    assert blob.vector("key", other, 4) is None
    assert blob.vector("another", item, 4) is None
    assert blob.vector("key", item, 5) is None


def begin_with(content: bytes):
    def spoil(file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)

    return spoil


def overwrite(start: float, stop: float):
    def spoil(file: Path) -> None:
        with EmbeddingStore(file) as store:
            store.encode(HashEncoder(width=400), names(300))
        content = bytearray(file.read_bytes())
        here = slice(int(start * len(content)), int(stop * len(content)))
        content[here] = b"\xa5" * len(content[here])
        file.write_bytes(content)

    return spoil


def truncate(file: Path) -> None:
    with EmbeddingStore(file) as store:
        store.encode(HashEncoder(width=400), names(300))
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 3])


def another_program(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    change(file, "CREATE TABLE notes (text TEXT)")


def another_version(file: Path) -> None:
    EmbeddingStore(file).close()
    change(file, "PRAGMA user_version = 999")


def a_table_less(file: Path) -> None:
    EmbeddingStore(file).close()
    change(file, "DROP TABLE vectors")


SPOILT = {
    "random text": begin_with(b"compound,target\n" * 1000),
    "binary": begin_with(bytes(range(256)) * 64),
    "broken header": overwrite(0, 0.01),
    "broken middle": overwrite(0.01, 0.9),
    "truncated": truncate,
    "another program": another_program,
    "another version": another_version,
    "a table less": a_table_less,
}


@pytest.mark.parametrize("kind", SPOILT)
def test_a_damaged_or_foreign_file_is_moved_aside_and_begun_anew(kind, file, caplog):
    SPOILT[kind](file)
    spoilt = file.read_bytes()
    encoder = HashEncoder(width=400)
    with caplog.at_level(logging.WARNING), EmbeddingStore(file) as store:
        for _ in range(2):  # some damage shows only when rows are read
            assert np.array_equal(
                store.encode(encoder, names(300)), HashEncoder(width=400).encode(names(300))
            )
        assert store.path == file
    assert "begun anew" in caplog.text
    (aside,) = [one for one in file.parent.glob("*.damaged-*") if not one.name.endswith(("-wal", "-shm"))]
    assert len(aside.read_bytes()) == len(spoilt)
    with EmbeddingStore(file) as store:
        again = HashEncoder(width=400)
        store.encode(again, names(300))
        assert again.seen == []


def test_an_empty_file_is_begun_without_a_warning(file, caplog):
    begin_with(b"")(file)
    with EmbeddingStore(file) as store:
        store.encode(HashEncoder(), names(3))
        assert store.path == file
    assert caplog.text == ""


def test_a_path_that_cannot_be_a_file_leaves_the_store_working_without(tmp_path, caplog):
    (tmp_path / "file").write_text("not a folder")
    encoder = HashEncoder()
    with EmbeddingStore(tmp_path / "file" / "embeddings.sqlite") as store:
        for _ in range(2):
            assert np.array_equal(store.encode(encoder, names(5)), HashEncoder().encode(names(5)))
        assert store.path is None
        assert store.info().holdings == ()
        assert store.prune() == 0
    assert len(encoder.seen) == 10
    assert caplog.text.count("computed and not stored") == 1


READ_ONLY = """
import logging, os, sys
import numpy as np
from hyperpcm.encoders.composition import CompositionEncoder
from hyperpcm.encoders.store import EmbeddingStore
if os.getuid() == 0:
    os.setuid(65534)  # nobody; root may write anywhere
logging.basicConfig(stream=sys.stderr)
with EmbeddingStore(sys.argv[1]) as store:
    encoder = CompositionEncoder()
    assert np.array_equal(store.encode(encoder, ["MKTAYIAKQR"]), encoder.encode(["MKTAYIAKQR"]))
    print("path", store.path)
"""


@pytest.mark.parametrize("exists", [True, False])
def test_a_read_only_folder_leaves_the_store_working_with_a_warning(exists):
    with tempfile.TemporaryDirectory() as folder:  # not tmp_path, which other users may not enter
        Path(folder).chmod(0o755)
        file = Path(folder) / "embeddings.sqlite"
        if exists:
            EmbeddingStore(file).close()
            file.chmod(0o444)
        Path(folder).chmod(0o555)
        done = subprocess.run([sys.executable, "-c", READ_ONLY, str(file)], capture_output=True, text=True)
        Path(folder).chmod(0o755)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "path None"
    assert "computed and not stored" in done.stderr


def test_a_full_disk_is_an_error_that_names_the_file_and_what_was_stored_stays(file, monkeypatch):
    monkeypatch.setattr("hyperpcm.encoders.store.BATCH", 10)
    encoder = HashEncoder(width=1000)
    with EmbeddingStore(file) as store:
        store.encode(encoder, names(20))
        connection = store._database._connection()
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages + 2}")  # SQLite then says that the disk is full
        with pytest.raises(DiskFullError, match=r"embeddings\.sqlite"):
            store.encode(encoder, names(100))
        connection.execute("PRAGMA max_page_count = 1000000")
        assert np.array_equal(store.encode(encoder, names(100)), HashEncoder(width=1000).encode(names(100)))
    with EmbeddingStore(file) as store:
        encoder.seen.clear()
        store.encode(encoder, names(100))
        assert encoder.seen == []


def fill(store: EmbeddingStore, encoder: HashEncoder) -> None:
    for start in range(0, 10_000, 100):
        store.encode(encoder, names(100, start))


def test_a_disk_that_fills_up_is_an_error_and_work_goes_on_once_there_is_room(small_disk):
    encoder = HashEncoder(width=250)
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(400_000))
    with EmbeddingStore(small_disk / "embeddings.sqlite") as store:
        with pytest.raises(DiskFullError):
            fill(store, encoder)
        ballast.unlink()
        assert np.array_equal(store.encode(encoder, names(50)), HashEncoder(width=250).encode(names(50)))
        stored = sum(holding.rows for holding in store.info().holdings)
        assert stored >= 100
        assert stored % 50 == 0


def test_a_disk_without_any_room_is_an_error_when_the_store_is_opened(small_disk):
    ballast = small_disk / "ballast"
    with pytest.raises(OSError):
        ballast.write_bytes(bytes(2_000_000))
    with pytest.raises(DiskFullError):
        EmbeddingStore(small_disk / "embeddings.sqlite").encode(HashEncoder(width=250), names(500))


def write_slice(file: Path, worker: int, ready, go) -> None:
    with EmbeddingStore(file) as store:
        ready.release()
        go.wait()
        for start in range(0, 400, 20):
            store.encode(HashEncoder(), names(30, start + worker * 10))


def test_several_writers_at_once_lose_nothing_even_when_one_is_killed(file):
    context = multiprocessing.get_context("spawn")
    ready, go = context.Semaphore(0), context.Event()
    workers = [context.Process(target=write_slice, args=(file, number, ready, go)) for number in range(3)]
    for worker in workers:
        worker.start()
    for _ in workers:
        assert ready.acquire(timeout=60)
    go.set()
    time.sleep(0.05)
    os.kill(workers[0].pid, signal.SIGKILL)
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers[1:]] == [0, 0]
    encoder = HashEncoder()
    with EmbeddingStore(file) as store:
        everything = names(410, start=10)
        assert np.array_equal(store.encode(encoder, everything), HashEncoder().encode(everything))
        assert store.info().repaired == 0
    assert not set(encoder.seen) & set(names(400, start=20)), "what the surviving writers wrote is there"
    connection = sqlite3.connect(file)
    assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    assert list(file.parent.glob("*.damaged-*")) == []


def test_threads_share_a_store(file):
    results = {}
    with EmbeddingStore(file) as store:

        def work(number: int) -> None:
            results[number] = store.encode(HashEncoder(), names(200, start=number * 50))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for number in range(4):
        assert np.array_equal(results[number], HashEncoder().encode(names(200, start=number * 50)))


def test_a_file_that_stays_locked_costs_a_warning_and_not_the_vectors(file, monkeypatch, caplog):
    monkeypatch.setattr("hyperpcm.encoders.sqlite_file.WAIT_S", 0.1)
    with EmbeddingStore(file) as store:
        store.encode(HashEncoder(), names(2))
        other = sqlite3.connect(file, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        assert np.array_equal(store.encode(HashEncoder(), names(5)), HashEncoder().encode(names(5)))
        other.execute("ROLLBACK")
        other.close()
        assert "busy" in caplog.text
        assert store.path == file
        store.encode(HashEncoder(), names(5))
        assert store.info().holdings[0].rows == 5


def test_a_closed_store_still_gives_vectors(file):
    store = EmbeddingStore(file)
    store.close()
    store.close()
    assert np.array_equal(store.encode(HashEncoder(), names(3)), HashEncoder().encode(names(3)))


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me/cache/e.sqlite", "nfs4"),
        ("/home/local/e.sqlite", None),
        ("/scratch/e.sqlite", "lustre"),
        ("/with space/e.sqlite", "cifs"),
        ("/var/e.sqlite", None),
        ("/homes/e.sqlite", None),
    ],
)
def test_network_file_systems_are_recognised_by_the_innermost_mount(path, kind, tmp_path):
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        "30 22 0:40 / /home rw - nfs4 server:/home rw\n"
        "31 30 8:2 / /home/local rw shared:2 master:3 - xfs /dev/sdb1 rw\n"
        "32 22 0:41 / /scratch rw - lustre mgs@tcp:/scratch rw\n"
        "33 22 0:42 / /with\\040space rw - cifs //server/share rw\n"
    )
    assert network_filesystem(Path(path), mounts) == kind
    assert network_filesystem(Path(path), tmp_path / "none") is None


def test_a_part_of_a_joined_encoder_is_found_when_it_is_asked_for_alone():
    joined = compound_encoder(("ecfp", "descriptors"))
    items = ["CCO", "c1ccccc1", "CCO"]
    with EmbeddingStore() as store:
        vectors = store.encode(joined, items)
        np.testing.assert_array_equal(vectors, joined.encode(items))
        computed = store.info().computed
        alone = store.encode(compound_encoder("descriptors"), items)
        assert store.info().computed == computed
    np.testing.assert_array_equal(alone, compound_encoder("descriptors").encode(items))
