"""The table of baselines, and how to get one by name."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from hyperpcm.baselines.base import Baseline, count_setting
from hyperpcm.baselines.boosting import GradientBoosting, LigandOnly, MeansBoosting
from hyperpcm.baselines.characters import RawString
from hyperpcm.baselines.deep_pcm import DeepPCM
from hyperpcm.baselines.forest import PerTargetForest, RandomForest
from hyperpcm.baselines.kernel import KernelNeighbours
from hyperpcm.baselines.kronecker import KroneckerRidge
from hyperpcm.baselines.means import Additive, CompoundMean, TargetMean
from hyperpcm.baselines.nearest import NearestNeighbour
from hyperpcm.baselines.xgboost_trees import XGBoost
from hyperpcm.errors import ConfigError

__all__ = ["NULLS", "RIVALS", "build_baseline"]

_NULLS: Final[tuple[type[Baseline], ...]] = (
    CompoundMean,
    TargetMean,
    Additive,
    KernelNeighbours,
    GradientBoosting,
    LigandOnly,
)
_RIVALS: Final[tuple[type[Baseline], ...]] = (
    NearestNeighbour,
    RawString,
    PerTargetForest,
    RandomForest,
    XGBoost,
    MeansBoosting,
    KroneckerRidge,
    DeepPCM,
)
_CLASSES: Final[Mapping[str, type[Baseline]]] = MappingProxyType(
    {baseline.name: baseline for baseline in (*_NULLS, *_RIVALS)}
)

NULLS: Final[tuple[str, ...]] = tuple(baseline.name for baseline in _NULLS)
"""Names of the baselines that every evaluation is made beside, from the simplest to the strongest pair, then
the one that is blind to targets."""

RIVALS: Final[tuple[str, ...]] = tuple(baseline.name for baseline in _RIVALS)
"""Names of the other models of the field, fitted where they are asked for by name."""


def build_baseline(name: str, *, threads: int = 1, options: Mapping[str, object] | None = None) -> Baseline:
    """Make an unfitted baseline.

    Args:
        name: one of `NULLS` or `RIVALS`.
        threads: how many threads it may use, at least 1.
        options: settings other than the usual ones: the keyword arguments of its class, such as ``trees``.

    Raises:
        ConfigError: an unknown name or option, a value out of range, or no thread.
        MissingExtraError: it needs a package that is not installed.

    Example:
        >>> build_baseline("gbm", options={"trees": 100}).name
        'gbm'
    """
    if name not in _CLASSES:
        raise ConfigError(f"there is no baseline {name!r}. Known: {', '.join(_CLASSES)}.")
    parameters = inspect.signature(_CLASSES[name]).parameters
    known = [option for option in parameters if option != "threads"]
    given: dict[str, Any] = dict(options or {})
    if unknown := [option for option in given if option not in known]:
        rest = f"Known: {', '.join(known)}." if known else "It has none."
        raise ConfigError(f"baseline {name!r} has no option {unknown[0]!r}. {rest}")
    try:
        allowed = count_setting("threads", threads)
        return _CLASSES[name](**given, **({"threads": allowed} if "threads" in parameters else {}))
    except ConfigError as error:
        raise ConfigError(f"baseline {name!r}: {error}") from None
