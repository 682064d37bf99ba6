"""Styles and scripts are named files of the package, each with an address that changes with its content."""

from __future__ import annotations

import hashlib

import pytest

from hyperpcm.web.pages.files import address, static_files


def test_the_address_of_a_file_tells_its_content() -> None:
    found = static_files()["app.css"]
    assert address("app.css") == f"/static/app.css?v={hashlib.sha256(found.content).hexdigest()[:12]}"


def test_the_style_of_reports_is_shared() -> None:
    assert b"--first" in static_files()["report.css"].content


@pytest.mark.parametrize("name", ["../pages/files.py", "/etc/passwd", "vendor", "vendor/../app.css"])
def test_there_is_no_way_out_of_the_folder(name: str) -> None:
    with pytest.raises(KeyError):
        address(name)


def test_scripts_styles_and_pictures_have_their_media_types() -> None:
    kinds = {name: one.kind for name, one in static_files().items()}
    assert kinds["app.js"] == kinds["vendor/htmx/htmx.min.js"] == "text/javascript"
    assert kinds["app.css"] == "text/css"
    assert kinds["icon.svg"] == "image/svg+xml"
