"""Compounds on all targets of the panel."""

from __future__ import annotations

from dataclasses import dataclass

from hyperpcm.web.answers.jobs import Job
from hyperpcm.web.answers.model import QuantityAnswer
from hyperpcm.web.answers.targets import Refused

__all__ = ["CompoundOnPanel", "PanelAnswer", "PanelState", "TargetOfPanel"]


@dataclass(frozen=True)
class TargetOfPanel:
    """One target of a panel with the score of a compound.

    Attributes:
        target: its name.
        rank: by score, 1 is the strongest.
        score: of the compound.
        above_usual: how far the score is above what the target usually gives, in its standard deviations.
    """

    target: str
    rank: int
    score: float
    above_usual: float | None


@dataclass(frozen=True)
class CompoundOnPanel:
    """One compound on all targets of the panel, the strongest target first.

    Attributes:
        row: in what was given.
        name: that it was given.
        smiles: standardised.
        strongest: name of the strongest target.
        share: of the targets that are hit; None where no threshold is agreed on.
        entropy: how the compound spreads over the targets; None where scores are no constants.
        window: of the wanted target to the strongest other; None where none is wanted.
        targets: all of them.
    """

    row: int
    name: str
    smiles: str
    strongest: str
    share: float | None
    entropy: float | None
    window: float | None
    targets: tuple[TargetOfPanel, ...]


@dataclass(frozen=True)
class PanelAnswer:
    """Compounds on the panel.

    Attributes:
        quantity: what scores mean.
        targets: names of all targets, those that score alike side by side, as a heat map has them.
        compounds: in the order given.
        rejected: compounds that cannot be used.
    """

    quantity: QuantityAnswer
    targets: tuple[str, ...]
    compounds: tuple[CompoundOnPanel, ...]
    rejected: tuple[Refused, ...]


@dataclass(frozen=True)
class PanelState:
    """Whether the panel can be asked: how many of its targets are compiled, and the job that does it."""

    is_ready: bool
    compiled: int
    targets: int
    job: Job | None
