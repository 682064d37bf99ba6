"""One target and one pool of compounds for the tests about choosing what to measure."""

from __future__ import annotations

import pytest

from hyperpcm.adaptation import HeldCompounds
from small_adaptable import COMPOUNDS, NAMES, adaptable_target


@pytest.fixture(scope="module")
def target():
    return adaptable_target()


@pytest.fixture(scope="module")
def pool(target):
    return HeldCompounds.of(target, COMPOUNDS, NAMES)
