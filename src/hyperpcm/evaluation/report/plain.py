"""What a model can be used for and what not, in plain words, from nothing but the numbers of its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from hyperpcm import metrics
from hyperpcm.datasets.interactions import Quantity
from hyperpcm.evaluation.report.inputs import MutantFindings, ReportInputs, ScoredRows
from hyperpcm.evaluation.report.words import clean, count, decimals, listed, metric_title, percent, several
from hyperpcm.evaluation.tables import NULL_ROWS, Comparison, best_null, by_fold, compare

__all__ = ["PlainWords", "plain_words"]

_RANKING: Final = {"regression": "per_target.pearson", "binary": "per_target.auroc"}
_CHANCE: Final = {"regression": 0.0, "binary": 0.5}
_LOGARITHMIC: Final = "-log10(M)"
_SEEN: Final = 0.5  # from this share of the test side on, an axis counts as known
_SLACK: Final = 0.1  # coverage below its level by more than this is said
_SHUFFLED: Final = "hyperpcm_shuffled"


@dataclass(frozen=True)
class PlainWords:
    """Sentences about a model.

    Attributes:
        can: what the numbers support.
        cannot: what they speak against, or do not tell.
    """

    can: tuple[str, ...]
    cannot: tuple[str, ...]


def plain_words(inputs: ReportInputs) -> PlainWords:
    """Say what a model can be used for and what not; each sentence stands on a number of the same report.

    Args:
        inputs: of the report.
    """
    if inputs.test is None or not inputs.results:
        return PlainWords((), ("Nothing is known of its skill: it has not been evaluated.",))
    quantity = inputs.data.quantity
    sentences = [
        *_ranking(inputs, inputs.test, quantity),
        *_values(inputs, inputs.test, quantity),
        *_targets(inputs),
        *_trust(inputs.trust),
        *_mutants(inputs.mutants),
        *_untested(inputs),
    ]
    return PlainWords(
        tuple(text for is_good, text in sentences if is_good),
        tuple(text for is_good, text in sentences if not is_good),
    )


def _against_nulls(inputs: ReportInputs, metric: str) -> Comparison | None:
    """The model beside the best null; the shuffled model is no null here, as it is the model."""
    every = list(inputs.results)
    best = best_null(every, [name for name in NULL_ROWS if name != _SHUFFLED], metric)
    return None if best is None else compare(every, best, metric, model=inputs.model)


def _ranking(inputs: ReportInputs, test: ScoredRows, quantity: Quantity) -> list[tuple[bool, str]]:
    """Whether it orders the compounds of one target."""
    metric, chance = _RANKING[quantity.kind], _CHANCE[quantity.kind]
    values = list(by_fold(list(inputs.results), inputs.model, metric).values())
    if not values:
        return []
    title, mean = metric_title(metric), float(np.mean(values))
    found = []
    compared = _against_nulls(inputs, metric)
    if mean <= chance:
        found.append(
            (False, f"Do not rank compounds for one protein with it: {title} is {decimals(mean, 2)}.")
        )
    elif compared is not None and not compared.is_better:
        found.append(
            (
                False,
                f"To rank compounds for one protein it is no better than {clean(compared.other)} "
                f"({title} {decimals(mean)} against {decimals(compared.other_mean)}), which is "
                "simpler.",
            )
        )
    else:
        beside = (
            ""
            if compared is None
            else f"; {clean(compared.other)}, the best null, reaches {decimals(compared.other_mean)}"
        )
        found.append((True, f"Rank compounds for one protein: {title} is {decimals(mean)}{beside}."))
    return found + _single_targets(test, quantity, chance)


def _single_targets(test: ScoredRows, quantity: Quantity, chance: float) -> list[tuple[bool, str]]:
    """For how many targets the order is that of chance."""
    active = test.labels >= 0.5 if quantity.kind == "binary" else None
    measured = metrics.per_target(test.labels, test.scores, test.target_index, active)
    skill = measured.pearson if active is None else measured.auroc
    judged = skill[~np.isnan(skill)]
    failing = int((judged <= chance).sum())
    if not failing:
        return []
    return [
        (
            False,
            f"A single protein can fail: for {count(failing)} of {several(judged.size, 'target')} the "
            "order of compounds is no better than chance, and nothing but the domain tells beforehand.",
        )
    ]


def _values(inputs: ReportInputs, test: ScoredRows, quantity: Quantity) -> list[tuple[bool, str]]:
    """Whether its values mean something."""
    if quantity.kind == "binary":
        return []
    compared = _against_nulls(inputs, "mse")
    rmse = float(np.sqrt(np.mean((test.labels.astype(np.float64) - test.scores) ** 2)))
    size = f"a typical error is {decimals(rmse, 2)}"
    if quantity.unit == _LOGARITHMIC:
        size += f", a factor of {decimals(10**rmse, 1)} in concentration"
    if compared is not None and not compared.is_better:
        return [
            (
                False,
                f"Do not take its values for more than those of {clean(compared.other)}: {size}, and the "
                f"MSE is {decimals(compared.mean)} against {decimals(compared.other_mean)}.",
            )
        ]
    return [(True, f"Estimate {clean(quantity.name)}: {size}.")]


def _targets(inputs: ReportInputs) -> list[tuple[bool, str]]:
    """Whether it makes use of the protein."""
    metric = _RANKING[inputs.data.quantity.kind]
    compared = compare(inputs.results, _SHUFFLED, metric, model=inputs.model)
    if compared is None or compared.is_better:
        return []
    return [
        (
            False,
            "Do not use it to tell proteins apart: with the proteins exchanged it orders compounds as "
            f"well ({metric_title(metric)} {decimals(compared.other_mean, 2)} against "
            f"{decimals(compared.mean, 2)}).",
        )
    ]


def _trust(trust: Mapping[str, Any] | None) -> list[tuple[bool, str]]:
    """Whether intervals and verdicts may be relied on."""
    if trust is None:
        return []
    coverage = trust.get("coverage")
    if coverage is None:
        reason = trust.get("no_intervals")
        return [(False, f"Its scores have no intervals: {clean(reason)}")] if reason else []
    held = {float(level): share for level, share in coverage["held"].items()}
    told = listed(f"{100 * level:g} % intervals held {percent(share)}" for level, share in held.items())
    is_held = all(share >= level - _SLACK for level, share in held.items())
    said = "Read its intervals" if is_held else "Do not rely on its intervals"
    found = [(is_held, f"{said}: {told} of the test labels.")]
    for level, share in held.items():
        parts: Sequence[float] = coverage["held_by_bin"][f"{level:g}"]
        if len(parts) > 1 and parts[0] < level - _SLACK <= share:
            found.append(
                (
                    False,
                    f"For proteins far from every known one its intervals are too narrow: {100 * level:g} % "
                    f"intervals held {percent(parts[0])} in the farthest third of the targets.",
                )
            )
    return found + _verdicts(coverage["rmse_by_verdict"])


def _verdicts(rmse: Mapping[str, float]) -> list[tuple[bool, str]]:
    if len(rmse) < 2:
        return []
    told = listed(f"{decimals(error, 2)} {verdict}" for verdict, error in rmse.items())
    errors = list(rmse.values())
    if errors == sorted(errors):
        return [(True, f"Heed its domain: the error is {told} (root mean square).")]
    return [(False, f"Do not go by its domain: the error is {told} (root mean square).")]


def _mutants(found: MutantFindings | None) -> list[tuple[bool, str]]:
    """Whether it tells a protein from its mutants."""
    if found is None:
        return []
    if found.verdict == "untested":
        return [(False, f"Do not ask it what a mutation changes. {found.says}")]
    return [(found.verdict == "can_tell", found.says)]


def _untested(inputs: ReportInputs) -> list[tuple[bool, str]]:
    """What the division did not ask."""
    audit: Mapping[str, Any] = {} if inputs.split is None else inputs.split.audit
    shared, test = audit.get("test_in_seen"), audit.get("test")
    found = []
    for key, noun in (("compounds", "compound"), ("targets", "target")):
        if shared and test and test[key] and shared[key] / test[key] >= _SEEN:
            share = percent(shared[key] / test[key])
            found.append(
                (
                    False,
                    f"How it does on new {noun}s was not asked: {share} of the test {noun}s were known "
                    "to it.",
                )
            )
    if len({row.fold for row in inputs.results if row.model == inputs.model}) == 1:
        found.append((False, "All this is one fold; the others may turn out otherwise."))
    return found
