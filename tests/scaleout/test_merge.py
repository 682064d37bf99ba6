"""Merging accounts for every row, and takes no result for another."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest

from hyperpcm.errors import InputError
from hyperpcm.scaleout import LocalEngine, Part, Plan, ShardRunner, merge_shards, run_shards
from hyperpcm.scaleout.results import ShardFiles
from small_shards import BAD, Story, merged, planned


@pytest.fixture
def done(library: Path, targets: list[Path], tmp_path: Path) -> Path:
    """A plan of seven shards, all of them done."""
    folder = planned(tmp_path / "plan", library, targets, rows=32)
    run_shards(folder, LocalEngine(1))
    return folder


def test_a_missing_shard_is_refused_or_told(library: Path, targets: list[Path], whole: Story, tmp_path: Path):
    folder = planned(tmp_path / "plan", library, targets, rows=32)
    with pytest.raises(InputError, match="7 of 7 shards are not done"):
        merge_shards(folder)
    run_shards(folder, LocalEngine(1), Part.parse("1/2"))
    with pytest.raises(InputError) as caught:
        merge_shards(folder)
    assert str(caught.value) == (
        f"{folder}: 4 of 7 shards are not done: shard 1 (rows 1 to 32); shard 3 (rows 65 to 96); shard 5 "
        "(rows 129 to 160); shard 7 (rows 193 to 195). Run the plan again, which does only these, or merge "
        "what is there with --partial."
    )
    part = merge_shards(folder, partial=True)
    assert [one.shard for one in part.missing] == [0, 2, 4, 6]
    assert part.rows == 96
    assert part.rows == part.scored + sum(part.refused.values())
    run_shards(folder, LocalEngine(1))
    assert merged(folder, partial=True) == merged(folder) == whole


def test_a_result_of_another_plan_is_never_mixed_in(
    done: Path, library: Path, targets: list[Path], tmp_path: Path
):
    other = planned(tmp_path / "other", library, targets, rows=32, top=3)
    run_shards(other, LocalEngine(1))
    for path in (other / "shards").glob("000002.*"):
        shutil.copy2(path, done / "shards")
    with pytest.raises(InputError, match=r"shard 3 \(rows 65 to 96\): its result is one of another plan"):
        merge_shards(done)
    again = run_shards(done, LocalEngine(1))
    assert (again.found, again.done) == (6, 1)


def test_a_damaged_result_is_refused(done: Path):
    path = done / "shards" / "000004.json.gz"
    content = path.read_bytes()
    path.write_bytes(content[:60] + bytes([content[60] ^ 4]) + content[61:])
    with pytest.raises(InputError, match=r"shard 5 \(rows 129 to 160\): its result is damaged"):
        merge_shards(done)


@pytest.mark.parametrize("change", [{"scored": 3}, {"rejected": 0}, {"rows": 31}])
def test_counts_that_do_not_add_up_are_refused(change: dict[str, int], done: Path):
    files = ShardFiles(done, Plan.read(done).job)
    numbers = [number for number in range(7) if (files.receipt(number) or pytest.fail("none")).rejected]
    path = done / "shards" / f"{numbers[0]:06d}.receipt.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(InputError, match=rf"of shard {numbers[0] + 1}, .* which does not add up"):
        merge_shards(done)


def test_a_row_that_a_shard_lost_is_noticed(done: Path):
    files = ShardFiles(done, Plan.read(done).job)
    receipt = files.receipt(1)
    assert receipt is not None
    result = files.result(receipt)
    assert result is not None
    files.keep(1, dataclasses.replace(result, rows=result.rows - 1, scored=result.scored - 1), 1.0)
    with pytest.raises(InputError, match=r"of the 32 rows of shard 2, .* which does not add up"):
        merge_shards(done)


def test_a_library_of_which_nothing_can_be_scored_is_refused(targets: list[Path], tmp_path: Path):
    library = tmp_path / "bad.smi"
    library.write_text("\n".join(BAD))
    folder = planned(tmp_path / "plan", library, targets)
    found = run_shards(folder, LocalEngine(1))
    assert (found.rows, found.scored, found.rejected) == (3, 0, 3)
    with pytest.raises(InputError, match=r"bad\.smi: none of its 3 rows can be scored"):
        merge_shards(folder)


def test_a_library_that_changed_since_is_told_and_the_hits_are_of_what_it_was(
    targets: list[Path], whole: Story, library: Path, tmp_path: Path
):
    mine = Path(shutil.copy2(library, tmp_path / "mine.smi"))
    folder = planned(tmp_path / "plan", mine, targets, rows=32)
    run_shards(folder, LocalEngine(1), Part.parse("1/2"))
    assert not merge_shards(folder, partial=True).changed
    mine.write_text("CCO\n")
    run_shards(folder, LocalEngine(1))
    assert merge_shards(folder).changed
    assert merged(folder) == whole
    mine.unlink()
    assert not merge_shards(folder).changed


def test_the_runner_travels_without_its_panel(done: Path):
    import pickle

    runner = ShardRunner(done)
    runner.load()
    again = pickle.loads(pickle.dumps(runner))  # noqa: S301
    assert len(pickle.dumps(runner)) < 500
    assert again(0).state == "found"
