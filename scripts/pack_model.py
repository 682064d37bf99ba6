"""Put the model that ships with the package in its place, with its card generated from the results files.

    python scripts/pack_model.py FILE --commit HASH     copy a model, write its record and its card
    python scripts/pack_model.py --card                 write them anew after results have changed

Fails where the file has more than 25 MB, is no trained model, or there are no results to make a card of.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from hyperpcm.errors import HyperpcmError
from hyperpcm.pretrained.figures import card_figures
from hyperpcm.pretrained.packing import LARGEST, pack_model
from hyperpcm.pretrained.record import read_record
from hyperpcm.pretrained.registry import DEFAULT_NAME, SHIPPED

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results"
FAMILIES = ROOT / "benchmarks" / "families"
DATA = ("chembl", "chembl20", "chembl_quant")
LICENCE = {
    "weights": "CC BY-SA 3.0 (https://creativecommons.org/licenses/by-sa/3.0/), like the data",
    "attribution": "ChEMBL, European Bioinformatics Institute (EMBL-EBI), https://www.ebi.ac.uk/chembl",
}


def figures() -> dict:
    """Return the figures of the card from the results of this tree."""
    families = {path.stem: path for path in sorted(FAMILIES.glob("*.csv"))}
    return card_figures(RESULTS, DATA, families)


def main() -> int:
    """Pack the model, and say what became of it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model", type=Path, nargs="?", help="file of the trained model, 25 MB at most")
    parser.add_argument(
        "--card", action="store_true", help="the model stays; record and card are written anew"
    )
    parser.add_argument(
        "--commit", help="of the code that trained the model; with --card, the one that its record names"
    )
    parser.add_argument("--folder", type=Path, default=SHIPPED, help="of the models that ship")
    given = parser.parse_args()
    file = given.folder / f"{DEFAULT_NAME}.safetensors" if given.card else given.model
    if file is None:
        parser.error("which model? Give its file, or --card.")
    commit = given.commit
    if commit is None and given.card:
        commit = read_record(file.with_suffix(".json")).get("commit")
    try:
        packed = pack_model(
            file,
            DEFAULT_NAME,
            given.folder,
            figures=figures(),
            licence=LICENCE,
            commit=commit,
            largest=LARGEST,
            overwrite=True,
        )
    except HyperpcmError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print(f"{packed.path}: {packed.path.stat().st_size / 1e6:.1f} MB; its card: {packed.card_path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
