"""A few threads, a short queue, and a clear word for everybody else."""

from __future__ import annotations

import asyncio
import threading

import pytest

from hyperpcm.errors import BusyError
from hyperpcm.web.gate import Gate


def test_no_more_calls_run_at_once_than_allowed_and_all_are_answered():
    running, most, lock = 0, 0, threading.Lock()
    pause = threading.Event()

    def work(number: int) -> int:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        pause.wait(0.02)
        with lock:
            running -= 1
        return number

    async def all_at_once() -> list[int]:
        gate = Gate(3, 100)
        return await asyncio.gather(*(gate.run(work, number) for number in range(20)))

    assert asyncio.run(all_at_once()) == list(range(20))
    assert most == 3


def test_who_comes_when_too_many_wait_is_told_to_come_back():
    hold = threading.Event()

    async def crowd() -> list[object]:
        gate = Gate(1, 2)
        calls = [asyncio.ensure_future(gate.run(hold.wait, 5)) for _ in range(5)]
        await asyncio.sleep(0.1)
        hold.set()
        return await asyncio.gather(*calls, return_exceptions=True)

    found = asyncio.run(crowd())
    assert found[:3] == [True, True, True]
    assert [type(one) for one in found[3:]] == [BusyError, BusyError]


def test_a_call_that_fails_gives_its_place_back():
    def fail() -> None:
        raise ValueError("no")

    async def twice() -> int:
        gate = Gate(1, 1)
        with pytest.raises(ValueError, match="no"):
            await gate.run(fail)
        return await gate.run(lambda: 5)

    assert asyncio.run(twice()) == 5
