"""The pages: forms and results as HTML that the server writes, and the styles and scripts that they use."""

from __future__ import annotations

from hyperpcm.web.pages.routes import UPLOADS, drawn_error, error_page, routes

__all__ = ["UPLOADS", "drawn_error", "error_page", "routes"]
