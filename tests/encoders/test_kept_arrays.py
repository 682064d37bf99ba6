"""Arrays on disk: computed once, mapped by all, and never believed when they are damaged."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hyperpcm.encoders.kept_arrays import KeptArrays
from hyperpcm.errors import DiskFullError

KEY = "ab" * 32
ARRAY = np.arange(12, dtype=np.float32).reshape(3, 4)


def never():
    raise AssertionError("the array was made again")


def files(folder: Path) -> tuple[Path, Path]:
    (data,) = folder.glob("*.npy")
    (manifest,) = folder.glob("*.json")
    return data, manifest


@pytest.mark.parametrize("on_disk", [True, False])
def test_an_array_is_made_once_and_cannot_be_changed(tmp_path, on_disk):
    arrays = KeptArrays(tmp_path if on_disk else None)
    first = arrays.get("some", KEY, ARRAY.copy)
    second = arrays.get("some", KEY, never)
    np.testing.assert_array_equal(first, ARRAY)
    np.testing.assert_array_equal(second, ARRAY)
    with pytest.raises(ValueError, match="read-only"):
        second[0, 0] = 7


def test_another_process_maps_what_is_there(tmp_path):
    KeptArrays(tmp_path).get("some", KEY, ARRAY.copy)
    found = KeptArrays(tmp_path).get("some", KEY, never)
    assert isinstance(found, np.memmap)
    np.testing.assert_array_equal(found, ARRAY)


def test_another_key_or_name_is_another_array(tmp_path):
    arrays = KeptArrays(tmp_path)
    arrays.get("some", KEY, ARRAY.copy)
    np.testing.assert_array_equal(arrays.get("some", "cd" * 32, (ARRAY + 1).copy), ARRAY + 1)
    np.testing.assert_array_equal(arrays.get("other", KEY, (ARRAY + 2).copy), ARRAY + 2)


@pytest.mark.parametrize("place", [0, 80, -1])
def test_a_changed_byte_is_found_and_the_array_made_again(tmp_path, caplog, place):
    KeptArrays(tmp_path).get("some", KEY, ARRAY.copy)
    data, _ = files(tmp_path)
    content = bytearray(data.read_bytes())
    content[place] ^= 1
    data.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(KeptArrays(tmp_path).get("some", KEY, ARRAY.copy), ARRAY)
    assert "is damaged" in caplog.text
    np.testing.assert_array_equal(KeptArrays(tmp_path).get("some", KEY, never), ARRAY)


@pytest.mark.parametrize("content", ["", "not JSON", "[]", '{"format": "another"}', '{"sha256": null}'])
def test_a_manifest_that_is_none_is_not_believed(tmp_path, content):
    KeptArrays(tmp_path).get("some", KEY, ARRAY.copy)
    files(tmp_path)[1].write_text(content)
    np.testing.assert_array_equal(KeptArrays(tmp_path).get("some", KEY, ARRAY.copy), ARRAY)
    assert len(json.loads(files(tmp_path)[1].read_text())["sha256"]) == 64


@pytest.mark.parametrize("missing", [0, 1])
def test_half_of_the_pair_alone_is_no_array(tmp_path, missing):
    KeptArrays(tmp_path).get("some", KEY, ARRAY.copy)
    files(tmp_path)[missing].unlink()
    np.testing.assert_array_equal(KeptArrays(tmp_path).get("some", KEY, ARRAY.copy), ARRAY)


def test_a_folder_that_cannot_be_made_is_done_without(tmp_path, caplog):
    (tmp_path / "file").write_text("no folder")
    with caplog.at_level(logging.WARNING):
        found = KeptArrays(tmp_path / "file" / "arrays").get("some", KEY, ARRAY.copy)
    np.testing.assert_array_equal(found, ARRAY)
    assert "cannot be kept" in caplog.text


def test_a_full_disk_is_an_error_and_leaves_nothing_half_written(small_disk):
    with pytest.raises(DiskFullError):
        KeptArrays(small_disk).get("some", KEY, lambda: np.ones((1 << 20, 2), dtype=np.float32))
    assert list(small_disk.iterdir()) == []


def test_processes_that_write_one_array_at_once_leave_one_whole_array(tmp_path):
    code = (
        "import sys, numpy as np\n"
        "from pathlib import Path\n"
        "from hyperpcm.encoders.kept_arrays import KeptArrays\n"
        "for turn in range(30):\n"
        "    made = lambda: np.full((500, 500), turn, dtype=np.float32)\n"
        "    found = KeptArrays(Path(sys.argv[1])).get('some', f'{turn:064x}'[::-1], made)\n"
        "    assert (found == turn).all()\n"
    )
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    for process in running:
        _, said = process.communicate(timeout=120)
        assert process.returncode == 0, said.decode()
        assert said == b""
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".part")]
    for turn in range(30):
        found = KeptArrays(tmp_path).get("some", f"{turn:064x}"[::-1], never)
        np.testing.assert_array_equal(found, np.full((500, 500), turn))
