"""What a panel says of compounds: selectivity, off-targets and fishing, as JSON values and files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hyperpcm.errors import ConfigError, Rejection
from hyperpcm.target_model.told import score_title

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from hyperpcm.datasets.interactions import Quantity
    from hyperpcm.screening.panel import PanelScores
    from hyperpcm.target_model import TargetModel

__all__ = ["PanelFindings"]

_WRITTEN: Final = 50_000  # lines of the file that are put together at a time
_SCHEMA: Final[dict[str, type]] = {
    "row": int,
    "name": str,
    "given": str,
    "smiles": str,
    "target": str,
    "score": float,
    "quantity": str,
    "precision": str,
    "rank": int,
    "above_usual": float,
    "rejected": str,
    "reason": str,
}


class PanelFindings:
    """What a panel says of some compounds.

    Args:
        given: text of each compound.
        names: what each is called; empty where it has no name.
        scores: of the panel.
        rejections: the compounds without a score, by row.
        models: the targets of the panel.
        wanted: row of the wanted target; None: there is none.
        active_at: a score at or above it is a hit; None: as the quantity has it.
    """

    def __init__(
        self,
        given: Sequence[str | None],
        names: Sequence[str],
        scores: PanelScores,
        rejections: dict[int, Rejection],
        models: Sequence[TargetModel],
        wanted: int | None,
        active_at: float | None,
    ) -> None:
        import numpy as np

        from hyperpcm.screening import selectivity_entropy, selectivity_score, selectivity_window

        self.given, self.names, self.scores = given, names, scores
        self.rejections, self.wanted = rejections, wanted
        values = scores.values
        self.values = values
        self.strongest = np.where(np.isnan(values).any(0), -1, np.nan_to_num(values).argmax(0))
        self.window = None if wanted is None else selectivity_window(values, wanted)
        threshold = _threshold(scores.quantity, active_at)
        self.share = None if threshold is None else selectivity_score(values, threshold)
        is_constant = scores.quantity.unit == "-log10(M)"
        self.entropy = selectivity_entropy(values) if is_constant else None
        self.fished = _fished(values, models)

    def order(self) -> list[int]:
        """Compounds with a score, those of the widest window first, or else the strongest."""
        import numpy as np

        by = self.values.max(0) if self.window is None else self.window
        usable = np.flatnonzero(np.isfinite(by))
        return [int(row) for row in usable[np.argsort(-by[usable], kind="stable")]]

    def catches(self, top: int) -> list[tuple[int, list[tuple[int, float]]]]:
        """For each compound, its targets by how far the score is above what the target usually gives."""
        import numpy as np

        if self.fished is None:
            raise ConfigError(
                "--fish compares scores with what each target gives to compounds in general, and a target of "
                "this panel does not say: it was compiled by an older version, or from a model without a "
                "memory of labels. Compile the targets again."
            )
        found = []
        for row in range(len(self.given)):
            z = self.fished[:, row]
            usable = np.flatnonzero(np.isfinite(z))
            best = usable[np.argsort(-z[usable], kind="stable")][:top]
            if len(best):
                found.append((row, [(int(target), float(z[target])) for target in best]))
        return found

    def name(self, row: int) -> str:
        """What a compound is called, or else its structure."""
        return self.names[row] or self.scores.smiles[row] or ""

    def record(self, *, fish: bool, top: int) -> dict[str, object]:
        """The result as JSON values."""
        quantity, targets = self.scores.quantity, self.scores.targets
        record: dict[str, object] = {
            "targets": list(targets),
            "quantity": quantity.name,
            "unit": quantity.unit,
            "kind": quantity.kind,
            "precision": self.scores.precision,
        }
        if fish:
            record["compounds"] = [
                {
                    **self._about(row),
                    "targets": [
                        {
                            "target": targets[target],
                            "score": float(self.values[target, row]),
                            "above_usual": z,
                        }
                        for target, z in caught
                    ],
                }
                for row, caught in self.catches(top)
            ]
            return record
        listed = []
        for row in self.order()[:top]:
            best = int(self.strongest[row])
            entry = {**self._about(row), "strongest": targets[best], "score": float(self.values[best, row])}
            if self.window is not None and self.wanted is not None:
                entry |= {"wanted": float(self.values[self.wanted, row]), "window": float(self.window[row])}
            entry |= {} if self.share is None else {"s": float(self.share[row])}
            entry |= {} if self.entropy is None else {"entropy": float(self.entropy[row])}
            listed.append(entry)
        record["compounds"] = listed
        return record

    def _about(self, row: int) -> dict[str, object]:
        return {"row": row + 1, "name": self.names[row], "smiles": self.scores.smiles[row]}

    def write(self, path: Path, *, overwrite: bool) -> None:
        """One row for each compound and target; a compound without a score has one row that says why."""
        from hyperpcm.datasets.output import TableWriter

        size = max(1, _WRITTEN // len(self.scores.targets))
        with TableWriter(path, _SCHEMA, overwrite=overwrite) as writer:
            for start in range(0, len(self.given), size):
                rows = range(start, min(start + size, len(self.given)))
                lines = [line for row in rows for line in self._lines(row)]
                writer.write({name: [line[name] for line in lines] for name in _SCHEMA})

    def _lines(self, row: int) -> list[dict[str, object]]:
        """The lines of one compound in the file."""
        import numpy as np

        about: dict[str, object] = dict.fromkeys(_SCHEMA)
        about |= {
            "row": row + 1,
            "name": self.names[row],
            "given": self.given[row],
            "smiles": self.scores.smiles[row],
            "quantity": self.scores.quantity.name,
            "precision": self.scores.precision,
        }
        if one := self.rejections.get(row):
            return [about | {"rejected": one.code, "reason": one.reason}]
        ranks = np.empty(len(self.values), dtype=np.int64)
        ranks[np.argsort(-self.values[:, row], kind="stable")] = np.arange(1, len(ranks) + 1)
        return [
            about
            | {
                "target": target,
                "score": float(self.values[place, row]),
                "rank": int(ranks[place]),
                "above_usual": None if self.fished is None else float(self.fished[place, row]),
            }
            for place, target in enumerate(self.scores.targets)
        ]

    def draw(self, path: Path, *, overwrite: bool) -> None:
        """The heat map of all targets and compounds."""
        from hyperpcm.screening.heat_map import draw_heat_map

        names = [self.name(row) for row in range(len(self.given))]
        title = score_title(self.scores.quantity)
        draw_heat_map(path, self.values, self.scores.targets, names, title=title, overwrite=overwrite)


def _threshold(quantity: Quantity, given: float | None) -> float | None:
    if given is not None:
        return given
    return 0.5 if quantity.kind == "binary" else quantity.active_at


def _fished(values: npt.NDArray[np.float32], models: Sequence[TargetModel]) -> npt.NDArray[np.float64] | None:
    """How far each score is above what its target usually gives; None where a target does not say."""
    import numpy as np

    from hyperpcm.screening import fishing_scores

    known = [model.provenance.get("background", {}) for model in models]
    if not all(one.get("compounds") for one in known):
        return None
    means, deviations = (np.array([one[name] for one in known]) for name in ("mean", "deviation"))
    return fishing_scores(values, means, deviations)
