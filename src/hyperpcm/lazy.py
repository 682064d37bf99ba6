"""Public names of a package that are imported when they are first asked for.

So that looking at one part of the package does not import the libraries of all others.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["lazy_names"]


def lazy_names(
    package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return what a package calls ``__getattr__`` and ``__dir__`` (PEP 562).

    Args:
        package: its name.
        homes: each public name with the module of the package that defines it.

    Example:
        >>> get, names = lazy_names("hyperpcm.chem", {"tanimoto": "fingerprints"})
        >>> names(), get("tanimoto").__name__
        (['tanimoto'], 'tanimoto')
    """

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{package}.{homes[name]}"), name)

    return get, lambda: sorted(homes)
