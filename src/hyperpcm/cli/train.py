"""`hyperpcm train`: from settings and data to a trained model in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hyperpcm.cli.arguments import TableTargets, data_override, existing_file, existing_table, toml_text
from hyperpcm.cli.console import Console
from hyperpcm.errors import ConfigError, OutputError

if TYPE_CHECKING:
    from hyperpcm.config import RunConfig

__all__ = ["check_run_folder", "check_settings", "metric_words", "train"]


def train(
    ctx: typer.Context,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run.")],
    config: Annotated[
        Path | None, typer.Argument(help="TOML file with settings; see `hyperpcm settings`.")
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="Name of a public data set, or a CSV, TSV or Parquet table.")
    ] = None,
    targets: TableTargets = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Change a setting; may be repeated."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in the folder, to the same end.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the run in the folder.")] = False,
) -> None:
    """Train a model on a table of measurements.

    The settings come from the TOML file, or are the defaults; --data replaces its section [data], and --set
    changes single settings. With --resume alone they are those that the run was begun with.
    """
    console: Console = ctx.obj
    overrides = [data_override(data)] if data is not None else []
    if targets is not None:
        existing_file(targets, "FASTA file of the targets")
        overrides.append(f"data.targets={toml_text(str(targets))}")
    chosen = _settings(config, [*overrides, *(settings or ())], out if resume else None)
    check_run_folder(out, resume=resume, overwrite=overwrite)
    check_settings(chosen)
    from hyperpcm.training import fit

    with console.progress() as progress:
        run = fit(chosen, out, resume=resume, overwrite=overwrite, progress=progress)
    console.result(
        f"{run.model_path}: trained for {run.epochs} epochs; kept epoch {run.best['epoch']}"
        f"{metric_words(run.best)}"
    )
    if chosen.split.test:
        console.note(f"See how good it is: hyperpcm evaluate {out}")
    else:
        console.note(
            "Nothing was held out for a test: with --set split.test=true, hyperpcm evaluate judges it."
        )


def metric_words(record: object) -> str:
    """The validation metrics in an epoch's record, as the end of a sentence."""
    numbers = record.items() if isinstance(record, dict) else []
    words = [
        f"{key.removeprefix('valid_')} {value:.4g}"
        for key, value in numbers
        if key.startswith("valid_") and isinstance(value, float)
    ]
    return f" (validation: {', '.join(words)})" if words else ""


def check_run_folder(out: Path, *, resume: bool, overwrite: bool) -> None:
    """Refuse a folder that the run could not have, before anything heavy is loaded.

    Raises:
        ConfigError: both to go on and to start anew.
        OutputError: the folder holds a run, is a file, or cannot be made.
    """
    from hyperpcm.training.run_folder import RunFolder, outer_processes

    if resume and overwrite:
        raise ConfigError(
            "--resume goes on with the run in the folder, --overwrite loses it; give one of them."
        )
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out}: this is a file. Give a folder for the run.")
    outer = outer_processes()
    if outer is not None and outer.rank:
        return  # the first of the processes may have begun the run already
    run = RunFolder(out)
    if run.config_path.exists() and not (resume or overwrite):
        raise OutputError(
            f"{out} holds a run already. Give another folder, --resume to go on with it, or --overwrite to "
            "lose it."
        )
    if out.is_dir() and not resume and not run.config_path.exists() and any(out.iterdir()):
        raise OutputError(f"{out}: the folder is not empty and holds no run. Give another one.")


def check_settings(settings: RunConfig) -> None:
    """Refuse names that nothing answers to, before anything heavy is loaded.

    Raises:
        ConfigError: an unknown data set or encoder.
        SplitError: an unknown kind of split.
        TableError: the table or the FASTA file is not there.
    """
    from hyperpcm.datasets.catalog import record
    from hyperpcm.datasets.splits import SPLIT_NAMES
    from hyperpcm.errors import SplitError

    if settings.data.name is not None:
        record(settings.data.name)
    if settings.data.path is not None:
        existing_table(settings.data.path, "data.path")
    if settings.data.targets is not None:
        existing_file(settings.data.targets, "data.targets")
    if settings.split.name not in SPLIT_NAMES:
        raise SplitError(
            f"split.name = {settings.split.name!r}: there is no such split. Known: {', '.join(SPLIT_NAMES)}."
        )


def _settings(config: Path | None, overrides: Sequence[str], resumed: Path | None) -> RunConfig:
    """Settings from the file and the overrides, or those of the run that is resumed."""
    if config is not None or overrides:
        from hyperpcm.config import load_config

        return load_config(config, overrides)
    if resumed is None:
        raise ConfigError(
            "what shall be trained on? Give --data NAME (see `hyperpcm data list`), --data TABLE, or a TOML "
            "file with a section [data]."
        )
    from hyperpcm.training.run_folder import RunFolder

    return RunFolder(resumed).config()
