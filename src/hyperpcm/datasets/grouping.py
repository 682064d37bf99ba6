"""Group rows by content: identifiers that name one structure or one sequence share one entry of the axis."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["Axis", "group_by_content"]


@dataclasses.dataclass(frozen=True)
class Axis:
    """One axis of a table of interactions.

    Attributes:
        content: unique texts in order of first appearance [k].
        names: display name of each, its distinct identifiers in order of appearance joined by ``|`` [k].
        index: position in ``content`` of each given item, -1 where the item was ``None``; int64 [n].
    """

    content: tuple[str, ...]
    names: tuple[str, ...]
    index: npt.NDArray[np.int64]


def group_by_content(items: Sequence[str | None], names: Sequence[str]) -> Axis:
    """The axis of ``items`` [n], named by ``names`` [n]. Deterministic: order of first appearance.

    An item that is ``None`` (rejected) gets index -1 and no entry. An empty name is skipped; an entry with no
    name at all is named by its content.

    Raises:
        ValueError: not one name for each item.

    Example:
        >>> axis = group_by_content(["CCO", None, "CCO"], ["ethanol", "bad", "alcohol"])
        >>> axis.content, axis.names, axis.index.tolist()
        (('CCO',), ('ethanol|alcohol',), [0, -1, 0])
    """
    position: dict[str, int] = {}
    known: list[dict[str, None]] = []
    index = np.full(len(items), -1, dtype=np.int64)
    for row, (item, name) in enumerate(zip(items, names, strict=True)):
        if item is None:
            continue
        place = position.setdefault(item, len(position))
        if place == len(known):
            known.append({})
        if name:
            known[place][name] = None
        index[row] = place
    content = tuple(position)
    labels = tuple("|".join(of) if of else text for of, text in zip(known, content, strict=True))
    return Axis(content, labels, index)
