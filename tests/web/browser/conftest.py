"""A real browser on a real server: what the tests of this folder share.

They need Chromium and are skipped without it. Pictures of the pages are kept in the folder that the
environment variable HYPERPCM_SCREENSHOTS names.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from browsing import RunningServer, Watched

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

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


@pytest.fixture(scope="session")
def server(model_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """One server for all tests."""
    running = RunningServer(model_file, tmp_path_factory.mktemp("work") / "served")
    yield running
    running.stop()
    assert "Traceback" not in running.log()


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """One browser for the tests of a file; while it runs, so does a loop of events in this thread."""
    from playwright.sync_api import sync_playwright

    options = ["--no-sandbox", *FLAGS] if os.name == "posix" and os.geteuid() == 0 else [*FLAGS]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=options)
        yield started
        started.close()


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
    """Fails where axe-core finds something serious on a page, in light or in dark, or it is too wide."""

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
        tab.page.set_viewport_size({"width": 390, "height": 844})
        assert tab.page.evaluate("document.documentElement.scrollWidth") <= 390
        tab.page.set_viewport_size({"width": 1280, "height": 900})

    return check
