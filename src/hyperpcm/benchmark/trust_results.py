"""The results file of a benchmark of trust: what was measured in each job, and means of the reference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, final

from hyperpcm.benchmark.parts_on_disk import PartsOnDisk
from hyperpcm.benchmark.trust_mutants import pooled_mutants

__all__ = ["TrustOnDisk"]


@final
class TrustOnDisk(PartsOnDisk):
    """``{"coverage": …, …, "reference", "protocol", "parts": [{"row", "fold", "seed", "held", …}]}``.

    Where labels are two classes: ``{"ece": …, …, "parts": [{"row", "fold", "seed", "ece", …}]}``.

    The means are those of the reference over its folds and seeds, as is the verdict on ``mutants`` where the
    data hold any; each part names the commit, versions and
    machine that made it.
    """

    @property
    def is_binary(self) -> bool:
        """Whether its parts are about probabilities of a class."""
        return any("ece" in part for part in self.parts.values())

    def means(self, reference: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Return the means over parts, and for values the verdict on mutants where there are any."""
        from hyperpcm.trust import summarised, summarised_reliability

        if self.is_binary:
            return summarised_reliability(reference)
        found, mutants = summarised(reference), pooled_mutants(reference)
        return (
            found if mutants is None else found | {"mutants": mutants.record() | {"says": mutants.sentence()}}
        )

    def told(self, part: Mapping[str, Any]) -> str:
        """Return the calibration error, or how many labels the intervals of 80 % hold."""
        if self.is_binary:
            before = part["ece_uncalibrated"]
            return f"{part['row']}: calibration error {part['ece']:.3f}, before {before:.3f}"
        return f"{part['row']}: 80 % intervals hold {100 * part['held']['0.8']:.1f} %"
