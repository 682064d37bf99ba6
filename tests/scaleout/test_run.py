"""A screen in shards finds what one screen of the whole library finds, whatever the shards and the engine."""

from __future__ import annotations

import copy
import random
from pathlib import Path

import pytest

from hyperpcm.encoders.parallel import usable_cores
from hyperpcm.errors import ConfigError
from hyperpcm.scaleout import LocalEngine, Part, Plan, ShardRunner, run_shards
from hyperpcm.scaleout.results import ShardFiles
from small_shards import SlowRunner, Story, merged, planned


@pytest.mark.parametrize("rows", [1, 40, 10_000])
def test_the_hits_of_a_file_are_those_of_one_screen_to_the_last_bit(
    rows: int, library: Path, targets: list[Path], whole: Story, tmp_path: Path
):
    folder = planned(tmp_path / "plan", library, targets, rows=rows)
    found = run_shards(folder, LocalEngine(1))
    shards = {1: 13, 40: 5, 10_000: 1}[rows]
    assert (found.shards, found.done, found.found, found.failed) == (shards, shards, 0, ())
    assert found.rows == found.scored + found.rejected == 195
    assert merged(folder) == whole


@pytest.mark.parametrize("rows", [1, 33, 10_000])
def test_the_hits_of_an_index_are_those_of_one_screen_to_the_last_bit(
    rows: int, index: Path, targets: list[Path], whole_index: Story, tmp_path: Path
):
    folder = planned(tmp_path / "plan", index, targets, rows=rows)
    assert run_shards(folder, LocalEngine(1)).rows == 195
    assert merged(folder) == whole_index


@pytest.mark.parametrize("seed", range(3))
def test_the_order_in_which_shards_end_does_not_matter(
    seed: int, library: Path, targets: list[Path], whole: Story, tmp_path: Path
):
    folder, runner = planned(tmp_path / "plan", library, targets, rows=16), ShardRunner(tmp_path / "plan")
    shards = list(range(13))
    random.Random(seed).shuffle(shards)
    assert [runner(shard).shard for shard in shards] == shards
    assert merged(folder) == whole


def test_two_processes_write_the_bytes_of_one(library: Path, targets: list[Path], tmp_path: Path):
    one = planned(tmp_path / "one", library, targets, rows=48)
    two = planned(tmp_path / "two", library, targets, rows=48)
    rows: list[tuple[int, int]] = []
    run_shards(one, LocalEngine(1))
    run_shards(two, LocalEngine(2), progress=lambda done, total: rows.append((done, total)))
    contents = [
        {path.name: path.read_bytes() for path in sorted((folder / "shards").glob("*.json.gz"))}
        for folder in (one, two)
    ]
    assert len(contents[0]) == 5
    assert contents[0] == contents[1]
    assert len(rows) == 5
    assert rows[-1] == (195, 195)


def test_a_device_is_chosen_by_the_engine_and_goes_with_the_runner(
    library: Path, targets: list[Path], whole: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = planned(tmp_path / "plan", library, targets, rows=48)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert LocalEngine(device="auto").device == "cpu"
    run_shards(folder, LocalEngine(1, "auto"))
    assert merged(folder) == whole
    for device, words in (("cuda", "no GPU"), ("tpu", "give auto, cpu or cuda")):
        with pytest.raises(ConfigError, match=words):
            LocalEngine(device=device)
    runner = SlowRunner(folder)
    there = copy.copy(runner.on("cuda:1"))  # as it goes to another process
    assert (type(there), there.device, there.folder) == (SlowRunner, "cuda:1", runner.folder)
    assert runner.on("cpu") is runner
    with pytest.raises(ConfigError, match="no GPU"):
        there.load()


def test_processes_on_gpus_are_one_for_each_unless_more_are_asked_for(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 3)
    assert LocalEngine(device="cuda").processes == 3
    assert LocalEngine(device="auto").processes == 3
    assert LocalEngine(device="cuda:2").processes == 1
    assert LocalEngine(5, "cuda").processes == 5
    assert LocalEngine(device="cpu").processes == usable_cores()
    with pytest.raises(ConfigError, match="torch sees 3 GPUs"):
        LocalEngine(device="cuda:3")


def test_parts_cover_all_shards_and_each_does_its_own(
    library: Path, targets: list[Path], whole: Story, tmp_path: Path
):
    folder = planned(tmp_path / "plan", library, targets, rows=16)
    for number in (2, 3, 1):
        found = run_shards(folder, LocalEngine(1), Part.parse(f"{number}/3"))
        assert found.found == 0
    assert merged(folder) == whole


def test_a_run_that_is_done_is_not_done_again_and_keeps_its_bytes(
    library: Path, targets: list[Path], tmp_path: Path
):
    folder = planned(tmp_path / "plan", library, targets, rows=48)
    run_shards(folder, LocalEngine(1))
    before = {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in (folder / "shards").iterdir()}
    again = run_shards(folder, LocalEngine(1))
    assert (again.found, again.done, again.rows) == (5, 0, 195)
    assert before == {
        path: (path.stat().st_mtime_ns, path.read_bytes()) for path in (folder / "shards").iterdir()
    }


def test_what_is_not_whole_is_done_again(library: Path, targets: list[Path], whole: Story, tmp_path: Path):
    folder = planned(tmp_path / "plan", library, targets, rows=48)
    run_shards(folder, LocalEngine(1))
    shards = folder / "shards"
    (shards / "000001.json.gz").write_bytes(b"something else")
    (shards / "000002.receipt.json").write_text("{")
    (shards / "000003.json.gz").unlink()
    again = run_shards(folder, LocalEngine(1))
    assert (again.found, again.done) == (2, 3)
    assert merged(folder) == whole


def test_a_receipt_tells_all_and_nothing_of_the_machine(library: Path, targets: list[Path], tmp_path: Path):
    folder = planned(tmp_path / "plan", library, targets, rows=96)
    run_shards(folder, LocalEngine(1))
    plan = Plan.read(folder)
    receipts = [ShardFiles(folder, plan.job).receipt(shard) for shard in range(3)]
    assert [(one.job, one.shard, one.rows) for one in receipts if one] == [
        (plan.job, 0, 96),
        (plan.job, 1, 96),
        (plan.job, 2, 3),
    ]
    assert all(one and one.rows == one.scored + one.rejected and one.seconds > 0 for one in receipts)
    text = (folder / "shards" / "000000.receipt.json").read_text()
    assert str(tmp_path) not in text
