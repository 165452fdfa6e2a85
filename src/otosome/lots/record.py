"""The record of a lot: what it is, what it was measured with, and what it is to be released against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from otosome.cards import misshapen, parse_toml
from otosome.errors import BadInput
from otosome.units import Json, Quantity

KIND = "batch/1"
_MOST_FILES = 200
_MISSING = {
    "layout": "otosome new batch writes one beside the record; it has the grids sample and dose (ug/mL), each with a "
    "row of column numbers and rows that begin with their letter"
}
_NAME = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$"


def _duration(duration: Quantity) -> Quantity:
    if duration.to("h") < 0:
        raise ValueError("a duration is not negative")
    return duration


def _concentration(label: Quantity) -> Quantity:
    if label.to("particles/uL") <= 0:
        raise ValueError("a label lies above zero")
    return label


def _day(text: str) -> str:
    try:
        date.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a day such as '2026-03-31'") from error
    return text


Duration = Annotated[Quantity, AfterValidator(_duration)]
Day = Annotated[str, AfterValidator(_day)]
Dilution = Annotated[float, Field(ge=1, le=1e12, allow_inf_nan=False)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class CountFile(_Table):
    """A particle count: an instrument's file, the day it was measured, how long the lot had been stored."""

    file: str = Field(description="The instrument's file, beside the record or in one of `folders`.")
    day: Day | None = Field(
        default=None,
        description="Day of the measurement, such as 2026-03-31. Counts of one day share that day's error; "
        "counts without a day are taken to be of one day.",
    )
    dilution: Dilution | None = Field(
        default=None,
        description="Dilution factor of the sample; only where the file does not record it, such as 1000.0.",
    )
    stored: Duration = Field(
        default=Quantity("0 d"),
        description="How long the lot had been stored before this count, such as 14 d.",
    )


class Detergent(_Table):
    """The same sample with and without detergent on one day: what is left is no vesicle."""

    before: str = Field(description="Count without detergent: the instrument's file.")
    after: str = Field(description="Count of the same sample with detergent: the instrument's file.")
    dilution_before: Dilution | None = Field(
        default=None,
        description="Dilution factor of the count without detergent, where its file does not record it.",
    )
    dilution_after: Dilution | None = Field(
        default=None,
        description="Dilution factor of the count with detergent, where its file does not record it.",
    )


class AssayFile(_Table):
    """A potency assay's run: its plate, the assay's entry on the shelf, the mechanisms its result speaks for."""

    file: str = Field(description="The plate: a long table, grids, or a plate reader's export.")
    layout: str | None = Field(
        default=None,
        description="File with the samples and doses of the wells, for a plate reader's export or a grid of responses.",
    )
    read: str | None = Field(
        default=None,
        description="Which measurement of a plate reader's export, where it has several, such as Absorbance 450 nm.",
    )
    columns: dict[Literal["well", "sample", "dose", "unit", "response", "flag"], str] = Field(
        default={},
        description='The file\'s own names for the columns of a long table, such as { response = "RLU" }.',
    )
    unit: str = Field(default="", description="Unit of the doses, where no file states it, such as ug/mL.")
    assay: str = Field(
        default="four_parameter", description="Entry of the shelf `assays/`, which holds the assay's margins."
    )
    reference: str = Field(description="Name of the reference standard on the plate.")
    sample: str = Field(description="Name of this lot on the plate.")
    mechanisms: list[str] = Field(
        min_length=1,
        max_length=50,
        description="Mechanisms whose potency this assay measures, such as hsp70.",
    )


class LotRecord(_Table):
    """A whole record; file names are relative to it."""

    otosome: Literal["batch/1"] = Field(description="The kind of this file and its version: batch/1.")
    name: str = Field(
        pattern=_NAME, description="Name of the lot: letters, digits, - and _; results are filed under it."
    )
    base: str = Field(
        default="example_lot",
        description="Batch on the shelf that gives every number this record does not measure.",
    )
    about: str = Field(default="", description="The lot in a sentence.")
    product: str | None = Field(
        default=None, max_length=120, description="The product, as the certificate names it."
    )
    sample: str | None = Field(
        default=None, max_length=120, description="The sample that was tested, such as vial 12 of 200."
    )
    made: Day | None = Field(
        default=None, description="Day the lot was made, such as 2026-03-30; `--history` orders lots by it."
    )
    tested: Day | None = Field(default=None, description="Day the tests were done, such as 2026-04-02.")
    specification: str = Field(
        description="What the lot is judged against: an entry of `specifications/`, or a file beside this one."
    )
    label: Annotated[Quantity, AfterValidator(_concentration)] | None = Field(
        default=None, description="Count that the label states, such as 4e11 particles/mL."
    )
    protein: str | None = Field(
        default=None,
        description="Protein of the product, such as 40 ug/mL +/- 10 %; with the count it gives the purity.",
    )
    process: str | None = Field(
        default=None, description="Entry of the shelf `processes/`, which gives the rate of loss in storage."
    )
    stored: Duration = Field(
        default=Quantity("0 d"), description="How long the lot is stored before it is given, such as 14 d."
    )
    folders: list[str] = Field(
        default=[],
        max_length=20,
        description="Other folders in which its files may lie; `otosome new batch --reference` writes them.",
    )
    count: list[CountFile] = Field(
        default=[], max_length=_MOST_FILES, description="Particle counts, one [[count]] for each file."
    )
    detergent: Detergent | None = Field(
        default=None,
        description="Counts with and without detergent; what detergent leaves is no vesicle.",
    )
    assay: list[AssayFile] = Field(
        default=[], max_length=_MOST_FILES, description="Potency assays, one [[assay]] for each run."
    )
    findings: dict[str, str] = Field(
        default={},
        description='Results of other tests by name, such as endotoxin = "< 0.05 EU/mL" or sterility = "negative".',
    )
    methods: dict[str, str] = Field(
        default={},
        description="Method and instrument of each test in `findings`, as the certificate shows them.",
    )
    reporting: dict[str, dict[str, str]] = Field(
        default={},
        description='Items of a reporting checklist, such as M1 = "3e8 cells"; "not applicable: REASON" where one is.',
    )
    numbers: dict[str, Json] = Field(
        default={},
        description="Numbers of the batch in place of those of `base`, each with value, range, basis and source.",
    )


def is_lot_record(values: Mapping[str, object]) -> bool:
    """Whether a batch TOML is the record of a lot rather than an entry of the shelf."""
    return str(values.get("otosome", "")).startswith("batch/")


def parse_record(raw: bytes, file: str) -> LotRecord:
    """A record from its bytes; raises BadInput naming file, key, value given and values allowed."""
    values = parse_toml(raw, file)
    if not is_lot_record(values):
        raise BadInput(
            "is not the record of a lot",
            file=file,
            key="otosome",
            given=values.get("otosome"),
            allowed=[KIND],
            cure="otosome new batch FILES... writes one",
        )
    try:
        return LotRecord.model_validate(values)
    except ValidationError as error:
        raise _invalid(error, file) from error


def _invalid(error: ValidationError, file: str) -> BadInput:
    first = error.errors()[0]
    place = first["loc"]
    message = first["msg"].removeprefix("Value error, ")
    value: object = first.get("input")
    allowed: list[str] | None = None
    if first["type"] == "extra_forbidden":
        message, value, allowed = "is not a key here", str(place[-1]), _keys(str(place[0]), len(place))
    elif first["type"] == "missing":
        message, value = "is missing", None
    key = ".".join(map(str, place))
    shape, cure = misshapen(first["type"], key, value), None
    if shape is not None:
        message, cure = shape
    return BadInput(message, file=file, key=key, given=value, allowed=allowed, cure=cure)


def _keys(table: str, depth: int) -> list[str]:
    tables: dict[str, type[BaseModel]] = {"count": CountFile, "detergent": Detergent, "assay": AssayFile}
    return list((tables.get(table, LotRecord) if depth > 1 else LotRecord).model_fields)


def beside(folder: Path, name: str, key: str, file: str, others: Sequence[str] = ()) -> Path:
    """A file the record names, in the record's folder or one that it allows.

    ``others``  the record's ``folders``, absolute or relative to its own
    raises      BadInput if the file lies elsewhere or is not there
    """
    place = (folder / name).resolve()
    if not any(place.is_relative_to((folder / root).resolve()) for root in (".", *others)):
        raise BadInput(
            "lies outside the record's folder",
            file=file,
            key=key,
            given=name,
            cure="copy it beside the record, or allow its folder there: folders = ['../raw']",
        )
    if not place.is_file():
        raise BadInput(
            "is not a file beside the record",
            file=file,
            key=key,
            given=name,
            cure=_MISSING.get(key.split(".")[-1]),
        )
    return place
