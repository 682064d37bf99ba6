"""A real browser on a real server: what the tests of this folder share.

They need Chromium and are skipped without it. Pictures of the pages are kept in the folder that the environment
variable HYPERPCM_SCREENSHOTS names.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from hyperpcm.checkpoint import save_model
from hyperpcm.target_model import Covariance, ResidualPrior
from small_calibrations import calibrated_model

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

AXE = Path(__file__).resolve().parents[1] / "vendor/axe-core/axe.min.js"
FLAGS = ("--disable-gpu", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's program; the test is skipped where there is none."""
    names = (os.environ.get("HYPERPCM_CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome")
    found = next((path for path in map(shutil.which, filter(None, names)) if path), None)
    if found is None:
        pytest.skip("no Chromium here: apt-get install chromium, or name its program in HYPERPCM_CHROMIUM")
    return found


class RunningServer:
    """`hyperpcm serve` in a process of its own, on a port that is free."""

    def __init__(self, model: Path, work: Path, *options: str) -> None:
        command = [sys.executable, "-m", "hyperpcm", "serve", str(model), "--work", str(work), "--port", "0"]
        self._log = work.with_suffix(".log")
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, *options], stdout=log, stderr=subprocess.STDOUT, start_new_session=True
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


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model with intervals that can learn from measurements."""
    model = calibrated_model()
    covariance = Covariance(offset=0.3, slope=0.1, structure=0.4, profile=0.8, noise=0.05)
    model.residual_prior = ResidualPrior(covariance, centre=6.0, spread=0.8, profiles=_profiles(model))
    path = tmp_path_factory.mktemp("model") / "model.safetensors"
    save_model(model, path)
    return path


def _profiles(model: Any) -> Any:
    import numpy as np

    generator = np.random.default_rng(0)
    return generator.normal(size=(len(model.landmark_compounds), 2)).astype(np.float32)


@pytest.fixture(scope="session")
def server(model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One server for all tests."""
    running = RunningServer(model_file, tmp_path_factory.mktemp("work") / "served")
    yield running
    running.stop()
    assert "Traceback" not in running.log()


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    """One browser for all tests."""
    from playwright.sync_api import sync_playwright

    options = ["--no-sandbox", *FLAGS] if os.name == "posix" and os.geteuid() == 0 else [*FLAGS]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=options)
        yield started
        started.close()


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


@pytest.fixture
def open_tab(browser: Browser, server: RunningServer) -> Iterator[Callable[..., Watched]]:
    """Opens tabs; at the end none may have asked for anything elsewhere, or complained."""
    contexts: list[BrowserContext] = []
    tabs: list[Watched] = []

    def open_one(address: str = server.address, **options: Any) -> Watched:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
        context.set_default_timeout(60_000)
        contexts.append(context)
        tabs.append(Watched(context, address))
        return tabs[-1]

    yield open_one
    found = [(tab.elsewhere, tab.complaints, tab.dialogs) for tab in tabs]
    for context in contexts:
        context.close()
    assert found == [([], [], [])] * len(found)


@pytest.fixture
def tab(open_tab: Callable[..., Watched]) -> Watched:
    """One tab of the width of a laptop."""
    return open_tab()


@pytest.fixture
def picture() -> Callable[[Watched, str], None]:
    """Keeps a picture of a page, light and dark, wide and narrow, where a folder is named for them."""
    folder = os.environ.get("HYPERPCM_SCREENSHOTS")

    def take(tab: Watched, name: str) -> None:
        if not folder:
            return
        Path(folder).mkdir(parents=True, exist_ok=True)
        page = tab.page
        for scheme in ("light", "dark"):
            for width, height in ((1280, 900), (390, 844)):
                page.emulate_media(color_scheme=scheme)
                page.set_viewport_size({"width": width, "height": height})
                page.wait_for_timeout(250)
                page.screenshot(path=Path(folder) / f"{name}-{width}-{scheme}.png", full_page=True)
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": 1280, "height": 900})

    return take


@pytest.fixture
def accessible() -> Callable[[Watched], None]:
    """Fails where axe-core finds something serious on a page, in light or in dark."""

    def check(tab: Watched) -> None:
        for scheme in ("light", "dark"):
            tab.page.emulate_media(color_scheme=scheme)
            tab.page.evaluate(AXE.read_text())
            found = tab.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
            serious = [
                (one["id"], [node["html"][:200] for node in one["nodes"][:3]])
                for one in found["violations"]
                if one["impact"] in ("serious", "critical")
            ]
            assert serious == []
        tab.page.emulate_media(color_scheme="light")

    return check
