"""What the hits of a plan rest on, from the files of its targets where they still are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from hyperpcm.checkpoint import load_target_model, read_archive
from hyperpcm.errors import HyperpcmError
from hyperpcm.scaleout.plan import Plan
from hyperpcm.screening import Backing, Hit, backing_of_hits
from hyperpcm.target_model import TargetModel
from hyperpcm.target_model.scores import LEVEL

__all__ = ["backing_of_merged"]


def backing_of_merged(
    folder: Path, hits: Mapping[str, Sequence[Hit]], *, level: float = LEVEL
) -> tuple[dict[str, Backing], dict[str, str]]:
    """Return what the merged hits rest on, and why that is not known of some targets, by name.

    Hits are worth having without it, so a target whose file is gone, damaged or another one costs what its
    own hits rest on and no more. One target is in memory at a time.

    Args:
        folder: of the plan.
        hits: of each target of the plan, by its name.
        level: share of the labels that the intervals hold.

    Raises:
        InputError: there is no plan.
        ConfigError: a calibrated target has no intervals of this level.
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

    return backing_of_hits(hits, target_of, level=level), missing
