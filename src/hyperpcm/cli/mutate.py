"""`hyperpcm mutate`: what substitutions in a protein do to the scores of compounds, if the model can tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from hyperpcm.cli.arguments import CompoundColumns, column_roles
from hyperpcm.cli.compounds import GivenCompounds, input_files, read_all
from hyperpcm.cli.console import Console
from hyperpcm.cli.models import model_file, score_title, tell_licences
from hyperpcm.cli.mutant_verdict import asked_test, tell_test
from hyperpcm.cli.mutation_page import write_mutation_page
from hyperpcm.cli.rejections import all_rejections, as_record, name_rejections
from hyperpcm.cli.tables import aligned, terminal_width
from hyperpcm.cli.targets import read_target, target_file
from hyperpcm.errors import ConfigError, InputError

if TYPE_CHECKING:
    from hyperpcm.datasets.output import Column
    from hyperpcm.model import HyperPCM
    from hyperpcm.protein import Mutation
    from hyperpcm.trust import MutantTest, MutationScan

__all__ = ["mutate"]

_SHOWN: Final = 20  # strongest changes on the terminal
_SCHEMA: Final[dict[str, type]] = {
    "substitution": str,
    "position": int,
    "from": str,
    "to": str,
    "compound": str,
    "smiles": str,
    "score": float,
    "wild_type_score": float,
    "change": float,
    "domain": str,
}


@dataclass(frozen=True, eq=False)
class _Scanned:
    """A scan and the compounds in it, in the order given."""

    scan: MutationScan
    names: tuple[str, ...]
    smiles: tuple[str, ...]


def mutate(
    ctx: typer.Context,
    model: Annotated[Path, typer.Argument(help="Folder of a run, or its trained model.")],
    compounds: Annotated[
        list[str],
        typer.Argument(help="SMILES, or files: .smi, CSV, TSV, SDF, Parquet; - for standard input."),
    ],
    target: Annotated[str, typer.Option(help="FASTA file or amino-acid sequence of the wild type.")],
    record: Annotated[str | None, typer.Option(help="Which record, where the FASTA holds several.")] = None,
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
    from hyperpcm.chem import standardise_all
    from hyperpcm.datasets.output import TableWriter, check_output

    console: Console = ctx.obj
    if substitutions is None and positions is None:
        raise ConfigError("which residues? Give --substitutions T315I,E255K or --positions 300-320, or both.")
    source, fasta = model_file(model), target_file(target)
    inputs = [source, *input_files(compounds), *([] if fasta is None else [fasta])]
    if out is not None:
        TableWriter(
            out, _SCHEMA, overwrite=overwrite, inputs=inputs
        )  # refuses what could not be written later
    if page is not None:
        check_output(page, overwrite=overwrite, inputs=inputs)
    given = read_all(compounds, columns=column_roles(columns or ()) or None)
    protein = read_target(target, record=record)
    mutations = _mutations(protein.sequence, substitutions, positions, first)
    trained = _model(source)
    test, found = asked_test(source, trained.origin, anyway=anyway)
    standardised, refused = standardise_all(given.smiles)
    rejections = all_rejections(given.rejections, refused)
    name_rejections(console, rejections, len(given.smiles), None)
    rows = [row for row, one in enumerate(standardised) if one is not None]
    if not rows:
        raise InputError(f"none of the {len(given.smiles):,} compounds can be used; the reasons are above.")
    smiles = [one.smiles for one in standardised if one is not None]
    with console.progress() as progress:
        from hyperpcm.trust import scan_mutations

        tell = progress.rows("mutants scored", len(mutations))
        scan = scan_mutations(trained, protein.sequence, mutations, smiles, first=first, progress=tell)
    tell_licences(console, scan.target)
    tell_test(console, test, found, scan.target.quantity.name)
    scanned = _Scanned(scan, tuple(_names(given, rows)), tuple(smiles))
    if out is not None:
        with TableWriter(out, _SCHEMA, overwrite=overwrite) as writer:
            writer.write(_columns(scanned))
    if page is not None:
        write_mutation_page(
            page,
            scan,
            scanned.names,
            title=score_title(scan.target.quantity),
            target=protein.name or "the protein",
            says=found,
            is_believed=test is not None and test.verdict == "can_tell",
            smallest=None if test is None or test.new is None else test.new.rmse,
            overwrite=overwrite,
        )
    if as_json:
        result = _record(scanned, test, found, top) | {
            "target": protein.name,
            "rejected": [as_record(one) for one in rejections.values()],
        }
        console.result_json(result)
    else:
        console.result(_table(scanned, top or _SHOWN))
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


def _model(source: Path) -> HyperPCM:
    """The trained model in a file."""
    from hyperpcm.checkpoint import load_model, read_archive

    if read_archive(source).kind == "target_model":
        raise InputError(
            f"{source}: this is the model of one target, whose sequence cannot be changed any more. Give the "
            "run or the trained model that it was compiled from."
        )
    return load_model(source)


def _names(given: GivenCompounds, rows: Sequence[int]) -> list[str]:
    """What the compounds are called; their text where the source gives no name."""
    return [given.names[row] or given.smiles[row] or "" for row in rows]


def _columns(scanned: _Scanned) -> dict[str, Column]:
    """All rows, mutant by mutant, in the order of the compounds given."""
    scan, number = scanned.scan, len(scanned.smiles)
    single = [one.substitutions[0] if len(one.substitutions) == 1 else None for one in scan.mutations]
    domain = [[None] * number for _ in scan.mutations] if scan.domain is None else scan.domain

    def each(values: Sequence[object]) -> list[object]:
        return [value for value in values for _ in range(number)]

    return {
        "substitution": each([str(one) for one in scan.mutations]),
        "position": each([None if one is None else one.position for one in single]),
        "from": each([None if one is None else one.wild_type for one in single]),
        "to": each([None if one is None else one.residue for one in single]),
        "compound": list(scanned.names) * len(single),
        "smiles": list(scanned.smiles) * len(single),
        "score": scan.scores.ravel(),
        "wild_type_score": list(map(float, scan.wild_type)) * len(single),
        "change": scan.changes.ravel(),
        "domain": [verdict for of in domain for verdict in of],
    }


def _strongest(scan: MutationScan, top: int | None) -> list[tuple[int, int]]:
    """Mutant and compound of each change, the largest first; of equal ones the first."""
    import numpy as np

    order = np.argsort(-np.abs(scan.changes.ravel()), kind="stable")[:top]
    return [divmod(int(place), scan.scores.shape[1]) for place in order]


def _record(scanned: _Scanned, test: MutantTest | None, found: str, top: int | None) -> dict[str, Any]:
    scan = scanned.scan
    new = None if test is None else test.new
    changes = [
        {
            "substitution": str(scan.mutations[mutant]),
            "compound": scanned.names[compound],
            "smiles": scanned.smiles[compound],
            "score": float(scan.scores[mutant, compound]),
            "wild_type_score": float(scan.wild_type[compound]),
            "change": float(scan.changes[mutant, compound]),
            "domain": None if scan.domain is None else scan.domain[mutant][compound],
        }
        for mutant, compound in _strongest(scan, top)
    ]
    return {
        "quantity": scan.target.quantity.name,
        "unit": scan.target.quantity.unit,
        "verdict": "untested" if test is None else test.verdict,
        "says": found,
        "smallest_change": None if new is None else new.rmse,
        "licences": scan.target.licences,
        "changes": changes,
    }


def _table(scanned: _Scanned, top: int) -> str:
    scan = scanned.scan
    title = score_title(scan.target.quantity)
    header = ["substitution", "change", title, "wild type", *([] if scan.domain is None else ["domain"])]
    rows = [
        [
            str(scan.mutations[mutant]),
            f"{scan.changes[mutant, compound]:+.3f}",
            f"{scan.scores[mutant, compound]:.3f}",
            f"{scan.wild_type[compound]:.3f}",
            *([] if scan.domain is None else [scan.domain[mutant][compound] or ""]),
            scanned.names[compound],
        ]
        for mutant, compound in _strongest(scan, top)
    ]
    right = {"change", title, "wild type"}
    return aligned([*header, "compound"], rows, right=right, flexible="compound", width=terminal_width())
