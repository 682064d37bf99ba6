"""Speed against something measured in the same run: training steps, scoring one target, encoding compounds.

    python benchmarks/performance.py [train_step_published|train_step_default|screen_one_target|panel|index|…]

Writes benchmarks/results/performance/<name>.json; a ratio above 1 means that this project is faster. What
cannot be measured here, as the package that it is compared with is not installed, is left out and says why.
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
BENCHMARKS = {
    "train_step_published": "training_speed",
    "train_step_default": "training_speed",
    "score_one_target": "training_speed",
    "screen_one_target": "screening_speed",
    "panel": "screening_speed",
    "first_layer": "layer_speed",
    "index": "index_speed",
    "encode_minimol": "encoder_speed",
    "encode_ecfp": "encoder_speed",
    "encode_unirep": "unirep_speed",
    "report_davis": "report_speed",
    "adapt_and_rescore": "adapt_speed",
    "serve": "web_speed",
}
"""The module of each; imported when its turn comes, since processes that are started import this file."""

OPTIONS = {
    **dict.fromkeys(("screen_one_target", "panel", "adapt_and_rescore"), ("model", "compounds")),
    "serve": ("model",),
}
"""What some of them are told beyond the number of repeats."""


def main() -> None:
    """Run the named benchmarks and write their results."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], help="all of them when none is named")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument(
        "--compounds",
        type=int,
        help="of the library: 1,000,000 for a target, 100,000 for a panel or adapting",
    )
    parser.add_argument("--model", type=Path, help="trained default model to compile; else one is trained")
    given = parser.parse_args()
    names = given.names or list(BENCHMARKS)
    if len(names) > 1:  # each in a process of its own, so that its peak memory is its own
        for name in names:
            options = ["--threads", str(given.threads), "--repeats", str(given.repeats)]
            options += [] if given.compounds is None else ["--compounds", str(given.compounds)]
            options += [] if given.model is None else ["--model", str(given.model)]
            subprocess.run([sys.executable, __file__, name, *options], check=True)
        return
    from timing import NotHereError
    from torch import set_num_threads

    from hyperpcm.evaluation.performance import performance_path

    set_num_threads(given.threads)
    (name,) = names
    try:
        options = {option: getattr(given, option) for option in OPTIONS.get(name, ())}
        options = {option: value for option, value in options.items() if value is not None}
        result = getattr(importlib.import_module(BENCHMARKS[name]), name)(given.repeats, **options)
    except NotHereError as reason:
        print(f"{name}: left out; {reason}")
        return
    result.write(performance_path(RESULTS, result.name))
    figures = f"{result.ours:.4g} against {result.against:.4g} {result.unit}"
    print(f"{result.name}: {result.ratio:.2f} × ({figures})")


if __name__ == "__main__":
    main()
