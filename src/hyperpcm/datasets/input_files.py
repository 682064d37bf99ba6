"""Opening a file that a user gave: what it really is, how far it may inflate, whether it is UTF-8 text."""

from __future__ import annotations

import dataclasses
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from hyperpcm.errors import TableError

__all__ = [
    "GZIP_MAGIC",
    "PARQUET_MAGIC",
    "ReadLimits",
    "bounded_lines",
    "open_bytes",
    "open_text",
    "read_head",
]

PARQUET_MAGIC = b"PAR1"
GZIP_MAGIC = b"\x1f\x8b"
_HEAD = 65_536
_RATIO_FLOOR = 16 * 2**20
_BUFFER = 2**20
_FOREIGN = (
    (
        b"PK\x03\x04",
        "a ZIP archive or an Excel workbook (.xlsx)",
        "Unpack it, or save the sheet as CSV (UTF-8).",
    ),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Office document (.xls)", "Save the sheet as CSV (UTF-8)."),
    (b"%PDF", "a PDF document", "Give the table itself as CSV."),
    (b"BZh", "a bzip2 archive", "Unpack it, or compress it with gzip."),
    (b"\xfd7zXZ", "an xz archive", "Unpack it, or compress it with gzip."),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", "Unpack it, or compress it with gzip."),
    (b"7z\xbc\xaf", "a 7-zip archive", "Unpack it, or compress it with gzip."),
    (b"Rar!", "a RAR archive", "Unpack it, or compress it with gzip."),
    (b"ARROW1", "an Arrow (Feather) file", "Write it as Parquet or CSV."),
    (b"SQLite format 3", "an SQLite database", "Export the table as CSV."),
    (b"\x89HDF", "an HDF5 file", "Export the table as CSV."),
    (b"\x89PNG", "a PNG picture", "Give the table itself as CSV."),
    (b"\x7fELF", "a program", "Give the table itself as CSV."),
)
# The longer mark first: UTF-32 (little endian) begins with the mark of UTF-16.
_MARKS = (
    (b"\xff\xfe\x00\x00", "UTF-32"),
    (b"\x00\x00\xfe\xff", "UTF-32"),
    (b"\xff\xfe", "UTF-16"),
    (b"\xfe\xff", "UTF-16"),
)


@dataclasses.dataclass(frozen=True, slots=True)
class ReadLimits:
    """How much a file given by a user may hold before it is refused.

    Attributes:
        max_uncompressed: bytes after decompression.
        max_ratio: bytes after decompression for each byte before, looked at above 16 MiB.
        max_rows: rows of a table.
        max_line: characters of one line of text.
        max_cell: characters of one cell.
    """

    max_uncompressed: int = 4 * 2**30
    max_ratio: float = 200.0
    max_rows: int = 20_000_000
    max_line: int = 4_000_000
    max_cell: int = 131_072


class _Inflated(io.RawIOBase):
    """The content of a gzip file, refused as soon as it grows past the limits."""

    def __init__(self, raw: BinaryIO, path: Path, limits: ReadLimits) -> None:
        self._raw, self._path, self._limits = raw, path, limits
        self._gzip = gzip.GzipFile(fileobj=raw, mode="rb")
        self._produced = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            count = self._gzip.readinto(buffer)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise TableError(
                f"{self._path}: the gzip file is truncated or damaged ({error}). Copy or download it again."
            ) from error
        self._produced += count
        ratio = self._produced / max(1, self._raw.tell())
        if self._produced > self._limits.max_uncompressed:
            raise TableError(
                f"{self._path}: inflates to more than {self._limits.max_uncompressed:,} bytes. "
                "Unpack and look at it, split it, or raise max_uncompressed."
            )
        if self._produced > _RATIO_FLOOR and ratio > self._limits.max_ratio:
            raise TableError(
                f"{self._path}: inflates {ratio:.0f}-fold, which no table of measurements does "
                f"(limit {self._limits.max_ratio:g}). Unpack and look at it, or raise max_ratio."
            )
        return count


@contextmanager
def open_bytes(path: Path, limits: ReadLimits) -> Iterator[BinaryIO]:
    """The content of ``path``, inflated if it is gzip, whatever the file is called.

    Raises:
        TableError: no such file, not readable, not a file, a damaged gzip, or content beyond the limits.
    """
    try:
        raw = path.open("rb")
    except OSError as error:
        what = "is a folder, not a file" if path.is_dir() else f"cannot be read ({error.strerror or error})"
        raise TableError(f"{path}: {what}. Check the path.") from error
    with raw:
        packed = raw.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        raw.seek(0)
        if not packed:
            yield raw
            return
        with io.BufferedReader(_Inflated(raw, path, limits), _BUFFER) as stream:
            yield stream


def read_head(path: Path, limits: ReadLimits) -> bytes:
    """The first 64 KiB of the content, after refusing what is no table at all.

    Raises:
        TableError: an empty file, an archive or document of another kind, an archive within an archive.
    """
    with open_bytes(path, limits) as stream:
        head = stream.read(_HEAD)
    if not head.strip(b" \t\r\n\xef\xbb\xbf"):
        raise TableError(f"{path}: the file is empty: no rows.")
    if head.startswith(GZIP_MAGIC):
        raise TableError(f"{path}: a gzip archive within a gzip archive. Unpack it once.")
    for magic, what, remedy in _FOREIGN:
        if head.startswith(magic):
            raise TableError(f"{path}: this is {what}, not a table of text. {remedy}")
    return head


@contextmanager
def open_text(path: Path, limits: ReadLimits) -> Iterator[io.TextIOWrapper]:
    """The content of ``path`` as UTF-8 text with its line ends kept; a byte-order mark is dropped.

    A byte that is no UTF-8 is found while the caller reads, and leaves the ``with`` block as `TableError`.

    Raises:
        TableError: as `read_head` and `open_bytes`; UTF-16, UTF-32, Latin-1 or binary content, which is
            named.
    """
    _refuse_other_encodings(read_head(path, limits), path)
    with open_bytes(path, limits) as stream:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="strict", newline="")
        try:
            yield text
        except UnicodeDecodeError as error:
            raise _undecodable(path, limits) from error


def bounded_lines(stream: io.TextIOBase, path: Path, limits: ReadLimits) -> Iterator[str]:
    """The lines of ``stream`` with their ends.

    Raises:
        TableError: a line of more than ``limits.max_line`` characters.
    """
    readline, longest, number = stream.readline, limits.max_line, 0
    while line := readline(longest + 1):
        number += 1
        if len(line) > longest:
            raise TableError(
                f"{path}: line {number} is longer than {longest:,} characters. Is this a table with one row "
                "a line?"
            )
        yield line


def _refuse_other_encodings(head: bytes, path: Path) -> None:
    remedy = "Save it as UTF-8 (in Excel: 'CSV UTF-8')."
    for mark, name in _MARKS:
        if head.startswith(mark):
            raise TableError(f"{path}: the text is encoded as {name}. {remedy}")
    if b"\x00" not in head:
        return
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if max(even, odd) > 0.4 * (len(head) / 2) and min(even, odd) < 0.1 * (len(head) / 2):
        raise TableError(f"{path}: the text seems to be encoded as UTF-16 (without its mark). {remedy}")
    raise TableError(
        f"{path}: this is binary data, not text. CSV, TSV and Parquet are read, each also as .gz."
    )


def _undecodable(path: Path, limits: ReadLimits) -> TableError:
    """Say where the first byte stands that is no UTF-8, and what the file seems to be."""
    controls = sum(byte < 32 and byte not in b"\t\n\r\f" for byte in read_head(path, limits))
    if controls > 8 or controls * 20 > path.stat().st_size:
        return TableError(f"{path}: this seems to be binary data, not text. CSV, TSV and Parquet are read.")
    with open_bytes(path, limits) as stream:
        for number, line in enumerate(iter(lambda: stream.readline(limits.max_line), b""), start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                byte = line[error.start]
                letter = bytes([byte]).decode("cp1252", errors="replace")
                return TableError(
                    f"{path}: line {number}, byte {error.start + 1} (0x{byte:02x}) is not UTF-8. The text "
                    f"seems to be Latin-1 or Windows-1252, where that byte is {letter!r}. Save it as UTF-8."
                )
    return TableError(f"{path}: the text is not UTF-8. Save it as UTF-8.")
