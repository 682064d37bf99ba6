"""The nearest landmark compound of each hit of a plan, from the files of its targets where they still are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from hyperpcm.checkpoint import load_target_model, read_archive
from hyperpcm.errors import HyperpcmError
from hyperpcm.scaleout.plan import Plan
from hyperpcm.screening import Hit, nearest_of_hits
from hyperpcm.target_model import NearestLandmark, TargetModel

__all__ = ["nearest_of_merged"]


def nearest_of_merged(
    folder: Path, hits: Mapping[str, Sequence[Hit]]
) -> tuple[dict[str, tuple[NearestLandmark | None, ...]], dict[str, str]]:
    """Return the nearest landmark of each merged hit, and why some targets have none, by name.

    Hits are worth having without it, so a target whose file is gone, damaged or another one costs the nearest
    landmarks of its own hits alone. One target is in memory at a time.

    Args:
        folder: of the plan.
        hits: of each target of the plan, by its name.

    Raises:
        InputError: there is no plan.
    """
    planned = {target.name: target for target in Plan.read(folder).targets}
    missing: dict[str, str] = {}

    def target_of(name: str) -> TargetModel | None:
        path = Path(planned[name].path)
        try:
            if read_archive(path).sha256 == planned[name].sha256:
                return load_target_model(path)
            missing[name] = f"{path}: this target is not the one that was planned with."
        except HyperpcmError as error:
            missing[name] = str(error)
        return None

    return nearest_of_hits(hits, target_of), missing
