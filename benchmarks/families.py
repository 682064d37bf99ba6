"""Write the family of every target of a ChEMBL data set, as the words of its name tell, for a model's card.

    python benchmarks/families.py chembl20

The table lies in benchmarks/families/NAME.csv: target (its number in the data set), name, described (ChEMBL's
own name of the protein) and family. Rules: `hyperpcm.pretrained.families`.
"""

from __future__ import annotations

import argparse
import bz2
import csv
import gzip
import re
from pathlib import Path

from hyperpcm.datasets import load
from hyperpcm.datasets.catalog import fetch
from hyperpcm.pretrained.families import family_of

HERE = Path(__file__).resolve().parent
TITLE = re.compile(r">\s*(CHEMBL\d+(?:,CHEMBL\d+)*)\s+(?:\[[^\]]*\]\s*)?(.*)")


def described() -> dict[str, str]:
    """Return the name that ChEMBL gives each of its targets; that of the binding table where it has one."""
    files = fetch("chembl20")
    found: dict[str, str] = {}
    with gzip.open(files["sequences"], "rt", encoding="utf-8") as stream:
        for line in stream:
            if title := TITLE.match(line):
                for target in title[1].split(","):
                    found.setdefault(target, title[2].strip())
    with bz2.open(files["binding"], "rt", encoding="utf-8") as stream:
        next(stream)
        for line in stream:
            fields = line.rstrip("\r\n").split(",", 4)
            found[fields[0]] = fields[4].strip('"')
    return found


def main() -> None:
    """Read the data set and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", help="chembl20, or a data set whose targets have the same identifiers")
    name = parser.parse_args().data
    interactions, names = load(name), described()
    path = HERE / "families" / f"{name}.csv"
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["target", "name", "described", "family"])
        for number, target in enumerate(interactions.target_names):
            told = names.get(re.split(r"[\s|]", target)[0], "")
            writer.writerow([number, target, told, family_of(told)])
    print(f"{path}: {len(interactions.target_names):,} targets")


if __name__ == "__main__":
    main()
