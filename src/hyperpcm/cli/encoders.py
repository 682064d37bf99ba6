"""`hyperpcm encoders`: what turns compounds and targets into numbers, what it costs, and how to have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from hyperpcm.cli.console import Console
from hyperpcm.cli.tables import aligned, byte_count, terminal_width
from hyperpcm.errors import ConfigError

if TYPE_CHECKING:
    from hyperpcm.encoders.base import Encoder
    from hyperpcm.encoders.registry import EncoderEntry

__all__ = ["app", "fetch", "show"]

app = typer.Typer(invoke_without_command=True)

AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]


@app.callback()
def show(
    ctx: typer.Context,
    speed: Annotated[
        bool,
        typer.Option(
            "--speed", help="Measure items per second of those that are ready here; takes a few seconds."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List the encoders of compounds and targets, and fetch the weights of those that need some.

    A name can be given as encoders.compound or encoders.target in the settings of a run, alone or with
    others: --set "encoders.compound=['ecfp', 'maccs']".
    """
    if ctx.invoked_subcommand is not None:
        return
    from hyperpcm.encoders.registry import ENCODERS

    console: Console = ctx.obj
    found = [_record(entry, speed) for entry in ENCODERS.values()]
    if as_json:
        console.result_json(found)
        return
    header = ["name", "of", "width", "licence", "ready", *(["per second"] if speed else []), "what"]
    rows = [
        [
            one["name"],
            f"{one['side']}s",
            "references" if one["width"] is None else f"{one['width']:,}",
            one["licence"],
            "no" if one["lacks"] else "yes",
            *([_rate(one["items_per_second"])] if speed else []),
            one["summary"],
        ]
        for one in found
    ]
    console.result(
        aligned(header, rows, right={"width", "per second"}, flexible="what", width=terminal_width())
    )
    for one in found:
        if one["lacks"]:
            console.note(f"To have {one['name']}: {one['lacks']}")
    if any(entry.is_noncommercial for entry in ENCODERS.values()):
        console.note(
            "Licences with -NC- forbid commercial use; models trained on such encoders carry the mark."
        )
    if speed:
        console.note("One process; compounds are drugs, targets have 120 to 1,200 residues.")


@app.command()
def fetch(
    ctx: typer.Context,
    names: Annotated[list[str], typer.Argument(help="Names of encoders.", metavar="NAME...")],
    accept_noncommercial: Annotated[
        bool,
        typer.Option(
            "--accept-noncommercial",
            help="Accept licences that forbid commercial use; what they allow is shown without this.",
        ),
    ] = False,
) -> None:
    """Fetch the weights that encoders run on and verify them; what is here already is only verified.

    A folder named by HYPERPCM_MIRROR is looked in before the network. Prints where the weights are.
    """
    from hyperpcm.encoders.registry import entry_of
    from hyperpcm.encoders.weights.catalog import WEIGHTS

    console: Console = ctx.obj
    entries = [entry_of(name) for name in names]
    for entry in entries:
        if entry.weights is None:
            raise ConfigError(f"encoder {entry.name!r} needs no weights: it works as it is.")
    for entry in entries:
        weights = WEIGHTS[str(entry.weights)]
        console.note(f"{weights.name}: licence {weights.licence}; {weights.terms}")
        with console.progress() as progress:
            folder = weights.fetch(accept_noncommercial=accept_noncommercial, progress=progress)
        console.result(str(folder))
        lacks = entry.lacks()
        if lacks is not None:
            console.note(f"To use {entry.name}, also run: {lacks}")


def _rate(rate: float | None) -> str:
    return "–" if rate is None else f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"


def _record(entry: EncoderEntry, speed: bool) -> dict[str, Any]:
    """What there is to say of an encoder; an alignment is as wide as it has references."""
    from hyperpcm.encoders.weights.catalog import WEIGHTS

    lacks = entry.lacks()
    weights = None if entry.weights is None else WEIGHTS[entry.weights]
    record: dict[str, Any] = {
        "name": entry.name,
        "side": entry.side,
        "width": entry.width,
        "licence": entry.licence,
        "noncommercial": entry.is_noncommercial,
        "extra": entry.extra,
        "weights": None if weights is None else weights.source(),
        "download": None if weights is None else byte_count(weights.size),
        "ready": lacks is None,
        "lacks": lacks,
        "options": list(entry.options),
        "summary": entry.summary,
    }
    if speed:
        from hyperpcm.encoders.speed import items_per_second, sample_items

        record["items_per_second"] = (
            items_per_second(_built(entry), sample_items(entry.side)) if lacks is None else None
        )
    return record


def _built(entry: EncoderEntry) -> Encoder:
    from hyperpcm.encoders.registry import compound_encoder, target_encoder
    from hyperpcm.encoders.speed import sample_items

    if entry.side == "compound":
        return compound_encoder(entry.name)
    references = sample_items("target") if "references" in entry.options else None
    return target_encoder(entry.name, references=references)
