"""The files of a benchmark that replays campaigns: its protocol, and its results on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, Self, final

import numpy as np
from pydantic import model_validator

from hyperpcm.adaptation.suggest_replay import METHODS, ReplayProtocol
from hyperpcm.benchmark.folds import FoldFile
from hyperpcm.benchmark.kind import Job
from hyperpcm.benchmark.parts_on_disk import PartsOnDisk
from hyperpcm.errors import ConfigError, TableError
from hyperpcm.evaluation.few_shot import paired_difference

__all__ = ["AGAINST", "ActiveFile", "ActiveOnDisk", "summarised_campaigns"]

AGAINST: Final = ("zero_shot", "forest")
"""Methods that every other is compared with, target by target."""

_USUAL: Final = ReplayProtocol()
_DECIMALS: Final = 4


class ActiveFile(FoldFile):
    """The ``benchmark.toml`` of this kind."""

    rounds: int = _USUAL.rounds
    """Batches that are measured, one after the other."""
    batch: int = _USUAL.batch
    """Compounds of each."""
    share: float = _USUAL.share
    """Of the compounds of a target, its best."""
    least: int = _USUAL.least
    """Number of them at least."""
    least_compounds: int = _USUAL.least_compounds
    """Targets with fewer measured compounds are left out."""
    replays: int = _USUAL.seeds
    """How often methods that draw are replayed."""
    most_tied: float = 2.0
    """Targets whose best are, with ties, more than this many times their number are left out."""

    @property
    def replay(self) -> ReplayProtocol:
        """How campaigns are replayed.

        Raises:
            ConfigError: a number out of range.
        """
        return ReplayProtocol(
            self.rounds,
            self.batch,
            self.share,
            self.least,
            self.least_compounds,
            self.replays,
            self.most_tied,
        )

    @model_validator(mode="after")
    def _in_range(self) -> Self:
        try:
            _ = self.replay
        except ConfigError as error:
            raise ValueError(str(error).rstrip(".")) from None
        return self


@final
class ActiveOnDisk(PartsOnDisk):
    """``{"reference", "methods": {method: …}, "targets", "tied", "protocol", "parts": [{"row", …}]}``.

    ``methods`` are those of the reference over the targets of its folds, as `summarised_campaigns` gives
    them; each part names the commit, versions and machine that made it.
    """

    needed: ClassVar[tuple[str, ...]] = ("targets", "found")

    @property
    def replay(self) -> ReplayProtocol:
        """How the campaigns of these results were replayed; older ones left no target out for ties.

        Raises:
            TableError: the file does not say.
        """
        try:
            return ReplayProtocol(**{"most_tied": None, **(self.protocol or {})["replay"]})
        except (KeyError, TypeError, ConfigError) as error:
            raise TableError(
                f"{self.path}: its protocol does not say how campaigns were replayed ({error})."
            ) from None

    def checked(self, part: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return a part with a share for each method, target and round."""
        super().checked(part)
        rounds, targets = self.replay.rounds, len(part["targets"])
        for method, found in part["found"].items():
            if [len(shares) for shares in found] != [rounds] * targets:
                raise ValueError(f"{method} lacks shares of some target or round")
        return part

    def of_row(self, row: str) -> list[Mapping[str, Any]]:
        """The parts of a row, fold by fold, without `older` ones."""
        older = self.older()
        return [self.parts[job] for job in sorted(self.parts) if job.row == row and job not in older]

    def older(self) -> set[Job]:
        """The jobs whose parts lack methods that another part of their row has; no table shows them."""
        known = {job: set(METHODS) & set(part["found"]) for job, part in self.parts.items()}
        widest: dict[str, set[str]] = {}
        for job, own in known.items():
            widest[job.row] = max(widest.get(job.row, set()), own, key=len)
        return {job for job, own in known.items() if widest[job.row] - own}

    def means(self, reference: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return what each method finds, as `summarised_campaigns`."""
        return summarised_campaigns(reference)

    def kept(self, part: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the part with its shares rounded."""
        found = {
            method: [[round(share, _DECIMALS) for share in shares] for shares in targets]
            for method, targets in part["found"].items()
        }
        return {**part, "found": found}

    def told(self, part: Mapping[str, Any]) -> str:
        """Return what each method found in the end."""
        last = {
            method: np.mean([shares[-1] for shares in targets]) for method, targets in part["found"].items()
        }
        told = ", ".join(f"{method} {100 * share:.0f} %" for method, share in last.items())
        tied = f" ({len(part['tied'])} more left out for ties)" if part.get("tied") else ""
        return f"{part['row']}: best compounds found on {len(part['targets'])} targets{tied}: {told}"


def summarised_campaigns(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what each method finds, over the targets of all parts.

    Args:
        parts: of one row; the seeds of a target count as their mean, and methods that all parts have.

    Returns:
        ``targets``: how many; ``tied``: how many more were left out for ties; ``methods``: for each method
        the mean share ``found`` after each round with its standard error ``se``, and for each of `AGAINST`
        the mean paired difference after each round ``[mean, low, high]`` with its 95 % bootstrap interval
        over targets.
    """
    methods = [name for name in parts[0]["found"] if all(name in part["found"] for part in parts)]
    targets = sorted({target for part in parts for target in part["targets"]})
    shares = {}
    for method in methods:
        own: dict[int, list[Sequence[float]]] = {target: [] for target in targets}
        for part in parts:
            for target, found in zip(part["targets"], part["found"][method], strict=True):
                own[target].append(found)
        shares[method] = np.array([np.mean(own[target], axis=0) for target in targets])
    record: dict[str, dict[str, Any]] = {}
    for method, values in shares.items():
        error = values.std(axis=0, ddof=1) / np.sqrt(len(targets)) if len(targets) > 1 else None
        record[method] = {
            "found": values.mean(axis=0).tolist(),
            "se": None if error is None else error.tolist(),
        }
        for other in AGAINST:
            if other != method and other in shares:
                compared = [
                    paired_difference(one, than) for one, than in zip(values.T, shares[other].T, strict=True)
                ]
                record[method][f"to_{other}"] = [[one.mean, one.low, one.high] for one in compared]
    tied = {target for part in parts for target in part.get("tied", ())}
    return {"targets": len(targets), "tied": len(tied), "methods": record}
