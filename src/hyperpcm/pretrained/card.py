"""The card of a model that ships: what it is, how good it was measured to be, and what it is not for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

__all__ = ["shipped_card"]

_TITLES: Final[Mapping[str, str]] = {
    "hyperpcm": "**this model's recipe**",
    "hyperpcm_shuffled": "the same with proteins exchanged (null)",
    "hyperpcm_prior": "the same without generated networks",
    "hyperpcm_published": "the published HyperPCM",
    "additive": "mean of compound plus mean of target (null)",
    "compound_mean": "mean of the compound (null)",
    "target_mean": "mean of the target (null)",
    "ligand_only": "compounds alone, proteins unseen (null)",
    "gbm": "gradient boosting (LightGBM)",
    "gbm_means": "gradient boosting with means",
    "xgboost": "gradient boosting (XGBoost)",
    "kernel_knn": "kernel nearest neighbours",
    "kronecker_ridge": "Kronecker kernel ridge",
    "nearest_neighbour": "nearest neighbour",
    "random_forest": "random forest",
    "per_target_forest": "a forest for each target",
    "deep_pcm": "DeepPCM",
}
_METRICS: Final = (("auroc", "AUROC"), ("spearman", "rank correlation"))


def shipped_card(record: Mapping[str, Any]) -> str:
    """Return the card of a packed model as Markdown; equal records give equal cards.

    Args:
        record: as packed, with ``figures`` where there are some; without, the card that lies in the model's
            own file is all there is.
    """
    own, figures = str(record["card"]), record.get("figures")
    if figures is None:
        return own if own.endswith("\n") else own + "\n"
    parts = [
        f"# {record['name']}",
        _first_words(record),
        _section("What it predicts", _quantity(record)),
        _section("What it was trained on", _learned(record)),
        _section("Licence", _licence(record)),
        _section("How good it is", _how_measured(record, figures)),
        *(_section(one["title"], _accuracy(one), level=3) for one in figures["accuracy"]),
        _section("By family of proteins", _families(figures["families"])),
        _section("By distance from what it knows", _distance(record)),
        _section("What its intervals hold", _coverage(figures["coverage"])),
        _section("What it must not be used for", _limits(figures)),
        _section("Where the numbers come from", _sources(record, figures)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(title: str, text: str, *, level: int = 2) -> str:
    return f"{'#' * level} {title}\n\n{text}" if text else ""


def _first_words(record: Mapping[str, Any]) -> str:
    return (
        "It scores how strongly compounds act on a protein that is given by its sequence alone, measured "
        "before or not. It answers at once, with an interval and a verdict for every score; where it knows "
        f"little, the verdict is “outside”. Ask it with `hyperpcm score --model {record['name']} --target "
        "protein.fasta compounds.smi`."
    )


def _quantity(record: Mapping[str, Any]) -> str:
    quantity = record["quantity"]
    unit = f" in {quantity['unit']}" if quantity["unit"] else ""
    active = (
        "" if quantity["active_at"] is None else f" From {quantity['active_at']:g} on, a compound is active."
    )
    return f"{quantity['name']}{unit}; higher is stronger.{active} Ki, Kd, IC50 and EC50 are pooled."


def _learned(record: Mapping[str, Any]) -> str:
    learned, source = record["learned"], record["source"]
    counts = [f"{learned[key]:,} {key}" for key in ("interactions", "compounds", "targets") if key in learned]
    lines = [
        f"- data: {record['trained_on']}" + (f" ({source['what']})" if "what" in source else ""),
        f"- learned from: {', '.join(counts)}",
        f"- it remembers {learned['known_targets']:,} proteins and {learned['landmarks']:,} compounds",
    ]
    if record.get("division"):
        lines.append(f"- division: {record['division']}")
    if "citation" in source:
        lines.append(f"- citation: {source['citation']}")
    return "\n".join(lines)


def _licence(record: Mapping[str, Any]) -> str:
    licence = record["licence"]
    encoders = ", ".join(f"{name} ({one})" for name, one in licence["encoders"].items())
    lines = [
        f"- data: {licence['data']}",
        f"- weights and what it remembers: {licence.get('weights', 'not stated')}",
    ]
    if "attribution" in licence:
        lines.append(f"- attribution: {licence['attribution']}")
    lines.append(f"- encoders: {encoders}")
    return "\n".join(lines)


def _how_measured(record: Mapping[str, Any], figures: Mapping[str, Any]) -> str:
    folds = any(len(one["folds"]) < one["of_folds"] for one in figures["accuracy"])
    partly = " Where fewer folds were run than there are, the table says so." if folds else ""
    if len(_commits(record, figures)) > 1:
        partly += (
            " The recipe was worked on between these runs: the last section tells the state of the code that "
            "made each."
        )
    return (
        "These numbers are not of the file that ships, which learned from what they hold out, but of models "
        "made by the same recipe from the rest. Each of them was chosen on validation rows held out as its "
        "test rows are, and the one that ships on those of its own division, named above. AUROC tells "
        "compounds at or "
        "above the threshold from the others, 0.5 is guessing; the rank correlation is "
        "Spearman's, 0 is guessing. Both are means over proteins, each counted once, so that knowing which "
        "protein binds many compounds earns nothing. A difference is this recipe minus the row on the same "
        f"proteins, with a 95 % interval from resampling proteins.{partly}"
    )


def _accuracy(found: Mapping[str, Any]) -> str:
    folds = f"{len(found['folds'])} of {found['of_folds']} folds" if found["of_folds"] > 1 else "one division"
    header = ["", *(word for _, title in _METRICS for word in (title, "difference")), "proteins", "folds"]
    lines = []
    for row in sorted(found["rows"], key=_order):
        cells = [_TITLES.get(row["model"], row["model"])]
        for metric, _ in _METRICS:
            cells += [_number(row[metric]), _difference(row.get(f"{metric}_difference"))]
        lines.append([*cells, f"{row['spearman_targets']:,}", str(len(row["folds"]))])
    told = " ".join(filter(None, (_verdict(found, metric, title) for metric, title in _METRICS)))
    return f"{found['about']} ({found['data']}, {folds}.)\n\n{_table(header, lines)}\n\n{told}"


def _order(row: Mapping[str, Any]) -> tuple[bool, bool, str]:
    """This model first, then rivals, then nulls."""
    return row["model"] != "hyperpcm", "null" in _TITLES.get(row["model"], ""), row["model"]


def _verdict(found: Mapping[str, Any], metric: str, title: str) -> str:
    """Which rows the model is not surely better than, in a sentence."""
    doubtful, worse = [], []
    for row in sorted(found["rows"], key=_order):
        difference, name = row.get(f"{metric}_difference"), _TITLES.get(row["model"], row["model"])
        if difference is not None and difference["high"] < 0:
            worse.append(name)
        elif difference is not None and difference["low"] <= 0:
            doubtful.append(name)
    if not worse and not doubtful:
        return f"In {title} it is better than every row, and no interval holds 0."
    told = [f"worse than {_joined(worse)}"] if worse else []
    told += [f"not surely better than {_joined(doubtful)}"] if doubtful else []
    return f"In {title} it is {' and '.join(told)}."


def _joined(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _families(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ""
    lines = [
        [
            row["family"],
            str(row["targets"]),
            _mean(row["auroc"]),
            _mean(row["spearman"]),
            f"{row['rmse']:.2f}",
        ]
        for row in found["rows"]
    ]
    header = ["", "proteins", "AUROC", "rank correlation", "error"]
    return (
        f"Of {found['data']} with whole clusters of relatives held out, as above. The family is told by the "
        "words of the protein's name, which is coarse. Error is the root mean square over labels.\n\n"
        + _table(header, lines)
    )


def _distance(record: Mapping[str, Any]) -> str:
    """What the model's own calibration says, which is part of the card in its file."""
    own = str(record["card"])
    start = own.find("## How far to believe it")
    if start < 0:
        return ""
    text = own[start:].split("\n", 1)[1]
    end = text.find("\n## ")
    return (text if end < 0 else text[:end]).strip()


def _coverage(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return (
            "Not measured on these data yet. The intervals are calibrated on held-out rows, as told above; "
            "how many labels of other new proteins they hold has no results file."
        )
    kinds = "".join(
        f" On {name.replace('_', ' ')} alone, {_held(shares)}."
        for name, shares in found["coverage_of_kinds"].items()
    )
    errors = ", ".join(f"{name} {value:.2f}" for name, value in found["rmse_by_verdict"].items())
    return (
        f"On test rows of {found['data']} ({found['split']}), {_held(found['coverage'])}.{kinds} Errors by "
        f"verdict: {errors}."
    )


def _held(shares: Mapping[str, float]) -> str:
    return ", ".join(
        f"{100 * share:.1f} % of the labels lie in intervals of {100 * float(level):g} %"
        for level, share in shares.items()
    )


def _limits(figures: Mapping[str, Any]) -> str:
    lines = [
        "Decisions without a measurement, above all about people: it says nothing of safety, dose or effect "
        "in an organism. A score tells what to measure first.",
        "Believing a score whose verdict is “outside”, such as on a designed, repetitive or viral protein, "
        "or of a peptide, a macrocycle or a metal complex.",
        "What a measurement tells: on a protein that it remembers, scores of compounds that it has seen are "
        "drawn towards the middle. `hyperpcm score` puts what was measured beside them, and `hyperpcm adapt` "
        "with measurements on that protein widens them again.",
        "Telling inactive compounds from weak ones: the data hold little that is weaker than 10 µM.",
        "Whether a compound activates or inhibits, binds covalently, or where on the protein.",
        "Mutants of one protein: `hyperpcm mutate` wants a test on measured mutants, and this file has none.",
        "Comparing scores of different proteins with each other: the figures above are within proteins.",
        "Reading a difference smaller than the error as a difference.",
    ]
    hardest = next((one for one in figures["accuracy"] if one["split"] == "homology_target"), None)
    shuffled = _null_in_reach(hardest)
    if shuffled:
        lines.insert(1, shuffled)
    return "\n".join(f"- {one}" for one in lines)


def _null_in_reach(found: Mapping[str, Any] | None) -> str:
    """A warning where exchanging proteins costs nothing that the results could tell."""
    rows = {} if found is None else {row["model"]: row for row in found["rows"]}
    difference = rows.get("hyperpcm_shuffled", {}).get("auroc_difference")
    if difference is None or difference["low"] > 0:
        return ""
    return (
        "Selectivity on a protein without known relatives: there its ranking is hardly better than with "
        "proteins exchanged, so it tells which compounds bind many proteins rather than which bind this one."
    )


def _commits(record: Mapping[str, Any], figures: Mapping[str, Any]) -> set[str]:
    """All states of the code that made the model and the figures of its recipe, as far as they are known."""
    known = {commit for one in _files(figures) for commit in one["commits"].values()}
    return (known | {record.get("commit", "")}) - {""}


def _files(figures: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What was read of each results file, in the order of the card."""
    coverage = figures["coverage"]
    return [*figures["accuracy"], *([] if coverage is None else [coverage])]


def _sources(record: Mapping[str, Any], figures: Mapping[str, Any]) -> str:
    lines = [
        f"- `benchmarks/results/{one['file']}` (sha256 {one['sha256'][:16]}…{_made_by(one['commits'])})"
        for one in _files(figures)
    ]
    own = _made_by({"": record.get("commit", "")})
    model = f"- the model itself: sha256 {record['sha256']}, {record['bytes'] / 1e6:.1f} MB{own}"
    return (
        "\n".join([model, *lines]) + "\n\nThis card was generated from them; nothing on it was typed by hand."
    )


def _made_by(commits: Mapping[str, str]) -> str:
    """Which state of the code made what, by the folds that it made."""
    folds: dict[str, list[str]] = {}
    for fold, commit in sorted(commits.items()):
        folds.setdefault(commit, []).append(fold)
    told = [
        f"commit {commit[:12]}"
        + (f" for {'fold' if len(of) == 1 else 'folds'} {_joined(of)}" if len(folds) > 1 else "")
        for commit, of in folds.items()
        if commit
    ]
    return f"; {', '.join(told)}" if told else ""


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _difference(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ""
    return f"{found['mean']:+.3f} [{found['low']:+.3f}, {found['high']:+.3f}]".replace("-", "−")


def _mean(found: Mapping[str, Any] | None) -> str:
    if found is None:
        return ""
    bounds = "" if found["low"] is None else f" [{found['low']:.2f}, {found['high']:.2f}]"
    return f"{found['mean']:.2f}{bounds} (n {found['targets']})".replace("-", "−")
