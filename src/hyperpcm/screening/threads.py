"""Work spread over threads, for what lets go of the interpreter: results in the order asked for."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch

__all__ = ["in_threads"]

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def in_threads(task: Callable[[_Item], _Result], items: Iterable[_Item], threads: int) -> Iterator[_Result]:
    """Yield what a task makes of each item, a few of them ahead of what is asked for.

    While it runs with several threads, torch uses one in each of them.

    Args:
        task: is called in any thread.
        items: in order.
        threads: how many; with one, everything happens in this one.
    """
    if threads == 1:
        yield from map(task, items)
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    waiting: deque[Future[_Result]] = deque()
    try:
        with ThreadPoolExecutor(threads) as pool:
            try:
                for item in items:
                    waiting.append(pool.submit(task, item))
                    if len(waiting) > threads:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()
    finally:
        torch.set_num_threads(before)
