"""Files that appear whole: what is left where a process was killed."""

from __future__ import annotations

from hyperpcm.datasets.output_files import remove_unfinished


def test_what_a_killed_process_left_beside_a_path_is_removed_and_nothing_else(tmp_path):
    path = tmp_path / "state.json"
    kept = {"state.json", "other.json", ".other.json.abc.part", ".state.json.lock"}
    for name in (*kept, ".state.json.abc.part", ".state.json.x_1.part"):
        (tmp_path / name).write_bytes(b"x")
    remove_unfinished(path)
    assert {one.name for one in tmp_path.iterdir()} == kept
    remove_unfinished(tmp_path / "missing" / "state.json")
