"""The program `hyperpcm`: its options, its commands, and how it ends."""

from __future__ import annotations

import os
import sys
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from hyperpcm.cli import (
    adapt,
    benchmark,
    cache,
    compile,
    data,
    demo,
    embed,
    encoders,
    evaluate,
    index,
    memory,
    named_models,
    panel,
    report,
    score,
    screen,
    screen_merge,
    screen_plan,
    screen_run,
    settings,
    shrink,
    train,
)
from hyperpcm.cli.card import card as show_card
from hyperpcm.cli.console import QUIET, Console
from hyperpcm.cli.explain import explain as explain_scores
from hyperpcm.cli.failures import BROKEN_PIPE, DISK_FULL, explain
from hyperpcm.cli.mutate import mutate
from hyperpcm.cli.serve import serve
from hyperpcm.cli.suggest import suggest

__all__ = ["app", "main"]

_ENVIRONMENT: Final = {
    "OMP_WAIT_POLICY": "PASSIVE",  # idle threads of torch sleep instead of spinning
    # NumPy's spin between small products: on two busy cores training took five times as long with them.
    "OPENBLAS_NUM_THREADS": "1",
    "TOKENIZERS_PARALLELISM": "false",
}
# The base of all errors in how the program was called; Typer shows them itself.
_UsageError: type[BaseException] = next(
    kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException"
)


_ORDER: Final = (
    "data",
    "train",
    "evaluate",
    "compile",
    "adapt",
    "score",
    "explain",
    "mutate",
    "memory",
    "shrink",
    "panel",
    "index",
    "screen",
    "screen plan",
    "screen run",
    "screen merge",
    "suggest",
    "serve",
    "report",
    "card",
    "benchmark",
    "encoders",
    "embed",
    "cache",
    "settings",
    "models",
    "demo",
)


class Commands(TyperGroup):
    """The commands; whatever one of them raises ends as a message on stderr and an exit code."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in the order of the work, for the help."""
        return sorted(super().list_commands(ctx), key=_ORDER.index)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The command that the first word names, or the first two together: `screen` and `screen plan`."""
        both = " ".join(args[:2])
        if len(args) > 1 and both in self.commands:
            return both, self.commands[both], args[2:]
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named."""
        try:
            return super().invoke(ctx)
        except (typer.Exit, typer.Abort, _UsageError):
            raise
        except (Exception, KeyboardInterrupt) as error:
            console = ctx.obj if isinstance(ctx.obj, Console) else Console()
            raise typer.Exit(explain(error, console)) from error


app = typer.Typer(
    name="hyperpcm",
    cls=Commands,
    help="Which compounds act on this protein, how strongly, and may I believe it?",
    epilog="Each command has its own --help. Results go to stdout, everything else to stderr.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(data.app, name="data")
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("compile")(compile.compile_target)
app.command("adapt")(adapt.adapt)
app.command("score")(score.score)
app.command("explain")(explain_scores)
app.command("mutate")(mutate)
app.add_typer(memory.app, name="memory")
app.command("shrink")(shrink.shrink)
app.command("panel")(panel.panel)
app.command("index")(index.index)
app.command("screen")(screen.screen)
app.command("screen plan")(screen_plan.plan)
app.command("screen run")(screen_run.run)
app.command("screen merge")(screen_merge.merge)
app.command("suggest")(suggest)
app.command("serve")(serve)
app.command("report")(report.report)
app.command("card")(show_card)
app.add_typer(benchmark.app, name="benchmark")
app.add_typer(encoders.app, name="encoders")
app.command("embed")(embed.embed)
app.add_typer(cache.app, name="cache")
app.command("settings")(settings.show)
app.add_typer(named_models.app, name="models")
app.command("demo")(demo.demo)


def _version(wanted: bool) -> None:
    if wanted:
        from hyperpcm import __version__

        Console().result(f"hyperpcm {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    ctx: typer.Context,
    verbose: Annotated[
        int,
        typer.Option("--verbose", "-v", count=True, help="Say more of what is done; twice: details."),
    ] = 0,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but results and errors.")] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    del version  # its callback has done the work
    if verbose and quiet:
        raise typer.BadParameter("--verbose and --quiet contradict each other.")
    console = ctx.obj = Console(QUIET if quiet else verbose, debug=debug)
    ctx.with_resource(console.logging())


def main() -> int:
    """Run the program with the arguments of this process, and return its exit code."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # no name in a file is beyond any terminal
    try:
        app()
        code = 0
    except SystemExit as ending:
        code = ending.code if isinstance(ending.code, int) else 0 if ending.code is None else 1
    return _flushed(code)


def _flushed(code: int) -> int:
    """Push out what is buffered; a reader that has gone or a full disk is told by the exit code."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as error:
        # The interpreter would try once more at its end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            Console().error(f"error: standard output: {error.strerror}.")
        return BROKEN_PIPE if isinstance(error, BrokenPipeError) else DISK_FULL
    return code
