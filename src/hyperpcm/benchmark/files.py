"""The TOML files of a benchmark: closed schemas, and sentences about what does not fit them."""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Any, Final, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from hyperpcm.config import DataConfig, describe_fields
from hyperpcm.errors import ConfigError

__all__ = ["BenchmarkFile", "RowFile", "checked", "read_toml"]

SECTIONS: Final = ("encoders", "model", "training")
"""Sections of the settings that a row may change; data, split and seed belong to the benchmark."""

_Schema = TypeVar("_Schema", bound=BaseModel)


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


class BenchmarkFile(_Closed):
    """What every ``benchmark.toml`` holds, whatever its kind."""

    title: str = Field(min_length=1)
    """What the table is called."""
    about: str = Field(min_length=1)
    """A paragraph for readers: what is asked, of what, and what to beware of."""
    kind: str = "accuracy"
    """Which kind of benchmark it is; says what else the file may hold."""
    reference: str
    """The row that all others are compared with."""
    data: DataConfig
    """The measurements; a relative path is looked for beside the file."""
    seeds: tuple[int, ...] = Field((0,), min_length=1)
    """Seeds of training; a table averages them within a fold."""
    tried: str = ""
    """A paragraph printed below the table: what was tried where a figure falls short, without numbers."""
    results: str | None = Field(None, pattern=r"^[A-Za-z0-9_.-]+$")
    """Name of the results file below the data set's folder; see `Benchmark.results_name`."""

    def settings(self) -> dict[str, dict[str, Any]]:
        """Settings of the model, by section, that the protocol decides and no row."""
        return {}


class RowFile(_Closed):
    """One row of the table: a registered baseline, or the model with some settings."""

    title: str = ""
    """What the table calls the row; the name of the file when not given."""
    note: str = ""
    """A sentence printed below the table, such as what was bounded for time."""
    variant_of: str | None = None
    """Another row: all that it says but its title and note holds where this file says nothing."""
    baseline: str | None = None
    """A registered baseline."""
    options: dict[str, Any] = {}
    """Options of the baseline."""
    part: Literal["whole", "prior"] | None = None
    """Of the model: all of it (the default), or its prior without any network."""
    settings: dict[str, Any] = {}
    """Settings of the model that differ from the defaults: sections encoders, model and training."""
    shuffled: bool | None = None
    """Also score the trained model with the test targets exchanged; on by default for a whole model."""
    folds: tuple[int, ...] | None = None
    """Only these folds; all when not given."""
    seeds: tuple[int, ...] | None = None
    """Only these seeds of the benchmark; all when not given."""

    @field_validator("settings")
    @classmethod
    def _known_sections(cls, value: dict[str, Any]) -> dict[str, Any]:
        for section in value:
            if section not in SECTIONS:
                near = difflib.get_close_matches(section, SECTIONS, n=1)
                hint = (
                    f"Did you mean {near[0]}?" if near else "Data, split and seeds belong to the benchmark."
                )
                raise ValueError(
                    f"there is no section {section!r} a row may change. {hint} Known: {', '.join(SECTIONS)}"
                )
        return value

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if self.baseline is not None and (self.settings or self.part is not None):
            raise ValueError("a row is either a baseline with options or the model with settings, not both")
        if self.options and self.baseline is None and self.variant_of is None:
            raise ValueError('options are those of a baseline; name it with baseline = "…"')
        return self


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file.

    Raises:
        ConfigError: it cannot be read, or it is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror}).") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not a TOML file: {error}.") from None


def checked(schema: type[_Schema], content: dict[str, Any], path: Path) -> _Schema:
    """The content as its schema has it.

    Raises:
        ConfigError: an unknown key (the nearest known one is named), or a value that does not fit.
    """
    try:
        return schema.model_validate(content)
    except ValidationError as error:
        problems = [_sentence(dict(problem), schema) for problem in error.errors()]
        raise ConfigError("\n".join(f"{path}: {problem}" for problem in problems)) from None


def _sentence(problem: dict[str, Any], schema: type[BaseModel]) -> str:
    location = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        fields = describe_fields(schema)
        known = sorted({*fields, *(name.rpartition(".")[0] for name in fields if "." in name)})
        near = difflib.get_close_matches(location, known, n=1)
        hint = f" Did you mean {near[0]}?" if near else f" Known: {', '.join(known)}."
        return f"{location}: there is no such key.{hint}"
    if problem["type"] == "missing":
        return f"{location}: this key is required."
    message = str(problem["msg"]).removeprefix("Value error, ")
    where = f"{location}: " if location else ""
    return f"{where}{message[:1].lower()}{message[1:]}."
