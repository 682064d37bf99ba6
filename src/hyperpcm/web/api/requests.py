"""What may be sent to the API. Closed: an unknown field is refused, and so are NaN and infinity."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from hyperpcm.web.asked import AskedTarget, GivenCompound, MeasuredTable

__all__ = [
    "AdaptRequest",
    "CompileRequest",
    "CompoundAsked",
    "EvidenceRequest",
    "Id",
    "MeasurementAsked",
    "PanelRequest",
    "ScoreRequest",
    "TargetAsked",
]

Id = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$", description="32 hexadecimal digits.")]


def _whole(text: str) -> str:
    """Refuse halves of signs, which JSON can write and no text holds."""
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValueError("this is no text: it holds half of a sign (a lone surrogate)")
    return text


_Text = Annotated[str, AfterValidator(_whole)]
_Name = Annotated[_Text, Field(max_length=200)]
_Level = Annotated[
    float, Field(ge=0.01, le=0.99, description="Share of the labels that intervals hold, in hundredths.")
]
_Listed = Annotated[list["CompoundAsked | _Text"], Field(min_length=1, max_length=100_000)]


class _Request(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class TargetAsked(_Request):
    """A target: exactly one of sequence, known and id."""

    sequence: Annotated[
        _Text | None,
        Field(max_length=1_000_000, description="Amino-acid sequence, or FASTA with one record."),
    ] = None
    known: Annotated[
        _Text | None, Field(max_length=1000, description="Name of a known target of the model.")
    ] = None
    id: Annotated[Id | None, Field(description="Of a target that was compiled or adapted before.")] = None
    name: Annotated[_Name | None, Field(description="What to call the target.")] = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(one is not None for one in (self.sequence, self.known, self.id)) != 1:
            raise ValueError("give exactly one of sequence, known and id")
        return self

    def asked(self) -> AskedTarget:
        """Return what the service is asked."""
        return AskedTarget(self.sequence, self.known, self.id, self.name)


class CompoundAsked(_Request):
    """A compound as SMILES, with a name if it has one."""

    smiles: Annotated[_Text, Field(max_length=200_000)]
    name: _Name = ""


def given(compounds: list[CompoundAsked | str]) -> list[GivenCompound]:
    """Return compounds as the service takes them."""
    return [
        GivenCompound(one) if isinstance(one, str) else GivenCompound(one.smiles, one.name)
        for one in compounds
    ]


class CompileRequest(_Request):
    """Which target to compile."""

    target: TargetAsked


class ScoreRequest(_Request):
    """Compounds to be ranked for a target; each a SMILES, or an object with a name."""

    target: TargetAsked
    compounds: _Listed
    level: _Level = 0.8
    nearest: Annotated[bool, Field(description="Tell the most similar training compound of each.")] = False

    def given(self) -> list[GivenCompound]:
        """Return the compounds as the service takes them."""
        return given(self.compounds)


class EvidenceRequest(_Request):
    """One compound on a target, to be explained."""

    target: TargetAsked
    compound: CompoundAsked
    known: Annotated[
        int, Field(ge=0, le=20, description="Known targets that are told; 0 is much faster.")
    ] = 5
    level: _Level = 0.8
    mask: Annotated[bool, Field(description="Tell what is lost when an atom is masked.")] = False


class MeasurementAsked(_Request):
    """What was measured of a compound."""

    smiles: Annotated[_Text, Field(min_length=1, max_length=4000, pattern=r"^\S+$")]
    value: float
    relation: Literal["=", "<", ">"] = "="


class AdaptRequest(_Request):
    """Measurements that a target learns from: a table as text, or a list."""

    target: TargetAsked
    table: Annotated[
        _Text | None,
        Field(max_length=2_000_000, description="CSV or TSV with a header, or lines of SMILES and value."),
    ] = None
    measurements: Annotated[list[MeasurementAsked] | None, Field(min_length=1, max_length=10_000)] = None
    quantity: Annotated[_Name | None, Field(description="What the values are, such as Kd.")] = None
    unit: Annotated[_Name | None, Field(description="Of the values, such as nM.")] = None
    source: Annotated[_Name, Field(min_length=1, description="What these measurements are called.")] = (
        "pasted"
    )
    columns: Annotated[
        dict[_Text, _Text] | None,
        Field(max_length=10, description="Columns of the table by role, as --column."),
    ] = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.table is None) == (self.measurements is None):
            raise ValueError("give either a table or measurements")
        return self

    def measured(self) -> MeasuredTable:
        """Return the measurements as the service takes them."""
        text = self.table
        if text is None:
            rows = self.measurements or []
            text = "".join(f"{one.smiles}\t{one.relation}{one.value!r}\n" for one in rows)
        return MeasuredTable(text, self.quantity, self.unit, self.source, self.columns)


class PanelRequest(_Request):
    """Compounds to be scored on all targets of the panel."""

    compounds: _Listed
    wanted: Annotated[_Text | None, Field(max_length=1000, description="Name of the wanted target.")] = None
    active_at: Annotated[float | None, Field(description="A score from here on counts as a hit.")] = None

    def given(self) -> list[GivenCompound]:
        """Return the compounds as the service takes them."""
        return given(self.compounds)
