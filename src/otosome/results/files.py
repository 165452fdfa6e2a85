"""The files of each kind of result: tables as Parquet and CSV, pages, and the record as the last of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from otosome.files import tamed
from otosome.results.dataset import ANSWER, DRAWS, EARS, ENTRY, GROUNDS, STUDY, write_data
from otosome.results.readings import read_readings, write_readings
from otosome.results.record import Record
from otosome.units import Json, convert

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from otosome.ears import Ears
    from otosome.fitting.diagnostics import Checked
    from otosome.fitting.file import FitFile
    from otosome.fitting.fit import Outcome
    from otosome.fitting.joint import Joint
    from otosome.laboratory.intake import Intake
    from otosome.lots.assessment import Assessment
    from otosome.review.calibration.fit import CaseFit
    from otosome.review.coverage import Finding
    from otosome.review.synthesis import Review
    from otosome.study import Study
    from otosome.trials.answer import DesignAnswer


_READINGS = "readings.parquet"


def fill(
    folder: Path, result: xr.Dataset, readings: Iterable[pd.DataFrame], ears: Ears, record: Record
) -> None:
    """Write every file of a result into a folder: data, answer, ears, readings, sources, study, report, record.

    ``readings``  of ``observed``
    """
    from otosome.model.team import team
    from otosome.report import write_report
    from otosome.report.pictures import begin, begin_dotted, shown

    with team(2) as helpers:
        plain = begin(helpers, result)
        drawn = write_readings(folder / _READINGS, readings, shown(result))
        begun = {**plain, **begin_dotted(helpers, result, drawn)}
        _write_tables(folder, result, ears)
        write_report(result, drawn, folder / "report.html", begun)
    record.write(folder)


def _write_tables(folder: Path, result: xr.Dataset, ears: Ears) -> None:
    import pandas as pd

    write_data(result, folder / _READINGS, folder)
    ears.write(folder / EARS)
    with (folder / "readings.csv").open("w", encoding="utf-8", newline="") as file:
        for number, rows in enumerate(read_readings(folder / _READINGS)):
            file.write(csv_text(rows, header=number == 0))
    _csv(pd.DataFrame(json.loads(result.attrs["sources"])), folder / "sources.csv")
    tables = drug_tables(result)
    for name, table in tables.items():
        _csv(table, folder / f"{name}.csv")
    if tables:
        (folder / "drugs.xlsx").write_bytes(workbook(tables))


def fill_lot(folder: Path, assessment: Assessment, values: Json, record: Record) -> None:
    """Write a lot's certificate, report, tables and record into a folder.

    ``values``  what ``otosome.lots.values.lot_values`` says, with ``history``, ``reference`` and ``stakes``
    """
    import pandas as pd
    import tomli_w

    from otosome.report.certificate import certificate_pdf
    from otosome.report.lot import certificate, history_page, lot_report, size_picture
    from otosome.report.saved import save_page

    _text(certificate(values), folder / "certificate.html")
    (folder / "certificate.pdf").write_bytes(certificate_pdf(values, size_picture(values)))
    save_page(lot_report(assessment, values, values["history"] or {}), folder / "report.html")
    if values["history"] is not None:
        save_page(history_page(values, values["history"]), folder / "history.html")
    _text(tomli_w.dumps(values["batch"]), folder / "batch.toml")
    whole = {**values, "notes": assessment.notes}
    _text(json.dumps(whole, indent=1, ensure_ascii=False), folder / "lot.json")
    _csv(pd.DataFrame(values["tests"]), folder / "tests.csv")
    plates = [run.plate for run in assessment.runs if run.plate is not None]
    wells = [{"run": plate.name, **asdict(well)} for plate in plates for well in plate.wells]
    columns = ["run", "well", "sample", "dose", "unit", "response"]
    _csv(pd.DataFrame(wells, columns=columns), folder / "wells.csv")
    record.write(folder)


def fill_intake(
    folder: Path, intake: Intake, animals: pd.DataFrame | None, answer: Mapping[str, Any], record: Record
) -> None:
    """Write what was imported: tables as Parquet and CSV, refusals, animals, contact sheet, answer, record.

    ``animals``  the checked sheet, written beside the tables that were joined with it
    ``answer``   how many of each there are, and each file with its instrument
    """
    import pandas as pd

    from otosome.laboratory.groups import methods
    from otosome.laboratory.mapping import draft
    from otosome.report.contact import comparison, contact_sheet, drawings
    from otosome.report.groups import save_groups
    from otosome.report.imported import agreement
    from otosome.report.saved import standalone, without_numbers

    tables = {
        "readings": intake.readings,
        "particles": intake.particles,
        "wells": intake.wells,
        "thresholds": intake.estimated,
    }
    for name, table in tables.items():
        if len(table):
            table.to_parquet(folder / f"{name}.parquet", index=False)
            _csv(_shown(name, table), folder / f"{name}.csv")
    if len(intake.waveforms):
        intake.waveforms.to_parquet(folder / "waveforms.parquet", index=False)
    if intake.spread is not None and len(intake.spread):
        _csv(intake.spread, folder / "spread.csv")
    if intake.groups is not None and len(intake.groups):
        _csv(intake.groups, folder / "groups.csv")
        _text(methods(intake.groups, intake.readings) + "\n", folder / "methods.txt")
        save_groups(intake.groups, folder / "groups")
    for name, plate in intake.plates.items():
        (folder / "plates").mkdir(exist_ok=True)
        _csv(plate, folder / "plates" / f"{name}.csv")
    if intake.unsure:
        _text(draft(intake.unsure), folder / "mapping.toml")
    if animals is not None:
        _csv(animals, folder / "animals.csv")
    rows = [vars(refusal) for refusal in intake.refused]
    _csv(pd.DataFrame(rows, columns=["file", "place", "given", "reason"]), folder / "refused.csv")
    _text(without_numbers(contact_sheet(intake)), folder / "contact.html")
    compared = agreement(intake.estimated)
    if compared is not None:
        _text(without_numbers(comparison(compared)), folder / "comparison.html")
    (folder / "figures").mkdir(exist_ok=True)
    for drawing in [*drawings(intake), *([compared.drawing()] if compared else [])]:
        _text(standalone(drawing.svg), folder / "figures" / f"{drawing.stem}.svg")
        _csv(drawing.table, folder / "figures" / f"{drawing.stem}.csv")
    _text(json.dumps(answer, indent=1, ensure_ascii=False), folder / ANSWER)
    record.write(folder)


def drug_tables(result: xr.Dataset) -> dict[str, pd.DataFrame]:
    """Where drugs went: ``concentrations`` over time with 5, 50 and 95 %, ``kinetics``, and what was ``assayed``.

    Of a study without drugs there are none.
    """
    import pandas as pd

    from otosome.report.summary import drugs

    went = drugs(result)
    if not went.exposures:
        return {}
    frames = []
    for row in went.exposures:
        unit = went.unit(row.solute)
        curve = unit.scale * result[f"concentration_{row.solute}"].sel(arm=row.arm, probe=row.probe)
        low, median, high = curve.quantile([0.05, 0.5, 0.95], "subject").values
        columns = {
            "time_h": result["hour"].values,
            "low": low,
            "median": median,
            "high": high,
            "unit": unit.unit,
        }
        frames.append(pd.DataFrame({"arm": row.arm, "solute": row.solute, "probe": row.probe, **columns}))
    numbers = [
        {"arm": row.arm, "solute": row.solute, "probe": row.probe, "quantity": name, "unit": value.unit}
        | {key: getattr(value.exact, key) for key in ("median", "low", "high")}
        for row in went.exposures
        for name in ("peak", "peak_time", "area", "half_life", "whole")
        for value in [getattr(row, name)]
        if value is not None
    ]
    tables = {"concentrations": pd.concat(frames, ignore_index=True), "kinetics": pd.DataFrame(numbers)}
    assayed = [{**asdict(dot), "unit": went.unit(dot.solute).unit} for dot in went.assayed]
    return {**tables, "assayed": pd.DataFrame(assayed)} if assayed else tables


def workbook(tables: Mapping[str, pd.DataFrame]) -> bytes:
    """Tables as sheets of one spreadsheet file (.xlsx), text as text: nothing in it is run; the same every time."""
    import io
    from datetime import datetime

    import xlsxwriter

    file = io.BytesIO()
    plain = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "nan_inf_to_errors": True,
    }
    with xlsxwriter.Workbook(file, plain) as book:
        book.set_properties({"created": datetime(1980, 1, 1)})
        heading = book.add_format({"bold": True})
        for name, table in tables.items():
            sheet = book.add_worksheet(name[:31])
            sheet.write_row(0, 0, [str(column) for column in table.columns], heading)
            for row, values in enumerate(table.itertuples(index=False), start=1):
                sheet.write_row(row, 0, [None if value != value else value for value in values])
            sheet.freeze_panes(1, 0)
            sheet.autofit()
    return file.getvalue()


def fill_fit(folder: Path, outcome: Outcome, file: FitFile, record: Record) -> None:
    """Write a fit into a folder: answer, draws, study, tables, report, record."""
    import pandas as pd
    import tomli_w
    from pydantic_core import to_jsonable_python

    from otosome.fitting.against import table
    from otosome.fitting.entry import strain_of
    from otosome.fitting.joint import FITS, shelf_name
    from otosome.fitting.trade import events
    from otosome.fitting.use import SOURCE
    from otosome.report.fit import fit_report
    from otosome.report.saved import save_page
    from otosome.study import saves

    fit = outcome.fit
    _text(json.dumps(to_jsonable_python(fit), indent=1, ensure_ascii=False), folder / ANSWER)
    _text(saves(_fitted(outcome, file), file.tables.seed), folder / STUDY)
    copy_shelves(file.study, folder)
    if outcome.ears is not None:
        outcome.ears.write(folder / EARS)
        says = file.tables.entry
        about = f"As fitted in {file.name}: {file.study.tables.title}." if says is None else says.about
        source = SOURCE if says is None else says.source
        name = shelf_name(file.name if says is None or not says.name else says.name)
        entry, joint = strain_of(file.study, fit, outcome.ears, source, about, name)
        _entry(tomli_w.dumps(entry), folder / ENTRY / "strains" / f"{name}.toml")
        if joint is not None:
            _entry(joint.text, folder / ENTRY / FITS / f"{name}.csv")
    _csv(pd.DataFrame([asdict(estimate) for estimate in fit.estimates]), folder / "estimates.csv")
    _csv(table(fit.fit), folder / "against.csv")
    if fit.held_out is not None and fit.held_out.foretold is not None:
        _csv(table(fit.held_out.foretold), folder / "held_out.csv")
    tested = outcome.diagnostics
    _csv(pd.DataFrame([vars(row) for row in tested.residuals]), folder / "residuals.csv")
    _csv(_levels(tested.checked), folder / "checks.csv")
    _csv(pd.DataFrame([asdict(row) for row in fit.pairs]), folder / "pairs.csv")
    if any(measure.solute for measure in file.study.tables.measure.values()):
        _csv(events(file.study, tested.residuals), folder / "nonmem.csv")
    save_page(fit_report(outcome, file), folder / "report.html")
    record.write(folder)


def _entry(text: str, file: Path) -> None:
    file.parent.mkdir(parents=True)
    _text(text, file)


def fill_case_fit(folder: Path, fit: CaseFit, joint: Joint, record: Record) -> None:
    """Write a fit to published cases into a folder: answer, rows of its numbers, draws, figures, report, record."""
    import pandas as pd
    import tomli_w
    from pydantic_core import to_jsonable_python

    from otosome.report.calibration import case_fit_report
    from otosome.report.saved import save_page

    _text(json.dumps(to_jsonable_python(fit), indent=1, ensure_ascii=False), folder / ANSWER)
    _text(tomli_w.dumps({"numbers": {row.name: row.row() for row in fit.numbers}}), folder / "numbers.toml")
    _text(joint.text, folder / DRAWS)
    figures = [
        {
            **{key: getattr(row, key) for key in ("row", "about", "printed", "error", "because", "off")},
            **{f"simulated_{key}": end for key, end in asdict(row.simulated.exact).items()},
        }
        for row in fit.figures
    ]
    _csv(pd.DataFrame(figures), folder / "figures.csv")
    save_page(case_fit_report(fit), folder / "report.html")
    record.write(folder)


def _fitted(outcome: Outcome, file: FitFile) -> Study:
    """The study with what was fitted in place of what was thought before; as it was where there is no interval."""
    from otosome.fitting.use import informed

    names = {estimate.name for estimate in outcome.fit.estimates}
    if outcome.ears is None or not names & file.study.parameters.keys():
        return file.study
    before = file.study.tables
    rest = {name: pin for name, pin in before.numbers.items() if name not in names}
    study = replace(file.study, tables=before.model_copy(update={"numbers": rest}))
    return informed(study, outcome.fit, outcome.ears, Path(file.name)).study


def copy_shelves(study: Study, folder: Path) -> None:
    """Entries and sources that lay beside the study as data, into its result, which can then be run again by itself."""
    from otosome.cards import LARGEST_FILE
    from otosome.files import content

    beside = study.shelves.beside
    for file in study.own_files() if beside is not None else ():
        copy = folder / "shelves" / file.relative_to(str(beside))
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(content(file, LARGEST_FILE))


def _levels(checked: Sequence[Checked]) -> pd.DataFrame:
    """Predictive checks with a row each percentile."""
    import pandas as pd

    from otosome.fitting.diagnostics import LEVELS

    ends = ("observed", "low", "median", "high")
    return pd.DataFrame(
        [
            {**vars(row), "percentile": 100 * level, **{end: getattr(row, end)[n] for end in ends}}
            for row in checked
            for n, level in enumerate(LEVELS)
        ]
    )


def fill_trial(
    folder: Path,
    answers: Sequence[DesignAnswer],
    tables: Mapping[str, pd.DataFrame],
    designs: Sequence[Path],
    answer: Mapping[str, Any],
    grounds: Json,
    record: Record,
) -> None:
    """Write designs answered into a folder: report with its figures, the designs' files, answer, grounds, record.

    ``tables``   written as CSV, by name: subjects of a first trial, regimens of a dose
    ``designs``  the files they were read from, copied beside
    """

    from otosome.report.saved import save_page
    from otosome.report.trial import trial_report

    for each, file in zip(answers, designs, strict=True):
        (folder / f"{each.name}.toml").write_bytes(file.read_bytes())
    for name, table in tables.items():
        _csv(table, folder / f"{name}.csv")
    save_page(trial_report(answers), folder / "report.html")
    _text(json.dumps(answer, indent=1, ensure_ascii=False), folder / ANSWER)
    _text(json.dumps(grounds, indent=1, ensure_ascii=False), folder / GROUNDS)
    record.write(folder)


def fill_review(
    folder: Path, review: Review, findings: Sequence[Finding], values: Json, record: Record
) -> None:
    """Write a review into a folder: page, forest and map of what was measured as SVG and PDF, answer, tables as
    metafor and RevMan take them."""
    import pandas as pd

    from otosome.report.coverage import save_map
    from otosome.report.review import review_page, save_forest
    from otosome.report.saved import save_page
    from otosome.review.coverage import coverage, finding_rows
    from otosome.review.tables import further_rows, metafor_rows, revman_rows, rows

    save_page(review_page(review), folder / "report.html")
    save_forest(review, folder / "forest")
    save_map(coverage(findings, "product", "read_on"), folder / "map")
    _csv(pd.DataFrame(finding_rows(findings)), folder / "map.csv")
    tables = {"experiments": rows, "metafor": metafor_rows, "revman": revman_rows}
    if review.further:
        tables["further"] = further_rows
    for name, table in tables.items():
        _csv(pd.DataFrame(table(review)), folder / f"{name}.csv")
    _text(json.dumps(values, indent=1, ensure_ascii=False), folder / ANSWER)
    record.write(folder)


def csv_text(table: pd.DataFrame, header: bool = True) -> str:
    """A table as CSV that a spreadsheet opens and does not run; lines end the same on every system."""
    return str(tame(table).to_csv(index=False, lineterminator="\n", header=header))


def _shown(name: str, table: pd.DataFrame) -> pd.DataFrame:
    return with_units(table) if name == "particles" else table


def with_units(particles: pd.DataFrame) -> pd.DataFrame:
    """Size bins in units that people use, named in the header, so that the table can be read again."""
    diameter, concentration = (
        particles[name].astype(float) * convert(1.0, unit, to)
        for name, unit, to in (
            ("diameter", "mm", "nm"),
            ("concentration", "particles/uL", "particles/mL"),
        )
    )
    own = particles.assign(diameter=diameter.round(6), concentration=concentration)
    return own.rename(columns={"diameter": "diameter (nm)", "concentration": "concentration (particles/mL)"})


def _csv(table: pd.DataFrame, file: Path) -> None:
    _text(csv_text(table), file)


def _text(text: str, file: Path) -> None:
    file.write_text(text, encoding="utf-8", newline="\n")


def tame(table: pd.DataFrame) -> pd.DataFrame:
    """Text cells that a spreadsheet would run as a formula, with an apostrophe before them."""
    return table.apply(lambda column: column.map(_tame) if _wild(column) else column)


def _wild(column: pd.Series) -> bool:
    """Whether a column holds text that would be run; one of a kind of numbers holds no text."""
    texts = {cell for cell in column if isinstance(cell, str)} if column.dtype.kind == "O" else set()
    return any(tamed(text) != text for text in texts)


def _tame(cell: object) -> object:
    return tamed(cell) if isinstance(cell, str) else cell
