"""Embedding whole files of compounds or proteins into the store, and writing the vectors."""

from hyperpcm.embedding.run import Embedded, embed_file

__all__ = ["Embedded", "embed_file"]
