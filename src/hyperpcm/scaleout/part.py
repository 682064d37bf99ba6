"""Which part of all shards is meant, where each task of an array does one: by hand, or as Slurm says."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Self

from hyperpcm.errors import ConfigError

__all__ = ["Part"]


@dataclasses.dataclass(frozen=True)
class Part:
    """Every so many-th shard.

    Attributes:
        number: of the part, from 0 to ``of`` - 1.
        of: how many parts there are.
    """

    number: int = 0
    of: int = 1

    def shards(self, total: int) -> Sequence[int]:
        """Return the numbers of its shards, from 0."""
        return range(self.number, total, self.of)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the part that ``K/N`` means: K from 1 to N or, as some schedulers count, from 0 to N - 1.

        Both ways of counting cover all shards.

        Raises:
            ConfigError: it is not of that form, or K is beyond N.

        Example:
            >>> [list(Part.parse(text).shards(5)) for text in ("1/2", "2/2")]
            [[1, 3], [0, 2, 4]]
        """
        found = re.fullmatch(r"\s*(\d+)\s*/\s*(\d+)\s*", text)
        number, of = (int(found[1]), int(found[2])) if found else (1, 0)
        if number > of or not of:
            raise ConfigError(f"--shard {text!r}: write K/N with K from 1 to N, such as 3/10.")
        return cls(number % of, of)

    @classmethod
    def of_array(cls, environment: Mapping[str, str]) -> Self | None:
        """Return the part of this task of a Slurm array, or None outside of one.

        Read are ``SLURM_ARRAY_TASK_ID``, ``_COUNT``, ``_MIN`` and, where tasks are not numbered one by one,
        ``_STEP``.

        Raises:
            ConfigError: the array is a list of single numbers, in which a task's place cannot be told.
        """
        names = ("ID", "COUNT", "MIN", "STEP")
        given = [environment.get(f"SLURM_ARRAY_TASK_{name}", "") for name in names]
        if not (given[0].isdigit() and given[1].isdigit()):
            return None
        task, count, least, step = (int(one) if one.isdigit() else 0 for one in given)
        place, rest = divmod(task - least, max(1, step))
        if rest or not 0 <= place < count:
            raise ConfigError(
                f"task {task} of this Slurm array has no place among {count} tasks that begin at {least}: "
                "say which part is meant with --shard K/N."
            )
        return cls(place, count)
