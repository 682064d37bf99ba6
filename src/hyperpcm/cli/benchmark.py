"""`hyperpcm benchmark`: run benchmarks that are files, and show their tables."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hyperpcm.cli.console import Console, printable
from hyperpcm.cli.tables import aligned
from hyperpcm.errors import ConfigError, HyperpcmError, OutputError

__all__ = ["app", "list_all", "page", "run", "table"]

app = typer.Typer(
    help="Run benchmarks that are files, and show their tables.",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
_Root = Annotated[Path, typer.Option("--root", help="Folder of the benchmarks and their results.")]
_Name = Annotated[str, typer.Argument(help="Name of the benchmark: that of its folder.")]
_ROOT = Path("benchmarks")


@app.command("list")
def list_all(
    ctx: typer.Context,
    root: _Root = _ROOT,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List the benchmarks, their rows, and how much of each is done."""
    console: Console = ctx.obj
    from hyperpcm.benchmark.benchmark import RESULTS, all_benchmarks
    from hyperpcm.benchmark.registry import kind_named

    found = []
    for benchmark in all_benchmarks(root):
        kind = kind_named(benchmark.file.kind, benchmark.folder)
        jobs, done = kind.jobs(benchmark), kind.results(benchmark, root / RESULTS).done()
        found.append(
            {
                "name": benchmark.name,
                "title": benchmark.file.title,
                "kind": benchmark.file.kind,
                "rows": [row.name for row in benchmark.rows],
                "jobs": len(jobs),
                "done": sum(job in done for job in jobs),
            }
        )
    if as_json:
        console.result_json(found)
        return
    lines = [
        [str(one["name"]), f"{one['done']}/{one['jobs']}", printable(str(one["title"]))] for one in found
    ]
    console.result(aligned(["benchmark", "done", "title"], lines, right={"done"}))


@app.command("run")
def run(
    ctx: typer.Context,
    name: _Name,
    rows: Annotated[str | None, typer.Option(help="Only these rows, separated by commas.")] = None,
    folds: Annotated[str | None, typer.Option(help="Only these folds, separated by commas.")] = None,
    seeds: Annotated[
        str | None, typer.Option(help="These seeds instead of the benchmark's, separated by commas.")
    ] = None,
    processes: Annotated[int, typer.Option(min=1, help="Jobs at a time.")] = 1,
    threads: Annotated[int, typer.Option(min=1, help="Threads of each job.")] = 1,
    memory: Annotated[
        float | None,
        typer.Option(min=0.1, metavar="GB", help="Most memory of all jobs together; 85 % of what there is."),
    ] = None,
    root: _Root = _ROOT,
    store: Annotated[Path | None, typer.Option(help="File of the embedding store.")] = None,
    mix_commits: Annotated[
        bool, typer.Option("--mix-commits", help="Keep results of other commits, each with its own.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Run again what is there already.")] = False,
) -> None:
    """Run what a benchmark lacks: rows × folds × seeds, each in a process of its own.

    Every result is written as soon as it is there, so a run that was stopped goes on with the same command.
    """
    console: Console = ctx.obj
    from hyperpcm.benchmark.benchmark import find_benchmark
    from hyperpcm.benchmark.run import Choice, run_benchmark

    choice = Choice(
        rows=None if rows is None else [part.strip() for part in rows.split(",") if part.strip()],
        folds=None if folds is None else _numbers("--folds", folds),
        seeds=None if seeds is None else _numbers("--seeds", seeds),
        processes=processes,
        threads=threads,
        memory_mb=None if memory is None else 1000 * memory,
        mix_commits=mix_commits,
        fresh=fresh,
        store=store,
    )
    done = run_benchmark(find_benchmark(root, name), choice, say=lambda line: console.note(printable(line)))
    there = f", {len(done.skipped)} were there" if done.skipped else ""
    console.result(f"{done.path}: {len(done.done)} of {len(done.done) + len(done.failed)} jobs done{there}")
    if done.failed:
        lines = "\n".join(f"{job.words()}: {reason}" for job, reason in done.failed)
        raise HyperpcmError(f"{len(done.failed)} jobs gave no result.\n{lines}")
    console.note(f"See the table: hyperpcm benchmark table {name}")


@app.command("table")
def table(
    ctx: typer.Context,
    name: _Name,
    html: Annotated[Path | None, typer.Option(help="Write the table as an HTML page to this file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
    root: _Root = _ROOT,
) -> None:
    """Show the table of a benchmark: means over folds, differences to the reference row with intervals."""
    console: Console = ctx.obj
    from hyperpcm.benchmark.benchmark import find_benchmark
    from hyperpcm.benchmark.view import view_of

    view = view_of(find_benchmark(root, name))
    if html is not None:
        from hyperpcm.benchmark.html import write_html

        write_html(view, html)
        console.note(f"{html} is written.")
    if as_json:
        console.result_json(view.as_dict())
    elif html is None:
        from hyperpcm.benchmark.markdown import markdown

        console.result(markdown(view).rstrip())


@app.command("page")
def page(
    ctx: typer.Context,
    root: _Root = _ROOT,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Where to; docs/benchmarks.md beside the root folder.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Fail when the page is not what the files say.")
    ] = False,
) -> None:
    """Write the documentation's page of all benchmarks out of their results."""
    console: Console = ctx.obj
    from hyperpcm.benchmark.page import page as text_of
    from hyperpcm.datasets.output_files import atomic_file

    path = root.resolve().parent / "docs" / "benchmarks.md" if out is None else out
    text = text_of(root)
    if check:
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            raise OutputError(f"{path} is stale. Run: hyperpcm benchmark page")
        console.result(f"{path}: up to date")
        return
    with atomic_file(path, overwrite=True) as stream:
        stream.write(text.encode())
    console.result(f"{path}: written")


def _numbers(option: str, text: str) -> list[int]:
    """The whole numbers of a list with commas.

    Raises:
        ConfigError: something else stands in it.
    """
    try:
        return [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise ConfigError(f"{option} {text}: write whole numbers separated by commas, such as 0,1.") from None
