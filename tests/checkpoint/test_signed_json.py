"""A document that was altered, unsigned or signed with another key is told from one that was not."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from pathlib import Path

import pytest

from hyperpcm.checkpoint import read_key, verified, write_signed
from hyperpcm.errors import CorruptModelError, InputError, OutputError

KEY = b"0123456789abcdef"
RECORD = {"b": [1, 2.5, None], "a": {"ä": True}}


def test_digest_and_signature_are_those_of_the_sorted_text(tmp_path: Path):
    path = tmp_path / "record.json"
    write_signed(path, RECORD, KEY)
    text = b'{"a":{"\\u00e4":true},"b":[1,2.5,null]}'
    found = json.loads(path.read_text(encoding="utf-8"))
    assert found["sha256"] == hashlib.sha256(text).hexdigest()
    assert found["signature"] == hmac.new(KEY, text, "sha256").hexdigest()
    assert verified(path, KEY) == (RECORD, True)
    assert verified(path) == (RECORD, True)
    reordered = {name: found[name] for name in sorted(found, reverse=True)}
    path.write_text(json.dumps(reordered), encoding="utf-8")
    assert verified(path, KEY) == (RECORD, True)


def test_a_name_of_a_file_that_is_no_text_is_kept(tmp_path: Path):
    record = {"file": os.fsdecode(b"pro\xff.csv")}
    write_signed(tmp_path / "record.json", record, KEY)
    assert verified(tmp_path / "record.json", KEY) == (record, True)


def test_without_a_key_it_is_unsigned(tmp_path: Path):
    path = tmp_path / "record.json"
    write_signed(path, RECORD)
    assert verified(path) == (RECORD, False)
    with pytest.raises(CorruptModelError, match="it is unsigned"):
        verified(path, KEY)
    with pytest.raises(OutputError, match="exists already"):
        write_signed(path, RECORD)


def altered(found: dict) -> str:
    return json.dumps(found | {"b": [1, 2.5, 3]})


def resealed(found: dict) -> str:
    """Altered by someone who knows how the digest is made, and has no key."""
    text = json.dumps({"b": [1]}, sort_keys=True, separators=(",", ":")).encode()
    return json.dumps({"b": [1], "sha256": hashlib.sha256(text).hexdigest(), "signature": found["signature"]})


def doubled(found: dict) -> str:
    return json.dumps(found).replace('"b":', '"b": [9], "b":')


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (altered, "its sha256 does not fit"),
        (resealed, "another key than this one"),
        (doubled, "a key occurs twice"),
        (lambda found: json.dumps([found]), "no document with a digest"),
        (lambda found: json.dumps(RECORD), "no document with a digest"),
        (lambda found: json.dumps(found | {"sha256": "\ud800"}), "no document with a digest"),
        (lambda found: json.dumps(found | {"signature": "\ud800"}), "no document with a digest"),
        (lambda found: json.dumps(found)[:-5], "not JSON, or altered"),
        (lambda found: json.dumps(found).replace("2.5", "NaN"), "not JSON, or altered"),
    ],
)
def test_what_was_altered_is_refused(tmp_path: Path, change, message: str):
    path = tmp_path / "record.json"
    write_signed(path, RECORD, KEY)
    path.write_text(change(json.loads(path.read_text(encoding="utf-8"))), encoding="utf-8")
    with pytest.raises(CorruptModelError, match=message):
        verified(path, KEY)


def test_a_key_is_read_without_the_end_of_its_line_and_is_not_short(tmp_path: Path):
    (tmp_path / "key").write_bytes(KEY + b"\r\n")
    assert read_key(tmp_path / "key") == KEY
    (tmp_path / "short").write_bytes(b"secret\n")
    with pytest.raises(InputError, match="a key of 6 bytes is soon guessed"):
        read_key(tmp_path / "short")
    for missing in (lambda: read_key(tmp_path / "none"), lambda: verified(tmp_path / "none")):
        with pytest.raises(InputError, match="cannot be read"):
            missing()
