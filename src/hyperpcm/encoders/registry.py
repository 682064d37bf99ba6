"""The table of encoders, and how to get one by name or from its spec.

Nothing here imports RDKit or an aligner until an encoder that needs it is built.
"""

from __future__ import annotations

import dataclasses
import difflib
import importlib
import importlib.util
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

from hyperpcm.encoders.base import ConcatenatedEncoder, Encoder, Json, Side
from hyperpcm.encoders.licences import is_noncommercial
from hyperpcm.encoders.weights.hub_models import HUB_MODELS, HubModel
from hyperpcm.errors import ConfigError

__all__ = ["ENCODERS", "EncoderEntry", "build_encoder", "compound_encoder", "entry_of", "target_encoder"]


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
            _own_transformer("protein_model", "target", "proteins (ESM, BERT, T5)"),
            _own_transformer("smiles_model", "compound", "SMILES (RoBERTa, BERT)"),
        )
    }
)
"""Every encoder by name. Where `weights` is not set it works offline and carries no weights."""


def build_encoder(spec: Mapping[str, Json]) -> Encoder:
    """Make the encoder that a spec describes.

    Args:
        spec: what `Encoder.spec` gave, or ``{"encoder": name, option: value, ...}`` written by hand;
            options left out take their defaults, and without ``revision`` the present one is meant.

    Returns:
        An encoder equal to the one whose spec it was: same key, same output.

    Raises:
        ConfigError: unknown encoder or option, a value out of range, or another revision than this version
            of the package has.
    """
    options = dict(spec)
    name = options.pop("encoder", None)
    revision = options.pop("revision", None)
    if not isinstance(name, str):
        raise ConfigError(f"an encoder spec needs the name of the encoder under 'encoder', not {name!r}")
    encoder = _joined(name, options) if "parts" in options else _single(name, options)
    if revision is not None and revision != encoder.revision:
        raise ConfigError(
            f"encoder {name!r} has revision {encoder.revision!r} here, not {revision!r}: "
            "the numbers would differ. Install the version of hyperpcm that wrote it, or train again."
        )
    return encoder


def compound_encoder(
    names: str | Sequence[str] = "ecfp", *, options: Mapping[str, Mapping[str, Json]] | None = None
) -> Encoder:
    """Make the encoder of compounds with this name, or the joined encoder of several.

    Args:
        names: one name, several joined by ``+``, or a list of names.
        options: arguments other than the defaults, by encoder name, such as ``{"ecfp": {"radius": 3}}``.

    Returns:
        One encoder whose vector holds the parts in the order named.

    Raises:
        ConfigError: unknown name (the message lists the known ones and the nearest), an encoder of
            targets, or options that do not fit.

    Example:
        >>> compound_encoder("ecfp+descriptors").name
        'ecfp+descriptors'
    """
    return _by_name(names, "compound", options or {})


def target_encoder(
    names: str | Sequence[str] = "composition",
    *,
    references: Sequence[str] | None = None,
    options: Mapping[str, Mapping[str, Json]] | None = None,
) -> Encoder:
    """Make the encoder of targets with this name, or the joined encoder of several.

    Args:
        names: one name, several joined by ``+``, or a list of names.
        references: sequences that ``alignment`` compares with, normally the training targets; only for it.
        options: arguments other than the defaults, by encoder name.

    Returns:
        One encoder whose vector holds the parts in the order named.

    Raises:
        ConfigError: unknown name, an encoder of compounds, ``alignment`` without references, or options
            that do not fit.
    """
    chosen = dict(options or {})
    if references is not None and "alignment" in _split(names):
        chosen["alignment"] = {**chosen.get("alignment", {}), "references": list(references)}
    return _by_name(names, "target", chosen)


def _by_name(names: str | Sequence[str], side: Side, options: Mapping[str, Mapping[str, Json]]) -> Encoder:
    wanted = _split(names)
    if not wanted:
        raise ConfigError(f"no {side} encoder named. Known: {_known(side)}.")
    for name in wanted:
        entry_of(name, side)
    unused = sorted(set(options) - set(wanted))
    if unused:
        raise ConfigError(
            f"options are given for {', '.join(unused)}, which is not among {', '.join(wanted)}"
        )
    parts = [_single(name, dict(options.get(name, {}))) for name in wanted]
    return parts[0] if len(parts) == 1 else ConcatenatedEncoder(tuple(parts))


def _split(names: str | Sequence[str]) -> list[str]:
    """The names, whether written with ``+`` or as a list."""
    return [part.strip() for part in (names.split("+") if isinstance(names, str) else names)]


def _known(side: Side | None) -> str:
    return ", ".join(entry.name for entry in ENCODERS.values() if side in (None, entry.side))


def entry_of(name: str, side: Side | None = None) -> EncoderEntry:
    """The row of a name; with `side`, only if it reads that side."""
    entry = ENCODERS.get(name)
    kind = f"{side} encoder" if side else "encoder"
    if entry is None:
        nearest = difflib.get_close_matches(name.lower(), list(ENCODERS), n=1, cutoff=0.5)
        hint = f" Did you mean {nearest[0]!r}?" if nearest else ""
        raise ConfigError(f"{kind} {name!r} is unknown. Known: {_known(side)}.{hint}")
    if side is not None and entry.side != side:
        raise ConfigError(f"{name!r} encodes {entry.side}s, not {side}s. Known {kind}s: {_known(side)}.")
    return entry


def _single(name: str, options: dict[str, Json]) -> Encoder:
    """Build one encoder of the table; lists become tuples."""
    entry = entry_of(name)
    unknown = sorted(set(options) - set(entry.options))
    if unknown:
        known = ", ".join(entry.options) or "none"
        raise ConfigError(f"encoder {name!r} has no option {', '.join(unknown)}. It has: {known}.")
    if name == "alignment" and not options.get("references"):
        raise ConfigError("encoder 'alignment' needs reference sequences, normally the training targets")
    build = getattr(importlib.import_module(f"hyperpcm.encoders.{entry.module}"), entry.class_name)
    arguments: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in options.items()
    }
    if entry.model is not None:
        arguments["model"] = entry.model
    encoder: Encoder = build(**arguments)
    return encoder


def _joined(name: str, options: dict[str, Json]) -> Encoder:
    """Build a joined encoder from the specs of its parts, which must be what its name says."""
    parts = options.pop("parts")
    if options or not isinstance(parts, list):
        raise ConfigError(f"encoder {name!r}: a joined encoder has a list of 'parts' and no other option")
    specs = [part for part in parts if isinstance(part, dict)]
    if len(specs) < len(parts):
        raise ConfigError(f"encoder {name!r}: each of its parts is the spec of an encoder, a table")
    encoder = ConcatenatedEncoder(tuple(build_encoder(part) for part in specs))
    if encoder.name != name:
        raise ConfigError(f"encoder {name!r} lists the parts of {encoder.name!r}")
    return encoder
