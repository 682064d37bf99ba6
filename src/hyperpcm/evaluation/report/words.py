"""Numbers, labels and other people's text as they stand on the page."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any, Final

from markupsafe import Markup, escape

from hyperpcm.datasets.interactions import Quantity
from hyperpcm.evaluation.tables import TITLES

__all__ = [
    "axis_title",
    "clean",
    "clip",
    "count",
    "decimals",
    "joined_name",
    "label_text",
    "listed",
    "metric_title",
    "page_value",
    "percent",
    "score_title",
    "several",
    "value_text",
]

_UNPRINTABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_JOINTS = re.compile(r"(?<=[|_])(?=.)")
_RELATIONS: Final = {0: "", 1: "> ", -1: "< "}


def clean(text: object) -> str:
    """The text with � for what no page may hold: control characters and halves of surrogate pairs."""
    return _UNPRINTABLE.sub("\ufffd", str(text))


def page_value(value: object) -> object:
    """What the template engine writes for a value: markup as it is, nothing for None, else clean text."""
    if value is None:
        return ""
    return value if isinstance(value, Markup) else clean(value)


def clip(text: object, characters: int) -> str:
    """The clean text, with an ellipsis where it is longer than so many characters."""
    plain = clean(text)
    return plain if len(plain) <= characters else plain[: characters - 1] + "…"


def joined_name(name: str) -> Markup:
    """A display name that may break after each ``|`` and ``_``, at most 400 characters of it."""
    return Markup("<wbr>").join(escape(part) for part in _JOINTS.split(clip(name, 400)))


def count(number: int) -> str:
    """A whole number with separators: 30,056."""
    return f"{number:,}"


def several(number: int, noun: str) -> str:
    """A count with its noun: 1 target, 76 targets."""
    return f"{count(number)} {noun}{'' if number == 1 else 's'}"


def decimals(number: Any, places: int = 3) -> str:
    """A number with a true minus sign; – where there is none."""
    if not isinstance(number, (int, float)) or not math.isfinite(number):
        return "–"
    text = f"{number:.{places}f}"
    return text.replace("-", "−") if float(text) else text.lstrip("-")


def percent(share: Any) -> str:
    """A share in [0, 1] as a percentage with one decimal; – where there is none."""
    return "–" if not isinstance(share, (int, float)) else f"{100 * share:.1f} %"


def listed(items: Iterable[str]) -> str:
    """a, b and c."""
    parts = list(items)
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def metric_title(metric: str) -> str:
    """What a metric is called in tables."""
    return TITLES.get(metric, metric)


def axis_title(quantity: Quantity) -> str:
    """The quantity with its unit: pKd [-log10(M)]."""
    unit = f" [{quantity.unit}]" if quantity.unit else ""
    return clip(f"{quantity.name}{unit}", 44)


def score_title(quantity: Quantity) -> str:
    """What a score is in: the quantity with its unit, or a probability."""
    return "probability of being active" if quantity.kind == "binary" else axis_title(quantity)


def value_text(value: float) -> str:
    """A label or score with two decimals."""
    return decimals(float(value), 2)


def label_text(value: float, relation: int, quantity: Quantity) -> str:
    """A label with its relation, or its class."""
    if quantity.kind == "binary":
        return "active" if value >= 0.5 else "inactive"
    return f"{_RELATIONS.get(int(relation), '')}{value_text(value)}"
