"""The model that is served, as its page shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from hyperpcm.web.pages.words import unit

if TYPE_CHECKING:
    from hyperpcm.web.answers import ModelAnswer

__all__ = ["markdown", "model_view"]


def model_view(model: ModelAnswer) -> dict[str, Any]:
    """Return what the template of the page needs."""
    quantity = model.quantity
    tiles = [
        (f"{model.known_targets:,}", "known targets"),
        (f"{model.known_compounds:,}", "known compounds"),
        (quantity.name, "is what a score means" + (f", in {unit(quantity)}" if unit(quantity) else "")),
    ]
    if model.library is not None:
        tiles.append((f"{model.library_rows or 0:,}", f"rows of the library {model.library}"))
    can = ["learns from measurements"] if model.can_adapt else []
    can += ["tells how far scores may be off"] if model.has_intervals else []
    can += ["tells what scores rest on"] if model.retrieves else []
    return {
        "lead": f"It {', '.join(can)}." if can else "",
        "tiles": tiles,
        "card": markdown(model.card.partition("\n")[2] if model.card.startswith("# ") else model.card),
        "card_title": model.card.partition("\n")[0].removeprefix("# "),
        "report": model.has_report,
    }


def markdown(text: str) -> Markup:
    """Return Markdown with tables as HTML; HTML in it is shown as text, and a link that runs code is none.

    >>> str(markdown("<b>& *so*"))
    '<p>&lt;b&gt;&amp; <em>so</em></p>\\n'
    """
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
    return Markup(reader.render(text))  # escapes what it does not make itself
