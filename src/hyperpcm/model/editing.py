"""A model without some of the measurements in its memory: whole targets, whole overlays, or single pairs."""

from __future__ import annotations

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


def without_measurements(
    model: HyperPCM,
    *,
    targets: Collection[str] = (),
    overlays: Collection[str] = (),
    pairs: Collection[tuple[str, str]] = (),
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
            otherwise stay.

    Raises:
        InputError: there is no such overlay, or the memory holds nothing of what should go.
        ConfigError: nothing would be left of the trained memory.
    """
    there = model.overlays
    _check_names(overlays, there)
    gone, single = frozenset(targets), frozenset(pairs)
    asked = set(overlays)
    kept = []
    for one in there:
        if one.name in asked and not single:
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
    rows = [row for row, sequence in enumerate(model.memory_sequences) if sequence in targets]
    labels: list[int] = []
    if pairs:
        places = {sequence: row for row, sequence in enumerate(model.memory_sequences)}
        columns = {smiles: column for column, smiles in enumerate(model.landmark_compounds)}
        of_pairs = {
            (places[sequence], columns[smiles])
            for sequence, smiles in pairs
            if sequence in places and smiles in columns and sequence not in targets
        }
        known = zip(model.memory_rows.tolist(), model.memory_columns.tolist(), strict=True)
        labels = [label for label, pair in enumerate(known) if pair in of_pairs]
    if not rows and not labels:
        return None
    found = without_labels(model, labels) if labels else model
    if rows:
        gone = [row for row, sequence in enumerate(found.memory_sequences) if sequence in targets]
        found = without_targets(found, gone)
    solve_again(found)
    return found
