from __future__ import annotations

import pytest

from hyperpcm.encoders import compound_encoder, target_encoder
from hyperpcm.encoders.licences import is_noncommercial, licences_of, noncommercial_notice
from hyperpcm.encoders.table import ENCODERS


def test_joined_encoders_are_named_one_by_one():
    found = licences_of(compound_encoder("ecfp+maccs"), target_encoder("composition+unirep"))
    assert found == {name: ENCODERS[name].licence for name in ("ecfp", "maccs", "composition", "unirep")}


@pytest.mark.parametrize(
    ("licence", "forbids"),
    [
        ("MIT", False),
        ("BSD-3-Clause", False),
        ("CC-BY-4.0", False),
        ("CC-BY-NC-4.0", True),
        ("MIT AND CC-BY-NC-SA-4.0", True),
    ],
)
def test_what_forbids_commercial_use_is_told_from_what_does_not(licence, forbids):
    assert is_noncommercial(licence) is forbids
    assert (noncommercial_notice({"one": "MIT", "two": licence}) is not None) is forbids


def test_the_notice_names_the_encoders_that_it_is_about_and_no_other():
    notice = noncommercial_notice({"ecfp": "BSD-3-Clause", "unirep": "CC-BY-NC-4.0"})
    assert notice is not None
    assert "unirep (CC-BY-NC-4.0)" in notice
    assert "ecfp" not in notice
