"""How to get an encoder by name or from its spec.

Nothing here imports RDKit or an aligner until an encoder that needs it is built.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

from hyperpcm.encoders.base import ConcatenatedEncoder, Encoder, Json, Side
from hyperpcm.encoders.table import entry_of, known_names
from hyperpcm.errors import ConfigError

__all__ = ["build_encoder", "compound_encoder", "target_encoder"]


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
        raise ConfigError(f"no {side} encoder named. Known: {known_names(side)}.")
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
