"""The fit that ships: an entry of the numbers of now, whose mice are harmed as those it was fitted to."""

import tomllib
from pathlib import Path

import numpy as np
import pytest

from otosome.fitting.entry import numbers_hash
from otosome.fitting.file import FitTables
from otosome.forward import draw
from otosome.study import Study, load

EXAMPLE = Path(__file__).parents[1] / "examples" / "cba_jrj"
NAME = "cba_jrj_fitted"
FREE = FitTables.model_validate(tomllib.loads((EXAMPLE / "fit.toml").read_text(encoding="utf-8"))).free


def stated():
    return tomllib.loads((EXAMPLE / "shelves" / "strains" / f"{NAME}.toml").read_text(encoding="utf-8"))


def test_the_entry_is_of_the_numbers_of_now_or_says_that_it_is_stale():
    """Where a number has moved since: fit again (README.md there), or begin ``about`` with "Stale"."""
    now = numbers_hash(load(EXAMPLE / "study.toml"))
    entry = stated()
    rows = [row for row in entry["numbers"].values() if row["because"].startswith("Fitted (posterior")]
    assert len(rows) == sum(not name.startswith("endpoints.") and name.count(".") == 2 for name in FREE)
    assert all("SHA-256 d1f685bc8bba" in row["because"] for row in rows)
    stale = any(f"over numbers {now}:" not in row["because"] for row in rows)
    assert stale == entry["about"].startswith("Stale")


def test_a_study_that_names_the_entry_draws_its_mice():
    values = tomllib.loads((EXAMPLE / "study.toml").read_text(encoding="utf-8"))
    study = Study.of({**values, "strain": NAME}, shelves=(EXAMPLE / "shelves",))
    ears = draw(study, 2000, seed=1, world=1)
    rows = stated()["numbers"]
    for name in FREE:
        if name in rows and "value" in rows[name] and not name.startswith("endpoints."):
            p = study.parameters[name]
            own = np.quantile([p.at(1, ears.world)], [0.05, 0.5, 0.95])
            ends = [float(rows[name][key].split()[0]) for key in ("low", "value", "high")]
            # Of 2,000 draws a twentieth lies within some tenth of the range of where it ought to.
            assert own == pytest.approx(ends, abs=0.12 * (ends[2] - ends[0])), name
