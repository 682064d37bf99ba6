"""The best hits of a screen drawn on a page: no script, nothing fetched, light and dark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hyperpcm.cli.intervals import domain_in_words, interval_cells
from hyperpcm.cli.pages import page_environment

if TYPE_CHECKING:
    from hyperpcm.screening import Backing, Hit
    from hyperpcm.target_model import NearestLandmark

__all__ = ["nearness", "write_gallery"]

_DRAWN: Final = 48  # hits of each target
_TARGETS: Final = 20  # targets on one page
_NEARNESS: Final = (  # from which similarity on, by Morgan fingerprints; a convention of this page
    (0.7, "a close analogue of a training compound"),
    (0.4, "related to a training compound"),
)


def write_gallery(
    path: Path,
    hits: Mapping[str, Sequence[Hit]],
    *,
    backing: Mapping[str, Backing],
    library: str,
    title: str,
    scored: int,
    overwrite: bool,
) -> None:
    """Draw the best hits of each target.

    Args:
        path: of the page, ``.html`` by custom.
        hits: of each target, the best first; the first 48 of the first 20 targets are drawn.
        backing: what the hits of each target rest on.
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
            "hits": [_drawn(rank, hit, backing[name]) for rank, hit in enumerate(found[:_DRAWN], start=1)],
        }
        for name, found in list(hits.items())[:_TARGETS]
    ]
    told = any(one is not None for found in backing.values() for one in found.nearest)
    levels = {found.intervals.level for found in backing.values() if found.intervals is not None}
    page = page_environment().get_template("gallery.html")
    text = page.render(
        library=library, title=title, scored=f"{scored:,}", targets=targets, told=told, levels=levels
    )
    with atomic_file(path, overwrite=overwrite) as file:
        file.write(text.encode())


def _shown(number: int) -> str:
    if number <= _DRAWN:
        return f"{number:,} hits."
    return f"The best {_DRAWN} of {number:,} hits."


def _drawn(rank: int, hit: Hit, backing: Backing) -> dict[str, object]:
    from markupsafe import Markup

    from hyperpcm.chem import depict_svg

    nearest = backing.nearest[rank - 1]

    return {
        "rank": rank,
        "score": f"{hit.score:.2f}",
        "interval": " ".join(interval_cells(backing.intervals, rank - 1)[:1]),
        "domain": domain_in_words(backing.intervals, rank - 1),
        "name": hit.name,
        "smiles": hit.smiles,
        "nearest": "" if nearest is None else nearness(hit.smiles, nearest),
        "nearest_smiles": "" if nearest is None or nearest.smiles == hit.smiles else nearest.smiles,
        "drawing": Markup(depict_svg(hit.smiles, width=260, height=180)),  # drawn from atoms
    }


def nearness(smiles: str, nearest: NearestLandmark) -> str:
    """What the similarity to the nearest training compound amounts to, in words.

    >>> from hyperpcm.target_model import NearestLandmark
    >>> nearness("CCO", NearestLandmark("CCCO", 0.56))
    'related to a training compound, similarity 0.56'
    """
    if nearest.smiles == smiles:
        return "a training compound"
    for least, words in _NEARNESS:
        if nearest.similarity >= least:
            return f"{words}, similarity {nearest.similarity:.2f}"
    return f"unlike all training compounds kept, nearest {nearest.similarity:.2f}"
