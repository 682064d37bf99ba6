"""The model card: what a reader of a model file should know before believing its scores, as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from hyperpcm.datasets.interactions import Quantity
from hyperpcm.encoders.licences import noncommercial_notice
from hyperpcm.target_model.unseen import UNSEEN

if TYPE_CHECKING:
    from hyperpcm.model.hyperpcm import HyperPCM

__all__ = ["SHRUNK", "card_text", "change_line", "counted"]

SHRUNK: Final = "shrunk"
"""Entry of the card that says what was taken away to make a model small."""

_UNASKED: Final = {
    "target": "compounds unlike those of training",
    "compound": "proteins without a label in training",
    "both": None,
    "mixed": "compounds unlike those of training, on proteins without a label in training",
    "pair": "proteins or compounds without a label in training",
}


def card_text(model: HyperPCM) -> str:
    """Return the card of a trained model; what is not known of it is left out.

    Args:
        model: with its card, and its calibration where it has one.
    """
    card = model.card
    parts = [
        f"# A model of {card.get('data', 'compounds and targets')}",
        "It scores how strongly compounds act on a protein, known or never measured.",
        _section("What it predicts", _quantity(model.quantity)),
        _section("What it learned from", _learned(model)),
        _section("What its memory gained and lost since", _history(card)),
        _section("What was taken away to make it small", _shrunk(card)),
        _section("What it reads", _encoders(model)),
        _section("How it was chosen", _chosen(card)),
        _section("How far to believe it", _trust(model)),
        _section("What it is not for", _limits(model)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(title: str, text: str) -> str:
    return f"## {title}\n\n{text}" if text else ""


def _listed(facts: Sequence[tuple[str, object]]) -> str:
    return "\n".join(f"- {name}: {value}" for name, value in facts if value not in (None, ""))


def _quantity(quantity: Quantity) -> str:
    if quantity.kind == "binary":
        return f"The probability that a compound is active ({quantity.name})."
    unit = f" in {quantity.unit}" if quantity.unit else ""
    active = "" if quantity.active_at is None else f" From {quantity.active_at:g} on, a compound is active."
    return f"{quantity.name}{unit}; higher is stronger.{active}"


def _learned(model: HyperPCM) -> str:
    card = model.card
    counts = [f"{card[key]:,} {key}" for key in ("interactions", "compounds", "targets") if key in card]
    source: Mapping[str, Any] = card.get("source", {})
    return _listed(
        [
            ("data", card.get("data")),
            *source.items(),
            ("learned from", ", ".join(counts)),
            ("division", card.get("split")),
            ("seed", card.get("seed")),
            ("fingerprint of the data", card.get("data_fingerprint")),
        ]
    )


def _history(card: Mapping[str, Any]) -> str:
    """What was done to the memory after training, a line for each change."""
    lines = [f"- {change_line(entry)}" for entry in card.get("memory", ())]
    if not lines:
        return ""
    return (
        "\n".join(lines) + "\n\nNothing was trained for these changes, and no error was measured after them."
    )


def _shrunk(card: Mapping[str, Any]) -> str:
    """What `hyperpcm.model.shrinking` did."""
    record = card.get(SHRUNK)
    if record is None:
        return ""
    compounds, labels = record["compounds"], record["labels"]
    told = [f"- compounds of its memory: all {compounds['of']:,} stay"]
    if compounds["kept"] < compounds["of"]:
        told = [
            f"- compounds of its memory: {compounds['kept']:,} of {compounds['of']:,} stay, with "
            f"{labels['kept']:,} of {labels['of']:,} labels; those with the fewest labels went"
        ]
    steps = record["steps"]
    told += [
        f"- {words}: rounded to steps of about {steps[name]:.2g} of their standard deviation"
        for name, words in _ROUNDED.items()
        if steps[name]
    ]
    if steps["thresholds"]:
        told.append(f"- what its trees split at: rounded to {steps['thresholds']} binary digits")
    found = record.get("difference")
    if found is not None:
        told.append(
            f"- what that changes: scores of {counted(found['compounds'], 'known compound')} for "
            f"{counted(found['targets'], 'known target')} differ by {found['root_mean_square']:.2g} in root "
            f"mean square, and by {found['largest']:.2g} at most"
        )
    return "\n".join(told) + "\n\nErrors and intervals below were measured before that."


_ROUNDED: Final = {
    "networks": "weights of its networks",
    "ridge": "coefficients of its ridge regression",
    "targets": "embeddings of its known targets and their places along the axes of the alignment",
    "profiles": "profiles of its compounds, which adapting reads",
    "leaves": "what its trees say",
    "labels": "labels of its memory",
}


def change_line(entry: Mapping[str, Any]) -> str:
    """Return one change of a memory in a line.

    Args:
        entry: as from `hyperpcm.model.history.card_entry`.
    """
    done = [
        f"{kind} {counted(entry[kind]['labels'], 'label')} of {counted(entry[kind]['targets'], 'target')}"
        for kind in ("added", "removed", "changed")
        if entry[kind]["targets"]
    ]
    nothing = "overlays written into the file" if entry.get("action") == "apply" else "no label changed"
    by = f", by {entry['author']}" if entry["author"] else ""
    named = entry["source"].get("name")
    told = f" ({named})" if named else ""
    return _on_one_line(f"{entry['time']}{by}: {'; '.join(done) or nothing}{told}")


def counted(number: int, what: str) -> str:
    """Return a number of things in words: ``1 label``, ``2,000 labels``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _on_one_line(text: str) -> str:
    """The text with what does not print written out, so that a name adds no line or section to the card."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def _encoders(model: HyperPCM) -> str:
    licences: Mapping[str, str] = model.card.get("licences", {})
    notice = noncommercial_notice(licences)
    told = _listed([(name, licence) for name, licence in licences.items()])
    return told if notice is None else f"{told}\n\n{notice}"


def _chosen(card: Mapping[str, Any]) -> str:
    best: Mapping[str, Any] = card.get("best", {})
    facts = [
        (name.removeprefix("valid_").replace("_", " ") + " of the validation side", f"{value:.4g}")
        for name, value in best.items()
        if name.startswith("valid_") and isinstance(value, (int, float))
    ]
    if not facts:
        return ""
    told = _listed([("epoch", best.get("epoch")), *facts])
    again = " It then learned once more from both sides." if card.get("refit") else ""
    if card.get("tested") is False:
        again += (
            " Nothing was held out for a test: the accuracy to expect is that of the same settings, trained "
            "without the test sides of this division."
        )
    return (
        f"{told}\n\nThe validation side also chose the epoch and the settings of the prior: these numbers "
        f"are better than those of a test side.{again}"
    )


def _trust(model: HyperPCM) -> str:
    calibration = model.calibration
    if model.quantity.kind == "binary":
        return _probabilities(model.card)
    if calibration is None:
        reason = model.card.get("no_intervals")
        return f"Its scores have no intervals: {reason}" if reason else ""
    held = calibration.held_out
    parts = [
        f"Intervals and domain are calibrated on {held['rows']:,} held-out rows of {held['targets']:,} "
        f"targets: {UNSEEN[held['unseen']]}. Over all of them the root mean squared error was "
        f"{held['rmse']:.2f}."
    ]
    verdicts = [[name, f"{one['rows']:,}", f"{one['rmse']:.2f}"] for name, one in held["verdicts"].items()]
    parts.append(_table(["domain", "held-out rows", "error"], verdicts))
    for axis, measure in (("target", "alignment"), ("compound", "Tanimoto")):
        rows = [
            [f"{one['from']:.2f} – {one['to']:.2f}", f"{int(one['rows']):,}", f"{one['rmse']:.2f}"]
            for one in held[f"by_nearest_{axis}"]
        ]
        title = f"{measure} similarity of the nearest known {axis}"
        parts.append(_table([title, "held-out rows", "error"], rows))
    return "\n\n".join(parts)


def _probabilities(card: Mapping[str, Any]) -> str:
    held, reason = card.get("probabilities"), card.get("no_probabilities")
    if held is None:
        return f"Its probabilities are not calibrated: {reason}" if reason else ""
    rows = [
        [name, f"{held[key]['before']:.3f}", f"{held[key]['after']:.3f}"]
        for name, key in (("log loss", "log_loss"), ("expected calibration error", "ece"))
    ]
    return (
        f"Probabilities are calibrated on {held['rows']:,} held-out rows of {held['targets']:,} targets: "
        f"{UNSEEN[held['unseen']]}.\n\n{_table(['on these rows', 'before', 'after'], rows)}"
    )


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _limits(model: HyperPCM) -> str:
    found = [
        "Decisions without a measurement: a score tells what to measure first.",
        "Reading a difference smaller than the error above as a difference.",
    ]
    if model.calibration is not None:
        unasked = _UNASKED[model.calibration.held_out["unseen"]]
        if unasked is not None:
            found.append(f"Promises about {unasked}: no held-out row asked about them.")
    return "\n".join(f"- {one}" for one in found)
