"""The pages: forms and results as HTML that the server writes, and the styles and scripts that they use."""

from __future__ import annotations

from hyperpcm.web.pages.routes import error_page, login_page, routes

__all__ = ["error_page", "login_page", "routes"]
