"""Writes docs/benchmarks.md from the results files; every number on that page comes from them.

python benchmarks/page.py [--check]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from hyperpcm.evaluation.performance import Performance
from hyperpcm.evaluation.results import AccuracyResults
from hyperpcm.evaluation.tables import render_table

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

This page is written by `python benchmarks/page.py` out of the files in `benchmarks/results`, which
`benchmarks/accuracy.py` and `benchmarks/performance.py` wrote.

## Accuracy

Rows of one table share data, division and folds; every null is fitted on the same training rows and tuned
on the same validation rows. Repeated measurements are merged (one row per compound and sequence), so numbers
are not comparable with tables over unmerged rows. A censored label counts as its bound. The row
`hyperpcm_shuffled` is the trained model with the test proteins exchanged among themselves: what it still
gets right does not come from the protein. `hyperpcm_retrieval` is the model without its networks: label
retrieval alone. What the hypernetwork adds is the distance between that row and `hyperpcm`, and no more.
"""


def page() -> str:
    """The text of the page."""
    parts = [HEAD]
    for path in sorted((HERE / "results" / "accuracy").glob("*/*.json")):
        results = AccuracyResults.read(path)
        machine = ", ".join(f"{key} {value}" for key, value in sorted(results.machine.items()) if value)
        parts.append(f"### {path.parent.name}: {path.stem}\n")
        parts.append(render_table(results.rows))
        parts.append(f"\nCommit `{results.commit}`; {machine}.\n")
    parts.append(
        "## Speed\n\nRatios of two things measured in turns in one process; above 1 we are faster.\n"
    )
    parts.append(
        "| what | ours | against | ratio | unit | threads | peak MB |\n|---|---|---|---|---|---|---|"
    )
    for path in sorted((HERE / "results" / "performance").glob("*.json")):
        result = Performance.read(path)
        peak = result.detail.get("peak_mb")
        parts.append(
            f"| `{result.name}` | {result.ours:.4g} | {result.against:.4g} | {result.ratio:.2f} "
            f"| {result.unit} | {result.detail.get('threads')} | {'' if peak is None else f'{peak:.0f}'} |"
        )
    return "\n".join(parts) + "\n"


def main() -> None:
    """Write the page, or say that it is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when the page is not what the files say")
    if parser.parse_args().check:
        if PAGE.read_text(encoding="utf-8") != page():
            sys.exit(f"{PAGE} is stale. Run: python benchmarks/page.py")
        return
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
