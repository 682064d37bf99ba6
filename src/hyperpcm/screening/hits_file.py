"""The hits of a screen as a table, or as an SD file with structures."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hyperpcm.target_model.told import INTERVAL_COLUMNS, told_interval

if TYPE_CHECKING:
    from hyperpcm.datasets.interactions import Quantity
    from hyperpcm.screening.backing import Backing
    from hyperpcm.screening.top import Hit

__all__ = ["HIT_COLUMNS", "SDF_ENDINGS", "check_hits_file", "write_hits", "write_sdf"]

SDF_ENDINGS: Final = (".sdf", ".sd")
HIT_COLUMNS: Final[dict[str, type]] = {
    "target": str,
    "rank": int,
    "score": float,
    "quantity": str,
    "precision": str,
    "smiles": str,
    "name": str,
    "row": int,
    "nearest_compound": str,
    "nearest_similarity": float,
    **INTERVAL_COLUMNS,
}
_LINE: Final = re.compile(r"[\r\n]+")


def check_hits_file(path: Path, *, overwrite: bool, inputs: Sequence[Path]) -> None:
    """Refuse what could not be written later.

    Raises:
        OutputError: the ending, a file that is there or read from, a folder that is missing.
    """
    from hyperpcm.datasets.output import TableWriter
    from hyperpcm.datasets.output_files import check_output

    if path.suffix.lower() in SDF_ENDINGS:
        check_output(path, overwrite=overwrite, inputs=inputs)
    else:
        TableWriter(path, HIT_COLUMNS, overwrite=overwrite, inputs=inputs)


def write_hits(
    path: Path,
    hits: Mapping[str, Sequence[Hit]],
    quantity: Quantity,
    *,
    backing: Mapping[str, Backing],
    precision: str = "float32",
    overwrite: bool,
) -> None:
    """Write the hits of all targets, those of one target together, the best first.

    Args:
        path: of the file; its ending says the format.
        hits: of each target, the best first.
        quantity: what a score means.
        backing: what the hits of each target rest on; columns of what is not known are empty.
        precision: of the dense layers that gave the scores.
        overwrite: whether a file that is there may be replaced.
    """
    lines = [
        {
            "target": target,
            "rank": rank,
            "score": hit.score,
            "quantity": quantity.name,
            "precision": precision,
            "smiles": hit.smiles,
            "name": hit.name,
            "row": hit.row + 1,
            **_told(backing[target], rank - 1),
        }
        for target, found in hits.items()
        for rank, hit in enumerate(found, start=1)
    ]
    if path.suffix.lower() in SDF_ENDINGS:
        write_sdf(path, lines, overwrite=overwrite)
        return
    from hyperpcm.datasets.output import TableWriter

    with TableWriter(path, HIT_COLUMNS, overwrite=overwrite) as writer:
        writer.write({name: [line[name] for line in lines] for name in HIT_COLUMNS})


def _told(backing: Backing, place: int) -> dict[str, object]:
    """What one hit rests on, in columns."""
    near = backing.nearest[place]
    return {
        "nearest_compound": None if near is None else near.smiles,
        "nearest_similarity": None if near is None else round(near.similarity, 4),
        **(told_interval(backing.intervals, place) or dict.fromkeys(INTERVAL_COLUMNS)),
    }


def write_sdf(path: Path, lines: Sequence[Mapping[str, object]], *, overwrite: bool) -> None:
    """Write compounds as an SD file: their structures, with all that is known of each in its fields.

    Args:
        path: of the file.
        lines: of each compound ``smiles``, ``name``, and whatever else; what is empty is left out.
        overwrite: whether a file that is there may be replaced.
    """
    from hyperpcm.chem.molblock import molblock_of_smiles
    from hyperpcm.datasets.output_files import atomic_file

    with atomic_file(path, overwrite=overwrite) as file:
        for line in lines:
            block = molblock_of_smiles(str(line["smiles"])).split("\n", 1)[1]
            name = _LINE.sub(" ", str(line["name"]))
            fields = "".join(
                f"> <{key}>\n{_LINE.sub(' ', str(value))}\n\n"
                for key, value in line.items()
                if value not in ("", None)
            )
            file.write(f"{name}\n{block}{fields}$$$$\n".encode())
