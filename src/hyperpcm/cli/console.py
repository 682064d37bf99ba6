"""What the program says and where: results on stdout, everything else on stderr."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TextIO

from hyperpcm.cli.stages import Stages

__all__ = ["Console", "plain_json", "printable"]

_SURROGATES: Final = re.compile("[\ud800-\udfff]")
QUIET: Final = -1
"""Verbosity at which only results and errors are shown."""


class Console:
    """The streams of one call of the program.

    Streams are looked up when something is written, so a redirection made later is honoured.

    Attributes:
        verbosity: -1 errors only, 0 the usual, 1 with the library's own account of what it does, 2 with
            details for developers.
        debug: whether an error is shown with its traceback.
    """

    def __init__(self, verbosity: int = 0, *, debug: bool = False) -> None:
        self.verbosity, self.debug = verbosity, debug

    def result(self, text: str = "") -> None:
        """Write a line of the result to stdout."""
        _write(sys.stdout, text)

    def result_json(self, value: object) -> None:
        """Write a result as JSON to stdout; NaN and infinities become null.

        A name of a file that is no text has single surrogates in it, which are written out.
        """
        text = json.dumps(plain_json(value), indent=2, ensure_ascii=False, allow_nan=False)
        self.result(_SURROGATES.sub(lambda found: f"\\u{ord(found[0]):04x}", text))

    def note(self, text: str) -> None:
        """Write a remark to stderr, unless the user wants quiet."""
        if self.verbosity > QUIET:
            _write(sys.stderr, text)

    def error(self, text: str) -> None:
        """Write an error to stderr, always."""
        _write(sys.stderr, text)

    @contextmanager
    def progress(self) -> Iterator[Stages]:
        """Show the progress of what runs in the block: bars on a terminal, now and then a line elsewhere."""
        bars = self.verbosity > QUIET and sys.stderr is not None and sys.stderr.isatty()
        stages = Stages(self.note, bars=bars)
        try:
            yield stages
        finally:
            stages.close()

    @contextmanager
    def logging(self) -> Iterator[None]:
        """Pass on what the library logs within the block, as much of it as the user wants."""
        handler = _ConsoleHandler(self)
        levels = {QUIET: logging.ERROR, 0: logging.WARNING, 1: logging.INFO}
        logger = logging.getLogger("hyperpcm")
        before = logger.level
        logger.addHandler(handler)
        logger.setLevel(levels.get(self.verbosity, logging.DEBUG))
        try:
            yield
        finally:
            logger.setLevel(before)
            logger.removeHandler(handler)


class _ConsoleHandler(logging.Handler):
    """Writes records of the library through a `Console`."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._console = console

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        loud = record.levelno >= logging.WARNING
        self._console.error(f"{record.levelname.lower()}: {printable(text)}" if loud else printable(text))


def printable(text: str) -> str:
    """The text with control characters written out, so that a file's content cannot drive the terminal."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def plain_json(value: Any) -> Any:
    """The value as plain JSON types; what is not finite becomes ``None``."""
    if isinstance(value, Mapping):
        return {str(key): plain_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_json(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()  # a NumPy number
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _write(stream: TextIO | None, text: str) -> None:
    """Write a line; a stream that was closed before the program started is left alone."""
    if stream is None:
        return
    stream.write(text + "\n")
    if stream is sys.stderr:
        with contextlib.suppress(OSError):
            stream.flush()
