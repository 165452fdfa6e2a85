"""The shelves, and what stands on them: published cases, claims, stored results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from otosome.errors import BadInput
from otosome.jobs import fitting, grounds, laboratory, lots, reviewing, study, trials
from otosome.jobs.options import inputs_again
from otosome.jobs.watch import SILENT, Watch
from otosome.results import Altered, Record, record_of, recover, unsealed
from otosome.units import Json

if TYPE_CHECKING:
    from otosome.catalog import Catalog
    from otosome.review.qualification import Row


@dataclass(frozen=True)
class Entries:
    """What is on shelves: what each entry is about, by shelf and name."""

    abouts: dict[str, dict[str, str]]

    def as_dict(self) -> Json:
        """The entries for a machine, as ``docs/schemas`` has them."""
        return {"result": self.abouts, "notes": []}

    def lines(self) -> list[str]:
        """A line an entry, below its shelf."""
        from otosome.report.terminal import entry_lines

        lines = entry_lines(self.abouts)
        if len(self.abouts) > 1:
            return lines
        (shelf,) = self.abouts
        return lines if "/" in shelf else [*lines, f"what an entry states: otosome list {shelf}/ENTRY"]


def entries(shelf: str | None = None, shelves: tuple[Path, ...] = ()) -> Entries:
    """What is on a shelf, or on all of them; of "strains/cba_jrj" what that entry states. Raises BadInput."""
    from otosome.catalog import SHELVES, Catalog
    from otosome.fitting.file import fit_titles

    catalog = Catalog(shelves)
    files = {"studies": _studies, "fits": fit_titles}
    shelf, _, name = (shelf or "").partition("/")
    if name:
        return Entries({f"{shelf}/{name}": _entry(catalog, shelf, name)})
    chosen = list(SHELVES) if not shelf else [] if shelf in files else [shelf]
    listed = {
        name: {entry: catalog.get(name, entry).card.about for entry in catalog.names(name)} for name in chosen
    }
    listed |= {title: of() for title, of in files.items() if shelf in ("", title)}
    return Entries(listed)


def _entry(catalog: Catalog, shelf: str, name: str) -> dict[str, str]:
    """What an entry is, and each of its numbers with range, basis and source; of a strain those it states."""
    from otosome.answers.numbers import number, unit_text

    if shelf in ("studies", "fits"):
        return _runnable(shelf, name)
    if name not in catalog.names(shelf):
        return _no_entry(shelf, name, catalog.names(shelf))
    card = catalog.get(shelf, name).card
    lines = {"about": card.about}
    for key, by_species in card.parameters.items():
        for species, stated in by_species.items():
            span = "" if stated.shape == "fixed" else f" ({number(stated.low)} to {number(stated.high)})"
            value = f"{number(stated.value)}{span} {unit_text(stated.unit)}".strip()
            lines[f"{key} ({species})" if species else key] = _grounded(value, stated.basis, stated.source)
    rows = card.stated.get("row") if shelf == "cases" else None
    lines |= {row_id: _printed(row) for row_id, row in rows.items()} if isinstance(rows, Mapping) else {}
    # A strain states numbers of other entries, by their full name.
    numbers = card.stated.get("numbers")
    for key, row in numbers.items() if isinstance(numbers, Mapping) else ():
        span = f" ({row['low']} to {row['high']})" if "low" in row else ""
        lines[str(key)] = _grounded(f"{row.get('value', '')}{span}", row.get("basis"), row.get("source"))
    return lines


def _runnable(shelf: str, name: str) -> dict[str, str]:
    """What a shipped study or fit is, and how it is run; raises BadInput for one that is not there."""
    from otosome.fitting.file import fit_titles

    titles, verb = (fit_titles(), "fit") if shelf == "fits" else (_studies(), "run")
    if name not in titles:
        return _no_entry(shelf, name, list(titles))
    return {"about": titles[name], "again": f"otosome {verb} {name}"}


def _printed(row: Mapping[str, object]) -> str:
    """A row of a case as its file states it: what it is, and the figure with its error and its n."""
    keys = ("found", "se", "sd", "low", "high", "above", "below", "n", "used", "no_test")
    stated = [f"{key} {row[key]}".removeprefix("found ") for key in keys if row.get(key)]
    return ": ".join(filter(None, (str(row.get("about", "")), ", ".join(stated))))


def _grounded(value: str, basis: str | None, source: str | None) -> str:
    return ", ".join(filter(None, (value, basis, source)))


def _no_entry(shelf: str, name: str, allowed: list[str]) -> dict[str, str]:
    raise BadInput(
        f"is not on the shelf {shelf}", key=shelf, given=name, allowed=allowed, cure=f"otosome list {shelf}"
    )


def _studies() -> dict[str, str]:
    from otosome.study import titles

    return titles()


@dataclass(frozen=True)
class Qualified:
    """Every published case asked for, simulated beside what was measured."""

    rows: list[Row]
    worlds: int
    seed: int

    def as_dict(self) -> Json:
        """The rows for a machine, as ``docs/schemas`` has them."""
        from otosome.review.qualification import counts, coverage

        rows = [row.as_dict() for row in self.rows]
        result = {
            "rows": rows,
            "counts": counts(self.rows),
            "coverage": coverage(self.rows),
            "worlds": self.worlds,
        }
        return {"seed": self.seed, "result": result, "notes": []}

    def lines(self) -> list[str]:
        """A line a case with its verdict, and the counts."""
        from otosome.review.qualification.text import row_lines

        return row_lines(self.rows)


def qualify(
    rows: Sequence[str] | None = None,
    worlds: int = 40,
    seed: int = 1,
    shelves: tuple[Path, ...] = (),
    allow_retracted: tuple[str, ...] = (),
    watch: Watch = SILENT,
) -> Qualified:
    """Every published case, or those named, simulated beside what was measured; raises BadInput, or Cancelled."""
    from otosome.catalog import Catalog
    from otosome.review.qualification import qualify as examine

    tick = watch.ticks("qualifying")
    return Qualified(
        examine(rows or None, worlds, seed, Catalog(shelves), tick, allow_retracted), worlds, seed
    )


@dataclass(frozen=True)
class Claims:
    """Claims, a row each: what it stands on, its figure now, the verdict."""

    rows: list[Json]
    seed: int

    def as_dict(self) -> Json:
        """The rows for a machine, as ``docs/schemas`` has them."""
        return {"seed": self.seed, "result": {"rows": self.rows}, "notes": []}

    def lines(self) -> list[str]:
        """Each claim in a few lines."""
        from otosome.report.terminal import claim_lines

        return claim_lines(self.rows)


def claims(
    names: Sequence[str] | None = None,
    ears: int = 40,
    seed: int = 1,
    shelves: Sequence[Path] | None = None,
    watch: Watch = SILENT,
    out: Path | None = None,
) -> Claims:
    """Every claim, or those named, with its figure now and the verdict; raises BadInput, or Cancelled.

    ``out``  a page of cards, claims.html, which is not there yet
    """
    from otosome.review.claims import claims as examine

    if out is not None and out.exists():
        raise BadInput("is there already", key="--out", given=str(out), cure="name another file")
    rows = examine(names or None, ears, seed, tuple(shelves or ()), watch.ticks("looking into claims"))
    if out is not None:
        from otosome.report.claims import cards

        out.write_text(cards(rows, seed, ears), encoding="utf-8", newline="\n")
    return Claims(rows, seed)


@dataclass(frozen=True)
class Standing:
    """Whether a result still stands.

    ``changed``      what differs, a row each: parameter (or file), what, then, now, source, standing
    ``refused``      retracted sources that would stop it from being run now
    ``then`` ``now``  the best-value ear's benefit in ``unit``; None where nothing is compared
    ``rerun``        the folder of the same question asked again, where it was
    ``altered``      files of the result that are not as they were written
    """

    folder: Path
    verb: str
    changed: list[Json]
    refused: list[str]
    then: float | None = None
    now: float | None = None
    unit: str = ""
    rerun: Path | None = None
    altered: Sequence[Altered] = ()

    @property
    def stands(self) -> bool:
        """Whether nothing it rests on has changed, and nothing in it."""
        return not self.changed and not self.altered

    def as_dict(self) -> Json:
        """The row for a machine, as ``docs/schemas`` has it."""
        again = {} if self.rerun is None else {"rerun": str(self.rerun)}
        return {
            "result": str(self.folder),
            "verb": self.verb,
            "stands": self.stands,
            "changed": self.changed,
            "altered": [asdict(row) for row in self.altered],
            "refused": self.refused,
            "then": self.then,
            "now": self.now,
            "unit": self.unit,
            **again,
        }


@dataclass(frozen=True)
class Checked:
    """Results with whether each still stands."""

    rows: list[Standing]

    def as_dict(self) -> Json:
        """The rows for a machine, as ``docs/schemas`` has them."""
        return {"result": {"rows": [row.as_dict() for row in self.rows]}, "notes": []}

    def lines(self) -> list[str]:
        """Each result, and what changed."""
        from otosome.report.terminal import standing_lines

        return [line for row in self.rows for line in standing_lines(row.as_dict())]


def check(
    folders: Sequence[Path], shelves: tuple[Path, ...] = (), rerun: bool = False, watch: Watch = SILENT
) -> Checked:
    """Whether results still stand: a study's on the evidence, an import's or a lot's on its files.

    ``rerun``  ask again by the verb that wrote it, beside the old result
    raises     BadInput for what is no result, or cannot be asked again; Cancelled
    """
    return Checked([_standing(folder, shelves, rerun, watch) for folder in folders])


def _standing(folder: Path, shelves: tuple[Path, ...], rerun: bool, watch: Watch) -> Standing:
    recover(folder)
    record = record_of(folder)
    if rows := unsealed(folder, record):
        # Neither its numbers nor its question can be relied on.
        return Standing(folder, record.verb, [], [], altered=rows)
    if record.verb in (laboratory.IMPORT, lots.QUALITY, fitting.FIT, *trials.VERBS):
        return _files_stand(folder, record, shelves, rerun, watch)
    if record.verb == reviewing.REVIEW:
        return _review_stands(folder, record, shelves, rerun, watch)
    from otosome.review.standing import check as examine

    stored = study.stored(folder)
    standing = examine(stored.data, shelves, folder)
    beside = study.again(stored, shelves, watch).folder if rerun else None
    behind = _behind(stored, shelves)
    return Standing(
        folder,
        stored.verb,
        changed=[*standing["changed"], *behind],
        refused=sorted({*standing["refused"], *reviewing.fallen(behind)}),
        **{key: standing[key] for key in ("then", "now", "unit")},
        rerun=beside,
    )


def _behind(stored: study.StudyResult, shelves: tuple[Path, ...]) -> list[Json]:
    """What differs of the experiments that a result's priors were weighed by, and of their sources, a row a file."""
    from otosome.review.experiments.experiment import files
    from otosome.review.priors.stored import behind

    priors = stored.answer("priors")
    if priors is None or "rests_on" not in priors:
        return []
    catalog = reviewing.catalog_of(stored.record, shelves)
    return reviewing.differing(priors["rests_on"], files(catalog, behind(catalog)), catalog)


def _review_stands(
    folder: Path, record: Record, shelves: tuple[Path, ...], rerun: bool, watch: Watch
) -> Standing:
    """Whether the experiments a review rests on, and their sources, are as they were."""
    rows = reviewing.changed(record, shelves)
    beside = _again(folder, record, watch) if rerun else None
    return Standing(folder, record.verb, rows, reviewing.fallen(rows), rerun=beside)


def _files_stand(
    folder: Path, record: Record, shelves: tuple[Path, ...], rerun: bool, watch: Watch
) -> Standing:
    """Whether the files of an import or a lot are those that were read, and what a design rests on besides."""
    if record.verb == laboratory.IMPORT:
        # An import of version 0.1 knows its files by name alone, so nobody can look for them.
        inputs_again(laboratory.ImportInputs, record, folder)
    now = _hashes(record)
    changed = [
        _file_row(name, digest, now.get(name))
        for name, digest in record.inputs.items()
        if now.get(name) != digest
    ]
    if record.verb in trials.VERBS:
        changed += grounds.changed(folder, reviewing.catalog_of(record, shelves))
    beside = _again(folder, record, watch) if rerun else None
    return Standing(folder, record.verb, changed, sorted(set(reviewing.fallen(changed))), rerun=beside)


def _file_row(name: str, then: str, now: str | None) -> Json:
    return {
        "parameter": name,
        "what": "gone" if now is None else "file",
        "then": then[:12],
        "now": (now or "")[:12],
        "source": None,
        "standing": "",
    }


def _hashes(record: Record) -> dict[str, str]:
    """SHA-256 of a result's files as they are now, by the name it knows them; those that are gone are left out."""
    from otosome.laboratory.file import Export
    from otosome.laboratory.intake import files_in

    paths = _paths(record, "paths")
    if record.verb == laboratory.IMPORT and paths:
        there = [path for path in paths if path.exists()]
        files = dict(files_in(there)[0]) if len(there) == len(paths) else {}
    else:
        files = {name: Path(name) for name in record.inputs}
    hashes = {}
    for name in record.inputs:
        file = files.get(name)
        if file is not None and file.is_file():
            hashes[name] = Export.open(file).sha256
    return hashes


def _paths(record: Record, name: str) -> tuple[Path, ...]:
    paths = record.option(name)
    return tuple(map(Path, paths)) if isinstance(paths, list) else ()


def _again(folder: Path, record: Record, watch: Watch) -> Path:
    """Read an import's files, or decide a lot, once more, beside the old result."""
    beside = folder.with_name(f"{folder.name}.now")
    if record.verb == laboratory.IMPORT:
        return laboratory.import_(inputs_again(laboratory.ImportInputs, record, beside), watch).folder
    if record.verb == fitting.FIT:
        return fitting.fit(inputs_again(fitting.FitInputs, record, beside), watch).folder
    if record.verb == reviewing.REVIEW:
        return reviewing.review(inputs_again(reviewing.ReviewInputs, record, beside), watch).folder
    if record.verb == trials.TRIAL:
        trials.trial(inputs_again(trials.TrialInputs, record, beside), watch)
        return beside
    if record.verb == trials.OPTIMISE:
        trials.optimise(inputs_again(trials.DoseInputs, record, beside), watch)
        return beside
    if record.verb in trials.OF_STUDIES:
        again = {trials.LEDGER: trials.ledger, trials.NEXT: trials.next_experiment}[record.verb]
        again(inputs_again(study.StudyInputs, record, beside), watch)
        return beside
    return lots.assess(inputs_again(lots.LotInputs, record, beside), watch).folder
