"""Pretrained transformers as encoders: protein language models, and language models of SMILES.

The vector of an item is pooled from those of its own tokens; special tokens take no part, except for
``pooling="first"``, and a class's ``pooler_output``, which often was never trained, is not used.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import logging
from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from hyperpcm.encoders.base import Encoder, Json, integer_option
from hyperpcm.encoders.transformer_config import Profile, profile_of
from hyperpcm.encoders.transformer_model import (
    PRECISIONS,
    Precision,
    TransformerModel,
    load_model,
    load_tokenizer,
)
from hyperpcm.encoders.transformer_tokens import ResidueTokens, SmilesTokens, Tokens
from hyperpcm.encoders.windows import POOLINGS, Pooling, merged, pooled, spans
from hyperpcm.errors import ConfigError, InvalidSequenceError, InvalidSmilesError

__all__ = ["TransformerEncoder"]

logger = logging.getLogger(__name__)

_LONGEST = 1 << 20


@dataclasses.dataclass(frozen=True)
class TransformerEncoder(Encoder):
    """A transformer that reads one residue or one piece of a SMILES per token; abstract.

    Attributes:
        content: sha256 over the files that the numbers come from; None is what is on this machine.
        pooling: ``mean`` over the tokens of the item; ``windows``, the means over a fixed number of equal
            stretches one after the other (see `windows.pooled`), which keeps apart what far regions, such as
            domains, say; or ``first``, the special token before the item.
        windows: number of stretches for ``windows``, 2 to 64.
        long: ``window`` reads an item that is longer than `limit` in windows of that length which overlap by
            half, and averages token by token; ``error`` refuses it.
        limit: tokens read at once, the special ones not counted; None is what the model was trained on.
        layer: which of the hidden states: -1 is the output, 0 the embedding.
        precision: numbers that the transformer computes in: ``fp32``, ``bf16`` or, on a GPU, ``fp16``.
    """

    revision: ClassVar[str] = "1"

    content: str | None = None
    pooling: Pooling = "mean"
    windows: int = 4
    long: Literal["window", "error"] = "window"
    limit: int | None = None
    layer: int = -1
    precision: Precision = "fp32"

    @property
    @abstractmethod
    def _profile(self) -> Profile | None:
        """Shape of the transformer; None while it is not on this machine."""

    @abstractmethod
    def _folder(self) -> Path:
        """The folder, every file in it verified."""

    def options(self) -> dict[str, Json]:
        """Content, pooling, windows, long, limit, layer and precision."""
        return {
            "content": self.content,
            "pooling": self.pooling,
            "windows": self.windows,
            "long": self.long,
            "limit": self.limit,
            "layer": self.layer,
            "precision": self.precision,
        }

    def libraries(self) -> tuple[str, ...]:
        """The versions of torch and transformers, and for compounds of RDKit; absent ones are left out."""
        names = ("torch", "transformers", *(("rdkit",) if self.side == "compound" else ()))
        found = []
        for name in names:
            try:
                found.append(f"{name} {importlib.metadata.version(name)}")
            except importlib.metadata.PackageNotFoundError:
                continue
        return tuple(found)

    def _check(self) -> None:
        """Refuse options that do not exist or do not fit the transformer."""
        for option, value, known in (
            ("pooling", self.pooling, POOLINGS),
            ("long", self.long, ("window", "error")),
            ("precision", self.precision, tuple(PRECISIONS)),
        ):
            if value not in known:
                raise ConfigError(
                    f"encoder {self.name!r}: {option} must be one of {', '.join(known)}, not {value!r}"
                )
        integer_option(self.name, "windows", self.windows, 2, 64)
        if self.limit is not None:
            integer_option(self.name, "limit", self.limit, 2, _LONGEST)
        profile = self._profile
        deepest = 999 if profile is None else profile.layers
        integer_option(self.name, "layer", self.layer, -deepest - 1, deepest)
        if profile is not None and profile.family == "t5" and self.pooling == "first":
            raise ConfigError(f"encoder {self.name!r}: T5 has no first token; pooling 'mean' or 'windows'")
        if profile is not None and self.limit is not None and self.limit > profile.limit:
            raise ConfigError(
                f"encoder {self.name!r}: it reads {profile.limit} tokens at once; {self.limit} is more"
            )

    @property
    def _stretches(self) -> int:
        return self.windows if self.pooling == "windows" else 1

    @cached_property
    def _ready(self) -> tuple[Profile, Tokens, TransformerModel]:
        """The shape, the tokens and the model; loaded when first asked for."""
        folder = self._folder()
        profile = self._profile or profile_of(folder, self.side)
        tokenizer = load_tokenizer(folder)
        reader: type[ResidueTokens] | type[SmilesTokens] = (
            ResidueTokens if self.side == "target" else SmilesTokens
        )
        tokens = reader.of(tokenizer, profile.family, str(folder))
        model = load_model(folder, str(self.content), profile.family, self.precision)
        return profile, tokens, TransformerModel(model, tokens.padding)

    def _encode(self, items: Sequence[str]) -> npt.NDArray[np.float32]:
        profile, tokens, model = self._ready
        limit = profile.limit if self.limit is None else self.limit
        read = [tokens.read(item) for item in items]
        places = [self._spans(len(numbers), limit) for numbers, _ in read]
        self._report(places, sum(not known for _, known in read), limit)
        pieces = [
            [*tokens.before, *numbers[start:stop], *tokens.after]
            for (numbers, _), spots in zip(read, places, strict=True)
            for start, stop in spots
        ]
        vectors = iter(model.vectors(pieces, self.layer))
        rows = np.empty((len(items), self.width), dtype=np.float32)
        for row, spots in enumerate(places):
            rows[row] = self._row([next(vectors) for _ in spots], spots, len(tokens.before))
        if self.precision == "fp16" and not np.isfinite(rows).all():
            raise ConfigError(
                f"encoder {self.name!r}: values beyond the range of fp16. Set precision to 'bf16' or 'fp32'."
            )
        return rows

    def _row(
        self, windows: list[npt.NDArray[np.float32]], places: list[tuple[int, int]], before: int
    ) -> npt.NDArray[np.float32]:
        """The vector of one item from those of the tokens of its windows, special ones included."""
        if self.pooling == "first":
            return pooled(np.stack([window[0] for window in windows]))
        inner = [
            window[before : before + stop - start]
            for window, (start, stop) in zip(windows, places, strict=True)
        ]
        return pooled(merged(inner, places), self._stretches)

    def _read(self, item: str) -> None:
        profile, tokens, _ = self._ready
        numbers, _ = tokens.read(item)
        self._spans(len(numbers), profile.limit if self.limit is None else self.limit)

    def _spans(self, length: int, limit: int) -> list[tuple[int, int]]:
        """The windows of an item of so many tokens, unless long items are refused."""
        if length > limit and self.long == "error":
            reason = (
                f"{length:,} tokens; {self.name} reads {limit:,} at once. Set its option 'long' to 'window', "
                "or give less of it."
            )
            if self.side == "target":
                raise InvalidSequenceError("TOO_LONG", reason)
            raise InvalidSmilesError("TOO_LONG", reason)
        return spans(length, limit)

    def _report(self, places: list[list[tuple[int, int]]], unknown: int, limit: int) -> None:
        """Count the items that are longer than the transformer reads, and those of which not all is known."""
        long = sum(len(spots) > 1 for spots in places)
        if long:
            logger.info(
                "%s: %d of %d items are longer than %d tokens and are read in windows that overlap by half",
                *(self.name, long, len(places), limit),
            )
        if unknown:
            logger.info(
                "%s: %d of %d items hold letters or signs that the model does not know and reads as unknown",
                *(self.name, unknown, len(places)),
            )
