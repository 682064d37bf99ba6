"""`hyperpcm explain`: which atoms of a compound its score on a target comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from hyperpcm.cli.arguments import CompoundColumns, column_roles
from hyperpcm.cli.compounds import input_files, read_all
from hyperpcm.cli.console import Console
from hyperpcm.cli.intervals import domain_in_words, told_interval
from hyperpcm.cli.models import model_file, score_title, target_model_of
from hyperpcm.cli.pages import page_environment
from hyperpcm.cli.rejections import all_rejections, as_record, name_rejections
from hyperpcm.cli.tables import aligned, terminal_width
from hyperpcm.cli.targets import target_file
from hyperpcm.errors import ConfigError, InputError

if TYPE_CHECKING:
    from hyperpcm.target_model import NearestLandmark, Scores, TargetModel
    from hyperpcm.trust import AtomContributions

__all__ = ["explain"]

_MOST: Final = 200  # compounds on one page
_DRAWING: Final = (420, 300)  # pixels


@dataclass(frozen=True)
class _Explained:
    """One compound: its row, what its atoms add, and what is nearest to it."""

    row: int
    name: str | None
    found: AtomContributions
    nearest: NearestLandmark | None


def explain(
    ctx: typer.Context,
    model: Annotated[
        Path, typer.Argument(help="Compiled target (.hpcm); or a run or model, together with --target.")
    ],
    compounds: Annotated[
        list[str],
        typer.Argument(help="SMILES, or files: .smi, CSV, TSV, SDF, Parquet; - for standard input."),
    ],
    target: Annotated[
        str | None, typer.Option(help="FASTA file or amino-acid sequence, for a run or a trained model.")
    ] = None,
    record: Annotated[str | None, typer.Option(help="Which record, where the FASTA holds several.")] = None,
    against: Annotated[
        Path | None,
        typer.Option(help="Another compiled target: explain the difference to its score, for selectivity."),
    ] = None,
    columns: CompoundColumns = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Draw the compounds on this .html page.")
    ] = None,
    orders: Annotated[
        int, typer.Option(min=1, help="Random orders of atoms where contributions are not exact.")
    ] = 16,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file of --out.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Tell what each atom of a compound adds to its score on a target.

    Contributions of atoms, of what is said of no atom (descriptors), and a baseline sum to the score. With
    --against they are those to the difference between two targets: which atoms make the compound selective.
    """
    from hyperpcm.checkpoint import load_target_model
    from hyperpcm.datasets.output_files import check_output
    from hyperpcm.trust import atom_contributions

    console: Console = ctx.obj
    source, fasta = model_file(model), target_file(target)
    inputs = [source, *input_files(compounds), *([] if fasta is None else [fasta])]
    if out is not None:
        check_output(out, overwrite=overwrite, inputs=inputs)
    given = read_all(compounds, columns=column_roles(columns or ()) or None)
    target_model = target_model_of(source, target, record=record)
    other = None if against is None else load_target_model(against)
    if other is not None and other.quantity != target_model.quantity:
        raise ConfigError(
            f"{against}: scores {other.quantity.name}, and {model} {target_model.quantity.name}; their "
            "difference means nothing."
        )
    scores = target_model.score(given.smiles)
    rejections = all_rejections(given.rejections, scores.rejections)
    name_rejections(console, rejections, len(given.smiles), None)
    rows = [row for row in range(len(given.smiles)) if row not in rejections]
    if not rows:
        raise InputError(f"none of the {len(given.smiles):,} compounds can be used; the reasons are above.")
    near = target_model.nearest_landmarks([scores.smiles[row] for row in rows])
    explained = []
    with console.progress() as progress:
        tell = progress.rows("compounds explained", len(rows))
        for number, row in enumerate(rows):
            smiles = scores.smiles[row] or ""
            found = atom_contributions(target_model, smiles, orders=orders)
            if other is not None:
                found = found.minus(atom_contributions(other, smiles, orders=orders))
            explained.append(_Explained(row, given.names[row], found, near[number]))
            tell(number + 1)
    if out is not None:
        _write(out, target_model, other, scores, explained, overwrite=overwrite)
    if as_json:
        named = [_record(one, scores) for one in explained]
        titles = {"target": target_model.name, "against": None if other is None else other.name}
        refused = [as_record(one) for one in rejections.values()]
        console.result_json(titles | {"compounds": named, "rejected": refused})
    else:
        console.result("\n\n".join(_table(one) for one in explained))
    if out is not None:
        console.note(f"{min(len(explained), _MOST):,} compounds drawn on {out}")


def _record(one: _Explained, scores: Scores) -> dict[str, Any]:
    found = one.found
    return {
        "row": one.row + 1,
        "name": one.name,
        "smiles": found.smiles,
        "score": found.score,
        "baseline": found.baseline,
        "whole": found.whole,
        "atoms": found.atoms.tolist(),
        "standard_errors": found.errors.tolist(),
        "exact": found.is_exact,
        **told_interval(scores.intervals, one.row),
        "nearest_compound": None if one.nearest is None else one.nearest.smiles,
        "nearest_similarity": None if one.nearest is None else round(one.nearest.similarity, 4),
    }


def _table(one: _Explained) -> str:
    """The atoms of one compound, those that add most first."""
    found = one.found
    symbols = _symbols(found.smiles)
    order = sorted(range(len(symbols)), key=lambda atom: -abs(found.atoms[atom]))
    rows = [[f"{symbols[atom]} {atom + 1}", f"{found.atoms[atom]:+.3f}"] for atom in order[:10]]
    left = float(sum(found.atoms[atom] for atom in order[10:]))
    rows += [["other atoms", f"{left:+.3f}"]] if len(order) > 10 else []
    rows += [["said of no atom", f"{found.whole:+.3f}"]] if not found.is_exact else []
    rows += [["baseline", f"{found.baseline:.3f}"], ["score", f"{found.score:.3f}"]]
    title = " ".join(part for part in (one.name, found.smiles) if part)
    return f"{title}\n{aligned(['atom', 'adds'], rows, right={'adds'}, width=terminal_width())}"


def _symbols(smiles: str) -> list[str]:
    from hyperpcm.chem.atom_environments import atom_symbols

    return atom_symbols(smiles)


def _write(
    path: Path,
    target: TargetModel,
    other: TargetModel | None,
    scores: Scores,
    explained: Sequence[_Explained],
    *,
    overwrite: bool,
) -> None:
    """Draw compounds on a page: no script, nothing fetched, light and dark."""
    from hyperpcm.datasets.output_files import atomic_file

    page = page_environment().get_template("explain.html")
    text = page.render(
        title=score_title(target.quantity) + (" (logit)" if target.label_scale.binary else ""),
        target=target.name or "target",
        against=None if other is None else other.name or "another target",
        compounds=[_drawn(one, scores) for one in explained[:_MOST]],
        left_out=max(0, len(explained) - _MOST),
    )
    with atomic_file(path, overwrite=overwrite) as file:
        file.write(text.encode())


def _drawn(one: _Explained, scores: Scores) -> dict[str, object]:
    from markupsafe import Markup

    from hyperpcm.chem import depict_svg
    from hyperpcm.cli.gallery import nearness

    found, intervals = one.found, scores.intervals
    width, height = _DRAWING
    told = told_interval(intervals, one.row)
    return {
        "name": one.name or "",
        "smiles": found.smiles,
        "score": f"{found.score:.2f}",
        "baseline": f"{found.baseline:.2f}",
        "whole": f"{found.whole:+.2f}".replace("-0.00", "+0.00"),
        "largest": f"{max(map(abs, found.atoms.tolist()), default=0.0):.2f}",
        "exact": found.is_exact,
        "interval": f"{told['lower']:.2f} – {told['upper']:.2f}" if told else "",
        "level": f"{100 * told['level']:g}" if told else "",
        "domain": domain_in_words(intervals, one.row),
        "nearest": "" if one.nearest is None else nearness(found.smiles, one.nearest),
        "drawing": Markup(depict_svg(found.smiles, width=width, height=height, weights=found.atoms.tolist())),
    }
