"""The links of a built site: those inside lead to a page and an anchor that are there; those outside are listed."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


@dataclass
class Page(HTMLParser):
    """The anchors of a page and where it links to."""

    anchors: set[str] = field(default_factory=set)
    targets: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take what names a place and what leads to one."""
        values = dict(attrs)
        for key in ("id", "name"):
            if values.get(key):
                self.anchors.add(str(values[key]))
        for key in ("href", "src"):
            if values.get(key):
                self.targets.append(str(values[key]))


def page_of(file: Path) -> Page:
    """A page read."""
    page = Page()
    page.feed(file.read_text(encoding="utf-8"))
    return page


def check(site: Path) -> tuple[list[str], list[str]]:
    """The broken links of a site, and every address outside it."""
    pages = {file: page_of(file) for file in sorted(site.rglob("*.html")) if "_static" not in file.parts}
    broken, outside = list[str](), set[str]()
    for file, page in pages.items():
        for target in page.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                outside.add(target)
            elif fault := _fault(file, unquote(parts.path), unquote(parts.fragment), site, pages):
                broken.append(f"{file.relative_to(site)}: {target}: {fault}")
    return broken, sorted(outside)


def _fault(file: Path, path: str, fragment: str, site: Path, pages: dict[Path, Page]) -> str:
    there = (file.parent / path).resolve() if path else file
    there = there / "index.html" if there.is_dir() else there
    if not there.is_file() or not there.is_relative_to(site):
        return "no such file"
    anchored = not fragment or there not in pages or fragment in pages[there].anchors
    return "" if anchored else "no such anchor"
