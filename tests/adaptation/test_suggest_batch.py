"""A batch out of a whole library: limits hold among all compounds, and filters read it a few times."""

from __future__ import annotations

import numpy as np
import pytest

from hyperpcm.adaptation import Campaign, CompoundTable, LibraryState, scored_library
from hyperpcm.adaptation import suggest_batch as module
from hyperpcm.chem import morgan_counts, tanimoto
from hyperpcm.screening import StructureFilter
from small_adaptable import COMPOUNDS, NAMES
from small_models import WIDTH


@pytest.fixture
def few_at_once(monkeypatch):
    """Eight candidates at first, sixteen at most."""
    for name, value in (("_CANDIDATES", 8), ("_FOR_EACH", 1), ("_MOST_CANDIDATES", 16), ("_COMPARED", 8)):
        monkeypatch.setattr(module, name, value)


def largest_similarity(smiles):
    counts = morgan_counts(smiles, width=WIDTH)
    similarity = tanimoto(counts, counts)
    np.fill_diagonal(similarity, 0)
    return similarity.max()


@pytest.mark.parametrize("strategy", ["ucb", "greedy"])
def test_a_budget_pays_for_a_whole_batch_though_the_most_promising_are_dear(
    target, pool, few_at_once, strategy
):
    first = Campaign(target, pool).ask(16, strategy).compounds.names
    prices = {name: 100.0 if name in first else 1.0 for name in NAMES}
    found = Campaign(target, pool, table=CompoundTable("name", prices)).ask(8, strategy, budget=300)
    assert len(found) == 8
    assert found.prices.sum() <= 300
    assert (found.prices == 100).sum() == 2


@pytest.mark.parametrize("strategy", ["ucb", "greedy", "thompson"])
def test_likeness_leaves_a_batch_short_only_where_the_whole_library_has_no_more(
    target, pool, few_at_once, strategy
):
    found = Campaign(target, pool).ask(24, strategy, most_similar=0.5).compounds.smiles
    assert largest_similarity(found) <= 0.5
    assert len(set(found)) == len(found)
    if len(found) < 24:
        counts = [morgan_counts(smiles, width=WIDTH) for smiles in (COMPOUNDS, found)]
        assert (tanimoto(*counts).max(axis=1) > 0.5).all()


def test_a_batch_short_of_the_cap_goes_on_as_a_greedy_choice_among_all(
    target, pool, few_at_once, monkeypatch
):
    short = Campaign(target, pool).ask(12, "greedy", most_similar=0.5).compounds.smiles
    monkeypatch.setattr(module, "_CANDIDATES", 1024)
    monkeypatch.setattr(module, "_MOST_CANDIDATES", 4096)
    assert short == Campaign(target, pool).ask(12, "greedy", most_similar=0.5).compounds.smiles


def test_a_filter_that_accepts_nothing_reads_the_library_a_few_times(
    target, tmp_path, few_at_once, monkeypatch
):
    library, reads = tmp_path / "library.smi", list[str]()
    library.write_text("\n".join(COMPOUNDS) + "\n")
    monkeypatch.setattr("hyperpcm.adaptation.library_state.ROWS", 8)
    state, read = scored_library(target, library, tmp_path / "state"), LibraryState._part

    def counted(self, entry):
        reads.append(entry["file"])
        return read(self, entry)

    class Only(StructureFilter):
        def accepts(self, smiles):
            return smiles == COMPOUNDS[150]

    monkeypatch.setattr(LibraryState, "_part", counted)
    found = Campaign(target, state, only=Only()).ask(2)
    assert found.compounds.smiles == [COMPOUNDS[150]]
    parts = len(state.record["parts"])
    assert parts == 25
    assert len(reads) < 6 * parts
    assert found.candidates == 200
