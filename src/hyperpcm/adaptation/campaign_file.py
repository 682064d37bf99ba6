"""The file of a campaign: what was asked and told, as JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from hyperpcm.datasets.output_files import atomic_file
from hyperpcm.errors import InputError
from hyperpcm.target_model import Measurement

__all__ = ["CampaignRecord"]

_VERSION: Final = 1


@dataclass(frozen=True)
class CampaignRecord:
    """What a campaign knows, but for the library and its conditions.

    Attributes:
        target: digest of it.
        seed: of all draws.
        rounds: questions answered.
        pending: structures suggested and not measured.
        ordered: structures that are on order.
        never: structures that are not suggested.
        measurements: all that the target has seen.
    """

    target: str
    seed: int
    rounds: int
    pending: frozenset[str]
    ordered: frozenset[str]
    never: frozenset[str]
    measurements: tuple[Measurement, ...]

    def write(self, path: Path) -> None:
        """Write it to a file, whole or not at all.

        Raises:
            OutputError: it cannot be written.
        """
        told = {
            "version": _VERSION,
            "target": self.target,
            "seed": self.seed,
            "rounds": self.rounds,
            "pending": sorted(self.pending),
            "ordered": sorted(self.ordered),
            "never": sorted(self.never),
            "measurements": [dataclasses.asdict(one) for one in self.measurements],
        }
        with atomic_file(path, overwrite=True) as file:
            file.write(json.dumps(told, indent=1).encode())

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return what a file holds.

        Raises:
            InputError: the file cannot be read, or it is no campaign.
        """
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            if told["version"] != _VERSION:
                raise ValueError(f"version {told['version']}")
            return cls(
                target=str(told["target"]),
                seed=_number(told["seed"]),
                rounds=_number(told["rounds"]),
                pending=_texts(told["pending"]),
                ordered=_texts(told.get("ordered", [])),
                never=_texts(told.get("never", [])),
                measurements=tuple(_measurement(one) for one in told["measurements"]),
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path}: this is not a saved campaign, or it is damaged ({error}).") from None


def _number(given: Any) -> int:
    if type(given) is not int or given < 0:
        raise ValueError(f"{given!r} is no number from 0 on")
    return given


def _texts(given: Any) -> frozenset[str]:
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise ValueError("structures are a list of texts")
    return frozenset(given)


def _measurement(given: Mapping[str, Any]) -> Measurement:
    found = Measurement(**given)
    is_told = isinstance(found.smiles, str) and isinstance(found.source, str)
    if not is_told or type(found.value) not in (int, float) or found.relation not in (-1, 0, 1):
        raise ValueError(f"{dict(given)} is no measurement")
    return found
