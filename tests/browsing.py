"""A server in a process of its own, and tabs of a browser that write down what happens in them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page


class RunningServer:
    """`hyperpcm serve` in a process of its own, on a port that is free."""

    def __init__(self, model: Path, work: Path, *options: str) -> None:
        command = [sys.executable, "-m", "hyperpcm", "serve", str(model), "--work", str(work), "--port", "0"]
        self._log = work.with_suffix(".log")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, *options],
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        self.address = self._listening()

    def _listening(self) -> str:
        for _ in range(600):
            found = re.search(r"http://127\.0\.0\.1:\d+", self.log())
            if found:
                return found[0]
            if self._process.poll() is not None:
                break
            time.sleep(0.1)
        raise AssertionError(f"the server did not start: {self.log()}")

    def log(self) -> str:
        """What it has said."""
        return self._log.read_text(errors="replace")

    def stop(self) -> None:
        """End it as a user does, and whatever it left, if it takes too long."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)


class Watched:
    """A tab whose requests to other places, and whose complaints, are written down."""

    def __init__(self, context: BrowserContext, address: str) -> None:
        self.address = address
        self.elsewhere: list[str] = []
        self.complaints: list[str] = []
        self.dialogs: list[str] = []
        self.page: Page = context.new_page()
        self.page.on("request", self._requested)
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", self._asked)

    def _requested(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.elsewhere.append(request.url)

    def _said(self, message: Any) -> None:
        # That an answer was an error is told by the page itself, and tested there.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.complaints.append(message.text)

    def _asked(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def open(self, path: str) -> Page:
        """Go to a page of the server."""
        self.page.goto(self.address + path)
        return self.page
