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

__all__ = ["FORMAT", "FORMAT_VERSION", "card_entry", "change_record", "with_history"]

FORMAT: Final = "hyperpcm memory change"
"""What the record of a change says it is."""

FORMAT_VERSION: Final = 1
"""The newest version of such a record that is read, and the one that is written."""

_LISTED: Final = 10_000  # conflicts that a record holds: a record of any change can be read again


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
        conflicts: pairs that had a label already; the first 10,000 are told one by one, and all counted.
        moves: what it does to scores; None where that was not asked.
    """
    names = dict(zip(after.memory_sequences, after.memory_names, strict=True))
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
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
            for one in conflicts[:_LISTED]
        ],
        "conflict_count": len(conflicts),
        "moves": None if moves is None else moves.record(),
    }


def card_entry(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the card of a model keeps of a change: when, who, under which name, and how many of what.

    No target, compound, score or file is named: an entry stays in the card when what it tells of is removed,
    and goes along with every target that is compiled. Overlays that are written into a file had an entry of
    their own each when they were made, so ``apply`` counts nothing again.

    Args:
        record: as from `change_record`.
    """
    entry = {name: record[name] for name in ("action", "time", "author", "hyperpcm_version", "model_before")}
    entry["source"] = {"name": record["source"].get("name", "")}
    of_overlays = record["action"] == "apply"
    for name in ("added", "removed", "changed"):
        told = [] if of_overlays else record[name]
        entry[name] = {"targets": len(told), "labels": sum(one["labels"] for one in told)}
    for name in ("compounds_added", "compounds_removed"):
        entry[name] = 0 if of_overlays else record[name]
    entry["conflicts"] = 0 if of_overlays else record["conflict_count"]
    moves = record["moves"]
    entry["moves"] = None if moves is None else {name: moves[name] for name in moves if name != "largest"}
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
    return [{"name": one.name, "labels": len(one), "sha256": one.digest()} for one in model.overlays]


def _told(change: TargetChange) -> dict[str, Any]:
    return {
        "target": change.name,
        "sequence_sha256": hashlib.sha256(change.sequence.encode()).hexdigest(),
        "labels": change.labels,
        "whole_target": change.is_whole,
    }
