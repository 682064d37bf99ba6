"""The names a user may rely on."""

from __future__ import annotations

import subprocess
import sys

import hyperpcm


def test_every_public_name_is_there_and_has_a_docstring():
    for name in hyperpcm.__all__:
        assert getattr(hyperpcm, name).__doc__, name


def test_the_homes_are_the_public_names():
    assert sorted(hyperpcm._HOMES) == sorted(hyperpcm.__all__) == hyperpcm.__all__


def test_importing_the_package_imports_no_heavy_library():
    heavy = ("torch", "rdkit", "pyarrow", "sklearn")
    code = f"import hyperpcm, sys; print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
