"""A study run, its arms compared as therapies, the numbers it rests on; and what a stored result says."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import partial
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otosome.errors import BadInput
from otosome.jobs.watch import SILENT, Watch
from otosome.model.team import team
from otosome.results import (
    ANSWER,
    Option,
    Record,
    check_free,
    copy_shelves,
    fill,
    lying_in,
    open_result,
    scratch,
    usual,
    writing,
)
from otosome.units import Json

if TYPE_CHECKING:
    import xarray as xr

    from otosome.answers.sources import SourceRow
    from otosome.ears import Ears
    from otosome.fitting.observations import Observations
    from otosome.review.priors.rows import ByPrior
    from otosome.study import Study

RUN, COMPARE = "run", "compare"
# The file of the study as it was run, in results of 0.1.
_EARLIER = "scenario.toml"
# What an answer calls its prior where the numbers are the shelves' own, or a fit's.
_NO_PRIOR = "shelf"


@dataclass(frozen=True, kw_only=True)
class StudyInputs:
    """What a run or a comparison is asked.

    ``study``            a study file, or the name of a shipped study
    ``subjects``         ears, at least 1;  ``seed``  of every draw, the study's own by default
    ``batch``            the record of a lot, or an instrument's export, in the place of the study's batch
    ``despite_quality``  run a lot that its own specification refuses
    ``audiogram``        a person's, in the place of the study's people;  ``person``  ``ear``  whose, and which ear
    ``interpolate``      take a frequency that a mean needs from its neighbours
    ``shelves``          folders of one's own shelves;  ``allow_retracted``  sources that may be used all the same
    ``against``          a table of readings, or an import, to be laid over a run in place of the study's own
    ``fit``              the result of a fit, whose numbers take the place of the shelves'
    ``prior``            what is believed of efficacy, by name: as printed where none is named and no fit is
    ``out``              the result folder;  ``force``  move an earlier result aside
    ``insist``           begin though more than an hour or 8 GB are foreseen
    """

    study: str
    subjects: int = 200
    seed: int | None = None
    batch: Path | None = None
    despite_quality: bool = False
    audiogram: Path | None = None
    person: str | None = None
    ear: str | None = None
    interpolate: bool = False
    shelves: tuple[Path, ...] = ()
    allow_retracted: tuple[str, ...] = ()
    against: Path | None = None
    fit: Path | None = None
    prior: str | None = None
    out: Path | None = None
    force: bool = False
    insist: bool = False

    def load(self) -> Study:
        """The study asked about; raises BadInput."""
        from otosome.study import load

        return load(
            self.study,
            shelves=self.shelves,
            allow_retracted=self.allow_retracted,
            batch=self.batch,
            despite_quality=self.despite_quality,
            audiogram=self.audiogram,
            person=self.person,
            ear=self.ear,
            interpolate=self.interpolate,
        )


@dataclass(frozen=True)
class StudyResult:
    """A stored result of a study: its folder, the job that wrote it, and its numbers.

    ``data``      of ``otosome.simulate``, with the answer as JSON in its attributes
    ``warnings``  what a reader must know of the folder itself, beside the answer's notes
    """

    folder: Path
    record: Record
    data: xr.Dataset
    warnings: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "\n".join(self.lines())

    def _repr_html_(self) -> str:
        return f"<pre>{escape(repr(self))}</pre>"

    def answer(self, name: str) -> Any:
        """A part of the answer, such as ``headline``; None where the result has none."""
        return json.loads(self.data.attrs.get(name, "null"))

    @property
    def verb(self) -> str:
        """Which verb wrote it: of an earlier version, by what it answers."""
        return COMPARE if "therapies" in self.data.attrs else RUN

    @property
    def seed(self) -> int:
        """Seed of every draw."""
        return int(self.data.attrs["seed"])

    @property
    def ears(self) -> int:
        """Ears simulated, those rejected among them."""
        return int(self.data.sizes["subject"]) + len(self.answer("rejected") or [])

    @property
    def report(self) -> Path:
        """Its report."""
        return self.folder / "report.html"

    def as_dict(self) -> Json:
        """The answer for a machine, as ``docs/schemas`` has it."""
        of = "therapies" if self.verb == COMPARE else "headline"
        return {
            "out": str(self.folder),
            "inputs": dict(self.record.inputs),
            "seed": self.seed,
            "result": {
                of: self.answer(of),
                **({} if self.answer("drugs") is None else {"drugs": self.answer("drugs")}),
                "errors": self.answer("errors") or {},
                "rejected": self.answer("rejected") or [],
                **({"against": against} if (against := self.answer("against")) else {}),
                **({"priors": priors} if (priors := self.answer("priors")) else {}),
            },
            "notes": [*self.answer("notes"), *self.warnings],
        }

    def _answer_lines(self) -> list[str]:
        """The comparison, and where the drugs went; of a study of drugs alone no comparison."""
        from otosome.report import summary
        from otosome.report.terminal import drug_lines, headline_lines

        compared, drugs = summary.headline(self.data), summary.drugs(self.data)
        if compared is None and drugs.exposures:
            return drug_lines(drugs)
        doses = self.answer("doses")
        return [*headline_lines(compared, "" if doses is None else doses["text"]), *drug_lines(drugs)]

    def lines(self) -> list[str]:
        """The answer for a person."""
        from otosome.report import summary
        from otosome.report.terminal import (
            accuracy_lines,
            against_lines,
            outside_lines,
            prior_lines,
            therapy_lines,
        )

        beside = summary.therapies(self.data)
        return [
            f"{self.record.name}: {self.data.sizes['subject']} ears, seed {self.seed}",
            *(self._answer_lines() if beside is None else therapy_lines(beside)),
            *prior_lines(self.answer("priors")),
            *against_lines(self.answer("against")),
            *outside_lines(self.answer("outside")),
            *accuracy_lines(summary.accuracy(self.data)),
            f"report: {self.report.resolve()}",
        ]


def run(inputs: StudyInputs, watch: Watch = SILENT) -> StudyResult:
    """Simulate a study and write its result; raises BadInput, or Cancelled."""
    return _written(RUN, inputs, watch)


def compare(inputs: StudyInputs, watch: Watch = SILENT) -> StudyResult:
    """Lay the arms of a study side by side as therapies and write the result; raises BadInput, or Cancelled."""
    return _written(COMPARE, inputs, watch)


def again(stored: StudyResult, shelves: tuple[Path, ...], watch: Watch = SILENT) -> StudyResult:
    """Ask a result's question again with the numbers of now, by the verb that wrote it, beside the old result."""
    from otosome.review.standing import asked_now

    study = replace(asked_now(stored.data, shelves, stored.folder), allowed=())
    beside = stored.folder.with_name(f"{stored.folder.name}.now")
    plain = _record(stored.verb, study, stored.ears, stored.seed, shelves)
    chosen = (stored.answer("priors") or {}).get("chosen", _NO_PRIOR)
    laid: dict[str, Option] = {} if chosen == _NO_PRIOR else {"prior": chosen}
    record = replace(plain, inputs=stored.record.inputs, options={**plain.options, **laid})
    return _fill(study, record, beside, True, watch)


def _written(verb: str, inputs: StudyInputs, watch: Watch) -> StudyResult:
    from otosome.forward.cost import check_cost

    study = inputs.load()
    if not inputs.insist:
        check_cost(study, inputs.subjects)
    folder = inputs.out if inputs.out is not None else usual(study.name, "" if verb == RUN else verb)
    check_free(folder, inputs.force)
    own = study.tables.seed
    seed = inputs.seed if inputs.seed is not None else own if own is not None else 1
    record = _record(verb, study, inputs.subjects, seed, study.shelves.own)
    options = {**record.options, **_laid(verb, inputs, study)}
    return _fill(study, replace(record, options=options), folder, inputs.force, watch)


def _laid(verb: str, inputs: StudyInputs, study: Study) -> dict[str, Option]:
    """The readings that are laid over a run, and the fit or the prior it draws from, as its record keeps them."""
    from otosome.review.priors.rows import default
    from otosome.study.inputs import Inputs

    if inputs.against is not None and verb != RUN:
        raise BadInput("belongs to otosome run", key="--against", given=str(inputs.against))
    if inputs.fit is not None and inputs.prior is not None:
        raise BadInput("comes from a fit or from a prior, not from both", key="--prior", given=inputs.prior)
    own = study.tables.readings
    beside = Inputs(Path(inputs.study).parent).place(own, "") if own is not None and verb == RUN else None
    prior = inputs.prior or (default(study) if inputs.fit is None else None)
    laid = {"against": inputs.against or beside, "fit": inputs.fit, "prior": prior}
    return {name: str(value) for name, value in laid.items() if value is not None}


def _record(verb: str, study: Study, subjects: int, seed: int, shelves: tuple[Path, ...]) -> Record:
    from otosome.files import sha256

    options: dict[str, Option] = {
        "subjects": subjects,
        "seed": seed,
        "shelves": [str(folder) for folder in shelves],
        "allow_retracted": list(study.allowed),
    }
    own = {str(file): sha256(file) for file in study.own_files()}
    return Record(verb, study.name, {**study.inputs, **own}, options)


def _fill(study: Study, record: Record, folder: Path, force: bool, watch: Watch) -> StudyResult:
    """A result folder, filled by the verb of its record."""
    from otosome.files import sha256
    from otosome.fitting.observations import observations
    from otosome.forward import observed as readings_of
    from otosome.forward.cost import forecast
    from otosome.jobs.fitting import stored_fit

    table = record.option("against")
    own = (
        study.tables.readings is not None
    )  # a draft is run whether or not the model has a place for its readings
    observed = observations(study, Path(table), some=not own) if isinstance(table, str) else None
    origin = record.option("fit")
    if isinstance(origin, str):
        stored_fit(Path(origin))
        record = replace(
            record, inputs={**record.inputs, str(Path(origin) / ANSWER): sha256(Path(origin) / ANSWER)}
        )
    with writing(folder, force) as part, scratch(part) as room:
        doing = f"simulating, {forecast(study, int(str(record.option('subjects'))))}"
        watch.stage(doing)
        ears, study = _drawn(study, record)
        with team(2) as helpers:
            (priors,) = helpers.begin(partial(_priors, study), [record])
            result = _work(record.verb)(study, ears, tick=watch.ticks(doing), store=room)
            watch.stage("comparing priors and papers")
            _beside(study, result, priors.result())
        watch.stage("drawing the report")
        if observed is not None:
            record = replace(record, inputs={**record.inputs, **observed.inputs})
            _lay(part, study, result, ears, observed, Path(str(table)))
        copy_shelves(study, part)
        fill(part, result, readings_of(study, result, ears), ears, record)
        watch.check()
    return StudyResult(folder, record, lying_in(result, folder))


def _drawn(study: Study, record: Record) -> tuple[Ears, Study]:
    """The ears a record asks for, and the study as their numbers state it: the shelves', or those of a fit."""
    from otosome.forward import draw

    subjects, seed, origin = (record.option(name) for name in ("subjects", "seed", "fit"))
    prior = record.option("prior")
    if isinstance(prior, str):
        from otosome.evidence import WORLD
        from otosome.review.priors.rows import check_prior, drawn

        return drawn(study, check_prior(prior), int(str(subjects)), int(str(seed)), WORLD)
    if not isinstance(origin, str):
        return draw(study, subjects=int(str(subjects)), seed=int(str(seed))), study
    stated, fit = fitted(study, Path(origin))
    return draw(study, subjects=int(str(subjects)), seed=int(str(seed)), prior=fit), stated


def fitted(study: Study, folder: Path) -> tuple[Study, Ears]:
    """A study with the numbers of a fit's result in the place of the shelf's, and the fit's draws."""
    from otosome.fitting.use import informed
    from otosome.jobs.fitting import draws_of, stored_fit

    result = stored_fit(folder)
    known = informed(study, result.fit, draws_of(result), result.folder)
    return known.study, known.prior


def _priors(study: Study, record: Record) -> ByPrior | None:
    """The compared benefit under every prior by name, and where papers and model are at odds; None where none say."""
    from otosome.review.priors.rows import EARS, applies, by_prior, check_prior

    prior, subjects, seed = (record.option(name) for name in ("prior", "subjects", "seed"))
    if not applies(study):
        return None
    chosen = check_prior(prior) if isinstance(prior, str) else None
    return by_prior(study, chosen, min(EARS, max(2, int(str(subjects)))), int(str(seed)))


def _beside(study: Study, result: xr.Dataset, priors: ByPrior | None) -> None:
    """What the priors say into the answer, under the chosen one the benefit as the study answers it."""
    from otosome.answers import stored
    from otosome.answers.contrast import contrast

    question = study.tables.compare
    if priors is None or question is None:
        return
    if priors.chosen != _NO_PRIOR:
        benefit = contrast(study, result, question.measure, question.of, question.against).benefit
        first, *others = priors.rows
        priors = replace(priors, rows=[replace(first, benefit=benefit), *others])
    stored.write(result, priors=priors)


def _lay(
    folder: Path, study: Study, result: xr.Dataset, ears: Ears, observed: Observations, source: Path
) -> None:
    """Lay readings over a result: into its answer and notes, and as tables beside it."""
    from otosome.answers import stored
    from otosome.fitting import outside as out
    from otosome.fitting.against import against, notes, table
    from otosome.fitting.measured import measured, runs_beside, strain_note
    from otosome.results import csv_text

    laid = against(study, result, ears, observed)
    runs, apart = runs_beside(study, source)
    beyond = out.outside(study, result, ears, observed, runs)
    stored.write(
        result,
        against=laid,
        outside=beyond,
        measured=measured(study, source),
        notes=[*json.loads(result.attrs["notes"]), *strain_note(study, source), *notes(laid), *apart],
    )
    for name, rows in (("against", table(laid)), ("outside", out.table(beyond))):
        (folder / f"{name}.csv").write_text(csv_text(rows), encoding="utf-8", newline="\n")


def _work(verb: str) -> Callable[..., xr.Dataset]:
    from otosome.answers.answer import answer
    from otosome.answers.therapies import therapies

    return therapies if verb == COMPARE else answer


def stored(folder: Path) -> StudyResult:
    """A study's result read back; raises BadInput where the folder holds none."""
    from otosome.results import record_of

    return StudyResult(folder, record_of(folder), open_result(folder))


def shown(folder: Path) -> StudyResult:
    """A study's result whose answer can be read; raises BadInput with the command that makes an older one anew."""
    from otosome.errors import BadInput
    from otosome.results import STUDY

    result = stored(folder)
    try:
        result.lines()
    except BadInput as error:
        file = next(
            (folder / name for name in (STUDY, _EARLIER) if (folder / name).is_file()), folder / STUDY
        )
        raise BadInput(
            f"was written by otosome {result.record.otosome}, which stored its answer otherwise",
            file=str(folder),
            key=error.key,
            cure=f"make it anew: otosome {result.verb} {file} --subjects {result.ears} --seed {result.seed}",
        ) from error
    return result


@dataclass(frozen=True)
class Sources:
    """Every number a study rests on, a row each; how many of each basis, and how many are read only once."""

    rows: list[SourceRow]
    notes: tuple[str, ...]

    @property
    def counts(self) -> dict[str, int]:
        """How many numbers have each basis."""
        bases = sorted({row.basis for row in self.rows})
        return {basis: sum(row.basis == basis for row in self.rows) for basis in bases}

    def as_dict(self) -> Json:
        """The rows for a machine, as ``docs/schemas`` has them."""
        once = sum(row.provisional for row in self.rows)
        return {
            "result": {
                "rows": [asdict(row) for row in self.rows],
                "counts": self.counts,
                "provisional": once,
            },
            "notes": list(self.notes),
        }

    def lines(self) -> list[str]:
        """A line a number, and how many of each basis there are."""
        from otosome.report.terminal import source_lines

        return source_lines(self.rows, self.counts)


def sources(study: str, batch: Path | None = None, shelves: tuple[Path, ...] = ()) -> Sources:
    """The papers a study rests on, and which of its numbers are only assumed; raises BadInput."""
    from otosome.answers.sources import sources as rows_of
    from otosome.study import load

    loaded = load(study, shelves=shelves, batch=batch, despite_quality=True)
    return Sources(rows_of(loaded), tuple(loaded.notes))
