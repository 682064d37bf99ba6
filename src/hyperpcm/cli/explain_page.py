"""Explained compounds and targets drawn on a page: no script, nothing fetched, light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hyperpcm.cli.gallery import nearness
from hyperpcm.cli.intervals import domain_in_words
from hyperpcm.cli.pages import page_environment
from hyperpcm.target_model.told import score_title, told_interval

if TYPE_CHECKING:
    from hyperpcm.target_model import Scores, TargetModel
    from hyperpcm.trust import Evidence, MeasuredCompound, RetrievedTarget
    from hyperpcm.trust.explained import Explained

__all__ = ["write_page", "write_target_page"]

_DRAWING: Final = (420, 300)  # pixels
_SMALL: Final = (150, 100)  # of a measured compound


def write_page(
    path: Path,
    target: TargetModel,
    other: TargetModel | None,
    scores: Scores,
    explained: Sequence[Explained],
    *,
    most: int,
    overwrite: bool,
) -> None:
    """Draw compounds with what their scores rest on.

    Args:
        path: of the page, ``.html`` by custom.
        target: that they were scored on.
        other: whose scores were subtracted; None: nothing was.
        scores: of all compounds that were given.
        explained: some of them.
        most: compounds that are drawn.
        overwrite: whether a file that is there may be replaced.

    Raises:
        OutputError: the path exists and ``overwrite`` is not set, or it cannot be written.
        DiskFullError: no space is left; what was at the path before is still there.
    """
    cards = [one.card for one in explained if one.card is not None]
    _write(
        path,
        overwrite=overwrite,
        title=score_title(target.quantity) + (" (logit)" if target.label_scale.binary else ""),
        target=(cards[0].target if cards else target.name) or "target",
        against=None if other is None else other.name or "another target",
        own=cards[0].own if cards else None,
        compounds=[_drawn(one, scores) for one in explained[:most]],
        left_out=max(0, len(explained) - most),
        card=None,
    )


def write_target_page(path: Path, card: Evidence, *, overwrite: bool) -> None:
    """Show what a target alone rests on; arguments and errors as for `write_page`."""
    _write(
        path,
        overwrite=overwrite,
        title="",
        target=card.target or "the target",
        against=None,
        own=card.own,
        compounds=[],
        left_out=0,
        card=_known(card),
    )


def _write(path: Path, *, overwrite: bool, **shown: object) -> None:
    from hyperpcm.datasets.output_files import atomic_file

    text = page_environment().get_template("explain.html").render(**shown)
    with atomic_file(path, overwrite=overwrite) as file:
        file.write(text.encode())


def _drawn(one: Explained, scores: Scores) -> dict[str, object]:
    from markupsafe import Markup

    from hyperpcm.chem import depict_svg
    from hyperpcm.trust.explained import atom_weights

    found, intervals, weights = one.atoms, scores.intervals, atom_weights(one)
    width, height = _DRAWING
    told = told_interval(intervals, one.row)
    return {
        "name": one.name or "",
        "smiles": one.smiles,
        "score": f"{one.score:.2f}",
        "adds": found is not None,
        "baseline": "" if found is None else f"{found.baseline:.2f}",
        "whole": "" if found is None else f"{found.whole:+.2f}".replace("-0.00", "+0.00"),
        "largest": f"{max(map(abs, weights), default=0.0):.2f}",
        "exact": found is not None and found.is_exact,
        "interval": f"{told['lower']:.2f} – {told['upper']:.2f}" if told else "",
        "level": f"{100 * told['level']:g}" if told else "",
        "domain": domain_in_words(intervals, one.row),
        "nearest": "" if one.nearest is None else nearness(one.smiles, one.nearest),
        "drawing": Markup(depict_svg(one.smiles, width=width, height=height, weights=weights)),
        "card": None if one.card is None else _known(one.card),
    }


def _known(card: Evidence) -> dict[str, object]:
    """What a page shows of a card."""
    from hyperpcm.trust.explained import other_weight

    others, scored = other_weight(card), card.smiles is not None
    attended = any(one.attention is not None for one in card.retrieved)
    return {
        "scored": scored,
        "weighed": card.of_mean is not None,
        "attended": attended,
        "others": "" if others is None else _percent(others),
        "of_mean": "" if card.of_mean is None else _percent(card.of_mean),
        "memory": _memory(card),
        "none": f"This model retrieves nothing from its memory of {card.targets:,} targets.",
        "retrieved": [_target(one, with_attention=scored and attended) for one in card.retrieved],
    }


def _memory(card: Evidence) -> str:
    """What is said of the memory as a whole."""
    told = f"The memory holds {card.targets:,} targets"
    if card.entropy is not None:
        told += f"; entropy of the attention on them {card.entropy:.2f} (1: on all alike, 0: on one)"
    return f"{told}."


def _target(one: RetrievedTarget, *, with_attention: bool) -> dict[str, object]:
    attention = "" if one.attention is None else _percent(one.attention)
    near = (
        ("the target itself;",)
        if one.is_own
        else (f"similarity {one.similarity:.2f},", f"distance {one.distance:.2f};")
    )
    labels = (
        (f"{one.labels:,} labels;", f"attention {attention}")
        if with_attention
        else (f"{one.labels:,} labels",)
    )
    return {
        "name": one.name or f"row {one.row} of the memory",
        "told": [*near, *labels],
        "weight": "" if one.weight is None else _percent(one.weight),
        "mean_label": "" if one.mean_label is None else f"{one.mean_label:.2f}",
        "attention": attention,
        "without": "" if one.score_without is None else f"{one.score_without:.2f}",
        "change": "" if one.change is None else _signed(one.change),
        "measured": [_measured(compound) for compound in one.nearest],
    }


def _measured(one: MeasuredCompound) -> dict[str, object]:
    from markupsafe import Markup

    from hyperpcm.chem import depict_svg

    width, height = _SMALL
    return {
        "smiles": one.smiles,
        "label": f"{one.label:.2f}",
        "similarity": f"{one.similarity:.2f}",
        "drawing": Markup(depict_svg(one.smiles, width=width, height=height)),
    }


def _percent(share: float) -> str:
    return f"{100 * share:.1f}\N{NO-BREAK SPACE}%"


def _signed(change: float) -> str:
    return f"{change:+.3f}".replace("-0.000", "+0.000").replace("-", "\N{MINUS SIGN}")
