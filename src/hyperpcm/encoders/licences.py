"""The licences of encoders, which models that are trained on their vectors carry on."""

from __future__ import annotations

from collections.abc import Mapping

from hyperpcm.encoders.base import Encoder, parts_of

__all__ = ["is_noncommercial", "licences_of", "noncommercial_notice"]


def is_noncommercial(licence: str) -> bool:
    """Whether an SPDX expression holds a licence that forbids commercial use."""
    return "-NC" in licence


def licences_of(*encoders: Encoder) -> dict[str, str]:
    """The licence of each encoder by its name; joined encoders are named one by one."""
    return {part.name: part.licence for encoder in encoders for part in parts_of(encoder)}


def noncommercial_notice(licences: Mapping[str, str]) -> str | None:
    """What users of a model on these encoders must know; None where none of them forbids commercial use.

    Args:
        licences: SPDX expressions by the name of the encoder.
    """
    marked = [f"{name} ({licence})" for name, licence in licences.items() if is_noncommercial(licence)]
    if not marked:
        return None
    return f"Not for commercial use: the licence of {' and '.join(marked)} forbids it, for the model as well."
