"""The kinds of benchmark by name; a new kind is a module of its own and a line here."""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from hyperpcm.errors import ConfigError

if TYPE_CHECKING:
    from hyperpcm.benchmark.kind import Kind

__all__ = ["KINDS", "kind_named"]

KINDS: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        "accuracy": ("accuracy", "AccuracyKind"),
        "active": ("active", "ActiveKind"),
        "few_shot": ("few_shot", "FewShotKind"),
        "trust": ("trust", "TrustKind"),
    }
)
"""Kind → module of this package and class in it."""


def kind_named(name: str, where: Path | str) -> Kind:
    """The kind of benchmark of this name.

    Raises:
        ConfigError: there is no such kind; the message begins with ``where``.
    """
    if name not in KINDS:
        near = difflib.get_close_matches(name, KINDS, n=1)
        hint = f" Did you mean {near[0]}?" if near else ""
        raise ConfigError(f"{where}: there is no kind {name!r}.{hint} Known: {', '.join(KINDS)}.")
    module, kind = KINDS[name]
    made: Kind = getattr(importlib.import_module(f"hyperpcm.benchmark.{module}"), kind)()
    return made
