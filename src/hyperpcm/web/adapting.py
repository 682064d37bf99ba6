"""Adapting as the service answers it: from a pasted table to a target that has learned from it."""

from __future__ import annotations

import dataclasses
import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from hyperpcm.adaptation import learning_curve
from hyperpcm.datasets.assay import Assay, read_assay
from hyperpcm.errors import InputError
from hyperpcm.target_model import Adaptation, Measurement, TargetModel
from hyperpcm.target_model.adapting import (
    CHOICES,
    CONTRADICTION,
    adapted,
    contradictions,
    measurements_of,
    summary,
    without_seen,
)
from hyperpcm.web.answers import AdaptedCompound, AdaptedTarget, CurvePoint, Refused, TargetAnswer
from hyperpcm.web.asked import MeasuredTable
from hyperpcm.web.compiled import CompiledTargets
from hyperpcm.web.served import target_id

__all__ = ["adapted_answer", "kept_answer"]

_LINE: Final = re.compile(
    r"(?P<smiles>\S+?)[\s,;]+(?P<relation>[<>=]?)\s*(?P<value>[-+]?\d+(?:\.\d*)?(?:[eE][-+]?\d+)?)"
)
_SIGNS: Final = {0: "=", 1: ">", -1: "<"}
_NAMED: Final = 3


def adapted_answer(
    targets: CompiledTargets,
    id: str,
    model: TargetModel,
    measured: MeasuredTable,
    told: Callable[[str, TargetModel], TargetAnswer],
    work: Path,
) -> AdaptedTarget:
    """Return a target that has learned from a pasted table, kept under an id of its own.

    Args:
        targets: where it is kept.
        id: of the target that learns.
        model: it.
        measured: what was pasted.
        told: what is told of a target.
        work: folder in which the table lies while it is read.

    Raises:
        InputError: the table cannot be used, or the model cannot learn from measurements.
    """
    read = _read(measured, model, work)
    measurements = without_seen(model, measurements_of(read, measured.source))
    rejected = tuple(Refused(one.row + 1, one.text, one.code, one.reason) for one in read.rejections)
    if not measurements:
        first = f" The first: row {rejected[0].row}: {rejected[0].reason}" if rejected else ""
        why = "all were seen before" if read.smiles else "no row of the table can be used"
        raise InputError(f"there is nothing new to learn from: {why}.{first}")
    found = adapted(model, measurements)
    adaptation = found.adaptation
    if adaptation is None:
        raise InputError("this target cannot learn from measurements.")
    content = [[one.smiles, one.value, one.relation, one.source] for one in adaptation.measurements]
    new = target_id(id, content)
    targets.add(new, found)
    targets.note(
        new,
        {
            "before": id,
            "notes": list(read.notes),
            "rejected": [dataclasses.asdict(one) for one in rejected],
        },
    )
    notes = (*read.notes, *_contradicted(found, measurements))
    return _answer(told(new, found), found, adaptation, before=id, notes=notes, rejected=rejected)


def kept_answer(targets: CompiledTargets, target: TargetAnswer, model: TargetModel) -> AdaptedTarget:
    """Return what was told of a target that has learned, and of how its last table was read.

    Args:
        targets: where it is kept.
        target: what is told of it.
        model: it.

    Raises:
        InputError: it has learned nothing.
    """
    adaptation = model.adaptation
    if adaptation is None:
        raise InputError("this target has not learned from any measurement.")
    noted = targets.noted(target.id)
    notes = (*noted.get("notes", ()), *_contradicted(model, list(adaptation.measurements)))
    rejected = [Refused(**one) for one in noted.get("rejected", ())]
    before = noted.get("before", "")
    return _answer(target, model, adaptation, before=before, notes=notes, rejected=rejected)


def _answer(
    target: TargetAnswer,
    model: TargetModel,
    adaptation: Adaptation,
    *,
    before: str,
    notes: Sequence[str],
    rejected: Sequence[Refused],
) -> AdaptedTarget:
    curve = learning_curve(model)
    return AdaptedTarget(
        target=target,
        before=before,
        summary=summary(adaptation),
        in_words=CHOICES[adaptation.choice],
        compounds=_compounds(model, adaptation),
        curve=tuple(CurvePoint(one.compounds, one.rmse, one.low, one.high, one.draws) for one in curve),
        notes=tuple(notes),
        rejected=tuple(rejected),
    )


def _read(measured: MeasuredTable, model: TargetModel, work: Path) -> Assay:
    text, quantity = _with_header(measured.text), measured.quantity
    if text is not measured.text and quantity is None:
        quantity = model.quantity.name
    with tempfile.TemporaryDirectory(prefix="table-", dir=work) as folder:
        path = Path(folder) / "table"
        path.write_text(text, encoding="utf-8")
        try:
            return read_assay(
                path,
                model.quantity,
                model.sequence,
                columns=measured.columns or None,
                quantity=quantity,
                unit=measured.unit,
            )
        except InputError as error:
            raise InputError(str(error).replace(str(path), "the table")) from None


def _with_header(text: str) -> str:
    """Lines of a SMILES and a value as a table; a table as it is.

    >>> _with_header("CCO 7.3\\nCCN <5\\n")
    'smiles\\trelation\\tvalue\\nCCO\\t=\\t7.3\\nCCN\\t<\\t5\\n'
    """
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    found = [_LINE.fullmatch(line) for line in lines]
    rows = [one for one in found if one is not None]
    if not rows or len(rows) < len(lines):
        return text
    cells = (f"{one['smiles']}\t{one['relation'] or '='}\t{one['value']}\n" for one in rows)
    return "smiles\trelation\tvalue\n" + "".join(cells)


def _compounds(target: TargetModel, adaptation: Adaptation) -> tuple[AdaptedCompound, ...]:
    groups: dict[str, list[int]] = {}
    for place, one in enumerate(adaptation.measurements):
        groups.setdefault(one.smiles, []).append(place)
    after = target.score(list(groups)).values
    rows = zip(groups.items(), after.tolist(), strict=True)
    return tuple(_compound(adaptation, smiles, places, score) for (smiles, places), score in rows)


def _compound(adaptation: Adaptation, smiles: str, places: list[int], after: float) -> AdaptedCompound:
    own = [adaptation.measurements[place] for place in places]
    exact = [one for one in own if one.relation == 0] or own
    before = float(adaptation.before[places[0]])
    return AdaptedCompound(
        smiles=smiles,
        measured=float(np.mean([one.value for one in exact])),
        relation=_SIGNS[exact[0].relation],
        measurements=len(own),
        before=before,
        after=float(after),
        left_out=before + float(adaptation.expected[places[0]]),
    )


def _contradicted(target: TargetModel, measurements: list[Measurement]) -> list[str]:
    apart = contradictions(target, {one.smiles for one in measurements})
    if not apart:
        return []
    named = "; ".join(f"{smiles} by {distance:.2f}" for smiles, distance in list(apart.items())[:_NAMED])
    return [
        f"{len(apart):,} compounds have measurements more than {CONTRADICTION:g} apart; values count with "
        f"their mean, and before bounds: {named}"
    ]
