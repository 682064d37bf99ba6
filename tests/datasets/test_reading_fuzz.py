"""Whatever bytes a user gives, reading ends with rows or with an `InputError` that names the file."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hyperpcm.datasets.compound_files import read_compounds
from hyperpcm.datasets.user_table import read_table
from hyperpcm.errors import InputError

HEADER = b"smiles,sequence,pKd\n"
ROW = b"CCO,MKTAYIAKQR,7.5\n"
pieces = st.lists(
    st.one_of(
        st.binary(max_size=12),
        st.sampled_from(
            [HEADER, ROW, b'"', b",", b";", b"\t", b"\r", b"\n", b"\x00", b"\xef\xbb\xbf", b"\xff\xfe"]
        ),
        st.sampled_from(
            [b"PAR1", b"\x1f\x8b", b"M  END\n", b"$$$$\n", b">1e400", b"'=1", b"NA", "µ".encode()]
        ),
    ),
    max_size=12,
).map(b"".join)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.one_of(pieces, pieces.map(lambda rest: HEADER + ROW + rest), pieces.map(gzip.compress)))
@pytest.mark.parametrize("read", [read_table, read_compounds])
def test_any_bytes_end_in_rows_or_in_an_input_error(tmp_path, read, content):
    path = tmp_path / "anything.csv"
    path.write_bytes(content)
    refusal = ""
    try:
        read(path)
    except InputError as error:
        refusal = str(error)
    assert "anything.csv" in refusal if refusal else content.strip()
