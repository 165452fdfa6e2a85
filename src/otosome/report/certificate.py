"""A lot's certificate as a PDF to be filed: numbered pages, every test, files with hashes, room for signatures."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import matplotlib
from reportlab.lib.colors import Color, HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Image, KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from otosome import __version__
from otosome.answers.numbers import number
from otosome.units import Json

# Each decision by colour, and by mark and word where there is no colour.
COLOURS = {"release": "#1b6e3c", "refuse": "#b3261e", "cannot decide": "#8a5a00"}
MARKS = {"release": "✓", "refuse": "✗", "cannot decide": "?"}
NOT_STATED = "not stated"
NONE = "not finite"
_INK, _SOFT, _LINE, _WASH = (HexColor(code) for code in ("#1c2329", "#5c6770", "#c9cdc7", "#f3f4f0"))
# Between the margins and the 6 points that a frame keeps free on either side.
_WIDTH = A4[0] - 36 * mm - 12
# Shipped with matplotlib: the standard fonts of PDF lack Greek, Cyrillic and the marks.
_FONTS = {"Lot": "DejaVuSans.ttf", "Lot-Bold": "DejaVuSans-Bold.ttf"}
_SIGNED = ("Tested by", "Reviewed by", "Decided by")


def heads(values: Json) -> list[tuple[str, str]]:
    """What the certificate says first of a lot, in order; a field that the record lacks is said to be not stated.

    ``values``  what ``otosome.lots.values.lot_values`` says of the lot
    """
    fields = {
        "Product": "product",
        "Lot": "lot",
        "Sample": "sample",
        "Made": "made",
        "Tested": "tested",
        "Label": "label",
        "Specification": "specification",
    }
    rows = [(title, values[key] or NOT_STATED) for title, key in fields.items()]
    return [*rows, *([("Protein", values["protein"])] if values["protein"] else [])]


def conclusion(values: Json) -> str:
    """The decision in one sentence, without what a laboratory has still to do."""
    decision = values["decision"]
    names = [words(test["test"]) for test in values["tests"] if test["decision"] == decision]
    if decision == "release":
        return f"All {len(names)} tests lie within their limits."
    if not names:
        return "The specification asks for nothing."
    return f"{'Outside the limits' if decision == 'refuse' else 'Not decided'}: {', '.join(names)}."


COUNTED = (
    "File",
    "Sample in the file",
    "Measured",
    "Dilution",
    "Mean of its videos",
    "Warnings of the instrument",
)


def counted(values: Json) -> list[tuple[str, ...]]:
    """Each file of counts that the decision rests on, or that is a control or of the stored lot; as ``COUNTED``."""
    return [
        (
            file["file"] if file["use"] == "count" else f"{file['file']} ({file['use']})",
            file["sample"] or NOT_STATED,
            _measured(file),
            NOT_STATED
            if file["dilution"] is None
            else f"{number(file['dilution'])}, by {file['dilution_by']}",
            f"{file['particles_per_mL']:.3g} particles/mL, {_videos(file['videos'])}",
            "; ".join(file["warnings"]) or "none",
        )
        for file in values["counted"]
    ]


def _measured(file: Json) -> str:
    day = file["day"] or NOT_STATED
    other = f" (by the file {file['captured']})" if file["captured"] not in ("", file["day"]) else ""
    stored = f", stored {number(file['stored_days'])} d" if file["stored_days"] else ""
    return f"{day}{other}{stored}"


def _videos(videos: Sequence[int]) -> str:
    return "1 video" if len(videos) == 1 else f"{len(videos)} videos"


def grounds(values: Json) -> list[str]:
    """What else the decision rests on: accepted risks, the spread between counts, doubts about the files."""
    accepted = values["accepted"]
    lines = [
        f"Accepted risk of releasing a lot outside its limits: {accepted['consumer_risk']}. "
        f"Of refusing one inside: {accepted['producer_risk']}."
    ]
    count = values["count"]
    if count is not None:
        within, between = (number(100 * count[key], 2) for key in ("within_day", "between_days"))
        lines.append(
            f"The count is the median of what is known from {count['taken']}; videos are averaged by their logarithms, "
            "so it may lie below their mean. Counts of one day are taken to differ by "
            f"{within} %, and days by {between} %."
        )
    return [*lines, *values["doubts"]]


def runs(values: Json) -> list[str]:
    """Each run of an assay with the limits of its checks, and the wells left out of it."""
    every = {run["run"]: run for measured in values["potency"].values() for run in measured["runs"]}
    return [_run(run) for run in every.values()]


def _run(run: Json) -> str:
    checks = [f"{_check(check)}" for check in run["checks"]]
    left_out = f"left out: {', '.join(run['left_out'])}" if run["left_out"] else ""
    end = (
        run["refused"] or f"{number(run['r'], 3)} ({number(run['low'], 3)} to {number(run['high'], 3)}, 95 %)"
    )
    names = f"{run['run']}, {run['sample']} beside {run['reference']}, assay {run['assay']}"
    return f"{names}: {'; '.join(filter(None, [*checks, left_out, end]))}."


def _check(check: Json) -> str:
    """A check of a run: what was found, and what is allowed."""
    value, least, most = (
        NONE if check[key] is None else number(check[key], 3) for key in ("value", "least", "most")
    )
    ends = [check[key] for key in ("low", "high")]
    interval = "" if None in ends else f" ({number(ends[0], 3)} to {number(ends[1], 3)})"
    allowed = f"at least {least}" if check["most"] is None else f"{least} to {most}"
    return f"{check['name']} {value}{interval}, allowed {allowed}"


def potencies(values: Json) -> list[str]:
    """The relative potency of each mechanism's assays, whether or not it is limited."""
    lines = []
    for mechanism, measured in values["potency"].items():
        combined = measured["combined"]
        text = "none to report"
        if combined is not None:
            low, r, high = (number(combined[key], 3) for key in ("low", "r", "high"))
            text = f"{r} ({low} to {high}, 95 %)"
        lines.append(f"Relative potency, {words(mechanism)}: {text}.")
    return lines


def words(name: str) -> str:
    """A test's name as words."""
    return name.replace("_", " ")


def risk(probability: float | None) -> str:
    """A probability, never rounded to none or to a certainty; a dash where a word was compared."""
    if probability is None:
        return "–"
    if probability < 0.001:
        return "below 0.1 %"
    return "above 99.9 %" if probability > 0.999 else f"{number(100 * probability, 3)} %"


def certificate_pdf(values: Json, sizes: bytes | None = None) -> bytes:
    """The certificate as a PDF.

    ``values``  what ``otosome.lots.values.lot_values`` says of the lot
    ``sizes``   a picture of its size distribution, PNG
    """
    for name, file in _FONTS.items():
        if name not in pdfmetrics.getRegisteredFontNames():
            folder = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
            pdfmetrics.registerFont(TTFont(name, folder / file))
    stream = BytesIO()
    document = SimpleDocTemplate(
        stream,
        pagesize=A4,
        leftMargin=18 * mm,
        rightMargin=18 * mm,
        topMargin=22 * mm,
        bottomMargin=20 * mm,
        title=f"Certificate of analysis, lot {values['lot']}",
        author=f"otosome {__version__}",
        invariant=True,
    )
    document.build(_story(values, sizes), canvasmaker=partial(_Numbered, lot=values["lot"]))
    return stream.getvalue()


def _story(values: Json, sizes: bytes | None) -> list[Any]:
    parts: list[Any] = [_text("Certificate of analysis", 17, bold=True), Spacer(1, 3 * mm)]
    parts += [_grid([[_text(title, soft=True), _text(text)] for title, text in heads(values)], [0.2, 0.8])]
    parts += [Spacer(1, 4 * mm), _decision(values), Spacer(1, 4 * mm), _tests(values["tests"])]
    parts.append(_note(RISKS))
    parts += [_note(line) for line in (*grounds(values), *potencies(values), *runs(values))]
    if values["counted"]:
        rows = [[_text(title, 7, bold=True) for title in COUNTED]]
        rows += [[_text(cell, 7) for cell in row] for row in counted(values)]
        parts += [_heading("Counts"), _grid(rows, [0.2, 0.14, 0.13, 0.13, 0.15, 0.25], heading=True)]
    if sizes is not None:
        height = _WIDTH * SIZE_PICTURE[1] / SIZE_PICTURE[0]
        parts.append(KeepTogether([_heading("Sizes"), Image(BytesIO(sizes), _WIDTH, height)]))
    if values["beyond"]:
        rows = [[_text(words(test)), _text(text)] for test, text in values["beyond"].items()]
        parts += [_heading("Results beyond the specification, not judged"), _grid(rows, [0.3, 0.7])]
    if values["left_out"]:
        parts += [_heading("Left out"), *(_note(line) for line in values["left_out"])]
    rows = [[_text(file["name"]), _text(file["sha256"], 6.5)] for file in values["files"]]
    parts += [_heading("Files, with SHA-256"), _grid(rows, [0.38, 0.62])]
    parts.append(KeepTogether([_heading("Names and signatures"), _signatures()]))
    return parts


PROBABILITIES = ("Chance outside", "Chance inside")
# Width and height of the picture of sizes, CSS pixels.
SIZE_PICTURE = (620, 230)
RISKS = (
    "Intervals are 5 to 95 % (relative potency: 95 %). Chance outside, or inside: the probability that the true value "
    "lies outside, or inside, the limits, given how well it was measured. A test releases where outside is unlikely "
    "enough, refuses where inside is, and else cannot decide. The instrument's calibration is in neither."
)


def _decision(values: Json) -> Table:
    decision = values["decision"]
    colour = HexColor(COLOURS[decision])
    cells = [
        [_text(f"{MARKS[decision]} {decision.capitalize()}", 15, bold=True, colour=colour)],
        [_text(conclusion(values))],
    ]
    table = Table(cells, colWidths=[_WIDTH])
    table.setStyle(
        TableStyle(
            [
                ("BACKGROUND", (0, 0), (-1, -1), _WASH),
                ("LINEBEFORE", (0, 0), (0, -1), 3, colour),
                ("LEFTPADDING", (0, 0), (-1, -1), 10),
                ("TOPPADDING", (0, 0), (-1, 0), 8),
                ("BOTTOMPADDING", (0, 0), (-1, 0), 8),
                ("BOTTOMPADDING", (0, 1), (-1, 1), 8),
            ]
        )
    )
    return table


def _tests(tests: Sequence[Json]) -> Table:
    """A row a test: limit and its source, result, method, decision, both risks."""
    titles = ("Test, method", "Limit, source", "Result", "Decision", *PROBABILITIES)
    rows = [[_text(title, 7, bold=True) for title in titles]]
    for test in tests:
        decision = test["decision"]
        method = _safe(test["method"] or f"method {NOT_STATED}")
        name = f"<font name='Lot-Bold'>{_safe(words(test['test']))}</font><br/>{method}"
        limit = f"{_safe(test['asked'])}<br/>{_safe(test['source'])}"
        mark = f"{MARKS[decision]} {decision}"
        rows.append(
            [
                Paragraph(name, _style(7)),
                Paragraph(limit, _style(7)),
                _text(test["found"], 7),
                _text(mark, 7, bold=True, colour=HexColor(COLOURS[decision])),
                _text(risk(test["consumer"]), 7),
                _text(risk(test["producer"]), 7),
            ]
        )
    return _grid(rows, [0.23, 0.22, 0.25, 0.12, 0.09, 0.09], heading=True)


def _signatures() -> Table:
    rows = [[_text(title, 7, bold=True) for title in ("", "Name", "Signature", "Date")]]
    rows += [[_text(role), _text(""), _text(""), _text("")] for role in _SIGNED]
    return _grid(rows, [0.2, 0.3, 0.3, 0.2], heading=True, height=11 * mm)


def _grid(
    rows: list[list[Any]], shares: list[float], heading: bool = False, height: float | None = None
) -> Table:
    """Rows with thin lines; a heading stands again on every page."""
    heights = None if height is None else [None, *[height] * (len(rows) - 1)]
    table = Table(rows, [share * _WIDTH for share in shares], rowHeights=heights, repeatRows=int(heading))
    table.setStyle(
        TableStyle(
            [
                ("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE),
                ("VALIGN", (0, 0), (-1, -1), "TOP"),
                ("LEFTPADDING", (0, 0), (-1, -1), 2),
                ("RIGHTPADDING", (0, 0), (-1, -1), 4),
                ("TOPPADDING", (0, 0), (-1, -1), 3),
                ("BOTTOMPADDING", (0, 0), (-1, -1), 3),
            ]
        )
    )
    return table


def _heading(text: str) -> Paragraph:
    own = _style(10, bold=True)
    style = ParagraphStyle("heading", parent=own, spaceBefore=12, spaceAfter=4, keepWithNext=True)
    return Paragraph(_safe(text), style)


def _note(text: str) -> Paragraph:
    return Paragraph(_safe(text), ParagraphStyle("note", parent=_style(7, colour=_SOFT), spaceBefore=4))


def _text(
    text: str, size: float = 8.5, bold: bool = False, soft: bool = False, colour: Color = _INK
) -> Paragraph:
    return Paragraph(_safe(text), _style(size, bold, _SOFT if soft else colour))


def _style(size: float, bold: bool = False, colour: Color = _INK) -> ParagraphStyle:
    return ParagraphStyle(
        "text",
        fontName="Lot-Bold" if bold else "Lot",
        fontSize=size,
        leading=1.3 * size,
        textColor=colour,
        # A hash or a long name breaks where the column ends.
        splitLongWords=True,
        wordWrap="LTR",
    )


def _safe(text: str) -> str:
    """Text of a file, which is never markup."""
    return escape(text)


class _Numbered(Canvas):  # type: ignore[misc]  # reportlab has no types
    """Pages that know how many they are."""

    def __init__(self, *arguments: Any, lot: str, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._lot = lot
        self._pages: list[Json] = []

    def showPage(self) -> None:
        self._pages.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        for page, state in enumerate(self._pages, start=1):
            self.__dict__.update(state)
            self._edges(page)
            super().showPage()
        super().save()

    def _edges(self, page: int) -> None:
        """What stands at the head and foot of every page."""
        self.setFont("Lot", 7)
        self.setFillColor(_SOFT)
        self.drawString(18 * mm, A4[1] - 13 * mm, f"Lot {self._lot}")
        notice = "Research only: no release under any regulation, not for treating anyone"
        self.drawRightString(A4[0] - 18 * mm, A4[1] - 13 * mm, notice)
        self.drawString(18 * mm, 11 * mm, f"otosome {__version__}")
        self.drawRightString(A4[0] - 18 * mm, 11 * mm, f"Page {page} of {len(self._pages)}")
