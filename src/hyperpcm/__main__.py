"""`python -m hyperpcm` is the program `hyperpcm`."""

from __future__ import annotations

import sys

from hyperpcm.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
