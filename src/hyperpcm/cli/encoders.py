"""`hyperpcm encoders`: what turns compounds and targets into numbers, what it costs, and how to have it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hyperpcm.cli.arguments import AsJson
from hyperpcm.cli.console import Console
from hyperpcm.cli.tables import aligned, byte_count, terminal_width
from hyperpcm.errors import ConfigError

if TYPE_CHECKING:
    from hyperpcm.encoders.base import Encoder
    from hyperpcm.encoders.table import EncoderEntry
    from hyperpcm.encoders.weights.base import Weights

__all__ = ["app", "fetch", "show"]

app = typer.Typer(invoke_without_command=True)


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
    from hyperpcm.encoders.table import ENCODERS

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
            _width(one),
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
    for command, names in _missing(found).items():
        console.note(f"To have {', '.join(names)}: {command}")
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
    revision: Annotated[
        str | None,
        typer.Option(
            "--revision",
            help="Of a transformer: another commit, or a branch, whose commit is then noted.",
            metavar="COMMIT",
        ),
    ] = None,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="Copy a transformer from this folder, or a network of yours, instead of fetching it.",
        ),
    ] = None,
) -> None:
    """Fetch the weights that encoders run on and verify them; what is here already is only verified.

    A folder named by HYPERPCM_MIRROR is looked in before the network. Prints where the weights are.
    """
    from hyperpcm.encoders.table import entry_of

    console: Console = ctx.obj
    entries = [entry_of(name) for name in names]
    if source is not None and len(entries) > 1:
        raise ConfigError(f"--from is for one encoder, and {len(entries)} are named.")
    if source is not None and entries[0].is_of_the_user:
        _keep(console, entries[0], source)
        return
    for entry in entries:
        if entry.is_of_the_user:
            what = "folder" if "folder" in entry.options else "file"
            raise ConfigError(
                f"encoder {entry.name!r} is a {what} of your own: give it with --from {what.upper()}."
            )
        if entry.weights is None:
            raise ConfigError(f"encoder {entry.name!r} needs no weights: it works as it is.")
    for entry, weights in [(entry, _asked(entry, revision, source)) for entry in entries]:
        console.note(f"{weights.name}: licence {weights.licence}; {weights.terms}")
        with console.progress() as progress:
            folder = weights.fetch(accept_noncommercial=accept_noncommercial, progress=progress)
        console.result(str(folder))
        lacks = entry.lacks()
        if lacks is not None:
            console.note(f"To use {entry.name}, also run: {lacks}")


def _missing(found: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Encoders that are not ready, by the command that they need; NAME stands for each one's own name."""
    missing: dict[str, list[str]] = {}
    for one in found:
        if one["lacks"]:
            missing.setdefault(one["lacks"].replace(f" {one['name']}", " NAME"), []).append(one["name"])
    return {
        command.replace(" NAME", f" {names[0]}") if len(names) == 1 else command: names
        for command, names in missing.items()
    }


def _asked(entry: EncoderEntry, revision: str | None, source: Path | None) -> Weights:
    """The weights of an encoder, of the revision or out of the folder that the user names."""
    from hyperpcm.encoders.weights.catalog import WEIGHTS
    from hyperpcm.encoders.weights.hub import HubWeights

    weights = WEIGHTS[str(entry.weights)]
    if isinstance(weights, HubWeights):
        return weights.asked(revision=revision, folder=source)
    if revision is not None or source is not None:
        raise ConfigError(f"encoder {entry.name!r} is no transformer: --revision and --from do not apply.")
    return weights


def _keep(console: Console, entry: EncoderEntry, source: Path) -> None:
    """Copy a network of the user's own into the data folder, where its content finds it."""
    from hyperpcm.encoders.registry import build_encoder
    from hyperpcm.encoders.weights.folders import keep_folder
    from hyperpcm.encoders.weights.kept_files import kept_file

    if "folder" in entry.options:
        kept = keep_folder(source)
    else:
        content = build_encoder({"encoder": entry.name, "file": str(source)}).options()["content"]
        kept = kept_file(str(content), entry.name)
    console.result(str(kept))
    console.note(f"Its content, which a spec of an encoder holds, is {kept.name}.")


def _width(one: dict[str, Any]) -> str:
    if one["width"] is not None:
        return f"{one['width']:,}"
    return "references" if "references" in one["options"] else "its own"


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
            items_per_second(_built(entry), sample_items(entry.side))
            if lacks is None and not entry.is_of_the_user
            else None
        )
    return record


def _built(entry: EncoderEntry) -> Encoder:
    from hyperpcm.encoders.registry import compound_encoder, target_encoder
    from hyperpcm.encoders.speed import sample_items

    if entry.side == "compound":
        return compound_encoder(entry.name)
    references = sample_items("target") if "references" in entry.options else None
    return target_encoder(entry.name, references=references)
