"""What a panel says of compounds, as tables of the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hyperpcm.cli.tables import aligned, shortened, terminal_width
from hyperpcm.target_model.told import score_title

if TYPE_CHECKING:
    from hyperpcm.screening.panel_findings import PanelFindings

__all__ = ["fishing_table", "selectivity_table"]

_LONGEST: Final = 32  # letters of the name of a target in a table


def selectivity_table(found: PanelFindings, top: int) -> str:
    """A row for each compound, in the order of `order`."""
    title = score_title(found.scores.quantity)
    wanted = "" if found.wanted is None else _target(found, found.wanted)
    header = ["rank", *([] if found.wanted is None else ["window", wanted])]
    header += ["strongest target", title, *([] if found.share is None else ["S"])]
    header += [*([] if found.entropy is None else ["entropy"]), "compound"]
    rows = []
    for rank, row in enumerate(found.order()[:top], start=1):
        cells = [str(rank)]
        if found.window is not None and found.wanted is not None:
            cells += [f"{found.window[row]:+.2f}", f"{found.values[found.wanted, row]:.2f}"]
        best = int(found.strongest[row])
        cells += [_target(found, best), f"{found.values[best, row]:.2f}"]
        cells += [] if found.share is None else [f"{found.share[row]:.2f}"]
        cells += [] if found.entropy is None else [f"{found.entropy[row]:.2f}"]
        rows.append([*cells, found.name(row)])
    right = {"rank", "window", title, "S", "entropy", wanted}
    return aligned(header, rows, right=right, flexible="compound", width=terminal_width())


def fishing_table(found: PanelFindings, top: int) -> str:
    """A row for each compound and target, as `catches` has them."""
    title = score_title(found.scores.quantity)
    header = ["compound", "rank", "target", title, "above usual"]
    rows = [
        [
            found.name(row),
            str(rank),
            _target(found, target),
            f"{found.values[target, row]:.2f}",
            f"{z:+.2f}",
        ]
        for row, targets in found.catches(top)
        for rank, (target, z) in enumerate(targets, start=1)
    ]
    return aligned(
        header, rows, right={"rank", title, "above usual"}, flexible="compound", width=terminal_width()
    )


def _target(found: PanelFindings, place: int) -> str:
    return shortened(found.scores.targets[place], _LONGEST)
