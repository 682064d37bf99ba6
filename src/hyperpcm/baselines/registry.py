"""The table of baselines, and how to get one by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from hyperpcm.baselines.base import Baseline
from hyperpcm.baselines.boosting import GradientBoosting, LigandOnly
from hyperpcm.baselines.kernel import KernelNeighbours
from hyperpcm.baselines.means import Additive, CompoundMean, TargetMean
from hyperpcm.errors import ConfigError

__all__ = ["NULLS", "build_baseline"]

_BUILDERS: Final[Mapping[str, Callable[[int], Baseline]]] = MappingProxyType(
    {
        CompoundMean.name: lambda _threads: CompoundMean(),
        TargetMean.name: lambda _threads: TargetMean(),
        Additive.name: lambda _threads: Additive(),
        KernelNeighbours.name: lambda _threads: KernelNeighbours(),
        GradientBoosting.name: lambda threads: GradientBoosting(threads=threads),
        LigandOnly.name: lambda threads: LigandOnly(threads=threads),
    }
)

NULLS: Final[tuple[str, ...]] = tuple(_BUILDERS)
"""Names of all baselines, from the simplest to the strongest pair, then the one that is blind to targets."""


def build_baseline(name: str, *, threads: int = 1) -> Baseline:
    """Make an unfitted baseline.

    Args:
        name: one of `NULLS`.
        threads: how many threads boosting may use, at least 1; scores do not depend on it.

    Raises:
        ConfigError: an unknown name, or no thread.

    Example:
        >>> build_baseline("additive").name
        'additive'
    """
    if name not in _BUILDERS:
        raise ConfigError(f"there is no baseline {name!r}. Known: {', '.join(NULLS)}.")
    if threads < 1:
        raise ConfigError(f"baseline {name!r}: threads is {threads}; give at least 1.")
    return _BUILDERS[name](threads)
