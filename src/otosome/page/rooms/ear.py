"""The room of the ear: a treatment moved over days, doses and potencies, on answers that are kept."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter
from fastapi import Query as InQuery
from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypedDict

from otosome.errors import BadInput
from otosome.page.commands import Id, Word, line
from otosome.page.room import Bench, Query, Room
from otosome.page.workspace import NotHere, identity
from otosome.results import usual
from otosome.units import Json

if TYPE_CHECKING:
    from otosome.answers.preview import Position
    from otosome.jobs.previewing import Previews, Variant
    from otosome.page.filling import Filling
    from otosome.study import Study

RUN = "run"
_FIRST = "noise_mouse"  # shown where the folder has no study of its own
PRIORS = {
    "": "as a run takes it",
    "as_printed": "papers as printed",
    "mechanism": "mechanism alone",
    "sceptic": "sceptic",
    "none": "no effect",
}
PriorName = Literal["", "as_printed", "mechanism", "sceptic", "none"]
StudyName = Annotated[
    str, Field(pattern=r"^[\w-]{1,80}$", description="id of a study's file, or a shipped study")
]
Hours = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False)]
ShelfName = Annotated[str, Field(max_length=80, pattern=r"^[\w-]*$")]
Factor = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Treatment(_Closed):
    """A study, a prior, and what is given in the place of the study's: a route, vesicles of the shelf, or a lot."""

    study: StudyName
    prior: PriorName = ""
    route: ShelfName = ""
    batch: ShelfName = ""
    lot: Id | None = None


class Window(Treatment):
    """A treatment at multiples of the study's dose and potency."""

    dose: Factor = 1.0
    potency: Factor = 1.0


class Place(Treatment):
    """A treatment, and where the sliders stand: hours, and multiples of the study's dose and potency."""

    day: Hours
    dose: Factor = 1.0
    potency: Factor = 1.0


class Running(Place):
    """The same as a run of so many ears."""

    subjects: Annotated[int, Field(ge=1, le=5000)] = 200


class Varied(_Closed):
    """A study with another route, other vesicles (of the shelf, or a lot's record in the folder) or another insult."""

    study: StudyName
    name: Annotated[Word, Field(min_length=1, max_length=60)]
    route: ShelfName = ""
    batch: ShelfName = ""
    lot: Id | None = None
    insult: Annotated[Word, Field(max_length=80)] = ""
    level: Annotated[Word, Field(max_length=40)] = ""


class RunBegun(TypedDict):
    """A job, and the study it runs."""

    job: str
    study: str


class StudyFile(TypedDict):
    """A study that was written."""

    id: str
    name: str


class Answers(TypedDict):
    """Answers that are kept, whether more are computed now, and why they could not be; windows by dose and potency;
    where the sliders may stand."""

    answers: list[Json]
    computing: bool
    fault: Json | None
    windows: list[str]
    sliders: Json


def view(bench: Bench, query: Query) -> Json:
    """The studies there are, and the sliders of the chosen one."""
    studies = _studies(bench)
    own = [str(each["id"]) for rows in studies.values() for each in rows if each["place"]]
    study = query.get("study") or next(iter(own), _FIRST)
    prior = query.get("prior", "")
    shown: Json = {"studies": studies, "study": study, "prior": prior, "priors": PRIORS, "about_study": None}
    try:
        whole = previews_of(bench, study, prior if prior in PRIORS else "")
    except NotHere:
        raise
    except BadInput as refusal:
        return {**shown, "refusal": str(refusal)}
    return {**shown, "refusal": "", "about_study": _about(bench, whole)}


def _studies(bench: Bench) -> dict[str, list[Json]]:
    """Studies of the folder and those that came with otosome, by species."""
    from otosome.cards import read_toml
    from otosome.study.files import STUDIES, studies

    files = [(item.id, item.name, item.path) for item in bench.workspace.items("study")]
    files += [(name, "", STUDIES / f"{name}.toml") for name in studies()]
    rows: dict[str, list[Json]] = {}
    for name, place, file in files:
        table = read_toml(file)
        if "compare" in table:
            species = str(table.get("species", "")).replace("_", " ")
            rows.setdefault(species, []).append(
                {"id": name, "title": str(table.get("title", name)), "place": place}
            )
    return dict(sorted(rows.items()))


def previews_of(
    bench: Bench, study: str, prior: str, route: str = "", batch: str = "", lot: str | None = None
) -> Previews:
    """The previews of a study by its id or name, read once while its file stays as it is.

    ``route``, ``batch``  of the shelf, and the id of a ``lot``, in the place of the study's
    """
    from otosome.jobs.previewing import Variant
    from otosome.study.files import file_of, studies

    name = study if study in studies() else str(bench.workspace.item(study).path)
    record = None if lot is None else bench.workspace.item(lot).path
    states = tuple(
        (state.st_mtime_ns, state.st_size)
        for state in (file.stat() for file in (file_of(name), record) if file is not None)
    )
    variant = Variant(route=route, batch=batch)
    return _previews(name, prior, str(bench.workspace.own / "previews"), variant, record, states)


@functools.lru_cache(maxsize=32)
def _previews(
    study: str,
    prior: str,
    folder: str,
    variant: Variant,
    lot: Path | None,
    states: tuple[tuple[int, int], ...],
) -> Previews:
    from otosome.jobs.previewing import PreviewInputs, previews

    inputs = PreviewInputs(study=study, folder=Path(folder), prior=prior or None, variant=variant, lot=lot)
    return previews(inputs)


def _about(bench: Bench, whole: Previews) -> Json:
    """What the page says of a study before anything is computed."""
    from otosome.answers.preview import question_of

    study, question = whole.study, question_of(whole.study)
    measure = study.tables.measure[question.measure]
    treated = study.arm(question.of)
    use = study.tables.treatment[treated.treatments[0]]
    insults = [study.tables.insult[name] for name in treated.insults]
    insult = next((h for h in insults if not study.is_event(h)), None)
    lots = bench.workspace.items("lot")
    return {
        "title": study.tables.title,
        "question": study.tables.question,
        "species": study.tables.species.replace("_", " "),
        "ears": whole.ears.size,
        "worlds": len(set(whole.ears.world.tolist())),
        "seed": whole.seed,
        "of": question.of,
        "against": question.against,
        "measure": study.catalog.get("endpoints", measure.endpoint).options.label or measure.endpoint,
        "time": f"day {float(max(measure.at)) / 24:g}",
        "route": use.route,
        "batch": use.batch,
        "insult": "" if insult is None else insult.entry,
        "level": "" if insult is None or insult.level is None else str(insult.level),
        "routes": study.catalog.names("routes"),
        "batches": study.catalog.names("batches"),
        "insults": study.catalog.names("insults"),
        "lots": lots,
        "sliders": _sliders(whole),
    }


def _sliders(whole: Previews) -> Json:
    """Where the sliders may stand, and what the page calls it."""
    from otosome.answers.preview import question_of
    from otosome.report.summary import when

    places, question = whole.sliders, question_of(whole.study)
    return {
        "start": vars(places.start),
        "days": places.days,
        "given": [when(day) for day in places.days],
        "doses": places.doses,
        "potencies": places.potencies,
        "amounts": [text.replace("e+", "e") for text in places.amounts],
        "strengths": places.strengths,
        "of": question.of,
        "against": question.against,
        "measure": question.measure,
        "titles": _titles(whole.study),
    }


def _titles(study: Study) -> dict[str, str]:
    """What each measure is called: as its endpoint is, and by its own name where two share one."""
    measures = study.tables.measure
    labels = {
        name: study.catalog.get("endpoints", measure.endpoint).options.label
        or measure.endpoint.replace("_", " ")
        for name, measure in measures.items()
    }
    shared = list(labels.values())
    return {
        name: label if shared.count(label) == 1 else f"{label}, {name.replace('_', ' ')}"
        for name, label in labels.items()
    }


def _whole(bench: Bench, question: Treatment) -> Previews:
    return previews_of(bench, question.study, question.prior, question.route, question.batch, question.lot)


def routes(bench: Bench) -> APIRouter:
    """What the room's script asks."""
    api = APIRouter(prefix="/ear", tags=["ear"])
    filling = _filling()

    def at(place: Place) -> tuple[Previews, Position]:
        from otosome.answers.preview import Position

        whole, position = _whole(bench, place), Position(place.day, place.dose, place.potency)
        whole.sliders.check(position)
        return whole, position

    def kept_of(whole: Previews) -> Answers:
        return Answers(
            answers=list(whole.answers().values()),
            computing=filling.computing(whole),
            fault=whole.wrong(),
            windows=whole.windows(),
            sliders=_sliders(whole),
        )

    @api.get("/kept")
    def answers(question: Annotated[Treatment, InQuery()]) -> Answers:
        """The answers of a treatment that are kept: what is not among them is computed when it is asked for."""
        return kept_of(_whole(bench, question))

    @api.get("/answer")
    def answer(question: Annotated[Place, InQuery()]) -> Json:
        """The answer at a place of the sliders, if it is kept."""
        whole, position = at(question)
        known = whole.answers()
        if position not in known:
            raise NotHere(
                "is not computed yet", key="day", given=question.day, cure="ask for it: POST /api/ear/fill"
            )
        return known[position]

    @api.post("/fill")
    def fill(place: Place) -> Answers:
        """Have a place and all that one slider reaches from it computed."""
        whole, position = at(place)
        filling.want(whole, position)
        return kept_of(whole)

    @api.get("/window")
    def window(question: Annotated[Window, InQuery()]) -> Json:
        """The window of a dose and a potency, packed as a report draws it, if it is kept."""
        from dataclasses import replace

        whole = _whole(bench, question)
        packed = whole.window(replace(whole.sliders.start, dose=question.dose, potency=question.potency))
        if packed is None:
            raise NotHere(
                "is not computed yet", key="dose", given=question.dose, cure="ask for it: POST /api/ear/fill"
            )
        return packed

    _studying(api, bench, at)
    return api


def _studying(api: APIRouter, bench: Bench, at: Callable[[Place], tuple[Previews, Position]]) -> None:
    @api.post("/run")
    def run(question: Running) -> RunBegun:
        """Run the study where the sliders stand, as a job: a study file of its own says where that is."""
        from otosome.study.files import studies

        whole, position = at(question)
        moved = position != whole.sliders.start or question.route or question.batch
        name = question.study if question.study in studies() else bench.workspace.item(question.study).name
        if moved:
            place = "_".join(filter(None, (question.route, question.batch, _place_name(position))))
            beside = Path(name).parent if question.study not in studies() else Path()
            stem = f"{Path(name).stem}_{place}".replace(".", "p").replace("-", "m")
            file = bench.workspace.folder / beside / f"{stem}.toml"
            if file.exists() and file.read_text(encoding="utf-8") != whole.text(position):
                # The study was changed since: what was run then stays.
                file = bench.workspace.free(file)
            if not file.exists():
                whole.write(position, file)
                bench.workspace.forget()
            name = file.relative_to(bench.workspace.folder).as_posix()
        stated = {
            "study": name,
            "subjects": question.subjects,
            "seed": whole.seed,
            "prior": question.prior or None,
            "batch": None if question.lot is None else bench.workspace.item(question.lot).name,
        }
        return RunBegun(job=bench.work.ask(RUN, line(RUN, stated), Path(name).stem).id, study=name)

    @api.post("/vary")
    def vary(question: Varied) -> StudyFile:
        """Write a study with another route, other vesicles or another insult into the folder."""
        from otosome.jobs.previewing import Variant
        from otosome.jobs.previewing import vary as written
        from otosome.study.files import studies

        name = (
            question.study if question.study in studies() else str(bench.workspace.item(question.study).path)
        )
        lot = "" if question.lot is None else bench.workspace.item(question.lot).name
        variant = Variant(
            route=question.route, batch=lot or question.batch, insult=question.insult, level=question.level
        )
        file = bench.workspace.folder / f"{usual(question.name).name.replace(' ', '_')}.toml"
        written(name, variant, file)
        bench.workspace.forget()
        return StudyFile(id=identity(file.name), name=file.name)


def _place_name(position: Position) -> str:
    return f"day{position.day / 24:g}_dose{position.dose:g}_potency{position.potency:g}"


@functools.cache
def _filling() -> Filling:
    from otosome.page.filling import Filling

    return Filling()


ROOM = Room(
    "ear",
    "Ear",
    "Give the vesicles on another day, at another dose, of another potency, and see what hearing is kept.",
    30,
    view,
    routes=routes,
)
