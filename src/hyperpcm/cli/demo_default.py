"""The first step of `hyperpcm demo`: the default model answers for a protein that it does not know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from hyperpcm.cli.intervals import interval_cells, interval_header
from hyperpcm.cli.tables import aligned, terminal_width
from hyperpcm.metrics import spearman
from hyperpcm.target_model.told import interval_notes, score_title

if TYPE_CHECKING:
    from hyperpcm.datasets import Interactions
    from hyperpcm.training.model_source import ModelSource

__all__ = ["DefaultAnswer", "answer_of_default"]

_SHOWN: Final = 5
_RELATIONS: Final = {0: "", 1: ">", -1: "<"}


@dataclass(frozen=True)
class DefaultAnswer:
    """What the default model said of a protein.

    Attributes:
        table: its best compounds, beside what was measured.
        notes: sentences about it.
    """

    table: str
    notes: tuple[str, ...]


def answer_of_default(source: ModelSource, interactions: Interactions) -> DefaultAnswer | None:
    """Return what a model says of the compounds of a data set on a protein whose sequence it does not know.

    Args:
        source: the model.
        interactions: of the data set; the protein with the most labels is taken.

    Returns:
        None where the model knows every protein of the data set.
    """
    from hyperpcm.model.compiling import unmeasured_target

    model = source.load()
    known = set(model.memory_sequences)
    labels = np.bincount(interactions.target_index, minlength=len(interactions.targets))
    unknown = [place for place, one in enumerate(interactions.targets) if one not in known and labels[place]]
    if not unknown:
        return None
    place = max(unknown, key=lambda one: int(labels[one]))
    name = interactions.target_names[place].partition("|")[0]
    target = unmeasured_target(model, interactions.targets[place], name)
    rows = np.flatnonzero(interactions.target_index == place)
    scores = target.score([interactions.compounds[one] for one in interactions.compound_index[rows]])
    measured = interactions.point()[rows]
    best = [int(row) for row in scores.order()[:_SHOWN]]
    title = score_title(scores.quantity)
    header = ["rank", title, *interval_header(scores.intervals), "measured", "SMILES"]
    cells = [
        [
            str(rank),
            f"{scores.values[row]:.2f}",
            *interval_cells(scores.intervals, row),
            f"{_RELATIONS[int(interactions.relations[rows[row]])]}{measured[row]:.2f}",
            scores.smiles[row] or "",
        ]
        for rank, row in enumerate(best, start=1)
    ]
    right = {"rank", title, "measured"}
    table = aligned(header, cells, right=right, flexible="SMILES", width=terminal_width())
    told = f"{name}: its sequence is not among the {len(known):,} that {source} knows; nothing was trained"
    agreement = spearman(measured, scores.values) if len(rows) > 2 else float("nan")
    if agreement == agreement:
        told += (
            f". Over the {len(rows)} compounds measured on it the rank correlation with "
            f"{interactions.quantity.name} is {agreement:.2f}"
        )
    first = f"The first {len(best)} of {len(rows)} compounds for {name}, by {source} ({title}):"
    return DefaultAnswer(f"{first}\n{table}\n", (f"{told}.", *interval_notes(target)))
