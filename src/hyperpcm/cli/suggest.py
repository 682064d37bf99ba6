"""`hyperpcm suggest`: which compounds of a library to measure next on a target."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hyperpcm.cli.arguments import (
    CompoundColumns,
    FastaRecord,
    PreparingProcesses,
    TargetProtein,
    column_roles,
    existing_file,
)
from hyperpcm.cli.compounds import input_files
from hyperpcm.cli.console import Console, printable
from hyperpcm.cli.intervals import Level, check_level
from hyperpcm.cli.models import scored_target, tell_licences
from hyperpcm.cli.screen_options import Library, Only, known_actives
from hyperpcm.cli.screen_summary import tell_refused
from hyperpcm.cli.suggest_output import suggestion_record, suggestion_table, write_suggestion
from hyperpcm.cli.targets import target_file
from hyperpcm.cli.which_model import GivenModel, asked_model
from hyperpcm.errors import ConfigError, InputError
from hyperpcm.screening.hits_file import check_hits_file

if TYPE_CHECKING:
    from hyperpcm.adaptation import CompoundTable
    from hyperpcm.target_model import TargetModel
    from hyperpcm.training.model_source import ModelSource

__all__ = ["suggest"]


def suggest(
    ctx: typer.Context,
    library: Library,
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Write the batch to this .csv, .tsv, .parquet or .sdf.")
    ],
    compiled_target: Annotated[
        Path | None,
        typer.Argument(metavar="[TARGET]", help="Compiled target (.hpcm), with measurements or without."),
    ] = None,
    target: TargetProtein = None,
    record: FastaRecord = None,
    model: GivenModel = None,
    batch: Annotated[int, typer.Option(min=1, help="Compounds to measure next.")] = 24,
    strategy: Annotated[
        str | None,
        typer.Option(
            help="ucb (score plus two standard deviations), greedy (highest score), ei (expected "
            "improvement) or thompson (draws of what may be true). ucb; greedy where a target does not know "
            "how sure it is."
        ),
    ] = None,
    most_similar: Annotated[
        float, typer.Option(min=0, max=1, help="Largest Tanimoto similarity of two compounds of the batch.")
    ] = 1.0,
    table: Annotated[
        Path | None,
        typer.Option(help="CSV, TSV or Parquet of prices and conditions; the library itself, if a table."),
    ] = None,
    price_column: Annotated[str | None, typer.Option(help="Its column of prices.")] = None,
    budget: Annotated[float | None, typer.Option(min=0, help="What the batch may cost.")] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(help="Condition on a column of it, such as 'stock > 0'; may be given again."),
    ] = None,
    only: Only = None,
    ordered: Annotated[
        list[str] | None,
        typer.Option(help="Compounds on order, whose values will be known: a file or SMILES. Not suggested."),
    ] = None,
    never: Annotated[
        list[str] | None,
        typer.Option(help="Compounds not to suggest: a file or SMILES."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the draws.")] = 0,
    columns: CompoundColumns = None,
    processes: PreparingProcesses = None,
    level: Level = 0.8,
    work: Annotated[
        Path | None, typer.Option(help="Folder of the scored library; LIBRARY.scored beside it.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Choose the compounds of a library that are best measured next on a target.

    The first call scores the library once and keeps that beside it; after new measurements the next batch
    takes seconds. What was measured, or is given with --ordered or --never, is not suggested.
    """
    console: Console = ctx.obj
    roles = column_roles(columns or ())
    source, fasta = _asked(console, compiled_target, target, model), target_file(target)
    from hyperpcm.adaptation import Campaign, scored_library, state_folder
    from hyperpcm.adaptation.suggest_question import check_question
    from hyperpcm.encoders.parallel import default_processes
    from hyperpcm.screening import LibraryIndex, StructureFilter

    only_these, is_index = StructureFilter(only or []), LibraryIndex.is_one(library)
    if not is_index:
        existing_file(library, "compounds")
    prices = _table(table, library, price_column, budget, where or [], roles, is_index=is_index)
    barred_files = input_files([*(ordered or []), *(never or [])])
    read = [*source.files, library, *barred_files, *(one for one in (table, fasta) if one is not None)]
    check_hits_file(out, overwrite=overwrite, inputs=read)
    asked = scored_target(source, target, record=record).model
    check_level([asked], level)
    tell_licences(console, asked)
    on_order, barred = known_actives(ordered or [], "--ordered"), known_actives(never or [], "--never")
    if strategy is None:
        strategy = "greedy" if asked.residual_prior is None else "ucb"
        _tell_choice(console, asked, strategy)
    check_question(asked, batch, strategy, most_similar=most_similar, budget=budget, table=prices)
    started = time.monotonic()
    with console.progress() as progress:
        state = scored_library(
            asked,
            LibraryIndex.open(library) if is_index else library,
            state_folder(library, asked) if work is None else work,
            columns=roles or None,
            processes=default_processes(asked.encoder) if processes is None else processes,
            progress=progress.rows("compounds scored", rated=True),
        )
    campaign = Campaign(
        asked, state, seed=seed, table=prices, only=only_these, ordered=on_order, never=barred
    )
    found = campaign.ask(batch, strategy, most_similar=most_similar, budget=budget)
    scores = asked.score(found.compounds.smiles, level=level)
    write_suggestion(out, asked, found, scores.intervals, overwrite=overwrite)
    seconds = time.monotonic() - started
    if as_json:
        console.result_json(
            suggestion_record(asked, found, scores.intervals)
            | {
                "rows": state.rows,
                "rejected": dict(state.refused),
                "out": str(out),
                "seconds": seconds,
            }
        )
    else:
        console.result(suggestion_table(asked, found))
        tell_refused(console, state.rows, state.refused)
    measured = len(campaign.measured)
    if not measured and asked.residual_prior is not None:
        console.note(
            f"{printable(asked.name or source.path.name)}: nothing was measured on this target yet, so the "
            "choice rests on its scores alone and on how far off scores are on other targets."
        )
    if len(found) < batch:
        console.error(f"only {len(found):,} of {batch:,} compounds could be chosen within these limits.")
    if found.outlook is not None:
        console.note(found.outlook.sentence(asked.quantity))
    before = f" (before --only {' --only '.join(only_these.names)})" if only_these.names else ""
    cost = "" if found.prices is None or price_column is None else f" for {found.prices.sum():,.2f}"
    console.note(
        f"{out}: {len(found):,} of {found.candidates:,} compounds{before}{cost} by {strategy}, after "
        f"{measured:,} measurements; {seconds:.1f} s"
    )


def _asked(console: Console, compiled: Path | None, target: str | None, model: Path | None) -> ModelSource:
    """The compiled target, or the model that is to compile one."""
    if compiled is not None:
        if model is not None or target is not None:
            raise InputError(f"{compiled}: this is the target; leave --target and --model out.")
        existing_file(compiled, "compiled target")
        source = asked_model(console, compiled)
        if not source.is_target:
            raise InputError(f"{compiled}: this is a trained model; give it with --model, and a --target.")
        return source
    if target is None:
        raise InputError("which target? Give a compiled one (.hpcm), or a protein with --target.")
    return asked_model(console, model)


def _tell_choice(console: Console, model: TargetModel, strategy: str) -> None:
    if strategy == "greedy":
        reason = model.provenance.get("model", {}).get("no_adaptation")
        console.note(
            "This target does not know how sure its scores are and cannot learn from measurements, so the "
            f"highest scores are chosen: {reason or 'an older version trained it; train it again.'}"
        )


def _table(
    given: Path | None,
    library: Path,
    price_column: str | None,
    budget: float | None,
    where: list[str],
    roles: dict[str, str],
    *,
    is_index: bool,
) -> CompoundTable | None:
    """What is known of prices and conditions; None where nothing is asked of them.

    Raises:
        ConfigError: a budget without prices, or prices or conditions without a table.
        InputError: the table cannot be used.
    """
    if budget is not None and price_column is None:
        raise ConfigError("--budget needs prices: say with --price-column which column holds them.")
    if given is None and price_column is None and not where:
        return None
    if given is None and is_index:
        raise InputError(
            f"{library}: an index keeps no prices and no columns. Give the table that has them: --table FILE."
        )
    from hyperpcm.adaptation import CompoundTable, Condition
    from hyperpcm.datasets.compound_files import is_table
    from hyperpcm.datasets.table import raw_table_parts

    conditions = [Condition.parsed(one) for one in where]
    if given is None:
        if not is_table(library, roles):
            raise InputError(
                f"{library}: is no table, so it has no prices and no columns but names and SMILES. Give the "
                "table that has them: --table FILE."
            )
        return CompoundTable.read(library, price_column=price_column, where=conditions, columns=roles)
    path = existing_file(given, "prices and conditions")
    header = next(raw_table_parts(path, rows=1)).header
    own = {role: name for role, name in roles.items() if name in header}
    return CompoundTable.read(path, price_column=price_column, where=conditions, columns=own)
