"""Some rows of a table of results, as a page shows them: filtered, sorted, cut."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hyperpcm.errors import TableError

__all__ = ["ResultRows", "result_rows"]


@dataclass(frozen=True)
class ResultRows:
    """Rows by column, how many fit the filter, and how many there are in all."""

    rows: list[dict[str, Any]]
    matching: int
    total: int


def result_rows(
    path: Path,
    *,
    sort: str,
    descending: bool = False,
    offset: int = 0,
    limit: int = 50,
    equal: tuple[str, str] | None = None,
    at_least: tuple[str, float] | None = None,
    holding: tuple[tuple[str, ...], str] | None = None,
) -> ResultRows:
    """Return some rows of a Parquet file that this package wrote.

    Args:
        path: of the file; it is read as a whole.
        sort: column; rows that are alike in it stay in their order, and those without a value come last.
        descending: the largest first.
        offset: of the first row among those that fit.
        limit: most rows.
        equal: column, and the text that it has to hold.
        at_least: column, and the least number that it may hold.
        holding: columns of text, and what one of them has to hold somewhere, whatever the case.

    Raises:
        TableError: the file is not there or damaged.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path, page_checksum_verification=True)
    except (OSError, pa.ArrowException) as error:
        raise TableError(f"{path.name}: the result cannot be read. Ask for it again.") from error
    total = table.num_rows
    if equal is not None:
        table = table.filter(pc.equal(table[equal[0]], equal[1]))
    if at_least is not None:
        table = table.filter(pc.greater_equal(table[at_least[0]], at_least[1]))
    if holding is not None and holding[1]:
        found = [pc.match_substring(table[name], holding[1], ignore_case=True) for name in holding[0]]
        fits = found[0]
        for one in found[1:]:
            fits = pc.or_kleene(fits, one)
        table = table.filter(fits)
    places = pa.array(range(table.num_rows), type=pa.int64())
    keyed = table.append_column("place of the row", places)
    order = [(sort, "descending" if descending else "ascending"), ("place of the row", "ascending")]
    taken = pc.sort_indices(keyed, sort_keys=order)[offset : offset + limit]
    return ResultRows(table.take(taken).to_pylist(), table.num_rows, total)
