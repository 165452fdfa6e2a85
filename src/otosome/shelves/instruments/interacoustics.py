"""Interacoustics audiometers (``SaData`` XML): pure-tone thresholds of a person.

Names, birth dates and personal numbers are not read. -2147483648 is no value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from otosome.laboratory.audiometry import Tone, audiogram
from otosome.laboratory.columns import EARS, unknown_ear
from otosome.laboratory.file import (
    LARGEST_TREE,
    Export,
    Refused,
    flags,
)
from otosome.laboratory.tables import Tables

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

SPACE = b"uuid:ee2fbfd9-47a5-4dc8-a9eb-42d9995802ab"
NOTHING = -2147483648.0
PATHWAY = {"AC": "air", "BC": "bone"}
NO_RESPONSE = {"NotHeard", "NoResponse", "NR"}
AGAIN = "export the session again from the audiometer's software"


@dataclass(frozen=True)
class Interacoustics:
    """The instrument, as the catalog finds it."""

    @staticmethod
    def recognises(head: bytes) -> bool:
        """Whether a file that begins so is one of its exports."""
        return b"<SaData" in head and SPACE in head

    @staticmethod
    def read(export: Export) -> Tables:
        """The table ``readings``: hearing levels by air, and by bone as another quantity; nobody's name."""
        tones, refused = list[Tone](), list[Refused]()
        for session in _tree(export).iter(_tag("Session")):
            created = _text(session, "Created")[:10]
            for tone in session.iter(_tag("Tone")):
                kind = _text(tone, "ConductionTypes")
                about = f"{_text(tone, 'Earside')} {kind} {_text(tone, 'Measurementtype')}"
                if kind not in PATHWAY or _text(tone, "Measurementtype") not in ("HL", ""):
                    refused.append(export.left_out("Tone", about, "is no hearing level by air or bone"))
                    continue
                for point in tone.iter(_tag("TonePoint")):
                    _point(export, tone, point, created, tones, refused)
        return audiogram(export, tones, refused, AGAIN)


def _point(
    export: Export, tone: Element, point: Element, created: str, tones: list[Tone], refused: list[Refused]
) -> None:
    """A threshold: the masked one where there is one, else the unmasked."""
    hertz = _number(export, point, "Frequency")
    masked = _number(export, point, "IntensityMT")
    use_masked = np.isfinite(masked)
    level = masked if use_masked else _number(export, point, "IntensityUT")
    status = _text(point, "StatusMT" if use_masked else "StatusUT")
    side, signal = _text(tone, "Earside"), _text(tone, "SignalType")
    if not np.isfinite(level):
        refused.append(export.left_out(f"{side}, {hertz:g} Hz", status, "no value"))
        return
    if status not in {"Heard", *NO_RESPONSE}:
        refused.append(export.left_out(f"{side}, {hertz:g} Hz", status, "neither heard nor not heard"))
        return
    about = flags(
        "masked" if use_masked else "",
        "" if signal == "Tone" else f"signal {signal[:20]}",
        unknown_ear(side),
    )
    tones.append(
        Tone(
            ear=EARS.get(side.lower(), ""),
            pathway=PATHWAY[_text(tone, "ConductionTypes")],
            hertz=hertz,
            level=level,
            answered=status not in NO_RESPONSE,
            recorded=created,
            flag=about,
        )
    )


def _tree(export: Export) -> Element:
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    if len(export.content) > LARGEST_TREE:
        raise export.refusal("file", f"{len(export.content)} bytes of XML", f"at most {LARGEST_TREE}", AGAIN)
    try:
        root: Element = fromstring(export.content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise export.refusal(
            "file", type(error).__name__, "XML without entities or document types", AGAIN
        ) from error
    return root


def _tag(name: str) -> str:
    return f"{{{SPACE.decode()}}}{name}"


def _text(element: Element, name: str) -> str:
    return (element.findtext(_tag(name)) or "").strip()


def _number(export: Export, point: Element, name: str) -> float:
    value = export.number(_text(point, name), name)
    return np.nan if value == NOTHING else value
