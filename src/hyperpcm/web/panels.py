"""The panel of a server: given compiled targets, or all known targets of the model once they are compiled."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hyperpcm.checkpoint import load_target_model
from hyperpcm.errors import HyperpcmError, InputError, NotReadyError, Rejection
from hyperpcm.screening import Panel, PanelScores
from hyperpcm.screening.heat_map import clustered_order
from hyperpcm.screening.panel_files import target_files
from hyperpcm.screening.panel_findings import PanelFindings
from hyperpcm.target_model import TargetModel
from hyperpcm.web.answers import CompoundOnPanel, PanelAnswer, Refused, TargetOfPanel
from hyperpcm.web.asked import GivenCompound
from hyperpcm.web.served import ServedModel, quantity_answer, target_id

__all__ = ["ServedPanel", "panel_folder"]

logger = logging.getLogger(__name__)


def panel_folder(work: Path, model: str) -> Path:
    """Return where the compiled known targets of a model lie.

    Args:
        work: folder of the server's work.
        model: id of the model.
    """
    return work / "panels" / model


class ServedPanel:
    """The panel; it is stacked in a thread once its targets are compiled, or when it is first asked.

    Args:
        served: the model.
        work: folder of the server's work.
        targets: files of compiled targets, or folders of them; none: the known targets.

    Raises:
        InputError: a file is not there, or a folder holds no compiled target.
    """

    def __init__(self, served: ServedModel, work: Path, targets: Sequence[Path]) -> None:
        self._lock, self._stacking = threading.Lock(), threading.Lock()
        self._loading: threading.Thread | None = None
        self._stacked: tuple[Panel, list[TargetModel]] | None = None
        self.is_given = bool(targets)
        if targets:
            self.files = tuple(target_files(targets))
            return
        folder = panel_folder(work, served.id)
        model = served.model
        names = zip(model.memory_names, model.memory_sequences, strict=True)
        self.files = tuple(
            folder / f"{target_id(served.id, sequence, name)}.hpcm" for name, sequence in names
        )

    @property
    def compiled(self) -> int:
        """How many of its targets are compiled."""
        return len(self.files) if self._stacked is not None else sum(path.is_file() for path in self.files)

    @property
    def is_ready(self) -> bool:
        """Whether it can be asked."""
        return self.compiled == len(self.files)

    def check(self) -> None:
        """Stack the panel, so that what is wrong with it is found at the start.

        Raises:
            ConfigError: its targets do not go together.
            ModelFileError: a file cannot be used.
        """
        self._stack()

    def is_loaded(self, *, within: float = 0.0) -> bool:
        """Return whether it is stacked; where its targets are compiled, that is begun, if need be.

        Args:
            within: seconds that are waited for it.
        """
        if self._stacked is None and self.is_ready:
            with self._lock:
                if self._loading is None or not self._loading.is_alive():
                    self._loading = threading.Thread(target=self._load, daemon=True)
                    self._loading.start()
                loading = self._loading
            loading.join(within)
        return self._stacked is not None

    def _load(self) -> None:
        try:
            self._stack()
        except HyperpcmError:  # whoever asks is told
            logger.warning("the panel could not be stacked", exc_info=True)

    def _stack(self) -> tuple[Panel, list[TargetModel]]:
        with self._stacking:
            if self._stacked is None:
                if not self.is_ready:
                    raise NotReadyError(
                        f"{self.compiled:,} of the {len(self.files):,} targets of the panel are compiled. "
                        "Have the others compiled first: the job `panel`."
                    )
                models = [load_target_model(path) for path in self.files]
                names = _distinct(
                    [one.name or path.stem for one, path in zip(models, self.files, strict=True)]
                )
                self._stacked = Panel(models, names), models
            return self._stacked

    def ask(
        self, compounds: Sequence[GivenCompound], *, wanted: str | None, active_at: float | None
    ) -> PanelAnswer:
        """Return what the panel says of compounds, as `hyperpcm panel` does.

        Args:
            compounds: a few.
            wanted: name of the wanted target, for the window; None: none.
            active_at: a score from here on counts as a hit; None: as the labels have it.

        Raises:
            NotReadyError: not all targets are compiled yet.
            InputError: the panel has no target of that name.
        """
        panel, models = self._stack()
        place = _place(panel, wanted)
        given = [one.smiles for one in compounds]
        scores = panel.score(given)
        refused = {one.row: one for one in scores.rejections}
        found = PanelFindings(
            given, [one.name for one in compounds], scores, refused, models, place, active_at
        )
        return _answer(found, scores, refused)


def _answer(found: PanelFindings, scores: PanelScores, refused: dict[int, Rejection]) -> PanelAnswer:
    rows = [row for row in range(len(found.given)) if row not in refused]
    order = clustered_order(scores.values[:, rows]) if rows else np.arange(len(scores.targets))
    return PanelAnswer(
        quantity=quantity_answer(scores.quantity),
        targets=tuple(scores.targets[place] for place in order),
        compounds=tuple(_compound(found, row) for row in rows),
        rejected=tuple(Refused(one.row + 1, one.text, one.code, one.reason) for one in refused.values()),
    )


def _compound(found: PanelFindings, row: int) -> CompoundOnPanel:
    values, fished = found.values[:, row], found.fished
    order = np.argsort(-values, kind="stable")
    names = found.scores.targets
    return CompoundOnPanel(
        row=row + 1,
        name=found.names[row],
        smiles=found.scores.smiles[row] or "",
        strongest=names[int(found.strongest[row])],
        share=None if found.share is None else float(found.share[row]),
        entropy=None if found.entropy is None else float(found.entropy[row]),
        window=None if found.window is None else float(found.window[row]),
        targets=tuple(
            TargetOfPanel(
                target=names[place],
                rank=rank,
                score=float(values[place]),
                above_usual=None if fished is None else _number(fished[place, row]),
            )
            for rank, place in enumerate(order.tolist(), start=1)
        ),
    )


def _number(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _place(panel: Panel, name: str | None) -> int | None:
    if name is None:
        return None
    if name not in panel.names:
        raise InputError(f"wanted: the panel has no target of the name {name[:100]!r}.")
    if len(panel) < 2:
        raise InputError("wanted: the panel has one target only, so there is no window to others.")
    return panel.names.index(name)


def _distinct(names: Sequence[str]) -> list[str]:
    """Names with a number behind those that come again."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return found
