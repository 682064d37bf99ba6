"""The two ChEMBL sets as one table: values in place of bins, contradictions out, the future marked."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from hyperpcm.datasets import catalog, load, make_splits
from hyperpcm.datasets.chembl import join_bins_and_values
from hyperpcm.datasets.interactions import Interactions, Quantity
from hyperpcm.errors import ConfigError, DataUnavailableError

BINS = Quantity("pChEMBL", "-log10(M)", active_at=7.0, bin_width=1.0)
POINTS = Quantity("pChEMBL", "-log10(M)", active_at=6.5)
Row = tuple[str, str, float, int]
"""Compound, target, value, relation."""


def table(rows: list[Row], quantity: Quantity, prefix: str, new: list[int] | None = None) -> Interactions:
    compounds, targets = (tuple(dict.fromkeys(row[side] for row in rows)) for side in (0, 1))
    return Interactions(
        name=prefix,
        quantity=quantity,
        compounds=compounds,
        targets=targets,
        compound_names=tuple(f"{prefix} {one}" for one in compounds),
        target_names=tuple(f"{prefix} {one}" for one in targets),
        compound_index=[compounds.index(row[0]) for row in rows],
        target_index=[targets.index(row[1]) for row in rows],
        values=[row[2] for row in rows],
        relations=[row[3] for row in rows],
        folds={} if new is None else {"after_chembl20": new, "fold_random": [0] * len(rows)},
        notes=("read.",),
    )


def content(joined: Interactions) -> dict[tuple[str, str], tuple[float, int, bool]]:
    columns = (
        joined.compound_index,
        joined.target_index,
        joined.values,
        joined.relations,
        joined.is_binned(),
    )
    return {
        (joined.compounds[compound], joined.targets[target]): (value, relation, binned)
        for compound, target, value, relation, binned in zip(*(one.tolist() for one in columns), strict=True)
    }


def by_loop(bins: list[Row], values: list[Row]) -> dict[tuple[str, str], tuple[float, int, bool]]:
    found = {(c, t): (value, relation, relation == 0) for c, t, value, relation in bins}
    for compound, target, value, _ in values:
        known = found.get((compound, target))
        if known is not None:
            edge, relation, _ = known
            if value < edge - 1 or (relation == 0 and value > edge + 2):
                del found[compound, target]
                continue
        found[compound, target] = (value, 0, False)
    return found


def test_the_joined_rows_equal_those_of_a_loop():
    generator = np.random.default_rng(0)
    compounds, targets = ["C" * length for length in range(1, 30)], ["MK", "MV", "ML", "MA"]

    def drawn(some: list[str]) -> list[tuple[str, str]]:
        every = [(compound, target) for compound in some for target in targets]
        return [every[place] for place in generator.permutation(len(every))[: len(every) // 2]]

    edges = generator.integers(5, 11, 200).tolist()
    bins: list[Row] = [
        (*pair, float(edge), int(edge == 10))
        for pair, edge in zip(drawn(compounds[:20]), edges, strict=False)
    ]
    values: list[Row] = [
        (*pair, float(np.float32(value)), 0)
        for pair, value in zip(drawn(compounds[10:]), generator.uniform(4, 11, 200), strict=False)
    ]
    joined = join_bins_and_values(table(bins, BINS, "old"), table(values, POINTS, "late", [0] * len(values)))
    expected = by_loop(bins, values)
    assert content(joined) == expected
    both = {row[:2] for row in bins} & {row[:2] for row in values}
    refused = len({row[:2] for row in bins} | {row[:2] for row in values}) - len(expected)
    assert 0 < refused < len(both)
    assert [one.code for one in joined.rejections] == ["CONTRADICTORY"] * refused
    assert any(f"{len(both)} pairs have a bin and a value" in note for note in joined.notes)
    assert any(f"{refused} pairs left out" in note for note in joined.notes)


def test_a_value_up_to_a_bin_away_is_kept_and_the_names_are_those_of_the_bins():
    bins: list[Row] = [("C", "MK", 6.0, 0), ("CC", "MK", 6.0, 0), ("CCC", "MV", 10.0, 1)]
    values: list[Row] = [
        ("C", "MK", 8.0, 0),
        ("CC", "MK", 8.25, 0),
        ("CCC", "MV", 9.0, 0),
        ("N", "MV", 5.0, 0),
    ]
    joined = join_bins_and_values(table(bins, BINS, "old"), table(values, POINTS, "late", [0, 0, 0, 0]))
    assert content(joined) == {
        ("C", "MK"): (8.0, 0, False),
        ("CCC", "MV"): (9.0, 0, False),
        ("N", "MV"): (5.0, 0, False),
    }
    assert joined.quantity == BINS
    assert joined.target_names == ("old MK", "old MV")
    assert joined.compound_names == ("old C", "old CC", "old CCC", "late N")
    (refused,) = joined.rejections
    assert (refused.text, refused.reason) == ("old CC, old MK", "the value 8.25 is far from the bin, 6 to 7.")


def test_the_future_is_what_the_bins_do_not_hold():
    bins: list[Row] = [("C", "MK", 6.0, 0), ("CC", "MK", 7.0, 0), ("CCC", "MV", 8.0, 0)]
    values: list[Row] = [
        ("C", "MV", 6.5, 0),  # a compound that is held, on another target, marked as new by mistake
        ("CC", "MK", 7.5, 0),
        ("N", "MK", 5.0, 0),  # not held, and not marked: known all the same
        ("O", "MV", 8.5, 0),
        ("O", "ML", 5.5, 0),  # a target that is not held
    ]
    joined = join_bins_and_values(table(bins, BINS, "old"), table(values, POINTS, "late", [1, 0, 0, 1, 1]))
    assert list(joined.folds) == ["after_chembl20"]
    (split,) = make_splits(joined, "forward", valid_share=0.4)
    tested = joined.select(split.test)
    assert set(content(tested)) == {("O", "MV"), ("O", "ML")}
    assert not tested.is_binned().any()
    assert not {row[0] for row in content(joined.select(split.seen))} & {"O"}
    assert any(
        note.startswith("1 rows marked as new are of compounds that old holds") for note in joined.notes
    )


def test_without_a_copy_the_message_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HYPERPCM_DATA", str(tmp_path))
    with pytest.raises(DataUnavailableError) as refused:
        load("chembl")
    assert str(refused.value).startswith(
        "chembl is made of chembl20 and chembl_quant: chembl_quant cannot be"
    )
    assert "hyperpcm data fetch chembl_quant --from PATH" in str(refused.value)
    assert not (tmp_path / "chembl20").exists()  # nothing was downloaded in vain
    assert not catalog.is_local("chembl")


def test_it_takes_no_copy_and_has_no_files_of_its_own(tmp_path: Path):
    with pytest.raises(ConfigError, match="data fetch chembl_quant --from"):
        catalog.receive("chembl", tmp_path)
    with pytest.raises(ConfigError, match="made of chembl20 and chembl_quant"):
        catalog.local_path("chembl", "binding")
    assert catalog.is_given("chembl")
    assert not catalog.is_given("chembl20")


@pytest.mark.slow
def test_the_counts_of_the_real_sets():
    if not catalog.is_local("chembl"):
        pytest.skip("fetch chembl20 and give a copy of chembl_quant to run this test")
    joined, record = load("chembl"), catalog.record("chembl")
    assert (len(joined), len(joined.compounds), len(joined.targets)) == (
        record.interactions,
        record.compounds,
        record.targets,
    )
    bins, values = load("chembl20"), load("chembl_quant")
    found = []
    for one in (bins, values):
        pairs = zip(one.compound_index.tolist(), one.target_index.tolist(), strict=True)
        found.append({(one.compounds[c], one.targets[t]): row for row, (c, t) in enumerate(pairs)})
    both = found[0].keys() & found[1].keys()
    (lower, upper), measured = bins.bounds(), values.values
    rows = np.array([(found[0][pair], found[1][pair]) for pair in both])
    distance = np.maximum(lower[rows[:, 0]] - measured[rows[:, 1]], measured[rows[:, 1]] - upper[rows[:, 0]])
    apart = int((distance > 1).sum())
    said = [re.findall(r"([\d,]+) pairs? have a bin|([\d,]+) pairs left out", note) for note in joined.notes]
    numbers = [int("".join(hit).replace(",", "")) for hits in said for hit in hits]
    assert numbers == [len(both), apart]
    assert len(joined) == len(found[0].keys() | found[1].keys()) - apart
    assert record.pitfalls[0].startswith(f"{len(both):,} pairs have a bin")
    (split,) = make_splits(joined, "forward")
    assert not joined.is_binned()[split.test].any()
    known = set(joined.compound_index[split.seen].tolist())
    assert not known & set(joined.compound_index[split.test].tolist())
    assert dataclasses.replace(joined, binned=None).fingerprint() != joined.fingerprint()
