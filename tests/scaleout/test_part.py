"""Which shards a task of an array does."""

from __future__ import annotations

import pytest

from hyperpcm.errors import ConfigError
from hyperpcm.scaleout import Part


@pytest.mark.parametrize("total", [0, 1, 7, 30])
@pytest.mark.parametrize("of", [1, 2, 10])
@pytest.mark.parametrize("first", [0, 1])
def test_parts_counted_from_0_or_1_cover_every_shard_once(total: int, of: int, first: int):
    parts = [Part.parse(f"{number}/{of}") for number in range(first, first + of)]
    assert sorted(shard for part in parts for shard in part.shards(total)) == list(range(total))


@pytest.mark.parametrize("text", ["", "3", "3/", "/3", "4/3", "1/0", "0/0", "-1/3", "a/b", "1/2/3"])
def test_what_is_no_part_is_refused(text: str):
    with pytest.raises(ConfigError, match=r"--shard .*: write K/N"):
        Part.parse(text)


def array(task: int, count: int, least: int, step: int | None = None) -> dict[str, str]:
    """The variables that Slurm sets for a task."""
    found = {"SLURM_ARRAY_TASK_ID": task, "SLURM_ARRAY_TASK_COUNT": count, "SLURM_ARRAY_TASK_MIN": least}
    if step is not None:
        found["SLURM_ARRAY_TASK_STEP"] = step
    return {name: str(value) for name, value in found.items()}


@pytest.mark.parametrize(
    ("tasks", "least", "step"),
    [(range(8), 0, None), (range(1, 9), 1, 1), (range(5, 26, 4), 5, 4)],
    ids=["0-7", "1-8", "5-25:4"],
)
def test_the_tasks_of_a_slurm_array_cover_every_shard_once(tasks: range, least: int, step: int | None):
    parts = [Part.of_array(array(task, len(tasks), least, step)) for task in tasks]
    assert sorted(shard for part in parts if part for shard in part.shards(50)) == list(range(50))


def test_a_task_without_a_place_is_refused():
    with pytest.raises(ConfigError, match="task 7 of this Slurm array has no place among 2 tasks"):
        Part.of_array(array(7, 2, 3, 1))  # --array=3,7


@pytest.mark.parametrize("environment", [{}, {"SLURM_ARRAY_TASK_ID": "3"}, {"SLURM_JOB_ID": "3"}])
def test_outside_of_an_array_there_is_no_part(environment: dict[str, str]):
    assert Part.of_array(environment) is None
