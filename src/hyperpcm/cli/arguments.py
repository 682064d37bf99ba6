"""What the words on the command line stand for: options given as pairs, data by name or by path."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from hyperpcm.errors import ConfigError, TableError

if TYPE_CHECKING:
    from hyperpcm.encoders.base import Json

__all__ = [
    "AsJson",
    "CompoundColumns",
    "Device",
    "FastaRecord",
    "ModelAndCompounds",
    "Precision",
    "PreparingProcesses",
    "TableColumns",
    "TableTargets",
    "TargetProtein",
    "column_roles",
    "data_override",
    "encoder_options",
    "existing_file",
    "existing_table",
    "toml_text",
]


_COMPOUNDS: Final = "compounds: SMILES, or files: .smi, CSV, TSV, SDF, Parquet; - for standard input."

ModelAndCompounds = Annotated[
    list[str],
    typer.Argument(
        metavar="[MODEL] COMPOUNDS...",
        help="Compiled target (.hpcm), or with --target a run, a model or its name; the default model where "
        f"there is none. Then {_COMPOUNDS}",
    ),
]
"""What scores compounds, and which compounds, for `hyperpcm.cli.which_model.split_model`."""

TargetProtein = Annotated[
    str | None, typer.Option(help="FASTA file or amino-acid sequence, for a run or a trained model.")
]
"""Which target, for `hyperpcm.cli.targets.read_target`."""

FastaRecord = Annotated[str | None, typer.Option(help="Which record, where the FASTA holds several.")]
"""Name of a record of that file."""

CompoundColumns = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="ROLE=NAME", help="Column of a table: smiles=… or compound_id=…"),
]
"""The columns of a table of compounds, for `column_roles`."""

TableColumns = Annotated[
    list[str] | None,
    typer.Option("--column", metavar="ROLE=NAME", help="The column of a role, such as smiles=Structure."),
]
"""The columns of a table of measurements, for `column_roles`."""

TableTargets = Annotated[
    Path | None, typer.Option(help="FASTA file with the sequences of the targets that the table names.")
]
"""Where the sequences of a table of measurements are that names its targets alone."""

AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
"""Whether the result is written as JSON."""

PreparingProcesses = Annotated[
    int | None, typer.Option(min=1, help="Processes that prepare compounds; as many as suit the encoder.")
]
"""How many processes standardise and encode a library."""

Device = Annotated[
    str,
    typer.Option(
        help="Where compounds are scored: cpu, cuda (cuda:1 is the second GPU), or auto: a GPU if there is."
    ),
]
"""Name of the device of a panel."""

Precision = Annotated[
    str,
    typer.Option(
        help="Of dense layers: float32, or bfloat16, faster where processor or GPU has it; scores differ by "
        "up to 0.03 standard deviations of the labels."
    ),
]
"""Name of the precision of a panel."""


def column_roles(pairs: Sequence[str]) -> dict[str, str]:
    """The columns of ``role=name`` arguments, by role.

    Raises:
        ConfigError: not of that form, an unknown role, or one role twice.
    """
    from hyperpcm.datasets.columns import ROLES

    found: dict[str, str] = {}
    for pair in pairs:
        role, separator, name = pair.partition("=")
        role = role.strip()
        if not separator or role not in ROLES:
            known = ", ".join(ROLES)
            raise ConfigError(f"--column {pair!r}: write role=name. Roles: {known}.")
        if role in found:
            raise ConfigError(
                f"--column {pair!r}: the role {role} was given the column {found[role]!r} before."
            )
        found[role] = name
    return found


def encoder_options(pairs: Sequence[str]) -> dict[str, dict[str, Json]]:
    """The options of ``encoder.key=value`` arguments, by encoder; values as JSON, or else as text.

    Raises:
        ConfigError: not of that form, or one option twice.
    """
    found: dict[str, dict[str, Json]] = {}
    for pair in pairs:
        name, separator, text = pair.partition("=")
        encoder, dot, key = name.strip().partition(".")
        if not (separator and dot and encoder and key):
            raise ConfigError(f"--option {pair!r}: write ENCODER.KEY=VALUE, such as ecfp.radius=3.")
        if key in found.get(encoder, {}):
            raise ConfigError(f"--option {pair!r}: {name.strip()} was given before.")
        try:
            value: Json = json.loads(text)
        except ValueError:
            value = text
        found.setdefault(encoder, {})[key] = value
    return found


def existing_file(path: Path, what: str) -> Path:
    """The path, if a file is there.

    Raises:
        TableError: there is none.
    """
    if not path.exists():
        raise TableError(f"{path}: there is no such file ({what}).")
    if path.is_dir():
        raise TableError(f"{path}: this is a folder, and a file is expected ({what}).")
    return path


def existing_table(path: Path, what: str) -> Path:
    """The path, if a file is there, or a folder of tables.

    Raises:
        TableError: there is neither.
    """
    return path if path.is_dir() else existing_file(path, what)


def data_override(source: str) -> str:
    """The setting that makes ``source``, the name of a data set or the path of a table, the data of a run.

    A name of the catalog wins; a file of the same name is meant by ``./name``.

    Raises:
        ConfigError: it is neither; the message lists the names there are.
    """
    from hyperpcm.datasets.catalog import DATASETS, record

    if source not in DATASETS and Path(source).exists():
        return f"data={{path={toml_text(source)}}}"
    try:
        return f"data={{name={toml_text(record(source).name)}}}"
    except ConfigError as error:
        raise ConfigError(f"--data {source}: there is no such file, and {error}") from None


def toml_text(text: str) -> str:
    """The text as a TOML string: JSON's escapes, but for surrogates and DEL, are TOML's."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
