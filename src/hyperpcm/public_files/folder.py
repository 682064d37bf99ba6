"""Where files that were fetched are kept."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["FOLDER_VARIABLE", "data_folder"]

FOLDER_VARIABLE = "HYPERPCM_DATA"


def data_folder() -> Path:
    """Where files are kept: the folder that ``HYPERPCM_DATA`` names, else one in the user's cache folder."""
    named = os.environ.get(FOLDER_VARIABLE, "")
    if named:
        return Path(named)
    import platformdirs

    return Path(platformdirs.user_cache_dir("hyperpcm")) / "datasets"
