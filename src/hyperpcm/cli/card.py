"""`hyperpcm card`: what a model file says about itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hyperpcm.cli.console import Console
from hyperpcm.cli.which_model import asked_model
from hyperpcm.errors import InputError

__all__ = ["card"]


def card(
    ctx: typer.Context,
    model: Annotated[
        Path | None,
        typer.Argument(
            help="Run, trained model or its name, or compiled target (.hpcm); the default model otherwise."
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show the card of a model: what it learned from, how far to believe it, and what it is not for.

    The card is Markdown and lies in the file itself.
    """
    from hyperpcm.checkpoint import load_target_model

    console: Console = ctx.obj
    source = asked_model(console, model)
    if source.is_target:
        from hyperpcm.target_model.card import target_card_text

        target = load_target_model(source.path)
        text, record = target_card_text(target), target.provenance
    else:
        record = source.load().card
        text = record.get("text", "")
    if not as_json and not text:
        raise InputError(f"{source}: this file was written without a card; --json shows what it does say.")
    if as_json:
        console.result_json(dict(record))
    else:
        console.result(text.rstrip())
