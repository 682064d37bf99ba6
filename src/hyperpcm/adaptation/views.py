"""What of a target depends on no measurement: it compiled, and its compounds as the model reads them.

Axis names: n compounds of the target, j landmarks that it keeps, d what generated networks read of a
compound, k members of the model.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
import torch
from jaxtyping import Float
from torch import Tensor

from hyperpcm.chem import morgan_counts
from hyperpcm.datasets.interactions import Interactions
from hyperpcm.model import HyperPCM, Member
from hyperpcm.model.compiling import unmeasured_target
from hyperpcm.model.known_compounds import known_compounds
from hyperpcm.nn.hypernetwork import Hypernetwork
from hyperpcm.nn.molecular_graphs import MolecularGraphs
from hyperpcm.nn.qsar import QsarNetwork, qsar_hidden
from hyperpcm.target_model import TargetModel
from hyperpcm.target_model.adapting import fingerprint

__all__ = ["TargetView", "TargetViews"]

Integers = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True, eq=False)
class TargetView:
    """One target that the model never saw, and the compounds that are measured or scored on it.

    Attributes:
        model: trained.
        compiled: the target, with all digits.
        places: its compounds on the axis of the table, ascending [n].
        smiles: of them, standardised.
        embeddings: of them, unscaled [n, d_c].
        target: its embedding, unscaled [1, d_t].
        similarity: alignment similarity to the memory rows [1, m]; None where the model needs none.
    """

    model: HyperPCM
    compiled: TargetModel
    places: Integers
    smiles: tuple[str, ...]
    embeddings: Float[Tensor, "n d_c"]
    target: Float[Tensor, "1 d_t"]
    similarity: Float[Tensor, "1 m"] | None

    def of(self, compounds: Integers) -> Integers:
        """Return which of its compounds those at some places of the table's axis are."""
        return np.searchsorted(self.places, compounds)

    @cached_property
    def radius(self) -> int:
        """Radius of the fingerprints."""
        return fingerprint(self.compiled)[0]

    @cached_property
    def counts(self) -> npt.NDArray[np.uint8]:
        """Morgan counts of its compounds, uint8 [n, w]."""
        radius, width = fingerprint(self.compiled)
        return morgan_counts(self.smiles, radius=radius, width=width)

    @cached_property
    def near(self) -> Float[np.ndarray, "n j"] | None:
        """Tanimoto similarity of its compounds to its landmarks; None where it retrieves no labels."""
        return None if self.compiled.prior is None else self.compiled.prior.similarity(self.smiles)

    @cached_property
    def inputs(self) -> Float[Tensor, "n d"]:
        """What the generated networks read of its compounds."""
        return self._inputs(self.smiles, self.embeddings, self.near)

    @cached_property
    def networks(self) -> tuple[QsarNetwork, ...]:
        """The generated networks, whatever share of them the validation side supports."""
        with torch.no_grad():
            return self.model.generate(self.target, self.similarity)

    @cached_property
    def hidden(self) -> Float[Tensor, "n h"]:
        """The last hidden activations of its compounds in all networks, less their mean over known
        compounds, each row scaled to unit length; zeros for a compound that lies on that mean.
        """
        known = known_compounds(self.model, with_ranking=False)
        prior = self.compiled.prior
        near = None if prior is None else prior.similarity(known.smiles)
        usual = self._inputs(known.smiles, known.embeddings, near)
        with torch.no_grad():
            own, others = (
                torch.cat([qsar_hidden(network, part[None])[0] for network in self.networks], dim=1).double()
                for part in (self.inputs, usual)
            )
        centred = own - others.mean(0) if len(others) else own
        scaled: Tensor = centred / centred.norm(dim=1, keepdim=True).clamp_min(1e-9)
        return scaled

    @cached_property
    def represented(self) -> Float[Tensor, "k d_r"]:
        """What the hypernetwork of each member reads of the target."""
        with torch.no_grad():
            scaled, memory, logarithm = self.model.beside_memory(self.target, self.similarity)
            found = [member.represented(scaled, memory, None, logarithm) for member in self._members]
        return torch.cat(found)

    @cached_property
    def reduced(self) -> tuple[tuple[Hypernetwork, ...], Float[Tensor, "n z"]]:
        """The hypernetworks over coordinates of the target's compounds, and these coordinates.

        Their networks score the compounds as the generated ones do, at a fraction of the work. The basis is
        orthonormal: a change of the first layer's weights that the compounds can tell has the same length in
        both. Where the model has a noise head, or a target as many compounds as they have entries, the
        coordinates are the entries themselves.
        """
        hypernetworks = tuple(member.hypernetwork for member in self._members)
        if hypernetworks[0].shape.noise_head or len(self.inputs) >= self.inputs.shape[1]:
            return hypernetworks, self.inputs
        basis, coordinates = torch.linalg.qr(self.inputs.double().T)
        basis = basis.float()
        return tuple(one.over_basis(basis) for one in hypernetworks), coordinates.T.float().contiguous()

    @cached_property
    def reduced_networks(self) -> tuple[QsarNetwork, ...]:
        """The networks that score the coordinates of `reduced`, with plain weights."""
        with torch.no_grad():
            made = zip(self.reduced[0], self.represented, strict=True)
            return tuple(hypernetwork(row[None]).densified() for hypernetwork, row in made)

    @property
    def _members(self) -> tuple[Member, ...]:
        return tuple(member for member in self.model.members if isinstance(member, Member))

    @torch.no_grad()
    def _inputs(
        self, smiles: Sequence[str], embeddings: Tensor, near: npt.NDArray[np.floating] | None
    ) -> Tensor:
        model, prior = self.model, self.compiled.prior
        inputs: Tensor = model.compound_scaler(embeddings)[None]
        if model.learned_compounds is not None:
            vectors = model.learned_compounds.vectors(MolecularGraphs.of_smiles(smiles))
            inputs = model.learned_compounds(inputs, vectors[None])
        if prior is not None and near is not None:
            features, _ = prior.features_and_mean(torch.from_numpy(near), embeddings)
            inputs = torch.cat([inputs, features], dim=-1)
        return inputs[0]


class TargetViews:
    """Views of the targets of a table; the last one is kept, as draws come target by target.

    Args:
        model: trained on other targets; put into evaluation mode.
        interactions: the table.
        compounds: embeddings of its compounds, unscaled, float32 [n_compounds, d_c].
        targets: embeddings of its targets, likewise [n_targets, d_t].
        similarity: alignment similarity of its targets to the memory rows [n_targets, m]; None where the
            model needs none.
    """

    def __init__(
        self,
        model: HyperPCM,
        interactions: Interactions,
        compounds: Float[Tensor, "n_compounds d_c"],
        targets: Float[Tensor, "n_targets d_t"],
        similarity: Float[Tensor, "n_targets m"] | None,
    ) -> None:
        self.model = model.eval()
        self._interactions, self._compounds = interactions, compounds
        self._targets, self._similarity = targets, similarity
        self._last: tuple[int, TargetView] | None = None

    def __call__(self, target: int) -> TargetView:
        """Return the view of the target at a place of the table's axis."""
        if self._last is None or self._last[0] != target:
            self._last = target, self._made(target)
        return self._last[1]

    def _made(self, target: int) -> TargetView:
        table = self._interactions
        places = np.unique(table.compound_index[table.target_index == target])
        at = slice(target, target + 1)
        similarity = None if self._similarity is None else self._similarity[at]
        return TargetView(
            model=self.model,
            compiled=unmeasured_target(self.model, table.targets[target], similarity=similarity),
            places=places,
            smiles=tuple(table.compounds[place] for place in places),
            embeddings=self._compounds[torch.from_numpy(places)],
            target=self._targets[at],
            similarity=similarity,
        )
