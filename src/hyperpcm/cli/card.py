"""`hyperpcm card`: what a model file says about itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hyperpcm.cli.console import Console
from hyperpcm.errors import InputError
from hyperpcm.training.model_source import model_source

__all__ = ["card"]


def card(
    ctx: typer.Context,
    model: Annotated[Path, typer.Argument(help="Run, trained model, or compiled target (.hpcm).")],
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Show the card of a model: what it learned from, how far to believe it, and what it is not for.

    The card is Markdown and lies in the file itself.
    """
    from hyperpcm.checkpoint import load_target_model

    console: Console = ctx.obj
    source = model_source(model)
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
