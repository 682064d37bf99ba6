"""A client of a running `hyperpcm serve`: the same words as the command line, typed answers.

It needs ``hyperpcm[client]``, and loads neither torch nor RDKit.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperpcm.lazy import lazy_names

if TYPE_CHECKING:
    from hyperpcm.client.client import Client
    from hyperpcm.web.asked import AskedTarget, GivenCompound, ResultQuery

__all__ = ["AskedTarget", "Client", "GivenCompound", "ResultQuery"]


def __getattr__(name: str) -> object:
    if name in ("AskedTarget", "GivenCompound", "ResultQuery"):
        from hyperpcm.web import asked

        return getattr(asked, name)
    return _get(name)


_get, __dir__ = lazy_names(__name__, {"Client": "client"})
