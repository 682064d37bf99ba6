"""Scores of compounds on many mutants: each is compiled, the compounds are prepared once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from hyperpcm.model import HyperPCM
from hyperpcm.model.compiling import unmeasured_target
from hyperpcm.nn.molecular_graphs import MolecularGraphs
from hyperpcm.protein import Mutation, mutated
from hyperpcm.target_model import TargetModel

__all__ = ["MutationScan", "PreparedCompounds", "scan_mutations"]


class PreparedCompounds:
    """Compounds with all that scoring them needs of a model, whatever the target.

    Args:
        model: that targets are compiled from.
        smiles: standardised, n of them.
    """

    def __init__(self, model: HyperPCM, smiles: Sequence[str]) -> None:
        self._model, self._smiles = model, list(smiles)
        self._embeddings = torch.from_numpy(model.compound_encoder.encode(self._smiles))
        self._similarity: torch.Tensor | None = None
        self._learned: torch.Tensor | None = None

    def assess(
        self, sequence: str
    ) -> tuple[npt.NDArray[np.float32], tuple[str | None, ...] | None, TargetModel]:
        """Compile a target, with all digits, and score the compounds.

        Args:
            sequence: of the target.

        Returns:
            Scores in label units, float32 [n]; where in the domain each lies, None where the model was not
            calibrated; and the target.

        Raises:
            InvalidSequenceError: the sequence cannot be used.
        """
        target = unmeasured_target(self._model, sequence)
        scores, difficulty = target.assess_embedded(
            self._embeddings, self._similarity_to(target), self._learned_by(target)
        )
        verdicts = None
        if target.calibration is not None and difficulty is not None:
            verdicts = target.calibration.verdicts(difficulty.numpy())
        return scores.numpy(), verdicts, target

    def _similarity_to(self, target: TargetModel) -> torch.Tensor | None:
        """To the target's landmarks; those of targets that keep all of them are the same."""
        if target.prior is None:
            return None
        if len(target.prior.landmarks) < len(self._model.landmark_compounds):
            return torch.from_numpy(target.prior.similarity(self._smiles))
        if self._similarity is None:
            self._similarity = torch.from_numpy(target.prior.similarity(self._smiles))
        return self._similarity

    def _learned_by(self, target: TargetModel) -> torch.Tensor | None:
        if target.learned_compounds is None:
            return None
        if self._learned is None:
            self._learned = target.learned_compounds.vectors(MolecularGraphs.of_smiles(self._smiles))
        return self._learned


@dataclass(frozen=True, eq=False)
class MutationScan:
    """What substitutions change.

    Attributes:
        mutations: s of them.
        wild_type: score of each compound on the unchanged sequence, float32 [n], in label units.
        scores: on each mutant, float32 [s, n].
        domain: where in the model's domain each score on a mutant lies; None where the model was not
            calibrated.
        target: the unchanged sequence, compiled.
    """

    mutations: tuple[Mutation, ...]
    wild_type: npt.NDArray[np.float32]
    scores: npt.NDArray[np.float32]
    domain: tuple[tuple[str | None, ...], ...] | None
    target: TargetModel

    @property
    def changes(self) -> npt.NDArray[np.float32]:
        """Score on the mutant minus score on the wild type, float32 [s, n]."""
        return self.scores - self.wild_type


def scan_mutations(
    model: HyperPCM,
    sequence: str,
    mutations: Sequence[Mutation],
    smiles: Sequence[str],
    *,
    first: int = 1,
    progress: Callable[[int], None] | None = None,
) -> MutationScan:
    """Score compounds on a protein and on mutants of it.

    The time goes into compiling: a mutant is aligned to every known target.

    Args:
        model: trained.
        sequence: of the wild type, validated.
        mutations: what to change, s of them.
        smiles: standardised, n of them.
        first: number of the first residue of the sequence.
        progress: is called with the number of mutants done.

    Raises:
        InputError: a mutation does not fit the sequence.
    """
    sequences = [mutated(sequence, one, first=first) for one in mutations]
    compounds = PreparedCompounds(model, smiles)
    wild_type, _, target = compounds.assess(sequence)
    scores = np.empty((len(mutations), len(smiles)), dtype=np.float32)
    domain: list[tuple[str | None, ...]] = []
    for place, mutant in enumerate(sequences):
        scores[place], verdicts, _ = compounds.assess(mutant)
        if verdicts is not None:
            domain.append(verdicts)
        if progress is not None:
            progress(place + 1)
    found = tuple(domain) if target.calibration is not None else None
    return MutationScan(tuple(mutations), wild_type, scores, found, target)
