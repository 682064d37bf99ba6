"""The names of `hyperpcm.datasets` are a list that holds, and cost nothing until they are used."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hyperpcm import datasets


@pytest.mark.parametrize("name", datasets.__all__)
def test_every_public_name_can_be_had(name: str):
    assert getattr(datasets, name) is not None
    assert name in dir(datasets)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        datasets.nothing  # noqa: B018


def test_importing_the_package_imports_none_of_its_modules():
    code = (
        "import sys, hyperpcm.datasets; print([n for n in sys.modules if n.startswith('hyperpcm.datasets.')])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "[]"


def test_data_sets_need_no_torch():
    code = (
        "import sys\n"
        "from hyperpcm.datasets import load, make_splits, merge_repeats, read_table\n"
        "from hyperpcm.datasets import chembl20, deep_dta, wheel_samples\n"
        "print('torch' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == "False"
