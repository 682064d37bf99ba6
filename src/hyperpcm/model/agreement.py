"""How far the scores of two models lie apart that know the same targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
import torch

from hyperpcm.model.compiling import unmeasured_target
from hyperpcm.nn.molecular_graphs import MolecularGraphs

if TYPE_CHECKING:
    from hyperpcm.model.hyperpcm import HyperPCM

__all__ = ["difference"]

_TARGETS: Final = 8
_COMPOUNDS: Final = 200


@torch.no_grad()
def difference(before: HyperPCM, after: HyperPCM) -> dict[str, Any]:
    """Return how far scores of known compounds for known targets lie apart (JSON values).

    Args:
        before: a model; some targets and compounds are evenly drawn from its memory.
        after: another one with the same targets in its memory, in the same order.

    Returns:
        ``targets`` and ``compounds``, how many were scored; ``root_mean_square`` and ``largest`` difference
        of two scores, in label units or probability.
    """
    smiles = [before.landmark_compounds[one] for one in _evenly(len(before.landmark_compounds), _COMPOUNDS)]
    rows = _evenly(len(before.memory_sequences), _TARGETS)
    found = {"targets": len(rows), "compounds": len(smiles), "root_mean_square": 0.0, "largest": 0.0}
    if not smiles or not rows:
        return found
    embeddings = torch.from_numpy(before.compound_encoder.encode(smiles))
    graphs = None if before.learned_compounds is None else MolecularGraphs.of_smiles(smiles)
    labels = [None if one.retrieval is None else one.label_memory() for one in (before, after)]
    apart = []
    for row in rows:
        sequence, values = before.memory_sequences[row], []
        similarity = None
        if before.config.needs_alignment:
            similarity = torch.from_numpy(before.aligner.encode([sequence]))
        for model, memory in zip((before, after), labels, strict=True):
            target = unmeasured_target(model, sequence, similarity=similarity, label_memory=memory)
            near = None if target.prior is None else torch.from_numpy(target.prior.similarity(smiles))
            own = target.learned_compounds
            learned = None if own is None or graphs is None else own.vectors(graphs)
            values.append(target.score_embedded(embeddings, near, learned).double().numpy())
        apart.append(values[0] - values[1])
    differences = np.abs(np.concatenate(apart))
    return found | {
        "root_mean_square": float(np.sqrt((differences**2).mean())),
        "largest": float(differences.max()),
    }


def _evenly(number: int, most: int) -> list[int]:
    """So many of the numbers below ``number``, evenly spaced, or all of them."""
    return [int(one) for one in np.unique(np.linspace(0, max(0, number - 1), min(most, number)).astype(int))]
