"""What is known of a model in few words and figures, as JSON beside its file."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hyperpcm.errors import CorruptModelError

if TYPE_CHECKING:
    from hyperpcm.model import HyperPCM

__all__ = ["FORMAT", "digest_of", "read_record", "record_of", "record_of_file"]

FORMAT: Final = "hyperpcm pretrained model"
FORMAT_VERSION: Final = 1
_ENTRIES: Final = {
    "format": str,
    "format_version": int,
    "name": str,
    "sha256": str,
    "bytes": int,
    "quantity": dict,
    "trained_on": str,
    "learned": dict,
    "source": dict,
    "licence": dict,
    "card": str,
}
_BLOCK: Final = 2**20


def digest_of(path: Path) -> str:
    """Return the sha256 of a file."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def read_record(path: Path) -> dict[str, Any]:
    """Return the record in a file, as `record_of` gave it, with ``figures`` where it was packed with some.

    Raises:
        CorruptModelError: it is not such a record.
    """
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CorruptModelError(f"{path}: the record of a model cannot be read ({error}).") from error
    if not isinstance(record, dict) or record.get("format") != FORMAT:
        raise CorruptModelError(f"{path}: this is not the record of a model.")
    wrong = [name for name, kind in _ENTRIES.items() if type(record.get(name)) is not kind]
    if wrong:
        raise CorruptModelError(f"{path}: the entry {wrong[0]!r} is missing or makes no sense.")
    return record


def record_of(model: HyperPCM, path: Path, name: str) -> dict[str, Any]:
    """Return what a model and its file tell (JSON values).

    Args:
        model: as loaded from the file.
        path: of the file.
        name: of the model.
    """
    from hyperpcm.model.card import card_text

    card = model.card
    source = {key: str(value) for key, value in dict(card.get("source", {})).items()}
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "name": name,
        "sha256": digest_of(path),
        "bytes": path.stat().st_size,
        "quantity": {
            "name": model.quantity.name,
            "unit": model.quantity.unit,
            "kind": model.quantity.kind,
            "active_at": model.quantity.active_at,
        },
        "trained_on": model.trained_on,
        "learned": {key: int(card[key]) for key in ("interactions", "compounds", "targets") if key in card}
        | {"known_targets": len(model.memory_sequences), "landmarks": len(model.landmark_compounds)},
        "division": str(card.get("split", "")),
        "source": source,
        "licence": {"data": source.get("licence", "not stated"), "encoders": dict(card.get("licences", {}))},
        "card": card_text(model) if card else "",
    }


def record_of_file(path: Path) -> dict[str, Any]:
    """Return the record of a model that was packed with none; its file is read whole.

    Raises:
        CorruptModelError: the file cannot be used.
        IncompatibleModelError: it is whole, and of another version or kind.
    """
    from hyperpcm.checkpoint import load_model

    return record_of(load_model(path), path, path.stem)
