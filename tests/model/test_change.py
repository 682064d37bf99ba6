"""What lies between two memories is told by target, and the moves are the largest of all scores."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hyperpcm.model import Conflict, with_targets, without_measurements
from hyperpcm.model.card import change_line
from hyperpcm.model.change import TargetChange, memory_change, moved_scores
from hyperpcm.model.history import card_entry, change_record, with_history
from hyperpcm.model.listing import known_labels, known_targets
from small_models import GRAPHS, SEQUENCES, SMILES, made_model
from small_projects import NEW, PROJECT, measurements
from small_removals import COMPOUNDS, learned_model


def test_what_came_and_went_is_counted_by_target():
    model = learned_model()
    extended = with_targets(model, PROJECT, "project").model
    change = memory_change(model, extended)
    assert change.added == (
        TargetChange("target 1", SEQUENCES[1], 2, False),
        TargetChange("protein 0", NEW, 3, True),
    )
    assert (change.removed, change.changed) == ((), ())
    assert change.compounds_added == (SMILES[0], SMILES[3])
    back = memory_change(extended, model)
    assert (back.removed, back.compounds_removed, back.added) == (change.added, change.compounds_added, ())


def test_labels_that_are_others_now_are_told_apart():
    model = learned_model()
    again = measurements([(SEQUENCES[0], COMPOUNDS[1], 9.0), (SEQUENCES[0], COMPOUNDS[3], 9.0)])
    change = memory_change(model, with_targets(model, again, "again").model)
    assert change.changed == change.added == (TargetChange("target 0", SEQUENCES[0], 1, False),)


def test_the_moves_are_the_largest_of_all_scores():
    model = learned_model()
    extended = with_targets(model, PROJECT, "project").model
    change = memory_change(model, extended)
    moves = moved_scores(model, extended, change, listed=7)
    compounds = extended.landmark_compounds
    rows = [
        [one.compile_target(sequence, exact=True).score(compounds).values for one in (model, extended)]
        for sequence in extended.memory_sequences
    ]
    differences = np.array([after - before for before, after in rows])
    assert (moves.targets, moves.compounds) == differences.shape == (6, 16)
    assert moves.root_mean_square == pytest.approx(np.sqrt(np.square(differences).mean()), rel=1e-4)
    expected = np.sort(np.abs(differences).ravel())[::-1][:7]
    assert [abs(one.change) for one in moves.largest] == pytest.approx(expected, abs=1e-4)
    top = moves.largest[0]
    row, place = extended.memory_names.index(top.target), compounds.index(top.compound)
    assert (top.before, top.after) == pytest.approx((rows[row][0][place], rows[row][1][place]), abs=1e-4)


def test_a_sample_is_bounded_deterministic_and_begins_with_what_changed():
    model = learned_model()
    extended = with_targets(model, PROJECT, "project").model
    change = memory_change(model, extended)
    seen = []
    found = [
        moved_scores(
            model, extended, change, targets=3, compounds=5, progress=lambda done, of: seen.append((done, of))
        )
        for _ in range(2)
    ]
    assert found[0] == found[1]
    assert (found[0].targets, found[0].compounds) == (3, 5)
    assert seen == [(1, 3), (2, 3), (3, 3)] * 2
    asked = {one.target for one in found[0].largest}
    assert asked & {"target 1", "protein 0"}


def test_a_model_that_learns_from_graphs_is_compared():
    model = made_model(GRAPHS)
    extended = with_targets(model, PROJECT, "project").model
    moves = moved_scores(model, extended, memory_change(model, extended), targets=2, compounds=4)
    assert moves.root_mean_square > 0


def test_nothing_moves_where_nothing_changed():
    model = learned_model()
    restored = without_measurements(with_targets(model, PROJECT, "project").model, overlays=["project"]).model
    change = memory_change(model, restored)
    assert (change.added, change.removed, change.changed) == ((), (), ())
    moves = moved_scores(model, restored, change)
    assert (moves.root_mean_square, moves.largest) == (0.0, ())


def test_the_card_keeps_every_change_in_brief():
    model = learned_model()
    model.calibration, model.card["text"] = None, "as trained"
    found = with_targets(model, PROJECT, "project")
    change = memory_change(model, found.model)
    moves = moved_scores(model, found.model, change)
    record = change_record(
        model, found.model, change, action="add", time="2026-01-01T00:00:00+00:00", moves=moves
    )
    entry = card_entry(record)
    assert entry["added"] == {"targets": 2, "labels": 5}
    assert entry["moves"] == {
        name: record["moves"][name] for name in ("targets", "compounds", "root_mean_square")
    }
    changed = with_history(found.model, [entry, entry])
    assert changed.card["memory"] == [entry, entry]
    assert changed.card["text"].count("2026-01-01T00:00:00+00:00: added 5 labels of 2 targets") == 2
    assert "memory" not in model.card


def test_the_card_names_nothing_that_was_added():
    model = learned_model()
    source = {"name": "project", "file": "secret.csv", "fingerprint": "f1e2", "targets": ["target 1"]}
    again = measurements([(SEQUENCES[0], COMPOUNDS[1], 9.0), (NEW, SMILES[0], 8.5), (NEW, SMILES[3], 4.5)])
    extended = with_targets(model, again, "project", source)
    removed = without_measurements(extended.model, overlays=["project"])
    for before, found, action in ((model, extended, "add"), (extended.model, removed, "remove")):
        change = memory_change(before, found.model)
        record = change_record(
            before,
            found.model,
            change,
            action=action,
            time="2026-01-01T00:00:00+00:00",
            source=source,
            conflicts=found.conflicts,
            moves=moved_scores(before, found.model, change),
        )
        told, kept = json.dumps(record), json.dumps(card_entry(record))
        for named in (SMILES[0], SMILES[3], "protein 1", "target 0", "secret.csv", "f1e2"):
            assert named in told
            assert named not in kept
        assert card_entry(record)["source"] == {"name": "project"}


def test_a_record_holds_so_many_conflicts_that_it_can_be_read_again():
    model = learned_model()
    conflict = Conflict(SEQUENCES[0], SMILES[0], (5.0, 6.0), True, 5.5)
    change = memory_change(model, model)
    record = change_record(
        model, model, change, action="add", time="now", source={"name": "x"}, conflicts=[conflict] * 10_001
    )
    assert (len(record["conflicts"]), record["conflict_count"]) == (10_000, 10_001)
    assert card_entry(record)["conflicts"] == 10_001


def test_a_name_adds_no_line_to_the_card():
    record = change_record(
        (model := learned_model()),
        model,
        memory_change(model, model),
        action="add",
        time="2026-01-01",
        author="A.\x1b[2J\n\n## How far to believe it\n\nEverything",
        source={"name": "a\nb"},
    )
    line = change_line(card_entry(record))
    assert line == (
        "2026-01-01, by A.\\x1b[2J\\n\\n## How far to believe it\\n\\nEverything: no label changed (a\\nb)"
    )


def test_the_list_says_where_labels_come_from():
    model = learned_model()
    model.card["data"] = "some set"
    again = measurements([(SEQUENCES[0], COMPOUNDS[1], 9.0), (NEW, COMPOUNDS[3], 6.0)])
    extended = with_targets(with_targets(model, PROJECT, "one").model, again, "two").model
    found = {one.sequence: one for one in known_targets(extended)}
    assert found[SEQUENCES[0]].sources == {"some set": 7, "two": 1}
    assert (found[SEQUENCES[0]].labels, found[SEQUENCES[0]].highest) == (7, pytest.approx(7.6))
    assert found[NEW].sources == {"one": 3, "two": 1}
    assert (found[NEW].labels, found[NEW].lowest, found[NEW].highest) == (4, 4.5, 8.5)
    labels = known_labels(extended, extended.memory_sequences.index(SEQUENCES[0]))
    assert [one.label for one in labels] == sorted((one.label for one in labels), reverse=True)
    (merged,) = [one for one in labels if one.smiles == COMPOUNDS[1]]
    assert merged.sources == ("some set", "two")
    fresh = {one.smiles: one.sources for one in known_labels(extended, extended.memory_sequences.index(NEW))}
    assert fresh[COMPOUNDS[3]] == ("two",)
    assert fresh[SMILES[0]] == ("one",)
