"""What a memory holds, as tables, files and JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hyperpcm.cli.console import Console, printable
from hyperpcm.cli.tables import aligned, terminal_width
from hyperpcm.target_model.told import score_title

if TYPE_CHECKING:
    from collections.abc import Mapping

    from hyperpcm.datasets.output import Column
    from hyperpcm.model import HyperPCM

__all__ = ["show_target", "show_targets"]

_TARGETS: Final[dict[str, type]] = {
    "target": str,
    "labels": int,
    "lowest": float,
    "highest": float,
    "residues": int,
    "sources": str,
    "sequence": str,
}
_LABELS: Final[dict[str, type]] = {"smiles": str, "label": float, "quantity": str, "sources": str}


def show_targets(
    console: Console, model: HyperPCM, out: Path | None, *, overwrite: bool, as_json: bool
) -> None:
    """List the known targets of a model, and write them to a file where one is named.

    Raises:
        OutputError: the file may not be written.
        DiskFullError: no space is left.
    """
    from hyperpcm.model.listing import known_targets

    rows: list[dict[str, Any]] = [
        {
            "target": one.name,
            "labels": one.labels,
            "lowest": one.lowest,
            "highest": one.highest,
            "residues": len(one.sequence),
            "sources": one.sources,
            "sequence": one.sequence,
        }
        for one in known_targets(model)
    ]
    if out is not None:
        told = [row | {"sources": "|".join(row["sources"])} for row in rows]
        _write(out, _TARGETS, told, overwrite=overwrite)
    if as_json:
        console.result_json({"quantity": model.quantity.name, "targets": rows, "overlays": _overlays(model)})
    else:
        header = ["target", "labels", "lowest", "highest", "residues", "from"]
        cells = [
            [
                printable(row["target"]),
                f"{row['labels']:,}",
                _number(row["lowest"]),
                _number(row["highest"]),
                f"{row['residues']:,}",
                ", ".join(f"{printable(name)} ({count:,})" for name, count in row["sources"].items()),
            ]
            for row in rows
        ]
        right = set(header[1:5])
        console.result(aligned(header, cells, right=right, flexible="target", width=terminal_width()))
        compounds, labels = len(model.landmark_compounds), len(model.memory_values)
        console.note(f"{len(rows):,} targets, {compounds:,} compounds, {labels:,} labels")
    if out is not None:
        console.note(f"{len(rows):,} rows written to {out}")


def show_target(
    console: Console, model: HyperPCM, row: int, out: Path | None, *, overwrite: bool, as_json: bool
) -> None:
    """List the measured compounds of one known target, and write them to a file where one is named.

    Raises:
        OutputError: the file may not be written.
        DiskFullError: no space is left.
    """
    from hyperpcm.model.listing import known_labels

    found = known_labels(model, row)
    rows: list[dict[str, Any]] = [
        {
            "smiles": one.smiles,
            "label": round(one.label, 6),
            "quantity": model.quantity.name,
            "sources": list(one.sources),
        }
        for one in found
    ]
    if out is not None:
        _write(
            out, _LABELS, [one | {"sources": "|".join(one["sources"])} for one in rows], overwrite=overwrite
        )
    if as_json:
        console.result_json(
            {"target": model.memory_names[row], "sequence": model.memory_sequences[row], "labels": rows}
        )
    else:
        title = score_title(model.quantity) if model.quantity.kind != "binary" else "class"
        cells = [
            [f"{one['label']:.3f}", ", ".join(map(printable, one["sources"])), one["smiles"]] for one in rows
        ]
        header = [title, "from", "SMILES"]
        console.result(aligned(header, cells, right={title}, flexible="SMILES", width=terminal_width()))
    if out is not None:
        console.note(f"{len(rows):,} rows written to {out}")


def _write(path: Path, schema: Mapping[str, type], rows: list[dict[str, Any]], *, overwrite: bool) -> None:
    from hyperpcm.datasets.output import TableWriter

    columns: dict[str, Column] = {name: [row[name] for row in rows] for name in schema}
    with TableWriter(path, schema, overwrite=overwrite) as writer:
        writer.write(columns)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _overlays(model: HyperPCM) -> list[dict[str, Any]]:
    return [
        {**one.origin, "name": one.name, "labels": len(one), "targets": len(one.sequences)}
        for one in model.overlays
    ]
