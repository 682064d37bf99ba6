"""Differences of measured mutants: which compounds count, and that scores are those of compiled targets."""

from __future__ import annotations

import numpy as np
import pytest

from hyperpcm.datasets.interactions import Interactions
from hyperpcm.protein import mutated, parse_mutation
from hyperpcm.trust import measured_differences, scan_mutations
from hyperpcm.trust.mutation_scan import PreparedCompounds
from small_calibrations import calibrated_model
from small_models import GRAPHS, PKD, PLAIN, SEQUENCES, SMALL, SMILES, made_model

# Tripled, so that a substitution leaves 98 % of the residues as they are; the memory of the model holds the
# single ones, so that all of these are new to it.
WILD = SEQUENCES[1] * 3


def table(targets: list[str], labels: dict[tuple[int, int], tuple[float, int]]) -> Interactions:
    """Labels and relations by (target, compound)."""
    pairs = sorted(labels)
    return Interactions(
        name="mutants",
        quantity=PKD,
        compounds=SMILES,
        targets=tuple(targets),
        compound_names=tuple(f"c{place}" for place in range(len(SMILES))),
        target_names=tuple(f"t{place}" for place in range(len(targets))),
        compound_index=np.array([compound for _, compound in pairs]),
        target_index=np.array([target for target, _ in pairs]),
        values=np.array([labels[pair][0] for pair in pairs], dtype=np.float32),
        relations=np.array([labels[pair][1] for pair in pairs]),
    )


def mutants(sequence: str = WILD) -> list[str]:
    changes = [(1, "W"), (40, "W"), (70, "W")]
    return [sequence[:place] + letter + sequence[place + 1 :] for place, letter in changes]


def full() -> Interactions:
    generator = np.random.default_rng(0)
    targets = [WILD, *mutants(), SEQUENCES[0]]
    labels = {
        (target, compound): (float(generator.normal(6, 1)), 0)
        for target in range(len(targets))
        for compound in range(len(SMILES))
    }
    return table(targets, labels)


@pytest.mark.parametrize("settings", [SMALL, PLAIN, GRAPHS], ids=["small", "plain", "graphs"])
def test_differences_are_those_of_compiled_targets(settings: dict):
    model, data = made_model(settings), full()
    found = measured_differences(model, data)
    assert found.mutants == ("t1", "t2", "t3")
    assert found.wild_types == ("t0",) * 3
    assert found.is_new.all()
    wild = model.compile_target(WILD, exact=True).score(SMILES).values
    labels = data.values.reshape(len(data.targets), -1)
    for place in range(3):
        rows = found.mutant == place
        own = model.compile_target(data.targets[place + 1], exact=True).score(SMILES).values
        np.testing.assert_allclose(found.predicted[rows], own - wild, atol=1e-5)
        np.testing.assert_allclose(found.measured[rows], labels[place + 1] - labels[0], atol=1e-5)
        assert found.compound[rows].tolist() == list(range(len(SMILES)))
    assert found.random.shape == (24, 3)
    assert np.isfinite(found.random).all()


def test_compounds_count_where_both_were_measured_and_not_both_are_bounds():
    labels = {
        (0, 0): (7.0, 0),
        (1, 0): (6.0, 0),
        (0, 1): (7.5, 0),
        (1, 1): (5.0, -1),  # one bound: it is at least so much weaker
        (0, 2): (5.0, -1),
        (1, 2): (5.0, -1),  # two bounds say nothing
        (0, 3): (6.0, 0),  # not measured on the mutant
        (1, 4): (6.0, 0),
    }
    found = measured_differences(made_model(PLAIN), table([WILD, mutants()[0]], labels))
    assert found.compound.tolist() == [0, 1]
    np.testing.assert_allclose(found.measured, [-1.0, -2.5])


def test_mutants_in_the_memory_are_known_and_need_no_random_ones():
    model, data = made_model(SMALL), full()
    model.memory_sequences = (*model.memory_sequences[:-1], data.targets[2])
    found = measured_differences(model, data)
    assert dict(zip(found.mutants, found.is_new.tolist(), strict=True)) == {
        "t1": True,
        "t2": False,
        "t3": True,
    }
    known = found.mutant == found.mutants.index("t2")
    assert np.isnan(found.random[known]).all()
    assert np.isfinite(found.random[~known]).all()
    assert measured_differences(model, data, left_out=[1]).mutants == ("t2", "t3")


def test_random_substitutions_follow_the_seed():
    model, data = made_model(SMALL), full()
    first = measured_differences(model, data, seed=1)
    np.testing.assert_array_equal(first.random, measured_differences(model, data, seed=1).random)
    assert not np.allclose(first.random, measured_differences(model, data, seed=2).random)


def test_progress_ends_with_all():
    seen: list[tuple[int, int]] = []
    measured_differences(made_model(PLAIN), full(), progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (1 + 3 + 9, 13)
    assert [done for done, _ in seen] == list(range(1, 14))


def test_without_mutants_there_is_nothing():
    data = table(list(SEQUENCES[:2]), {(0, 0): (6.0, 0), (1, 0): (7.0, 0)})
    found = measured_differences(made_model(PLAIN), data)
    assert found.mutants == ()
    assert found.random.shape == (0, 3)


@pytest.mark.parametrize("settings", [SMALL, GRAPHS, PLAIN], ids=["small", "graphs", "plain"])
def test_a_scan_gives_the_scores_of_compiled_mutants(settings: dict):
    model = made_model(settings)
    wanted = [parse_mutation(f"{WILD[4]}105A"), parse_mutation(f"{WILD[9]}110W/{WILD[0]}101G")]
    done: list[int] = []
    scan = scan_mutations(model, WILD, wanted, SMILES, first=101, progress=done.append)
    assert done == [1, 2]
    assert scan.mutations == tuple(wanted)
    for place, one in enumerate(wanted):
        own = model.compile_target(mutated(WILD, one, first=101), exact=True).score(SMILES).values
        np.testing.assert_allclose(scan.scores[place], own, atol=1e-5)
    np.testing.assert_allclose(scan.changes, scan.scores - scan.wild_type)
    assert scan.domain is None


def test_a_scan_of_a_calibrated_model_tells_the_domain_of_each_score():
    model = calibrated_model()
    wanted = [parse_mutation(f"{WILD[4]}5A")]
    scan = scan_mutations(model, WILD, wanted, SMILES)
    own = model.compile_target(mutated(WILD, wanted[0]), exact=True).score(SMILES)
    assert scan.domain == (own.intervals.verdicts,)


def test_targets_that_keep_few_landmarks_find_their_own():
    model = made_model({**SMALL, "retrieval": {"max_landmarks": 3, "ridge": False}})
    scores, _, target = PreparedCompounds(model, SMILES).assess(WILD)
    assert len(target.prior.landmarks) == 3
    np.testing.assert_allclose(scores, target.score(SMILES).values, atol=1e-5)
