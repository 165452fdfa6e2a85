"""XML and JSON files: parsed within bounds, without entities, document types or numbers that are none."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from otosome.laboratory.file import LARGEST_TREE, Export

if TYPE_CHECKING:
    from collections.abc import Iterator
    from xml.etree.ElementTree import Element

AGAIN = "export it again from the program that wrote it"


def xml(export: Export) -> Element:
    """The root of an XML file; raises BadInput for what is none, is too large or has entities."""
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    _small(export, "XML")
    try:
        root: Element = fromstring(export.content, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise export.refusal(
            "file", type(error).__name__, "XML without entities or document types", AGAIN
        ) from error
    return root


def local(element: Element) -> str:
    """An element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]


def below(element: Element, *names: str) -> Iterator[Element]:
    """Every element of these names inside another, in order, whatever their namespace."""
    return (inner for inner in element.iter() if local(inner) in names)


def text(element: Element, name: str) -> str:
    """The text of the first element of a name directly inside another; empty where there is none."""
    child = next((inner for inner in element if local(inner) == name), None)
    return (child.text or "").strip() if child is not None else ""


def json_object(export: Export) -> dict[str, object]:
    """A JSON file's object; raises BadInput for what is none or is too large."""
    _small(export, "JSON")
    try:
        value = json.loads(export.text)
    except (ValueError, RecursionError) as error:
        raise export.refusal("file", str(error)[:100], "JSON") from error
    if not isinstance(value, dict):
        raise export.refusal("file", type(value).__name__, "a JSON object")
    return value


def _small(export: Export, kind: str) -> None:
    if len(export.content) > LARGEST_TREE:
        raise export.refusal(
            "file", f"{len(export.content)} bytes of {kind}", f"at most {LARGEST_TREE}", AGAIN
        )
