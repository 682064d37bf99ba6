"""Work on several processes gives what one process gives, in order, and ends with whoever asked for it."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pytest

from contracts import COMPOUNDS, TARGETS
from hyperpcm.encoders import EmbeddingStore, compound_encoder, target_encoder
from hyperpcm.encoders.base import Encoder
from hyperpcm.encoders.parallel import Workers, default_processes, usable_cores
from hyperpcm.errors import ConfigError, InvalidSmilesError, ProcessLostError

CHAINS = ["C" * length for length in range(1, 61)] + ["N" + "C" * length for length in range(1, 61)]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes are started for the first task."""
    monkeypatch.setattr("hyperpcm.encoders.parallel.WARM_UP_S", -1.0)
    monkeypatch.setattr("hyperpcm.encoders.batches.CHUNK", 8)
    monkeypatch.setattr("hyperpcm.encoders.store.BATCH", 20)


def who(number: int) -> tuple[int, int]:
    return number, os.getpid()


def threads(number: int) -> tuple[str | None, list[int]]:
    from threadpoolctl import threadpool_info

    np.ones((4, 4)) @ np.ones((4, 4))
    return os.environ.get("OMP_NUM_THREADS"), [one["num_threads"] for one in threadpool_info()]


def refuse(number: int) -> int:
    raise InvalidSmilesError("PARSE", f"number {number}")


def die(number: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_results_come_in_order_from_other_processes_of_one_thread_each():
    with Workers(2) as workers:
        found = list(workers.map(who, range(20)))
        variable, counts = next(workers.map(threads, [0]))
    assert [number for number, _ in found] == list(range(20))
    assert os.getpid() not in {process for _, process in found}
    assert variable == "1"
    assert set(counts) <= {1}


def test_one_process_does_the_work_itself():
    with Workers(1) as workers:
        assert {process for _, process in workers.map(who, range(3))} == {os.getpid()}


def test_little_work_starts_no_process(monkeypatch):
    monkeypatch.setattr("hyperpcm.encoders.parallel.WARM_UP_S", 60.0)
    with Workers(2) as workers:
        assert {process for _, process in workers.map(who, range(3))} == {os.getpid()}


def test_items_are_drawn_as_results_are_taken():
    drawn = []
    with Workers(2) as workers:
        results = workers.map(who, (drawn.append(number) or number for number in range(1000)))
        next(results)
        assert len(drawn) <= workers.ahead + 1


def test_an_error_keeps_its_kind_and_its_words():
    with Workers(2) as workers, pytest.raises(InvalidSmilesError, match="PARSE: number 0") as caught:
        list(workers.map(refuse, range(3)))
    assert (caught.value.code, caught.value.reason) == ("PARSE", "number 0")


def test_a_killed_process_is_told_and_not_waited_for():
    with Workers(2) as workers, pytest.raises(ProcessLostError, match="--processes 1"):
        list(workers.map(die, range(5)))


def test_fewer_than_one_process_is_refused():
    with pytest.raises(ConfigError, match="1 or more"):
        Workers(0)


@pytest.mark.parametrize(
    ("encoder", "items"),
    [
        (compound_encoder("ecfp+descriptors"), [*COMPOUNDS, *CHAINS, *COMPOUNDS]),
        (compound_encoder("atom_pair", options={"atom_pair": {"counts": "count"}}), CHAINS),
        (target_encoder("composition"), TARGETS),
        (target_encoder("alignment", references=TARGETS[:2]), TARGETS),
    ],
    ids=lambda value: value.name if isinstance(value, Encoder) else "",
)
def test_several_processes_give_and_store_the_same_bytes(encoder, items, tmp_path):
    expected = encoder.encode(items)
    with EmbeddingStore(tmp_path / "e.sqlite") as store:
        assert store.encode(encoder, items, processes=2).tobytes() == expected.tobytes()
        computed = store.info().computed
    with EmbeddingStore(tmp_path / "e.sqlite") as store:
        assert store.encode(encoder, items, processes=2).tobytes() == expected.tobytes()
        assert (store.info().computed, store.info().found) == (0, computed)


def test_a_refused_item_is_named_by_its_position_whichever_process_meets_it():
    with EmbeddingStore() as store:
        with pytest.raises(InvalidSmilesError, match=r"item 50 \('C1CC'\)"):
            store.encode(compound_encoder("ecfp"), [*CHAINS[:50], "C1CC", *CHAINS[50:]], processes=2)
        computed = store.info().computed
        store.encode(compound_encoder("ecfp"), CHAINS[:40])
        assert store.info().computed == computed, "the batches before are stored"


@pytest.mark.parametrize("processes", [1, 2])
def test_a_stream_goes_on_past_items_that_are_refused(processes):
    encoder = compound_encoder("ecfp", options={"ecfp": {"width": 64}})
    batches = [["CCO", "C1CC", "CCO"], [], ["C1CC"], ["CCN", "CCO"]]
    with EmbeddingStore() as store, Workers(processes) as workers:
        found = list(store.encode_batches(encoder, iter(batches), workers=workers))
    assert [sorted(one.refused) for one in found] == [[1], [], [0], []]
    assert "item" not in found[0].refused[1].reason
    for batch, one in zip(batches, found, strict=True):
        assert one.vectors.shape == (len(batch), 64)
        for row, item in enumerate(batch):
            if item == "C1CC":
                assert np.isnan(one.vectors[row]).all()
            else:
                np.testing.assert_array_equal(one.vectors[row], encoder.encode([item])[0])


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("processes", [1, 2])
def test_a_stream_is_drawn_as_it_is_consumed(processes, stored):
    encoder, drawn = compound_encoder("maccs"), []

    def batches():
        for number in range(60):
            drawn.append(number)
            yield CHAINS[number : number + 2]

    with EmbeddingStore() as store, Workers(processes) as workers:
        if stored:
            store.encode(encoder, CHAINS)
        stream = store.encode_batches(encoder, batches(), workers=workers)
        next(stream)
        assert len(drawn) <= workers.ahead + 2
        stream.close()


@dataclasses.dataclass(frozen=True)
class NegativeZero(Encoder):
    """Vectors whose bits a packing by value would lose; says that they are sparse."""

    name: ClassVar[str] = "negative_zero"
    side: ClassVar[str] = "compound"
    licence: ClassVar[str] = "MIT"
    revision: ClassVar[str] = "1"
    width: ClassVar[int] = 4
    sparse: ClassVar[bool] = True

    def options(self):
        return {}

    def _encode(self, items: Sequence[str]):
        return np.tile(np.array([0.0, -0.0, 1e-45, 2.0], dtype=np.float32), (len(items), 1))


def test_packing_for_another_process_keeps_every_bit():
    with EmbeddingStore() as store:
        vectors = store.encode(NegativeZero(), ["a", "b"])
    assert vectors.tobytes() == NegativeZero().encode(["a", "b"]).tobytes()


def test_encoders_without_weights_get_all_cores_and_others_one():
    assert default_processes(compound_encoder("ecfp+maccs")) == usable_cores()
    assert default_processes(NegativeZero()) == 1


def test_a_network_of_the_user_is_not_held_once_by_each_process(monkeypatch):
    known = compound_encoder("maccs")
    monkeypatch.setattr(type(known), "name", "chemprop")
    assert default_processes(known) == 1


PARENT = """
import os, sys, time
from hyperpcm.encoders import parallel
parallel.WARM_UP_S = -1.0
def main():
    with parallel.Workers(2) as workers:
        print(*{workers.submit(os.getpid)() for _ in range(8)}, flush=True)
        time.sleep(60)
main()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_processes_end_with_a_parent_that_is_killed():
    parent = subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True)
    children = [int(word) for word in parent.stdout.readline().split()]
    assert children
    parent.kill()
    parent.wait(30)
    parent.stdout.close()
    deadline = time.monotonic() + 30
    while any(is_running(child) for child in children):
        assert time.monotonic() < deadline, "a process outlived its parent"
        time.sleep(0.05)


def is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    try:
        with open(f"/proc/{process}/stat") as file:  # noqa: PTH123
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def tunables(_: int) -> str | None:
    return os.environ.get("GLIBC_TUNABLES")


@pytest.mark.parametrize("given", [None, "glibc.malloc.perturb=1", "glibc.malloc.tcache_count=9"])
def test_processes_keep_more_memory_at_hand_unless_the_user_says_how_much(given, monkeypatch):
    if given is None:
        monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    else:
        monkeypatch.setenv("GLIBC_TUNABLES", given)
    with Workers(2) as workers:
        (there,) = workers.map(tunables, [0])
    assert os.environ.get("GLIBC_TUNABLES") == given
    parts = there.split(":")
    assert [part for part in parts if part.startswith("glibc.malloc.tcache_count=")] == [
        given if given and "tcache_count" in given else "glibc.malloc.tcache_count=100"
    ]
    assert given is None or given in parts
