"""Campaigns replayed on a target whose compounds were all measured: how many of its best each method finds.

A method sees the values of what it asked for and nothing else. The best are the top 1 % of the target's
measured compounds, and five at least, together with all that are as good as the last of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hyperpcm.adaptation.acquisition import STRATEGIES
from hyperpcm.adaptation.campaign import Campaign
from hyperpcm.adaptation.suggest_compounds import HeldCompounds
from hyperpcm.baselines.few_shot import PerTargetForest
from hyperpcm.chem import morgan_counts
from hyperpcm.datasets.few_shot import FewShotTask
from hyperpcm.errors import ConfigError, LabelError
from hyperpcm.target_model import Measurement, TargetModel
from hyperpcm.target_model.adapting import unadapted

__all__ = ["METHODS", "Replay", "ReplayProtocol", "replayed"]

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.int64]

METHODS: Final = ("random", "zero_shot", "forest", "forest_random", *STRATEGIES)
"""What is compared: compounds at random (in expectation), those that the target puts highest before anything
is measured, a random forest on what was measured (its first batch the highest zero-shot scores, or random),
and each strategy of `Campaign`."""

_DRAWN: Final = ("forest", "forest_random", "thompson")  # methods that another seed makes choose otherwise


@dataclass(frozen=True)
class ReplayProtocol:
    """How campaigns are replayed.

    Attributes:
        rounds: batches that are measured, one after the other.
        batch: compounds of each.
        share: of the compounds of a target, its best.
        least: number of them at least.
        least_compounds: targets with fewer measured compounds are left out.
        seeds: how often methods that draw are replayed; their means count.
        most_tied: targets whose best are, with ties, more than this many times their number are left out, for
            on a floor of equal labels every choice is among the best; None: no target is.

    Raises:
        ConfigError: a number out of range.
    """

    rounds: int = 5
    batch: int = 24
    share: float = 0.01
    least: int = 5
    least_compounds: int = 200
    seeds: int = 3
    most_tied: float | None = 2.0

    def __post_init__(self) -> None:
        if min(self.rounds, self.batch, self.least, self.seeds) < 1 or not 0 < self.share < 1:
            raise ConfigError(f"a replay needs numbers from 1 on and a share between 0 and 1, not {self}.")
        if self.most_tied is not None and not self.most_tied >= 1:
            raise ConfigError(f"most_tied is a number from 1 on, not {self.most_tied}.")
        if self.least_compounds < self.rounds * self.batch:
            raise ConfigError(
                f"{self.rounds} rounds of {self.batch} measure {self.rounds * self.batch} compounds; a "
                f"target of {self.least_compounds} has no more."
            )

    def record(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    def number_of_best(self, compounds: int) -> int:
        """Return how many of a target's compounds are its best, ties apart."""
        return max(self.least, round(self.share * compounds))

    def best(self, labels: Floats) -> npt.NDArray[np.bool_]:
        """Return which of a target's labels [n] are its best, ties included [n]."""
        best: npt.NDArray[np.bool_] = labels >= np.sort(labels)[-self.number_of_best(len(labels))]
        return best

    def is_tied(self, labels: Floats) -> bool:
        """Return whether ties make a target's best too many for its labels [n] to be replayed."""
        if self.most_tied is None:
            return False
        return bool(self.best(labels).sum() > self.most_tied * self.number_of_best(len(labels)))


def replayed(
    target: TargetModel,
    smiles: Sequence[str],
    labels: npt.NDArray[np.floating],
    protocol: ReplayProtocol,
    methods: Sequence[str] = METHODS,
    *,
    seed: int = 0,
) -> dict[str, list[float]]:
    """Return the share of the best compounds that each method has found after each round.

    Args:
        target: that never saw the labels; its own measurements are forgotten.
        smiles: standardised, different compounds [n].
        labels: of them [n].
        protocol: how.
        methods: of `METHODS`.
        seed: of all draws: those of Thompson sampling, of random first batches, and of the forests.

    Raises:
        ConfigError: a method that is not known.
        LabelError: too few compounds, unequal numbers of them and labels, or too many ties among the best.
    """
    replay = Replay(target, smiles, labels, protocol)
    return {
        method: np.mean(
            [replay.found(method, [seed, number]) for number in range(_repeats(method, protocol))], axis=0
        ).tolist()
        for method in methods
    }


def _repeats(method: str, protocol: ReplayProtocol) -> int:
    return protocol.seeds if method in _DRAWN else 1


class Replay:
    """One target with all its labels; see `replayed` for the arguments and for what is refused."""

    def __init__(
        self,
        target: TargetModel,
        smiles: Sequence[str],
        labels: npt.NDArray[np.floating],
        protocol: ReplayProtocol,
    ) -> None:
        if len(smiles) != len(labels) or len(smiles) < protocol.least_compounds:
            raise LabelError(
                f"{target.name}: {len(smiles)} compounds and {len(labels)} labels; as many of both, and "
                f"{protocol.least_compounds}, are needed."
            )
        self.pool = HeldCompounds.of(target, list(smiles))
        if len(self.pool) != len(smiles):
            raise LabelError(
                f"{target.name}: {len(smiles) - len(self.pool)} of {len(smiles)} compounds are not usable."
            )
        self.target, self.smiles, self.protocol = unadapted(target), list(smiles), protocol
        self.labels = np.asarray(labels, dtype=np.float64)
        self.best = protocol.best(self.labels)
        if protocol.is_tied(self.labels):
            raise LabelError(
                f"{target.name}: for ties its best {protocol.number_of_best(len(labels))} compounds are "
                f"{self.best.sum()}. Leave the target out, or raise most_tied ({protocol.most_tied:g})."
            )
        self.zero_shot = self.pool.taken(np.arange(len(self.pool))).scores
        self._counts: npt.NDArray[np.uint8] | None = None

    def found(self, method: str, key: Sequence[int]) -> Floats:
        """Return the share of the best that a method has found after each round [rounds].

        Args:
            method: of `METHODS`.
            key: of its draws: a seed, and the number of the replay.

        Raises:
            ConfigError: a method that is not known.
        """
        rounds, batch = self.protocol.rounds, self.protocol.batch
        if method == "random":
            return np.arange(1, rounds + 1) * batch / len(self.labels)
        asked = self.asked(method, key)
        shares: Floats = np.cumsum([self.best[places].sum() for places in asked]) / self.best.sum()
        return shares

    def asked(self, method: str, key: Sequence[int]) -> list[Places]:
        """Return the positions of the compounds that a method asks for in each round [rounds] of [batch].

        Args:
            method: of `METHODS`, without ``random``, whose share is an expectation.
            key: as in `found`.

        Raises:
            ConfigError: a method that is not known, or asks for no compounds.
        """
        rounds, batch = self.protocol.rounds, self.protocol.batch
        if method == "zero_shot":
            order = np.argsort(-self.zero_shot, kind="stable")
            return [order[start : start + batch] for start in range(0, rounds * batch, batch)]
        if method in ("forest", "forest_random"):
            return self._forest(key, is_random=method == "forest_random")
        if method in STRATEGIES:
            return self._campaign(method, key)
        if method == "random":
            raise ConfigError("the method 'random' is an expectation; it asks for no compounds.")
        raise ConfigError(f"there is no method {method!r}; there are {', '.join(METHODS)}.")

    def _campaign(self, strategy: str, key: Sequence[int]) -> list[Places]:
        seed = int(np.random.default_rng(key).integers(1 << 31))
        campaign, asked = Campaign(self.target, self.pool, seed=seed), list[Places]()
        for _ in range(self.protocol.rounds):
            places = campaign.ask(self.protocol.batch, strategy).compounds.rows
            campaign.tell([Measurement(self.smiles[place], float(self.labels[place])) for place in places])
            asked.append(places)
        return asked

    def _forest(self, key: Sequence[int], *, is_random: bool) -> list[Places]:
        generator, batch = np.random.default_rng(key), self.protocol.batch
        first = generator.random(len(self.labels)) if is_random else self.zero_shot
        asked = [np.argsort(-first, kind="stable")[:batch]]
        if self._counts is None:
            self._counts = morgan_counts(self.smiles)
        while len(asked) < self.protocol.rounds:
            known = np.concatenate(asked)
            left = np.setdiff1d(np.arange(len(self.labels)), known)
            seed = int(generator.integers(1 << 31))
            scores = PerTargetForest().scores(self._task(known, left, self._counts), seed=seed)
            asked.append(left[np.argsort(-scores, kind="stable")[:batch]])
        return asked

    def _task(self, known: Places, left: Places, counts: npt.NDArray[np.uint8]) -> FewShotTask:
        return FewShotTask(
            target=0,
            support=known,
            query=left,
            labels=self.labels[known].astype(np.float32),
            zero_shot_support=self.zero_shot[known],
            zero_shot_query=self.zero_shot[left],
            additive_support=np.zeros(len(known), dtype=np.float32),
            additive_query=np.zeros(len(left), dtype=np.float32),
            counts_support=counts[known],
            counts_query=counts[left],
            training_mean=0.0,
        )
