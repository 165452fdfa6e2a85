"""What the world published, reviewed: a question over the shelf of experiments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otosome.errors import BadInput
from otosome.jobs.options import options_of
from otosome.jobs.watch import SILENT, Watch
from otosome.results import ANSWER, Record, check_free, fill_review, read_answer, usual, writing
from otosome.units import Json

if TYPE_CHECKING:
    from otosome.catalog import Catalog
    from otosome.review.coverage import Coverage, Finding

REVIEW = "review"


@dataclass(frozen=True, kw_only=True)
class ReviewInputs:
    """What is asked of published experiments.

    ``question``  hearing, hair_cells, neurons or loss;  ``only``  KEY=WORD,WORD, all of which must hold
    ``by``        moderators to regress effects on
    """

    question: str = "hearing"
    only: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    shelves: tuple[Path, ...] = ()
    out: Path | None = None
    force: bool = False


@dataclass(frozen=True)
class Reviewed:
    """A review: its folder, and the answer as JSON holds it."""

    folder: Path
    record: Record
    answer: Json
    notes: list[str]

    def as_dict(self) -> Json:
        """The answer for a machine, as ``docs/schemas`` has it."""
        return {
            "out": str(self.folder),
            "inputs": dict(self.record.inputs),
            "result": self.answer,
            "notes": self.notes,
        }

    def lines(self) -> list[str]:
        """The forest in a line each, and where the report is."""
        from otosome.report.terminal import review_lines

        return [*review_lines(self.answer), f"report: {(self.folder / 'report.html').resolve()}"]


def review(inputs: ReviewInputs, watch: Watch = SILENT) -> Reviewed:
    """What all published experiments say of a question; raises BadInput."""
    from pydantic_core import to_jsonable_python

    from otosome.catalog import Catalog
    from otosome.review.coverage import findings
    from otosome.review.experiments.experiment import experiments, files
    from otosome.review.question import Question
    from otosome.review.synthesis import rests_on
    from otosome.review.synthesis import review as examine

    question, catalog = Question.of(inputs.question, inputs.only), Catalog(inputs.shelves)
    folder = inputs.out if inputs.out is not None else usual(inputs.question, REVIEW)
    check_free(folder, inputs.force)
    watch.stage("pooling the published experiments")
    answer = examine(question, catalog, by=inputs.by)
    watch.stage("drawing the report")
    record = Record(REVIEW, inputs.question, files(catalog, rests_on(question, catalog)), options_of(inputs))
    values: Json = to_jsonable_python(answer)
    with writing(folder, inputs.force) as part:
        fill_review(part, answer, findings(experiments(catalog), question.read_by), values, record)
    return Reviewed(folder, record, values, list(answer.notes))


@dataclass(frozen=True)
class EvidenceMap:
    """What was measured in published experiments, laid out: the findings, and the map of them."""

    findings: list[Finding]
    map: Coverage

    def csv(self) -> str:
        """The findings as a table."""
        import pandas as pd

        from otosome.results.files import csv_text
        from otosome.review.coverage import finding_rows

        return csv_text(pd.DataFrame(finding_rows(self.findings)))

    def svg(self) -> bytes:
        """The map as a figure for print."""
        from otosome.report.coverage import map_svg

        return map_svg(self.map)


def evidence_map(down: str = "product", across: str = "endpoint", place: str = "") -> EvidenceMap:
    """What published experiments measured, and where none did; raises BadInput.

    ``down``, ``across``  what it is laid out by;  ``place``  animals, people or culture alone
    """
    from otosome.catalog import Catalog
    from otosome.review.coverage import PLACES, coverage, findings
    from otosome.review.experiments.experiment import experiments

    if place not in ("", *PLACES):
        raise BadInput("is no place of the map", key="place", given=place, allowed=list(PLACES))
    rows = [row for row in findings(experiments(Catalog())) if place in ("", row.place)]
    return EvidenceMap(rows, coverage(rows, down, across))


def changed(record: Record, shelves: tuple[Path, ...]) -> list[Json]:
    """What differs on the shelf since a review was written, a row a file: parameter, what, then, now, standing."""
    from otosome.review.experiments.experiment import files
    from otosome.review.question import Question
    from otosome.review.synthesis import rests_on

    catalog, only = catalog_of(record, shelves), record.option("only")
    question = Question.of(record.name, only if isinstance(only, list) else ())
    return differing(record.inputs, files(catalog, rests_on(question, catalog)), catalog)


def catalog_of(record: Record, shelves: tuple[Path, ...]) -> Catalog:
    """The shelves a result was made with, and others beside."""
    from otosome.catalog import Catalog

    own = record.option("shelves")
    return Catalog((*map(Path, own if isinstance(own, list) else ()), *shelves))


def differing(then: Mapping[str, str], now: Mapping[str, str], catalog: Catalog | None = None) -> list[Json]:
    """What differs between two sets of files of experiments and sources, each with its SHA-256, a row a file.

    ``catalog``  that says how sources stand now
    """
    return [
        {
            "parameter": name,
            "what": "new" if name not in then else "gone" if name not in now else "file",
            "then": then.get(name, "")[:12],
            "now": now.get(name, "")[:12],
            "source": name.partition("/")[2].removesuffix(".toml") if name.startswith("sources/") else None,
            "standing": _standing(catalog, name) if catalog is not None and name in now else "",
        }
        for name in sorted({*now, *then})
        if now.get(name) != then.get(name)
    ]


def fallen(rows: Iterable[Json]) -> list[str]:
    """Sources among changed files that are retracted or withdrawn."""
    return [str(row["source"]) for row in rows if row["standing"] in ("retracted", "withdrawn")]


def _standing(catalog: Catalog, name: str) -> str:
    shelf, _, file = name.partition("/")
    return catalog.source(file.removesuffix(".toml")).standing if shelf == "sources" else ""


def stored(folder: Path, record: Record) -> Reviewed:
    """A review read back; raises BadInput where its answer is gone."""
    values: dict[str, Any] = read_answer(folder / ANSWER, cure="ask again: otosome review")
    return Reviewed(folder, record, values, [str(note) for note in values.get("notes", [])])
