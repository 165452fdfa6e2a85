"""Every published case run again, simulated beside measured: ``otosome qualify``.

A replicate is one world, one draw of all that is not known, with as many subjects as were published; the
interval is 5 to 95 % of the published statistic over worlds. A row agrees if that interval and the measured
value with its own error meet, else it disagrees; it is uninformative if the interval is too wide to tell.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from otosome.catalog import Catalog, Entry
from otosome.evidence import BadInput
from otosome.qualification.bench import Bench, rested, summarise
from otosome.qualification.case import Case, cases
from otosome.qualification.rerun import rerun, study_of
from otosome.qualification.verdict import VERDICTS, Row, judge, no_test

__all__ = ["VERDICTS", "WORLDS", "Row", "counts", "evidence", "known", "qualify"]
WORLDS = 40
SHELF = "observations"
Tick = Callable[[int, int], None]


def qualify(
    rows: Iterable[str] | None = None,
    worlds: int = WORLDS,
    seed: int = 1,
    catalog: Catalog | None = None,
    tick: Tick | None = None,
) -> list[Row]:
    """Every published case, or some of them, simulated beside measured, in the order of their ids.

    ``rows``    ids such as "pk:C03"; one names its parts too ("pk:C03.apex")
    ``worlds``  draws of everything that is not known, at least 2
    raises      BadInput for an unknown id, or an observation that cannot be read
    """
    if worlds < 2:
        raise BadInput("must be at least 2", key="worlds", given=worlds)
    catalog = Catalog() if catalog is None else catalog
    wanted = _wanted(catalog, rows)
    chosen = [(entry, part) for entry, part in _all(catalog) if any(case.id in wanted for case in part)]
    found: list[Row] = []
    with ThreadPoolExecutor(2) as pool:
        work = pool.map(lambda both: _entry(both[0], both[1], catalog, worlds, seed), chosen)
        for done, made in enumerate(work, start=1):
            found += [row for row in made if row.id in wanted]
            if tick is not None:
                tick(done, len(chosen))
    return sorted(found, key=lambda row: _order(row.id))


def known(catalog: Catalog | None = None) -> list[str]:
    """The id of every row there is, in order; raises BadInput where two entries hold one id."""
    ids = [case.id for _, part in _all(Catalog() if catalog is None else catalog) for case in part]
    for one in ids:
        if ids.count(one) > 1:
            raise BadInput("two observations hold one row", key="row", given=one)
    return sorted(ids, key=_order)


def counts(rows: Sequence[Row]) -> dict[str, dict[str, int]]:
    """Rows by verdict: those that are evidence, the weak ones among them, and those something was calibrated on."""
    parts = {
        "evidence": [row for row in rows if not row.used],
        "weak": [row for row in rows if not row.used and row.weak],
        "calibration": [row for row in rows if row.used],
    }
    return {
        name: {v: sum(row.verdict == v for row in part) for v in VERDICTS} for name, part in parts.items()
    }


def evidence(catalog: Catalog | None = None) -> str:
    """A fingerprint of all that the rows rest on: every number they use, and the observations themselves."""
    catalog = Catalog() if catalog is None else catalog
    digest = hashlib.sha256()
    for entry, _ in _all(catalog):
        digest.update(repr(entry.card.options).encode())
        used = _numbers(entry, catalog)
        digest.update("".join(f"{name}={used[name]} " for name in sorted(used)).encode())
    return digest.hexdigest()[:12]


def _numbers(entry: Entry, catalog: Catalog) -> dict[str, str]:
    """Every number and curve an observation uses, with its fingerprint."""
    if "study" not in entry.card.options and entry.formula is None:
        return {}
    used = study_of(entry, catalog) if "study" in entry.card.options else _bench(entry, catalog, 1, 0)
    numbers = {name: number.hash for name, number in used.parameters.items()}
    return numbers | {name: curve.hash for name, curve in used.curves.items()}


def _all(catalog: Catalog) -> Iterator[tuple[Entry, list[Case]]]:
    for name in catalog.names(SHELF):
        entry = catalog.get(SHELF, name)
        yield entry, cases(entry)


def _wanted(catalog: Catalog, rows: Iterable[str] | None) -> set[str]:
    """The ids asked for, parts included."""
    ids = known(catalog)
    if rows is None:
        return set(ids)
    found = {one: [row for row in ids if _named(one, row)] for one in rows}
    for one, named in found.items():
        if not named:
            raise BadInput("is no row of observations", key="row", given=one, allowed=ids)
    return {row for named in found.values() for row in named}


def _named(one: str, row: str) -> bool:
    return row == one or row.startswith(f"{one}.")


def _order(row: str) -> tuple[str, str, int, str]:
    """ear:B9 before ear:B10."""
    shelf, _, rest = row.partition(":")
    number, _, part = rest.partition(".")
    digits = "".join(c for c in number if c.isdigit())
    return shelf, number.split(digits)[0] if digits else number, int(digits or 0), number + part


def _entry(entry: Entry, part: list[Case], catalog: Catalog, worlds: int, seed: int) -> list[Row]:
    """The rows of one observation; they share its simulation, so a row is the same alone or among others."""
    found = [no_test(case, reason) for case in part if (reason := _untestable(case, catalog))]
    asked = [case for case in part if not _untestable(case, catalog)]
    if not asked:
        return found
    if "study" in entry.card.options:
        _, values = rerun(entry, asked, catalog, worlds, seed)
        return found + [judge(case, values[case.id]) for case in asked]
    if entry.formula is None:
        raise BadInput("has neither a study nor a formula", file=entry.card.file, key="study")
    return found + list(_measured(entry, asked, catalog, worlds, seed))


def _measured(entry: Entry, asked: list[Case], catalog: Catalog, worlds: int, seed: int) -> Iterator[Row]:
    exact = [case for case in asked if case.kind == "exact"]
    if exact:
        values = _bench(entry, catalog, 1, seed, drawn=False).replicate()
        yield from (judge(case, values[case.id]) for case in exact)
    drawn = [case for case in asked if case.kind != "exact"]
    if drawn:
        bench = _bench(entry, catalog, worlds, seed)
        values = bench.replicate()
        yield from (judge(case, summarise(values[case.id], bench, case.n, case.summary)) for case in drawn)


def _bench(entry: Entry, catalog: Catalog, worlds: int, seed: int, drawn: bool = True) -> Bench:
    """As many subjects to a world as the observation's largest row has."""
    species = str(entry.card.options.get("species", "guinea_pig"))
    subjects = max(case.n for case in cases(entry))
    return Bench(catalog, entry, species, rested(entry), worlds, subjects, seed, drawn)


def _untestable(case: Case, catalog: Catalog) -> str:
    """Why a row is no test, empty where it is one: it says so itself, or its source no longer stands."""
    if case.no_test or not case.source:
        return case.no_test
    source = catalog.source(case.source)
    if source.standing in ("retracted", "withdrawn"):
        return f"its source {source.key} was {source.standing} on {source.date}: {source.reason}"
    return ""
