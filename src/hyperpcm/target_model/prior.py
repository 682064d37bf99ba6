"""What a target model adds its networks to: the labels of the memory as one target sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from hyperpcm.chem import morgan_counts, tanimoto
from hyperpcm.nn.kernel_ridge import ridge_scores
from hyperpcm.nn.retrieval import CollapsedLabels, LabelRetrieval
from hyperpcm.nn.trees import BoostedTrees

__all__ = ["CompiledRidge", "CompiledTrees", "RetrievedPrior", "prior_columns"]


_SIMILARITIES: Final = 1 << 23  # to landmarks, of the compounds compared at a time: 64 MB each kernel


@dataclass(frozen=True)
class CompiledRidge:
    """The ridge regression of the memory's labels as one target sees it: a linear model over landmarks.

    Attributes:
        coefficients: β [k, j], one row per part of the kernel.
        exponents: of the compounds' similarity, one per part.
        share: of it in the prior; the rest is the retrieved mean.
        contrast: how much counts, beyond that, of how the regression tells compounds of this target apart.
        level: mean over reference compounds of what it says beyond the mean without trees, in scaled label
            units; what it says of all compounds alike does not count in the contrast.
    """

    coefficients: Float[Tensor, "k j"]
    exponents: Float[Tensor, "k"]
    share: float
    contrast: float = 0.0
    level: float = 0.0

    def contrasted(self, scores: Float[Tensor, "n"], mean: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
        """Return what the contrast adds to the prior of compounds, in scaled label units.

        Args:
            scores: of the regression.
            mean: prior mean without the trees.
        """
        return self.contrast * (scores - mean - self.level)


@dataclass(frozen=True)
class CompiledTrees:
    """Boosted trees as one target sees them, over what is retrieved for a compound and its embedding.

    Attributes:
        trees: over the columns of `prior_columns`; every split on the target is taken out.
        carry: of the mean that the trees are added to.
        share: of what they say in the prior.
    """

    trees: BoostedTrees
    carry: float
    share: float

    def mixed(self, columns: Float[Tensor, "n d"], mean: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
        """Return the prior mean with the trees mixed in, in scaled label units.

        Args:
            columns: as from `prior_columns`.
            mean: prior mean without the trees.
        """
        return self.blended(self.trees(columns), mean)

    def blended(self, said: Float[Tensor, "n"], mean: Float[Tensor, "n"]) -> Float[Tensor, "n"]:
        """Return what `mixed` returns, where ``said`` is the sum of the trees for each compound."""
        return mean + self.share * (self.carry * mean + said - mean)


def prior_columns(
    retrieved: Float[Tensor, "n f"],
    ridge: Float[Tensor, "n"] | None,
    mean: Float[Tensor, "n"],
    embeddings: Float[Tensor, "n d"],
) -> Float[Tensor, "n f+2+d"]:
    """Return the columns of compounds that the trees split on; those of the target follow them in training.

    Args:
        retrieved: label features of each compound.
        ridge: its score by ridge regression; None: the mean stands in its place.
        mean: its prior mean without the trees.
        embeddings: of the compounds, unscaled.
    """
    own = torch.stack([mean if ridge is None else ridge, mean], dim=1)
    return torch.cat([retrieved, own, embeddings], dim=1)


@dataclass(frozen=True)
class RetrievedPrior:
    """The labels of the memory as one target sees them.

    Attributes:
        retrieval: the fitted kernel.
        collapsed: the memory summed over its targets (one target: t = 1).
        landmarks: Morgan counts of the compounds that were measured on known targets.
        radius: of those fingerprints.
        ridge: what is mixed into the retrieved mean; None: nothing.
        trees: what is mixed into both; None: nothing.
        compounds: standardised SMILES of the landmarks; None where a file of an older version has none.
    """

    retrieval: LabelRetrieval
    collapsed: CollapsedLabels
    landmarks: UInt8[np.ndarray, "j w"]
    radius: int
    ridge: CompiledRidge | None = None
    trees: CompiledTrees | None = None
    compounds: tuple[str, ...] | None = None

    def similarity(self, smiles: Sequence[str]) -> Float[np.ndarray, "n j"]:
        """Return the Tanimoto similarity of standardised SMILES to the landmark compounds."""
        return tanimoto(
            morgan_counts(smiles, radius=self.radius, width=self.landmarks.shape[1]), self.landmarks
        )

    def only(self, kept: Int[Tensor, "k"]) -> RetrievedPrior:
        """Return the prior over some landmarks; what the others say is left out.

        Args:
            kept: their positions, ascending.
        """
        sums = (self.collapsed.evidence, self.collapsed.first, self.collapsed.second)
        ridge, compounds, places = self.ridge, self.compounds, kept.tolist()
        if ridge is not None:
            ridge = replace(ridge, coefficients=ridge.coefficients[:, kept])
        return replace(
            self,
            collapsed=CollapsedLabels(*(part[..., kept] for part in sums)),
            landmarks=self.landmarks[places],
            ridge=ridge,
            compounds=None if compounds is None else tuple(compounds[place] for place in places),
        )

    def features_and_mean(
        self, similarity: Float[Tensor, "n j"], embeddings: Float[Tensor, "n d"]
    ) -> tuple[Float[Tensor, "1 n f"], Float[Tensor, "1 n"]]:
        """Return the label features of each compound and its prior mean, in scaled label units.

        What trees split on is computed in double precision and rounded once: in single precision another
        order of summing, as another library has, would send one compound in some hundreds down another
        branch.
        """
        rows = max(1, _SIMILARITIES // max(1, similarity.shape[1]))
        blocks = [self._retrieved(block) for block in torch.split(similarity, rows)]
        features, mean, ridge = (torch.cat(found) for found in zip(*blocks, strict=True))
        prior = mean
        if self.trees is not None:
            own = None if self.ridge is None else ridge
            prior = self.trees.mixed(prior_columns(features, own, mean, embeddings), mean)
        if self.ridge is not None:
            prior = prior + self.ridge.contrasted(ridge, mean)
        return features[None], prior[None]

    def ridge_level(self, similarity: Float[Tensor, "n j"]) -> float:
        """Return what the regression says beyond the mean without trees, on average of some compounds.

        Args:
            similarity: of reference compounds to the landmarks; not one: 0.
        """
        if self.ridge is None or not len(similarity):
            return 0.0
        _, mean, ridge = self._retrieved(similarity)
        return float((ridge - mean).double().mean())

    def _retrieved(self, similarity: Float[Tensor, "n j"]) -> tuple[Tensor, Tensor, Tensor]:
        """Label features, means, and ridge scores or the means in their place."""
        near = similarity[None].double()
        features = self.retrieval(self.collapsed.double(), near)
        mean = ridge = self.retrieval.scores(features)
        if self.ridge is not None:
            ridge = ridge_scores(self.ridge.coefficients[None].double(), self.ridge.exponents, near)
            mean = mean + self.ridge.share * (ridge - mean)
        return features[0].float(), mean[0].float(), ridge[0].float()

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Return tensors and JSON header from which `from_state` rebuilds the prior."""
        collapsed = self.collapsed
        tensors = dict(self.retrieval.state_dict())
        tensors["sums"] = torch.stack([collapsed.evidence, collapsed.first, collapsed.second])
        tensors["landmarks"] = torch.from_numpy(np.packbits(self.landmarks > 0, axis=1))
        if self.compounds is not None:
            text = "\n".join(self.compounds).encode("ascii")
            tensors["compounds"] = torch.from_numpy(np.frombuffer(text, dtype=np.uint8).copy())
        header: dict[str, Any] = {
            "radius": self.radius,
            "width": self.landmarks.shape[1],
            "ridge_share": None if self.ridge is None else self.ridge.share,
            "ridge_contrast": 0.0 if self.ridge is None else self.ridge.contrast,
            "ridge_level": 0.0 if self.ridge is None else self.ridge.level,
            "trees": None,
            "compounds": self.compounds is not None,
        }
        if self.ridge is not None:
            tensors["ridge.coefficients"] = self.ridge.coefficients
            tensors["ridge.exponents"] = self.ridge.exponents
        if self.trees is not None:
            held, nodes = self.trees.trees.size
            tensors |= {f"trees.{key}": value for key, value in self.trees.trees.state_dict().items()}
            header["trees"] = {
                "trees": held,
                "nodes": nodes,
                "carry": self.trees.carry,
                "share": self.trees.share,
            }
        return tensors, header

    @classmethod
    def from_state(cls, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> RetrievedPrior:
        """Return the prior that `state` described."""
        exponents = tensors["target_exponent"]
        retrieval = LabelRetrieval((0.0,) * len(exponents), (0.0,) * len(exponents))
        retrieval.load_state_dict({key: tensors[key] for key in retrieval.state_dict()})
        retrieval.requires_grad_(False)
        bits = np.unpackbits(tensors["landmarks"].numpy(), axis=1, count=header["width"])
        ridge = trees = None
        if header["ridge_share"] is not None:
            coefficients, exponents = (tensors[f"ridge.{key}"] for key in ("coefficients", "exponents"))
            contrast, level = (float(header.get(f"ridge_{key}", 0.0)) for key in ("contrast", "level"))
            ridge = CompiledRidge(coefficients, exponents, float(header["ridge_share"]), contrast, level)
        if header["trees"] is not None:
            held = header["trees"]
            grown = BoostedTrees(int(held["trees"]), int(held["nodes"]))
            grown.load_state_dict({key: tensors[f"trees.{key}"] for key in grown.state_dict()})
            trees = CompiledTrees(grown, float(held["carry"]), float(held["share"]))
        collapsed = CollapsedLabels(*tensors["sums"].unbind(0))
        compounds = None
        if header.get("compounds"):
            text = tensors["compounds"].numpy().tobytes().decode("ascii")
            compounds = tuple(text.split("\n")) if text else ()
        return cls(retrieval, collapsed, bits, header["radius"], ridge, trees, compounds)
