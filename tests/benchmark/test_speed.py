"""The section about speed holds what the files hold, and divides correctly."""

from __future__ import annotations

from pathlib import Path

from hyperpcm.benchmark.speed import speed_section
from hyperpcm.evaluation.performance import Performance, performance_path
from hyperpcm.evaluation.surroundings import Surroundings

ENCODER = {"compounds": 5, "rows_per_second": 1e4, "rdkit_rows_per_second": 9e3, "bytes_per_row": 4e2}
HERE = Surroundings({"python": "3.11"}, None, {})
SCREEN = {
    "landmarks": 2065,
    "trees": 600,
    "seconds": 40.0,
    "dense_seconds": 60.0,
    "by_entries_seconds": 20.0,
    "reading_seconds": 1.5,
    "in_a_process_of_its_own": {"seconds": 41.0, "peak_mb": 700.0},
    "ten_times_as_many_compounds": {"seconds": 410.0, "peak_mb": 701.0},
}


def written(folder: Path, name: str, detail: dict, where: Surroundings = HERE) -> None:
    Performance.of_rates(name, 300.0, 200.0, "x/s", detail, where).write(performance_path(folder, name))


def test_no_files_make_no_section_and_unknown_ones_a_line(tmp_path: Path):
    assert speed_section(tmp_path / "performance") == ""
    written(tmp_path, "other", {"threads": 3})
    text = speed_section(tmp_path / "performance")
    assert "| `other` | 300 | 200 | 1.50 | x/s | 3 |  |" in text
    assert "###" not in text


def test_screens_panels_indexes_and_the_run_on_paper_are_told(tmp_path: Path):
    rates = {"pairs_per_second": 1e6, "bare_pairs_per_second": 2e6}
    alone = {"pairs_per_second": 1234.0, "network": "the usual way"}
    plain = {**rates, "pairs_per_second": 1e7}
    panels = {"network alone, ECFP": plain, "another": rates, "default": rates}
    written(tmp_path, "panel", {"threads": 2, "targets": 400, "panels": panels, "per_pair": alone})
    encoders = {
        name: {
            "compounds": 5,
            "rows_per_second": rate,
            "rdkit_rows_per_second": 9000.0,
            "bytes_per_row": 400.0,
        }
        for name, rate in (("ecfp", 1e4), ("default", 1e3))
    }
    written(tmp_path, "index", {"threads": 2, "encoders": encoders})
    written(tmp_path, "screen_one_target", {"threads": 2, "targets": {"default": SCREEN}})
    text = speed_section(tmp_path / "performance")
    assert "| default | 2,065 | 600 | 40 | 60 | 20 | 1.5 | 700 |" in text
    assert "An index of ten times as many compounds: default, 410 s and 701 MB." in text
    assert "| 400 targets, default | 1,000,000 | 2,000,000 | 1,234 |" in text
    assert "| ecfp | 5 | 10,000 | 9,000 | 400 |" in text
    # 10⁹ / 1,000 s = 11.6 days; 5 · 10¹¹ / 10⁶ s = 5.79 days
    assert "| default | 11.6 | 5.79 | 17.4, 0.174, 0.0174 |" in text
    assert "| network alone, ECFP | 1.16 | 0.579 | 1.74, 0.0174, 0.00174 |" in text
    assert "| another |" not in text
    assert "No index was timed for another." in text


def test_what_a_gpu_takes_stands_behind_its_name(tmp_path: Path):
    there = Surroundings({"python": "3.12"}, None, {"device": "Some GPU 9"})
    one = {**SCREEN, "index_on_the_device_seconds": 2.5}
    written(tmp_path, "screen_one_target_gpu", {"threads": 2, "targets": {"default": one}}, there)
    rates = {"pairs_per_second": 3e6, "bare_pairs_per_second": 2e7}
    alone = {"pairs_per_second": 5678.0, "network": "the usual way"}
    panels = {"threads": 2, "targets": 400, "panels": {"default": rates}, "per_pair": alone}
    written(tmp_path, "panel_gpu", panels, there)
    text = speed_section(tmp_path / "performance")
    assert text.count("On Some GPU 9") == 2
    assert "| default | 40 | 2.5 | 60 | 20 | 1.5 | 700 |" in text
    assert "| 400 targets, default | 3,000,000 | 20,000,000 | 5,678 |" in text


def test_layers_and_the_steps_of_indexing_are_told(tmp_path: Path):
    ways = {"float32": 4.5, "bfloat16": 1.25}
    layers = {
        "first, dense": {"seconds": ways, "largest_difference": {"float32": 0.0, "bfloat16": 0.02}},
        "first, bits": {"seconds": {"float32": 4.5, "by entries": 0.25}, "largest_difference": {}},
    }
    written(
        tmp_path,
        "first_layer",
        {"threads": 1, "layers": layers, "outputs_of_a_target": 256, "compounds": 1024},
    )
    steps = {"reading": 80.4, "counting": 40.2}
    written(tmp_path, "index", {"threads": 2, "encoders": {"ecfp": ENCODER}, "steps_us": steps})
    text = speed_section(tmp_path / "performance")
    assert "| first, dense | 4.5 |  | 1.25 | 0.02 |" in text
    assert "| first, bits | 4.5 | 0.25 |  |  |" in text
    assert "a layer of 256 outputs for each target on a block of 1,024 compounds" in text
    assert "reading 80 µs, counting 40 µs" in text
