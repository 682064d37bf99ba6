"""Model files: written whole or not at all, checked byte by byte when read, and never able to run code."""

from __future__ import annotations

from hyperpcm.checkpoint.archive import Archive, archive_kind, read_archive, write_archive
from hyperpcm.checkpoint.document import FORMAT_VERSIONS, KINDS
from hyperpcm.checkpoint.models import load_model, load_target_model, save_model, save_target_model
from hyperpcm.checkpoint.numpy_file import save_numpy_file
from hyperpcm.checkpoint.onnx_file import check_onnx, save_onnx_file
from hyperpcm.checkpoint.overlays import (
    StoredOverlay,
    laid,
    load_overlaid,
    load_overlay,
    save_overlay,
)
from hyperpcm.checkpoint.signed_json import read_key, verified, write_signed

__all__ = [
    "FORMAT_VERSIONS",
    "KINDS",
    "Archive",
    "StoredOverlay",
    "archive_kind",
    "check_onnx",
    "laid",
    "load_model",
    "load_overlaid",
    "load_overlay",
    "load_target_model",
    "read_archive",
    "read_key",
    "save_model",
    "save_numpy_file",
    "save_onnx_file",
    "save_overlay",
    "save_target_model",
    "verified",
    "write_archive",
    "write_signed",
]
