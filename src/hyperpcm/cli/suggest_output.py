"""A batch to be measured as a file, as a table on the terminal and as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hyperpcm.cli.tables import aligned, terminal_width
from hyperpcm.screening.hits_file import SDF_ENDINGS, write_sdf
from hyperpcm.target_model.told import INTERVAL_COLUMNS, score_title, told_interval

if TYPE_CHECKING:
    from hyperpcm.adaptation import Suggestion
    from hyperpcm.target_model import Intervals, TargetModel

__all__ = ["suggestion_record", "suggestion_table", "write_suggestion"]

_SCHEMA: Final[dict[str, type]] = {
    "target": str,
    "rank": int,
    "score": float,
    "deviation": float,
    "top_chance": float,
    "unadapted_score": float,
    "quantity": str,
    "strategy": str,
    "smiles": str,
    "name": str,
    "row": int,
    "price": float,
    **INTERVAL_COLUMNS,
}


def write_suggestion(
    path: Path, model: TargetModel, found: Suggestion, intervals: Intervals | None, *, overwrite: bool
) -> None:
    """Write a batch in the order of choice.

    Args:
        path: of the file; its ending says the format.
        model: the target.
        found: the batch.
        intervals: of its compounds; None where the model was not calibrated.
        overwrite: whether a file that is there may be replaced.
    """
    lines = _lines(model, found, intervals)
    if path.suffix.lower() in SDF_ENDINGS:
        write_sdf(path, lines, overwrite=overwrite)
        return
    from hyperpcm.datasets.output import TableWriter

    with TableWriter(path, _SCHEMA, overwrite=overwrite) as writer:
        writer.write({name: [line[name] for line in lines] for name in _SCHEMA})


def suggestion_record(model: TargetModel, found: Suggestion, intervals: Intervals | None) -> dict[str, Any]:
    """Return a batch as JSON values."""
    adaptation, outlook = model.adaptation, found.outlook
    return {
        "target": model.name,
        "quantity": model.quantity.name,
        "strategy": found.strategy,
        "measurements": 0 if adaptation is None else len(adaptation.measurements),
        "candidates": found.candidates,
        "batch": _lines(model, found, intervals),
        "outlook": None
        if outlook is None
        else outlook.record() | {"sentence": outlook.sentence(model.quantity)},
    }


def suggestion_table(model: TargetModel, found: Suggestion) -> str:
    """Return a batch as the terminal shows it."""
    title = score_title(model.quantity)
    named, priced = any(found.compounds.names), found.prices is not None and bool(found.prices.any())
    sure = ["±", "top 1 %"] if found.deviation is not None else []
    header = ["rank", title, *sure, *(["price"] if priced else []), *(["name"] if named else [])]
    rows = [
        [
            str(line["rank"]),
            f"{line['score']:.3f}",
            *([f"{line['deviation']:.2f}", f"{100 * line['top_chance']:.0f} %"] if sure else []),
            *([f"{line['price']:.2f}"] if priced else []),
            *([line["name"]] if named else []),
            line["smiles"],
        ]
        for line in _lines(model, found, None)
    ]
    right = {"rank", title, "±", "top 1 %", "price"}
    return aligned([*header, "SMILES"], rows, right=right, flexible="SMILES", width=terminal_width())


def _lines(model: TargetModel, found: Suggestion, intervals: Intervals | None) -> list[dict[str, Any]]:
    """Each compound with the columns of `_SCHEMA`."""
    compounds = found.compounds
    return [
        {
            "target": model.name,
            "rank": place + 1,
            "score": float(found.mean[place]),
            "deviation": None if found.deviation is None else float(found.deviation[place]),
            "top_chance": None if found.chance is None else float(found.chance[place]),
            "unadapted_score": float(compounds.scores[place]),
            "quantity": model.quantity.name,
            "strategy": found.strategy,
            "smiles": compounds.smiles[place],
            "name": compounds.names[place],
            "row": int(compounds.rows[place]) + 1,
            "price": None if found.prices is None else float(found.prices[place]),
            **(told_interval(intervals, place) or dict.fromkeys(INTERVAL_COLUMNS)),
        }
        for place in range(len(found))
    ]
