"""Public files, pinned by content: found in a mirror or fetched, verified, and kept."""
