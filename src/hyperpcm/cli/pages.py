"""The templates of pages that the command line writes."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["page_environment"]

_ROOMS: Final = ("cli", "evaluation.report", "trust")  # whose templates there are


@cache
def page_environment() -> Environment:
    """Return the templates of the command line, those of the report, whose looks they share, and of cards."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=ChoiceLoader([PackageLoader(f"hyperpcm.{room}") for room in _ROOMS]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
