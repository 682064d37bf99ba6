"""What the report shows of the run itself: data, division, audit, settings and refused rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from hyperpcm.datasets.interactions import Quantity
from hyperpcm.errors import Rejection
from hyperpcm.evaluation.report.figures import label_histogram, learning_curve
from hyperpcm.evaluation.report.inputs import DataSummary, SplitSummary, TrainingCurve
from hyperpcm.evaluation.report.words import (
    axis_title,
    clip,
    count,
    decimals,
    metric_title,
    percent,
    value_text,
)

__all__ = ["data_view", "flattened", "rejections_view", "split_view", "training_view"]

_LISTED = 20  # refused rows written out
_SIDES = (("train", "training"), ("valid", "validation"), ("test", "test"))


def data_view(data: DataSummary) -> dict[str, Any]:
    """Facts about the table, notes of its reading, where it comes from, the histogram of labels."""
    description = data.description
    return {
        "facts": [*_facts(data.quantity, description), *data.source.items()],
        "notes": list(description.get("notes", ())),
        "chart": label_histogram(data),
        "rejections": rejections_view(data.rejections),
        "fingerprint": description.get("fingerprint"),
    }


def _facts(quantity: Quantity, description: Mapping[str, Any]) -> list[tuple[str, str]]:
    facts = [("quantity", axis_title(quantity))]
    if quantity.active_at is not None and quantity.kind == "regression":
        facts.append(("active", f"from {value_text(quantity.active_at)}"))
    if quantity.bin_width is not None:
        binned, exact = description.get("binned"), description.get("exact")
        some = "" if binned in (None, exact) else f"{count(binned)} "
        facts.append(("bins", f"{some}labels are bins {value_text(quantity.bin_width)} wide"))
    for key in ("interactions", "compounds", "targets"):
        if key in description:
            facts.append((key, count(description[key])))
    rows = description.get("interactions") or 0
    bounds = description.get("above", 0) + description.get("below", 0)
    if rows and "exact" in description:
        facts.append(("censored", f"{count(bounds)} ({percent(bounds / rows)}) labels are bounds"))
    if description.get("active") is not None and rows:
        facts.append(
            ("active rows", f"{count(description['active'])} ({percent(description['active'] / rows)})")
        )
    if description.get("median") is not None and quantity.kind == "regression":
        low, median, high = (value_text(description[key]) for key in ("lowest", "median", "highest"))
        facts.append(("range", f"{low} to {high}, median {median}"))
    if description.get("years"):
        first, last = description["years"]
        facts.append(("years", f"{first} to {last}"))
    return facts


def rejections_view(rejections: Sequence[Rejection]) -> dict[str, Any]:
    """How many rows were refused for which reason code, and the first of them in full."""
    codes = Counter(one.code for one in rejections)
    return {
        "total": count(len(rejections)),
        "any": bool(rejections),
        "codes": [(code, count(number)) for code, number in codes.most_common()],
        "rows": [
            {"row": one.row, "text": clip(one.text, 120), "code": one.code, "reason": one.reason}
            for one in rejections[:_LISTED]
        ],
        "more": count(max(0, len(rejections) - _LISTED)) if len(rejections) > _LISTED else None,
    }


def split_view(split: SplitSummary) -> dict[str, Any]:
    """The division in words, its sides, and what crosses it."""
    audit = split.audit
    sides = []
    for key, title in _SIDES:
        side = audit.get(key)
        if side:
            sides.append(
                {
                    "name": title,
                    "rows": count(side["rows"]),
                    "compounds": count(side["compounds"]),
                    "targets": count(side["targets"]),
                    "censored": percent(side["censored"]),
                    "active": percent(side["active"]),
                }
            )
    return {
        "name": split.name.replace("_", " "),
        "fold": split.fold,
        "folds": split.folds,
        "seed": split.seed,
        "how": split.how,
        "sides": sides,
        "unused": count(audit["unused"]) if audit.get("unused") else None,
        "crossings": _crossings(audit),
        "audited": bool(audit),
    }


def _crossings(audit: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the test side shares with what was seen in training or validation."""
    found = []
    if audit.get("repeats"):
        found.append(("rows beyond the first of their (compound, target)", count(audit["repeats"])))
    shared, test = audit.get("test_in_seen"), audit.get("test")
    if shared and test and test["rows"]:
        whole = (
            ("rows", "test rows whose (compound, target) was seen"),
            ("compounds", "test compounds seen"),
        )
        for key, title in (*whole, ("targets", "test targets seen")):
            share = percent(shared[key] / test[key]) if test[key] else "–"
            found.append((title, f"{count(shared[key])} of {count(test[key])} ({share})"))
    if audit.get("known_scaffolds") is not None:
        found.append(("test compounds with a seen scaffold", percent(audit["known_scaffolds"])))
    for kind, measure in (("compound", "Tanimoto"), ("target", "alignment")):
        near = audit.get(f"nearest_{kind}")
        if near:
            shares = ", ".join(
                f"{percent(share)} at {limit} or more" for limit, share in near["shares"].items()
            )
            drawn = "" if near["examined"] == near["of"] else f" ({count(near['examined'])} examined)"
            text = f"mean {decimals(near['mean'], 2)}; {shares}{drawn}"
            found.append((f"{measure} similarity to the nearest seen {kind}", text))
    return found


def training_view(training: TrainingCurve) -> dict[str, Any]:
    """The learning curve, and the numbers of the epoch that was kept."""
    title = f"validation {metric_title(training.metric.removeprefix('valid_'))}"
    facts = [("epochs finished", count(len(training.epochs))), ("minimised", training.loss)]
    kept = [line for line in training.epochs if line.get("epoch") == training.best_epoch]
    if training.best_epoch is not None and kept:
        facts.append(("epoch kept", count(training.best_epoch)))
        facts.append((f"{title} there", decimals(kept[0].get(training.metric))))
        facts.append(("training loss there", decimals(kept[0].get("train_loss"))))
    if training.epochs:
        last = training.epochs[-1]
        facts.append((f"{title} at the end", decimals(last.get(training.metric))))
        facts.append(("training loss at the end", decimals(last.get("train_loss"))))
    return {"chart": learning_curve(training), "facts": facts}


def flattened(settings: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as (dotted name, value); empty ones and None are written as such."""
    lines: list[tuple[str, str]] = []
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            lines += flattened(value, f"{prefix}{key}.")
        else:
            lines.append((f"{prefix}{key}", _setting(value)))
    return lines


def _setting(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, (list, tuple)):
        return ", ".join(map(str, value)) or "none"
    return "none" if isinstance(value, Mapping) else str(value)
