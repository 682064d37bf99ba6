"""The best hits of a screen drawn on a page: no script, nothing fetched, light and dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from jinja2 import Environment

    from hyperpcm.screening import Hit

__all__ = ["write_gallery"]

_DRAWN: Final = 48  # hits of each target
_TARGETS: Final = 20  # targets on one page


def write_gallery(
    path: Path,
    hits: Mapping[str, Sequence[Hit]],
    *,
    library: str,
    title: str,
    scored: int,
    overwrite: bool,
) -> None:
    """Draw the best hits of each target.

    Args:
        path: of the page, ``.html`` by custom.
        hits: of each target, the best first; the first 48 of the first 20 targets are drawn.
        library: what the library is called.
        title: what a score is.
        scored: compounds of the library that were scored.
        overwrite: whether a file that is there may be replaced.

    Raises:
        OutputError: the path exists and ``overwrite`` is not set, or it cannot be written.
        DiskFullError: no space is left; what was at the path before is still there.
    """
    from hyperpcm.datasets.output_files import atomic_file

    targets = [
        {
            "name": name,
            "shown": _shown(len(found)),
            "hits": [_drawn(rank, hit) for rank, hit in enumerate(found[:_DRAWN], start=1)],
        }
        for name, found in list(hits.items())[:_TARGETS]
    ]
    page = _environment().get_template("gallery.html")
    text = page.render(library=library, title=title, scored=f"{scored:,}", targets=targets)
    with atomic_file(path, overwrite=overwrite) as file:
        file.write(text.encode())


def _shown(number: int) -> str:
    if number <= _DRAWN:
        return f"{number:,} hits."
    return f"The best {_DRAWN} of {number:,} hits."


def _drawn(rank: int, hit: Hit) -> dict[str, object]:
    from markupsafe import Markup

    from hyperpcm.chem import depict_svg

    return {
        "rank": rank,
        "score": f"{hit.score:.2f}",
        "name": hit.name,
        "smiles": hit.smiles,
        "drawing": Markup(depict_svg(hit.smiles, width=260, height=180)),  # drawn from atoms
    }


@cache
def _environment() -> Environment:
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=ChoiceLoader([PackageLoader("hyperpcm.cli"), PackageLoader("hyperpcm.evaluation.report")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
