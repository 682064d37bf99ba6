"""How a page is put together: its templates, and what stands on all of them."""

from __future__ import annotations

from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from hyperpcm.web.pages.files import address
from hyperpcm.web.pages.words import VERDICTS

if TYPE_CHECKING:
    from fastapi.responses import HTMLResponse
    from jinja2 import Environment

__all__ = ["PAGES", "environment", "page"]

PAGES: Final = (
    ("/", "Screen"),
    ("/compound", "Compound"),
    ("/evidence", "Evidence"),
    ("/adapt", "Adapt"),
    ("/model", "Model"),
)
"""Address and name of each page in the bar on top."""
_EMPTY: Final = MappingProxyType({"error": None, "here": "", "serving": "", "pages": PAGES})


@cache
def environment() -> Environment:
    """Return the templates: all text is escaped, and a name that is not given is an error."""
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    found = Environment(
        loader=ChoiceLoader([PackageLoader("hyperpcm.web"), PackageLoader("hyperpcm.trust")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals |= {"static": address, "verdicts": VERDICTS}
    return found


def page(template: str, *, status: int = 200, **shown: Any) -> HTMLResponse:
    """Return a page.

    Args:
        template: its file.
        status: of the response.
        shown: what the template needs, beside what all need.
    """
    from fastapi.responses import HTMLResponse

    text = environment().get_template(template).render({**_EMPTY, **shown})
    # What was asked stays between the reader and the server: no cache in between keeps it.
    return HTMLResponse(text, status_code=status, headers={"Cache-Control": "no-store"})
