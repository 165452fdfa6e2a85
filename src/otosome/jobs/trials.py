"""Experiments and trials: how many are needed and what designs can show, side by side; the dose sought; where a dose
goes, and what to measure next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otosome.errors import BadInput, at
from otosome.files import sha256
from otosome.jobs.grounds import ShelfNumbers, grounds
from otosome.jobs.options import options_of
from otosome.jobs.study import StudyInputs, fitted
from otosome.jobs.watch import SILENT, Tick, Watch
from otosome.results import ANSWER, Record, check_free, fill_trial, read_answer, usual, writing
from otosome.units import Json

if TYPE_CHECKING:
    import pandas as pd

    from otosome.catalog import Catalog
    from otosome.fitting.use import Known
    from otosome.trials.answer import DesignAnswer
    from otosome.trials.cluster import Crew
    from otosome.trials.reading import Question

TRIAL, OPTIMISE, LEDGER, NEXT = "trial", "optimise", "ledger", "next"
# Verbs whose answers are designs, and those that ask a study.
VERBS, OF_STUDIES = (TRIAL, OPTIMISE, LEDGER, NEXT), (LEDGER, NEXT)
MOST_DESIGNS = 20
NOT_SIMULATED = (
    "Answered by formula alone, and no ear was simulated: the design has no table [simulate]. It names a study, two "
    "of its arms, what is measured and when, the analysis and n; otosome new trial writes one to fill in."
)


@dataclass(frozen=True, kw_only=True)
class TrialInputs:
    """Designs to answer.

    ``designs``  their files;  ``formula``  without simulated patients
    ``workers``  processes that simulate, or the ``scheduler`` of a Dask cluster that shares this folder
    ``resume``   go on with the ears that an earlier attempt left
    ``out``      the result folder; with ``formula`` alone nothing is written unless it is named
    ``force``    move an earlier result aside
    """

    designs: tuple[Path, ...]
    formula: bool = False
    workers: int = 1
    scheduler: str | None = None
    resume: bool = False
    shelves: tuple[Path, ...] = ()
    out: Path | None = None
    force: bool = False


@dataclass(frozen=True, kw_only=True)
class DoseInputs:
    """A dose to seek.

    ``dose``  its file;  ``workers``  processes that simulate
    ``out``   the result folder;  ``force``  move an earlier result aside
    """

    dose: Path
    workers: int = 1
    shelves: tuple[Path, ...] = ()
    out: Path | None = None
    force: bool = False


@dataclass(frozen=True)
class Trial:
    """Designs answered, or a dose sought: the folder, if one was written, and each design's answer as JSON holds it."""

    folder: Path | None
    record: Record
    designs: list[dict[str, Any]]
    notes: list[str]

    @property
    def report(self) -> Path | None:
        """Its report, if one was written."""
        return None if self.folder is None else self.folder / "report.html"

    def as_dict(self) -> dict[str, Any]:
        """The answer for a machine, as ``docs/schemas`` has it."""
        return {
            "out": None if self.folder is None else str(self.folder),
            "inputs": dict(self.record.inputs),
            "result": {"designs": self.designs},
            "notes": self.notes,
        }

    def lines(self) -> list[str]:
        """Each design's numbers, and where the report is."""
        from otosome.report.terminal import design_lines

        where = (
            "--out FOLDER writes the report" if self.report is None else f"report: {self.report.resolve()}"
        )
        return [*(text for design in self.designs for text in design_lines(design)), where]


def trial(inputs: TrialInputs, watch: Watch = SILENT) -> Trial:
    """What designs need and can show; raises BadInput before any work, or Cancelled."""
    from otosome.catalog import Catalog
    from otosome.trials.cluster import Crew
    from otosome.trials.reading import read_design

    if not 1 <= len(inputs.designs) <= MOST_DESIGNS:
        raise BadInput("asks for designs", given=len(inputs.designs), allowed=f"1 to {MOST_DESIGNS}")
    catalog = Catalog(inputs.shelves)
    questions = [read_design(file, catalog, inputs.formula) for file in inputs.designs]
    name = questions[0].name
    folder = inputs.out if inputs.out is not None else usual(name, TRIAL)
    written = not inputs.formula or inputs.out is not None
    if written:
        check_free(folder, inputs.force)
    if inputs.formula:
        questions = [replace(question, simulate=None, followed=None) for question in questions]
    fits = [_fit_of(question, catalog) for question in questions]
    crew = Crew(inputs.workers, inputs.scheduler)
    crew.check()
    answers: list[DesignAnswer] = []
    tables: dict[str, pd.DataFrame] = {}
    bank = folder.with_name(f"{folder.name}.bank")
    for file, question, known in zip(inputs.designs, questions, fits, strict=True):
        with at(str(file)):
            each, people = _answered(question, catalog, bank, crew, inputs, watch, known)
            answers.append(each)
            if people is not None:
                tables[f"{question.name}_subjects"] = people
    record = Record(TRIAL, name, _hashes(questions, fits), options_of(inputs))
    designs = [_plain(asdict(each)) for each in answers]
    notes = [f"{each.name}: {note}" for each in answers for note in each.notes]
    if not written:
        return Trial(None, record, designs, notes)
    stands_on = _stands_on(questions, catalog)
    with writing(folder, inputs.force) as part:
        fill_trial(
            part, answers, tables, inputs.designs, {"designs": designs, "notes": notes}, stands_on, record
        )
    return Trial(folder, record, designs, notes)


def _stands_on(questions: Sequence[Question], catalog: Catalog) -> Json:
    """What answers of designs rest on: the studies they simulate, numbers of the shelf, published experiments."""
    from otosome.trials.simulated import study_of

    return grounds(
        catalog,
        [
            study_of(question.simulate, question.beside, catalog)
            for question in questions
            if question.simulate is not None
        ],
        [ShelfNumbers("designs", each.entry, each.species, each.numbers) for each in questions],
        any(question.believed or _on_animals(question) for question in questions),
    )


def _on_animals(question: Question) -> bool:
    """Whether trials are simulated under what experiments in animals say, as the design believes nothing itself."""
    simulated = question.simulate is not None and question.simulate.analysis != "shares"
    return simulated and getattr(question.design, "belief", None) is None


def _hashes(questions: Sequence[Question], fits: Sequence[Known | None]) -> dict[str, str]:
    """SHA-256 of each file that designs and their fits rest on, by path."""
    hashes = dict[str, str]()
    for question, known in zip(questions, fits, strict=True):
        hashes |= {**question.inputs, **_of_fit(known)}
    return hashes


def optimise(inputs: DoseInputs, watch: Watch = SILENT) -> Trial:
    """The regimen with the most benefit within its limits, and whether a choice is supported; raises BadInput."""
    import pandas as pd

    from otosome.catalog import Catalog
    from otosome.trials.optimum import optimum
    from otosome.trials.regimens import read_dose

    catalog = Catalog(inputs.shelves)
    question = read_dose(inputs.dose, catalog)
    question = replace(question, known=_known(question.dose.fit, inputs.dose.parent))
    folder = inputs.out if inputs.out is not None else usual(question.name, OPTIMISE)
    check_free(folder, inputs.force)
    with at(str(inputs.dose)):
        answer, rows = optimum(question, inputs.workers, watch.ticks("simulating regimens"))
    hashes = {**question.inputs, **_of_fit(question.known)}
    record = Record(OPTIMISE, question.name, hashes, options_of(inputs))
    tables = {f"{question.name}_regimens": pd.DataFrame(rows)}
    adverse_events = [ShelfNumbers("adverse_events", name) for name in question.dose.adverse_events]
    stands_on = grounds(catalog, [question.study], adverse_events, question.believed)
    return _filled(folder, inputs.force, answer, tables, inputs.dose, stands_on, record)


def _answered(
    question: Question,
    catalog: Catalog,
    bank: Path,
    crew: Crew,
    inputs: TrialInputs,
    watch: Watch,
    known: Known | None,
) -> tuple[DesignAnswer, pd.DataFrame | None]:
    """A design answered, and the subjects of the first trial, a row each, where trials are simulated."""
    from otosome.trials.answer import answer, with_people, with_trials

    plain, people = answer(question), None
    if question.simulate is not None:

        def ticks(doing: str, unit: str) -> Tick:
            return watch.ticks(doing, unit=unit)

        folder = bank / question.name
        plain, people = with_trials(plain, question, catalog, folder, crew, inputs.resume, ticks, known)
    elif question.followed is not None:
        plain, people = with_people(plain, question, catalog)
    elif not inputs.formula:
        plain = replace(plain, notes=(NOT_SIMULATED, *plain.notes))
    watch.stage("reading the trials")
    return plain, people


def _fit_of(question: Question, catalog: Catalog) -> Known | None:
    """The fit of a design's simulated trials, if it names one; raises BadInput where it fits nothing of their study."""
    from otosome.trials.simulated import study_of

    if question.simulate is None or question.simulate.fit is None:
        return None
    with at(key="simulate"):
        known = _known(question.simulate.fit, question.beside)
        study_of(question.simulate, question.beside, catalog, known)
    return known


def _known(fit: str | None, beside: Path) -> Known | None:
    """The fit that a file beside it names; raises BadInput where the folder holds none, or one without draws."""
    if fit is None:
        return None
    from otosome.fitting.use import Known
    from otosome.jobs.fitting import draws_of, stored_fit

    with at(key="fit"):
        result = stored_fit(beside / fit)
        return Known(result.fit, draws_of(result), result.folder)


def _of_fit(known: Known | None) -> dict[str, str]:
    return {} if known is None else {str(known.folder / ANSWER): sha256(known.folder / ANSWER)}


def _filled(
    folder: Path,
    force: bool,
    answer: DesignAnswer,
    tables: dict[str, pd.DataFrame],
    file: Path,
    stands_on: Json,
    record: Record,
) -> Trial:
    """A result folder with one answer; ``file``  it was asked by, copied beside."""
    designs, notes = [_plain(asdict(answer))], list(answer.notes)
    with writing(folder, force) as part:
        fill_trial(part, [answer], tables, [file], {"designs": designs, "notes": notes}, stands_on, record)
    return Trial(folder, record, designs, notes)


def ledger(inputs: StudyInputs, watch: Watch = SILENT) -> Trial:
    """Where what a study gives goes, and which measurement would narrow that most; raises BadInput."""
    return _of_study(LEDGER, inputs, watch)


def next_experiment(inputs: StudyInputs, watch: Watch = SILENT) -> Trial:
    """Which experiment would narrow a study's comparison most; raises BadInput."""
    return _of_study(NEXT, inputs, watch)


def _of_study(verb: str, inputs: StudyInputs, watch: Watch) -> Trial:
    import pandas as pd

    from otosome.study.files import file_of
    from otosome.trials.delivery import ledger as delivered
    from otosome.trials.next_experiment import next_experiment as ranked

    for key in ("against", "prior"):
        if getattr(inputs, key) is not None:
            raise BadInput("belongs to otosome run", key=f"--{key}", given=str(getattr(inputs, key)))
    study, file = inputs.load(), file_of(inputs.study)
    draws = None
    if inputs.fit is not None:
        study, draws = fitted(study, inputs.fit)
    folder = inputs.out if inputs.out is not None else usual(study.name, verb)
    check_free(folder, inputs.force)
    seed = inputs.seed if inputs.seed is not None else study.tables.seed or 1
    watch.stage("following the dose" if verb == LEDGER else "simulating worlds")
    with at(str(file)):
        if verb == LEDGER:
            answer, rows = delivered(study, inputs.subjects, seed, 1, draws)
        else:
            answer, rows = ranked(study, inputs.subjects, seed, 1, watch.ticks("simulating worlds"))
    watch.check()
    record = Record(verb, study.name, {**study.inputs, str(file): sha256(file)}, options_of(inputs))
    tables = {f"{study.name}_{verb}": pd.DataFrame(rows)}
    stands_on = grounds(study.catalog, [study], [], False)
    return _filled(folder, inputs.force, answer, tables, file, stands_on, record)


def _plain(part: Any) -> Any:
    """Tuples as lists, as JSON gives them back."""
    if isinstance(part, dict):
        return {key: _plain(value) for key, value in part.items()}
    return [_plain(value) for value in part] if isinstance(part, (list, tuple)) else part


def stored(folder: Path, record: Record) -> Trial:
    """A trial read back; raises BadInput where its answer is gone, or says nothing of designs."""
    file = folder / ANSWER
    answer = read_answer(file, cure=f"ask again: otosome {record.verb}")
    for key in ("designs", "notes"):
        if not isinstance(answer.get(key), list):
            raise BadInput("does not say what was answered", file=str(file), key=key)
    return Trial(folder, record, answer["designs"], answer["notes"])
