"""What a memory holds: its known targets with their labels, and where those come from."""

from __future__ import annotations

import collections
from dataclasses import dataclass

import numpy as np

from hyperpcm.model.hyperpcm import HyperPCM

__all__ = ["KnownLabel", "KnownTarget", "known_labels", "known_targets", "labels_on"]


@dataclass(frozen=True)
class KnownTarget:
    """One row of a memory.

    Attributes:
        name: of the target.
        sequence: of it.
        labels: pairs with a label.
        lowest: of the labels; None where there is none.
        highest: likewise.
        sources: labels by what they come from: the training data and overlays, as they were given.
    """

    name: str
    sequence: str
    labels: int
    lowest: float | None
    highest: float | None
    sources: dict[str, int]


@dataclass(frozen=True)
class KnownLabel:
    """A measured compound of a known target.

    Attributes:
        smiles: of the compound.
        label: of the pair; the mean where the memory holds several.
        sources: where it comes from.
    """

    smiles: str
    label: float
    sources: tuple[str, ...]


def known_targets(model: HyperPCM) -> tuple[KnownTarget, ...]:
    """Return what the memory of a model holds of each target, in its order.

    Args:
        model: with or without overlays.
    """
    sources = _sources(model)
    rows, columns = model.memory_rows.cpu().numpy(), model.memory_columns.cpu().numpy()
    values = model.memory_values.cpu().numpy()
    counts: list[collections.Counter[str]] = [collections.Counter() for _ in model.memory_sequences]
    for (row, _), names in sources.items():
        counts[row].update(names)
    order = np.argsort(rows, kind="stable")
    bounds = np.searchsorted(rows[order], np.arange(len(counts) + 1))
    found = []
    for row, (name, sequence) in enumerate(zip(model.memory_names, model.memory_sequences, strict=True)):
        own = order[bounds[row] : bounds[row + 1]]
        found.append(
            KnownTarget(
                name=name,
                sequence=sequence,
                labels=len(np.unique(columns[own])),
                lowest=float(values[own].min()) if len(own) else None,
                highest=float(values[own].max()) if len(own) else None,
                sources=dict(counts[row]),
            )
        )
    return tuple(found)


def known_labels(model: HyperPCM, row: int) -> tuple[KnownLabel, ...]:
    """Return the measured compounds of one known target, the strongest first.

    Args:
        model: with or without overlays.
        row: of the memory.
    """
    sources = _sources(model, row)
    own = (model.memory_rows == row).cpu().numpy()
    values: dict[int, list[float]] = {}
    for column, value in zip(
        model.memory_columns.cpu().numpy()[own].tolist(),
        model.memory_values.cpu().numpy()[own].tolist(),
        strict=True,
    ):
        values.setdefault(column, []).append(value)
    labels = (
        KnownLabel(model.landmark_compounds[column], float(np.mean(of_pair)), tuple(sources[row, column]))
        for column, of_pair in values.items()
    )
    return tuple(sorted(labels, key=lambda one: -one.label))


def labels_on(model: HyperPCM, sequence: str) -> dict[str, float]:
    """Return what the memory holds of one protein: the label of each compound, by its standardised SMILES.

    Args:
        model: with or without overlays.
        sequence: of the protein.

    Returns:
        Means where the memory holds several labels of a pair; nothing where it does not know the protein.
    """
    if sequence not in model.memory_sequences:
        return {}
    own = (model.memory_rows == model.memory_sequences.index(sequence)).cpu().numpy()
    columns, pair = np.unique(model.memory_columns.cpu().numpy()[own], return_inverse=True)
    values = model.memory_values.cpu().numpy()[own].astype(np.float64)
    means = np.bincount(pair, weights=values, minlength=len(columns)) / np.bincount(pair)
    compounds = (model.landmark_compounds[column] for column in columns.tolist())
    return dict(zip(compounds, means.tolist(), strict=True))


def _sources(model: HyperPCM, asked: int | None = None) -> dict[tuple[int, int], list[str]]:
    """Where the label of each pair, by row and column, comes from; of all rows or of one."""
    trained = len(model.memory_values) if model.overlaid is None else len(model.overlaid.values)
    rows, columns = model.memory_rows.cpu().numpy(), model.memory_columns.cpu().numpy()
    labels = np.arange(len(rows)) if asked is None else np.flatnonzero(rows == asked)
    name = model.trained_on
    pairs = zip(rows[labels].tolist(), columns[labels].tolist(), strict=True)
    found = {
        pair: [name] if label < trained else [] for label, pair in zip(labels.tolist(), pairs, strict=True)
    }
    places = {sequence: row for row, sequence in enumerate(model.memory_sequences)}
    compounds = {smiles: column for column, smiles in enumerate(model.landmark_compounds)}
    for overlay in model.overlays:
        for sequence, smiles in overlay.pairs():
            pair = (places[sequence], compounds[smiles])
            if pair in found:  # where two overlays contradict each other, there is no label
                found[pair].append(overlay.name)
    return found
