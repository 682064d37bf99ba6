"""What each atom of a compound adds to its score on a target: the parts sum to the score minus a baseline.

Where a generated network over fingerprints is all there is, contributions of its inputs are exact and go to
the atoms of their substructures. Otherwise atoms are put together in random orders, each with those that
stand before it, and what the score grows by is theirs: with retrieved labels, trees and all.

Source: Shrikumar et al., ICML 2017 (networks); Štrumbelj and Kononenko, "Explaining prediction models and
individual predictions with feature contributions", Knowl. Inf. Syst. 2014 (random orders, Shapley values).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from hyperpcm.chem import standardise, tanimoto
from hyperpcm.chem.atom_environments import AtomEnvironments, atom_environments
from hyperpcm.encoders import EcfpEncoder
from hyperpcm.encoders.base import parts_of
from hyperpcm.errors import ConfigError
from hyperpcm.nn.contributions import qsar_contributions
from hyperpcm.nn.molecular_graphs import MolecularGraphs
from hyperpcm.target_model import TargetModel
from hyperpcm.target_model.label_scale import logits_of

__all__ = ["ORDERS", "AtomContributions", "atom_contributions", "reads_fingerprint", "unbounded"]

ORDERS: Final = 16
"""Orders in which atoms are put together, where contributions are not exact."""


@dataclass(frozen=True, eq=False)
class AtomContributions:
    """What the atoms of a compound add to its score; ``atoms``, ``whole`` and ``baseline`` sum to ``score``.

    Attributes:
        smiles: of the compound, standardised; atoms are numbered in its order.
        atoms: of each heavy atom, float64 [a], in the unit of ``score``.
        errors: standard error of each, float64 [a]; zeros where they are exact.
        whole: of what is not said of any atom, such as descriptors of the molecule.
        baseline: the score of nothing: an empty fingerprint, and the mean of all other columns.
        score: in label units; the logit where the model gives a probability.
        is_exact: whether no chance is in it.
    """

    smiles: str
    atoms: npt.NDArray[np.float64]
    errors: npt.NDArray[np.float64]
    whole: float
    baseline: float
    score: float
    is_exact: bool

    def minus(self, other: AtomContributions) -> AtomContributions:
        """Return what the atoms add to the difference to another target.

        Args:
            other: of the same compound.

        Raises:
            ValueError: it is another compound.
        """
        if other.smiles != self.smiles:
            raise ValueError(f"contributions to {self.smiles} and {other.smiles} have no difference.")
        return AtomContributions(
            smiles=self.smiles,
            atoms=self.atoms - other.atoms,
            errors=np.hypot(self.errors, other.errors),
            whole=self.whole - other.whole,
            baseline=self.baseline - other.baseline,
            score=self.score - other.score,
            is_exact=self.is_exact and other.is_exact,
        )

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values."""
        return {
            "smiles": self.smiles,
            "score": self.score,
            "baseline": self.baseline,
            "whole": self.whole,
            "atoms": self.atoms.tolist(),
            "standard_errors": self.errors.tolist(),
            "exact": self.is_exact,
        }


def atom_contributions(
    target: TargetModel, smiles: str, *, orders: int = ORDERS, seed: int = 0
) -> AtomContributions:
    """Return what each atom of a compound adds to its score.

    Args:
        target: whose encoder has a circular fingerprint (``ecfp``) among its parts.
        smiles: of the compound; standardised first.
        orders: in which atoms are put together, where contributions are not exact; each also backwards.
        seed: of the orders.

    Raises:
        InvalidSmilesError: the compound cannot be used.
        ConfigError: the target reads no circular fingerprint, or fewer than one order is asked for.
    """
    if orders < 1:
        raise ConfigError(f"orders must be 1 or more, not {orders}.")
    compound = standardise(smiles).smiles
    reader = _Reader(target, compound)
    if reader.is_plain:
        return _exact(target, reader)
    return _sampled(reader, orders, seed)


def reads_fingerprint(target: TargetModel) -> bool:
    """Return whether `atom_contributions` can tell what atoms add to scores of a target."""
    return any(isinstance(part, EcfpEncoder) for part in parts_of(target.encoder))


def unbounded(target: TargetModel, scores: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return scores of a target as parts of them add up: probabilities as logits, others as they are."""
    if not target.label_scale.binary:
        return scores
    return logits_of(scores)


class _Reader:
    """One compound as a target reads it, whole or in parts.

    Args:
        target: that reads it.
        smiles: of the compound, standardised.
    """

    def __init__(self, target: TargetModel, smiles: str) -> None:
        self.target, self.smiles = target, smiles
        encoder = target.encoder
        self.parts = parts_of(encoder)
        self.environments = [
            _environments(smiles, part) if isinstance(part, EcfpEncoder) else None for part in self.parts
        ]
        known = [one for one in self.environments if one is not None]
        if not known:
            raise ConfigError(
                f"{target.name or 'this target'}: reads {encoder.name}, which says nothing of single atoms; "
                "contributions of atoms need a model that reads ecfp. What it loses when an atom is masked "
                "can be told of any (masked_atoms)."
            )
        self.atoms = known[0].atoms
        self.embedding = encoder.encode([smiles])[0]
        self.is_plain = (
            target.prior is None
            and target.learned_compounds is None
            and target.adaptation is None
            and None not in self.environments
        )

    @cached_property
    def of_landmarks(self) -> AtomEnvironments:
        """Substructures as the fingerprints of the landmarks count them.

        Raises:
            ValueError: the target keeps no landmarks.
        """
        prior = self.target.prior
        if prior is None:
            raise ValueError("this target retrieves no labels")
        return atom_environments(self.smiles, radius=prior.radius, width=prior.landmarks.shape[1])

    @cached_property
    def of_anchors(self) -> AtomEnvironments | None:
        """Likewise as those of measured compounds count them; None where the target was not adapted."""
        adaptation = self.target.adaptation
        if adaptation is None:
            return None
        return atom_environments(self.smiles, radius=adaptation.radius, width=adaptation.anchors.shape[1])

    def embeddings(
        self, kept: npt.NDArray[np.bool_], whole: npt.NDArray[np.bool_]
    ) -> npt.NDArray[np.float32]:
        """Return the embeddings of parts of the compound, float32 [n, d].

        Args:
            kept: whether an atom belongs to a part, bool [n, a].
            whole: whether what is not said of any atom is there, bool [n]; the mean of training stands for it
                where it is not.
        """
        mean, start, columns = self.target.compound_scaler.mean.numpy(), 0, []
        for part, environments in zip(self.parts, self.environments, strict=True):
            own = slice(start, start + part.width)
            if environments is not None and isinstance(part, EcfpEncoder):
                columns.append(part.scaled(environments.counts(kept)))
            else:
                columns.append(np.where(whole[:, None], self.embedding[own], mean[own]))
            start += part.width
        return np.concatenate(columns, axis=1).astype(np.float32)

    def scores(self, kept: npt.NDArray[np.bool_], whole: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
        """Return the scores of parts of the compound, logits of a probability; arguments as `embeddings`."""
        target, prior = self.target, self.target.prior
        embeddings = torch.from_numpy(self.embeddings(kept, whole))
        similarity = learned = measured = None
        if prior is not None:
            similarity = torch.from_numpy(tanimoto(self.of_landmarks.counts(kept), prior.landmarks))
        if target.adaptation is not None and self.of_anchors is not None:
            measured = torch.from_numpy(tanimoto(self.of_anchors.counts(kept), target.adaptation.anchors))
        if target.learned_compounds is not None:
            vector = target.learned_compounds.vectors(MolecularGraphs.of_smiles([self.smiles]))
            learned = vector * torch.from_numpy(whole.astype(np.float32))[:, None]
        scores = target.score_embedded(embeddings, similarity, learned, measured)
        return unbounded(target, scores.double().numpy())


def _environments(smiles: str, part: EcfpEncoder) -> AtomEnvironments:
    return atom_environments(smiles, radius=part.radius, width=part.width, chirality=part.chirality)


def _exact(target: TargetModel, reader: _Reader) -> AtomContributions:
    """Contributions of the inputs of the networks, given to the atoms of their substructures."""
    nothing, everything = np.zeros((1, reader.atoms), bool), np.ones((1, reader.atoms), bool)
    rows = torch.from_numpy(
        np.concatenate([reader.embeddings(part, np.ones(1, bool)) for part in (everything, nothing)])
    )
    inputs, baseline = target.compound_scaler(rows)
    of_inputs = target.label_scale.unit * np.mean(
        [qsar_contributions(one, inputs[None], baseline)[0].double().numpy() for one in target.networks],
        axis=0,
    )
    atoms, start = np.zeros(reader.atoms), 0
    for environments in reader.environments:
        if environments is not None:
            atoms += environments.shares(of_inputs[start : start + environments.width])
            start += environments.width
    whole = np.ones(2, bool)
    score, of_nothing = reader.scores(np.concatenate([everything, nothing]), whole)
    return AtomContributions(
        smiles=reader.smiles,
        atoms=atoms,
        errors=np.zeros(reader.atoms),
        whole=0.0,
        baseline=float(of_nothing),
        score=float(score),
        is_exact=True,
    )


def _sampled(reader: _Reader, orders: int, seed: int) -> AtomContributions:
    """What the score grows by when a player joins those before it; the last is the molecule as a whole."""
    generator, players = np.random.default_rng(seed), reader.atoms + 1
    grown = np.zeros((2 * orders, players))
    for number in range(orders):
        order = generator.permutation(players)
        for row, one in enumerate((order, order[::-1])):
            joined = np.zeros((players + 1, players), dtype=bool)
            for step, player in enumerate(one):
                joined[step + 1 :, player] = True
            scores = reader.scores(joined[:, :-1], joined[:, -1])
            grown[2 * number + row, one] = np.diff(scores)
            score, of_nothing = scores[-1], scores[0]
    pairs = grown.reshape(orders, 2, players).mean(axis=1)
    errors = pairs.std(axis=0, ddof=1) / np.sqrt(orders) if orders > 1 else np.full(players, np.nan)
    means = pairs.mean(axis=0)
    return AtomContributions(
        smiles=reader.smiles,
        atoms=means[:-1],
        errors=errors[:-1],
        whole=float(means[-1]),
        baseline=float(of_nothing),
        score=float(score),
        is_exact=False,
    )
