"""A heat map of scores, targets by compounds, with those that behave alike side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt

from hyperpcm.datasets.output_files import atomic_file
from hyperpcm.errors import OutputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["HEAT_MAP_ENDINGS", "check_heat_map", "clustered_order", "draw_heat_map"]

HEAT_MAP_ENDINGS: Final = (".png", ".svg", ".pdf")
"""Kinds of files that a heat map is drawn into."""

_MOST: Final = 4000  # of one axis: their distances to one another are held at once
_NAMED: Final = 80  # more than that many names of one axis could not be read
_LONGEST: Final = 28  # letters of a name that are shown
_INCHES: Final = 0.17  # of one named row or column
_MARGIN: Final = 2.4


def clustered_order(scores: npt.NDArray[np.floating]) -> npt.NDArray[np.int64]:
    """Return the order of the rows in which those that are alike stand together [t].

    Average linkage on Euclidean distances, leaves in the order in which neighbours are nearest.

    Args:
        scores: [t, n], finite; at most 4,000 rows.

    Source:
        Bar-Joseph, Gifford and Jaakkola, Bioinformatics 2001, 17, S22 (the order of the leaves).

    Example:
        >>> order = clustered_order(np.array([[0.0], [9.0], [0.1], [9.1]])).tolist()
        >>> set(order[:2]) in ({0, 2}, {1, 3})
        True
    """
    from scipy.cluster.hierarchy import leaves_list, linkage

    if len(scores) < 3:
        return np.arange(len(scores))
    tree = linkage(scores.astype(np.float64), method="average", optimal_ordering=len(scores) <= _MOST // 8)
    return np.asarray(leaves_list(tree), dtype=np.int64)


def draw_heat_map(
    path: Path,
    scores: npt.NDArray[np.floating],
    targets: Sequence[str],
    compounds: Sequence[str],
    *,
    title: str,
    overwrite: bool = False,
) -> None:
    """Draw scores, targets by compounds, both clustered.

    Compounds without a score are left out. Names are written where there are few enough to read them.

    Args:
        path: of the picture; .png, .svg or .pdf.
        scores: [t, n].
        targets: name of each row.
        compounds: name of each column.
        title: what a score is.
        overwrite: whether a file that is there may be replaced.

    Raises:
        OutputError: another ending, no compound has a score, or more targets or compounds than can be
            clustered; the path exists and ``overwrite`` is not set, or it cannot be written.
    """
    check_heat_map(path)
    usable = np.flatnonzero(np.isfinite(scores).all(0))
    if not len(usable):
        raise OutputError(f"{path}: no compound has a score, so there is nothing to draw.")
    if max(len(targets), len(usable)) > _MOST:
        raise OutputError(
            f"{path}: {len(targets):,} targets × {len(usable):,} compounds are too many for one picture; at "
            f"most {_MOST:,} of each are clustered. Draw a part of them."
        )
    shown = scores[:, usable]
    rows, columns = clustered_order(shown), clustered_order(shown.T)
    names = ([targets[row] for row in rows], [compounds[usable[column]] for column in columns])
    _draw(path, shown[np.ix_(rows, columns)], names, title, overwrite=overwrite)


def check_heat_map(path: Path) -> None:
    """Refuse a path whose ending is no kind of picture.

    Raises:
        OutputError: the message names the endings.
    """
    if path.suffix.lower() not in HEAT_MAP_ENDINGS:
        raise OutputError(
            f"{path}: a heat map is drawn into {', '.join(HEAT_MAP_ENDINGS)}; choose one of them."
        )


def _draw(
    path: Path,
    shown: npt.NDArray[np.floating],
    names: tuple[list[str], list[str]],
    title: str,
    *,
    overwrite: bool,
) -> None:
    import matplotlib.style
    from matplotlib.figure import Figure

    height, width = (_MARGIN + _INCHES * min(len(own), _NAMED) for own in names)
    settings: dict[Any, Any] = {"font.size": 8.0, "text.parse_math": False, "svg.hashsalt": "hyperpcm"}
    with matplotlib.style.context(["default", settings]):
        figure = Figure(figsize=(max(width, 5.0), max(height, 3.5)), dpi=150, layout="constrained")
        axes = figure.add_subplot()
        image = axes.imshow(shown, aspect="auto", cmap="viridis", interpolation="nearest")
        figure.colorbar(image, ax=axes, label=title, fraction=0.05)
        _label(axes, names)
        kind = path.suffix.lower()[1:]
        metadata = {"png": {"Software": None}, "svg": {"Date": None}, "pdf": {"CreationDate": None}}[kind]
        with atomic_file(path, overwrite=overwrite) as stream:
            figure.savefig(stream, format=kind, metadata=metadata)


def _label(axes: Axes, names: tuple[list[str], list[str]]) -> None:
    targets, compounds = ([_short(name) for name in own] for own in names)
    if len(targets) <= _NAMED:
        axes.set_yticks(range(len(targets)), targets)
    else:
        axes.set_yticks([])
        axes.set_ylabel(f"{len(targets):,} targets")
    if len(compounds) <= _NAMED:
        axes.set_xticks(range(len(compounds)), compounds, rotation=90)
    else:
        axes.set_xticks([])
        axes.set_xlabel(f"{len(compounds):,} compounds")
    axes.tick_params(length=0)


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
