"""The record of a change of a memory, for its diff, and what of it stays in the model's card."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from hyperpcm import __version__
from hyperpcm.model.card import card_text
from hyperpcm.model.change import MemoryChange, Moves, TargetChange
from hyperpcm.model.hyperpcm import HyperPCM
from hyperpcm.model.label_merge import Conflict

__all__ = ["FORMAT", "card_entry", "change_record", "with_history"]

FORMAT: Final = "hyperpcm memory change"
"""What the record of a change says it is."""

_VERSION: Final = 1
_IN_CARD: Final = 5  # targets of each kind, and moves, that the card of a model keeps


def change_record(
    before: HyperPCM,
    after: HyperPCM,
    change: MemoryChange,
    *,
    action: str,
    time: str,
    author: str | None = None,
    source: Mapping[str, Any] | None = None,
    conflicts: Sequence[Conflict] = (),
    moves: Moves | None = None,
) -> dict[str, Any]:
    """Return what is told of a change of a memory (JSON values).

    Args:
        before: the model that was changed.
        after: what it became.
        change: from one to the other.
        action: what was done: ``add``, ``remove`` or ``apply``.
        time: when, ISO 8601.
        author: who did it.
        source: where the measurements come from, or what was asked to go.
        conflicts: pairs that had a label already.
        moves: what it does to scores; None where that was not asked.
    """
    names = dict(zip(after.memory_sequences, after.memory_names, strict=True))
    return {
        "format": FORMAT,
        "format_version": _VERSION,
        "hyperpcm_version": __version__,
        "action": action,
        "time": time,
        "author": author,
        "model_before": before.origin,
        "source": dict(source or {}),
        "overlays_before": _overlays(before),
        "overlays_after": _overlays(after),
        "added": [_told(one) for one in change.added],
        "removed": [_told(one) for one in change.removed],
        "changed": [_told(one) for one in change.changed],
        "compounds_added": len(change.compounds_added),
        "compounds_removed": len(change.compounds_removed),
        "conflicts": [
            {
                "target": names.get(one.sequence, ""),
                "compound": one.smiles,
                "values": [float(value) for value in one.values],
                "known_before": one.known,
                "kept": one.kept,
            }
            for one in conflicts
        ],
        "moves": None if moves is None else moves.record(),
    }


def card_entry(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the card of a model keeps of a change: counts, and the first of what it lists.

    Args:
        record: as from `change_record`.
    """
    entry = {
        name: record[name]
        for name in ("action", "time", "author", "hyperpcm_version", "model_before", "source")
    }
    for name in ("added", "removed", "changed"):
        entry[name] = {
            "targets": len(record[name]),
            "labels": sum(one["labels"] for one in record[name]),
            "first": [one["target"] for one in record[name][:_IN_CARD]],
        }
    entry |= {name: record[name] for name in ("compounds_added", "compounds_removed")}
    entry["conflicts"] = len(record["conflicts"])
    moves = record["moves"]
    entry["moves"] = None if moves is None else {**moves, "largest": moves["largest"][:_IN_CARD]}
    return entry


def with_history(model: HyperPCM, entries: Sequence[Mapping[str, Any]]) -> HyperPCM:
    """Write changes into the card of a model, behind those that it has from the model that it was made from.

    Args:
        model: its card is changed in place.
        entries: as from `card_entry`, the oldest first.

    Returns:
        The model itself.
    """
    model.card["memory"] = [*model.card.get("memory", []), *map(dict, entries)]
    if "text" in model.card:
        model.card["text"] = card_text(model)
    return model


def _overlays(model: HyperPCM) -> list[dict[str, Any]]:
    overlaid = model.overlaid
    if overlaid is None:
        return []
    return [{"name": one.name, "labels": len(one), "sha256": one.digest()} for one in overlaid.overlays]


def _told(change: TargetChange) -> dict[str, Any]:
    return {
        "target": change.name,
        "sequence_sha256": hashlib.sha256(change.sequence.encode()).hexdigest(),
        "labels": change.labels,
        "whole_target": change.is_whole,
    }
