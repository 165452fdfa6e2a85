"""What docs/quality.md shows is what its commands print: ``python -m tools.documents quality`` writes it."""

import re
from pathlib import Path

from otosome.lots.record import parse_record
from tools.documents.quality import SHOWN, filled

DOCUMENT = Path(__file__).parent.parent / "docs" / "quality.md"


def test_the_document_shows_what_its_command_prints():
    text = DOCUMENT.read_text(encoding="utf-8")
    assert len(SHOWN.findall(text)) == 1
    assert filled(text) == text


def test_the_record_of_the_document_is_one():
    (record,) = re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert parse_record(record.encode(), "quality.md").name == "lot_7"
