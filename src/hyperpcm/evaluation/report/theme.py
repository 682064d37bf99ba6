"""Figures as SVG elements whose colours belong to the page, so that one drawing serves light and dark.

Figures are drawn in placeholder colours; each becomes a CSS variable that the page defines for both schemes.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from markupsafe import Markup

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["FIRST", "FOURTH", "GRID", "INK", "MUTED", "SECOND", "THIRD", "draw_svg"]

INK: Final = "#010203"
"""Text and lines that matter."""
MUTED: Final = "#010204"
"""Tick labels, axes and reference lines."""
GRID: Final = "#010205"
"""Grid lines."""
FIRST: Final = "#010206"
"""First series."""
SECOND: Final = "#010207"
"""Second series; told from the first by the colour-blind too."""
THIRD: Final = "#010208"
"""Third series; give it a marker of its own."""
FOURTH: Final = "#010209"
"""Fourth series; likewise."""

_VARIABLES: Final = MappingProxyType(
    {
        INK: "--ink",
        MUTED: "--muted",
        GRID: "--grid",
        FIRST: "--first",
        SECOND: "--second",
        THIRD: "--third",
        FOURTH: "--fourth",
    }
)
_DPI = 72  # the SVG backend draws in points
_IDENTIFIER = re.compile(r'(\bid="|href="#|url\(#)')
_LEFT_OUT = re.compile(r"<metadata>.*?</metadata>|<style\b.*?</style>|<!--.*?-->", re.DOTALL)
_SIZE = re.compile(r'<svg [^>]*?(viewBox="[^"]*")[^>]*>', re.DOTALL)


def draw_svg(name: str, draw: Callable[[Figure], None], *, width: float = 430, height: float = 320) -> Markup:
    """Give a figure as one ``<svg>`` element that takes the width of what it stands in.

    Identifiers begin with ``name``, so that figures can share a page. Text stays text, in the font of the
    page. Equal input gives equal text.

    Args:
        name: letters and hyphens, unique on the page.
        draw: fills the empty figure, in the colours of this module.
        width: size at which text has its nominal size, in pixels.
        height: likewise.
    """
    import matplotlib.style
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.style.context(["default", dict(_STYLE)]), warnings.catch_warnings():
        # Text is measured in matplotlib's font but set in that of the page, which may have the letter.
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        figure = Figure(figsize=(width / _DPI, height / _DPI), dpi=_DPI, layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure)
        stream = io.StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(stream, format="svg", transparent=True, metadata=nothing)
    return Markup(_for_page(stream.getvalue(), name))  # matplotlib escapes the text it writes


def _for_page(text: str, name: str) -> str:
    text = _LEFT_OUT.sub("", text[text.index("<svg") :])
    text = _IDENTIFIER.sub(rf"\g<1>{name}-", text)
    text = _SIZE.sub(
        r'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" \1>', text, 1
    )
    for placeholder, variable in _VARIABLES.items():
        text = text.replace(placeholder, f"var({variable})")
    return re.sub(r"\n\s*", "\n", text).strip()


_STYLE: Final[Mapping[Any, Any]] = MappingProxyType(
    {
        "svg.hashsalt": "hyperpcm",
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": 13.0,
        "text.color": INK,
        "text.parse_math": False,  # a quantity named "$x$" is a name, not a formula
        "axes.edgecolor": MUTED,
        "axes.labelcolor": INK,
        "axes.linewidth": 0.8,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "axes.unicode_minus": True,
        "axes.titlesize": 13.0,
        "axes.titlelocation": "left",
        "axes.facecolor": "none",
        "figure.facecolor": "none",
        "grid.color": GRID,
        "grid.linewidth": 0.8,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.major.size": 0.0,
        "ytick.major.size": 0.0,
        "lines.linewidth": 2.0,
        "lines.solid_capstyle": "round",
        "legend.frameon": False,
        "legend.fontsize": 12.5,
        "legend.handlelength": 1.4,
        "legend.columnspacing": 1.2,
    }
)
