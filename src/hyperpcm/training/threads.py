"""Holds the numerical libraries to some threads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits

__all__ = ["limited_threads"]


@contextmanager
def limited_threads(threads: int) -> Iterator[None]:
    """Hold torch and the numerical libraries to some threads; 0 leaves them alone.

    Many small products on more threads than free cores wait for one another most of the time.
    """
    if not threads:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with threadpool_limits(limits=threads):
            yield
    finally:
        torch.set_num_threads(before)
