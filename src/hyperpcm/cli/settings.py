"""`hyperpcm settings`: every setting of a run with its default and what it means."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from hyperpcm.cli.console import Console
from hyperpcm.cli.tables import aligned, terminal_width
from hyperpcm.errors import ConfigError

__all__ = ["show"]


def show(
    ctx: typer.Context,
    section: Annotated[
        str, typer.Argument(help="Only settings that start so, such as training or model.qsar.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """List the settings of a run: for a TOML file, or for --set.

    In a TOML file, `training.epochs = 30` stands in the section [training].
    """
    from hyperpcm.config import describe_fields, load_config

    console: Console = ctx.obj
    # A source of data is the one thing without a default.
    defaults = load_config(None, ["data.name=any"]).model_dump(mode="json")
    defaults["data"]["name"] = None
    found = {
        name: {"default": _value(defaults, name), "meaning": " ".join(meaning.split())}
        for name, meaning in describe_fields().items()
        if name == section or name.startswith(f"{section}." if section else "")
    }
    if not found:
        raise ConfigError(f"no setting starts with {section!r}. Sections: {', '.join(_sections(defaults))}.")
    if as_json:
        console.result_json(found)
        return
    rows = [[name, _toml(one["default"]), str(one["meaning"])] for name, one in found.items()]
    console.result(
        aligned(["setting", "default", "meaning"], rows, flexible="meaning", width=terminal_width())
    )


def _value(defaults: dict[str, Any], name: str) -> Any:
    value: Any = defaults
    for part in name.split("."):
        value = value[part]
    return value


def _sections(defaults: dict[str, Any], prefix: str = "") -> list[str]:
    """Dotted names of all sections."""
    found = []
    for key, value in defaults.items():
        if isinstance(value, dict) and value:
            found += [prefix + key, *_sections(value, f"{prefix}{key}.")]
    return found


def _toml(value: Any) -> str:
    """A value as it is written in TOML; TOML has no word for "not given"."""
    return "not set" if value is None else json.dumps(value, ensure_ascii=False)
