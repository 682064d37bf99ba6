"""What people are told of a screen: the first hits, and how many rows were refused for what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Final

from hyperpcm.cli.console import Console
from hyperpcm.cli.tables import aligned, shortened, terminal_width
from hyperpcm.target_model.told import score_title

if TYPE_CHECKING:
    from hyperpcm.datasets import Quantity
    from hyperpcm.screening import Hit

__all__ = ["hits_table", "tell_refused"]

_SHOWN: Final = 5  # hits of each target in the table on stdout
_TARGETS: Final = 8  # targets in it


def hits_table(hits: Mapping[str, Sequence[Hit]], quantity: Quantity) -> str:
    """The best of the first targets as a table."""
    title = score_title(quantity)
    rows = [
        [shortened(target, 32), str(rank), f"{hit.score:.3f}", hit.name, hit.smiles]
        for target, found in list(hits.items())[:_TARGETS]
        for rank, hit in enumerate(found[:_SHOWN], start=1)
    ]
    header = ["target", "rank", title, "name", "SMILES"]
    return aligned(header, rows, right={"rank", title}, flexible="SMILES", width=terminal_width())


def tell_refused(console: Console, rows: int, refused: Mapping[str, int], *, done: str = "scored") -> None:
    """Say how many rows were refused, by reason; nothing where none was.

    Args:
        console: where to tell.
        rows: all rows.
        refused: how many were refused for each reason, by code.
        done: what is done with the others.
    """
    if refused:
        reasons = ", ".join(f"{code} {number:,}" for code, number in sorted(refused.items()))
        console.error(f"{sum(refused.values()):,} of {rows:,} rows cannot be {done}: {reasons}.")
