"""What a score changes by when one atom is masked: for encoders of compounds that were learned.

A fingerprint says of which atoms each of its columns speaks; the numbers of a learned encoder do not. What
can be asked of any encoder is the score of the compound with a wildcard in the place of an atom. The changes
do not sum to the score, and an atom that others stand in for shows none.

Source: Robnik-Šikonja and Kononenko, "Explaining classifications for individual instances", IEEE Trans.
Knowl. Data Eng. 2008, 20, 589 (one input at a time made unknown).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from hyperpcm.chem import standardise
from hyperpcm.chem.masking import masked_smiles
from hyperpcm.errors import ConfigError, InputError
from hyperpcm.nn.molecular_graphs import MolecularGraphs
from hyperpcm.target_model import TargetModel
from hyperpcm.trust.attribution import unbounded

__all__ = ["MaskedAtoms", "masked_atoms"]


@dataclass(frozen=True, eq=False)
class MaskedAtoms:
    """What the score of a compound loses when one of its atoms is masked.

    Attributes:
        smiles: of the compound, standardised; atoms are numbered in its order.
        losses: the score less that of the compound with a wildcard in the place of an atom, float64 [a], in
            the unit of ``score``.
        score: in label units; the logit where the model gives a probability.
    """

    smiles: str
    losses: npt.NDArray[np.float64]
    score: float

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {"smiles": self.smiles, "score": self.score, "losses": self.losses.tolist()}

    def minus(self, other: MaskedAtoms) -> MaskedAtoms:
        """Return what the difference to the score on another target loses.

        Args:
            other: of the same compound.

        Raises:
            ValueError: it is another compound.
        """
        if other.smiles != self.smiles:
            raise ValueError(f"losses of {self.smiles} and {other.smiles} have no difference.")
        return MaskedAtoms(self.smiles, self.losses - other.losses, self.score - other.score)


def masked_atoms(target: TargetModel, smiles: str) -> MaskedAtoms:
    """Return what the score of a compound loses when each of its atoms is masked.

    All that the target reads of the compound is read of the masked one: embedding, similarity to the
    landmarks, graph.

    Args:
        target: of any encoder that reads wildcards.
        smiles: of the compound; standardised first.

    Raises:
        InvalidSmilesError: the compound cannot be used.
        ConfigError: the target's encoder reads no wildcards.
    """
    compound = standardise(smiles).smiles
    texts = [compound, *masked_smiles(compound)]
    try:
        embeddings = torch.from_numpy(target.encoder.encode(texts))
    except InputError as error:
        raise ConfigError(
            f"{target.name or 'this target'}: reads {target.encoder.name}, which reads no compound with a "
            f"wildcard in the place of an atom, so atoms cannot be masked ({error})."
        ) from error
    similarity = learned = measured = None
    if target.prior is not None:
        similarity = torch.from_numpy(target.prior.similarity(texts))
    if target.adaptation is not None:
        measured = torch.from_numpy(target.adaptation.similarity(texts))
    if target.learned_compounds is not None:
        learned = target.learned_compounds.vectors(MolecularGraphs.of_smiles(texts))
    said = target.score_embedded(embeddings, similarity, learned, measured).double()
    scores = unbounded(target, said.numpy())
    return MaskedAtoms(compound, scores[0] - scores[1:], float(scores[0]))
