"""The report as a reader meets it. Every number here is made up by `made_up`; none is measured or predicted."""

import base64
import hashlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter
from scipy.stats import beta

from otosome.answers import band, grades, numbers
from otosome.answers.accuracy import (
    Accuracy,
    Beyond,
    Cost,
    Drawn,
    DrawnCost,
    DrawnErrors,
    MeasureError,
)
from otosome.answers.headline import Headline
from otosome.answers.numbers import written
from otosome.report import (
    axes,
    claims,
    drawing,
    exactness,
    figures,
    page,
    provenance,
    summary,
    window,
    write_report,
    write_window,
)
from otosome.report.terminal import accuracy_lines, headline_lines, prior_lines
from otosome.study import REFUSED

ARMS = [
    "untouched",
    "cisplatin",
    "cisplatin + vehicle",
    "cisplatin + vesicles",
    "cisplatin + vesicles, late",
    "cisplatin + null vesicles",
]
TONES = np.array([2.0, 4.0, 8.0, 16.0, 24.0, 32.0])
HOURS = np.array([-48.0, 72.0, 168.0, 336.0, 504.0])
WINDOW_TONES = np.geomspace(0.2, 44, 48)
LENGTH, DAY = 18.5, 24.0
SHARE = np.array([0.0, 1.0, 1.0, 0.55, 0.9, 0.98])  # share of the full made-up injury that reaches each arm


def best_frequency(place: np.ndarray) -> np.ndarray:
    return 0.35 * (10 ** (2.1 * (1 - place)) - 0.85)


def place_of(frequency: np.ndarray) -> np.ndarray:
    return 1 - np.log10(frequency / 0.35 + 0.85) / 2.1


def made_up(subjects: int = 40, places: int = 96) -> xr.Dataset:
    """A synthetic result: smooth curves that look like a cochlea after cisplatin, and nothing more."""
    random = np.random.default_rng(7)
    place = (np.arange(places) + 0.5) / places
    world = np.arange(subjects) // 10
    severity = np.exp(random.normal(0, 0.35, subjects) + random.normal(0, 0.3, world.max() + 1)[world])
    injury = np.clip(SHARE[:, None, None] * severity[:, None] * np.exp(-2.2 * place), 0, 0.97)
    weight = np.array([1.0, 0.08, 0.45, 0.3])
    cells = 1 - injury[:, :, None, :] * weight[:, None]
    vesicles = 10 ** (
        6.3
        + random.normal(0, 0.5, world.max() + 1)[world][:, None]
        - (5 + 4 * random.random(world.max() + 1)[world][:, None]) * place
    )
    reach = np.array([0, 0, 0, 1, 1, 1.0])[:, None, None]
    heard = 1 - np.array(
        [np.interp(place_of(TONES), place, row) for row in cells[:, :, 0].reshape(-1, places)]
    )
    heard = heard.reshape(len(ARMS), subjects, TONES.size)
    course = np.clip((HOURS + 24) / 400, 0, 1)
    quiet = np.array([32, 27, 24, 27, 34, 41.0]) + random.normal(0, 4, (subjects, 1))
    threshold = quiet[None, :, None] + 70 * heard[:, :, None] * course[:, None]
    abr = {"unit": "dB SPL", "endpoint": "abr_threshold", "long_name": "ABR threshold", "better": "lower"}
    ohc = {"unit": "", "endpoint": "cell_count", "long_name": "cells counted (OHC)", "better": "higher"}
    result = xr.Dataset(
        {
            "abr": (("arm", "subject", "time", "frequency"), threshold, abr),
            "ohc": (("arm", "subject", "time", "frequency"), 1 - heard[:, :, None] * course[:, None], ohc),
            "cells": (("arm", "subject", "cell", "place"), cells.astype(np.float32)),
            "vesicles": (("arm", "subject", "place"), reach * vesicles),
            "place_distance": (("place",), place * LENGTH),
            "place_frequency": (("place",), best_frequency(place)),
            **unrolled(place),
        },
        coords={
            "arm": ARMS,
            "subject": np.arange(subjects),
            "world": ("subject", world),
            "lot": ("subject", np.arange(subjects) % 3),
            "time": HOURS,
            "frequency": TONES,
            "place": place,
            "cell": ["OHC", "IHC", "synapse", "SGN"],
            "window_frequency": WINDOW_TONES,
        },
    )
    return result.assign_attrs(labels())


def unrolled(place: np.ndarray) -> dict[str, Any]:
    doses = np.arange(-3 * DAY, 18 * DAY, DAY)
    times = np.arange(-3 * DAY, 21 * DAY + 1, DAY / 2)
    protection = 0.75 * np.exp(-(((doses + 20) / 90) ** 2)) * (1 / (1 + np.exp((doses - 60) / 30)))
    reach = np.exp(-1.3 * place)
    late = np.clip(times / (9 * DAY), 0, 1)[:, None] ** 0.8
    injury = 0.95 * late * np.exp(-1.8 * place)
    cells = 1 - injury * (1 - protection[:, None, None] * reach)
    since = times[:, None] - doses[:, None, None]
    vesicles = np.where(
        since >= 0,
        10 ** (6.4 - 5.5 * place - np.maximum(since, 0) / 30)
        * (1 - np.exp(-(np.maximum(since, 0) + 0.5) / (1 + 60 * place**2))),
        0.0,
    )
    lost = 62 * 0.9 * np.exp(-2.2 * place_of(WINDOW_TONES))
    return {
        "window_cells": (("window_dose", "window_time", "place"), cells),
        "window_vesicles": (("window_dose", "window_time", "place"), vesicles),
        "window_shift": (
            ("window_dose", "window_frequency"),
            lost * (1 - protection[:, None] * np.exp(-1.3 * place_of(WINDOW_TONES))),
        ),
        "window_vehicle_shift": (("window_frequency",), lost),
        "window_dose": doses,
        "window_time": times,
    }


STUDY = """
otosome = "study/1"
title = "A made-up study of vesicles against cisplatin"
question = "Do made-up vesicles keep made-up hearing?"
species = "guinea_pig"
[treatment.early]
batch = "example_lot"
route = "round_window"
volume = "5 uL"
at = ["-24 h"]
[[arm]]
name = "cisplatin + vesicles"
treatments = ["early"]
[measure.abr]
endpoint = "abr_threshold"
frequency = ["2 kHz", "4 kHz", "8 kHz", "16 kHz", "24 kHz", "32 kHz"]
at = ["-48 h", "3 d", "7 d", "14 d", "21 d"]
[measure.ohc]
endpoint = "cell_count"
cell = "OHC"
frequency = ["8 kHz", "16 kHz"]
at = ["21 d"]
"""


def gained(median: float, low: float, high: float) -> dict[str, Any]:
    """A benefit in dB as an answer stores it."""
    return asdict(written(median, low, high, "dB", gain=True))


SHARES = {"measured": 0.07, "secondary": 0.11, "direction": 0.48, "assumed": 0.34}
HEADLINE: dict[str, Any] = {
    "measure": "abr",
    "endpoint": "abr_threshold",
    "unit": "dB",
    "time": 504.0,
    "frequency": [8.0, 16.0, 32.0],
    "of": "cisplatin + vesicles",
    "against": "cisplatin + vehicle",
    "null": "cisplatin + null vesicles",
    "benefit": gained(11.64, 0.91, 25.2),
    "between_ears": gained(11.0, 6.0, 18.9),
    "between_lots": gained(11.0, 9.0, 15.0),
    "between_worlds": gained(11.0, 2.1, 22.4),
    "worlds": 20,
    "resampled": {"low": [1.0, 3.0], "median": [9.0, 14.0], "high": [20.0, 26.0]},
    "null_benefit": gained(0.4, -0.23, 1.1),
    "others": {"cisplatin + vesicles, late": gained(3.2, 0.4, 7.1)},
    "halved": gained(6.3, 0.5, 14.0),
    "doubled": gained(19.2, 1.8, 33.1),
    "late": None,
    "share": {basis: asdict(numbers.share(part)) for basis, part in SHARES.items()},
    "counts": {"measured": 3},
}


HEADLINE_ANSWER = TypeAdapter(Headline).validate_python(HEADLINE)


def moves(median: float, worst: float, apex: float, apex_worst: float) -> DrawnCost:
    return DrawnCost(Drawn(median, worst), Drawn(apex, apex_worst))


ERRORS = Accuracy(
    arm="made-up vesicles",
    space=Cost(0.004, 0.02),
    time=Cost(0.0007, 0.003),
    total=Cost(0.0047, 0.023),
    drawn=DrawnErrors(
        ears=7,
        space=moves(0.0005, 0.005, 0.02, 0.1),
        time=moves(0.0002, 0.001, 0.01, 0.02),
        total=moves(0.0007, 0.006, 0.03, 0.12),
    ),
    beyond=Beyond(best=True, drawn=3),
    limits=Cost(0.001, 0.1),
    fineness=1,
    mass_balance=3e-13,
    flagged=0,
    measure=MeasureError(0.05, "dB"),
)
MARKS: list[dict[str, Any]] = [
    {"name": "course", "entry": "cisplatin", "time": 0.0, "event": False},
    {"name": "opening", "entry": "sham_surgery", "time": -24.0, "event": True},
]
NOTES = [
    "Every number in this synthetic report is made up to test the page.",
    "Efficacy rests on a wide prior: no published study gave thresholds with spread.",
]
MOVERS = """
mechanisms.hsp70.emax | largest share of injury that HSP70 prevents | 0 | 1 | | 0.2 | 22.1 | direction
mechanisms.hsp70.ec50 | vesicles at half the largest effect | 1e3 | 1e7 | particles/uL | 18.8 | 3.1 | assumed
solutes.vesicle.exchange_scale | how freely vesicles enter the organ of Corti | 0.001 | 1 | | 4.2 | 16 | assumed
insults.cisplatin.emax | largest rate of stress from cisplatin | 0.1 | 2.5 | 1/h | 5.0 | 14.2 | assumed
species.guinea_pig.dispersion | what flow back and forth adds to diffusion | 0.1 | 100 | | 7.7 | 14.9 | secondary
solutes.vesicle.round_window | permeability of the round window | 1e-9 | 1e-7 | cm/s | 10 | 13 | measured
""".strip().splitlines()


def labels() -> dict[str, Any]:
    told = {
        "headline": HEADLINE,
        "sensitivity": [mover(row) for row in MOVERS],
        "errors": asdict(ERRORS),
        "sources": [source(index) for index in range(121)],
        "marks": MARKS,
        "notes": NOTES,
        "arms": [arm_content(name) for name in ARMS],
        "sizes": batch(),
        "scales": {},
    }
    plain = {"study": STUDY, "name": "made_up", "version": "0.1.0", "seed": 1, "species": "guinea_pig"}
    return {**plain, **{name: json.dumps(value) for name, value in told.items()}}


def arm_content(name: str) -> dict[str, Any]:
    insults = [] if name == "untouched" else ["cisplatin 12 mg/kg"]
    treatments = ["example_lot, 5 uL, round_window"] if "vesicles" in name else []
    return {
        "name": name,
        "insults": insults,
        "drugs": [],
        "treatments": treatments,
        "devices": [],
        "without": [],
    }


def mover(row: str) -> dict[str, Any]:
    parameter, meaning, low, high, unit, at_low, at_high, basis = (part.strip() for part in row.split("|"))
    ends = {"low": float(low), "high": float(high), "at_low": float(at_low), "at_high": float(at_high)}
    words = {"unit": unit, "source": None, "because": "made up for a test"}
    blank = {"title": "", "link": "", "locator": "", "species": "", "hash": ""}
    grounds = blank | stands(basis, cited=False) | words
    return {"parameter": parameter, "meaning": meaning, **ends, **grounds}


def stands(basis: str, cited: bool) -> dict[str, Any]:
    once = cited and basis == "secondary"
    current = {"standing": "current" if cited else "", "date": "", "reason": "", "superseded_by": ""}
    return {"basis": basis, "provisional": once, **current}


def source(index: int) -> dict[str, Any]:
    basis = provenance.BASES[index % 6]
    cited = basis != "assumed"
    return {
        "parameter": f"species.guinea_pig.number_{index:03d}",
        "meaning": "a made-up number",
        "linked": "",
        "locator": "",
        "species": "guinea_pig",
        "value": 10.0 ** (index % 14 - 6),
        "unit": "uL/h",
        "low": None if index % 5 else 0.1,
        "high": None if index % 5 else 20.0,
        "given": "as printed",
        **stands(basis, cited),
        "source": "made_up_2026" if cited else None,
        "title": "A made-up paper on perilymph" if cited else "",
        "link": "doi:10.1000/made.up" if cited else "",
        "because": None if cited else "made up for a test",
        "hash": f"{index:064x}",
    }


def batch() -> dict[str, Any]:
    diameter = np.linspace(20, 400, 191)
    density = np.exp(-0.5 * (np.log(diameter / 96) / np.log(1.45)) ** 2) / diameter
    return {
        "name": "example_lot",
        "origin": "log-normal of the shelf entry",
        "diameter": diameter.tolist(),
        "density": density.tolist(),
        "classes": [{"diameter": size, "weight": 1 / 3} for size in (66.0, 95.0, 139.0)],
    }


def readings_of(result: xr.Dataset) -> pd.DataFrame:
    random = np.random.default_rng(3)
    table = result["abr"].to_dataframe(name="value").reset_index().dropna(subset="value")
    grid = 5 * np.round((table["value"] + random.normal(0, 6, len(table))) / 5)
    return pd.DataFrame(
        {
            "subject": table["subject"],
            "ear": "left",
            "group": table["arm"],
            "time": table["time"],
            "quantity": "abr_threshold",
            "measure": "abr",
            "frequency": table["frequency"],
            "place": np.nan,
            "value": np.minimum(grid, 90.0),
            "unit": "dB SPL",
            "level": np.nan,
            "censored": np.where(grid > 90, "above", "none"),
            "flag": "",
            "file": "",
            "sha256": "",
        }
    )


class Reader(HTMLParser):
    """What a browser would load, run and link."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {key: value or "" for key, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture(scope="module")
def result() -> xr.Dataset:
    return made_up()


@pytest.fixture(scope="module")
def html(result: xr.Dataset) -> str:
    return page(result, readings_of(result))


def relabelled(result: xr.Dataset, name: str, change: Callable[[Any], None]) -> xr.Dataset:
    value = json.loads(result.attrs[name])
    change(value)
    return result.assign_attrs({name: json.dumps(value)})


# ---------------------------------------------------------------- safe and alone


def test_nothing_is_loaded_from_outside(html: str) -> None:
    for tag, attributes in Reader(html).tags:
        assert tag not in {"link", "iframe", "object", "embed", "base", "img", "audio", "video", "source"}
        assert not {"src", "srcset", "data", "poster"} & set(attributes)
        assert tag == "a" or attributes.get("href", "#").startswith(("#", "data:"))
    assert not re.search(r"@import|@font-face|url\((?!#)|fetch\(|XMLHttpRequest|import\(", html)


def test_the_policy_allows_only_what_the_page_brings(html: str) -> None:
    policy = next(
        a["content"] for t, a in Reader(html).tags if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none';")
    assert not re.search(r"unsafe|http|\*", policy)
    for element in ("script", "style"):
        (text,) = re.findall(rf"<{element}>(.*?)</{element}>", html, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policy


def test_no_inline_style_or_handler_that_the_policy_would_block(html: str) -> None:
    for _, attributes in Reader(html).tags:
        assert "style" not in attributes
        assert not [key for key in attributes if key.startswith("on")]


def test_ids_are_unique_and_resolve(html: str) -> None:
    tags = Reader(html).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    used = {a["href"][1:] for _, a in tags if a.get("href", "").startswith("#")}
    used |= {name for _, a in tags for value in a.values() for name in re.findall(r"url\(#([\w-]+)\)", value)}
    assert used <= set(ids)


@given(name=st.text(min_size=1, max_size=40))
def test_json_in_the_page_cannot_end_its_script(name: str) -> None:
    from otosome.report import _json

    text = _json({"name": name + "</script><!--<script>"})
    assert "<" not in text
    assert json.loads(text)["name"] == name + "</script><!--<script>"


def test_a_number_says_whether_it_was_read_once_and_how_its_source_stands(result: xr.Dataset) -> None:
    disputed = {
        "standing": "disputed",
        "date": "2026-11-01",
        "reason": "two groups differ",
        "superseded_by": "made_up_2027",
    }
    text = page(relabelled(result, "sources", lambda rows: rows[0].update(disputed)), readings_of(result))
    said = "[disputed since 2026-11-01: two groups differ; superseded by made_up_2027]"
    assert said in text
    assert said not in page(result, readings_of(result))
    rows = summary.attribute(result, "sources")
    once = sum(row["provisional"] for row in rows)
    sourced = sum(row["basis"] not in ("assumed", "direction") for row in rows)
    assert f"{once} of {sourced} numbers and curves that name a source are provisional" in text
    assert text.count(">provisional</span>") == once > 0


def test_each_scale_shows_the_share_in_each_grade_with_n_and_interval(result: xr.Dataset) -> None:
    scale = {"made_up": {"about": "A made-up scale.", "labels": ["fine", "not fine"]}}
    graded = relabelled(result, "scales", lambda scales: scales.update(scale))
    rows = [
        {"quantity": "made_up", "group": arm, "time": time, "value": float(time > 0 and subject < 1)}
        for arm in ARMS
        for time in (-24.0, 504.0)
        for subject in range(4)
    ]
    readings = pd.concat([readings_of(result), pd.DataFrame(rows)], ignore_index=True)
    (shares,) = grades.grades(readings, summary.scales(graded), ARMS)
    # Jeffreys: three of four leave a beta of 3.5 and 1.5.
    ends = beta(3.5, 1.5).ppf([0.025, 0.975])
    for arm in ARMS:
        assert shares.shares[arm][0].exact == pytest.approx((0.75, *ends))
    text = page(graded, readings)
    assert "<td>4</td><td>75 % (28 to 97 %)</td><td>25 % (3 to 72 %)</td>" in text
    assert "Reading error is included" in text
    assert 'id="grades"' not in page(result, readings_of(result))


def test_a_single_world_shows_no_spread_of_what_is_not_known(result: xr.Dataset) -> None:
    alone = relabelled(result, "headline", lambda answer: answer.update(worlds=1))
    labels = [
        "what we do not know" in [row.label for row in axes.comparison(compared(r))[1]]
        for r in (result, alone)
    ]
    assert labels == [True, False]
    assert "A single world cannot show" in page(alone, readings_of(alone))


def compared(result: xr.Dataset) -> Headline:
    """The headline of a result that compares arms."""
    headline = summary.headline(result)
    assert headline is not None
    return headline


EVIL = '"><script>alert(1)</script><img src=x onerror=alert(1)>$\\frac{1}{$ \u202e 耳'


def test_names_from_files_are_text_only(result: xr.Dataset) -> None:
    changes: dict[str, Callable[[Any], None]] = {
        "marks": lambda marks: marks[0].update(entry=EVIL),
        "notes": lambda notes: notes.append(EVIL),
        "sizes": lambda sizes: sizes.update(name=EVIL, origin=EVIL),
        "arms": lambda arms: arms[-1].update(name=EVIL, insults=[EVIL], treatments=[EVIL], without=[EVIL]),
        "headline": lambda headline: headline.update(null=EVIL, others={EVIL: gained(1, 0, 2)}),
        "sources": lambda rows: rows[0].update(title=EVIL, because=EVIL, link="javascript:alert(1)"),
        "sensitivity": lambda rows: rows[0].update(meaning=EVIL, parameter=EVIL, unit=EVIL),
    }
    wicked = result.assign_coords(arm=[*ARMS[:-1], EVIL])
    wicked["abr"].attrs["long_name"] = EVIL
    wicked.attrs["study"] = STUDY.replace("title =", f"title = {json.dumps(EVIL)} #")
    for name, change in changes.items():
        wicked = relabelled(wicked, name, change)
    tags = Reader(page(wicked, readings_of(wicked))).tags
    assert [tag for tag, _ in tags].count("script") == 2
    assert "img" not in [tag for tag, _ in tags]
    assert not [a for _, a in tags if a.get("href", "").startswith("javascript")]
    assert not [key for _, attributes in tags for key in attributes if key.startswith("on")]


@pytest.mark.parametrize(
    ("link", "href"),
    [
        ("doi:10.1007/s10162-001", "https://doi.org/10.1007/s10162-001"),
        ("https://doi.org/10.1007/s10162-001", "https://doi.org/10.1007/s10162-001"),
        ("10.1007/s10162-001", "https://doi.org/10.1007/s10162-001"),
        ("https://example.org/a", "https://example.org/a"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("", None),
        (None, None),
    ],
)
def test_only_web_addresses_become_links(link: str | None, href: str | None) -> None:
    assert provenance.address(link) == href


def test_links_do_not_hand_over_the_window(html: str) -> None:
    links = [a for tag, a in Reader(html).tags if tag == "a" and not a["href"].startswith("#")]
    assert len(links) > 50
    assert all("noopener" in attributes["rel"] for attributes in links)


# ---------------------------------------------------------------- what it says


def test_it_says_research_only_first(html: str) -> None:
    body = "".join(Reader(html.split("<body>")[1]).words)
    assert body.strip().startswith("Research only.")
    assert "Not for treating anyone" in body


def test_the_benefit_its_rivals_and_what_it_rests_on_come_before_the_window(html: str) -> None:
    top = html[html.index("<body>") : html.index('id="window-title"')]
    for words in (
        "+12 dB",
        "0.9 to 25",
        "Null vesicles",
        "halved",
        "doubled",
        "What it rests on",
        "48 %",
    ):
        assert words in top


def test_pictures_come_before_tables(html: str) -> None:
    assert html.index("<table") > html.index("<figure")
    assert html.index("<table") > html.rindex('<figure class="panel">')


def test_every_number_is_listed_with_its_basis(html: str) -> None:
    assert html.count('<th scope="row"><code>') == 121
    for index, basis in enumerate(provenance.BASES):
        assert f"<b>{len(range(index, 121, 6))}</b> {basis}" in html


def test_the_five_numbers_that_move_the_answer_are_named(html: str) -> None:
    meanings = [row.split(" | ")[1] for row in MOVERS]
    assert all(meaning in html for meaning in meanings[:5])
    assert meanings[5] not in html


def test_how_to_run_it_again(html: str) -> None:
    assert "otosome run study.toml" in html
    assert "species = &#34;guinea_pig&#34;" in html


def test_the_title_and_question_are_the_studys_own(html: str) -> None:
    assert "<h1>A made-up study of vesicles against cisplatin</h1>" in html
    assert "Do made-up vesicles keep made-up hearing?" in html


def test_the_other_treated_arm_stands_beside_the_benefit(result: xr.Dataset) -> None:
    _, rows = axes.comparison(compared(result))
    late = next(row for row in rows if row.kind == "arm")
    assert (late.label, late.value, late.interval) == ("cisplatin + vesicles, late", "+3.2 dB", "0.4 to 7.1")


def test_what_is_built_into_late_treatment_stands_beside_the_benefit(result: xr.Dataset) -> None:
    late = {
        "delay": 22.0,
        "closed": gained(0.2, 0.0, 1.0),
        "most": gained(3.4, 0.1, 15.0),
        "text": "Treated 22 h late.",
    }
    treated = relabelled(result, "headline", lambda headline: headline.update(late=late))
    _, rows = axes.comparison(compared(treated))
    values = {row.label: (row.value, row.interval) for row in rows}
    assert values["Late window closed"][0] == "+0.2 dB"
    assert values["The strongest vesicles allowed"][0] == "+3.4 dB"
    assert "Treated 22 h late." in "\n".join(headline_lines(compared(treated)))
    assert "Late window closed" not in {row.label for row in axes.comparison(compared(result))[1]}


def test_every_dot_lies_on_its_own_line(result: xr.Dataset) -> None:
    _, rows = axes.comparison(compared(result))
    assert len(rows) == 8
    assert all(row.low <= row.median <= row.high for row in rows)


def test_every_number_of_the_headline_is_the_same_text_everywhere(result: xr.Dataset, html: str) -> None:
    answer, terminal = json.loads(result.attrs["headline"]), "\n".join(headline_lines(compared(result)))
    visible = " ".join(" ".join(Reader(html).words).split())
    for name in (
        "benefit",
        "between_ears",
        "between_lots",
        "between_worlds",
        "halved",
        "doubled",
        "null_benefit",
    ):
        median, _, ends = answer[name]["text"].partition(" (")
        assert f"{median} {ends.removesuffix(')')}" in visible, name
        # For a program: the rounded numbers are those of the text, and the exact ones stand beside.
        digits = [float(part.replace("−", "-")) for part in re.findall(r"[+−]?[\d.]+", answer[name]["text"])]
        assert digits == [answer[name][end] for end in ("median", "low", "high")], name
        assert answer[name]["exact"]["low"] == pytest.approx(answer[name]["low"], abs=0.5)
    assert answer["benefit"]["text"] in terminal and answer["null_benefit"]["text"] in terminal
    for basis, share in answer["share"].items():
        assert f"{share['text']} {basis}" in terminal and share["text"] in visible


def test_a_benefit_of_levels_is_in_plain_decibels(html: str) -> None:
    assert "+12 dB SPL" not in html


def test_a_study_that_compares_nothing_has_no_answer_and_no_window(
    result: xr.Dataset, tmp_path: Path
) -> None:
    windows = [name for name in result.variables if str(name).startswith(("window", "place_"))]
    bare = result.drop_vars(windows).assign_attrs(headline="{}", sensitivity="[]", sizes="null")
    text = page(bare, readings_of(bare))
    assert "ABR threshold on day 21" in text
    assert not re.search(r"What it rests on|The window|move the answer most", text)
    with pytest.raises(ValueError, match="compares no arms"):
        write_window(bare, tmp_path / "window.png")


def test_a_result_that_lacks_something_is_refused_by_name(result: xr.Dataset, tmp_path: Path) -> None:
    bare = result.drop_vars(["window_cells", "place_distance"])
    with pytest.raises(ValueError, match=r"'window_cells', variable 'place_distance'"):
        write_report(bare, readings_of(result), tmp_path / "report.html")
    assert not list(tmp_path.iterdir())


def test_a_missing_null_twin_leaves_its_row_out(result: xr.Dataset) -> None:
    bare = relabelled(result, "headline", lambda headline: headline.update(null=None, null_benefit=None))
    assert "Null vesicles" not in page(bare, readings_of(bare))


def test_one_time_and_no_vesicles_and_no_readings_still_report(result: xr.Dataset) -> None:
    bare = result.assign({name: 0 * result[name] for name in ("vesicles", "window_vesicles")})
    bare.attrs["study"] = STUDY.replace('"-48 h", "3 d", "7 d", "14 d", ', "")
    text = page(bare.assign_attrs(sizes="null"), readings_of(result).iloc[:0])
    assert "over time" not in text
    assert "Where the dose ends" not in text


# ---------------------------------------------------------------- the window


def test_the_window_gives_back_the_cells_and_vesicles_it_was_given(result: xr.Dataset) -> None:
    packed = window.pack(result)
    shape = (21, packed["rows"], packed["columns"])
    cells = np.frombuffer(base64.b64decode(packed["cells"]), np.uint8).reshape(shape) / 255
    np.testing.assert_allclose(cells[:, -1], result["window_cells"][:, -1], atol=0.5 / 255 + 1e-9)
    code = np.frombuffer(base64.b64decode(packed["vesicles"]["bytes"]), np.uint8).reshape(shape).astype(float)
    logs = packed["vesicles"]["floor"] + (code - 1) * packed["vesicles"]["step"]
    true = np.log10(result["window_vesicles"].values.max(axis=1))
    near = true > packed["vesicles"]["floor"]
    np.testing.assert_allclose(logs.max(axis=1)[near], true[near], atol=0.1)


def test_before_the_vesicles_are_given_there_are_none(result: xr.Dataset) -> None:
    packed = window.pack(result)
    code = np.frombuffer(base64.b64decode(packed["vesicles"]["bytes"]), np.uint8)
    code = code.reshape(21, packed["rows"], packed["columns"])
    first, last = packed["hours"]
    hours = np.linspace(first, last, packed["rows"])
    step = hours[1] - hours[0]
    for dose, rows in zip(packed["doses"], code, strict=True):
        assert not rows[hours < dose - 0.01 * step].any()


def test_the_slider_starts_at_the_time_the_study_gives_the_vesicles(result: xr.Dataset) -> None:
    assert result["window_dose"][window.start(result)] == -24.0


def test_a_doubled_knot_counts_after_the_event() -> None:
    weights = window._weights(np.array([0.0, 1.0, 1.0, 2.0]), np.array([0.0, 1.0, 2.0]))
    np.testing.assert_allclose(weights @ np.array([0.0, 0.0, 5.0, 5.0]), [0.0, 5.0, 5.0])


# ---------------------------------------------------------------- bands and words


DRAWN_TOGETHER = ("fill_between", "plot")


def test_every_line_lies_inside_its_own_band_in_all_panels(
    result: xr.Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    skewed = result.copy()
    # A world in four is far out, and ears in it are skewed: the median of ears leaves the means of worlds.
    far = np.where(result["world"] % 4 == 0, 40.0, 0.0) * np.linspace(0, 3, result.sizes["subject"])
    skewed["abr"] = (result["abr"].dims, result["abr"].values + far[:, None, None], result["abr"].attrs)
    drawn: list[tuple[np.ndarray, ...]] = []
    whole = drawing.draw_line

    def watched(axes_: Any, across: Any, spread: band.Band, colour: str, *more: Any, **rest: Any) -> None:
        drawn.append((spread.typical, *spread.worlds, *spread.ears, *spread.lots))
        whole(axes_, across, spread, colour, *more, **rest)

    monkeypatch.setattr(drawing, "draw_line", watched)
    monkeypatch.setattr("otosome.report.figures.draw_line", watched)
    page(skewed, readings_of(skewed))
    # Six arms and their difference over frequency, at 4 tones over time, of 4 cells, of another measure; the dose.
    assert len(drawn) == 7 * (1 + 4 + 4 + 1) + 1
    for typical, *edges in drawn:
        for low, high in zip(edges[::2], edges[1::2], strict=True):
            assert np.all(low <= typical) and np.all(typical <= high)


def test_where_arms_share_a_picture_the_difference_is_drawn_with_its_band_and_no_two_bands_overlap(
    result: xr.Dataset,
) -> None:
    panels = [
        *figures.over_time(result, "abr"),
        *figures.cochleogram(result),
        *figures.together(result, ["ohc"]),
    ]
    for lines, apart in zip(panels[::2], panels[1::2], strict=True):
        assert apart.heading == f"{lines.heading}: the difference"
        # A band is an area half seen through; a line alone has none.
        assert lines.svg.count('fill-opacity="0.18"') == 0
        assert apart.svg.count('fill-opacity="0.18"') == 1
    first = figures.by_frequency(result, readings_of(result), "abr")[0]
    assert first.svg.count('fill-opacity="0.18"') == 1


def test_a_difference_is_of_each_ear_with_itself_and_above_zero_where_better(result: xr.Dataset) -> None:
    """Every ear keeps 7 dB at all tones, and 20 % of its cells: all bands are that one line."""
    same = result.copy()
    for name, better in (("abr", -7.0), ("ohc", 0.2)):
        values = result[name].values.copy()
        values[ARMS.index("cisplatin + vesicles")] = values[ARMS.index("cisplatin + vehicle")] + better
        same[name] = (result[name].dims, values, result[name].attrs)
    kept = figures.by_frequency(same, readings_of(same), "abr")[0]
    assert kept.says.endswith("7.0 dB, 7.0 dB, 7.0 dB.")
    _, counted = figures.together(same, ["ohc"])
    assert counted.says.endswith("20 % points, 20 % points, 20 % points.")


@given(
    values=st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=60),
    world=st.integers(1, 9),
    lots=st.integers(1, 4),
)
def test_a_band_contains_its_line_whatever_the_ears(values: list[float], world: int, lots: int) -> None:
    rows = np.arange(len(values))
    spread = band.band(np.array(values), band.Groups(rows // world, rows % lots))
    for low, high in (spread.worlds, spread.ears, spread.lots):
        assert low <= spread.typical <= high


def test_bands_separate_ears_from_knowledge() -> None:
    world = np.arange(1000) // 10
    groups = band.Groups(world, np.zeros(1000, np.int64))
    shift = np.linspace(-10, 10, 100)[world]
    same_world = band.band(np.repeat(shift[:, None], 2, axis=1), groups)
    assert np.ptp(np.stack(same_world.ears), axis=0) == pytest.approx([0, 0], abs=1e-9)
    assert np.stack(same_world.worlds)[:, 0] == pytest.approx([-9, 9])
    ears = np.tile(np.linspace(-5, 5, 10), 100)[:, None]
    same_ears = band.band(ears, groups)
    assert np.stack(same_ears.worlds)[:, 0] == pytest.approx([0, 0], abs=1e-9)
    # 5 to 95 % of ten evenly spaced ears from -5 to 5.
    assert np.ptp(np.stack(same_ears.ears)) == pytest.approx(9)


UNITS = ["dB", "%", "", numbers.UTILITY, numbers.EVENTS]


@given(value=st.floats(-1e4, 1e4), unit=st.sampled_from(UNITS))
def test_a_number_is_rounded_once(value: float, unit: str) -> None:
    once = numbers.rounded(value, unit)
    assert numbers.rounded(once, unit) == once
    assert numbers.amount(once, unit) == numbers.amount(value, unit)


@given(pair=st.tuples(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4)), unit=st.sampled_from(UNITS))
def test_rounding_keeps_the_order(pair: tuple[float, float], unit: str) -> None:
    low, high = sorted(pair)
    assert numbers.rounded(low, unit) <= numbers.rounded(high, unit)


@given(st.floats(0, 1))
def test_some_is_never_written_as_none_nor_nearly_all_as_all(value: float) -> None:
    assert (numbers.share(value).text == "0 %") == (value == 0)
    assert (numbers.share(value).text == "100 %") == (value > 1 - 1e-12)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (9.96, "dB", "10 dB"),
        (-0.04, "dB", "0 dB"),
        (-3.25, "dB", "−3.2 dB"),
        (0.123, "", "12 %"),
        (0.0123, "", "1.2 %"),
        (0.01234, numbers.UTILITY, "0.012"),
        (27.4, numbers.EVENTS, "27"),
    ],
)
def test_an_amount_is_written_by_its_unit(value: float, unit: str, text: str) -> None:
    assert numbers.amount(value, unit) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-12.34, "−12.3"),
        (1e5, "10⁵"),
        (2e9, "2×10⁹"),
        (2.5e-7, "2.5×10⁻⁷"),
        (None, "–"),
        (np.nan, "–"),
        (96.0, "96"),
        ("wide", "wide"),
        (-1e6, "−10⁶"),
    ],
)
def test_numbers_read_as_written(value: float | str | None, text: str) -> None:
    assert numbers.number(value) == text


@pytest.mark.parametrize(
    ("hours", "text"),
    [
        (0.0, "together with the first insult"),
        (-24.0, "24 hours before the first insult"),
        (1.0, "1 hour after the first insult"),
        (120.0, "5 days after the first insult"),
    ],
)
def test_times_read_as_spoken(hours: float, text: str) -> None:
    assert summary.when(hours) == text


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=9))
def test_an_axis_holds_zero_and_all_its_values(values: list[float]) -> None:
    scale = axes.axis(values)
    places = [scale.at(value) for value in [*values, 0.0]]
    assert all(0 < place < 100 for place in places)
    assert all(scale.low <= tick <= scale.high for tick in scale.ticks)


@pytest.mark.parametrize(
    ("low", "median", "high", "words"),
    [
        (0.9, 12, 25, "Better than “vehicle”"),
        (1e-5, 1e-3, 2.5, "Half of the simulated ears keep next to nothing; one in twenty"),
        (-3, 1, 5, "includes zero"),
        (-5, -2, -1, "Worse"),
        (-1e-9, 0, 1e-9, "No benefit to speak of"),
    ],
)
def test_the_verdict_says_no_more_than_the_digits(low: float, median: float, high: float, words: str) -> None:
    shown = replace(HEADLINE_ANSWER, against="vehicle", benefit=written(median, low, high, "dB", gain=True))
    assert words in summary.verdict(shown)


def test_the_errors_of_the_best_value_ear_and_of_drawn_ones_are_stated_with_their_limits(html: str) -> None:
    text, limits = exactness.exactness(ERRORS, 40), exactness.limits(ERRORS)
    assert "best-value ear in sum by 0.47 % of the peak and 0.023 powers of ten at the apex" in text
    assert "7 drawn ears by 0.07 % of the peak and 0.03 powers of ten at the apex (median), by 0.6 %" in text
    assert "the best-value ear and 3 of 7 drawn ears" in limits
    assert "no closer than 0.6 % of their peak, and at the apex no closer than by a factor of 1.32" in limits
    assert "fineness = 2 in the study" in limits
    assert "fineness" not in exactness.limits(replace(ERRORS, fineness=8))
    assert text in html and f"<b>{limits}</b>" in html
    rows = {row.moved: row.shown for row in exactness.error_rows(ERRORS)}
    assert rows["Twice the places, of the peak"] == ["0.4 %", "0.05 %", "0.5 %"]
    assert rows["Sum of both, powers of ten at the apex"] == ["0.023", "0.03", "0.12"]
    assert all(f'<th scope="row">{moved}</th>' in html for moved in rows)


def test_errors_that_pass_no_limit_or_one_ear_alone_are_said_so() -> None:
    total = Cost(5e-4, 0.12)
    one = moves(2e-4, 2e-4, 0.01, 0.01)
    apex = replace(
        ERRORS, total=total, drawn=DrawnErrors(1, one, one, one), beyond=Beyond(True, 0), measure=None
    )
    text = exactness.limits(apex)
    assert "the apex: the best-value ear. Read" in text and "% of their peak" not in text
    ears = exactness.exactness(apex, 1)
    assert "1 drawn ear by 0.02 % of the peak and 0.01 powers of ten at the apex. What" in ears
    within = replace(apex, total=Cost(5e-4, None), beyond=Beyond(False, 0))
    assert exactness.limits(within).startswith("The errors of vesicles are within their limits")
    assert "best-value ear in sum by 0.05 % of the peak; those" in exactness.exactness(within, 1)


def test_without_vesicles_only_what_was_given_is_accounted_for() -> None:
    nothing = dict.fromkeys(("arm", "space", "time", "total", "drawn", "beyond", "measure"))
    none = replace(ERRORS, **nothing)
    assert exactness.exactness(none, 3).startswith("What was given is accounted for")
    assert exactness.limits(none) == "" and exactness.error_rows(none) == []
    assert exactness.short(none) == "Numerical error 3×10⁻¹³ of what was given"


def test_the_numerical_error_is_one_line_and_its_details_are_folded(html: str) -> None:
    beyond = "in some ears concentrations of vesicles are less exact than their limits"
    line = f"Numerical error 0.05 dB, 0.47 % of the vesicles' peak; {beyond}"
    assert accuracy_lines(ERRORS) == [f"{line}; details in the report"]
    assert line.replace("'", "&#39;") in html
    fold = html[html.index("Numerical errors in full") :]
    assert exactness.exactness(ERRORS, 40) in fold[: fold.index("</details>")]


def test_the_contents_lead_to_every_section(html: str) -> None:
    contents = html[html.index('<nav class="contents"') : html.index("</nav>")]
    leads = re.findall(r'<a href="#([\w-]+)">', contents)
    assert leads == re.findall(r'<h2 id="([\w-]+)">', html)
    assert len(leads) == html.count("<h2") > 10


def test_the_numbers_behind_the_answer_are_folded(html: str) -> None:
    folds = re.findall(r"<details>.*?</details>", html, flags=re.DOTALL)
    folded = " ".join(" ".join(Reader(fold).words) for fold in folds)
    unfolded = " ".join(Reader(re.sub(r"<(style|script|details).*?</\1>", "", html, flags=re.DOTALL)).words)
    assert len(unfolded.split()) < 10_000
    for part in ("species.guinea_pig.number_000", 'otosome = "study/1"', exactness.exactness(ERRORS, 40)):
        assert part in folded and part not in unfolded


def test_shares_fill_the_bar() -> None:
    rows = axes.stack({"measured": 3, "assumed": 1, "direction": 0}, {"measured": "3", "assumed": "1"})
    assert [row.basis for row in rows] == ["measured", "assumed"]
    assert rows[-1].start + rows[-1].width == pytest.approx(100)


# ---------------------------------------------------------------- files


def test_the_same_result_gives_the_same_page(result: xr.Dataset, html: str) -> None:
    assert page(result, readings_of(result)) == html


def test_two_hundred_subjects_are_quick_and_small(tmp_path: Path) -> None:
    many = made_up(subjects=200)
    seen, place = readings_of(many), tmp_path / "report.html"
    begun = time.process_time()
    write_report(many, seen, place)
    assert time.process_time() - begun < 8
    assert place.stat().st_size < 4e6
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["figures", "report.html"]


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_the_picture_of_the_window_is_the_same_every_time(
    result: xr.Dataset, tmp_path: Path, ending: str
) -> None:
    one, two = tmp_path / f"one.{ending}", tmp_path / f"two.{ending}"
    write_window(result, one)
    write_window(result, two)
    assert one.read_bytes() == two.read_bytes()


def test_a_picture_in_another_format_is_refused(result: xr.Dataset, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"ends in '.png' or '.svg', not '.jpg'"):
        write_window(result, tmp_path / "window.jpg")


def test_the_last_page_says_what_is_claimed_and_whether_it_is_stale(monkeypatch: pytest.MonkeyPatch) -> None:
    row = {
        "about": "It <b>cures</b>.", "by": {"title": "A paper", "link": "javascript:alert(1)"}, "study": "made_up",
        "stands_on": [{"words": "<i>none</i>", "is": "none", "says": "open", "sources": [], "rows": []}],
        "figure": {"value": 1.0, "low": 0.5, "high": 2.0, "unit": "dB", "words": "<script>", "parts": []},
        "missing": "", "built_in": "", "verdict": "not measured", "command": "otosome claims it",
    }  # fmt: skip
    kept = {"version": "0", "seed": 1, "ears": 2, "evidence": "of old", "rows": [row]}
    result = made_up()
    result.attrs["name"] = "made_up"
    for stale in (True, False):
        monkeypatch.setattr(claims, "stored", lambda stale=stale: {**kept, "stale": stale})
        last = page(result, readings_of(result)).rpartition("<section>")[2]
        assert ("Stale: numbers on the shelves have changed since" in last) == stale
        assert (
            "It &lt;b&gt;cures&lt;/b&gt;." in last and "&lt;script&gt;" in last and "javascript" not in last
        )
        assert "1.00 dB (0.50 to 2.00)" in last and "with this study" in last


def test_a_lot_that_was_refused_is_said_before_all_else(result: xr.Dataset) -> None:
    said = f"{REFUSED} lot_9: half of its label."
    noted = relabelled(result, "notes", lambda notes: notes.insert(0, said))
    body = page(noted, readings_of(noted)).split("<body>")[1]
    assert re.sub(r"<[^>]+>", "", body).strip().startswith(said)


def test_a_sceptics_farther_end_is_explained_where_there_is_one() -> None:
    def row(name: str, high: float) -> dict[str, Any]:
        benefit = {"text": "3 dB", "exact": {"low": 0.0, "median": 3.0, "high": high}}
        return {"name": name, "benefit": benefit, "effective": 10.0, "meaning": ""}

    for high, said in ((39.0, True), (36.0, False), (20.0, False)):
        priors = {"rows": [row("as_printed", 36.0), row("sceptic", high)], "worlds": 10, "line": ""}
        assert any("learns less from the experiments" in line for line in prior_lines(priors)) == said


def test_the_interval_of_a_benefit_says_what_it_is_of(result: xr.Dataset) -> None:
    compared = summary.headline(result)
    assert compared is not None and compared.resampled is not None
    line = headline_lines(compared)[1]
    low, high = (numbers.amount(end, compared.unit) for end in compared.resampled.median)
    assert f"of single simulated ears in {compared.worlds} world" in line
    assert line.endswith(f"other worlds might show a median of {low} to {high}")
    assert "other worlds" not in headline_lines(replace(compared, resampled=None))[1]
