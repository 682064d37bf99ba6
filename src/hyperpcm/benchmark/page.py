"""The page of all benchmarks for the documentation; every number on it comes from a results file."""

from __future__ import annotations

from pathlib import Path

from hyperpcm.benchmark.benchmark import RESULTS, all_benchmarks
from hyperpcm.benchmark.markdown import markdown
from hyperpcm.benchmark.registry import kind_named
from hyperpcm.benchmark.speed import speed_section
from hyperpcm.benchmark.view import view_of

__all__ = ["page"]

_HEAD = """# Benchmarks

This page is written by `hyperpcm benchmark page` out of the files in `benchmarks/results`, which
`hyperpcm benchmark run` and `benchmarks/performance.py` wrote. How to run one and how to read a table is told
in [Run a benchmark](benchmarks-run.md).

Rows of one table share data, division and folds; every null and every rival is fitted on the same training
rows and tuned on the same validation rows. Repeated measurements are merged (one row per compound and
sequence) unless a benchmark says otherwise, so numbers are not comparable with tables over unmerged rows. A
censored label counts as its bound. A row with shuffled targets is the trained model with the test proteins
exchanged among themselves: what it still gets right does not come from the protein. "The prior alone"
is the model without its networks: what the hypernetwork adds is the distance between that row and the model,
and no more.
"""


def page(root: Path) -> str:
    """The text of the page.

    Args:
        root: folder of the benchmarks, with their results in it.

    Raises:
        ConfigError: a benchmark's files are wrong.
        TableError: a results file cannot be read.
    """
    parts, without = [_HEAD], []
    for benchmark in all_benchmarks(root):
        held = kind_named(benchmark.file.kind, benchmark.folder).results(benchmark, root / RESULTS)
        if held.has_table:
            parts.append(markdown(view_of(benchmark), level=2))
        else:
            without.append(benchmark)
    if without:
        parts.append("## Without results so far\n")
        parts.append("\n".join(f"- `{one.name}`: {one.file.title}" for one in without) + "\n")
    speed = speed_section(root / RESULTS / "performance")
    if speed:
        parts.append(speed)
    return "\n".join(parts)
