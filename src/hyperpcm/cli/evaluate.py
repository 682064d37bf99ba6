"""`hyperpcm evaluate`: how good a trained model is on the test side, beside what knows less."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from hyperpcm.cli.console import Console
from hyperpcm.errors import ConfigError
from hyperpcm.training.model_source import model_file

__all__ = ["evaluate"]

_ALWAYS: Final = "hyperpcm_shuffled"  # made with the model's own row; it costs nothing


def evaluate(
    ctx: typer.Context,
    run: Annotated[Path, typer.Argument(help="Folder of a run.")],
    nulls: Annotated[
        str | None,
        typer.Option(help="Only these nulls or other models, separated by commas; all nulls otherwise."),
    ] = None,
    no_nulls: Annotated[
        bool, typer.Option("--no-nulls", help="Only the model, and itself with proteins exchanged.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, in the layout of results.json.")] = False,
) -> None:
    """Score the test side of a run's split and compare with the nulls: models that know less.

    Other models of the field, such as random_forest, are fitted on the same rows where --nulls names them.

    Writes results.json, scores.parquet and, whether the model can tell mutants apart, mutants.json into the
    folder of the run.
    """
    from hyperpcm.baselines import RIVALS
    from hyperpcm.evaluation.results import read_json
    from hyperpcm.evaluation.tables import NULL_ROWS, render_table
    from hyperpcm.training.run_folder import RunFolder

    console: Console = ctx.obj
    chosen = _chosen(nulls, no_nulls, (*NULL_ROWS, *RIVALS))
    model_file(run)
    from hyperpcm.training.evaluation import evaluate_run

    with console.progress() as progress:
        evaluated = evaluate_run(run, nulls=chosen, progress=progress)
    results = RunFolder(run).results_path
    if as_json:
        console.result_json(read_json(results))
    else:
        console.result(render_table(evaluated.results.rows, style="plain").rstrip())
    if evaluated.mutants.new is not None:
        console.note(f"Mutants: {evaluated.mutants.sentence()}")
    console.note(f"Written: {results}. A report with plots: hyperpcm report {run}")


def _chosen(nulls: str | None, no_nulls: bool, known: tuple[str, ...]) -> list[str] | None:
    """Names of nulls; ``None`` for all of them."""
    if nulls is None:
        return [] if no_nulls else None
    if no_nulls:
        raise ConfigError("--nulls and --no-nulls contradict each other.")
    names = [name.strip() for name in nulls.split(",") if name.strip()]
    if unknown := [name for name in names if name not in known]:
        raise ConfigError(f"--nulls: there is no null or model {unknown[0]!r}. Known: {', '.join(known)}.")
    return [name for name in names if name != _ALWAYS]
