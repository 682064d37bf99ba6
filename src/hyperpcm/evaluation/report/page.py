"""The page itself: the views of all sections, laid out by one template."""

from __future__ import annotations

import json
import logging
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hyperpcm.datasets.output_files import atomic_file
from hyperpcm.evaluation.report.document import report_document
from hyperpcm.evaluation.report.evidence import compiled_view, test_view
from hyperpcm.evaluation.report.inputs import ReportInputs
from hyperpcm.evaluation.report.mutants import mutants_view
from hyperpcm.evaluation.report.plain import plain_words
from hyperpcm.evaluation.report.record import data_view, flattened, rejections_view, split_view, training_view
from hyperpcm.evaluation.report.skill import skill_view, tiles
from hyperpcm.evaluation.report.trust import trust_view
from hyperpcm.evaluation.report.words import page_value

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["render_report", "write_report"]

logger = logging.getLogger(__name__)


def render_report(inputs: ReportInputs) -> str:
    """The report as one HTML page: no script, no other file, nothing fetched.

    It follows the light or dark preference of its reader, fits a phone, and tells series apart by more than
    hue. All text from outside is escaped. Equal inputs give equal pages; some seconds at most, below 3 MB.

    Raises:
        LabelError: labels and scores of the test side contradict each other (see `ScoredRows`).
    """
    quantity = inputs.data.quantity
    compiled = inputs.compiled
    views: dict[str, Any] = {
        "title": inputs.title,
        "model": inputs.model,
        "warnings": list(inputs.warnings),
        "tiles": tiles(inputs.results, inputs.model, quantity),
        "data": data_view(inputs.data),
        "split": None if inputs.split is None else split_view(inputs.split),
        "training": None if inputs.training is None else training_view(inputs.training),
        "skill": skill_view(inputs.results, inputs.model, quantity) if inputs.results else None,
        "test": None if inputs.test is None else test_view(inputs.test, quantity),
        "words": plain_words(inputs),
        "trust": None
        if inputs.trust is None or inputs.test is None
        else trust_view(inputs.trust, inputs.test),
        "mutants": None
        if inputs.mutants is None or not (inputs.mutants.new or inputs.mutants.known)
        else mutants_view(inputs.mutants, quantity),
        "compiled": None if compiled is None else compiled_view(compiled, quantity),
        "refused": None if compiled is None else rejections_view(compiled.rejections),
        "facts_of_run": list(inputs.facts.items()),
        "settings": flattened(inputs.settings),
    }
    return _environment().get_template("report.html").render(views)


def write_report(inputs: ReportInputs, path: Path, overwrite: bool = False) -> None:
    """Write the report and, beside it, the same as JSON, each whole or not at all.

    Args:
        inputs: what is shown.
        path: of the page; the JSON has its name and ends in ``.json``.
        overwrite: whether files that are there may be replaced.

    Raises:
        OutputError: the path exists (without ``overwrite``), is a folder, or its folder cannot be written to.
        DiskFullError: no space is left.
        LabelError: as `render_report`.
    """
    path, page = Path(path), render_report(inputs).encode()
    record = json.dumps(report_document(inputs), indent=1, allow_nan=False).encode()
    for one, content in ((path, page), (path.with_suffix(".json"), record)):
        with atomic_file(one, overwrite=overwrite) as stream:
            stream.write(content)
    logger.info("Report of %.1f MB written to %s", len(page) / 1e6, path)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("hyperpcm.evaluation.report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=page_value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
