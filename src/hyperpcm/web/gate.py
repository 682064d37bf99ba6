"""Work of requests in a few threads: the others wait for their turn, and too many are told to come back."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import ParamSpec, TypeVar

import anyio
from anyio import CapacityLimiter

from hyperpcm.errors import BusyError

__all__ = ["Gate"]

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


class Gate:
    """A bounded number of threads with a bounded queue before them.

    Args:
        threads: calls that run at the same time.
        most_waiting: calls that may wait.
    """

    def __init__(self, threads: int, most_waiting: int) -> None:
        self._threads, self._most_waiting = threads, most_waiting
        self._limiter: CapacityLimiter | None = None
        self.waiting = 0

    async def run(
        self, function: Callable[_Arguments, _Result], *args: _Arguments.args, **kwargs: _Arguments.kwargs
    ) -> _Result:
        """Return what a function returns that is called in one of the threads.

        Raises:
            BusyError: too many calls wait already.
        """
        if self.waiting >= self._most_waiting:
            raise BusyError("this server has too much to do at the moment. Ask again in a few seconds.")
        if self._limiter is None:  # belongs to the loop that runs, so it is made in it
            self._limiter = CapacityLimiter(self._threads)
        try:
            self._limiter.acquire_nowait()
        except anyio.WouldBlock:
            self.waiting += 1
            try:
                await self._limiter.acquire()
            finally:
                self.waiting -= 1
        try:
            call = functools.partial(function, *args, **kwargs)
            return await anyio.to_thread.run_sync(call, limiter=CapacityLimiter(1))
        finally:
            self._limiter.release()
