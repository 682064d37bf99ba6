"""Fetching one pinned file, against a server on this machine that misbehaves in many ways."""

from __future__ import annotations

import errno
import hashlib
import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hyperpcm.errors import ChecksumError, DataUnavailableError, DiskFullError, OutputError
from hyperpcm.public_files.download import install, open_url
from hyperpcm.public_files.obtaining import obtain
from hyperpcm.public_files.pinned import PinnedFile

CONTENT = bytes(range(256)) * 4096


class Server(http.server.ThreadingHTTPServer):
    """Serves `CONTENT`; the first part of the path says how."""

    requests: list[str]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        how = self.path.split("/")[1]
        if how == "missing":
            self.send_error(404)
            return
        if how == "away":
            self.send_response(302)
            self.send_header("Location", "http://example.invalid/file.bin")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT) * (2 if how == "long" else 1)))
        self.end_headers()
        content = {"half": CONTENT[: len(CONTENT) // 2], "other": CONTENT[::-1], "long": CONTENT * 2}
        self.wfile.write(content.get(how, CONTENT))
        if how == "half":
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Keep stderr quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as running:
        running.requests = []
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


def pinned(address: str, how: str = "good", content: bytes = CONTENT) -> PinnedFile:
    return PinnedFile(f"{address}/{how}/file.bin", hashlib.sha256(content).hexdigest(), len(content))


def fetch(source: PinnedFile, folder: Path, mirror: Path | None = None) -> Path:
    return obtain(source, folder / "file.bin", mirror=mirror, timeout_s=5.0, allow_loopback_http=True)


def only_hidden_locks(folder: Path) -> bool:
    return all(path.name.startswith(".") and path.name.endswith(".lock") for path in folder.iterdir())


def test_a_file_is_fetched_once_and_then_found(server: Server, tmp_path: Path):
    seen: list[tuple[str, int, int]] = []
    path = obtain(
        pinned(server.address),
        tmp_path / "new" / "file.bin",
        progress=lambda *step: seen.append(step),
        allow_loopback_http=True,
    )
    assert path.read_bytes() == CONTENT
    assert seen[-1] == ("file.bin", len(CONTENT), len(CONTENT))
    fetch(pinned(server.address), tmp_path / "new")
    assert len(server.requests) == 1


def test_an_interrupted_download_leaves_nothing_behind(server: Server, tmp_path: Path):
    with pytest.raises(DataUnavailableError, match=r"after 524,288 of 1,048,576 bytes") as caught:
        fetch(pinned(server.address, "half"), tmp_path)
    assert not isinstance(caught.value, ChecksumError)
    assert only_hidden_locks(tmp_path)


def test_another_file_of_the_same_size_is_refused_and_both_hashes_are_named(server: Server, tmp_path: Path):
    source = pinned(server.address, "other")
    with pytest.raises(ChecksumError) as caught:
        fetch(source, tmp_path)
    said = str(caught.value)
    assert "file.bin" in said
    assert source.sha256 in said
    assert hashlib.sha256(CONTENT[::-1]).hexdigest() in said
    assert only_hidden_locks(tmp_path)


def test_a_longer_file_is_refused_before_all_of_it_is_read(server: Server, tmp_path: Path):
    with pytest.raises(ChecksumError, match=r"more than the 1,048,576 bytes"):
        fetch(pinned(server.address, "long"), tmp_path)
    assert only_hidden_locks(tmp_path)


def test_offline_says_what_to_fetch_and_where_to_put_it(tmp_path: Path):
    source = pinned("http://127.0.0.1:9")
    with pytest.raises(DataUnavailableError) as caught:
        fetch(source, tmp_path, mirror=tmp_path / "mirror")
    said = str(caught.value)
    for needed in (source.url, str(tmp_path / "file.bin"), "HYPERPCM_MIRROR", "127.0.0.1/good/file.bin"):
        assert needed in said


def test_a_missing_page_is_unavailable(server: Server, tmp_path: Path):
    with pytest.raises(DataUnavailableError, match="Not Found"):
        fetch(pinned(server.address, "missing"), tmp_path)


@pytest.mark.parametrize(
    "url", ["http://example.invalid/x", "ftp://example.invalid/x", "file:///etc/hostname"]
)
def test_only_https_is_spoken(url: str):
    with pytest.raises(DataUnavailableError, match="https only"), open_url(url, allow_loopback_http=True):
        pass


def test_http_to_this_machine_needs_permission(server: Server):
    with pytest.raises(DataUnavailableError, match="https only"), open_url(f"{server.address}/good/file.bin"):
        pass
    assert not server.requests


def test_a_redirect_to_http_is_not_followed(server: Server, tmp_path: Path):
    with pytest.raises(DataUnavailableError, match=r"example.invalid/file.bin is refused"):
        fetch(pinned(server.address, "away"), tmp_path)


def test_a_damaged_file_is_fetched_again_with_a_warning(
    server: Server, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    (tmp_path / "file.bin").write_bytes(CONTENT[:-1] + b"\0")
    assert fetch(pinned(server.address), tmp_path).read_bytes() == CONTENT
    assert "is damaged" in caplog.text


def test_leftovers_of_a_killed_writer_are_removed(server: Server, tmp_path: Path):
    leftover = tmp_path / ".file.bin.999-abcd.part"
    leftover.write_bytes(b"half")
    fetch(pinned(server.address), tmp_path)
    assert not leftover.exists()


def test_the_mirror_is_looked_in_before_the_network_and_verified_alike(server: Server, tmp_path: Path):
    source = pinned(server.address)
    copy = tmp_path / "mirror" / "127.0.0.1" / "good" / "file.bin"
    copy.parent.mkdir(parents=True)
    copy.write_bytes(CONTENT)
    assert fetch(source, tmp_path / "data", mirror=tmp_path / "mirror").read_bytes() == CONTENT
    assert not server.requests
    copy.write_bytes(CONTENT[::-1])
    with pytest.raises(ChecksumError):
        fetch(source, tmp_path / "other", mirror=tmp_path / "mirror")


def test_processes_that_want_one_file_at_once_fetch_it_once(server: Server, tmp_path: Path):
    source = pinned(server.address)
    code = (
        "import sys; from pathlib import Path\n"
        "from hyperpcm.public_files.pinned import PinnedFile\n"
        "from hyperpcm.public_files.obtaining import obtain\n"
        "url, sha, size, to = sys.argv[1:]\n"
        "obtain(PinnedFile(url, sha, int(size)), Path(to), allow_loopback_http=True)\n"
    )
    command = [
        sys.executable,
        "-c",
        code,
        source.url,
        source.sha256,
        str(source.size),
        str(tmp_path / "file.bin"),
    ]
    racers = [subprocess.Popen(command) for _ in range(3)]
    assert [racer.wait(timeout=60) for racer in racers] == [0, 0, 0]
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_a_full_disk_is_one_error_and_leaves_no_file(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def no_space(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", no_space)
        with pytest.raises(DiskFullError, match=r"file.bin: no space left"):
            fetch(pinned(server.address), tmp_path)
    assert only_hidden_locks(tmp_path)
    assert fetch(pinned(server.address), tmp_path).read_bytes() == CONTENT


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 256 KiB; the test is skipped where none can be mounted."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("mounting a small file system needs Linux and root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_really_full_disk_leaves_no_file(server: Server, tiny_disk: Path):
    with pytest.raises(DiskFullError):
        fetch(pinned(server.address), tiny_disk)
    assert only_hidden_locks(tiny_disk)


def test_a_folder_that_cannot_be_made_is_a_clear_refusal(server: Server, tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="HYPERPCM_DATA"):
        fetch(pinned(server.address), tmp_path / "file" / "below")


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path):
    destination = tmp_path / "file.bin"
    source = pinned("https://example.invalid")

    class Watched:
        """Reads slowly and looks at the folder meanwhile."""

        left = CONTENT

        def read(self, size: int, /) -> bytes:
            assert not destination.exists()
            block, self.left = self.left[:1000], self.left[1000:]
            return block

    assert install(Watched(), source, destination, origin="test").read_bytes() == CONTENT
