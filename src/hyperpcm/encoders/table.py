"""The table of encoders: what each of them reads, what it needs, and on what terms.

Nothing here imports RDKit, an aligner or torch.
"""

from __future__ import annotations

import dataclasses
import difflib
import importlib.util
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from hyperpcm.encoders.base import Side
from hyperpcm.encoders.licences import is_noncommercial
from hyperpcm.encoders.weights.hub_models import HUB_MODELS, HubModel
from hyperpcm.errors import ConfigError

__all__ = ["ENCODERS", "EncoderEntry", "entry_of", "known_names"]


@dataclasses.dataclass(frozen=True, slots=True)
class EncoderEntry:
    """One row of the table of encoders.

    Attributes:
        name: what users write.
        side: what it reads.
        licence: SPDX name of the licence of what the numbers come from.
        summary: one line for people.
        options: names of the arguments it takes.
        module: last part of the module that holds the class.
        class_name: the class.
        width: length of its vectors with the default options; None where it depends on what is given.
        extra: the extra of this package that it needs, as in ``pip install 'hyperpcm[extra]'``.
        imports: packages of that extra that it imports.
        weights: name of the published weights it runs on.
        model: which of the models that the class knows.
    """

    name: str
    side: Side
    licence: str
    summary: str
    options: tuple[str, ...]
    module: str
    class_name: str
    width: int | None
    extra: str | None = None
    imports: tuple[str, ...] = ()
    weights: str | None = None
    model: str | None = None

    @property
    def is_of_the_user(self) -> bool:
        """Whether the user brings the network, as a folder or as a file."""
        return not {"folder", "file"}.isdisjoint(self.options)

    @property
    def is_learned(self) -> bool:
        """Whether its numbers come from a trained network, published or of the user."""
        return self.weights is not None or self.is_of_the_user

    @property
    def is_noncommercial(self) -> bool:
        """Whether the licence forbids commercial use."""
        return is_noncommercial(self.licence)

    def lacks(self) -> str | None:
        """What has to be run before it works on this machine, as a command; None where it is ready."""
        if any(importlib.util.find_spec(package) is None for package in self.imports):
            return f"pip install 'hyperpcm[{self.extra}]'"
        if self.weights is not None:
            from hyperpcm.encoders.weights.catalog import WEIGHTS

            return WEIGHTS[self.weights].lacks()
        return None


_TRANSFORMER_OPTIONS: Final = ("content", "pooling", "windows", "long", "limit", "layer", "precision")


def _pretrained(model: HubModel) -> EncoderEntry:
    """The row of a published transformer."""
    return EncoderEntry(
        name=model.name,
        side=model.side,
        licence=model.licence,
        summary=model.summary,
        options=_TRANSFORMER_OPTIONS,
        module="pretrained",
        class_name="PretrainedEncoder",
        width=model.hidden,
        extra="plm",
        imports=("transformers", "sentencepiece"),
        weights=model.name,
        model=model.name,
    )


def _own_transformer(name: str, side: Side, what: str) -> EncoderEntry:
    """The row of a transformer in a folder of the user's own."""
    return EncoderEntry(
        name=name,
        side=side,
        licence="NOASSERTION",
        summary=f"a transformer of {what} in a folder of yours (option folder)",
        options=("folder", *_TRANSFORMER_OPTIONS),
        module="pretrained",
        class_name="FolderEncoder",
        width=None,
        extra="plm",
        imports=("transformers", "sentencepiece"),
        model=name,
    )


ENCODERS: Final[Mapping[str, EncoderEntry]] = MappingProxyType(
    {
        entry.name: entry
        for entry in (
            EncoderEntry(
                name="ecfp",
                side="compound",
                licence="BSD-3-Clause",
                summary="count fingerprint of circular substructures (ECFP), from RDKit",
                options=("radius", "width", "chirality", "counts"),
                module="ecfp",
                class_name="EcfpEncoder",
                width=2048,
            ),
            EncoderEntry(
                name="fcfp",
                side="compound",
                licence="BSD-3-Clause",
                summary="as ecfp, but atoms that do the same are alike (FCFP), from RDKit",
                options=("radius", "width", "counts"),
                module="ecfp",
                class_name="FcfpEncoder",
                width=2048,
            ),
            EncoderEntry(
                name="atom_pair",
                side="compound",
                licence="BSD-3-Clause",
                summary="counts of atom pairs and the bonds between them, from RDKit",
                options=("width", "chirality", "counts"),
                module="topology",
                class_name="AtomPairEncoder",
                width=2048,
            ),
            EncoderEntry(
                name="torsion",
                side="compound",
                licence="BSD-3-Clause",
                summary="counts of chains of four bonded atoms, from RDKit",
                options=("width", "chirality", "counts"),
                module="topology",
                class_name="TorsionEncoder",
                width=2048,
            ),
            EncoderEntry(
                name="maccs",
                side="compound",
                licence="BSD-3-Clause",
                summary="the 166 MACCS keys, from RDKit",
                options=(),
                module="topology",
                class_name="MaccsEncoder",
                width=166,
            ),
            EncoderEntry(
                name="descriptors",
                side="compound",
                licence="BSD-3-Clause",
                summary="physico-chemical descriptors (size, polarity, charge, shape, rings), from RDKit",
                options=("scaled",),
                module="descriptors",
                class_name="DescriptorEncoder",
                width=45,
            ),
            EncoderEntry(
                name="minimol",
                side="compound",
                licence="MIT",
                summary="fingerprint of a graph network trained on 3,300 assays and quantum properties",
                options=(),
                module="minimol",
                class_name="MinimolEncoder",
                width=512,
                extra="minimol",
                imports=("onnxruntime",),
                weights="minimol",
            ),
            EncoderEntry(
                name="composition",
                side="target",
                licence="MIT",
                summary="amino-acid and conjoint-triad composition with property statistics",
                options=(),
                module="composition",
                class_name="CompositionEncoder",
                width=429,
            ),
            EncoderEntry(
                name="alignment",
                side="target",
                licence="MIT",
                summary="Smith-Waterman similarity to reference sequences",
                options=("references",),
                module="alignment",
                class_name="AlignmentEncoder",
                width=None,
            ),
            EncoderEntry(
                name="unirep",
                side="target",
                licence="CC-BY-NC-4.0",
                summary="states of UniRep, a recurrent protein language model of 1,900 units",
                options=("pooling", "precision"),
                module="unirep",
                class_name="UniRepEncoder",
                width=1900,
                weights="unirep",
            ),
            *map(_pretrained, HUB_MODELS.values()),
            EncoderEntry(
                name="chemprop",
                side="compound",
                licence="NOASSERTION",
                summary="a trained D-MPNN of chemprop in a file of yours, such as CheMeleon (option file)",
                options=("file", "content", "pooling"),
                module="message_passing",
                class_name="MessagePassingEncoder",
                width=None,
                extra="chemprop",
                imports=("chemprop",),
            ),
            EncoderEntry(
                name="cddd",
                side="compound",
                licence="NOASSERTION",
                summary="CDDD, a recurrent network over SMILES, from its published ONNX file (option file)",
                options=("file", "content", "domain"),
                module="cddd",
                class_name="CdddEncoder",
                width=512,
                extra="cddd",
                imports=("onnxruntime",),
            ),
            EncoderEntry(
                name="seqvec",
                side="target",
                licence="NOASSERTION",
                summary="SeqVec, an ELMo network over residues, from its published weights (option file)",
                options=("file", "content"),
                module="seqvec",
                class_name="SeqVecEncoder",
                width=1024,
                extra="seqvec",
                imports=("h5py",),
            ),
            _own_transformer("protein_model", "target", "proteins (ESM, BERT, T5)"),
            _own_transformer("smiles_model", "compound", "SMILES (RoBERTa, BERT)"),
        )
    }
)
"""Every encoder by name. Where `weights` is not set it works offline and carries no weights."""


def known_names(side: Side | None) -> str:
    """The names of all encoders, or of those of one side, for a message."""
    return ", ".join(entry.name for entry in ENCODERS.values() if side in (None, entry.side))


def entry_of(name: str, side: Side | None = None) -> EncoderEntry:
    """The row of a name; with `side`, only if it reads that side.

    Raises:
        ConfigError: there is no such encoder (the message lists those there are and the nearest name), or it
            reads the other side.
    """
    entry = ENCODERS.get(name)
    kind = f"{side} encoder" if side else "encoder"
    if entry is None:
        nearest = difflib.get_close_matches(name.lower(), list(ENCODERS), n=1, cutoff=0.5)
        hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
        raise ConfigError(f"{kind} {name!r} is unknown. Known: {known_names(side)}.{hint}")
    if side is not None and entry.side != side:
        raise ConfigError(f"{name!r} encodes {entry.side}s, not {side}s. Known {kind}s: {known_names(side)}.")
    return entry
