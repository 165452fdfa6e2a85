"""From a folder of exports to tables: every file by its reader, thresholds of its waveforms, the animals joined.

One bad file never stops a folder: what is refused is listed with file, place and reason.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from otosome.catalog import Catalog
from otosome.errors import BadInput
from otosome.laboratory import animals as sheet
from otosome.laboratory import cohorts, thresholds
from otosome.laboratory.file import (
    Export,
    Refused,
    flags,
    printable,
)
from otosome.laboratory.groups import group_means
from otosome.laboratory.mapping import Meaning, with_layout
from otosome.laboratory.marks import ENDING, placed
from otosome.laboratory.reading import Contents, Unsure, contents
from otosome.laboratory.recording import SIGNAL, TRIALS, is_recording, open_export, parts_of
from otosome.laboratory.tables import (
    MARKS,
    PARTICLES,
    READINGS,
    WAVEFORMS,
    WELLS,
)
from otosome.laboratory.voltage import factor

if TYPE_CHECKING:
    import pandas as pd

MOST_FILES = 5000
MOST_BYTES = 2_000_000_000
# Thresholds of one ear by two methods lie closer: 91 % of a published program's lie within it of people's (351 mice).
AGREE = 10.0  # dB
# Of any animal's, uV: peaks of published tables stay below a tenth of it.
LARGEST_WAVE = 20.0
# The tables that files hold, and their columns.
TABLES = {
    "readings": READINGS,
    "particles": PARTICLES,
    "waveforms": WAVEFORMS,
    "wells": WELLS,
    "marks": MARKS,
}
SERIES = ("subject", "ear", "frequency", "recorded", "quantity")


@dataclass
class Intake:
    """What a laboratory's files hold, together.

    ``readings`` ``particles`` ``waveforms`` ``wells``  the tables of ``otosome.laboratory.tables``; empty where no
                   file has any
    ``estimated``  thresholds from waveforms, columns ``thresholds.COLUMNS``; manual ones stand beside
    ``groups``     means and differences of groups, columns ``groups.COLUMNS``, where an animals sheet names groups
    ``spread``     how much animals and exposure runs differ, columns ``cohorts.COLUMNS``
    ``plates``     name -> the wells of a plate with the samples and doses of its layout
    ``refused``    what was not read;  ``files``  file -> instrument;  ``inputs``  file -> sha256
    ``unsure``     tables that a mapping could explain
    """

    readings: pd.DataFrame
    particles: pd.DataFrame
    waveforms: pd.DataFrame
    wells: pd.DataFrame
    estimated: pd.DataFrame
    groups: pd.DataFrame | None = None
    spread: pd.DataFrame | None = None
    plates: dict[str, pd.DataFrame] = field(default_factory=dict)
    refused: list[Refused] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    unsure: list[Export] = field(default_factory=list)


def intake(
    paths: Sequence[Path],
    catalog: Catalog,
    animals: sheet.Animals | None = None,
    meaning: Meaning | None = None,
    species: str = "",
    voltage: str = "",
    tick: Callable[[int, int], None] = lambda done, of: None,
    stage: Callable[[str], None] = lambda doing: None,
) -> Intake:
    """Read files and folders of files into tables.

    ``paths``    files, or folders that are walked without following links
    ``animals``  the sheet that says which subject is in which group;  ``meaning``  what columns and wells hold
    ``species``  of every subject that the sheet does not name;  ``voltage``  unit of waveforms whose file states none
    ``tick``     called with the files read and all files;  ``stage``  with what comes after them
    raises       BadInput if a path is not there, there are too many files, or not one of them could be read;
                 ``Unsure`` with the tables that a mapping could explain
    """
    meaning = meaning or Meaning()
    files, refused = files_in(paths)
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in TABLES}
    read_by, inputs, unsure = dict[str, str](), dict[str, str](), list[Export]()
    for number, (name, file) in enumerate(files):
        tick(number, len(files))
        content = _contents(name, file, catalog, meaning, voltage, inputs, refused, unsure)
        if content is not None:
            read_by[name] = content.instrument
            for key, table in content.tables.each().items():
                parts[key].append(table)
    if not read_by:
        _nothing(paths, refused, unsure)
    together = _of_animals(
        {key: _concat(tables, TABLES[key]) for key, tables in parts.items()}, meaning, animals
    )
    by_hand, lost = placed(together["marks"], together["waveforms"])
    refused += lost
    plates = with_layout(together["wells"], meaning.plates) if meaning.plates else {}
    results = Intake(
        readings=_concat([part for part in (together["readings"], _flagged(by_hand)) if len(part)], READINGS),
        particles=together["particles"],
        waveforms=together["waveforms"],
        wells=together["wells"],
        estimated=_concat([], thresholds.COLUMNS),
        plates=plates,
        refused=refused,
        files=read_by,
        inputs=inputs,
        unsure=unsure,
    )
    stage("estimating thresholds and means")
    named = {} if animals is None else animals.species()
    subjects = map(str, results.waveforms["subject"].unique()) if species else ()
    _estimate(results, {**dict.fromkeys(subjects, species), **named})
    _match(results, animals)
    if animals is not None:
        results.groups = group_means(results.readings, animals.order())
    _cohorts(results, animals)
    return results


def _of_animals(
    tables: dict[str, pd.DataFrame], meaning: Meaning, animals: sheet.Animals | None
) -> dict[str, pd.DataFrame]:
    """The tables with every animal under its first id, its group and its times; gross outliers flagged."""
    own = {key: tables[key] for key in ("readings", "waveforms")}
    meaning.check_animals({str(name) for table in own.values() for name in table["subject"]})
    own = {key: meaning.renamed(table) for key, table in own.items()}
    own["readings"] = _flagged(own["readings"])
    if animals is not None:
        own = {key: sheet.join(table, animals) if len(table) else table for key, table in own.items()}
    return tables | own


def _cohorts(results: Intake, animals: sheet.Animals | None) -> None:
    """How much animals and runs differ, and notes on runs and on ids that change; of animals alone, not of people."""
    readings = results.readings[results.readings["quantity"] != "audiogram"]
    subjects = sorted({str(name) for name in readings["subject"]} - {""})
    if not subjects:
        return
    rows = None if animals is None else animals.rows
    runs = cohorts.runs_of(subjects, rows)
    results.spread = cohorts.spread(readings, runs)
    results.notes += cohorts.renamed(readings)
    if len(results.spread):
        results.notes += cohorts.notes(runs, rows, len(subjects))
        results.notes += cohorts.apart(readings, runs)


def _flagged(readings: pd.DataFrame) -> pd.DataFrame:
    """Readings with a flag at every wave I larger than a scalp shows: an artefact, or a wrong unit. None is changed."""
    size = [factor(str(unit)) or np.nan for unit in readings["unit"]]
    gross = (readings["quantity"] == "wave1") & (readings["value"].astype(float) * size > LARGEST_WAVE)
    words = f"gross outlier: a wave I at the scalp stays below {LARGEST_WAVE:g} uV"
    flag = [flags(str(own), words) if bad else own for own, bad in zip(readings["flag"], gross, strict=True)]
    return readings.assign(flag=flag)


def _nothing(paths: Sequence[Path], refused: list[Refused], unsure: list[Export]) -> NoReturn:
    """Raise the error of an import that read no file, with the tables that a mapping could explain."""
    reasons = "; ".join(f"{line.file}: {line.reason}" for line in refused[:3])
    error = Unsure("holds no file that could be read", file=str(paths[0]), given=reasons or "no file")
    error.tables = tuple(unsure)
    raise error


def read(*paths: str | Path, animals: str | Path | None = None, shelves: Sequence[Path] = ()) -> pd.DataFrame:
    """The table of readings of a laboratory's files, thresholds from waveforms among them.

    ``paths``    files or folders;  ``animals``  the sheet that says which subject is in which group
    returns      columns of ``otosome.laboratory.tables.READINGS``; what was refused stands in ``attrs["refused"]``
    raises       BadInput as ``intake`` does
    """
    known = None if animals is None else sheet.Animals.read(Path(animals))
    results = intake([Path(path) for path in paths], Catalog(tuple(shelves)), known)
    results.readings.attrs["refused"] = [vars(line) for line in results.refused]
    return results.readings


def _above(folders: Sequence[Path]) -> Path:
    """The folder that holds all of some; raises BadInput where none does, as on two drives of Windows."""
    try:
        return Path(os.path.commonpath(folders))
    except ValueError as error:
        drives = ", ".join(sorted({folder.anchor for folder in folders}))
        raise BadInput(
            "lie on different drives", file=str(folders[0]), given=drives, cure="import each drive alone"
        ) from error


def files_in(paths: Sequence[Path]) -> tuple[list[tuple[str, Path]], list[Refused]]:
    """Every file but hidden ones, with a name below the folder that holds all paths; links are refused and listed.

    A history of marks among the paths may lie anywhere, as beside the import, and changes no other file's name.
    """
    named, refused = list[tuple[str, Path]](), list[Refused]()
    for path in paths:
        if not (path.is_dir() or path.is_file()):
            raise BadInput("is no file or folder", file=str(path))
    roots = [path.resolve() if path.is_dir() else path.parent.resolve() / path.name for path in paths]
    name_of = _namer(roots)

    def refuse_folder(error: OSError) -> None:
        reason = f"cannot be opened ({error.strerror}): nothing in it was read"
        refused.append(Refused(name_of(Path(error.filename)), "folder", "a folder", reason))

    for path, root in zip(paths, roots, strict=True):
        for file in _below(root, refuse_folder):
            name = name_of(file)
            reason = _not_read(file, root)
            if reason:
                refused.append(Refused(name, "file", *reason))
            else:
                named.append((name, file))
            if len(named) + len(refused) > MOST_FILES:
                entry = f"more than {MOST_FILES} files"
                raise BadInput("holds too much", file=str(path), given=entry, cure="import parts of it")
    _check_size([file for _, file in named])
    return named, refused


def _namer(roots: Sequence[Path]) -> Callable[[Path], str]:
    """Names of files below the folder that holds all roots; a history of marks among these has its own name."""
    histories = {root for root in roots if root.name.endswith(ENDING)}
    others = [root for root in roots if root not in histories] or roots
    above = _above([root if _is_folder_of_files(root) else root.parent for root in others])
    return lambda file: printable(file.name if file in histories else file.relative_to(above).as_posix())


def _not_read(file: Path, root: Path) -> tuple[str, str] | None:
    """What something in a folder is and why it is not read; None for a file."""
    if file.is_symlink() and file != root:
        return "a link", "links in folders are not followed"
    if file.is_file() or is_recording(file):
        return None
    what = "a zarr array without the trials of its recording" if file.is_dir() else "a pipe or device"
    return what, f"only files are read, and folders with {TRIALS} and {SIGNAL}"


def _is_folder_of_files(path: Path) -> bool:
    """Whether a path is a folder, and not one thing itself: a recording, or an array of zarr."""
    return path.is_dir() and not (path.suffix == ".zarr" or is_recording(path))


def _check_size(files: Sequence[Path]) -> None:
    """Raise BadInput for files, and recordings of many files, that are too much together."""
    parts = (part for file in files for part in (parts_of(file) if file.is_dir() else [file]))
    total = sum(part.stat().st_size for part in parts)
    if total > MOST_BYTES:
        entry, allowed = f"{total} bytes", f"at most {MOST_BYTES}"
        raise BadInput("is too much at once", given=entry, allowed=allowed, cure="import parts")


def _below(path: Path, refuse: Callable[[OSError], None]) -> Iterator[Path]:
    """A file, or what a folder and its folders hold, in order, without folders and hidden files.

    A recording that is a folder, and an array of zarr, are one thing each.

    ``refuse``  called with the error of each folder that cannot be opened
    """
    if not path.is_dir():
        yield path
        return
    for folder, inner, names in os.walk(path, onerror=refuse, followlinks=False):
        if not _is_folder_of_files(Path(folder)):
            inner.clear()
            yield Path(folder)
            continue
        inner.sort()
        for file in sorted(Path(folder) / name for name in [*names, *inner]):
            if file.is_symlink() or not (file.is_dir() or file.name.startswith(".")):
                yield file


def _contents(
    name: str,
    file: Path,
    catalog: Catalog,
    meaning: Meaning,
    voltage: str,
    inputs: dict[str, str],
    refused: list[Refused],
    unsure: list[Export],
) -> Contents | None:
    """What a file holds, or None and a line in the list of what was refused."""
    try:
        export = open_export(file, voltage)
        if export.sha256 in inputs.values():
            twin = next(other for other, known in inputs.items() if known == export.sha256)
            refused.append(Refused(name, "file", "a copy", f"same content as {twin}"))
            return None
        content = contents(export, catalog, meaning)
    except BadInput as error:
        unsure += error.tables if isinstance(error, Unsure) else ()
        # Of a file that nobody knows only its kind is told, and not all that could have been.
        allowed = f"allowed: {error.allowed}" if error.allowed and " read" not in error.message else ""
        reason = "; ".join(part for part in (error.message, allowed, error.cure or "") if part)
        place, entry = printable(str(error.key or "file")), printable(str(error.given or ""))
        refused.append(Refused(name, place, entry, printable(reason)))
        return None
    inputs[name] = export.sha256
    unsure += content.unsure
    # A reader knows a file's own name; here files of one name in several folders stay apart.
    for table in content.tables.each().values():
        table["file"] = name
    refused.extend(Refused(name, line.place, line.given, line.reason) for line in content.tables.refused)
    return content


def _concat(tables: list[pd.DataFrame], columns: Sequence[str] = ()) -> pd.DataFrame:
    import pandas as pd

    return pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=pd.Index(columns))


def _estimate(results: Intake, species: Mapping[str, str]) -> None:
    """Thresholds and wave I of the waveforms: beside those by hand, and among the readings where there are none.

    ``species``  of each subject
    """
    if not len(results.waveforms):
        return
    estimated, waves, failed = thresholds.estimate(results.waveforms, species)
    results.refused.extend(Refused(file, series, "no threshold", reason) for file, series, reason in failed)
    manual = results.readings[results.readings["quantity"] == "abr_threshold"]
    both = estimated.groupby("subject")["ear"].nunique() > 1
    recorded = frozenset(estimated["sha256"])
    beside = [
        _beside(row, _by_hand(row, manual, recorded), bool(both[row["subject"]]))
        for _, row in estimated.iterrows()
    ]
    estimated["manual"] = [value for value, _ in beside]
    estimated["flag"] = [
        flags(str(own), about) for own, (_, about) in zip(estimated["flag"], beside, strict=True)
    ]
    results.estimated = estimated
    ours = [
        part.reindex(columns=list(READINGS)).assign(measure="")
        for table in (estimated.assign(quantity="abr_threshold"), waves)
        if len(table)
        for _, part in table.groupby([*SERIES, "sha256"], dropna=False, sort=False)
        if not len(
            _by_hand(
                part.iloc[0],
                results.readings[results.readings["quantity"] == part["quantity"].iloc[0]],
                recorded,
            )
        )
    ]
    results.readings = _concat([part for part in (results.readings, *ours) if len(part)], READINGS)


def _beside(row: pd.Series, manual: pd.DataFrame, both_ears: bool) -> tuple[float, str]:
    """The threshold set by hand that stands beside ours, and a flag; NaN where none, or none that may be compared.

    A censored one, one in another reference of dB, and one of several are not compared. One without an ear is taken
    for the ear recorded, unless both were.
    """
    if len(manual) != 1:
        return np.nan, "several thresholds by hand: not compared" if len(manual) else ""
    by_hand = manual.iloc[0]
    if by_hand["censored"] != "none":
        return np.nan, ""
    if by_hand["unit"] != row["unit"]:
        return np.nan, f"threshold by hand in {by_hand['unit']}, levels in {row['unit']}: not compared"
    if by_hand["ear"] == row["ear"]:
        return float(by_hand["value"]), ""
    if both_ears:
        return np.nan, "threshold by hand states no ear, and both were recorded: not compared"
    return float(
        by_hand["value"]
    ), "an ear is stated on one side only: threshold by hand taken for the same ear"


def _by_hand(row: pd.Series, manual: pd.DataFrame, recorded: frozenset[str]) -> pd.DataFrame:
    """What was read by hand of the same subject, ear and stimulus (and day, where both are dated).

    ``recorded``  files that hold a series: what was read by hand of one of them is of no other series
    """
    if not len(manual):
        return manual
    of_other = manual["sha256"].isin(recorded - {row["sha256"]})
    same = (
        ~of_other
        & (manual["subject"] == row["subject"])
        & (manual["ear"].isin(["", row["ear"]]) | (row["ear"] == ""))
    )
    same &= np.isclose(manual["frequency"].fillna(-1.0), np.nan_to_num(row["frequency"], nan=-1.0), rtol=1e-3)
    same &= (
        (manual["recorded"].str[:10] == row["recorded"][:10])
        | (manual["recorded"] == "")
        | (not row["recorded"])
    )
    return manual[same]


def _match(results: Intake, animals: sheet.Animals | None) -> None:
    """Notes on subjects of several files, on those that stand on one side only, and on dated files without a day 0."""
    tables = [table for table in (results.readings, results.waveforms) if len(table)]
    pairs = {pair for table in tables for pair in zip(table["subject"], table["ear"], strict=True)}
    nameless = {str(file) for table in tables for file in table["file"][table["subject"] == ""].unique()}
    if nameless:
        results.notes.append(
            f"Ears of no animal, as these files name no subject: {_some(sorted(nameless))}. Give them one in the "
            "animals sheet, column file; they count in no group."
        )
    gross = results.readings["flag"].astype(str).str.contains("gross outlier").sum()
    if gross:
        results.notes.append(
            f"{gross} readings of wave I lie above {LARGEST_WAVE:g} uV and are flagged as gross outliers, and kept."
        )
    results.notes += _read_again(results.readings, results.files)
    if animals is not None:
        results.notes += _beside_sheet(tables, {pair for pair in pairs if pair[0]}, animals)


def _beside_sheet(
    tables: Sequence[pd.DataFrame], measured: set[tuple[str, str]], animals: sheet.Animals
) -> Iterator[str]:
    """Notes on what stands in the sheet or in files alone, and on dated files whose subject has no day 0."""
    missing, idle = sheet.unmatched(measured, animals)
    if missing:
        yield f"Not in {animals.name}: {_some(missing)}."
    if idle:
        yield f"In {animals.name} and in no file: {_some(idle)}."
    named = animals.rows.assign(named=animals.groups())
    groupless = sorted(set(named["subject"][named["named"] == ""]) & {subject for subject, _ in measured})
    if groupless:
        yield f"Without a group in {animals.name}, so in none: {_some(groupless)}."
    dated = [table["subject"][table["time"].isna() & (table["recorded"] != "")] for table in tables]
    undated = {str(name) for names in dated for name in names.unique()} & set(animals.rows["subject"])
    if undated:
        yield f"Without day0 in {animals.name}, so without a time: {_some(sorted(undated))}."


def _read_again(readings: pd.DataFrame, instruments: Mapping[str, str]) -> Iterator[str]:
    """Notes on subjects of whom several files hold the same threshold: an animal by two methods, or two of one name.

    Two groups are two animals. Files of different instruments that agree are two methods; else it is asked, with how
    far they lie apart.

    ``instruments``  of each file
    """
    rows = readings[(readings["quantity"] == "abr_threshold") & (readings["subject"] != "")]
    # Where one file of a subject states no ear, ears tell nothing apart.
    eared = (rows["ear"] != "").groupby(rows["subject"]).transform("all")
    rows = rows.assign(ear=rows["ear"].where(eared, ""))
    same = ["subject", "ear", "frequency", "time", "recorded"]
    again = rows[rows.groupby(same, dropna=False)["file"].transform("nunique") > 1]
    methods, animals = list[str](), list[str]()
    for subject, own in again.groupby("subject", sort=True):
        files = sorted(own["file"].unique())
        spread = own.groupby(same[1:], dropna=False)["value"].agg(np.ptp)
        apart = float(spread.median())
        several = len({instruments[file] for file in files}) > 1 and len(set(own["group"]) - {""}) < 2
        name = f"{subject} ({_some(files)}: {apart:.3g} dB apart)"
        (methods if several and apart <= AGREE else animals).append(name)
    if methods:
        yield f"Read by two methods, both kept: {_some(methods)}. Give the groups one of them."
    if animals:
        yield (
            f"Perhaps two animals of one name, all kept: {_some(animals)}. Different animals need different names; of "
            "one animal read twice leave out one file."
        )


def _some(names: list[str]) -> str:
    return ", ".join(names[:20]) + (f" and {len(names) - 20} more" if len(names) > 20 else "")
