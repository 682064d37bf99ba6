"""The trained model that is served: what it knows, its targets compiled, its evidence, one at a time."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hyperpcm.errors import InputError
from hyperpcm.model.card import card_text
from hyperpcm.model.known_compounds import known_compounds
from hyperpcm.model.listing import known_targets, labels_on
from hyperpcm.protein import Target, only_record, parse_fasta
from hyperpcm.screening import CompoundRecipe
from hyperpcm.target_model import TargetModel
from hyperpcm.target_model.told import score_title
from hyperpcm.training.model_source import ModelSource, model_source
from hyperpcm.trust import Evidence, TargetEvidence
from hyperpcm.web.answers import KnownTarget, KnownTargets, QuantityAnswer

if TYPE_CHECKING:
    from hyperpcm.datasets.interactions import Quantity

__all__ = ["ServedModel", "quantity_answer", "read_target", "target_id"]

_EVIDENCE_KEPT: Final = 4  # targets whose evidence is prepared
_MEASURED_KEPT: Final = 32  # targets whose known labels are looked up


def quantity_answer(quantity: Quantity) -> QuantityAnswer:
    """Return what a score means."""
    title = score_title(quantity)
    return QuantityAnswer(quantity.name, quantity.unit, quantity.kind, title, quantity.active_at)


def target_id(*content: object) -> str:
    """Return the id that stands for some content (JSON values)."""
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]


class ServedModel:
    """A trained model in a server. Compiling and evidence wait for one another: the model is one.

    Args:
        given: file of a model, folder of a run, or a name; overlays as ``run+project.hpm``. None: the default
            model.

    Raises:
        ConfigError: the user's choice of a default model cannot be read.
        InputError: there is none, or it is the model of one target.
        ModelFileError: a file cannot be used.
    """

    def __init__(self, given: Path | None) -> None:
        self.source: ModelSource = model_source(given)
        if self.source.is_target:
            raise InputError(
                f"{self.source}: this is the model of one target. Serve the run or model that it was "
                "compiled from."
            )
        self.model = self.source.load()
        self.model.eval()
        digests = [hashlib.sha256(path.read_bytes()).hexdigest() for path in self.source.files]
        self.id = target_id(*digests)
        self.quantity = quantity_answer(self.model.quantity)
        self.labels_on = lru_cache(_MEASURED_KEPT)(partial(labels_on, self.model))
        self._lock = threading.Lock()
        self._evidence: OrderedDict[tuple[str, str, int], TargetEvidence] = OrderedDict()

    @property
    def name(self) -> str:
        """What it is called: the name that it was asked for by, or the data that it learned from."""
        return self.source.name or self.model.trained_on

    @property
    def recipe(self) -> CompoundRecipe:
        """What its targets read of a compound."""
        model = self.model
        return CompoundRecipe(model.compound_encoder, ((model.radius, model.landmark_width),))

    @property
    def report(self) -> Path | None:
        """The report of the run for people, where there is one."""
        path = self.source.path.with_name("report.html")
        return path if self.source.path.name == "model.safetensors" and path.is_file() else None

    @cached_property
    def card(self) -> str:
        """The model card as Markdown; the one that was packed with it, where it has one and no overlay."""
        from hyperpcm.pretrained.registry import find_model

        named = None if self.source.name is None or self.source.overlays else find_model(self.source.name)
        return card_text(self.model) if named is None else named.card()

    @cached_property
    def known(self) -> tuple[KnownTarget, ...]:
        """The known targets, in the order of the memory."""
        return tuple(
            KnownTarget(one.name, len(one.sequence), one.labels, one.lowest, one.highest)
            for one in known_targets(self.model)
        )

    def search(self, text: str, *, offset: int, limit: int) -> KnownTargets:
        """Return known targets whose name holds a text, whatever the case; by name."""
        wanted = text.strip().casefold()
        fitting = [one for one in self.known if wanted in one.name.casefold()]
        fitting.sort(key=lambda one: (not one.name.casefold().startswith(wanted), one.name.casefold()))
        return KnownTargets(tuple(fitting[offset : offset + limit]), len(fitting), offset)

    def known_target(self, name: str) -> Target:
        """Return the known target of a name.

        Raises:
            InputError: there is none, or several of that name.
        """
        rows = [row for row, one in enumerate(self.model.memory_names) if one == name]
        if len(rows) != 1:
            what = "no known target" if not rows else f"{len(rows)} known targets"
            raise InputError(
                f"target: this model has {what} of the name {name[:100]!r}. Give its amino-acid sequence."
            )
        return Target(self.model.memory_sequences[rows[0]], name, ())

    def name_of(self, sequence: str) -> str | None:
        """Return the name of the known target with a sequence; None: there is none."""
        known = self.model.memory_sequences
        return self.model.memory_names[known.index(sequence)] if sequence in known else None

    def prepare(self) -> None:
        """Read the known compounds that every target scores; else the first one would wait for that."""
        with self._lock:
            known_compounds(self.model, with_ranking=False)

    def compile(self, target: Target) -> TargetModel:
        """Return the target model of a target, as `hyperpcm compile` makes it."""
        with self._lock:
            return self.model.compile_target(target.sequence, name=target.name)

    def evidence(
        self, target: Target, smiles: Sequence[str], *, top: int, level: float
    ) -> tuple[Evidence, ...]:
        """Return the card of each compound, as `hyperpcm explain` makes it.

        Args:
            target: known or not.
            smiles: standardised.
            top: known targets on a card.
            level: of the intervals.
        """
        key = (target.sequence, target.name, top)
        with self._lock:
            if key not in self._evidence:
                self._evidence[key] = TargetEvidence(self.model, target.sequence, target.name, top=top)
                while len(self._evidence) > _EVIDENCE_KEPT:
                    self._evidence.popitem(last=False)
            self._evidence.move_to_end(key)
            return self._evidence[key].of_compounds(smiles, level=level)


def read_target(text: str, name: str | None, *, most: int) -> Target:
    """Return the target of an amino-acid sequence or of FASTA with one record.

    Args:
        text: as pasted.
        name: what to call it; None: as the record does.
        most: residues that are accepted.

    Raises:
        InputError: several records, or too many residues.
        InvalidSequenceError: the sequence cannot be used.
    """
    records = parse_fasta(text)
    found = only_record(records, "the target", how="Paste one of them.")
    if len(found.sequence) > most:
        raise InputError(
            f"the target has {len(found.sequence):,} residues, and this server compiles up to {most:,}. Give "
            "one domain or chain, or start the server with a higher --max-sequence."
        )
    return found if name is None else Target(found.sequence, name, found.changes)
