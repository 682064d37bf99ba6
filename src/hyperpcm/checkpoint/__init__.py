"""Model files: written whole or not at all, checked byte by byte when read, and never able to run code."""

from __future__ import annotations

from hyperpcm.checkpoint.archive import Archive, read_archive, write_archive
from hyperpcm.checkpoint.document import FORMAT_VERSIONS, KINDS
from hyperpcm.checkpoint.models import load_model, load_target_model, save_model, save_target_model
from hyperpcm.checkpoint.numpy_file import save_numpy_file
from hyperpcm.checkpoint.onnx_file import check_onnx, save_onnx_file

__all__ = [
    "FORMAT_VERSIONS",
    "KINDS",
    "Archive",
    "check_onnx",
    "load_model",
    "load_target_model",
    "read_archive",
    "save_model",
    "save_numpy_file",
    "save_onnx_file",
    "save_target_model",
    "write_archive",
]
