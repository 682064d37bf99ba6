"""The hits of a screen as a file, and the best of them as a page of drawings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from hyperpcm.cli.gallery import write_gallery
from hyperpcm.screening.hits_file import write_hits
from hyperpcm.target_model.told import score_title

if TYPE_CHECKING:
    from hyperpcm.datasets import Quantity
    from hyperpcm.screening import Backing, Hit

__all__ = ["write_results"]


def write_results(
    out: Path,
    hits: Mapping[str, Sequence[Hit]],
    quantity: Quantity,
    *,
    backing: Mapping[str, Backing],
    gallery: Path | None,
    library: Path,
    scored: int,
    precision: str = "float32",
    overwrite: bool,
) -> None:
    """Write the hits as a table, and the best of them as a page of drawings where one is wanted.

    Args:
        out: file of the table, as in `write_hits`.
        hits: of each target, the best first.
        quantity: what a score means.
        backing: what the hits of each target rest on.
        gallery: file of the page; None: none is drawn.
        library: what was screened.
        scored: how many of its rows were scored.
        precision: of the dense layers that gave the scores.
        overwrite: whether files that are there may be replaced.
    """
    write_hits(out, hits, quantity, backing=backing, precision=precision, overwrite=overwrite)
    if gallery is not None:
        write_gallery(
            gallery,
            hits,
            backing=backing,
            library=library.name,
            title=score_title(quantity),
            scored=scored,
            overwrite=overwrite,
        )
