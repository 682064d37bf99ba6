"""The NumPy form of a target model as one file: a program that carries its weights.

The file is a zip that Python runs (``python kinase.pyz compounds.smi``): the arrays, the header, and those
modules of this package that scoring needs, so that NumPy and RDKit are all that has to be installed.

Source: https://docs.python.org/3/library/zipapp.html (the format).
"""

from __future__ import annotations

import io
import json
import zipfile
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from hyperpcm import __version__
from hyperpcm.checkpoint.plain_arrays import plain_arrays
from hyperpcm.datasets.output_files import atomic_file
from hyperpcm.encoders.base import ConcatenatedEncoder
from hyperpcm.errors import ConfigError
from hyperpcm.target_model.numpy_form import ARRAYS, FORMAT_VERSION, HEADER

if TYPE_CHECKING:
    from hyperpcm.encoders import Encoder
    from hyperpcm.target_model import TargetModel

__all__ = ["PORTABLE_ENCODERS", "save_numpy_file"]

PORTABLE_ENCODERS: Final = ("ecfp", "fcfp", "atom_pair", "torsion", "maccs", "descriptors")
"""Encoders that need nothing but NumPy and RDKit."""

_MODULES: Final = (
    "__init__",
    "errors",
    "lazy",
    "chem/__init__",
    "chem/column",
    "chem/count_entries",
    "chem/drug_likeness",
    "chem/fingerprints",
    "chem/query_screen",
    "chem/reading",
    "chem/standardisation",
    "chem/topological_indices",
    "datasets/__init__",
    "datasets/interactions",
    "encoders/__init__",
    "encoders/base",
    "encoders/counts",
    "encoders/descriptors",
    "encoders/ecfp",
    "encoders/licences",
    "encoders/molecules",
    "encoders/registry",
    "encoders/sparse_rows",
    "encoders/table",
    "encoders/topology",
    "encoders/transformer_config",
    "encoders/weights/__init__",
    "encoders/weights/hub_models",
    "target_model/__init__",
    "target_model/numpy_form",
    "target_model/numpy_program",
    "target_model/scores",
)
_MAIN: Final = """\
import sys

if sys.version_info < (3, 11):
    raise SystemExit("error: this target model needs Python 3.11 or newer")

from pathlib import Path

from hyperpcm.target_model.numpy_program import main

raise SystemExit(main(Path(sys.argv[0])))
"""
_SHEBANG: Final = b"#!/usr/bin/env python3\n"
_DATE: Final = (1980, 1, 1, 0, 0, 0)  # of every entry, so that equal models make equal files


def save_numpy_file(target_model: TargetModel, path: Path, *, overwrite: bool = False) -> None:
    """Write a target model as a program that needs NumPy and RDKit alone.

    Args:
        target_model: not mutated.
        path: of the file; ``.pyz`` by custom.
        overwrite: whether a file that is there may be replaced.

    Raises:
        ConfigError: its compound encoder needs more than NumPy and RDKit.
        IncompatibleModelError: it reads the graphs of compounds with a network of its own.
        DivergedError: a number is NaN or infinite.
        OutputError: the path exists and ``overwrite`` is not set, or it cannot be written.
        DiskFullError: no space is left; what was at the path before is still there.
    """
    _check_encoder(target_model.encoder)
    arrays, header = plain_arrays(target_model)
    packed = io.BytesIO()
    np.savez(packed, allow_pickle=False, **arrays)
    entries = {
        "__main__.py": _MAIN.encode(),
        HEADER: json.dumps(
            header | {"format_version": FORMAT_VERSION, "hyperpcm_version": __version__}, indent=1
        ).encode(),
        ARRAYS: packed.getvalue(),
    }
    package = resources.files("hyperpcm")
    for module in _MODULES:
        entries[f"hyperpcm/{module}.py"] = package.joinpath(f"{module}.py").read_bytes()
    with atomic_file(path, overwrite=overwrite) as stream:
        stream.write(_SHEBANG)
        with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
            for name, content in sorted(entries.items()):
                file.writestr(zipfile.ZipInfo(name, _DATE), content, zipfile.ZIP_DEFLATED)


def _check_encoder(encoder: Encoder) -> None:
    parts = encoder.parts if isinstance(encoder, ConcatenatedEncoder) else (encoder,)
    others = [part.name for part in parts if part.name not in PORTABLE_ENCODERS]
    if others:
        raise ConfigError(
            f"the compound encoder {', '.join(others)} needs more than NumPy and RDKit, so this target "
            f"has no NumPy form; {', '.join(PORTABLE_ENCODERS)} have one. Score with the compiled target "
            "itself (--format hpcm)."
        )
