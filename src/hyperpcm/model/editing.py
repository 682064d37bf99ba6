"""A model without some of the measurements in its memory: whole targets, whole overlays, or single pairs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from hyperpcm.errors import InputError
from hyperpcm.model.extension import Extension, trained_model, with_overlays
from hyperpcm.model.hyperpcm import HyperPCM
from hyperpcm.model.memory_ridge import solve_again
from hyperpcm.model.overlay import Overlay
from hyperpcm.model.removal import without_labels, without_targets

__all__ = ["without_measurements"]

_LISTED: Final = 10  # names of overlays in a message
_LETTERS: Final = 40  # of a sequence in a message


def without_measurements(
    model: HyperPCM,
    *,
    targets: Collection[str] = (),
    overlays: Collection[str] = (),
    pairs: Collection[tuple[str, str]] | None = None,
) -> Extension:
    """Return the model as its memory would be without some measurements; nothing is trained.

    Overlays are taken off, and what is left of them is laid again: without any of them the model is the
    trained one, bit for bit. Where the trained memory itself loses something, targets and compounds that no
    label is left of go with it, as `without_targets` has it, and the ridge regression is solved again for
    what is left, with its own kernel.

    Args:
        model: not mutated, but for the alignment of its memory to itself.
        targets: sequences that go with all their labels.
        overlays: names of those that go.
        pairs: sequences and SMILES of single measurements; with ``overlays`` they go from those alone, which
            otherwise stay. None: ``overlays`` go with all that they hold.

    Raises:
        InputError: there is no such overlay or target, or the memory holds nothing of what should go.
        ConfigError: nothing would be left of the trained memory.
    """
    there = model.overlays
    _check_names(overlays, there)
    _check_targets(targets, model)
    gone, single = frozenset(targets), frozenset(pairs or ())
    asked = set(overlays)
    kept = []
    for one in there:
        if one.name in asked and pairs is None:
            continue
        of_pairs = single if not asked or one.name in asked else frozenset()
        labels = _left(one, gone, of_pairs)
        kept.append(one if labels.all() else one.only(labels))
    kept = [one for one in kept if len(one)]
    base = _trained_without(trained_model(model), gone, frozenset() if asked else single)
    changed = base is not None or [len(one) for one in kept] != [len(one) for one in there]
    if not changed:
        raise InputError("the memory holds nothing of what should be removed, so it stays as it is.")
    return with_overlays(trained_model(model) if base is None else base, kept)


def _check_names(asked: Collection[str], there: Sequence[Overlay]) -> None:
    names = [one.name for one in there]
    for name in asked:
        if name not in names:
            shown = ", ".join(names[:_LISTED]) or "none"
            raise InputError(
                f"{name}: the memory holds no overlay of this name. It holds: {shown}. What the model was "
                "trained on is removed by target or by measurement."
            )


def _check_targets(asked: Collection[str], model: HyperPCM) -> None:
    unknown = [one for one in asked if one not in model.memory_sequences]
    if unknown:
        raise InputError(
            f"the memory does not hold {len(unknown):,} of the targets that should be removed (first: "
            f"{unknown[0][:_LETTERS]}…), so it stays as it is."
        )


def _left(
    overlay: Overlay, targets: frozenset[str], pairs: frozenset[tuple[str, str]]
) -> npt.NDArray[np.bool_]:
    """Which labels of an overlay stay [n]."""
    return np.array(
        [pair[0] not in targets and pair not in pairs for pair in overlay.pairs()], dtype=np.bool_
    )


def _trained_without(
    model: HyperPCM, targets: frozenset[str], pairs: frozenset[tuple[str, str]]
) -> HyperPCM | None:
    """The trained model without what goes; None where its memory holds nothing of that."""
    sequences, smiles = model.memory_sequences, model.landmark_compounds
    rows = [row for row, sequence in enumerate(sequences) if sequence in targets]
    lost: dict[int, tuple[str, str]] = {}
    if pairs:
        known = zip(model.memory_rows.tolist(), model.memory_columns.tolist(), strict=True)
        named = ((sequences[row], smiles[column]) for row, column in known)
        lost = {label: pair for label, pair in enumerate(named) if pair in pairs and pair[0] not in targets}
    if not rows and not lost:
        return None
    found = without_labels(model, lost) if lost else model
    if rows:
        gone = [row for row, sequence in enumerate(found.memory_sequences) if sequence in targets]
        found = without_targets(found, gone)
    solve_again(found)
    found.origin = _origin_without(model.origin, [sequences[row] for row in rows], set(lost.values()))
    return found


def _origin_without(origin: str, targets: Collection[str], pairs: Collection[tuple[str, str]]) -> str:
    """A digest that stands for a trained model without some of its memory; empty where its own is.

    What is laid over it names this, and so goes with no other model.
    """
    if not origin:
        return ""
    gone = json.dumps([origin, sorted(targets), sorted(pairs)])
    return hashlib.sha256(gone.encode()).hexdigest()
