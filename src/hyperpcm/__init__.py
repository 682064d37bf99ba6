"""Which compounds act on this protein, how strongly, and may I believe it?"""

__version__ = "0.1.0"
