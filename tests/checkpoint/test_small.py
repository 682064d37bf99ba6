"""A file is as large as it may be: digits go before compounds, and no more of either than is needed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hyperpcm.checkpoint import load_model, save_model
from hyperpcm.checkpoint.archive import archive_size
from hyperpcm.checkpoint.compact import compacted
from hyperpcm.checkpoint.small import LADDER, bytes_of_size, small_model
from hyperpcm.errors import ConfigError, InputError
from hyperpcm.model import HyperPCM
from hyperpcm.model.agreement import difference
from hyperpcm.model.shrinking import shrunk
from small_large import large_model
from small_models import PUBLISHED, made_model, many_smiles


@pytest.fixture(scope="module")
def large() -> HyperPCM:
    """A model without a ridge regression, so that any of its compounds may go."""
    return made_model({**PUBLISHED, "qsar": {"hidden": [8]}}, compounds=tuple(many_smiles(240)))


@pytest.mark.parametrize("step", range(len(LADDER)))
def test_no_more_digits_go_than_must(step: int, tmp_path: Path):
    model = large_model()
    sizes = [archive_size("model", *compacted(*shrunk(model, one).state())) for one in LADDER]
    assert sizes == sorted(sizes, reverse=True)
    small = small_model(model, sizes[step] + 2048)
    path = tmp_path / "small.safetensors"
    save_model(small, path)
    assert path.stat().st_size <= sizes[step] + 2048
    told = load_model(path).card["shrunk"]
    assert told["steps"] == LADDER[step].record()
    assert told["compounds"] == {"kept": 200, "of": 200}
    assert told["model"] == model.origin
    assert told["difference"] == difference(model, small)
    assert (told["difference"]["largest"] == 0) == (step == 0)


def test_compounds_go_until_the_file_fits(large: HyperPCM, tmp_path: Path):
    whole, least = (
        archive_size("model", *compacted(*shrunk(large, replace(LADDER[-1], compounds=number)).state()))
        for number in (240, 1)
    )
    most = 2048 + (whole + least) // 2
    small = small_model(large, most)
    save_model(small, tmp_path / "small.safetensors")
    size = (tmp_path / "small.safetensors").stat().st_size
    assert 0.9 * most < size <= most
    assert 5 < len(small.landmark_compounds) < 235
    assert set(small.landmark_compounds) <= set(large.landmark_compounds)
    labels = np.bincount(large.memory_columns.numpy(), minlength=240)
    kept = np.isin(large.landmark_compounds, small.landmark_compounds)
    assert labels[~kept].max() <= labels[kept].min()


def test_what_cannot_be_made_so_small_is_refused(large: HyperPCM):
    with pytest.raises(InputError, match=r"cannot be made smaller than .* bytes; allow that much"):
        small_model(large, 5000)


@pytest.mark.parametrize(("text", "size"), [("25MB", 25_000_000), ("0.5 gb", 500_000_000), ("700", 700)])
def test_sizes_are_read(text: str, size: int):
    assert bytes_of_size(text) == size


@pytest.mark.parametrize("text", ["", "MB", "25 MiB", "-3MB", "0", "1e3", "nan"])
def test_what_is_no_size_is_refused(text: str):
    with pytest.raises(ConfigError, match="no size of a file"):
        bytes_of_size(text)
