"""The room of the ear: a treatment moved over days, doses and potencies, on answers that are kept."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from fastapi import APIRouter
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
    from otosome.jobs.previewing import Previews
    from otosome.page.filling import Filling

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
Factor = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Place(_Closed):
    """A study, a prior, and where the sliders stand: hours, and multiples of the study's dose and potency."""

    study: StudyName
    prior: PriorName = ""
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
    route: Annotated[Word, Field(max_length=80)] = ""
    batch: Annotated[Word, Field(max_length=80)] = ""
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
    """Answers that are kept, whether more are computed now, and why they could not be; windows by dose and potency."""

    answers: list[Json]
    computing: bool
    fault: Json | None
    windows: list[str]


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


def previews_of(bench: Bench, study: str, prior: str) -> Previews:
    """The previews of a study by its id or name, read once while its file stays as it is."""
    from otosome.study.files import file_of, studies

    name = study if study in studies() else str(bench.workspace.item(study).path)
    state = file_of(name).stat()
    return _previews(name, prior, str(bench.workspace.own / "previews"), (state.st_mtime_ns, state.st_size))


@functools.lru_cache(maxsize=8)
def _previews(study: str, prior: str, folder: str, state: tuple[int, int]) -> Previews:
    from otosome.jobs.previewing import PreviewInputs, previews

    return previews(PreviewInputs(study=study, folder=Path(folder), prior=prior or None))


def _about(bench: Bench, whole: Previews) -> Json:
    """What the page says of a study before anything is computed."""
    from otosome.answers.preview import question_of
    from otosome.report.summary import when

    study, places, question = whole.study, whole.sliders, question_of(whole.study)
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
        "sliders": {
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
        },
    }


def routes(bench: Bench) -> APIRouter:
    """What the room's script asks."""
    api = APIRouter(prefix="/ear", tags=["ear"])
    filling = _filling()

    def at(place: Place) -> tuple[Previews, Position]:
        from otosome.answers.preview import Position

        whole, position = (
            previews_of(bench, place.study, place.prior),
            Position(place.day, place.dose, place.potency),
        )
        whole.sliders.check(position)
        return whole, position

    @api.get("/kept")
    def answers(study: StudyName, prior: PriorName = "") -> Answers:
        """The answers of a study that are kept: what is not among them is computed when it is question for."""
        whole = previews_of(bench, study, prior)
        return Answers(
            answers=list(whole.answers().values()),
            computing=filling.computing(whole),
            fault=whole.wrong(),
            windows=whole.windows(),
        )

    @api.get("/answer")
    def answer(
        study: StudyName, day: Hours, prior: PriorName = "", dose: Factor = 1.0, potency: Factor = 1.0
    ) -> Json:
        """The answer at a place of the sliders, if it is kept."""
        whole, position = at(Place(study=study, prior=prior, day=day, dose=dose, potency=potency))
        known = whole.answers()
        if position not in known:
            raise NotHere("is not computed yet", key="day", given=day, cure="ask for it: POST /api/ear/fill")
        return known[position]

    @api.post("/fill")
    def fill(place: Place) -> Answers:
        """Have a place and all that one slider reaches from it computed."""
        whole, position = at(place)
        filling.want(whole, position)
        return answers(place.study, place.prior)

    @api.get("/window")
    def window(study: StudyName, prior: PriorName = "", dose: Factor = 1.0, potency: Factor = 1.0) -> Json:
        """The window of a dose and a potency, packed as a report draws it, if it is kept."""
        from dataclasses import replace

        whole = previews_of(bench, study, prior)
        packed = whole.window(replace(whole.sliders.start, dose=dose, potency=potency))
        if packed is None:
            raise NotHere(
                "is not computed yet", key="dose", given=dose, cure="ask for it: POST /api/ear/fill"
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
        moved = position != whole.sliders.start
        name = question.study if question.study in studies() else bench.workspace.item(question.study).name
        if moved:
            place = f"day{position.day / 24:g}_dose{position.dose:g}_potency{position.potency:g}"
            beside = Path(name).parent if question.study not in studies() else Path()
            stem = f"{Path(name).stem}_{place}".replace(".", "p").replace("-", "m")
            file = bench.workspace.folder / beside / f"{stem}.toml"
            if not file.exists():
                whole.write(position, file)
                bench.workspace.forget()
            name = file.relative_to(bench.workspace.folder).as_posix()
        stated = {
            "study": name,
            "subjects": question.subjects,
            "seed": whole.seed,
            "prior": question.prior or None,
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
