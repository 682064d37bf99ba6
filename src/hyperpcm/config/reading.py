"""Settings from a TOML file, with overrides of single ones."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hyperpcm.config.run import RunConfig, validated
from hyperpcm.errors import ConfigError

__all__ = ["load_config"]


def load_config(path: Path | None = None, overrides: Sequence[str] = ()) -> RunConfig:
    """Return the settings of a TOML file with ``section.key=value`` overrides applied.

    Args:
        path: TOML file; None starts from the defaults.
        overrides: each as ``model.context.heads=8``; the value is read as TOML, else as a plain string.

    Raises:
        ConfigError: the file cannot be read, a key is unknown (the nearest known one is named), or a value
            is out of range.
    """
    settings: dict[str, Any] = {}
    if path is not None:
        try:
            settings = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise ConfigError(f"{path}: there is no such file.") from None
        except OSError as error:
            raise ConfigError(f"{path}: cannot be read ({error.strerror}).") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{path}: not a TOML file: {error}.") from None
    for override in overrides:
        _apply(settings, override)
    return validated(settings)


def _apply(settings: dict[str, Any], override: str) -> None:
    key, separator, text = override.partition("=")
    path = [part.strip() for part in key.split(".")]
    if not separator or not all(path):
        raise ConfigError(f"--set {override!r}: write section.key=value, such as model.context.heads=8.")
    try:
        value = tomllib.loads(f"value = {text.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()
    node = settings
    for part in path[:-1]:
        node = node.setdefault(part, {})
        if not isinstance(node, dict):
            raise ConfigError(f"--set {override!r}: {part} is a value, not a section.")
    node[path[-1]] = value
