"""The published weights that encoders run on: which there are, on what terms, and how to have them here.

None of them is part of this package. They are fetched when asked for (`hyperpcm encoders fetch`), checked
against the pinned sha256 and kept in the data folder.
"""
