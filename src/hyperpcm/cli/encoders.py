"""`hyperpcm encoders`: what turns compounds and targets into numbers, and what each of them costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from hyperpcm.cli.console import Console
from hyperpcm.cli.tables import aligned, terminal_width

if TYPE_CHECKING:
    from hyperpcm.encoders.base import Encoder
    from hyperpcm.encoders.registry import EncoderEntry

__all__ = ["show"]


def show(
    ctx: typer.Context,
    speed: Annotated[
        bool, typer.Option("--speed", help="Measure items per second on this machine; takes a few seconds.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List the encoders of compounds and targets.

    A name can be given as encoders.compound or encoders.target in the settings of a run, alone or with
    others: --set "encoders.compound=['ecfp', 'maccs']".
    """
    from hyperpcm.encoders.registry import ENCODERS

    console: Console = ctx.obj
    found = [_record(entry, speed) for entry in ENCODERS.values()]
    if as_json:
        console.result_json(found)
        return
    header = ["name", "of", "width", "licence", *(["per second"] if speed else []), "what"]
    rows = [
        [
            one["name"],
            f"{one['side']}s",
            "references" if one["width"] is None else f"{one['width']:,}",
            one["licence"],
            *([f"{one['items_per_second']:,.0f}"] if speed else []),
            one["summary"],
        ]
        for one in found
    ]
    console.result(
        aligned(header, rows, right={"width", "per second"}, flexible="what", width=terminal_width())
    )
    if speed:
        console.note("One process; compounds are drugs, targets have 120 to 1,200 residues.")


def _record(entry: EncoderEntry, speed: bool) -> dict[str, Any]:
    """What there is to say of an encoder; an alignment is as wide as it has references."""
    encoder = _built(entry)
    record: dict[str, Any] = {
        "name": entry.name,
        "side": entry.side,
        "width": None if "references" in entry.options else encoder.width,
        "licence": entry.licence,
        "options": list(entry.options),
        "summary": entry.summary,
    }
    if speed:
        from hyperpcm.encoders.speed import items_per_second, sample_items

        record["items_per_second"] = items_per_second(encoder, sample_items(entry.side))
    return record


def _built(entry: EncoderEntry) -> Encoder:
    from hyperpcm.encoders.registry import compound_encoder, target_encoder
    from hyperpcm.encoders.speed import sample_items

    if entry.side == "compound":
        return compound_encoder(entry.name)
    references = sample_items("target") if "references" in entry.options else None
    return target_encoder(entry.name, references=references)
