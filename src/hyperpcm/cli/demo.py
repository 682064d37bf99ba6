"""`hyperpcm demo`: the whole way on real measurements, from a table to a ranking for an unseen protein."""

from __future__ import annotations

import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from hyperpcm.cli.arguments import data_override
from hyperpcm.cli.console import Console
from hyperpcm.cli.tables import aligned, terminal_width
from hyperpcm.cli.train import check_settings, metric_words
from hyperpcm.errors import OutputError, TrainingStoppedError

if TYPE_CHECKING:
    from hyperpcm.cli.stages import Stages
    from hyperpcm.config import RunConfig
    from hyperpcm.datasets import Interactions, Quantity, Split
    from hyperpcm.evaluation.report import CompiledTarget
    from hyperpcm.training import FittedRun
    from hyperpcm.training.model_source import ModelSource

__all__ = ["demo"]

_EPOCHS: Final = 8  # enough here, and the whole demo stays within a few minutes on two cores
_STEPS: Final = 6  # one more where there is a default model to ask
_FEW: Final = 10  # labels that a target needs to be shown; compounds of the ranking that are shown
_TARGET: Final = "target.hpcm"
_RELATIONS: Final = {0: "", 1: ">", -1: "<"}


def demo(
    ctx: typer.Context,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for everything.")] = Path("demo-output"),
    data: Annotated[
        str | None,
        typer.Option(help="Data set or table; otherwise davis if it is at hand, else kiba_sample."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Change a setting; may be repeated."),
    ] = None,
) -> None:
    """Do the whole job on real measurements in a few minutes, and write a report.

    First the default model, where there is one, answers for a protein that it does not know. Then it reads a
    public data set, holds whole proteins out, trains, compares with the nulls on the proteins that
    were held out, compiles one of them and ranks the compounds for it. An earlier demo in the folder is
    replaced.
    """
    from hyperpcm.config import load_config

    console: Console = ctx.obj
    chosen = data or _at_hand()
    config = load_config(None, [data_override(chosen), f"training.epochs={_EPOCHS}", *(settings or ())])
    check_settings(config)
    _check_folder(out)
    start = time.monotonic()
    _run(console, config, out)
    console.note(f"Done in {time.monotonic() - start:.0f} s.")
    console.result(_what_next(out, chosen))


def _run(console: Console, config: RunConfig, out: Path) -> None:
    """All steps, each announced and timed."""
    from hyperpcm.checkpoint import load_model, save_target_model
    from hyperpcm.cli.demo_default import answer_of_default
    from hyperpcm.evaluation.tables import render_table
    from hyperpcm.training.evaluation import evaluate_run
    from hyperpcm.training.report_run import rank_known_compounds, report_run
    from hyperpcm.training.run import open_data

    source = _default_source(console)
    steps = _Steps(console, _STEPS if source is None else _STEPS + 1)
    with steps("Read the measurements"), console.progress() as progress:
        interactions = open_data(config.data, progress)
    size = interactions.describe()
    steps.say(
        f"{interactions.name}: {size['interactions']:,} interactions ({interactions.quantity.name}) of "
        f"{size['compounds']:,} compounds and {size['targets']:,} targets"
    )
    if source is not None:
        with steps(f"Ask {source}, {source.reason}, about a protein that it does not know"):
            answer = answer_of_default(source, interactions)
        if answer is None:
            steps.say("it knows every protein of these data")
        else:
            for note in answer.notes:
                steps.say(note)
            console.result(answer.table)
    with steps("Train on some of the proteins, choose by others"), console.progress() as progress:
        run = _fitted(config, out / "run", progress)
    steps.say(f"{run.epochs} epochs; kept epoch {run.best['epoch']}{metric_words(run.best)}")
    with steps("Compare with the nulls on proteins that training never saw"), console.progress() as progress:
        evaluated = evaluate_run(out / "run", progress=progress)
    console.result(render_table(evaluated.results.rows, style="plain"))
    split = run.folder.split(interactions)
    place = _unseen_target(interactions, split)
    name = interactions.target_names[place].partition("|")[0]
    with (
        steps(f"Compile {name}, one of those proteins, and rank all compounds"),
        console.progress() as progress,
    ):
        model = load_model(run.model_path)
        target_model, ranking = rank_known_compounds(
            model, interactions, interactions.targets[place], name=name, progress=progress
        )
    steps.say(ranking.note)
    with steps("Write the compiled target and the ranking"):
        save_target_model(target_model, out / _TARGET, overwrite=True)
        _write_ranking(out / "ranking.csv", ranking)
    console.result(_ranking_table(ranking, interactions.quantity))
    with steps("Write the report"), console.progress() as progress:
        report = report_run(out / "run", compiled=ranking, progress=progress)
        report.replace(out / "report.html")


def _default_source(console: Console) -> ModelSource | None:
    """The default model; None, and a sentence, where there is none."""
    from hyperpcm.pretrained import default_model
    from hyperpcm.training.model_source import model_source

    if default_model() is None:
        console.note("No model ships with this copy of hyperpcm, so the demo begins with training one.")
        return None
    return model_source(None)


def _fitted(config: RunConfig, folder: Path, progress: Stages) -> FittedRun:
    from hyperpcm.training import fit

    try:
        return fit(config, folder, overwrite=True, progress=progress)
    except TrainingStoppedError as error:
        raise TrainingStoppedError(
            "The demo was stopped; the next one starts anew.", error.exit_code
        ) from error


class _Steps:
    """Announces each step with its number and says how long it took."""

    def __init__(self, console: Console, steps: int) -> None:
        self._console, self._number, self._steps = console, 0, steps

    @contextmanager
    def __call__(self, title: str) -> Iterator[None]:
        self._number += 1
        self._console.note(f"[{self._number}/{self._steps}] {title}")
        start = time.monotonic()
        yield
        self._console.note(f"      {time.monotonic() - start:.1f} s")

    def say(self, text: str) -> None:
        self._console.note(f"      {text}")


def _at_hand() -> str:
    """The full Davis set where it needs no network, else the sample that every package index serves."""
    from hyperpcm.datasets import catalog
    from hyperpcm.public_files.obtaining import mirror_folder
    from hyperpcm.public_files.pinned import mirrored

    files = catalog.record("davis").files.values()
    here = catalog.is_local("davis") or all(mirrored(one, mirror_folder()) for one in files)
    return "davis" if here else "kiba_sample"


def _check_folder(out: Path) -> None:
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out}: this is a file. Give a folder: --out FOLDER.")
    if out.is_dir() and any(out.iterdir()) and not (out / "run" / "config.json").exists():
        raise OutputError(
            f"{out}: the folder is not empty and holds no earlier demo. Give another one: --out FOLDER."
        )


def _unseen_target(interactions: Interactions, split: Split) -> int:
    """The target of the test side whose labels vary most: there is something to rank."""
    import numpy as np

    labels, index = interactions.point()[split.test], interactions.target_index[split.test]
    targets = np.unique(index)
    spread = [float(labels[index == one].var()) if (index == one).sum() >= _FEW else -1.0 for one in targets]
    return int(targets[int(np.argmax(spread))])


def _write_ranking(path: Path, ranking: CompiledTarget) -> None:
    from hyperpcm.datasets.output import write_table

    compounds = ranking.compounds
    write_table(
        path,
        {
            "rank": list(range(1, len(compounds) + 1)),
            "name": [one.name for one in compounds],
            "smiles": [one.smiles for one in compounds],
            "score": [one.score for one in compounds],
            "measured": [one.label for one in compounds],
            "relation": [None if one.label is None else _RELATIONS[one.relation] or "=" for one in compounds],
        },
        overwrite=True,
    )


def _ranking_table(ranking: CompiledTarget, quantity: Quantity) -> str:
    """The first of the ranking, beside what was measured."""
    rows = [
        [
            str(rank),
            f"{one.score:.2f}",
            "" if one.label is None else f"{_RELATIONS[one.relation]}{one.label:.2f}",
            one.name,
            one.smiles,
        ]
        for rank, one in enumerate(ranking.compounds[:_FEW], start=1)
    ]
    title = (
        f"The first {len(rows)} of {len(ranking.compounds):,} compounds for {ranking.name} ({quantity.name}):"
    )
    table = aligned(
        ["rank", "score", "measured", "name", "SMILES"],
        rows,
        right={"rank", "score", "measured"},
        flexible="SMILES",
        width=terminal_width(),
    )
    return f"{title}\n{table}\n"


def _what_next(out: Path, data: str) -> str:
    target, run, given = (shlex.quote(str(one)) for one in (out / _TARGET, out / "run", data))
    lines = {
        f"hyperpcm score {target} 'CC(=O)Oc1ccccc1C(=O)O'": "score a compound of yours",
        f"hyperpcm compile {run} yours.fasta -o yours.hpcm": "compile a protein of yours",
        "hyperpcm data check yours.csv": "look at measurements of yours",
        f"hyperpcm train --data {given} -o my-run": "train with the default settings",
    }
    width = max(map(len, lines))
    commands = "\n".join(f"  {command:<{width}}  # {meaning}" for command, meaning in lines.items())
    return f"The report is {out / 'report.html'}. What next:\n{commands}"
