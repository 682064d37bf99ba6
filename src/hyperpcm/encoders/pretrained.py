"""Transformers by name, from the hub, and in a folder of the user's own."""

from __future__ import annotations

import dataclasses
from functools import cached_property
from pathlib import Path
from typing import final

from hyperpcm.encoders.base import Side
from hyperpcm.encoders.transformer import TransformerEncoder
from hyperpcm.encoders.transformer_config import Profile, profile_of
from hyperpcm.encoders.weights.catalog import WEIGHTS
from hyperpcm.encoders.weights.folders import content_of_folder, place_of, remember
from hyperpcm.encoders.weights.hub import HubWeights
from hyperpcm.encoders.weights.model_files import check_content
from hyperpcm.errors import ConfigError

__all__ = ["FolderEncoder", "PretrainedEncoder"]


@final
@dataclasses.dataclass(frozen=True)
class PretrainedEncoder(TransformerEncoder):
    """A published transformer, known by name.

    Without `content` it is the one that `hyperpcm encoders fetch` brought, and the content is taken from the
    receipt; so a spec says which commit made the numbers.

    Attributes:
        model: a row of `hub_models.HUB_MODELS`.

    Raises:
        ConfigError: an option outside its range, or other files here than `content` says.
        DataUnavailableError: `content` is not given, and nothing was fetched.
    """

    _: dataclasses.KW_ONLY
    model: str

    def __post_init__(self) -> None:
        receipt = self._weights.receipt()
        if self.content is None:
            if receipt is None:
                raise self._weights.unavailable("are not on this machine")
            object.__setattr__(self, "content", receipt.content)
        elif receipt is not None and receipt.content != self.content:
            raise ConfigError(
                f"encoder {self.name!r}: the files {str(self.content)[:12]}… are wanted, and here are "
                f"{receipt.content[:12]}… ({self._weights.model.repository} at {receipt.revision}): the "
                "numbers would differ. Fetch the commit that was used: "
                f"hyperpcm encoders fetch {self.name} --revision COMMIT"
            )
        self._check()

    @property
    def _weights(self) -> HubWeights:
        weights = WEIGHTS[self.model]
        if not isinstance(weights, HubWeights):
            raise ConfigError(f"{self.model!r} is not a transformer")
        return weights

    @property
    def name(self) -> str:
        """The name of the row."""
        return self.model

    @property
    def side(self) -> Side:
        """What the transformer reads."""
        return self._weights.model.side

    @property
    def licence(self) -> str:
        """Licence of the weights."""
        return self._weights.licence

    @property
    def width(self) -> int:
        """Numbers per token, times the stretches."""
        return self._weights.model.hidden * self._stretches

    @property
    def _profile(self) -> Profile | None:
        weights = self._weights
        if not weights.is_here():
            return None
        profile = profile_of(weights.folder, self.side)
        return dataclasses.replace(profile, limit=min(profile.limit, weights.model.limit))

    def _folder(self) -> Path:
        return self._weights.verified_folder()


@final
@dataclasses.dataclass(frozen=True)
class FolderEncoder(TransformerEncoder):
    """A transformer in a folder of the user's own, as ``save_pretrained`` writes it.

    The spec holds the content of the folder, not its place: a copy elsewhere is the same encoder. A spec
    without a folder finds it where it was last named on this machine, or where
    ``hyperpcm encoders fetch NAME --from FOLDER`` put it.

    Attributes:
        model: ``protein_model`` or ``smiles_model``.
        folder: the folder; None looks for `content`.

    Raises:
        ConfigError: neither folder nor content, a folder that is not one of a supported transformer, or one
            with another content.
        DataUnavailableError: no folder with `content` is known on this machine.
    """

    folder: str | None = dataclasses.field(default=None, compare=False)
    _: dataclasses.KW_ONLY
    model: str

    def __post_init__(self) -> None:
        if self.folder is None and self.content is None:
            raise ConfigError(
                f"encoder {self.name!r} needs the option 'folder': where config.json, the tokenizer and the "
                "weights of the transformer are"
            )
        place = Path(self.folder).expanduser().absolute() if self.folder is not None else None
        if place is None:
            place = place_of(str(self.content), self.name)
        content = content_of_folder(place)
        check_content(self.name, place, content, self.content)
        object.__setattr__(self, "content", content)
        object.__setattr__(self, "folder", str(place))
        profile_of(place, self.side)
        self._check()
        remember(content, place)

    @property
    def name(self) -> str:
        """``protein_model`` or ``smiles_model``."""
        return self.model

    @property
    def side(self) -> Side:
        """What the transformer reads, by the name."""
        return "target" if self.model == "protein_model" else "compound"

    @property
    def licence(self) -> str:
        """Not known: it is the user's folder."""
        return "NOASSERTION"

    @property
    def width(self) -> int:
        """Numbers per token, times the stretches."""
        return self._profile.hidden * self._stretches

    @cached_property
    def _profile(self) -> Profile:
        return profile_of(Path(str(self.folder)), self.side)

    def _folder(self) -> Path:
        place = Path(str(self.folder))
        if content_of_folder(place) != self.content:
            raise ConfigError(f"encoder {self.name!r}: the files in {place} were changed since it was made")
        return place
