"""The mutants among measured targets, and what a model predicts of them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.interactions import EXACT, Interactions
from hyperpcm.model import HyperPCM
from hyperpcm.protein import MutantPair, Mutation, Substitution, mutant_pairs, mutated
from hyperpcm.protein.sequence import AMINO_ACIDS
from hyperpcm.trust.differences import Differences
from hyperpcm.trust.mutation_scan import PreparedCompounds

__all__ = ["RANDOM", "measured_differences"]

RANDOM: Final = 3
"""Random mutations tried beside each real one."""
_MOST: Final = 100  # mutants that are compiled, of those that are new to the model and of those that are not

_Labels = dict[int, tuple[float, bool]]  # by compound: mean label, and whether one of its rows is exact


@dataclass(frozen=True)
class _Measured:
    """A mutant, and the labels of compounds that were measured on it and on its wild type."""

    pair: MutantPair
    compounds: tuple[int, ...]
    differences: tuple[float, ...]


def measured_differences(
    model: HyperPCM,
    interactions: Interactions,
    *,
    left_out: Collection[int] = (),
    random: int = RANDOM,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Differences:
    """Return measured and predicted differences of the mutants among the targets of a table.

    A difference counts where a compound was measured on both and at least one of the labels is not a bound
    only; a bound counts as its value. A mutant is new to the model where it is not in its memory; beside each
    of those, as many random substitutions as it has are made in its wild type and scored. Of more than 100
    new mutants, or known ones, 100 are drawn.

    Args:
        model: trained; it sees the labels of every target in its memory, as in a scan.
        interactions: the table, with the rows that the model learned from and others.
        left_out: targets that are neither new nor known, such as those that chose the model: their mutants do
            not count.
        random: how many times.
        seed: of the random substitutions.
        progress: is called with the number of sequences done and how many there are.
    """
    generator = np.random.default_rng(seed)
    pairs = mutant_pairs(interactions.targets, interactions.target_names)
    pairs = [pair for pair in pairs if pair.mutant not in set(left_out)]
    found = _measured(interactions, pairs)
    known = set(model.memory_sequences)
    new = [one for one in found if interactions.targets[one.pair.mutant] not in known]
    recalled = [one for one in found if interactions.targets[one.pair.mutant] in known]
    chosen = [*_drawn(new, generator), *_drawn(recalled, generator)]
    chosen.sort(key=lambda one: (one.pair.wild_type, one.pair.mutant))
    is_new = [interactions.targets[one.pair.mutant] not in known for one in chosen]
    total = len({one.pair.wild_type for one in chosen}) + len(chosen) + random * sum(is_new)
    done = 0

    def tell() -> None:
        nonlocal done
        done += 1
        if progress is not None:
            progress(done, total)

    predicted, at_random, wild_type = [], [], -1
    for one, fresh in zip(chosen, is_new, strict=True):
        sequence = interactions.targets[one.pair.wild_type]
        if one.pair.wild_type != wild_type:
            wild_type = one.pair.wild_type
            family = [other for other in chosen if other.pair.wild_type == wild_type]
            order = sorted({compound for other in family for compound in other.compounds})
            compounds = PreparedCompounds(model, [interactions.compounds[compound] for compound in order])
            before = compounds.assess(sequence)[0]
            tell()
        rows = np.searchsorted(order, one.compounds)
        after = compounds.assess(interactions.targets[one.pair.mutant])[0]
        tell()
        predicted.append((after - before)[rows])
        tried = np.full((len(rows), random), np.nan)
        for number in range(random if fresh else 0):
            other = _random_mutation(sequence, len(one.pair.mutation.substitutions), generator)
            tried[:, number] = (compounds.assess(mutated(sequence, other))[0] - before)[rows]
            tell()
        at_random.append(tried)
    return _differences(interactions, chosen, is_new, predicted, at_random, random)


def _measured(interactions: Interactions, pairs: list[MutantPair]) -> list[_Measured]:
    labels = _labels(interactions, {place for pair in pairs for place in (pair.wild_type, pair.mutant)})
    found = []
    for pair in pairs:
        wild, mutant = labels[pair.wild_type], labels[pair.mutant]
        shared = sorted(one for one in wild.keys() & mutant.keys() if wild[one][1] or mutant[one][1])
        if shared:
            differences = tuple(mutant[one][0] - wild[one][0] for one in shared)
            found.append(_Measured(pair, tuple(shared), differences))
    return found


def _labels(interactions: Interactions, targets: set[int]) -> dict[int, _Labels]:
    values, exact = interactions.point(), interactions.relations == EXACT
    rows: dict[int, dict[int, list[int]]] = {target: {} for target in targets}
    for row in np.flatnonzero(np.isin(interactions.target_index, list(targets))):
        own = rows[int(interactions.target_index[row])]
        own.setdefault(int(interactions.compound_index[row]), []).append(int(row))
    return {
        target: {compound: (float(values[of].mean()), bool(exact[of].any())) for compound, of in own.items()}
        for target, own in rows.items()
    }


def _drawn(found: list[_Measured], generator: np.random.Generator) -> list[_Measured]:
    if len(found) <= _MOST:
        return found
    return [found[place] for place in generator.choice(len(found), _MOST, replace=False)]


def _random_mutation(sequence: str, number: int, generator: np.random.Generator) -> Mutation:
    """So many substitutions at positions drawn from the whole sequence."""
    places = np.sort(generator.choice(len(sequence), number, replace=False))
    changes = []
    for place in places:
        letters = AMINO_ACIDS.replace(sequence[place], "")
        changes.append(
            Substitution(int(place) + 1, sequence[place], letters[generator.integers(len(letters))])
        )
    return Mutation(tuple(changes))


def _differences(
    interactions: Interactions,
    chosen: list[_Measured],
    is_new: list[bool],
    predicted: list[npt.NDArray[np.float32]],
    at_random: list[npt.NDArray[np.float64]],
    random: int,
) -> Differences:
    names, nothing = interactions.target_names, np.zeros(0)
    return Differences(
        mutants=tuple(names[one.pair.mutant] for one in chosen),
        wild_types=tuple(names[one.pair.wild_type] for one in chosen),
        mutations=tuple(str(one.pair.mutation) for one in chosen),
        is_new=np.array(is_new, dtype=np.bool_),
        mutant=np.repeat(np.arange(len(chosen)), [len(one.compounds) for one in chosen]).astype(np.int64),
        compound=np.array([compound for one in chosen for compound in one.compounds], dtype=np.int64),
        measured=np.array([value for one in chosen for value in one.differences], dtype=np.float64),
        predicted=np.concatenate([nothing, *predicted]),
        random=np.concatenate([np.zeros((0, random)), *at_random]),
    )
