"""Every published case run again, simulated beside measured: ``otosome qualify``.

A replicate is one world, one draw of all that is not known, with as many subjects as were published; the
interval is 5 to 95 % of the published statistic over worlds. A row agrees if that interval and the measured
value with its own error meet, else it disagrees, however wide the interval; one that meets it because it is too
wide to tell is uninformative.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

import numpy as np

from otosome.catalog import Catalog, Entry
from otosome.errors import BadInput, at
from otosome.model.team import team
from otosome.review.qualification.bench import Bench, Terms, summarise
from otosome.review.qualification.case import Case, cases, no_row
from otosome.review.qualification.rerun import rerun, study_of
from otosome.review.qualification.verdict import (
    VERDICTS,
    Row,
    judge,
    no_test,
)
from otosome.roles import CaseOptions
from otosome.units import Array

__all__ = ["VERDICTS", "WORLDS", "Row", "counts", "coverage", "evidence", "known", "qualify"]
WORLDS = 40
SHELF: Final = "cases"
Tick = Callable[[int, int], None]


def qualify(
    rows: Iterable[str] | None = None,
    worlds: int = WORLDS,
    seed: int = 1,
    catalog: Catalog | None = None,
    tick: Tick | None = None,
    allow_retracted: tuple[str, ...] = (),
) -> list[Row]:
    """Every published case, or some of them, simulated beside measured, in the order of their ids.

    ``rows``    ids such as "pk:C03"; one names its parts too ("pk:C03.apex")
    ``worlds``  draws of everything that is not known, at least 2
    ``allow_retracted``  keys of retracted sources that may be used all the same
    raises      BadInput for an unknown id, a case that cannot be read, or a number whose source was
                retracted
    """
    if worlds < 2:
        raise BadInput("must be at least 2", key="worlds", given=worlds)
    catalog = Catalog() if catalog is None else catalog
    terms, wanted = Terms(catalog, worlds, seed, allow_retracted), _wanted(catalog, rows)
    chosen = {entry.name: part for entry, part in _all(catalog) if any(case.id in wanted for case in part)}
    judged: list[Row] = []
    with team(2) as helpers:
        ears = {name: max(case.n for case in part) for name, part in chosen.items()}
        work = helpers.spread(partial(_rows, terms), sorted(chosen, key=lambda name: (-ears[name], name)))
        for done, part in enumerate(work, start=1):
            judged += [row for row in part if row.id in wanted]
            if tick is not None:
                tick(done, len(chosen))
    return sorted(judged, key=lambda row: _order(row.id))


def known(catalog: Catalog | None = None) -> list[str]:
    """The id of every row there is, in order; raises BadInput where two entries hold one id."""
    ids = [case.id for _, part in _all(Catalog() if catalog is None else catalog) for case in part]
    for row in ids:
        if ids.count(row) > 1:
            raise BadInput("two cases hold one row", key="row", given=row)
    return sorted(ids, key=_order)


def counts(rows: Sequence[Row]) -> dict[str, dict[str, int]]:
    """Rows by verdict: evidence, the exact and the weak among it, and apart those something was calibrated on."""
    parts = {
        "evidence": [row for row in rows if not row.used],
        "exact": [row for row in rows if not row.used and row.kind == "exact"],
        "weak": [row for row in rows if not row.used and row.weak],
        "calibration": [row for row in rows if row.used],
    }
    return {
        name: {v: sum(row.verdict == v for row in part) for v in VERDICTS} for name, part in parts.items()
    }


def coverage(rows: Sequence[Row]) -> dict[str, dict[str, int]]:
    """Intervals that cover and that exclude what was measured, and how many of each are sharp: evidence, calibrated."""
    intervals = [row for row in rows if row.covers is not None]
    parts = {
        "evidence": [row for row in intervals if not row.used],
        "calibration": [row for row in intervals if row.used],
    }
    return {
        name: {
            "covering": sum(bool(row.covers) for row in part),
            "covering, sharp": sum(bool(row.covers and row.sharp) for row in part),
            "excluding": sum(not row.covers for row in part),
            "excluding, sharp": sum(bool(not row.covers and row.sharp) for row in part),
        }
        for name, part in parts.items()
    }


def evidence(catalog: Catalog | None = None, allow_retracted: tuple[str, ...] = ()) -> str:
    """A fingerprint of all that the rows rest on: every number they use, and the cases themselves."""
    terms = Terms(Catalog() if catalog is None else catalog, allowed=allow_retracted)
    digest = hashlib.sha256()
    for entry, _ in _all(terms.catalog):
        digest.update(repr(entry.card.stated).encode())
        used = _numbers(entry, terms)
        digest.update("".join(f"{name}={used[name]} " for name in sorted(used)).encode())
    return digest.hexdigest()[:12]


def _numbers(entry: Entry[CaseOptions, object], terms: Terms) -> dict[str, str]:
    """Every number and curve a case uses, with its fingerprint."""
    if entry.options.study is None and not entry.options.given and entry.formula is None:
        return {}
    used = study_of(entry, terms) if entry.options.study is not None else Bench(terms, entry, 1)
    numbers = {name: number.hash for name, number in used.parameters.items()}
    return numbers | {name: curve.hash for name, curve in used.curves.items()}


def _all(catalog: Catalog) -> Iterator[tuple[Entry[CaseOptions, object], list[Case]]]:
    for name in catalog.names(SHELF):
        entry = catalog.get(SHELF, name)
        yield entry, cases(entry)


def _wanted(catalog: Catalog, rows: Iterable[str] | None) -> set[str]:
    """The ids asked for, parts included."""
    ids = known(catalog)
    if rows is None:
        return set(ids)
    parts = {name: [row for row in ids if _is_part(row, name)] for name in rows}
    for name, part in parts.items():
        if not part:
            raise no_row(name, ids)
    return {row for part in parts.values() for row in part}


def _is_part(row: str, name: str) -> bool:
    return row == name or row.startswith(f"{name}.")


def _order(row: str) -> tuple[str, str, int, str]:
    """ear:B9 before ear:B10."""
    shelf, _, rest = row.partition(":")
    number, _, part = rest.partition(".")
    digits = "".join(c for c in number if c in "0123456789")
    return shelf, number.split(digits)[0] if digits else number, int(digits or 0), number + part


def _rows(terms: Terms, name: str) -> list[Row]:
    """The rows of one case; they share its simulation, so a row is the same alone or among others."""
    entry = terms.catalog.get(SHELF, name)
    part = cases(entry)
    reasons = {case.id: _untestable(case, terms, entry.card.file) for case in part}
    untested = [no_test(case, reasons[case.id]) for case in part if reasons[case.id]]
    tested = [case for case in part if not reasons[case.id]]
    if not tested:
        return untested
    if entry.options.study is not None:
        values = rerun(entry, tested, terms)
        return untested + [judge(case, values[case.id]) for case in tested]
    if entry.formula is None and not entry.options.given:
        raise BadInput(
            "has neither a study, nor what was given and read, nor a formula",
            file=entry.card.file,
            key="study",
        )
    return untested + list(_measured(entry, tested, terms))


def _measured(entry: Entry[CaseOptions, object], tested: list[Case], terms: Terms) -> Iterator[Row]:
    """Rows of a case with a formula: exact ones at best values, others drawn."""
    exact = [case for case in tested if case.kind == "exact"]
    if exact:
        values = _replicated(Bench(terms, entry, 1, drawn=False), exact)
        yield from (judge(case, values[case.id]) for case in exact)
    drawn = [case for case in tested if case.kind != "exact"]
    if drawn:
        bench = Bench(terms, entry, max(case.n for case in drawn))
        values = _replicated(bench, drawn)
        yield from (judge(case, summarise(values[case.id], bench, case.n, case.summary)) for case in drawn)


def _replicated(bench: Bench, rows: list[Case]) -> Mapping[str, Array]:
    """What a case's formula finds, by row; raises BadInput where that is not a number for each ear or value."""
    by_row = bench.replicate(rows)
    for case in rows:
        wanted = len(case.expect) or bench.ears
        values = by_row.get(case.id) if isinstance(by_row, Mapping) else None
        if values is None or np.size(values) != wanted or not np.all(np.isfinite(values)):
            raise BadInput(
                f"its formula must find {wanted} finite numbers",
                file=bench.case.card.file,
                key=f'row."{case.id}"',
                given="nothing" if values is None else f"{np.size(values)} numbers",
            )
    return by_row


def _untestable(case: Case, terms: Terms, file: str) -> str:
    """Why a row is no test, empty where it is one: it says so itself, or its source no longer stands."""
    if case.no_test or not case.source:
        return case.no_test
    with at(file, "source"):
        source = terms.catalog.source(case.source)
    retracted = source.standing == "retracted" and source.key not in terms.allowed
    if retracted or source.standing == "withdrawn":
        return f"its source {source.key} was {source.standing} on {source.date}: {source.reason}"
    return ""
