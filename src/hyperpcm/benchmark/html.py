"""A benchmark's view as one HTML file: no script, nothing fetched, light and dark."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from hyperpcm.benchmark.markdown import SIGNS
from hyperpcm.benchmark.view import TableView
from hyperpcm.datasets.output_files import atomic_file
from hyperpcm.evaluation.report.words import page_value

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["html", "write_html"]


def html(view: TableView) -> str:
    """The page; all text from files is escaped."""
    return _environment().get_template("table.html").render(view=view, signs=SIGNS)


def write_html(view: TableView, path: Path) -> None:
    """Write the page, whole or not at all; one that is there is replaced.

    Raises:
        OutputError: the folder is not there or cannot be written to.
        DiskFullError: no space is left.
    """
    page = html(view).encode()
    with atomic_file(path, overwrite=True) as stream:
        stream.write(page)


@cache
def _environment() -> Environment:
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=ChoiceLoader(
            [PackageLoader("hyperpcm.benchmark"), PackageLoader("hyperpcm.evaluation.report")]
        ),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=page_value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
