"""Encoders whose network lies in a file that the user brings."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar, final

from hyperpcm.encoders.base import Encoder
from hyperpcm.encoders.weights.kept_files import keep_file, kept_file
from hyperpcm.encoders.weights.model_files import check_content
from hyperpcm.errors import ConfigError

__all__ = ["FileEncoder", "file_state"]


@dataclasses.dataclass(frozen=True)
class FileEncoder(Encoder):
    """An encoder on a network in a file; abstract.

    The file is copied into the data folder under its sha256, which the spec holds: a model that was trained
    with it finds it there, and on another machine once it was brought by `hyperpcm encoders fetch`.

    Attributes:
        content: sha256 of the file; None takes it from ``file``.
        file: the file; None looks for ``content``.

    Raises:
        ConfigError: neither file nor content, a file with another content, or one that is not such a network.
        DataUnavailableError: no file with ``content`` is on this machine, or it is damaged.
    """

    which: ClassVar[str]
    """Which file it takes, for messages."""

    content: str | None = None
    file: str | None = dataclasses.field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.file is not None:
            file = Path(self.file).expanduser()
            if file.is_file():
                self._network_in(file)  # what is no such network is not kept
            content = keep_file(file)
            check_content(self.name, self.file, content, self.content)
            object.__setattr__(self, "content", content)
        if self.content is None:
            raise ConfigError(f"encoder {self.name!r} needs the option 'file': {self.which}.")
        self._network()

    @final
    def _network(self) -> Any:
        """The network, read once in a process."""
        return self._network_in(kept_file(str(self.content), self.name))

    @abstractmethod
    def _network_in(self, file: Path) -> Any:
        """Read the network of a file; raises `ConfigError` where there is none that fits."""


def file_state(file: Path) -> tuple[str, int, int]:
    """Path, size and time of the last change: what a cache of read files goes by."""
    state = file.stat()
    return str(file), state.st_size, state.st_mtime_ns
