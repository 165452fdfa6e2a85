"""What docs/quality.md shows is what its commands print: ``python tests/test_quality_document.py`` writes it."""

import re
from pathlib import Path

from otosome.catalog import Catalog
from otosome.lots.production import making
from otosome.lots.record import parse_dossier
from otosome.lots.text import process_words

DOCUMENT = Path(__file__).parent.parent / "docs" / "quality.md"
SHOWN = re.compile(r"(quality --process (\w+)\n<!-- .*? -->\n```\n)(.*?)(```)", re.DOTALL)


def written(text):
    """The document with what its commands print now."""
    return SHOWN.sub(lambda m: m[1] + process_words(making(m[2], Catalog())) + "\n" + m[4], text)


def test_the_document_shows_what_its_command_prints():
    text = DOCUMENT.read_text(encoding="utf-8")
    assert len(SHOWN.findall(text)) == 1
    assert written(text) == text


def test_the_record_of_the_document_is_one():
    (record,) = re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert parse_dossier(record.encode(), "quality.md").name == "lot_7"


if __name__ == "__main__":
    DOCUMENT.write_text(written(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
