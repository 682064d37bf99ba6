"""What is known of all compounds of a library: one pass over it."""

from __future__ import annotations

import collections
import dataclasses
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hyperpcm.adaptation.suggest_compounds import CompoundPool, ScoredCompounds
from hyperpcm.adaptation.suggest_conditions import CompoundTable
from hyperpcm.adaptation.suggest_posterior import TargetPosterior
from hyperpcm.adaptation.suggest_top import TopDraws
from hyperpcm.errors import InputError
from hyperpcm.screening.chunk import Copy
from hyperpcm.target_model import Measurement

__all__ = ["Survey", "measured_values", "surveyed"]

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Survey:
    """What is known of all compounds of a library.

    Attributes:
        mean: of their values [n].
        deviation: standard deviation [n].
        prices: the lowest of all names of a compound; NaN for what cannot be chosen [n].
        measured: values of those that were measured, by their place; upper bounds are no values.
        seen: places of all that were measured, if only as a bound.
        on_order: places of those that are on order and were not measured.
        chance: probability of each to be among the best of the library [n].
        threshold: value that the best lie above.
        cheaper: the row and name under which a compound costs least, where that is not its first, by place.
    """

    mean: Floats
    deviation: Floats
    prices: Floats
    measured: Mapping[int, float]
    seen: Places
    on_order: Places
    chance: Floats
    threshold: float
    cheaper: Mapping[int, Copy]

    def as_bought(self, places: Places, compounds: ScoredCompounds) -> ScoredCompounds:
        """Return compounds at these places with the rows and names under which they cost least."""
        rows, names = compounds.rows.copy(), list(compounds.names)
        for at, place in enumerate(places.tolist()):
            if (copy := self.cheaper.get(place)) is not None:
                rows[at], names[at] = copy.place, copy.name
        return dataclasses.replace(compounds, rows=rows, names=names)


def measured_values(measurements: Sequence[Measurement]) -> dict[str, float]:
    """Return the value of each compound that has one, by its structure: the mean, upper bounds left out."""
    found = collections.defaultdict[str, list[float]](list)
    for one in measurements:
        if one.relation >= 0:
            found[one.smiles].append(one.value)
    return {smiles: float(np.mean(values)) for smiles, values in found.items()}


def surveyed(
    library: CompoundPool,
    posterior: TargetPosterior,
    measurements: Sequence[Measurement],
    *,
    on_order: Collection[str],
    never: Collection[str],
    table: CompoundTable | None,
    seed: list[int],
) -> Survey:
    """Return what is known of the compounds of a library; it is read once.

    Args:
        library: not empty.
        posterior: of the target.
        measurements: that it has seen; their compounds cannot be chosen.
        on_order: structures that cannot be chosen either, whose values will be known.
        never: structures that cannot be chosen, and of which nothing will be known.
        table: which compounds may be bought, for how much; None: all, for nothing.
        seed: of the draws of what is best.

    Raises:
        InputError: the table tells none of the library.
    """
    values, seen = measured_values(measurements), {one.smiles for one in measurements}
    ordered, excluded = set(on_order), set(never)
    parts, rows, copies = list[tuple[Floats, ...]](), list[Places](), list[Copy]()
    known, told, waiting, barred, start = dict[int, float](), list[int](), list[int](), list[int](), 0
    top = TopDraws(len(library), seed)
    for block in library.blocks():
        copies.extend(block.copies)
        if not len(block):
            continue
        for place, smiles in enumerate(block.smiles, start):
            if smiles in seen:
                told.append(place)
                if smiles in values:
                    known[place] = values[smiles]
            elif smiles in ordered:
                waiting.append(place)
            elif smiles in excluded:
                barred.append(place)
        prices = np.zeros(len(block)) if table is None else table.of(block.names, block.smiles)
        linear = list(posterior.linear(block))
        for one in linear:
            top.add(one, known)
        mean = np.concatenate([one.mean for one in linear])
        deviation = np.concatenate([one.deviation for one in linear])
        parts.append((mean, deviation, prices))
        rows.append(block.rows)
        start += len(block)
    mean, deviation, prices = (np.concatenate(part) for part in zip(*parts, strict=True))
    cheaper = _lowered(prices, np.concatenate(rows), copies, table)
    if table is not None and not np.isfinite(prices).any():
        raise InputError(
            "no compound of the library is in the table with all its conditions; they are joined by "
            f"{table.joined_by}. Check that both call compounds alike."
        )
    prices[[*told, *waiting, *barred]] = np.nan
    return Survey(
        mean=mean,
        deviation=deviation,
        prices=prices,
        measured=known,
        seen=np.array(told, dtype=np.int64),
        on_order=np.array(waiting, dtype=np.int64),
        chance=top.chances(),
        threshold=top.threshold,
        cheaper=cheaper,
    )


def _lowered(
    prices: Floats, rows: Places, copies: Sequence[Copy], table: CompoundTable | None
) -> dict[int, Copy]:
    """Take the price of a copy where it is lower than that of the first row; which copy, by place."""
    if table is None or table.joined_by != "name" or not copies:
        return {}
    order = np.argsort(rows, kind="stable")
    firsts = np.array([one.first for one in copies])
    places = order[np.searchsorted(rows, firsts, sorter=order)].tolist()
    found = dict[int, Copy]()
    of_copies = table.of([one.name for one in copies], [""] * len(copies))
    for place, price, copy in zip(places, of_copies, copies, strict=True):
        if np.isfinite(price) and not prices[place] <= price:
            prices[place], found[place] = price, copy
    return found
