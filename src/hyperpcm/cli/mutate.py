"""`hyperpcm mutate`: what substitutions in a protein do to the scores of compounds, if the model can tell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from hyperpcm.cli.arguments import CompoundColumns, FastaRecord, ModelAndCompounds, column_roles
from hyperpcm.cli.compounds import GivenCompounds, input_files, read_all
from hyperpcm.cli.console import Console
from hyperpcm.cli.models import tell_licences
from hyperpcm.cli.mutant_verdict import asked_test, tell_test
from hyperpcm.cli.mutation_page import write_mutation_page
from hyperpcm.cli.mutation_tables import SCAN_SCHEMA, Scanned, scan_columns, scan_record, scan_table
from hyperpcm.cli.rejections import all_rejections, as_record, name_rejections
from hyperpcm.cli.targets import read_target, target_file
from hyperpcm.cli.which_model import GivenModel, asked_model, split_model
from hyperpcm.errors import ConfigError, InputError, Rejection
from hyperpcm.target_model.told import score_title
from hyperpcm.training.model_source import ModelSource

if TYPE_CHECKING:
    from hyperpcm.model import HyperPCM
    from hyperpcm.protein import Mutation

__all__ = ["mutate"]

_SHOWN: Final = 20  # strongest changes on the terminal


def mutate(
    ctx: typer.Context,
    words: ModelAndCompounds,
    target: Annotated[str, typer.Option(help="FASTA file or amino-acid sequence of the wild type.")],
    record: FastaRecord = None,
    model: GivenModel = None,
    substitutions: Annotated[
        str | None,
        typer.Option(help="Such as T315I,E255K; several at once are joined by /, as in L858R/T790M."),
    ] = None,
    positions: Annotated[
        str | None, typer.Option(help="All 19 substitutions of each, such as 315 or 300-320,350.")
    ] = None,
    first: Annotated[int, typer.Option(help="Number of the first residue of the sequence.")] = 1,
    columns: CompoundColumns = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Write all changes to this .csv, .tsv or .parquet file."),
    ] = None,
    page: Annotated[
        Path | None, typer.Option(help="Draw heat maps, positions by residues, on this .html page.")
    ] = None,
    top: Annotated[int | None, typer.Option(min=1, help="Show this many of the strongest changes.")] = None,
    anyway: Annotated[
        bool,
        typer.Option(
            "--anyway", help="Scan also where the test on measured mutants failed or was not made; it warns."
        ),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the files of --out and --page.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Tell what single substitutions in a protein change in the scores of compounds.

    A model trained on few mutants, or none, gives such numbers without knowing anything. So it is asked
    first: `hyperpcm evaluate` tests it on measured mutants that it had no label of. Where that test was not
    passed, nothing is scanned, and the reason is told with its numbers.
    """
    from hyperpcm.datasets.output import TableWriter, check_output

    console: Console = ctx.obj
    if substitutions is None and positions is None:
        raise ConfigError("which residues? Give --substitutions T315I,E255K or --positions 300-320, or both.")
    given_model, compounds = split_model(words, model)
    if not compounds:
        raise InputError("which compounds? Give SMILES, or files of them, after the model.")
    source, fasta = asked_model(console, given_model), target_file(target)
    inputs = [*source.files, *input_files(compounds), *([] if fasta is None else [fasta])]
    if out is not None:
        TableWriter(out, SCAN_SCHEMA, overwrite=overwrite, inputs=inputs)  # refuses before the work
    if page is not None:
        check_output(page, overwrite=overwrite, inputs=inputs)
    given = read_all(compounds, columns=column_roles(columns or ()) or None)
    protein = read_target(target, record=record)
    mutations = _mutations(protein.sequence, substitutions, positions, first)
    trained = _model(source)
    test, found = asked_test(source.path, trained.origin, anyway=anyway)
    names, smiles, rejections = _usable(console, given)
    with console.progress() as progress:
        from hyperpcm.trust import scan_mutations

        tell = progress.rows("mutants scored", len(mutations))
        scan = scan_mutations(trained, protein.sequence, mutations, smiles, first=first, progress=tell)
    tell_licences(console, scan.target)
    tell_test(console, test, found, scan.target.quantity.name)
    scanned = Scanned(scan, names, smiles)
    if out is not None:
        with TableWriter(out, SCAN_SCHEMA, overwrite=overwrite) as writer:
            writer.write(scan_columns(scanned))
    if page is not None:
        write_mutation_page(
            page,
            scan,
            names,
            title=score_title(scan.target.quantity),
            target=protein.name or "the protein",
            says=found,
            is_believed=test is not None and test.verdict == "can_tell",
            smallest=None if test is None or test.new is None else test.new.rmse,
            overwrite=overwrite,
        )
    if as_json:
        result = scan_record(scanned, test, found, top) | {
            "target": protein.name,
            "rejected": [as_record(one) for one in rejections.values()],
        }
        console.result_json(result)
    else:
        console.result(scan_table(scanned, top or _SHOWN))
    if page is not None:
        console.note(f"Heat maps drawn on {page}")
    if out is not None:
        console.note(f"{scan.scores.size:,} changes written to {out}")


def _mutations(sequence: str, substitutions: str | None, positions: str | None, first: int) -> list[Mutation]:
    """What is asked for, each mutation once."""
    from hyperpcm.protein import check_mutations, parse_mutation, single_substitutions

    found: dict[Mutation, None] = {}
    if substitutions is not None:
        named = [parse_mutation(part) for part in substitutions.split(",") if part.strip()]
        check_mutations(sequence, named, first=first)
        found |= dict.fromkeys(named)
    if positions is not None:
        found |= dict.fromkeys(single_substitutions(sequence, positions, first=first))
    if not found:
        raise ConfigError("--substitutions names none; write them as T315I,E255K.")
    return list(found)


def _model(source: ModelSource) -> HyperPCM:
    """The trained model that is meant."""
    if source.is_target:
        raise InputError(
            f"{source}: this is the model of one target, whose sequence cannot be changed any more. Give the "
            "run or the trained model that it was compiled from."
        )
    return source.load()


def _usable(
    console: Console, given: GivenCompounds
) -> tuple[tuple[str, ...], tuple[str, ...], dict[int, Rejection]]:
    """Names and structures of the compounds that can be scored, and the others, which are named on stderr.

    A compound without a name is called by what was given.
    """
    from hyperpcm.chem import standardise_all

    standardised, refused = standardise_all(given.smiles)
    rejections = all_rejections(given.rejections, refused)
    name_rejections(console, rejections, len(given.smiles), None)
    usable = [(row, one.smiles) for row, one in enumerate(standardised) if one is not None]
    if not usable:
        raise InputError(f"none of the {len(given.smiles):,} compounds can be used; the reasons are above.")
    names = tuple(given.names[row] or given.smiles[row] or "" for row, _ in usable)
    return names, tuple(smiles for _, smiles in usable), rejections
