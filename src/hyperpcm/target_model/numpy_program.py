"""The command line of a target model in the NumPy form: SMILES in, scores out, as CSV.

It runs inside the file itself (``python kinase.pyz compounds.smi``), where nothing but NumPy and RDKit has to
be installed; so it uses the standard library alone.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hyperpcm.errors import HyperpcmError, InputError

if TYPE_CHECKING:
    from hyperpcm.target_model.numpy_form import NumpyTargetModel
    from hyperpcm.target_model.scores import Scores

__all__ = ["COLUMNS", "main"]

COLUMNS: Final = ("row", "name", "given", "smiles", "score", "rejected", "reason")
"""Columns of the table that is printed."""


def main(file: Path, arguments: Sequence[str] | None = None) -> int:
    """Score compounds and print a table; the exit code comes back.

    Args:
        file: the target model.
        arguments: of the command line; None: those of this process.
    """
    given = _parser(file).parse_args(arguments)
    try:
        from hyperpcm.target_model.numpy_form import NumpyTargetModel

        model = NumpyTargetModel.read(file)
        if given.about:
            sys.stdout.write(json.dumps(model.about(), indent=2) + "\n")
            return 0
        if given.compounds is None:
            raise InputError(
                "no compounds are given: name a file with one SMILES in each line, or - for standard input."
            )
        lines = _lines(given.compounds)
        scores = model.score([smiles for smiles, _ in lines])
    except HyperpcmError as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code
    except ModuleNotFoundError as error:
        sys.stderr.write(f"error: {error.name} is not installed: pip install numpy rdkit\n")
        return 2
    _print(model, lines, scores)
    return 0


def _parser(file: Path) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=file.name, description="Score compounds for one target; a table as CSV goes to standard output."
    )
    parser.add_argument(
        "compounds",
        nargs="?",
        help="file with a SMILES and an optional name in each line; - for standard input",
    )
    parser.add_argument("--about", action="store_true", help="say what this model is, as JSON")
    return parser


def _lines(given: str) -> list[tuple[str, str]]:
    """SMILES and name of each line that is not blank."""
    try:
        text = sys.stdin.read() if given == "-" else Path(given).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text in UTF-8"
        raise InputError(f"{given}: cannot be read ({reason}).") from None
    parts = [line.split(None, 1) for line in text.splitlines() if line.strip()]
    return [(part[0], part[1].strip() if len(part) > 1 else "") for part in parts]


def _print(model: NumpyTargetModel, lines: Sequence[tuple[str, str]], scores: Scores) -> None:
    refused = {one.row: one for one in scores.rejections}
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row, (smiles, name) in enumerate(lines):
        one = refused.get(row)
        score = "" if one else f"{float(scores.values[row]):.6g}"
        reason = (one.code, one.reason) if one else ("", "")
        writer.writerow((row + 1, name, smiles, scores.smiles[row] or "", score, *reason))
    if refused:
        sys.stderr.write(f"{len(refused):,} of {len(lines):,} rows cannot be scored; the table says why.\n")
    sys.stderr.write(f"scores: {model.describe_score()}\n")
