"""The kind of labels that is asked for: values with another threshold, or two classes out of values."""

from __future__ import annotations

import dataclasses
from typing import Final, Literal

import numpy as np

from hyperpcm.datasets.interactions import EXACT, Interactions, Quantity
from hyperpcm.errors import LabelError

__all__ = ["as_classes", "is_of_threshold", "with_kind"]


_OR_MORE: Final = " or more"  # what the name of classes that a threshold made ends in


def is_of_threshold(quantity: Quantity) -> bool:
    """Whether two classes were made of values by a threshold, which their name tells (see `as_classes`)."""
    return quantity.kind == "binary" and quantity.name.endswith(_OR_MORE)


def with_kind(
    interactions: Interactions, kind: Literal["regression", "binary"] | None, active_at: float | None
) -> Interactions:
    """Return the table with the kind of labels and the threshold that are asked for; None keeps its own.

    Raises:
        LabelError: values are asked of classes, or as `as_classes`.
    """
    is_binary = interactions.quantity.kind == "binary"
    if kind == "regression" and is_binary:
        raise LabelError(f"{interactions.name}: its labels are two classes, not values; leave the kind out.")
    if kind == "binary" or is_binary:
        return as_classes(interactions, active_at)
    if active_at is None:
        return interactions
    quantity = dataclasses.replace(interactions.quantity, active_at=active_at)
    return dataclasses.replace(interactions, quantity=quantity)


def as_classes(
    interactions: Interactions, active_at: float | None = None, *, both: bool = True
) -> Interactions:
    """Return the table with 1 for active and 0 for inactive; rows whose class a bound leaves open are gone.

    How many those are is said in its notes. A table of two classes comes back as it is.

    Args:
        interactions: not mutated.
        active_at: values at or above this are active; the quantity's own threshold when not given.
        both: whether rows of one class alone are refused.

    Raises:
        LabelError: no threshold is given and the quantity has none, a threshold for labels that are classes
            already, or the threshold leaves no row, or one class only.
    """
    quantity = interactions.quantity
    if quantity.kind == "binary":
        if active_at is not None:
            raise LabelError(
                f"{interactions.name}: its labels are two classes already; leave the threshold {active_at:g} "
                "out."
            )
        return interactions
    if active_at is not None:
        quantity = dataclasses.replace(quantity, active_at=active_at)
    divided = dataclasses.replace(interactions, quantity=quantity)
    active, known = divided.is_active(), divided.activity_is_known()
    threshold = quantity.active_at
    if len(np.unique(active[known])) < (2 if both else 1):
        raise LabelError(
            f"{interactions.name}: from {quantity.name} = {threshold:g} on {int(active[known].sum()):,} of "
            f"{int(known.sum()):,} rows are active; give a threshold that divides them."
        )
    name, rows = f"{quantity.name} of {threshold:g}{_OR_MORE}", f"{int(known.sum()):,} rows"
    note = f"{int(active.sum()):,} of {rows} are active: {name}"
    if not known.all():
        note += f"; {int((~known).sum()):,} rows left out, whose bound leaves their class open"
    classes = dataclasses.replace(
        divided,
        quantity=Quantity(name, "", kind="binary"),
        values=active.astype(np.float32),
        relations=np.full(len(active), EXACT, dtype=np.int8),
        binned=None,
        notes=(*interactions.notes, f"{note}."),
    )
    return classes.select(known)
