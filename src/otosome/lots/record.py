"""The record of a lot: what it is, what it was measured with, and what it is to be released against."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from otosome.cards import parse_toml
from otosome.errors import BadInput
from otosome.units import Json, Quantity

KIND = "batch/1"
_MOST_FILES = 200
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
    """An instrument's file: the day it was measured, how long the lot had been stored, and the dilution.

    ``day``       counts of one day share that day's error; those without a day are taken to be of one
    ``dilution``  only where the file does not record it
    """

    file: str
    day: Day | None = None
    dilution: Dilution | None = None
    stored: Duration = Quantity("0 d")


class Detergent(_Table):
    """The same sample with and without detergent on one day: what is left is no vesicle."""

    before: str
    after: str
    dilution_before: Dilution | None = None
    dilution_after: Dilution | None = None


class AssayFile(_Table):
    """A potency assay's run: an entry of the shelf ``assays/``, and the mechanisms its answer speaks for.

    ``layout``   file with the samples and doses of a plate reader's export or of a grid of responses
    ``read``     which measurement of a plate reader's export, where it has several
    ``columns``  the file's own names of the columns of a long table: ``{ response = "RLU" }``
    ``unit``     of the doses, where no file states it
    """

    file: str
    layout: str | None = None
    read: str | None = None
    columns: dict[Literal["well", "sample", "dose", "unit", "response", "flag"], str] = {}
    unit: str = ""
    assay: str = "four_parameter"
    reference: str
    sample: str
    mechanisms: list[str] = Field(min_length=1, max_length=50)


class LotRecord(_Table):
    """A whole record; file names are relative to it.

    ``product``, ``sample``  what is tested, as the certificate names it
    ``made``, ``tested``     days
    ``folders``  other folders that its files may lie in, as ``otosome new batch --reference`` writes them
    ``methods``  by test of ``findings``: method and instrument, as the certificate shows them
    ``protein``  of the product, as "40 ug/mL" or "40 ug/mL +/- 10 %": with the count it gives the purity
    """

    otosome: Literal["batch/1"]
    name: str = Field(pattern=_NAME)
    base: str = "example_lot"
    about: str = ""
    product: str | None = Field(default=None, max_length=120)
    sample: str | None = Field(default=None, max_length=120)
    made: Day | None = None
    tested: Day | None = None
    specification: str
    label: Annotated[Quantity, AfterValidator(_concentration)] | None = None
    protein: str | None = None
    process: str | None = None
    stored: Duration = Quantity("0 d")
    folders: list[str] = Field(default=[], max_length=20)
    count: list[CountFile] = Field(default=[], max_length=_MOST_FILES)
    detergent: Detergent | None = None
    assay: list[AssayFile] = Field(default=[], max_length=_MOST_FILES)
    findings: dict[str, str] = {}
    methods: dict[str, str] = {}
    reporting: dict[str, dict[str, str]] = {}
    numbers: dict[str, Json] = {}


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
    return BadInput(message, file=file, key=".".join(map(str, place)), given=value, allowed=allowed)


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
        raise BadInput("is not a file beside the record", file=file, key=key, given=name)
    return place
